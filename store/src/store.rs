//! The store: memcached's verbs on a directory, with the cache in front.

use crate::committer::Pending;
use crate::database::Database;
use crate::engine::{Space, View};
use crate::error::check_key;
use crate::fork::Maker;
use crate::item::Head;
use crate::later::Work;
use crate::near::Near;
use crate::stats::{Counter, Counters};
use crate::sweep::Sweep;
use crate::value::{Hit, Look, Stored, Value};
use crate::verbs::Limits;
use crate::{Error, Options};
use nearcache::{
    Deletion, Expiry, MetaArith, MetaDelete, MetaGet, MetaMode, MetaSet, MetaSum, Outcome, Touch,
    Verb, size_of_item,
};
use std::path::Path;
use std::sync::Arc;

/// A durable store. `&Store` is all that any verb needs; share it between threads by reference or `Arc`.
///
/// Verbs answer as the cache's do (`nearcache::docs::semantics`), with these differences: nothing is evicted; a `set`
/// that is too large fails and leaves the old value; the unique is the sequence number of the write, and rises; that an
/// item was read is not kept. Writes are one after another in one order for everybody; a read that begins after a write
/// was answered sees it.
pub struct Store {
    pub(crate) near: Arc<Near>,
    pub(crate) db: Arc<Database>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) maker: Maker,
}

impl Store {
    /// Opens the store in a directory, or makes it.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("nearcache-store-doc-open-{}", std::process::id()));
    /// use nearcache::Expiry;
    /// use nearcache_store::{Options, Store};
    ///
    /// let store = Store::open(&dir, Options::default())?;
    /// store.set(b"user:1", b"Ada", 0, Expiry::Never)?;
    /// drop(store);
    /// let store = Store::open(&dir, Options::default())?;
    /// assert_eq!(store.get(b"user:1")?.unwrap().data, b"Ada");
    /// # drop(store);
    /// # let _ = std::fs::remove_dir_all(&dir);
    /// # Ok::<(), nearcache_store::Error>(())
    /// ```
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Store, Error> {
        Store::on(Arc::new(Database::open(dir.as_ref(), options)?))
    }

    /// The store of a directory that is open. Once for each database.
    pub fn on(db: Arc<Database>) -> Result<Store, Error> {
        let near = Arc::new(Near::open(db.dir(), db.options(), db.clock().clone(), &db.ledger())?);
        db.committer().observe(near.clone());
        db.committer().add_chore(Arc::new(Sweep::default()));
        let limits = Limits::of(db.options());
        let counters = Arc::new(Counters::default());
        Ok(Store { near, db, limits, counters, maker: Maker::this() })
    }

    /// The directory, which queues share.
    pub fn database(&self) -> &Arc<Database> {
        &self.db
    }

    /// Copies the value out. A miss is `Ok(None)`.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.check_fork()?;
        if let Some(cache) = self.near.cache()
            && let Ok(Some(value)) = cache.get(key)
        {
            match self.near.open_value(value) {
                None => self.counters.count(Counter::Leases),
                found => return Ok(found),
            }
        }
        self.get_far(key)
    }

    /// Asks the engine, and leaves what it said in the near tier.
    #[inline(never)]
    fn get_far(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        check_key(key)?;
        let token = self.near.hold(key);
        let found = self.read(self.db.engine().as_ref(), key);
        if let Some(token) = token {
            let found = found.as_ref().ok().and_then(Option::as_ref);
            self.near.fill(key, token, found.map(|(head, value)| (head, value)));
        }
        let found = found?;
        self.counters.count(if found.is_some() { Counter::FarHits } else { Counter::FarMisses });
        Ok(found.map(|(_, value)| value))
    }

    /// An item of a view, if it is alive now.
    pub(crate) fn read(&self, view: &dyn View, key: &[u8]) -> Result<Option<(Head, Value)>, Error> {
        let mut found = None;
        view.read(Space::Items, key, &mut |bytes| found = Some(self.shown(bytes)))?;
        found.transpose().map(Option::flatten)
    }

    /// What is shown of an item's bytes; `None`: it is dead.
    pub(crate) fn shown(&self, bytes: &[u8]) -> Result<Option<(Head, Value)>, Error> {
        let (head, value) = Head::decode(bytes)?;
        let now = self.db.clock().now();
        let is_shown = self.near.shows(&head);
        Ok(is_shown.then(|| (head, Value::of(&head, value.to_vec(), now))))
    }

    /// Calls `hit(index of the key, its value)` for each key that is present, in the order of `keys`. It is no
    /// snapshot: each key is read at a moment of its own.
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut hit: impl FnMut(usize, Value),
    ) -> Result<(), Error> {
        keys.iter().try_for_each(|key| check_key(key.as_ref()))?;
        for (at, key) in keys.iter().enumerate() {
            if let Some(value) = self.get(key.as_ref())? {
                hit(at, value);
            }
        }
        Ok(())
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
        Ok(self.meta_set(key, value, asked(verb, flags, expiry))?.outcome)
    }

    /// Stores, whatever is there.
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
        self.count(key, MetaArith { delta, ..MetaArith::default() })
    }

    /// Subtracts from a decimal number, stopping at 0. `None` is a miss.
    pub fn decr(&self, key: &[u8], delta: u64) -> Result<Option<u64>, Error> {
        self.count(key, MetaArith { delta, down: true, ..MetaArith::default() })
    }

    fn count(&self, key: &[u8], ask: MetaArith) -> Result<Option<u64>, Error> {
        Ok(match self.meta_arith(key, ask)? {
            MetaSum::Number { number, .. } => Some(number),
            MetaSum::Missing | MetaSum::Exists => None,
        })
    }

    /// Gives the item a new expiry.
    pub fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Error> {
        Ok(if self.gat(key, expiry)?.is_some() { Touch::Touched } else { Touch::Missing })
    }

    /// Get and touch.
    pub fn gat(&self, key: &[u8], expiry: Expiry) -> Result<Option<Value>, Error> {
        self.submit(self.touch_work(key, expiry))?.wait()
    }

    /// Removes the item.
    pub fn delete(&self, key: &[u8]) -> Result<Deletion, Error> {
        Ok(self.meta_delete(key, MetaDelete::default())?.0)
    }

    /// Removes the item only if its unique is still `unique`.
    pub fn delete_cas(&self, key: &[u8], unique: u64) -> Result<Deletion, Error> {
        let ask = MetaDelete { compare: Some(unique), ..MetaDelete::default() };
        Ok(self.meta_delete(key, ask)?.0)
    }

    /// Everything dies: now if `delay` is 0, else `delay` seconds from now, in memcached's count of seconds
    /// ([`nearcache::Cache::flush_all`]). A pending flush outlives the process.
    pub fn flush_all(&self, delay: u32) -> Result<(), Error> {
        self.submit(self.flush_work(delay))?.wait()
    }

    /// memcached's `mg`. One that can change nothing is a read through the near tier; one that touches, vivifies, may
    /// win, or finds a stale item is a write.
    pub fn meta_get(&self, key: &[u8], ask: MetaGet) -> Result<Option<Hit>, Error> {
        match self.meta_look(key, ask)? {
            Look::Seen(hit) => Ok(hit),
            Look::Changes => self.submit(self.get_work(key, ask))?.wait(),
        }
    }

    /// The part of a meta get that needs no write: what it answers, or that it would change something.
    pub fn meta_look(&self, key: &[u8], ask: MetaGet) -> Result<Look, Error> {
        self.check_fork()?;
        check_key(key)?;
        self.counters.count(Counter::CmdMeta);
        if ask.vivify.is_some() || ask.touch.is_some() || ask.recache.is_some() {
            return Ok(Look::Changes);
        }
        // Who finds a stale item first wins it.
        Ok(match self.seen(key, ask.compare)? {
            Some(hit) if hit.stale && !hit.sent => Look::Changes,
            hit => Look::Seen(hit),
        })
    }

    /// memcached's `me`: looks at an item, and changes nothing.
    pub fn inspect(&self, key: &[u8]) -> Result<Option<Hit>, Error> {
        self.check_fork()?;
        check_key(key)?;
        self.counters.count(Counter::CmdMeta);
        self.seen(key, None)
    }

    fn seen(&self, key: &[u8], compare: Option<u64>) -> Result<Option<Hit>, Error> {
        if let Some(hit) = self.meta_near(key, compare) {
            return Ok(Some(hit));
        }
        let now = self.db.clock().now();
        let found = self.read(self.db.engine().as_ref(), key)?;
        Ok(found.map(|(head, value)| {
            let mut hit = Hit::of(key, &head, value.data, now);
            hit.same = compare == Some(hit.value.cas);
            if hit.same {
                hit.value.data.clear();
            }
            hit
        }))
    }

    /// A meta get of what is in the near tier, where nothing is stale or won.
    fn meta_near(&self, key: &[u8], compare: Option<u64>) -> Option<Hit> {
        let mut data = Vec::new();
        let hit = self.near.cache()?.meta_get(key, MetaGet::default(), &mut data).ok()??;
        let value = self.near.open_parts(data, hit.meta)?;
        let len = value.data.len();
        let mut hit = Hit {
            len,
            ttl_before: hit.ttl_before,
            won: false,
            stale: false,
            sent: false,
            same: compare == Some(value.cas),
            binary: hit.binary,
            size: size_of_item(key.len(), len, value.flags),
            value,
        };
        if hit.same {
            hit.value.data.clear();
        }
        Some(hit)
    }

    /// memcached's `ms`: every storing verb, with a unique to compare with and one to store.
    pub fn meta_set(&self, key: &[u8], value: &[u8], ask: MetaSet) -> Result<Stored, Error> {
        self.submit_set(key, value, ask)?.wait()
    }

    /// The same, to be waited for later: so one thread has many writes on their way.
    pub fn submit_set(
        &self,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
    ) -> Result<Pending<Stored>, Error> {
        self.submit(self.set_work(key, value, ask))
    }

    /// memcached's `md`: removes an item, marks it stale, or empties it. Also tells what was there.
    pub fn meta_delete(
        &self,
        key: &[u8],
        ask: MetaDelete,
    ) -> Result<(Deletion, Option<Value>), Error> {
        self.submit(self.delete_work(key, ask))?.wait()
    }

    /// memcached's `ma`: adds to a decimal number.
    pub fn meta_arith(&self, key: &[u8], ask: MetaArith) -> Result<MetaSum, Error> {
        self.submit(self.arith_work(key, ask))?.wait()
    }

    /// Has a verb run by the committer.
    fn submit<T: Send + 'static>(&self, work: Result<Work<T>, Error>) -> Result<Pending<T>, Error> {
        let (bytes, work) = work?;
        self.db.committer().submit(bytes, work)
    }

    #[inline(always)]
    pub(crate) fn check_fork(&self) -> Result<(), Error> {
        if self.maker.is_this() { Ok(()) } else { Err(Error::Forked) }
    }

    /// Moves a manual clock forward. An error if the store runs on the system's clock.
    pub fn advance_clock(&self, seconds: u32) -> Result<(), Error> {
        if !self.db.clock().advance(seconds) {
            return Err(Error::InvalidOptions(
                "the clock is the system's: open the store with manual_clock to move it by hand"
                    .into(),
            ));
        }
        if let Some(cache) = self.near.inner() {
            let moved = cache.advance_clock(seconds);
            moved.map_err(|e| Error::Near(format!("the near tier's clock does not move: {e}")))?;
        }
        self.db.committer().nudge();
        Ok(())
    }

    /// The Unix time of the store.
    pub fn unix_time(&self) -> i64 {
        self.db.clock().now()
    }

    /// Commits and syncs what is under way; later writes are [`Error::Closed`]. Dropping the last handle does the same.
    pub fn close(&self) {
        self.db.close();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("database", &self.db).finish_non_exhaustive()
    }
}

/// What a classic verb means.
pub(crate) fn asked(verb: Verb, flags: u32, expiry: Expiry) -> MetaSet {
    let (mode, compare) = match verb {
        Verb::Set => (MetaMode::Set, None),
        Verb::Add => (MetaMode::Add, None),
        Verb::Replace => (MetaMode::Replace, None),
        Verb::Append => (MetaMode::Append, None),
        Verb::Prepend => (MetaMode::Prepend, None),
        Verb::Cas(unique) => (MetaMode::Set, Some(unique)),
    };
    MetaSet { mode, flags, expiry, compare, ..MetaSet::default() }
}
