//! Fuzz targets of the daemon: bytes become a case, and a case that goes wrong panics, dies or hangs.
//!
//! Each target is a plain function of bytes. Under `cargo fuzz` libFuzzer finds the bytes; everywhere else [`rounds`]
//! draws them from seeds, so that a failing case is one number. How cases are read and drawn is the engine's: see
//! `core/fuzz`.

mod bench;
pub mod conversation;
pub mod frames;
#[path = "../../../core/fuzz/src/input.rs"]
mod input;
pub mod options;
pub mod parsers;
pub mod queues;
#[path = "../../../core/fuzz/src/rounds.rs"]
pub mod rounds;
mod script;
mod shown;
mod support;
