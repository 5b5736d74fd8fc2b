//! Files of caches that were changed: see `nearcache_fuzz::attach`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcache_fuzz::attach::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcache_fuzz::rounds::run("attach", nearcache_fuzz::attach::run);
}
