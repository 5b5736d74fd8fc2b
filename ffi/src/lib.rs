//! The C library: `include/nearcache.h` is generated from this crate by cbindgen, with `cbindgen.toml`
//! holding its first page. One file for each C type or family of verbs; `border` is the only way in.
//!
//! What crosses is decided in three places: `border` turns pointers into slices and panics into a status,
//! `status` turns failures into numbers and sentences, and the other files only call the core.

// The names below are C's, so that the header can be read beside the source.
#![allow(non_camel_case_types)]

mod border;
mod cache;
mod item;
mod iter;
mod lease;
mod meta;
mod number;
mod options;
mod pin;
mod process;
mod read;
mod region;
mod remove;
mod stats;
mod status;
mod store;
mod version;

// Last, so that it comes last in the header, too.
#[cfg(feature = "store")]
mod durable;
