//! The safe face: `Cache`, `Options`, `Pin`.

use crate::{Deletion, Error, Outcome, Stats, Touch};
use std::mem::MaybeUninit;

/// When an item dies, in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// This many seconds from now.
    After(u32),
    /// At this Unix time (already dead if that is past).
    At(i64),
    /// Dead from the start: the store succeeds, the old value is gone, a get misses.
    Past,
}

impl Expiry {
    /// memcached's rule: 0 never, up to 30 days relative seconds, above that an absolute Unix time,
    /// negative already expired.
    pub fn from_exptime(exptime: i64) -> Expiry {
        const MONTH: i64 = 60 * 60 * 24 * 30;
        match exptime {
            0 => Expiry::Never,
            i64::MIN..0 => Expiry::Past,
            1..=MONTH => Expiry::After(exptime as u32),
            _ => Expiry::At(exptime),
        }
    }
}

/// How a cache is made. `Options::new(bytes).open()`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The memory limit in bytes, exact over everything: items, index, metadata. At least [`Options::SIZE_MIN`].
    pub size: u64,
    /// The largest item, counted as memcached counts it (key + value + about 60 bytes). 1 KiB to 1 GiB; default 1 MiB.
    pub item_size_max: usize,
    /// Evict when memory is full (the default), or refuse with [`Error::OutOfMemory`].
    pub evict: bool,
    /// The expected average of key + value in bytes; sizes the index. Default 100.
    pub item_size_hint: usize,
    /// A clock that moves only by [`Cache::advance_clock`], for tests. Default false.
    pub manual_clock: bool,
}

impl Options {
    /// The smallest memory limit: 1 MiB.
    pub const SIZE_MIN: u64 = 1 << 20;
    /// Defaults with this memory limit in bytes.
    pub fn new(size: u64) -> Options {
        Options {
            size,
            item_size_max: 1 << 20,
            evict: true,
            item_size_hint: 100,
            manual_clock: false,
        }
    }
    /// Makes the cache.
    pub fn open(&self) -> Result<Cache, Error> {
        todo!()
    }
}

/// A storing verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Store whatever is there.
    Set,
    /// Store only if there is nothing.
    Add,
    /// Store only if there is something.
    Replace,
    /// Add the bytes behind the present value; flags and expiry given are ignored.
    Append,
    /// Add the bytes before the present value; flags and expiry given are ignored.
    Prepend,
    /// Store only if the item's unique is still this.
    Cas(u64),
}

/// What is known of a hit besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The value's length in bytes.
    pub len: usize,
    /// The client's flags.
    pub flags: u32,
    /// The cas unique.
    pub cas: u64,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
}

/// A hit copied out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value {
    /// The bytes.
    pub data: Vec<u8>,
    /// The client's flags.
    pub flags: u32,
    /// The cas unique.
    pub cas: u64,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
}

/// An item met by iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value and its attributes.
    pub value: Value,
}

/// Where a get copies to. Implemented for `Vec<u8>` (cleared and filled).
pub trait Sink {
    /// Room for exactly `len` bytes, or `None` to refuse them (the hit is then reported without its bytes).
    /// May be called again with another length when the item changed while it was copied: the last call counts,
    /// and all of its bytes have been written when the get returns. No lock or pin of the cache is held during the call.
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]>;
}

/// The questions of a meta get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetaGet {
    /// N: on a miss make an empty item of this lifetime, and win it.
    pub vivify: Option<Expiry>,
    /// R: if fewer seconds are left than this, the first to ask wins the recache.
    pub recache: Option<u32>,
    /// T: give the item this expiry.
    pub touch: Option<Expiry>,
}

/// The answers of a meta get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaHit {
    /// Length, flags, unique, time left.
    pub meta: Meta,
    /// W: this caller has won the right to recache.
    pub won: bool,
    /// X: the item is stale.
    pub stale: bool,
    /// Z: the right to recache was given to another before.
    pub sent: bool,
    /// h: the item had been read before this get.
    pub hit_before: bool,
}

/// A cache. `&Cache` is all that any verb needs; share it between threads by reference or `Arc`.
#[derive(Debug)]
pub struct Cache {}

impl Cache {
    /// Copies the value out. A miss is `Ok(None)`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        let _ = key;
        todo!()
    }
    /// Copies the value into `sink`; the fastest way to read into memory of one's own.
    pub fn get_to<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Result<Option<Meta>, Error> {
        let _ = (key, sink);
        todo!()
    }
    /// Calls `hit(index of the key, its meta, its bytes)` for each key that is present, in the order of `keys`.
    /// Keys that are empty or too long are an error before anything is read.
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        hit: impl FnMut(usize, Meta, &[u8]),
    ) -> Result<(), Error> {
        let _ = (keys, hit);
        todo!()
    }
    /// Is the key present? Copies nothing and counts no hit.
    pub fn contains(&self, key: &[u8]) -> Result<bool, Error> {
        let _ = key;
        todo!()
    }
    /// Get and touch.
    pub fn gat(&self, key: &[u8], expiry: Expiry) -> Result<Option<Value>, Error> {
        let _ = (key, expiry);
        todo!()
    }
    /// Get and touch into a sink.
    pub fn gat_to<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        expiry: Expiry,
        sink: &mut S,
    ) -> Result<Option<Meta>, Error> {
        let _ = (key, expiry, sink);
        todo!()
    }
    /// memcached's `mg`: a get that can vivify, win a recache, and see staleness.
    pub fn meta_get<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        ask: MetaGet,
        sink: &mut S,
    ) -> Result<Option<MetaHit>, Error> {
        let _ = (key, ask, sink);
        todo!()
    }
    /// The value in place, without a copy, kept from being reused while the pin lives. `None` is a miss.
    pub fn pin(&self, key: &[u8]) -> Result<Option<Pin<'_>>, Error> {
        let _ = key;
        todo!()
    }
    /// Any storing verb.
    pub fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        let _ = (verb, key, value, flags, expiry);
        todo!()
    }
    /// Stores, whatever is there. Too large or out of memory: an error, and the old value is gone.
    pub fn set(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        self.store(Verb::Set, key, value, flags, expiry)
    }
    /// Stores only if the key is missing.
    pub fn add(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        self.store(Verb::Add, key, value, flags, expiry)
    }
    /// Stores only if the key is present.
    pub fn replace(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        self.store(Verb::Replace, key, value, flags, expiry)
    }
    /// Adds bytes behind the value; flags and expiry stay.
    pub fn append(&self, key: &[u8], value: &[u8]) -> Result<Outcome, Error> {
        self.store(Verb::Append, key, value, 0, Expiry::Never)
    }
    /// Adds bytes before the value; flags and expiry stay.
    pub fn prepend(&self, key: &[u8], value: &[u8]) -> Result<Outcome, Error> {
        self.store(Verb::Prepend, key, value, 0, Expiry::Never)
    }
    /// Stores only if the item's unique is still `unique`.
    pub fn cas(
        &self,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
        unique: u64,
    ) -> Result<Outcome, Error> {
        self.store(Verb::Cas(unique), key, value, flags, expiry)
    }
    /// Adds to a decimal number, wrapping at 2^64. `None` is a miss.
    pub fn incr(&self, key: &[u8], delta: u64) -> Result<Option<u64>, Error> {
        let _ = (key, delta);
        todo!()
    }
    /// Subtracts from a decimal number, stopping at 0. `None` is a miss.
    pub fn decr(&self, key: &[u8], delta: u64) -> Result<Option<u64>, Error> {
        let _ = (key, delta);
        todo!()
    }
    /// Adds; a missing key is stored as `initial` (without the delta) with this expiry.
    pub fn incr_or(
        &self,
        key: &[u8],
        delta: u64,
        initial: u64,
        expiry: Expiry,
    ) -> Result<u64, Error> {
        let _ = (key, delta, initial, expiry);
        todo!()
    }
    /// Subtracts; a missing key is stored as `initial` (without the delta) with this expiry.
    pub fn decr_or(
        &self,
        key: &[u8],
        delta: u64,
        initial: u64,
        expiry: Expiry,
    ) -> Result<u64, Error> {
        let _ = (key, delta, initial, expiry);
        todo!()
    }
    /// Gives the item a new expiry.
    pub fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Error> {
        let _ = (key, expiry);
        todo!()
    }
    /// Removes the item.
    pub fn delete(&self, key: &[u8]) -> Result<Deletion, Error> {
        let _ = key;
        todo!()
    }
    /// Removes the item only if its unique is still `unique`.
    pub fn delete_cas(&self, key: &[u8], unique: u64) -> Result<Deletion, Error> {
        let _ = (key, unique);
        todo!()
    }
    /// memcached's `md I`: marks the item stale with a new unique, and gives it a new expiry if one is given.
    /// The next `meta_get` wins the recache.
    pub fn invalidate(&self, key: &[u8], expiry: Option<Expiry>) -> Result<Touch, Error> {
        let _ = (key, expiry);
        todo!()
    }
    /// Everything dies: now if `delay` is 0, else when that many seconds have passed (what is stored until
    /// then dies too). A second call replaces a pending one.
    pub fn flush_all(&self, delay: u32) {
        let _ = delay;
        todo!()
    }
    /// Every item, in no order; weakly consistent: what is there throughout is met once, what comes or goes
    /// meanwhile may or may not be met.
    pub fn iter(&self) -> Entries<'_> {
        todo!()
    }
    /// Every key that starts with `prefix`; as [`Cache::iter`].
    pub fn keys(&self, prefix: &[u8]) -> Keys<'_> {
        let _ = prefix;
        todo!()
    }
    /// The counters.
    pub fn stats(&self) -> Stats {
        todo!()
    }
    /// Sets the counters to 0 (not `curr_items`, `bytes`, `limit_maxbytes`).
    pub fn reset_stats(&self) {
        todo!()
    }
    /// Items in the cache, expired ones not yet reclaimed included.
    pub fn len(&self) -> u64 {
        self.stats().curr_items
    }
    /// No items?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The largest item, as memcached counts it.
    pub fn item_size_max(&self) -> usize {
        todo!()
    }
    /// The cache's idea of the Unix time, in seconds (moved by hand under a manual clock).
    pub fn unix_time(&self) -> i64 {
        todo!()
    }
    /// Moves a manual clock forward by `seconds`. An error if the cache runs on the system's clock.
    pub fn advance_clock(&self, seconds: u32) -> Result<(), Error> {
        let _ = seconds;
        todo!()
    }
    /// Recounts a quiet cache and names the first broken invariant. No other thread may write meanwhile.
    pub fn check(&self) -> Result<(), Error> {
        todo!()
    }
}

/// A value in place; see [`Cache::pin`].
#[derive(Debug)]
pub struct Pin<'a> {
    meta: Meta,
    bytes: &'a [u8],
}

impl Pin<'_> {
    /// Length, flags, unique, time left (when pinned).
    pub fn meta(&self) -> Meta {
        self.meta
    }
}

impl std::ops::Deref for Pin<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// Iterator of [`Cache::iter`].
#[derive(Debug)]
pub struct Entries<'a>(&'a Cache);
impl Iterator for Entries<'_> {
    type Item = Entry;
    fn next(&mut self) -> Option<Entry> {
        let _ = self.0;
        todo!()
    }
}

/// Iterator of [`Cache::keys`].
#[derive(Debug)]
pub struct Keys<'a>(&'a Cache);
impl Iterator for Keys<'_> {
    type Item = Vec<u8>;
    fn next(&mut self) -> Option<Vec<u8>> {
        let _ = self.0;
        todo!()
    }
}
impl Sink for Vec<u8> {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let _ = len;
        todo!()
    }
}
