//! What cannot be done fails with a sentence that says what was wrong, the limit, and so what to do.

mod support;

use nearcache::{Cache, Error, Expiry, KEY_MAX, MetaGet, Options, Outcome, Verb};

const NEVER: Expiry = Expiry::Never;

#[track_caller]
fn refused(options: &Options, says: &[&str]) {
    match options.open() {
        Ok(_) => panic!("{options:?} was accepted"),
        Err(error @ Error::InvalidOptions(_)) => {
            let text = error.to_string();
            for part in says {
                assert!(text.contains(part), "{text:?} does not say {part:?}");
            }
        }
        Err(other) => panic!("{options:?}: {other:?}"),
    }
}

#[test]
fn a_size_too_small() {
    for size in [0, 1, 4096, Options::SIZE_MIN - 1] {
        refused(&Options::new(size), &["size", &size.to_string(), "1048576"]);
    }
    Options::new(Options::SIZE_MIN).open().expect("the smallest is enough");
}

#[test]
fn a_size_beyond_the_machine() {
    for size in [u64::MAX, u64::MAX / 2, 1 << 60, 1 << 47] {
        match Options::new(size).open() {
            Err(Error::InvalidOptions(text)) => assert!(text.contains(&size.to_string()), "{text}"),
            // The engine may leave it to the system to refuse; then it says what was asked of it.
            Err(Error::System(text, _)) => assert!(text.contains(&size.to_string()), "{text}"),
            other => panic!("{size}: {other:?}"),
        }
    }
}

#[test]
fn item_limits_out_of_range() {
    let mut options = Options::new(64 << 20);
    for limit in [0, 1, 1023] {
        options.item_size_max = limit;
        refused(&options, &["item_size_max", &limit.to_string(), "1024"]);
    }
    for limit in [(1 << 30) + 1, usize::MAX] {
        options.item_size_max = limit;
        refused(&options, &["item_size_max", &limit.to_string(), "1073741824"]);
    }
    for limit in [1024, 1 << 20] {
        options.item_size_max = limit;
        assert_eq!(options.open().expect("it is in range").item_size_max(), limit);
    }
}

#[test]
fn a_hint_of_nothing_is_refused_or_harmless() {
    for hint in [0, 1, usize::MAX] {
        let mut options = Options::new(4 << 20);
        options.item_size_hint = hint;
        match options.open() {
            Ok(cache) => {
                assert!(matches!(cache.set(b"k", b"v", 0, NEVER), Ok(Outcome::Stored(_))));
                cache.check().expect("the cache is whole");
            }
            Err(Error::InvalidOptions(text)) => assert!(text.contains("item_size_hint"), "{text}"),
            Err(other) => panic!("{hint}: {other:?}"),
        }
    }
}

/// Every verb refuses the key.
fn every_verb(cache: &Cache, key: &[u8], is: impl Fn(&Error) -> bool) {
    let mut sink = Vec::new();
    let keys: [&[u8]; 2] = [b"good", key];
    let mut met = 0;
    let answers = [
        cache.get(key).err(),
        cache.get_to(key, &mut sink).err(),
        cache.get_many(&keys, |_, _, _| met += 1).err(),
        cache.contains(key).err(),
        cache.gat(key, NEVER).err(),
        cache.gat_to(key, NEVER, &mut sink).err(),
        cache.meta_get(key, MetaGet::default(), &mut sink).err(),
        cache.pin(key).err(),
        cache.set(key, b"", 0, NEVER).err(),
        cache.add(key, b"", 0, NEVER).err(),
        cache.replace(key, b"", 0, NEVER).err(),
        cache.append(key, b"").err(),
        cache.prepend(key, b"").err(),
        cache.cas(key, b"", 0, NEVER, 1).err(),
        cache.store(Verb::Set, key, b"", 0, NEVER).err(),
        cache.incr(key, 1).err(),
        cache.decr(key, 1).err(),
        cache.incr_or(key, 1, 1, NEVER).err(),
        cache.decr_or(key, 1, 1, NEVER).err(),
        cache.touch(key, NEVER).err(),
        cache.delete(key).err(),
        cache.delete_cas(key, 1).err(),
        cache.invalidate(key, None).err(),
    ];
    for (at, answer) in answers.iter().enumerate() {
        let error = answer.as_ref().unwrap_or_else(|| panic!("verb {at} took the key"));
        assert!(is(error), "verb {at}: {error:?}");
    }
    assert_eq!(met, 0, "a bad key is an error before anything is read");
}

#[test]
fn bad_keys() {
    let cache = Options::new(4 << 20).open().expect("the cache opens");
    _ = cache.set(b"good", b"value", 0, NEVER).expect("a set does not fail");
    every_verb(&cache, b"", |error| matches!(error, Error::KeyEmpty));
    for len in [KEY_MAX + 1, 255, 256, 257, 512, 70_000] {
        let key = vec![b'k'; len];
        every_verb(
            &cache,
            &key,
            |error| matches!(error, Error::KeyTooLong { len: told } if *told == len),
        );
    }
    let error = cache.get(&[b'k'; 251]).expect_err("too long").to_string();
    assert!(error.contains("251") && error.contains("250"), "{error}");
    let longest = [b'k'; KEY_MAX];
    assert!(matches!(cache.set(&longest, b"v", 0, NEVER), Ok(Outcome::Stored(_))));
    assert_eq!(cache.get(&longest).unwrap().unwrap().data, b"v");
    assert_eq!(cache.len(), 2);
    cache.check().expect("the cache is whole");
}

/// memcached's accounting, to the byte: 48 + 8 + (4 with flags) + key + 1 + value + 2 within the limit.
#[test]
fn the_item_limit_is_memcacheds() {
    let cache = Options::new(16 << 20).open().expect("the cache opens");
    let limit = 1 << 20;
    for (key, flags) in [(1, 0), (1, 1), (250, 0), (250, 9), (17, u32::MAX)] {
        let name = vec![b'k'; key];
        let aside = 48 + 8 + if flags == 0 { 0 } else { 4 } + key + 1 + 2;
        let largest = vec![b'v'; limit - aside];
        let stored = cache.set(&name, &largest, flags, NEVER);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
        assert_eq!(cache.get(&name).unwrap().unwrap().data, largest);
        let larger = vec![b'v'; limit - aside + 1];
        let of_another = vec![b'v'; limit + 1 - (48 + 8 + 7 + 1 + 2)];
        match cache.add(b"another", &of_another, 0, NEVER) {
            Err(Error::ValueTooLarge { size, limit: told }) => {
                assert_eq!((size, told), (limit + 1, limit));
            }
            other => panic!("an add of one byte too many was answered {other:?}"),
        }
        assert_eq!(cache.append(&name, b"+").unwrap(), Outcome::NotStored);
        assert_eq!(cache.get(&name).unwrap().unwrap().data.len(), largest.len());
        let error = cache.set(&name, &larger, flags, NEVER).expect_err("one byte too many");
        let text = error.to_string();
        assert!(text.contains("1048577") && text.contains("1048576"), "{text}");
        assert!(text.contains("item_size_max"), "{text}");
        assert!(!cache.contains(&name).unwrap(), "a set that is too large removes the old value");
    }
    cache.check().expect("the cache is whole");
}

/// A limit above the default, and values that make use of it.
#[test]
fn a_larger_item_limit() {
    let mut options = Options::new(64 << 20);
    options.item_size_max = 20 << 20;
    let cache = options.open().expect("the cache opens");
    let large: Vec<u8> = (0..19_000_000u32).map(|at| (at / 7) as u8).collect();
    for _ in 0..10 {
        let stored = cache.set(b"large", &large, 3, NEVER);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
        assert!(cache.get(b"large").unwrap().unwrap().data == large);
    }
    cache.check().expect("the cache is whole");
}

#[test]
fn a_clock_that_is_not_the_tests() {
    let cache = Options::new(4 << 20).open().expect("the cache opens");
    let error = cache.advance_clock(1).expect_err("the clock is the system's");
    assert!(error.to_string().contains("clock"), "{error}");
}
