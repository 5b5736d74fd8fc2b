//! Verbs in a damaged arena: see `nearcache_fuzz::damaged`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcache_fuzz::damaged::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcache_fuzz::rounds::run("damaged", nearcache_fuzz::damaged::run);
}
