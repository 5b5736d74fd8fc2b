//! What is told of items to those who look at all of them, and to those who want to know what leaves unasked.

use std::fmt::Debug;

/// How far a scan has come; see [`Cache::scan`](crate::Cache::scan). It borrows nothing and may be kept for any time; the
/// default is the beginning.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The index's level when the scan began: entries are met by their bucket of that time, so that a doubling in
    /// between neither hides one nor begins the scan anew.
    pub(crate) level: Option<u64>,
    /// The next bucket of that level.
    pub(crate) next: u64,
}

/// An item met by a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value's length in bytes.
    pub value_len: usize,
    /// The client's flags.
    pub flags: u32,
    /// The cas unique.
    pub cas: u64,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
    /// It has been read.
    pub fetched: bool,
    /// Seconds since the item was last asked for, exact to a minute; `None` unless the cache was made with
    /// [`Options::track_access`](crate::Options::track_access).
    pub last_access: Option<u32>,
    /// The key is binary.
    pub binary: bool,
    /// It was invalidated and waits to be recached.
    pub stale: bool,
    /// The whole item's size as memcached counts it.
    pub size: usize,
    /// How often it was read of late, from 0 to 3: what eviction goes by.
    pub reads: Option<u8>,
    /// Seconds since it was stored, or some more: since its segment was opened. `None` if eviction has kept and moved
    /// it since.
    pub age: Option<u32>,
}

/// Why an item left the cache without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It made room for others.
    Evicted,
    /// Its memory was reclaimed after its time.
    Expired,
}

/// An item that has just left the cache without being asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gone<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value's length in bytes.
    pub value_len: usize,
    /// The client's flags.
    pub flags: u32,
    /// Seconds it had left to live; `None` is for ever.
    pub ttl: Option<u32>,
    /// It had been read.
    pub fetched: bool,
    /// Seconds since the item was last asked for, as in [`Seen::last_access`].
    pub last_access: Option<u32>,
    /// The whole item's size as memcached counts it.
    pub size: usize,
    /// The key is binary.
    pub binary: bool,
    /// Why.
    pub reason: Reason,
}

/// Is told of every item that this process evicts or finds expired while it makes room; what is deleted, replaced or
/// flushed is not told, and nothing of what other processes do.
///
/// It is called by the thread that makes room, in the middle of a store. No lock is held then that a reader or another
/// writer waits for, but the store waits for it: be brief. It must not call the cache, whose operation is under way. A
/// panic in it is caught and goes no further.
pub trait Observer: Send + Sync + Debug {
    /// The item is gone from the index; a reader that had found it before may still be reading it.
    fn gone(&self, item: &Gone<'_>);
}
