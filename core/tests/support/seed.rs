//! Seeds: every test that draws numbers prints, when it fails, the one number that draws them again.
//!
//! * `NEARCACHE_SEED=<number>` replays a run.
//! * `NEARCACHE_STRESS_SECONDS=<seconds>` repeats each round of a stress test, with a new seed each time, until so
//!   much time has passed. A round itself is bounded by its count of operations, never by time.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// SplitMix64 (Steele, Lea and Flood, 2014): a few instructions a number, any seed is a good one.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The finalizer of SplitMix64: each bit of the input changes each bit of the output half of the time.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The seed of this run: from `NEARCACHE_SEED`, else a new one.
pub fn of_run() -> u64 {
    match std::env::var("NEARCACHE_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| {
            panic!("NEARCACHE_SEED is {text:?}: it must be a decimal number below 2^64")
        }),
        Err(_) => RandomState::new().hash_one(0),
    }
}

/// Runs `round` with a seed, and again with other seeds while `NEARCACHE_STRESS_SECONDS` last.
/// A round that panics has its seed printed.
pub fn rounds(mut round: impl FnMut(u64)) {
    let seconds = match std::env::var("NEARCACHE_STRESS_SECONDS") {
        Ok(text) => text.parse().unwrap_or_else(|_| {
            panic!("NEARCACHE_STRESS_SECONDS is {text:?}: it must be a number of seconds")
        }),
        Err(_) => 0,
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seed = of_run();
    loop {
        let told = Told(seed);
        round(seed);
        drop(told);
        if Instant::now() >= end {
            return;
        }
        seed = mix(seed);
    }
}

/// Prints the seed if it is dropped by a panic.
pub struct Told(pub u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with NEARCACHE_SEED={}", self.0);
        }
    }
}
