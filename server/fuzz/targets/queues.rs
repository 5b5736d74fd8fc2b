//! Lines to a queue: see `nearcached_fuzz::queues`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| nearcached_fuzz::queues::run(data));

#[cfg(not(fuzzing))]
fn main() {
    nearcached_fuzz::rounds::run("queues", nearcached_fuzz::queues::run);
}
