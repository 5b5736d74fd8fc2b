//! Verbs beside the oracle: see `nearcache_fuzz::operations`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcache_fuzz::operations::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcache_fuzz::rounds::run("operations", nearcache_fuzz::operations::run);
}
