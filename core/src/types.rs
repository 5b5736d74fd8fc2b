//! The words in which the cache is spoken to: options, expiries, verbs, values and sinks.

mod home;
mod meta;
mod seen;

pub use home::{Access, Home, Info, Life, Process, Region};
pub use meta::{MetaArith, MetaDelete, MetaGet, MetaHit, MetaMode, MetaSet, MetaStored, MetaSum};
pub use seen::{Cursor, Gone, Observer, Reason, Seen};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// When an item dies, in whole seconds. An item lives at most 17 years from the cache's creation: what is to
/// live longer, but not for ever, is cut to that.
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

/// What is evicted when memory is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u64)]
pub enum Policy {
    /// What was not read again soon after it was stored goes first, then what is read least (S3-FIFO, Yang et al.,
    /// SOSP'23, over segments). Fewer misses than LRU on nearly all workloads; a scan of what is read once does not
    /// push out what is read often.
    #[default]
    S3Fifo = 0,
    /// What was not read since its segment was last passed goes first: recency alone, as one second chance gives it.
    Lru = 1,
}

/// How a cache is made. `Options::new(bytes).open()`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The memory limit in bytes, exact over everything: items, index, metadata. At least [`Options::SIZE_MIN`].
    pub size: u64,
    /// The most that [`Cache::set_memory_limit`](crate::Cache::set_memory_limit) may move the limit to. What lies beyond
    /// `size` costs addresses and 80 bytes a segment (64 KiB to 1 MiB each) until then. Default: `size`.
    pub memory_max: Option<u64>,
    /// The largest item, counted as memcached counts it (key + value + about 60 bytes). 1 KiB to 1 GiB; default 1 MiB.
    /// Never more than half of `size`.
    pub item_size_max: usize,
    /// Evict when memory is full (the default), or refuse with [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub evict: bool,
    /// What is evicted when memory is full. Default [`Policy::S3Fifo`].
    pub policy: Policy,
    /// The expected average of key + value in bytes; sizes the index. Default 100.
    pub item_size_hint: usize,
    /// A clock that moves only by [`Cache::advance_clock`](crate::Cache::advance_clock), for tests. Default false.
    pub manual_clock: bool,
    /// Keep for each item when it was last asked for, as memcached's `mg l` and `me` tell it: 4 bytes an item,
    /// which are mostly there anyway, and each get looks at the clock. Default false.
    pub track_access: bool,
    /// Where the memory lives. Default [`Home::Private`].
    pub home: Home,
    /// What to do about a cache that is there already, or is not. Default [`Access::OpenOrCreate`]. A private or
    /// inherited one is always created.
    pub access: Access,
    /// Permission bits of a file that is created. Default 0o600: this user alone. Processes that may write the
    /// memory trust one another.
    pub permissions: u32,
    /// Is told of what this process evicts or finds expired. It is this handle's own, and not kept with the cache.
    /// Default: nobody.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Options {
    /// The smallest memory limit: 1 MiB.
    pub const SIZE_MIN: u64 = 1 << 20;
    /// The largest: 4 TiB.
    pub const SIZE_MAX: u64 = 1 << 42;

    /// Defaults with this memory limit in bytes.
    pub fn new(size: u64) -> Options {
        Options {
            size,
            memory_max: None,
            item_size_max: 1 << 20,
            evict: true,
            policy: Policy::S3Fifo,
            item_size_hint: 100,
            manual_clock: false,
            track_access: false,
            home: Home::Private,
            access: Access::OpenOrCreate,
            permissions: 0o600,
            observer: None,
        }
    }

    /// The same, in another home.
    pub fn home(self, home: Home) -> Options {
        Options { home, ..self }
    }

    /// The same, with another way of dealing with what is there, or is not.
    pub fn access(self, access: Access) -> Options {
        Options { access, ..self }
    }

    /// Attaches a cache that is there: [`Access::Existing`].
    pub fn attach(home: Home) -> Options {
        Options::new(Options::SIZE_MIN).home(home).access(Access::Existing)
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

impl Meta {
    /// To be filled in.
    pub(crate) const NONE: Meta = Meta { len: 0, flags: 0, cas: 0, ttl: None };
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

    /// [`room`](Sink::room) for the value of a hit of which this is known: what the cache calls. A sink that has what was
    /// made of these bytes, and knows it by their unique, refuses them here, and they are not copied at all. Among
    /// several calls it is again the last that counts.
    #[inline(always)]
    fn room_for(&mut self, meta: &Meta) -> Option<&mut [MaybeUninit<u8>]> {
        self.room(meta.len)
    }
}

impl Value {
    pub(crate) fn new(data: Vec<u8>, meta: Meta) -> Value {
        Value { data, flags: meta.flags, cas: meta.cas, ttl: meta.ttl }
    }
}

/// Initialised bytes as room to be written.
pub(crate) fn as_room(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layouts are the same, and whoever gets the room only writes bytes to it.
    unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

impl Sink for Vec<u8> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        // Only what the vector grows by is zeroed: one that is used again costs nothing.
        if self.len() != len {
            resize(self, len);
        }
        Some(as_room(self))
    }
}

#[inline(never)]
fn resize(bytes: &mut Vec<u8>, len: usize) {
    bytes.resize(len, 0);
}
