//! Datagrams: see `nearcached_fuzz::frames`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcached_fuzz::frames::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcached_fuzz::rounds::run("frames", nearcached_fuzz::frames::run);
}
