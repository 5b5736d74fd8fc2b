//! The safe face: `Cache`, its pins and its iterators.

mod attached;
mod iter;

pub use attached::{regions, unlink};
use iter::Steps;
pub use iter::{Entries, Keys};

use crate::header::Delta;
use crate::memory::Arena;
use crate::ops::{Pinned, check_key};
#[cfg(nearcache_damage)]
use crate::sync::AtomicU64;
use crate::types::{Cursor, Expiry, Meta, Seen, Sink, Value, Verb};
use crate::types::{MetaArith, MetaDelete, MetaGet, MetaHit, MetaSet, MetaStored, MetaSum};
use crate::{Deletion, Error, Outcome, Stats, Touch, check, ops, seat};
use std::sync::Arc;

/// A cache. `&Cache` is all that any verb needs; share it between threads by reference or `Arc`.
#[derive(Debug)]
pub struct Cache {
    arena: Arc<Arena>,
}

impl Cache {
    /// Copies the value out. A miss is `Ok(None)`.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        check_key(key)?;
        Ok(ops::get(&self.arena, key))
    }
    /// Copies the value into `sink`; the fastest way to read into memory of one's own.
    pub fn get_to<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        sink: &mut S,
    ) -> Result<Option<Meta>, Error> {
        check_key(key)?;
        Ok(ops::get_to(&self.arena, key, sink))
    }
    /// Calls `hit(index of the key, its meta, its bytes)` for each key that is present, in the order of `keys`.
    /// Keys that are empty or too long are an error before anything is read.
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        hit: impl FnMut(usize, Meta, &[u8]),
    ) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key.as_ref()))?;
        ops::get_many(&self.arena, keys, hit);
        Ok(())
    }
    /// Is the key present? Copies nothing and counts no hit.
    pub fn contains(&self, key: &[u8]) -> Result<bool, Error> {
        check_key(key)?;
        Ok(seat::look(&self.arena).peek(key).is_some())
    }
    /// Length, flags, unique and time left of a present item. Copies nothing and counts no hit.
    pub fn peek(&self, key: &[u8]) -> Result<Option<Meta>, Error> {
        check_key(key)?;
        Ok(seat::look(&self.arena).peek(key))
    }
    /// Get and touch; fails as [`Cache::touch`] does.
    pub fn gat(&self, key: &[u8], expiry: Expiry) -> Result<Option<Value>, Error> {
        let mut data = Vec::new();
        let meta = self.gat_to(key, expiry, &mut data)?;
        Ok(meta.map(|meta| Value::new(data, meta)))
    }
    /// Get and touch into a sink.
    pub fn gat_to<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        expiry: Expiry,
        sink: &mut S,
    ) -> Result<Option<Meta>, Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.gat_to(key, expiry, sink)
    }
    /// memcached's `mg`: a get that can vivify, win a recache, and see staleness.
    pub fn meta_get<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        ask: MetaGet,
        sink: &mut S,
    ) -> Result<Option<MetaHit>, Error> {
        check_key(key)?;
        let op = match ask.only_looks() {
            true => seat::look(&self.arena),
            false => seat::begin(&self.arena)?,
        };
        op.meta_get(key, ask, sink)
    }
    /// memcached's `ms`: every storing verb, with a unique to compare with and one to store.
    ///
    /// A value that is too large removes the old one, whatever the mode. Append and prepend keep the present
    /// item's flags and expiry.
    ///
    /// ```
    /// use nearcache::{MetaMode, MetaSet, Options, Outcome};
    ///
    /// let cache = Options::new(1 << 20).open()?;
    /// let ask = MetaSet { unique: Some(7), ..MetaSet::default() };
    /// assert_eq!(cache.meta_set(b"page", b"one", ask)?.outcome, Outcome::Stored(7));
    /// let ask = MetaSet { mode: MetaMode::Append, compare: Some(7), ..MetaSet::default() };
    /// assert_eq!(cache.meta_set(b"page", b", two", ask)?.len, 8);
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn meta_set(&self, key: &[u8], value: &[u8], ask: MetaSet) -> Result<MetaStored, Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.meta_set(key, value, ask, true)
    }
    /// memcached's `md`: removes an item, marks it stale, or empties it.
    pub fn meta_delete(&self, key: &[u8], ask: MetaDelete) -> Result<Deletion, Error> {
        Ok(self.meta_delete_seen(key, ask)?.0)
    }
    /// The same, and tells what was there.
    pub fn meta_delete_seen(
        &self,
        key: &[u8],
        ask: MetaDelete,
    ) -> Result<(Deletion, Option<Meta>), Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.meta_delete(key, ask)
    }
    /// memcached's `ma`: adds to a decimal number.
    pub fn meta_arith(&self, key: &[u8], ask: MetaArith) -> Result<MetaSum, Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.meta_arith(key, ask)
    }
    /// What memcached's `me` shows of a present item. Counts nothing and changes nothing.
    pub fn inspect(&self, key: &[u8]) -> Result<Option<MetaHit>, Error> {
        check_key(key)?;
        Ok(seat::look(&self.arena).inspect(key))
    }
    /// The value in place, without a copy, kept from being reused while the pin lives. `None` is a miss.
    pub fn pin(&self, key: &[u8]) -> Result<Option<Pin<'_>>, Error> {
        check_key(key)?;
        Ok(seat::look(&self.arena).pin(key).map(|pinned| Pin { pinned }))
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
        check_key(key)?;
        seat::begin(&self.arena)?.store(verb, key, value, flags, expiry)
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
        check_key(key)?;
        seat::begin(&self.arena)?.add_to(key, Delta::Up(delta), None)
    }
    /// Subtracts from a decimal number, stopping at 0. `None` is a miss.
    pub fn decr(&self, key: &[u8], delta: u64) -> Result<Option<u64>, Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.add_to(key, Delta::Down(delta), None)
    }
    /// Adds; a missing key is stored as `initial` (without the delta) with this expiry.
    pub fn incr_or(
        &self,
        key: &[u8],
        delta: u64,
        initial: u64,
        expiry: Expiry,
    ) -> Result<u64, Error> {
        check_key(key)?;
        let sum =
            seat::begin(&self.arena)?.add_to(key, Delta::Up(delta), Some((initial, expiry)))?;
        Ok(sum.unwrap_or(initial))
    }
    /// Subtracts; a missing key is stored as `initial` (without the delta) with this expiry.
    pub fn decr_or(
        &self,
        key: &[u8],
        delta: u64,
        initial: u64,
        expiry: Expiry,
    ) -> Result<u64, Error> {
        check_key(key)?;
        let rest =
            seat::begin(&self.arena)?.add_to(key, Delta::Down(delta), Some((initial, expiry)))?;
        Ok(rest.unwrap_or(initial))
    }
    /// Gives the item a new expiry. An item that is just being moved is written anew for it: only then, and if no
    /// memory can be freed, is the answer [`Error::OutOfMemory`], and the item stays as it was.
    pub fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Error> {
        let touched = self.touch_seen(key, expiry)?;
        Ok(if touched.is_some() { Touch::Touched } else { Touch::Missing })
    }
    /// The same, and tells what was touched.
    ///
    /// ```
    /// use nearcache::{Deletion, Expiry, MetaDelete, Options};
    ///
    /// let cache = Options::new(1 << 20).open()?;
    /// cache.set(b"page", b"text", 7, Expiry::Never)?;
    /// let touched = cache.touch_seen(b"page", Expiry::After(30))?.expect("it is there");
    /// assert_eq!((touched.len, touched.flags, touched.ttl), (4, 7, Some(30)));
    /// let (deletion, met) = cache.meta_delete_seen(b"page", MetaDelete::default())?;
    /// assert_eq!((deletion, met.map(|met| met.len)), (Deletion::Deleted, Some(4)));
    /// assert_eq!(cache.meta_delete_seen(b"page", MetaDelete::default())?, (Deletion::Missing, None));
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn touch_seen(&self, key: &[u8], expiry: Expiry) -> Result<Option<Meta>, Error> {
        check_key(key)?;
        seat::begin(&self.arena)?.touch(key, expiry)
    }
    /// Removes the item.
    pub fn delete(&self, key: &[u8]) -> Result<Deletion, Error> {
        self.meta_delete(key, MetaDelete::default())
    }
    /// Removes the item only if its unique is still `unique`.
    pub fn delete_cas(&self, key: &[u8], unique: u64) -> Result<Deletion, Error> {
        self.meta_delete(key, MetaDelete { compare: Some(unique), ..MetaDelete::default() })
    }
    /// memcached's `md I`: marks the item stale with a new unique, and gives it a new expiry if one is given.
    /// The next `meta_get` wins the recache.
    pub fn invalidate(&self, key: &[u8], expiry: Option<Expiry>) -> Result<Touch, Error> {
        let ask = MetaDelete { invalidate: true, expiry, ..MetaDelete::default() };
        Ok(match self.meta_delete(key, ask)? {
            Deletion::Deleted => Touch::Touched,
            Deletion::Missing | Deletion::Exists => Touch::Missing,
        })
    }
    /// Everything dies: now if `delay` is 0, else `delay` seconds from now, in memcached's count of seconds:
    /// from the last second of the delay on nothing is shown, and what was stored until that second ends is
    /// dead. (So `flush_all(1)` takes effect at once, and also hides what is stored in the same second.)
    /// A second call replaces a pending one.
    pub fn flush_all(&self, delay: u32) -> Result<(), Error> {
        seat::begin(&self.arena)?.flush_all(delay);
        Ok(())
    }
    /// Every item, in no order; weakly consistent: what is there throughout is met once, what comes or goes
    /// meanwhile may or may not be met.
    pub fn iter(&self) -> Entries<'_> {
        Entries(Steps::new(&self.arena, &[], true))
    }
    /// Every key that starts with `prefix`; as [`Cache::iter`].
    pub fn keys(&self, prefix: &[u8]) -> Keys<'_> {
        Keys(Steps::new(&self.arena, prefix, false))
    }
    /// Shows `visit` the items of the next `buckets` buckets of the index (a bucket has up to 15 items) and moves the
    /// cursor on; `false` at the end, where there is nothing more to see.
    ///
    /// Whatever is there from the beginning to the end of a scan is seen, also if the index doubles meanwhile; what
    /// comes, goes or is stored anew may be seen or not, and hardly ever twice. A scan counts as no access, changes
    /// nothing, and holds nothing while it calls `visit`, which may call the cache.
    ///
    /// ```
    /// use nearcache::{Cursor, Expiry, Options};
    ///
    /// let cache = Options::new(1 << 20).open()?;
    /// cache.set(b"page", b"one", 0, Expiry::Never)?;
    /// let (mut cursor, mut keys) = (Cursor::default(), Vec::new());
    /// while cache.scan(&mut cursor, 64, &mut |item| keys.push(item.key.to_vec()))? {}
    /// assert_eq!(keys, [b"page"]);
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn scan(
        &self,
        cursor: &mut Cursor,
        buckets: usize,
        visit: &mut dyn FnMut(Seen<'_>),
    ) -> Result<bool, Error> {
        Ok(ops::scan(&self.arena, cursor, buckets, visit))
    }
    /// The counters.
    pub fn stats(&self) -> Stats {
        seat::look(&self.arena).stats()
    }
    /// Sets the counters to 0 (not `curr_items`, `bytes`, `limit_maxbytes`).
    pub fn reset_stats(&self) -> Result<(), Error> {
        seat::begin(&self.arena)?.reset_stats();
        Ok(())
    }
    /// Moves the memory limit, and answers it: whole pages. It can be moved up to [`Options::memory_max`](crate::Options),
    /// and down to what the tables and the index take, with room for the largest item; beyond that is an error that tells
    /// the range.
    ///
    /// A lowered limit evicts, segment by segment, until the cache is within it, and gives the memory back to the system;
    /// others may use the cache meanwhile. Where that cannot be done, because of pins or because nothing may be evicted,
    /// the limit stays as it was. A shared cache's limit is that of all its processes, and a raised one is reserved at
    /// once: if there is no room for it, that is an error now and no signal later.
    ///
    /// ```
    /// use nearcache::Options;
    ///
    /// let mut options = Options::new(4 << 20);
    /// options.memory_max = Some(64 << 20);
    /// let cache = options.open()?;
    /// assert_eq!(cache.set_memory_limit(32 << 20)?, 32 << 20);
    /// assert_eq!(cache.stats().limit_maxbytes, 32 << 20);
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn set_memory_limit(&self, bytes: u64) -> Result<u64, Error> {
        seat::begin(&self.arena)?.set_memory_limit(bytes)
    }
    /// The least and the most that the memory limit can be moved to now.
    pub fn memory_limits(&self) -> (u64, u64) {
        seat::look(&self.arena).memory_limits()
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
        self.arena.geometry().item_size_max as usize
    }
    /// The cache's idea of the Unix time, in seconds (moved by hand under a manual clock).
    pub fn unix_time(&self) -> i64 {
        self.arena.superblock().clock.0.unix_time()
    }
    /// Moves a manual clock forward by `seconds`. An error if the cache runs on the system's clock.
    pub fn advance_clock(&self, seconds: u32) -> Result<(), Error> {
        if self.arena.is_read_only() {
            return Err(Error::ReadOnly);
        }
        match self.arena.superblock().clock.0.advance(seconds) {
            true => Ok(()),
            false => Err(Error::InvalidOptions(
                "the clock is the system's: open the cache with manual_clock to move it by hand"
                    .into(),
            )),
        }
    }
    /// Recounts a quiet cache and names the first broken invariant. No other thread may write meanwhile, in no process.
    /// What killed processes held is given back first; of what is held by one that only seems to be gone nothing is said.
    pub fn check(&self) -> Result<(), Error> {
        check::check(&self.arena)
    }
}

/// The hook of the tests that damage an arena on purpose (`--cfg nearcache_damage`); ordinary builds have none of it.
#[cfg(nearcache_damage)]
impl Cache {
    /// Every word of the arena. Whoever changes one holds no pin: what a pin shows is taken for constant.
    pub fn words(&self) -> &[AtomicU64] {
        self.arena.words()
    }
    /// The parts of the arena in their order: name, and the number of the first word.
    pub fn parts(&self) -> [(&'static str, usize); 11] {
        self.arena.geometry().parts()
    }
}

/// A value in place; see [`Cache::pin`]. Keep it briefly: what it holds cannot be reused for other items.
#[derive(Debug)]
pub struct Pin<'a> {
    pinned: Pinned<'a>,
}

impl Pin<'_> {
    /// Length, flags, unique, time left (when pinned).
    pub fn meta(&self) -> Meta {
        self.pinned.meta
    }
}

impl std::ops::Deref for Pin<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.pinned.bytes()
    }
}
