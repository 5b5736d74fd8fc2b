//! Runs proptest so that a failing case prints the seed that draws it again, beside the shrunk operations.
//!
//! `NEARCACHE_SEED` replays (with the same `NEARCACHE_CASES`), `NEARCACHE_CASES` sets how many cases are drawn.

use super::ops::{Op, Shape, sequences};
use super::pair::{Memory, Pair};
use super::seed;
use nearcache::Options;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::fmt::Write;

/// Draws sequences of this shape and runs each on a new cache beside the oracle.
pub fn holds(shape: &Shape, options: &Options, memory: Memory, cases: u32) {
    let cases = match std::env::var("NEARCACHE_CASES") {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("NEARCACHE_CASES is {text:?}: it must be a count")),
        Err(_) => cases,
    };
    let seed = seed::of_run();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&sequences(shape), |ops| {
        Pair::new(options, memory).run(&ops).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, ops)) => {
            panic!("{why}\nreplay with NEARCACHE_SEED={seed}; shrunk to:\n{}", listed(&ops))
        }
        Err(TestError::Abort(why)) => panic!("{why}; replay with NEARCACHE_SEED={seed}"),
    }
}

fn listed(ops: &[Op]) -> String {
    ops.iter().enumerate().fold(String::new(), |mut text, (at, op)| {
        writeln!(text, "  {at}: {op:?}").expect("a string takes all");
        text
    })
}
