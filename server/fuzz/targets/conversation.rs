//! What clients say, cut anywhere: see `nearcached_fuzz::conversation`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcached_fuzz::conversation::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcached_fuzz::rounds::run("conversation", nearcached_fuzz::conversation::run);
}
