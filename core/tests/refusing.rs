//! A cache that may not evict (memcached's -M): it refuses, says so, keeps what it has, and has room again when
//! something goes.

mod support;

use nearcache::{Cache, Deletion, Error, Expiry, MetaGet, Options, Outcome};

const SIZE: u64 = 2 << 20;
const LEN: usize = 1000;

fn open() -> Cache {
    let mut options = Options::new(SIZE);
    options.evict = false;
    options.manual_clock = true;
    options.open().expect("the cache opens")
}

fn key(k: u32) -> [u8; 4] {
    k.to_le_bytes()
}

fn value(k: u32, len: usize) -> Vec<u8> {
    vec![k as u8; len]
}

/// Adds keys from `first` on until one is refused; the count of those stored.
fn fill(cache: &Cache, first: u32, len: usize, life: Expiry) -> u32 {
    for k in first.. {
        match cache.add(&key(k), &value(k, len), 0, life) {
            Ok(Outcome::Stored(_)) => {}
            Err(Error::OutOfMemory) => return k - first,
            other => panic!("an add was answered {other:?}"),
        }
    }
    unreachable!("no memory holds 2^32 items")
}

#[test]
fn what_was_stored_stays() {
    let cache = open();
    let stored = fill(&cache, 0, LEN, Expiry::Never);
    let held = u64::from(stored) * LEN as u64;
    assert!(held > SIZE * 6 / 10, "only {held} bytes of values fit into {SIZE}");
    for k in 0..stored {
        let found = cache.get(&key(k)).expect("a get does not fail");
        assert_eq!(found.expect("nothing is evicted").data, value(k, LEN));
    }
    let stats = cache.stats();
    assert_eq!((stats.evictions, stats.curr_items), (0, u64::from(stored)));
    assert_eq!(stats.store_no_memory, 1);
    cache.check().expect("the cache is whole");
}

#[test]
fn a_refusal_follows_memcached() {
    let cache = open();
    let stored = fill(&cache, 0, LEN, Expiry::Never);
    let large = value(0, 100_000);
    let unique = |k: u32| cache.get(&key(k)).unwrap().unwrap().cas;
    let there = |k: u32| cache.contains(&key(k)).unwrap();
    let refused = |answer: Result<Outcome, Error>| {
        assert!(matches!(answer, Err(Error::OutOfMemory)), "{answer:?}");
    };
    refused(cache.add(&key(stored), &large, 0, Expiry::Never));
    assert!(!there(stored));
    refused(cache.replace(&key(1), &large, 0, Expiry::Never));
    assert!(there(1), "a replace that fails keeps the old value");
    refused(cache.cas(&key(2), &large, 0, Expiry::Never, unique(2)));
    assert!(there(2), "a cas that fails keeps the old value");
    for grown in [cache.append(&key(3), &large), cache.prepend(&key(3), &large)] {
        assert_eq!(grown.expect("NOT_STORED is no failure"), Outcome::NotStored);
    }
    assert_eq!(cache.get(&key(3)).unwrap().unwrap().data, value(3, LEN));
    refused(cache.set(&key(4), &large, 0, Expiry::Never));
    assert!(!there(4), "a set that fails removes the old value");
    // What needs no memory goes on.
    assert_eq!(cache.touch(&key(5), Expiry::After(9)).unwrap(), nearcache::Touch::Touched);
    assert_eq!(cache.delete(&key(6)).unwrap(), Deletion::Deleted);
    cache.check().expect("the cache is whole");
}

#[test]
fn there_is_room_again() {
    let cache = open();
    let first = fill(&cache, 0, LEN, Expiry::After(60));
    let again = |freed: &str| {
        let stored = fill(&cache, 0, LEN, Expiry::After(60));
        assert!(stored >= first * 95 / 100, "{freed}: {stored} fit, {first} had fitted at first");
    };
    for k in 0..first {
        assert_eq!(cache.delete(&key(k)).unwrap(), Deletion::Deleted);
    }
    again("when all was deleted");
    cache.flush_all(0).expect("the cache may be written");
    again("when all was flushed");
    cache.advance_clock(60).expect("the clock is the test's");
    again("when all had expired");
    assert_eq!(cache.stats().evictions, 0);
    cache.check().expect("the cache is whole");
}

/// Nothing leaks: filled and emptied many times, with values of one segment and of many, it holds as much as ever,
/// but for what may be left of the segments last filled by others.
#[test]
fn nothing_leaks() {
    let cache = open();
    let lens = [10, 500, 5000, 60_000, 150_000];
    let holds: Vec<u32> = (lens.iter())
        .map(|len| {
            let stored = fill(&cache, 0, *len, Expiry::Never);
            cache.flush_all(0).expect("the cache may be written");
            stored
        })
        .collect();
    for round in 0..30 {
        for (len, first) in lens.iter().zip(&holds) {
            let stored = fill(&cache, 0, *len, Expiry::Never);
            let two_segments = (128 << 10) / *len as u32;
            assert!(
                stored + 1 + two_segments >= *first,
                "round {round}: {stored} values of {len} bytes fit, {first} had at first"
            );
            match round % 2 {
                0 => cache.flush_all(0).expect("the cache may be written"),
                _ => (0..stored).for_each(|k| {
                    assert_eq!(cache.delete(&key(k)).unwrap(), Deletion::Deleted);
                }),
            }
        }
    }
    cache.check().expect("the cache is whole");
}

/// One key in a full cache is overwritten for ever: each time the dead bytes are found.
#[test]
fn overwriting_in_a_nearly_full_cache_goes_on() {
    let cache = open();
    let stored = fill(&cache, 0, LEN, Expiry::Never);
    // A tenth of it goes, spread over the whole log.
    for k in (0..stored).step_by(10) {
        assert_eq!(cache.delete(&key(k)).unwrap(), Deletion::Deleted);
    }
    for round in 0..20_000 {
        let outcome = cache.set(&key(1), &value(round, LEN), 0, Expiry::Never);
        assert!(matches!(outcome, Ok(Outcome::Stored(_))), "round {round}: {outcome:?}");
    }
    assert_eq!(cache.stats().evictions, 0);
    cache.check().expect("the cache is whole");
}

/// A meta get that may not vivify, because there is no room, lets go of the dead item that it found.
#[test]
fn a_refused_vivify_holds_nothing() {
    let cache = open();
    cache.set(b"short-lived", b"v", 0, Expiry::After(1)).expect("there is room");
    // So little of any segment is dead that no cleaning is worth while.
    fill(&cache, 0, 100, Expiry::Never);
    cache.advance_clock(1).expect("the clock is moved by hand");
    let ask = MetaGet { vivify: Some(Expiry::Never), ..MetaGet::default() };
    let refused = cache.meta_get(b"short-lived", ask, &mut Vec::new());
    assert!(matches!(refused, Err(Error::OutOfMemory)), "{refused:?}");
    cache.check().expect("the cache is whole");
}
