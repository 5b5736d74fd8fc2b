//! The index: from a key's hash to the slot that holds its item's location.

mod find;

pub(crate) use crate::bucket::{Bucket, Ctrl, Place, SLOTS, Slot, mark};
pub(crate) use find::{Changed, Found, Search, bucket, grown, home, level, prefetch};
