//! Lines, numbers and base64: see `nearcached_fuzz::parsers`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcached_fuzz::parsers::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcached_fuzz::rounds::run("parsers", nearcached_fuzz::parsers::run);
}
