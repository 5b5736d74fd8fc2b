//! nearcache beside other caches: what the programs in `bin/` share.
//!
//! The ideal loop, the keys and the report are those of the core's own benchmark, taken in by path: the core's stays
//! free of the caches compared with here, and each is written once.

#[allow(missing_docs)]
#[path = "../../../core/benches/engine/report.rs"]
pub mod report;

pub mod by_count;
pub mod policies;
pub mod traces;

use std::path::PathBuf;

/// Where the repository's benchmarks leave what they measured.
pub fn results(name: &str) -> PathBuf {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.join(format!("target/bench/compare-{name}.json"))
}
