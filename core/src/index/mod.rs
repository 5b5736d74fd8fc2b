//! The index: from a key's hash to the slot that holds its item's location.

mod bucket;
#[cfg(not(loom))]
mod find;

pub(crate) use bucket::SLOTS;
pub use bucket::{Bucket, Ctrl, Place, Slot, mark};
#[cfg(not(loom))]
pub(crate) use find::{Changed, Found, Search, bucket, grown, home, level, prefetch};
