//! The index: from a key's hash to the slot that holds its item's location.

mod find;
mod line;

pub(crate) use crate::bucket::{Bucket, Ctrl, Place, SLOTS, Slot, mark};
pub(crate) use find::{Changed, Found, Search, bucket, grown, home, level, likely, prefetch};
pub(crate) use line::{candidates, find};
