//! Command lines: see `nearcached_fuzz::options`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcached_fuzz::options::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcached_fuzz::rounds::run("options", nearcached_fuzz::options::run);
}
