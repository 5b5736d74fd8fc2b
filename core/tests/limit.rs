//! The memory limit is moved while the cache is in use: what is kept stays whole, and the memory goes back to the system.

mod support;

use nearcache::{Cache, Error, Expiry, Home, Options, Outcome};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use support::blocks;
use support::scratch::Scratch;
use support::seed::{Rng, Told, mix, of_run};

const MIB: u64 = 1 << 20;

fn options(size: u64, max: u64, home: Home) -> Options {
    let mut options = Options::new(size).home(home);
    options.memory_max = Some(max);
    options.manual_clock = true;
    options
}

fn set(cache: &Cache, k: u32, seed: u64) {
    let mut value = Vec::new();
    // Mostly small ones, and now and then one of several segments.
    let len = match mix(seed ^ u64::from(k)) % 400 {
        0 => 150_000,
        other => other as usize,
    };
    blocks::write(k, 1, len, &mut value);
    match cache.set(&k.to_le_bytes(), &value, 0, Expiry::Never) {
        Ok(Outcome::Stored(_)) => {}
        other => panic!("a set was answered {other:?}"),
    }
}

/// How many of the first `count` are there; each must be whole.
fn present(cache: &Cache, count: u32) -> u64 {
    let mut there = 0;
    for k in 0..count {
        if let Some(value) = cache.get(&k.to_le_bytes()).expect("a get does not fail") {
            blocks::read(k, &value.data).unwrap_or_else(|why| panic!("{why}"));
            there += 1;
        }
    }
    there
}

/// Bytes that the file of a cache takes.
fn allocated(cache: &Cache) -> u64 {
    let fd = cache.descriptor().expect("it has a file").try_clone_to_owned().expect("duplicated");
    let meta = std::fs::File::from(fd).metadata().expect("a file");
    std::os::unix::fs::MetadataExt::blocks(&meta) * 512
}

fn there_and_back(home: Home) {
    let seed = of_run();
    let _told = Told(seed);
    let cache = options(8 * MIB, 32 * MIB, home).open().expect("the cache opens");
    assert_eq!((cache.info().size, cache.info().memory_max), (8 * MIB, 32 * MIB));
    let is_shared = cache.is_shared();
    let within = |limit: u64| {
        let stats = cache.stats();
        assert_eq!(stats.limit_maxbytes, limit);
        assert!(stats.bytes <= limit, "{} bytes of items within {limit}", stats.bytes);
        // Of the parts of whole pages nothing is left over: segments begin on pages.
        let most = if is_shared { allocated(&cache) } else { 0 };
        assert!(most <= limit + 64 * 1024, "{most} bytes of the file within {limit}");
        cache.check().expect("the cache is whole");
    };
    let mut count = 0;
    let mut fill = |bytes: u64| {
        let begun = cache.stats().evictions;
        let till = count + (bytes / 200) as u32;
        for k in count..till {
            set(&cache, k, seed);
        }
        count = till;
        (till, cache.stats().evictions - begun)
    };
    let (till, _) = fill(20 * MIB);
    let eight = present(&cache, till);
    assert_eq!(eight, cache.len());
    within(8 * MIB);
    // Raised: three times as much finds room.
    assert_eq!(cache.set_memory_limit(24 * MIB).expect("it is raised"), 24 * MIB);
    assert_eq!(present(&cache, till), eight, "nothing is lost by raising");
    within(24 * MIB);
    let (till, _) = fill(60 * MIB);
    let full = present(&cache, till);
    assert!(full > eight * 5 / 2, "{full} items, and {eight} in a third of it");
    within(24 * MIB);
    // Lowered: what is kept is whole, and the rest of the memory is free at once.
    let before = cache.stats();
    assert_eq!(cache.set_memory_limit(8 * MIB + 5).expect("it is lowered"), 8 * MIB);
    let kept = present(&cache, till);
    assert_eq!(kept, cache.len());
    assert_eq!(cache.stats().evictions - before.evictions, full - kept);
    assert!(kept > eight * 3 / 5, "{kept} items are kept, of {eight} that there is room for");
    within(8 * MIB);
    // And it goes on there as before.
    let (till, evicted) = fill(20 * MIB);
    assert!(evicted > 0);
    assert!(present(&cache, till) > eight * 3 / 5);
    within(8 * MIB);
    for limit in [32, 9, 10, 32, 8] {
        cache.set_memory_limit(limit * MIB).expect("it is moved");
        within(limit * MIB);
        fill(4 * MIB);
        within(limit * MIB);
    }
}

#[test]
fn a_private_cache_is_raised_and_lowered() {
    there_and_back(Home::Private);
}

#[test]
fn a_shared_cache_is_raised_and_lowered() {
    there_and_back(Home::Inherited);
}

#[test]
fn a_file_is_raised_and_lowered() {
    let scratch = Scratch::new();
    there_and_back(Home::At(scratch.join("cache")));
}

#[test]
fn the_range_is_told() {
    let cache = options(8 * MIB, 32 * MIB, Home::Private).open().expect("the cache opens");
    for bytes in [0, 1, MIB, 32 * MIB + 4096, u64::MAX] {
        match cache.set_memory_limit(bytes) {
            Err(Error::InvalidOptions(why)) => {
                assert!(why.contains("33554432"), "{why} tells the most");
                let least = why.split("from ").nth(1).and_then(|rest| rest.split(' ').next());
                let least: u64 = least.and_then(|n| n.parse().ok()).expect("the least is told");
                assert!(least < 4 * MIB, "{why}");
                assert_eq!(cache.set_memory_limit(least).expect("the least is possible"), least);
                for k in 0..50_000 {
                    set(&cache, k, 1);
                }
                cache.set(b"the largest", &vec![0; 1000 << 10], 0, Expiry::Never).expect("it fits");
                cache.check().expect("the cache is whole");
            }
            other => panic!("a limit of {bytes} was answered {other:?}"),
        }
    }
    // Without it the limit can be lowered, and raised to where it was.
    let cache = Options::new(8 * MIB).open().expect("the cache opens");
    assert_eq!(cache.set_memory_limit(5 * MIB).expect("it is lowered"), 5 * MIB);
    assert_eq!(cache.set_memory_limit(8 * MIB).expect("it is raised"), 8 * MIB);
    assert!(cache.set_memory_limit(8 * MIB + 4096).is_err());
    for (size, max) in [(8 * MIB, 4 * MIB), (8 * MIB, 8 << 40), (MIB, 4 << 40)] {
        let why = options(size, max, Home::Private).open().expect_err("it cannot be").to_string();
        assert!(why.contains("memory_max"), "{why}");
    }
}

#[test]
fn what_may_not_be_evicted_stays() {
    let mut options = options(16 * MIB, 32 * MIB, Home::Inherited);
    options.evict = false;
    let cache = options.open().expect("the cache opens");
    let mut count = 0u32;
    while cache.set(&count.to_le_bytes(), &[b'v'; 300], 0, Expiry::Never).is_ok() {
        count += 1;
    }
    let before = cache.stats();
    assert!(matches!(cache.set_memory_limit(10 * MIB), Err(Error::InvalidOptions(_))));
    // Not all of the counters: segments may have been cleaned.
    let after = cache.stats();
    assert_eq!(after.limit_maxbytes, before.limit_maxbytes, "the limit is what it was");
    assert_eq!((after.curr_items, after.evictions), (before.curr_items, before.evictions));
    cache.check().expect("the cache is whole");
    // There is room when some of it is deleted.
    for k in 0..count / 2 {
        cache.delete(&k.to_le_bytes()).expect("no failure");
    }
    assert_eq!(cache.set_memory_limit(10 * MIB).expect("it is lowered"), 10 * MIB);
    for k in count / 2..count {
        assert!(cache.contains(&k.to_le_bytes()).expect("no failure"), "key {k} is kept");
    }
    cache.check().expect("the cache is whole");
}

/// What one has failed to reach is not what the other goes back to.
#[test]
fn two_who_fail_to_lower_it_at_once_leave_what_is_in_use() {
    let mut options = options(8 * MIB, 8 * MIB, Home::Private);
    options.evict = false;
    let cache = options.open().expect("the cache opens");
    let mut count = 0u32;
    while cache.set(&count.to_le_bytes(), &[b'v'; 300], 0, Expiry::Never).is_ok() {
        count += 1;
    }
    for _ in 0..100 {
        std::thread::scope(|scope| {
            for part in [4, 5] {
                let cache = &cache;
                scope.spawn(move || cache.set_memory_limit(part * MIB));
            }
        });
        cache.check().expect("the limit covers what is in use");
        assert_eq!(cache.stats().limit_maxbytes, 8 * MIB, "the limit is what it was");
    }
    assert_eq!(cache.len(), u64::from(count));
}

#[test]
fn pins_stay_while_the_limit_is_lowered() {
    let cache = options(16 * MIB, 16 * MIB, Home::Inherited).open().expect("the cache opens");
    for k in 0..50_000 {
        set(&cache, k, 3);
    }
    let pins: Vec<_> = (49_000u32..50_000)
        .filter_map(|k| cache.pin(&k.to_le_bytes()).expect("no failure").map(|pin| (k, pin)))
        .collect();
    cache.set_memory_limit(6 * MIB).expect("it is lowered");
    for (k, pin) in &pins {
        blocks::read(*k, pin).unwrap_or_else(|why| panic!("{why}"));
    }
    drop(pins);
    cache.check().expect("the cache is whole");
}

/// Readers and writers go on while the limit goes up and down.
#[test]
fn the_cache_is_used_meanwhile() {
    let seed = of_run();
    let _told = Told(seed);
    let cache = options(8 * MIB, 32 * MIB, Home::Inherited).open().expect("the cache opens");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (cache, over) = (&cache, &over);
            scope.spawn(move || {
                let mut rng = Rng::new(mix(seed ^ thread));
                while !over.load(SeqCst) {
                    let k = rng.below(60_000) as u32;
                    set(cache, k, seed);
                    let k = rng.below(60_000) as u32;
                    if let Some(value) = cache.get(&k.to_le_bytes()).expect("no failure") {
                        blocks::read(k, &value.data).unwrap_or_else(|why| panic!("{why}"));
                    }
                }
            });
        }
        // Two who move it at once agree in the end.
        for thread in 2..4 {
            let cache = &cache;
            scope.spawn(move || {
                let mut rng = Rng::new(mix(seed ^ thread));
                for _ in 0..40 {
                    cache.set_memory_limit((7 + rng.below(26)) * MIB).expect("it is moved");
                }
            });
        }
        let cache = &cache;
        let mut rng = Rng::new(seed);
        for _ in 0..40 {
            cache.set_memory_limit((7 + rng.below(26)) * MIB).expect("it is moved");
        }
        over.store(true, SeqCst);
    });
    cache.set_memory_limit(7 * MIB).expect("it is lowered");
    cache.check().expect("the cache is whole");
    assert!(allocated(&cache) <= 7 * MIB + 64 * 1024);
}

/// Key of 16 bytes and value of 100, with the time of the last access: what an item takes of all the memory.
#[test]
fn an_item_takes_less_than_150_bytes() {
    for hint in [100, 116] {
        let mut options = Options::new(64 * MIB);
        (options.track_access, options.item_size_hint) = (true, hint);
        let cache = options.open().expect("the cache opens");
        let (mut k, mut most) = (0u64, 0);
        while cache.stats().segments_evicted == 0 {
            for _ in 0..1000 {
                let key = format!("{k:016}");
                cache.set(key.as_bytes(), &[b'v'; 100], 0, Expiry::Never).expect("it is stored");
                k += 1;
            }
            most = most.max(cache.len());
        }
        let each = 64 * MIB / most;
        assert!(each < 150, "{each} bytes an item, with a hint of {hint}");
        println!("{each} bytes an item, with a hint of {hint}");
    }
}
