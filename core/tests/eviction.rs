//! What is evicted, and what is kept: the two policies, cleaning, lifetime classes, and that no set pays for a whole
//! segment.

mod support;

use nearcache::{Cache, Expiry, Options, Policy};
use std::collections::{HashMap, VecDeque};
use support::seed::{Rng, Told, of_run};

const VALUE: [u8; 200] = [b'v'; 200];

fn open(policy: Policy) -> Cache {
    let mut options = Options::new(8 << 20);
    options.policy = policy;
    options.item_size_hint = 216;
    options.manual_clock = true;
    options.open().expect("the cache opens")
}

fn key(number: u64) -> [u8; 16] {
    let mut key = *b"key-____________";
    key[8..].copy_from_slice(&number.to_le_bytes());
    key
}

fn set(cache: &Cache, number: u64) {
    cache.set(&key(number), &VALUE, 0, Expiry::Never).expect("a set evicts what is in its way");
}

fn get(cache: &Cache, number: u64) -> bool {
    cache.get(&key(number)).expect("a get does not fail").is_some()
}

/// Of the numbers below `count`, how many are there?
fn present(cache: &Cache, count: u64) -> u64 {
    (0..count).filter(|&number| cache.contains(&key(number)).expect("a key")).count() as u64
}

/// A number drawn so that 0 is the most likely: the product of uniform draws piles up near 0.
fn skewed(rng: &mut Rng, count: u64) -> u64 {
    let bound = rng.below(count) + 1;
    let bound = rng.below(bound) + 1;
    rng.below(bound)
}

#[test]
fn a_scan_does_not_push_out_what_is_read_often() {
    let cache = open(Policy::S3Fifo);
    const HOT: u64 = 2000;
    for number in 0..HOT {
        set(&cache, number);
    }
    for round in 0..200_000 {
        get(&cache, round % HOT);
        set(&cache, HOT + round);
    }
    let kept = present(&cache, HOT);
    assert!(kept > HOT * 95 / 100, "{kept} of {HOT} items in use outlived a scan");
    cache.check().expect("nothing is broken");
}

#[test]
fn lru_keeps_what_was_used_last() {
    let cache = open(Policy::Lru);
    for number in 0..60_000 {
        set(&cache, number);
    }
    let held = cache.stats().curr_items;
    // A third of what fits is used again and again, and survives ten times as many others.
    let used = held / 3;
    for number in 0..used {
        set(&cache, number);
    }
    for other in 0..10 * held {
        get(&cache, other % used);
        set(&cache, 1 << 32 | other);
    }
    let kept = present(&cache, used);
    // All but those that a full bucket of the index had to give up.
    assert!(kept > used * 60 / 100, "{kept} of {used} items in use are left");
    // What was not used again went in the order in which it was stored.
    let last = (0..held / 2).filter(|n| get(&cache, 1 << 32 | (10 * held - 1 - n))).count() as u64;
    assert!(last > held / 2 * 90 / 100, "{last} of the last {} stored are left", held / 2);
    cache.check().expect("nothing is broken");
}

/// Misses of a read-through cache on a skewed stream, and of strict LRU with room for as many items.
fn misses(policy: Policy, rng: &mut Rng) -> (u64, u64) {
    let cache = open(policy);
    let (mut stamps, mut queue) = (HashMap::new(), VecDeque::new());
    let (mut ours, mut lru) = (0, 0);
    let mut held = 30_000;
    for step in 0..600_000_u64 {
        let number = skewed(rng, 400_000);
        if !get(&cache, number) {
            set(&cache, number);
            ours += u64::from(step > 200_000);
        }
        // Strict LRU with lazy deletion: the last stamp of a number is its place.
        lru += u64::from(stamps.insert(number, step).is_none() && step > 200_000);
        queue.push_back((number, step));
        while stamps.len() > held {
            let (oldest, stamp) = queue.pop_front().expect("whatever has a stamp is queued");
            if stamps.get(&oldest) == Some(&stamp) {
                stamps.remove(&oldest);
            }
        }
        if step == 200_000 {
            held = cache.stats().curr_items as usize;
        }
    }
    cache.check().expect("nothing is broken");
    (ours, lru)
}

#[test]
fn the_policies_miss_as_they_should() {
    let seed = of_run();
    let _told = Told(seed);
    let (ours, lru) = misses(Policy::S3Fifo, &mut Rng::new(seed));
    assert!(ours < lru * 98 / 100, "S3-FIFO missed {ours}, LRU {lru}");
    let (ours, lru) = misses(Policy::Lru, &mut Rng::new(seed));
    assert!(ours < lru * 103 / 100, "the lru policy missed {ours}, LRU {lru}");
}

#[test]
fn half_sets_leave_most_of_the_memory_alive() {
    let seed = of_run();
    let _told = Told(seed);
    let mut rng = Rng::new(seed);
    let cache = open(Policy::S3Fifo);
    for _ in 0..600_000 {
        let number = skewed(&mut rng, 400_000);
        if rng.chance(50) {
            set(&cache, number);
        } else {
            get(&cache, number);
        }
    }
    let stats = cache.stats();
    assert!(stats.segments_cleaned > 0);
    // A small cache: open and spare segments are a good part of it.
    let percent = stats.bytes * 100 / stats.limit_maxbytes;
    assert!(percent >= 72, "{percent} % of the memory is live items");
    cache.check().expect("nothing is broken");
}

#[test]
fn what_expires_is_reclaimed_before_anything_alive_is_evicted() {
    let cache = open(Policy::S3Fifo);
    for number in 0..10_000 {
        set(&cache, number);
    }
    for round in 0..40 {
        for number in 0..5000 {
            let name = key(1 << 32 | round << 16 | number);
            cache.set(&name, &VALUE, 0, Expiry::After(10)).expect("there is room");
        }
        cache.advance_clock(11).expect("the clock is ours");
    }
    let stats = cache.stats();
    assert_eq!(stats.evictions, stats.index_evictions, "only a full bucket evicts what lives");
    assert!(present(&cache, 10_000) >= 10_000 - stats.index_evictions);
    assert!(stats.reclaimed > 100_000, "{} expired items were reclaimed", stats.reclaimed);
    cache.check().expect("nothing is broken");
}

#[test]
fn segments_are_drained_in_passing() {
    let cache = open(Policy::S3Fifo);
    for number in 0..100_000 {
        set(&cache, number);
    }
    // From one set to the next no more than a few items go, and every moment is a consistent one.
    let mut before = cache.stats();
    let mut most = 0;
    for number in 100_000..104_000 {
        set(&cache, number);
        let now = cache.stats();
        most = most.max(now.evictions - before.evictions);
        before = now;
        if number % 16 == 0 {
            cache.check().expect("nothing is broken");
        }
    }
    assert!((1..=32).contains(&most), "{most} items were evicted by one set");
}
