//! The cache calls back into its user (a sink, the closure of a multi-get, an iterator's loop), and its user calls it
//! where one would not expect it (from a thread-local's destructor). Each may use the same cache.

mod support;

use nearcache::{Cache, Expiry, Options, Outcome, Sink};
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Arc;
use support::blocks;

const NEVER: Expiry = Expiry::Never;
const KEYS: u32 = 60;

fn key(k: u32) -> Vec<u8> {
    format!("key {k}").into_bytes()
}

/// Stores a version of a key. The lengths go over those that are copied, held, and laid out in several segments.
fn store(cache: &Cache, k: u32, version: u64) {
    let mut value = Vec::new();
    let len = [10, 500, 6000, 50_000, 100_000][k as usize % 5];
    blocks::write(k, version, len, &mut value);
    let stored = cache.set(&key(k), &value, 0, NEVER);
    assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
}

fn check(k: u32, bytes: &[u8]) {
    blocks::read(k, bytes).unwrap_or_else(|why| panic!("key {k}: {why}"));
}

/// A cache that evicts, filled.
fn full() -> Cache {
    let cache = Options::new(4 << 20).open().expect("the cache opens");
    (0..KEYS).for_each(|k| store(&cache, k, 1));
    cache
}

/// Uses every kind of verb on the neighbours of a key, and on the key itself.
fn intrude(cache: &Cache, k: u32, version: u64) {
    for other in [k, (k + 1) % KEYS, (k + 7) % KEYS] {
        if let Some(value) = cache.get(&key(other)).expect("a get does not fail") {
            check(other, &value.data);
        }
        store(cache, other, version);
        if let Some(pin) = cache.pin(&key(other)).expect("a pin does not fail") {
            check(other, &pin);
        }
    }
    cache.delete(&key((k + 3) % KEYS)).expect("a deletion does not fail");
}

#[test]
fn from_the_closure_of_a_multi_get() {
    let cache = full();
    for round in 0..15 {
        let keys: Vec<Vec<u8>> = (0..KEYS).map(key).collect();
        let mut hits = 0;
        let done = cache.get_many(&keys, |at, meta, bytes| {
            assert_eq!(meta.len, bytes.len());
            intrude(&cache, at as u32, round);
            check(at as u32, bytes);
            hits += 1;
        });
        done.expect("a multi-get does not fail");
        assert!(hits > 0);
    }
    cache.check().expect("the cache is whole");
}

/// A sink that uses the cache before it gives room.
struct Intruder<'a>(&'a Cache, u32, u64, Vec<u8>);

impl Sink for Intruder<'_> {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        // The item may well be replaced here: then the room of the next call counts. Not for ever, though.
        if self.2 < 10 {
            self.2 += 1;
            intrude(self.0, self.1, self.2);
        }
        self.3.room(len)
    }
}

#[test]
fn from_a_sink() {
    let cache = full();
    for round in 0..6 {
        for k in 0..KEYS {
            let mut sink = Intruder(&cache, k, round, Vec::new());
            let found = cache.get_to(&key(k), &mut sink).expect("a get does not fail");
            if let Some(meta) = found {
                assert_eq!(meta.len, sink.3.len());
                check(k, &sink.3);
            }
        }
    }
    cache.check().expect("the cache is whole");
}

#[test]
fn from_the_loop_of_an_iteration() {
    let cache = full();
    for round in 0..10 {
        for (met, entry) in cache.iter().enumerate() {
            let text = str::from_utf8(&entry.key).expect("the keys are text");
            let k = text.strip_prefix("key ").and_then(|k| k.parse().ok()).expect("key k");
            check(k, &entry.value.data);
            intrude(&cache, k, round);
            assert!(met < 10_000, "what is stored meanwhile is met for ever");
        }
    }
    cache.check().expect("the cache is whole");
}

/// A thread's last words: it counts in the cache when it is dropped.
struct LastWords(Arc<Cache>, u32);

impl Drop for LastWords {
    fn drop(&mut self) {
        for _ in 0..200 {
            let counted = self.0.incr(b"count", 1).expect("it is a number");
            assert!(counted.is_some(), "nothing is evicted");
            store(&self.0, self.1 % 2, 1);
        }
    }
}

thread_local! {
    static BEFORE: RefCell<Option<LastWords>> = const { RefCell::new(None) };
    static AFTER: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

/// Thread-locals are dropped in an order that nobody promises: whatever the cache keeps in one may be gone when a
/// host's own is dropped. All counts must be there nevertheless.
#[test]
fn from_the_destructors_of_thread_locals() {
    let cache = Arc::new(Options::new(32 << 20).open().expect("the cache opens"));
    _ = cache.set(b"count", b"0", 0, NEVER).expect("a set does not fail");
    for wave in 0..30 {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let cache = Arc::clone(&cache);
                std::thread::spawn(move || {
                    BEFORE.set(Some(LastWords(Arc::clone(&cache), thread)));
                    store(&cache, 5 * (KEYS + wave * 4 + thread), 1);
                    AFTER.set(Some(LastWords(cache, thread)));
                })
            })
            .collect();
        for thread in threads {
            // By then its thread-locals have been dropped.
            thread.join().expect("no panic");
        }
    }
    let count = cache.incr(b"count", 0).expect("it is a number");
    assert_eq!(count, Some(30 * 4 * 2 * 200));
    let stats = cache.stats();
    // The set of the count, one store of each thread, and what its two last words stored.
    assert_eq!(stats.cmd_set, 1 + 30 * 4 + 30 * 4 * 2 * 200);
    assert_eq!(stats.incr_hits, 30 * 4 * 2 * 200 + 1);
    assert_eq!(stats.evictions, 0);
    cache.check().expect("the cache is whole");
}
