//! A pinned value stays where and what it is, whatever happens to its key and to the rest of the cache.

mod support;

use nearcache::{Cache, Error, Expiry, Options, Outcome, Pin};
use support::blocks;
use support::seed::{Rng, Told, of_run};

fn key(k: u32) -> Vec<u8> {
    format!("pinned {k}").into_bytes()
}

fn value(k: u32, len: usize) -> Vec<u8> {
    let mut value = Vec::new();
    blocks::write(k, 1, len, &mut value);
    value
}

fn check(k: u32, pin: &[u8]) {
    let held = blocks::read(k, pin).unwrap_or_else(|why| panic!("pinned key {k}: {why}"));
    assert_eq!(held, blocks::Held { newest: 1, blocks: 1 });
}

/// Stores as many bytes of other keys as the cache holds, `times` over.
fn churn(cache: &Cache, rng: &mut Rng, times: u64) {
    let limit = cache.stats().limit_maxbytes * times;
    let bytes = vec![b'c'; 6000];
    let mut stored = 0;
    while stored < limit {
        let len = rng.index(bytes.len());
        match cache.set(&rng.below(1 << 20).to_le_bytes(), &bytes[..len], 0, Expiry::Never) {
            Ok(Outcome::Stored(_)) | Err(Error::OutOfMemory) => stored += len as u64,
            other => panic!("the churn was answered {other:?}"),
        }
    }
}

#[test]
fn a_pin_outlives_its_item() {
    let seed = of_run();
    let _told = Told(seed);
    let mut rng = Rng::new(seed);
    let cache = Options::new(4 << 20).open().expect("the cache opens");
    let mut pins: Vec<(u32, Pin<'_>)> = Vec::new();
    // Values within one segment, and values of many.
    for (k, len) in [(0, 0), (1, 10), (2, 5000), (3, 60_000), (4, 70_000), (5, 300_000)] {
        let stored = cache.set(&key(k), &value(k, len), k, Expiry::After(100));
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
        let pin = cache.pin(&key(k)).expect("a pin does not fail").expect("it was just stored");
        let meta = pin.meta();
        assert_eq!((meta.len, meta.flags), (pin.len(), k));
        assert!(meta.ttl.is_some_and(|left| left == 99 || left == 100));
        pins.push((k, pin));
    }
    let intact = |pins: &[(u32, Pin<'_>)]| pins.iter().for_each(|(k, pin)| check(*k, pin));
    intact(&pins);
    for (k, _) in &pins {
        let replaced = cache.set(&key(*k), b"another value", 0, Expiry::Never);
        assert!(matches!(replaced, Ok(Outcome::Stored(_))), "{replaced:?}");
        assert_eq!(cache.get(&key(*k)).unwrap().unwrap().data, b"another value");
    }
    intact(&pins);
    for (k, _) in &pins {
        cache.delete(&key(*k)).expect("a deletion does not fail");
    }
    churn(&cache, &mut rng, 4);
    intact(&pins);
    cache.flush_all(0).expect("the cache may be written");
    churn(&cache, &mut rng, 4);
    intact(&pins);
    for (k, _) in &pins {
        assert_eq!(cache.get(&key(*k)).expect("a get does not fail"), None);
    }
    drop(pins);
    churn(&cache, &mut rng, 2);
    cache.check().expect("the cache is whole");
}

#[test]
fn thousands_of_pins_at_once() {
    const PINS: u32 = 20_000;
    let seed = of_run();
    let _told = Told(seed);
    let cache = Options::new(32 << 20).open().expect("the cache opens");
    let mut pins = Vec::new();
    for k in 0..PINS {
        let stored = cache.set(&key(k), &value(k, k as usize % 300), 0, Expiry::Never);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
        pins.push(cache.pin(&key(k)).expect("a pin does not fail").expect("it was just stored"));
        if k % 7 == 0 {
            // Several pins of one value.
            let again = cache.pin(&key(k)).expect("a pin does not fail").expect("it is there");
            check(k, &again);
        }
    }
    churn(&cache, &mut Rng::new(seed), 2);
    for (k, pin) in pins.iter().enumerate() {
        check(k as u32, pin);
    }
    // Out of order, so that no stack of pins would do.
    let mut rng = Rng::new(seed);
    while !pins.is_empty() {
        drop(pins.swap_remove(rng.index(pins.len())));
    }
    churn(&cache, &mut rng, 1);
    cache.check().expect("the cache is whole");
}

/// With a pin in every corner no memory can be freed: stores fail and say so, pins stay, and all is well again
/// when they are gone.
#[test]
fn a_cache_full_of_pins_refuses_and_recovers() {
    let cache = Options::new(Options::SIZE_MIN).open().expect("the cache opens");
    let mut pins = Vec::new();
    let mut refused = 0;
    for k in 0..2000 {
        match cache.set(&key(k), &value(k, 2000), 0, Expiry::Never) {
            Ok(Outcome::Stored(_)) => {
                if let Some(pin) = cache.pin(&key(k)).expect("a pin does not fail") {
                    pins.push((k, pin));
                }
            }
            Err(Error::OutOfMemory) => refused += 1,
            other => panic!("a set was answered {other:?}"),
        }
    }
    assert!(pins.len() > 200, "only {} values fit", pins.len());
    assert!(refused > 1000, "{refused} of 2000 stores of 2 KB were refused by 1 MiB");
    assert_eq!(cache.stats().store_no_memory, refused);
    for (k, pin) in &pins {
        check(*k, pin);
        assert!(cache.get(&key(*k)).expect("a get does not fail").is_some(), "{k} was evicted");
    }
    drop(pins);
    for k in 0..2000 {
        let stored = cache.set(&key(k), &value(k, 2000), 0, Expiry::Never);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{k}: {stored:?}");
    }
    cache.check().expect("the cache is whole");
}

/// Threads that pin and let go, each more than its share, while others evict.
#[test]
fn pins_of_many_threads() {
    let seed = of_run();
    let _told = Told(seed);
    let cache = Options::new(8 << 20).open().expect("the cache opens");
    std::thread::scope(|scope| {
        for thread in 0..6u64 {
            let cache = &cache;
            scope.spawn(move || {
                let mut rng = Rng::new(seed ^ thread);
                let mut pins: Vec<(u32, Pin<'_>)> = Vec::new();
                for _ in 0..15_000 {
                    let k = rng.below(3000) as u32;
                    let size = if k < 20 { 90_000 } else { k as usize % 3000 };
                    match cache.pin(&key(k)).expect("a pin does not fail") {
                        Some(pin) => pins.push((k, pin)),
                        None => match cache.set(&key(k), &value(k, size), 0, Expiry::Never) {
                            Ok(Outcome::Stored(_)) | Err(Error::OutOfMemory) => {}
                            other => panic!("a set was answered {other:?}"),
                        },
                    }
                    if pins.len() > 100 {
                        let (k, pin) = pins.swap_remove(rng.index(pins.len()));
                        check(k, &pin);
                    }
                }
                pins.iter().for_each(|(k, pin)| check(*k, pin));
            });
        }
    });
    cache.check().expect("the cache is whole");
}
