//! Fuzz targets: bytes become a case, and a case that goes wrong panics, dies or hangs.
//!
//! Each target is a plain function of bytes. Under `cargo fuzz` libFuzzer finds the bytes; everywhere else [`rounds`]
//! draws them from seeds, so that a failing case is one number. CONTRIBUTING.md tells how both are run.

pub mod attach;
pub mod damaged;
mod draw;
mod input;
pub mod operations;
pub mod rounds;

/// The oracle, the operations and the seeds of the engine's own tests.
#[path = "../../tests/support/mod.rs"]
mod support;
