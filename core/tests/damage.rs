//! Verbs return from a damaged arena: with an error, a miss or a wrong value, but they return.
//!
//! Built only with `--cfg nearcache_damage`, by the fuzz crate; each test is a fault that was found there, or by
//! reading what a damaged word would do.
#![cfg(nearcache_damage)]

use nearcache::{Cache, Error, Expiry, MetaGet, Options, Outcome};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::Duration;

const NEVER: Expiry = Expiry::Never;
const TOP: u64 = 1 << 63;
/// CTRL: a split is pending, under sequence number 5.
const SPLIT: u64 = TOP | 5 << 44 | 15 << 40;
const MOVING: u64 = 1 << 44;
const LOC: u64 = (1 << 40) - 1;

fn options() -> Options {
    let mut options = Options::new(1 << 20);
    options.manual_clock = true;
    options
}

fn open(options: &Options) -> Cache {
    options.open().expect("the cache opens")
}

fn key(k: u32) -> Vec<u8> {
    format!("key {k}").into_bytes()
}

/// Stores items of a few words.
fn fill(cache: &Cache, count: u32) {
    for k in 0..count {
        cache.set(&key(k), b"value", 0, NEVER).expect("there is room");
    }
}

/// A cache whose index has doubled: 8 buckets at first.
fn doubled() -> Cache {
    let mut options = options();
    options.item_size_hint = 1 << 20;
    let cache = open(&options);
    let mut k = 0;
    while part(&cache, "superblock")[48].load(Relaxed) < 3 {
        cache.set(&key(k), b"value", 0, NEVER).expect("there is room");
        k += 1;
    }
    cache
}

/// The words of a part of the arena.
fn part<'c>(cache: &'c Cache, name: &str) -> &'c [AtomicU64] {
    let parts = cache.parts();
    let at = parts.iter().position(|(other, _)| *other == name).expect("there is such a part");
    &cache.words()[parts[at].1..parts[at + 1].1]
}

/// One of the arrays with a word for each segment: birth, state, used, dead, expiry, order, link,
/// drained, opened.
fn array(cache: &Cache, which: usize) -> &[AtomicU64] {
    let arrays = part(cache, "arrays");
    let stride = arrays.len() / 9;
    &arrays[which * stride..(which + 1) * stride]
}

fn put(words: &[AtomicU64], value: u64) {
    words.iter().for_each(|word| word.store(value, Relaxed));
}

/// Every bucket: those of the first index, and of the segments in the directory.
fn buckets(cache: &Cache) -> Vec<&[AtomicU64]> {
    let segment_words = 8192;
    let segments = part(cache, "segments");
    let mut all: Vec<&[AtomicU64]> = part(cache, "buckets").chunks(16).collect();
    for entry in part(cache, "directory") {
        if let Some(segment) = entry.load(Relaxed).checked_sub(1) {
            let from = segment as usize * segment_words;
            all.extend(segments[from..from + segment_words].chunks(16));
        }
    }
    all
}

/// Changes every live slot.
fn change_slots(cache: &Cache, change: impl Fn(u64) -> u64) {
    for bucket in buckets(cache) {
        for slot in &bucket[1..] {
            let old = slot.load(Relaxed);
            if old & TOP != 0 {
                slot.store(change(old), Relaxed);
            }
        }
    }
}

/// Fails if `case` takes longer than verbs may.
fn returns(case: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        case();
        // Nobody waits any more if this comes too late.
        let _ = done.send(());
    });
    let hangs = wait.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout);
    assert!(!hangs, "a verb does not return");
    thread.join().expect("no verb panics");
}

/// Every kind of verb, on keys that are there and keys that are not.
fn use_all(cache: &Cache) {
    let large = vec![b'l'; 100_000];
    for k in (0..40).chain(1_000_000..1_000_040) {
        let key = key(k);
        let _ = cache.get(&key);
        let _ = cache.peek(&key);
        let _ = cache.pin(&key);
        let _ = cache.gat(&key, Expiry::After(10));
        let _ = cache.incr(&key, 1);
        let _ = cache.append(&key, b"+");
        let _ = cache.invalidate(&key, None);
        let ask = MetaGet { vivify: Some(NEVER), ..MetaGet::default() };
        let _ = cache.meta_get(&key, ask, &mut Vec::new());
        let _ = cache.set(&key, if k % 8 == 0 { &large } else { b"value" }, 0, Expiry::After(9));
        let _ = cache.delete(&key);
        let _ = cache.set(&key, b"another", 7, NEVER);
    }
    let _ = cache.get_many(&[key(1), key(2)], |_, _, _| {});
    cache.iter().for_each(drop);
    cache.keys(b"key").for_each(drop);
    let _ = cache.stats();
    let _ = cache.unix_time();
    let _ = cache.advance_clock(1);
    cache.flush_all(3).expect("the cache may be written");
    let _ = cache.check();
    cache.flush_all(0).expect("the cache may be written");
    let _ = cache.set(b"k", b"v", 0, NEVER);
    let _ = cache.check();
}

/// Damages a cache of some items, and one whose index has doubled, and uses them.
fn survives(damage: impl Fn(&Cache) + Send + 'static) {
    returns(move || {
        let cache = open(&options());
        fill(&cache, 2000);
        damage(&cache);
        use_all(&cache);
        let cache = doubled();
        damage(&cache);
        use_all(&cache);
    });
}

#[test]
fn a_level_that_the_index_cannot_have() {
    for level in [17, 40, 63, 64, u64::MAX] {
        survives(move |cache| part(cache, "superblock")[48].store(level, Relaxed));
    }
}

#[test]
fn splits_that_nobody_announced() {
    survives(|cache| buckets(cache).iter().for_each(|bucket| bucket[0].store(SPLIT, Relaxed)));
}

#[test]
fn buckets_that_were_never_born() {
    survives(|cache| buckets(cache).iter().for_each(|bucket| bucket[0].store(0, Relaxed)));
    // The insert that is settled leaves the word that means "unborn".
    survives(|cache| buckets(cache).iter().for_each(|bucket| bucket[0].store(TOP, Relaxed)));
}

#[test]
fn slots_that_are_frozen_for_no_split() {
    survives(|cache| change_slots(cache, |slot| slot | MOVING));
}

#[test]
fn buckets_full_of_nothing() {
    // Live slots that point to no item, or to the same: none is free, and none can be evicted by its item.
    for slot in [TOP, TOP | LOC, TOP | MOVING, u64::MAX] {
        survives(move |cache| buckets(cache).iter().for_each(|bucket| put(&bucket[1..], slot)));
    }
}

#[test]
fn items_in_unreadable_segments() {
    survives(|cache| put(array(cache, 0), 0));
}

#[test]
fn metadata_near_the_end_of_numbers() {
    for which in 0..9 {
        survives(move |cache| put(array(cache, which), u64::MAX));
        survives(move |cache| put(array(cache, which), u64::MAX - 8));
    }
}

#[test]
fn a_superblock_of_large_numbers() {
    // Origin, health, clock, flush, index, births, free, limit, reclaim, policy, baseline.
    for at in [
        16, 17, 18, 32, 33, 34, 49, 64, 65, 80, 81, 96, 112, 128, 129, 130, 144, 145, 160, 161, 176,
    ] {
        for value in [0, 1, 1 << 40, i64::MAX as u64, u64::MAX - 1, u64::MAX] {
            survives(move |cache| part(cache, "superblock")[at].store(value, Relaxed));
        }
    }
}

#[test]
fn counters_that_overflow() {
    survives(|cache| {
        part(cache, "seats").chunks(64).for_each(|seat| put(&seat[16..], u64::MAX - 3))
    });
}

#[test]
fn a_directory_that_leads_anywhere() {
    for entry in [1, 2, 5, 1 << 30, u64::MAX] {
        survives(move |cache| put(part(cache, "directory"), entry));
    }
}

/// A value of many segments that cannot be read whole, and no guard is left to hold it by.
#[test]
fn no_guard_for_a_broken_value() {
    returns(|| {
        let cache = open(&options());
        cache.set(b"large", &[1; 200_000], 0, NEVER).expect("there is room");
        put(part(&cache, "cells"), u64::MAX);
        // The extents' births are others now, the item's own is not.
        let large = |state: &AtomicU64| state.load(Relaxed) >> 56 == 6;
        for (birth, _) in array(&cache, 0).iter().zip(array(&cache, 1)).filter(|(_, s)| large(s)) {
            birth.store(999, Relaxed);
        }
        assert_eq!(cache.get(b"large").expect("a get does not fail"), None);
        assert!(cache.pin(b"large").expect("a pin does not fail").is_none());
    });
}

/// Lanes held by nobody alive: a store says that it finds no room, and does not wait.
#[test]
fn lanes_that_nobody_gives_back() {
    returns(|| {
        let cache = open(&options());
        fill(&cache, 10);
        part(&cache, "lanes").chunks(16).for_each(|lane| lane[0].store(77, Relaxed));
        assert!(matches!(cache.set(b"k", b"v", 0, NEVER), Err(Error::OutOfMemory)));
        assert!(cache.get(&key(1)).expect("a get does not fail").is_some());
        assert!(cache.check().is_err());
    });
}

#[test]
fn lanes_that_fill_no_segment_of_this_arena() {
    for open in [16, 17, 1 << 30, 1 << 40, u64::MAX] {
        let damage = move |cache: &Cache| {
            part(cache, "lanes").chunks(16).for_each(|lane| lane[1].store(open, Relaxed));
        };
        survives(damage);
        returns(move || {
            let cache = self::open(&options());
            damage(&cache);
            let magic = cache.words()[0].load(Relaxed);
            let stored = cache.set(b"k", b"v", 0, NEVER);
            assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
            assert_eq!(cache.words()[0].load(Relaxed), magic, "written outside of the segments");
        });
    }
}

/// A thread that finds every seat taken waits for one that is lent; in an arena of this process alone, a seat with
/// another process's name in it is not.
#[test]
fn seats_that_nobody_gives_back() {
    returns(|| {
        let cache = open(&options());
        fill(&cache, 10);
        part(&cache, "seats").chunks(64).for_each(|seat| seat[0].store(u64::MAX, Relaxed));
        std::thread::scope(|scope| {
            let get = scope.spawn(|| cache.get(&key(1)).expect("a get does not fail"));
            assert!(get.join().expect("no panic").is_some());
        });
    });
}

#[test]
fn hazards_and_guards_of_nobody() {
    survives(|cache| part(cache, "seats").chunks(64).for_each(|seat| put(&seat[1..5], 3)));
    survives(|cache| put(part(cache, "cells"), 1 << 44 | 1 << 24 | 3));
}

/// No damage here, but what only the words show: an iteration that meets an item being deleted lets go of its segment.
#[test]
fn an_iteration_holds_nothing_afterwards() {
    let cache = open(&options());
    // This thread has the first seat: owner, then the hazards of a write and of a read.
    cache.set(b"k", b"v", 0, NEVER).expect("there is room");
    let hazard = &part(&cache, "seats")[2];
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                cache.set(b"k", b"v", 0, NEVER).expect("there is room");
                cache.delete(b"k").expect("a deletion does not fail");
            }
        });
        let held = (0..5_000).any(|_| {
            cache.iter().for_each(drop);
            hazard.load(Relaxed) != 0
        });
        over.store(true, Relaxed);
        assert!(!held, "an iteration is over and still holds a segment");
    });
}
