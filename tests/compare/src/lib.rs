//! nearcache beside other caches: what the programs in `bin/` share.
//!
//! The ideal loop, the keys, the works and the rows of a report are those of the core's own benchmark, taken in by
//! path: so the core's stays free of the caches compared with here, and each is written once.

#[allow(missing_docs)]
#[path = "../../../core/benches/engine/load.rs"]
pub mod load;
#[allow(missing_docs)]
#[path = "../../../core/benches/engine/peers.rs"]
pub mod peers;
#[allow(missing_docs)]
#[path = "../../../core/benches/engine/report.rs"]
pub mod report;
#[allow(missing_docs)]
#[path = "../../../core/benches/engine/work.rs"]
pub mod work;

pub mod by_count;
pub mod chart;
pub mod document;
pub mod lifetimes;
pub mod others;
pub mod policies;
pub mod traces;
