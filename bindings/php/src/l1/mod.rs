//! The decoded-array cache: what a worker has made of a stored array is kept, so that a get of it costs what a get of a
//! short string does, whatever its size.
//!
//! Each get asks the shared cache, which answers with the item's unique and flags before it copies anything (`Seek`); an
//! array made of an item of that key and unique is that item's, and the bytes stay where they are. So there is nothing to
//! invalidate: who stores, stores under another unique.
//!
//! What a script was given is not counted and may be held until its request is over, and strings of it even longer, while
//! the engine clears up. So it is freed when the next request begins at the earliest: what was given out in this request
//! is never evicted, and a version of it that was replaced waits (`retired`). Both count: when they leave no room, what
//! comes is decoded as ever.
//!
//! An array is kept when it is decoded for the second time: what is read once, or changes with every read, costs nothing.

mod frozen;
mod seek;

pub use seek::Seek;

use crate::ini;
use crate::options::parse_size;
use ext_php_rs::ffi::zend_array;
use frozen::Frozen;
use hashbrown::HashTable;
use nearcache::{Cache, Meta};
use std::cell::RefCell;
use std::mem::size_of;
use std::sync::{Arc, Weak};

thread_local! {
    /// Of the process, or where PHP is thread-safe of each thread.
    static L1: RefCell<Arrays> = const { RefCell::new(Arrays::new()) };
}

/// What a reader has to say of itself: whose item it reads, and how.
#[derive(Clone, Copy)]
struct Sought<'a> {
    cache: &'a Arc<Cache>,
    key: &'a [u8],
    /// Reads JSON as arrays? Other readers make objects of the same bytes.
    json_arrays: bool,
}

/// An array kept.
struct Entry {
    /// Keeps the address from being another cache's, even when this one is gone.
    cache: Weak<Cache>,
    key: Box<[u8]>,
    hash: u64,
    cas: u64,
    /// Length and flags are the unique's, unless a client chose uniques of its own.
    len: usize,
    flags: u32,
    json_arrays: bool,
    /// Read since the hand last passed.
    is_read: bool,
    /// The request that was given it last.
    given: u64,
    frozen: Frozen,
}

impl Entry {
    fn is(&self, sought: Sought<'_>) -> bool {
        Weak::as_ptr(&self.cache) == Arc::as_ptr(sought.cache)
            && *self.key == *sought.key
            && self.json_arrays == sought.json_arrays
    }

    fn is_of(&self, meta: &Meta) -> bool {
        (self.cas, self.len, self.flags) == (meta.cas, meta.len, meta.flags)
    }

    /// With its place in the tables.
    fn size(&self) -> usize {
        self.frozen.size() + overhead(self.key.len())
    }
}

/// What an entry takes beside its array.
fn overhead(key: usize) -> usize {
    size_of::<Entry>() + key + 32
}

/// Its numbers, as `stats()` and `phpinfo()` show them.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    hits: u64,
    misses: u64,
    items: u64,
    bytes: u64,
    retired: u64,
    limit: u64,
}

impl Counts {
    /// The rows of `phpinfo`.
    pub fn rows(self) -> [(&'static str, u64); 6] {
        [
            ("Decoded arrays of this worker: hits", self.hits),
            ("Decoded arrays of this worker: misses", self.misses),
            ("Decoded arrays of this worker: kept", self.items),
            ("Decoded arrays of this worker: bytes", self.bytes),
            ("Decoded arrays of this worker: bytes replaced, until the request ends", self.retired),
            ("Decoded arrays of this worker: limit (bytes)", self.limit),
        ]
    }

    /// Under their names in `stats()`.
    pub fn pairs(self) -> [(&'static str, u64); 6] {
        [
            ("l1_hits", self.hits),
            ("l1_misses", self.misses),
            ("l1_items", self.items),
            ("l1_bytes", self.bytes),
            ("l1_retired_bytes", self.retired),
            ("l1_limit_bytes", self.limit),
        ]
    }
}

/// How many uniques are remembered of those decoded once.
const ONCE: usize = 512;

struct Arrays {
    index: HashTable<usize>,
    entries: Vec<Entry>,
    /// Where the search for one to evict goes on.
    hand: usize,
    retired: Vec<Frozen>,
    /// Bytes of the entries, and of the retired.
    live: usize,
    waiting: usize,
    /// From php.ini, when it is first asked for.
    limit: Option<usize>,
    /// In this request there was no room for so many bytes.
    refused: usize,
    request: u64,
    /// What was decoded once, each where the bits of its hash say.
    once: [u64; ONCE],
    hits: u64,
    misses: u64,
}

impl Arrays {
    const fn new() -> Arrays {
        Arrays {
            index: HashTable::new(),
            entries: Vec::new(),
            hand: 0,
            retired: Vec::new(),
            live: 0,
            waiting: 0,
            limit: None,
            refused: usize::MAX,
            request: 1,
            once: [0; ONCE],
            hits: 0,
            misses: 0,
        }
    }

    fn limit(&mut self) -> usize {
        *self.limit.get_or_insert_with(|| {
            let bytes = parse_size(&ini::value(ini::L1_SIZE)).unwrap_or(0);
            usize::try_from(bytes).unwrap_or(usize::MAX)
        })
    }

    fn find(&mut self, sought: Sought<'_>, meta: &Meta) -> Option<*mut zend_array> {
        let hash = hash(sought);
        let entries = &mut self.entries;
        let at = *self.index.find(hash, |&at| entries[at].is(sought))?;
        let entry = &mut entries[at];
        if !entry.is_of(meta) {
            return None;
        }
        entry.is_read = true;
        entry.given = self.request;
        self.hits += 1;
        Some(entry.frozen.array())
    }

    /// Takes note of an array that was decoded, and keeps a copy if it is worth it.
    fn decoded(&mut self, sought: Sought<'_>, meta: &Meta, array: &zend_array) {
        self.misses += 1;
        let hash = hash(sought);
        let entries = &self.entries;
        if let Some(&old) = self.index.find(hash, |&at| entries[at].is(sought)) {
            self.remove(old);
        }
        let mark = (hash ^ meta.cas).wrapping_mul(MIX) | 1;
        let once = &mut self.once[mark as usize / 2 % ONCE];
        if *once != mark {
            *once = mark;
            return;
        }
        let most = self.limit() / 2;
        let Some(bytes) = Frozen::measure(array, most) else {
            return;
        };
        let size = bytes + overhead(sought.key.len());
        if size >= self.refused || !self.make_room(size) {
            return;
        }
        let Some(frozen) = Frozen::of(array, bytes) else {
            return;
        };
        let entry = Entry {
            cache: Arc::downgrade(sought.cache),
            key: sought.key.into(),
            hash,
            cas: meta.cas,
            len: meta.len,
            flags: meta.flags,
            json_arrays: sought.json_arrays,
            is_read: false,
            given: 0,
            frozen,
        };
        self.live += entry.size();
        self.entries.push(entry);
        let entries = &self.entries;
        self.index.insert_unique(hash, entries.len() - 1, |&at| entries[at].hash);
    }

    /// Evicts what was not read since the hand last passed and was not given out in this request. False if that does not
    /// make room for `size` bytes.
    fn make_room(&mut self, size: usize) -> bool {
        let limit = self.limit();
        let mut looks = 2 * self.entries.len();
        while self.live + self.waiting + size > limit {
            if looks == 0 {
                self.refused = size;
                return false;
            }
            looks -= 1;
            self.hand = if self.hand < self.entries.len() { self.hand } else { 0 };
            let entry = &mut self.entries[self.hand];
            if entry.given == self.request || std::mem::take(&mut entry.is_read) {
                self.hand += 1;
            } else {
                self.remove(self.hand);
            }
        }
        true
    }

    /// Forgets an entry. Its array is freed now, or when the next request begins if this one may hold it.
    fn remove(&mut self, at: usize) {
        let last = self.entries.len() - 1;
        let [of_it, of_last] = [at, last].map(|at| self.entries[at].hash);
        if let Ok(found) = self.index.find_entry(of_it, |&other| other == at) {
            found.remove();
        }
        if at != last
            && let Some(moved) = self.index.find_mut(of_last, |&other| other == last)
        {
            *moved = at;
        }
        let entry = self.entries.swap_remove(at);
        self.live -= entry.size();
        if entry.given == self.request {
            self.waiting += entry.frozen.size();
            self.retired.push(entry.frozen);
        }
    }

    fn begin_request(&mut self) {
        self.request += 1;
        self.retired = Vec::new();
        self.waiting = 0;
        self.refused = usize::MAX;
    }

    fn counts(&mut self) -> Counts {
        Counts {
            hits: self.hits,
            misses: self.misses,
            items: self.entries.len() as u64,
            bytes: self.live as u64,
            retired: self.waiting as u64,
            limit: self.limit() as u64,
        }
    }
}

/// An odd number without pattern: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Eight bytes at a time: keys are short, and are compared before they are believed.
fn hash(sought: Sought<'_>) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(MIX);
    let (words, rest) = sought.key.as_chunks::<8>();
    let whole = words
        .iter()
        .fold(Arc::as_ptr(sought.cache) as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(sought.key.len() as u64, |rest, &byte| rest << 8 | u64::from(byte));
    let hash = mix(whole, rest);
    // The table tells entries apart by the highest bits and finds their group by the lowest.
    hash ^ hash >> 32
}

/// RINIT: nothing of the last request is left, so what waited for its end goes.
pub fn begin_request() {
    L1.with_borrow_mut(Arrays::begin_request);
}

/// MSHUTDOWN: frees all.
pub fn clear() {
    L1.replace(Arrays::new());
}

/// The numbers of this worker.
pub fn counts() -> Counts {
    L1.with_borrow_mut(Arrays::counts)
}
