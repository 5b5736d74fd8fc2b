//! `nearcache_item` and `nearcache_bytes`: the two small structs that calls share. They never change.

use std::ffi::c_void;

use nearcache::{Meta, MetaHit};

/// A bit of nearcache_item.state: this caller has won the right to store the item anew.
pub const NEARCACHE_STATE_WON: u32 = 1;
/// A bit of nearcache_item.state: the item was marked stale by nearcache_invalidate().
pub const NEARCACHE_STATE_STALE: u32 = 2;
/// A bit of nearcache_item.state: the right to store the item anew was given to another caller before.
pub const NEARCACHE_STATE_SENT: u32 = 4;
/// A bit of nearcache_item.state: the item had been read before this call.
pub const NEARCACHE_STATE_HIT_BEFORE: u32 = 8;
/// nearcache_item.ttl of an item that lives for ever.
pub const NEARCACHE_TTL_NEVER: i64 = -1;
/// The longest key, in bytes; the shortest has 1.
pub const NEARCACHE_KEY_MAX: u32 = 250;

const _: () = assert!(nearcache::KEY_MAX == NEARCACHE_KEY_MAX as usize);

/// What is known of a hit besides its bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_item {
    /// The item's unique, for nearcache_cas() and nearcache_delete_cas().
    pub cas: u64,
    /// Seconds left to live, or NEARCACHE_TTL_NEVER.
    pub ttl: i64,
    /// The value's length in bytes.
    pub len: usize,
    /// The flags it was stored with.
    pub flags: u32,
    /// NEARCACHE_STATE_ bits, told by nearcache_meta_get() and nearcache_lease(); 0 from other calls.
    pub state: u32,
}

impl From<Meta> for nearcache_item {
    #[inline(always)]
    fn from(meta: Meta) -> Self {
        nearcache_item {
            cas: meta.cas,
            ttl: meta.ttl.map_or(NEARCACHE_TTL_NEVER, i64::from),
            len: meta.len,
            flags: meta.flags,
            state: 0,
        }
    }
}

impl From<MetaHit> for nearcache_item {
    fn from(hit: MetaHit) -> Self {
        let bit = |is: bool, bit: u32| if is { bit } else { 0 };
        nearcache_item {
            state: bit(hit.won, NEARCACHE_STATE_WON)
                | bit(hit.stale, NEARCACHE_STATE_STALE)
                | bit(hit.sent, NEARCACHE_STATE_SENT)
                | bit(hit.hit_before, NEARCACHE_STATE_HIT_BEFORE),
            ..hit.meta.into()
        }
    }
}

/// Bytes lent: by the caller for the keys of nearcache_get_many(), to the caller by nearcache_iter_next() and its like.
#[repr(C)]
pub struct nearcache_bytes {
    /// The bytes; NULL only if there are none.
    pub data: *const c_void,
    /// How many.
    pub len: usize,
}
