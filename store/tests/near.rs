//! The near tier never shows what is older than an acknowledged write, nor what was deleted: histories of several
//! threads on few keys, with evictions and flushes, each read held against what was acknowledged before it began and
//! what was begun before it ended.

mod common;

use common::{Dir, Random, Seeded, seed};
use nearcache::{Access, Expiry, Home, Outcome};
use nearcache_store::{Options, Policy, Store};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const KEYS: usize = 6;
const NEVER: Expiry = Expiry::Never;
/// The flags of a lease.
const LEASE: u32 = 0x4E43_00FF;

/// Of a key's operations, one after another by one thread: how many were begun, and how many acknowledged.
#[derive(Default)]
struct Line {
    begun: AtomicU64,
    done: AtomicU64,
}

/// Operation `n` of a key removes it, or else stores `n`.
fn removes(n: u64) -> bool {
    n.is_multiple_of(3)
}

fn key(k: usize) -> Vec<u8> {
    format!("key{k}").into_bytes()
}

fn options(near: u64) -> Options {
    let mut options = Options::default();
    options.policy = Policy::Never;
    options.near = near;
    options
}

/// Is the value one that could be read between these moments?
fn judge(found: Option<u64>, done: u64, begun: u64, who: &str) {
    match found {
        Some(n) => {
            assert!(
                (done..=begun).contains(&n),
                "{who}: {n} was read, {done} to {begun} are right"
            );
            assert!(!removes(n));
        }
        None => {
            assert!((done..=begun).any(removes), "{who}: nothing was read, {done} to {begun} store")
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    String::from_utf8_lossy(bytes).trim_end_matches('.').parse().unwrap()
}

#[test]
fn no_read_is_older_than_what_was_acknowledged() {
    let seeded = Seeded(seed());
    // A tier with room for everything, and one in which the large values push one another out.
    // The last is one in which others may read.
    let shared = Home::Named(format!("store-history-{}", std::process::id()));
    let homes = [
        (8 << 20, 10, Home::Private),
        (1 << 20, 150_000, Home::Private),
        (1 << 20, 150_000, shared),
    ];
    for (near, len, home) in homes {
        let dir = Dir::new();
        let mut options = options(near);
        options.near_home = home.clone();
        let store = Store::open(dir.path(), options).unwrap();
        let lines: [Line; KEYS] = Default::default();
        let stop = AtomicBool::new(false);
        let (reads, hits) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let (store, lines, stop) = (&store, &lines, &stop);
                let mut random = Random(seeded.0 ^ writer);
                scope.spawn(move || {
                    while !stop.load(SeqCst) {
                        let k = random.below(KEYS as u64 / 2) as usize * 2 + writer as usize;
                        let n = lines[k].begun.fetch_add(1, SeqCst) + 1;
                        if removes(n) {
                            store.delete(&key(k)).unwrap();
                        } else {
                            let mut value = n.to_string().into_bytes();
                            value.resize(value.len().max(len), b'.');
                            let expiry = *random.pick(&[NEVER, Expiry::After(1000)]);
                            store.set(&key(k), &value, n as u32 % 7, expiry).unwrap();
                        }
                        lines[k].done.store(n, SeqCst);
                    }
                });
            }
            for reader in 0..3 {
                let (store, lines, stop) = (&store, &lines, &stop);
                let (reads, hits) = (&reads, &hits);
                let mut random = Random(seeded.0 ^ 100 ^ reader);
                scope.spawn(move || {
                    while !stop.load(SeqCst) {
                        let k = random.below(KEYS as u64) as usize;
                        let done = lines[k].done.load(SeqCst);
                        let found = store.get(&key(k)).unwrap().map(|v| number(&v.data));
                        judge(found, done, lines[k].begun.load(SeqCst), "get");
                        reads.fetch_add(1, SeqCst);
                        hits.fetch_add(u64::from(found.is_some()), SeqCst);
                    }
                });
            }
            let until = Instant::now() + Duration::from_millis(1500);
            while Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
            stop.store(true, SeqCst);
        });
        let stats: std::collections::HashMap<_, _> = store.stats().unwrap().into_iter().collect();
        println!(
            "near {near}: {} reads, {} hits, {stats:?}",
            reads.into_inner(),
            hits.into_inner()
        );
        assert!(stats["near_hits"] > 100 && stats["get_hits"] > stats["near_hits"], "{stats:?}");
        assert_eq!(stats["near_evictions"] > 0, near == 1 << 20, "{stats:?}");
        drop(store);
        if home.is_shared() {
            nearcache::unlink(&home).unwrap();
        }
    }
}

#[test]
fn other_processes_read_what_is_committed_from_a_shared_arena() {
    let dir = Dir::new();
    let home = Home::Named(format!("store-test-{}", std::process::id()));
    let mut with_home = options(4 << 20);
    with_home.near_home = home.clone();
    with_home.policy = Policy::Always;
    let store = Store::open(dir.path(), with_home.clone()).unwrap();
    store.set(b"a", b"one", 5, Expiry::After(100)).unwrap();
    let other = nearcache::Options::attach(home.clone()).access(Access::ReadOnly).open().unwrap();
    let found = other.get(b"a").unwrap().unwrap();
    assert_eq!((&found.data[..], found.flags), (&b"one"[..], 5));
    assert_eq!(found.cas, store.get(b"a").unwrap().unwrap().cas);
    assert!(matches!(found.ttl, Some(99..=100)));
    // A value under a lease's flags is the client's own, and not shown to others as one.
    store.set(b"lease", b"mine", LEASE, NEVER).unwrap();
    assert!(other.get(b"lease").unwrap().is_none());
    assert_eq!(store.get(b"lease").unwrap().unwrap().data, b"mine");
    store.delete(b"a").unwrap();
    assert!(other.get(b"a").unwrap().is_none_or(|v| v.flags == LEASE));
    store.set(b"b", b"before", 0, NEVER).unwrap();
    // Whatever somebody leaves there, a new owner begins with nothing.
    drop(store);
    let liar = nearcache::Options::attach(home.clone()).open().unwrap();
    liar.set(b"b", b"a lie", 0, NEVER).unwrap();
    let store = Store::open(dir.path(), with_home).unwrap();
    assert_eq!(store.get(b"b").unwrap().unwrap().data, b"before");
    drop(store);
    nearcache::unlink(&home).unwrap();
}

#[test]
fn a_flush_leaves_nothing_behind_in_the_near_tier() {
    let seeded = Seeded(seed());
    let dir = Dir::new();
    let store = Store::open(dir.path(), options(1 << 20)).unwrap();
    let (generation, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (store, generation, stop) = (&store, &generation, &stop);
            let mut random = Random(seeded.0 ^ reader);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    let flushed = generation.load(SeqCst);
                    let found = store.get(&key(random.below(KEYS as u64) as usize)).unwrap();
                    if let Some(value) = found {
                        let of = number(&value.data);
                        assert!(of >= flushed, "a value of {of} after flush {flushed}");
                    }
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            let now = generation.load(SeqCst);
            for k in 0..KEYS {
                let text = now.to_string();
                assert!(matches!(
                    store.set(&key(k), text.as_bytes(), 0, NEVER),
                    Ok(Outcome::Stored(_))
                ));
            }
            store.flush_all(0).unwrap();
            generation.store(now + 1, SeqCst);
        }
        stop.store(true, SeqCst);
    });
    common::eventually("what was flushed is buried", || store.database().ledger().dead == 0);
    assert_eq!(store.database().ledger().items, 0);
    store.verify(&mut |_| true).unwrap();
}
