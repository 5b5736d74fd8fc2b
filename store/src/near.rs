//! The near tier: the cache in front. A read that hits costs what a cache hit costs.
//!
//! It never shows what is older than an acknowledged write, nor what was deleted:
//!
//! * Only the committer stores what was written, key by key in commit order, after the batch is safe and before its
//!   writers are answered.
//! * A reader that misses puts a placeholder there by `add` (a lease of `docs/values.md`, which every reader takes for a
//!   miss), *then* reads the engine, and puts what it found in the placeholder's place by `cas`. If the committer came
//!   in between, the placeholder is gone or is a value, and the `cas` fails.
//! * A placeholder's unique is no other item's. In a tier of its own process all uniques are the cache's, and the store's
//!   is behind the value (the cache's fast way does not read items whose unique was given). In a shared one values are
//!   as the client wrote them and have the store's unique; placeholders have uniques that the store never gives, and an
//!   item for which a caller chose such a one is not kept here.
//! * An item that is stale, or a lease itself, is never here.
//! * A flush empties it after it is known here what is flushed, so whoever puts a placeholder afterwards knows too.
//! * If a stale value could not be removed the tier is turned off for good. Evictions change nothing but speed.

use crate::clock::Clock;
use crate::committer::{Observer, Tx};
use crate::engine::Space;
use crate::fork::Maker;
use crate::item::{Head, mark};
use crate::ledger::Ledger;
use crate::value::Value;
use crate::{Error, Options};
use nearcache::{Access, Cache, Expiry, Home, MetaDelete, MetaMode, MetaSet, Outcome};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// The flags of a lease (`docs/values.md`): no value.
pub const LEASE: u32 = 0x4E43_00FF;
/// Bytes of the unique behind a value.
const BEHIND: usize = 8;
/// The uniques of placeholders begin here.
const TOKENS: u64 = 1 << 63;
/// A placeholder of a reader that died goes after so many seconds.
const PLACEHOLDER: Expiry = Expiry::After(10);

/// The file in the store's directory that says which shared tier there is.
const NOTE: &str = "near";

/// Empties the tier of an owner before, if it is there still.
fn empty(place: &str) {
    let Ok(home) = Home::of(place) else { return };
    let mut options = nearcache::Options::new(0).home(home);
    options.access = Access::Existing;
    if let Ok(cache) = options.open() {
        let _ = cache.flush_all(0);
    }
}

/// What readers know of the last batch, and the cache, if there is one.
pub struct Near {
    cache: Option<Cache>,
    is_on: AtomicBool,
    /// Do others read from it?
    is_shared: bool,
    clock: Arc<Clock>,
    maker: Maker,
    tokens: AtomicU64,
    /// Of the ledger, as readers see it.
    flushed: AtomicU64,
    flush_at: AtomicI64,
}

impl Near {
    /// Makes the tier, empty, in front of an engine with these books. In the store's directory `dir` is noted which
    /// shared one there is: whoever opens the store next empties it, whatever tier he has himself, since others may
    /// read from it.
    pub fn open(
        dir: &Path,
        options: &Options,
        clock: Arc<Clock>,
        ledger: &Ledger,
    ) -> Result<Near, Error> {
        let note = dir.join(NOTE);
        if let Ok(place) = fs::read_to_string(&note) {
            empty(&place);
        }
        let place = match options.near {
            0 => None,
            _ => options.near_home.place(),
        };
        let noted = match &place {
            Some(place) => fs::write(&note, place),
            None if note.exists() => fs::remove_file(&note),
            None => Ok(()),
        };
        noted.map_err(|e| Error::system("note the near tier in", &note, e))?;
        let near = |e: nearcache::Error| Error::Near(format!("the near tier cannot be made: {e}"));
        let cache = match options.near {
            0 => None,
            size => {
                let mut cache = nearcache::Options::new(size).home(options.near_home.clone());
                cache.item_size_max = options.item_size_max.min(size as usize / 2).max(1 << 10);
                cache.manual_clock = options.manual_clock.is_some();
                let cache = cache.open().map_err(near)?;
                // Another owner may have left something in a shared one.
                cache.flush_all(0).map_err(near)?;
                Some(cache)
            }
        };
        Ok(Near {
            is_on: AtomicBool::new(cache.is_some()),
            is_shared: options.near_home.is_shared(),
            cache,
            clock,
            maker: Maker::this(),
            tokens: AtomicU64::new(TOKENS),
            flushed: AtomicU64::new(ledger.flushed),
            flush_at: AtomicI64::new(ledger.flush_at),
        })
    }

    /// The cache, unless there is none, or everything is hidden.
    #[inline(always)]
    pub fn cache(&self) -> Option<&Cache> {
        // Acquire: pairs with the Release of the committer, so that who reads on knows what was flushed.
        let is_quiet = self.flush_at.load(Ordering::Acquire) == 0 || !self.hides();
        match is_quiet && self.is_on.load(Ordering::Acquire) {
            true => self.cache.as_ref(),
            false => None,
        }
    }

    /// A value as it came from the cache, for who asked the store. `None`: it is a placeholder.
    #[inline(always)]
    pub fn open_value(&self, value: nearcache::Value) -> Option<Value> {
        self.opened(value.data, value.flags, value.cas, value.ttl)
    }

    /// The same in parts.
    pub fn open_parts(&self, data: Vec<u8>, meta: nearcache::Meta) -> Option<Value> {
        self.opened(data, meta.flags, meta.cas, meta.ttl)
    }

    #[inline(always)]
    fn opened(&self, mut data: Vec<u8>, flags: u32, cas: u64, ttl: Option<u32>) -> Option<Value> {
        if flags == LEASE {
            return None;
        }
        if self.is_shared {
            return Some(Value { data, flags, cas, ttl });
        }
        let (_, behind) = data.split_last_chunk::<BEHIND>()?;
        let cas = u64::from_le_bytes(*behind);
        data.truncate(data.len() - BEHIND);
        Some(Value { data, flags, cas, ttl })
    }

    /// The cache, whatever is in it.
    pub fn inner(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    #[cold]
    fn hides(&self) -> bool {
        let at = self.flush_at.load(Ordering::Acquire);
        at != 0 && self.clock.now() >= at
    }

    /// Is an item of this head there for everybody?
    pub fn shows(&self, head: &Head) -> bool {
        // SeqCst: read after the placeholder was put; see `flush`.
        head.seq > self.flushed.load(Ordering::SeqCst)
            && !head.deadline.is_past(self.clock.now())
            && !self.hides()
    }

    /// A place for what the engine is about to be asked for; `None`: somebody else has it, or there is none.
    pub fn hold(&self, key: &[u8]) -> Option<u64> {
        // Relaxed: only that each is another matters.
        let token = self.is_shared.then(|| self.tokens.fetch_add(1, Ordering::Relaxed));
        let ask = MetaSet {
            mode: MetaMode::Add,
            flags: LEASE,
            expiry: PLACEHOLDER,
            unique: token,
            ..MetaSet::default()
        };
        match self.cache()?.meta_set(key, &[], ask).ok()?.outcome {
            Outcome::Stored(token) => Some(token),
            Outcome::NotStored | Outcome::Exists | Outcome::Missing => None,
        }
    }

    /// Puts what the engine said in the place that was held; nothing, if there was nothing.
    pub fn fill(&self, key: &[u8], token: u64, found: Option<(&Head, &Value)>) {
        let Some(cache) = self.cache() else { return };
        let done = found
            .is_some_and(|(head, value)| self.store(cache, key, head, &value.data, Some(token)));
        if !done {
            // A placeholder is harmless, and goes by itself.
            let compare = Some(token);
            let _ = cache.meta_delete(key, MetaDelete { compare, ..MetaDelete::default() });
        }
    }

    /// Stores an item, if it is one that may be here; `false`: it is not.
    fn store(
        &self,
        cache: &Cache,
        key: &[u8],
        head: &Head,
        value: &[u8],
        compare: Option<u64>,
    ) -> bool {
        let may_be_here = head.marks & (mark::STALE | mark::WON) == 0
            && head.flags != LEASE
            && (head.unique() < TOKENS || !self.is_shared);
        if !may_be_here {
            return false;
        }
        let ask = MetaSet {
            flags: head.flags,
            expiry: head.deadline.left(self.clock.now()).map_or(Expiry::Never, Expiry::After),
            compare,
            unique: self.is_shared.then(|| head.unique()),
            binary: head.marks & mark::BINARY != 0,
            ..MetaSet::default()
        };
        let stored = match self.is_shared {
            true => cache.meta_set(key, value, ask),
            false => cache.meta_set(key, &[value, &head.unique().to_le_bytes()].concat(), ask),
        };
        matches!(stored, Ok(stored) if matches!(stored.outcome, Outcome::Stored(_)))
    }

    /// Removes a key; if that cannot be done nothing is shown from here any more.
    fn remove(&self, cache: &Cache, key: &[u8]) {
        if cache.delete(key).is_err() {
            self.is_on.store(false, Ordering::Release);
        }
    }

    fn put(&self, cache: &Cache, key: &[u8], bytes: &[u8]) {
        let done = Head::decode(bytes).is_ok_and(|(head, value)| {
            self.shows(&head) && self.store(cache, key, &head, value, None)
        });
        if !done {
            self.remove(cache, key);
        }
    }
}

/// The committer has gone before, and the directory is still this process's.
impl Drop for Near {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.as_ref().filter(|_| self.is_shared && self.maker.is_this())
        {
            // It fails for a cache that is damaged, which shows nothing.
            let _ = cache.flush_all(0);
        }
    }
}

impl Observer for Near {
    fn committed(&self, tx: &Tx<'_>) {
        let ledger = tx.ledger();
        // SeqCst: whoever puts a placeholder after the flush below reads this after it.
        let before = self.flushed.swap(ledger.flushed, Ordering::SeqCst);
        let Some(cache) = &self.cache else {
            self.flush_at.store(ledger.flush_at, Ordering::Release);
            return;
        };
        if before != ledger.flushed && cache.flush_all(0).is_err() {
            self.is_on.store(false, Ordering::Release);
        }
        // After the flush: while one is pending that has struck, nothing is shown from here.
        self.flush_at.store(ledger.flush_at, Ordering::Release);
        for (key, change) in tx.changes(Space::Items) {
            match change {
                Some(bytes) => self.put(cache, key, bytes),
                None => self.remove(cache, key),
            }
        }
    }
}
