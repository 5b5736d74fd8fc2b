//! What is asked and answered in memcached's meta commands. A field's capital letter is the flag of the protocol.

use crate::error::Outcome;
use crate::types::{Expiry, Meta};

/// The questions of a meta get (`mg`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetaGet {
    /// N: on a miss make an empty item of this lifetime, and win it.
    pub vivify: Option<Expiry>,
    /// R: if fewer seconds are left than this, the first to ask wins the recache.
    pub recache: Option<u32>,
    /// R comes after T: it judges the time that the touch has given, and not that which was left before.
    pub recache_after_touch: bool,
    /// T: give the item this expiry.
    pub touch: Option<Expiry>,
    /// C: if this is the item's unique, the caller has the value already: it is not copied.
    pub compare: Option<u64>,
    /// E: the unique of an item that is made on a miss.
    pub unique: Option<u64>,
    /// u: the get counts for nothing in the choice of what to evict, and as no access.
    pub no_bump: bool,
    /// b: the key is binary (of an item that is made on a miss).
    pub binary: bool,
}

impl MetaGet {
    /// Does it change nothing but the count of hits?
    pub(crate) fn only_looks(&self) -> bool {
        self.vivify.is_none() && self.touch.is_none() && self.recache.is_none()
    }
}

/// The answers of a meta get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaHit {
    /// Length, flags, unique, time left (after a touch).
    pub meta: Meta,
    /// t, if it comes before T: seconds that were left to live before the touch; `None` is for ever.
    pub ttl_before: Option<u32>,
    /// W: this caller has won the right to recache.
    pub won: bool,
    /// X: the item is stale.
    pub stale: bool,
    /// Z: the right to recache was given to another before.
    pub sent: bool,
    /// h: the item had been read before this get.
    pub hit_before: bool,
    /// C: the unique was the one that was asked with, so the value was not copied.
    pub same: bool,
    /// l: seconds since the item was last asked for, exact to a minute; `None` unless the cache was made with
    /// [`Options::track_access`](crate::Options::track_access).
    pub last_access: Option<u32>,
    /// b: the key is binary.
    pub binary: bool,
    /// The whole item's size as memcached counts it.
    pub size: usize,
}

/// M: how a meta set (`ms`) stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetaMode {
    /// S: whatever is there.
    #[default]
    Set,
    /// E: only if there is nothing.
    Add,
    /// A: behind the present value.
    Append,
    /// P: before the present value.
    Prepend,
    /// R: only if there is something.
    Replace,
}

/// The wishes of a meta set (`ms`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetaSet {
    /// M: how to store.
    pub mode: MetaMode,
    /// F: the client's flags.
    pub flags: u32,
    /// T: the item's lifetime.
    pub expiry: Expiry,
    /// C: store only if this is the item's unique.
    pub compare: Option<u64>,
    /// E: the item's new unique, chosen by the caller.
    pub unique: Option<u64>,
    /// I: with a `compare` that was the item's unique *earlier*, store all the same, but stale and with the old
    /// expiry. Earlier is: less, if the item has a unique that a caller chose; else any that this cache may
    /// have chosen before.
    pub stale: bool,
    /// N: append and prepend make a missing item, with this lifetime.
    pub vivify: Option<Expiry>,
    /// b: the key is binary.
    pub binary: bool,
}

/// What a meta set did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaStored {
    /// Whether it stored, and the new unique.
    pub outcome: Outcome,
    /// s: the length of the value that was to be stored: the whole of it after an append.
    pub len: usize,
}

/// The wishes of a meta delete (`md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetaDelete {
    /// C: only if this is the item's unique.
    pub compare: Option<u64>,
    /// E: the unique of an item that stays.
    pub unique: Option<u64>,
    /// I: do not remove the item, but mark it stale, with a new unique.
    pub invalidate: bool,
    /// T: the expiry of an item that stays.
    pub expiry: Option<Expiry>,
    /// x: do not remove the item, but empty it: no value, no flags, no expiry unless one is given. It keeps its
    /// unique, unless it is invalidated as well.
    pub drop_value: bool,
}

/// The wishes of a meta arithmetic command (`ma`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaArith {
    /// M: down instead of up.
    pub down: bool,
    /// D: by how much; 1 unless said otherwise.
    pub delta: u64,
    /// C: only if this is the item's unique.
    pub compare: Option<u64>,
    /// E: the item's new unique, chosen by the caller.
    pub unique: Option<u64>,
    /// N: a missing item is made, with this lifetime and the value `initial`.
    pub vivify: Option<Expiry>,
    /// J: the value of an item that is made; the delta is not added to it.
    pub initial: u64,
    /// T: give an item that was present this expiry.
    pub touch: Option<Expiry>,
    /// b: the key is binary (of an item that is made).
    pub binary: bool,
}

impl Default for MetaArith {
    fn default() -> MetaArith {
        MetaArith {
            down: false,
            delta: 1,
            compare: None,
            unique: None,
            vivify: None,
            initial: 0,
            touch: None,
            binary: false,
        }
    }
}

/// What a meta arithmetic command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaSum {
    /// The number is now this.
    Number {
        /// v: the number.
        number: u64,
        /// c: the item's new unique.
        cas: u64,
        /// t: seconds left to live; `None` is for ever.
        ttl: Option<u32>,
    },
    /// There is no item.
    Missing,
    /// The unique is another one.
    Exists,
}
