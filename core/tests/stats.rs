//! The counters, one operation at a time: each step names every counter that it moves; no other may move.

mod support;

use hashbrown::HashMap;
use nearcache::{Cache, Expiry, MetaGet, Options, Outcome};
use support::perform::Refusal;

const NEVER: Expiry = Expiry::Never;

struct Counted {
    cache: Cache,
}

impl Counted {
    fn open() -> Counted {
        let mut options = Options::new(4 << 20);
        options.manual_clock = true;
        let cache = options.open().expect("the cache opens");
        Counted { cache }
    }

    fn read(&self) -> HashMap<&'static str, u64> {
        self.cache.stats().pairs().collect()
    }

    /// Runs `step`, which must move these counters by so much, and none but these and those `aside`.
    #[track_caller]
    fn moves(&self, step: impl FnOnce(&Cache), moved: &[(&str, u64)], aside: &[&str]) {
        let before = self.read();
        step(&self.cache);
        let after = self.read();
        for (name, was) in before {
            let expected = moved.iter().find(|(moved, _)| *moved == name);
            if name == "bytes" || aside.contains(&name) {
                continue;
            }
            let by = after[name].wrapping_sub(was);
            assert_eq!(by, expected.map_or(0, |(_, by)| *by), "{name} moved by {by}");
        }
    }
}

/// What a stored item moves when there was none before.
const NEW: [(&str, u64); 3] = [("cmd_set", 1), ("total_items", 1), ("curr_items", 1)];
/// What a stored item moves when it takes the place of another.
const CHANGED: [(&str, u64); 2] = [("cmd_set", 1), ("total_items", 1)];

#[test]
fn storing() {
    let counted = Counted::open();
    counted.moves(|c| _ = c.set(b"a", b"1", 0, NEVER), &NEW, &[]);
    counted.moves(|c| _ = c.set(b"a", b"2", 0, NEVER), &CHANGED, &[]);
    counted.moves(|c| _ = c.add(b"b", b"2", 0, NEVER), &NEW, &[]);
    counted.moves(|c| _ = c.add(b"b", b"2", 0, NEVER), &[("cmd_set", 1)], &[]);
    counted.moves(|c| _ = c.replace(b"a", b"2", 0, NEVER), &CHANGED, &[]);
    counted.moves(|c| _ = c.replace(b"none", b"2", 0, NEVER), &[("cmd_set", 1)], &[]);
    counted.moves(|c| _ = c.append(b"a", b"2"), &CHANGED, &[]);
    counted.moves(|c| _ = c.prepend(b"a", b"2"), &CHANGED, &[]);
    counted.moves(|c| _ = c.append(b"none", b"2"), &[("cmd_set", 1)], &[]);
    let large = vec![0; 2 << 20];
    let refused = [("store_too_large", 1)];
    counted.moves(|c| _ = c.add(b"none", &large, 0, NEVER), &refused, &["cmd_set"]);
    let refused = [("store_too_large", 1), ("curr_items", u64::MAX)];
    counted.moves(|c| _ = c.set(b"a", &large, 0, NEVER), &refused, &["cmd_set"]);
}

#[test]
fn comparing() {
    let counted = Counted::open();
    let cas = |c: &Cache, unique| _ = c.cas(b"a", b"new", 0, NEVER, unique);
    counted.moves(|c| cas(c, 1), &[("cmd_set", 1), ("cas_misses", 1)], &[]);
    let Ok(Outcome::Stored(unique)) = counted.cache.set(b"a", b"1", 0, NEVER) else {
        panic!("a set was not stored");
    };
    let hit = [("cmd_set", 1), ("cas_hits", 1), ("total_items", 1)];
    counted.moves(|c| cas(c, unique), &hit, &[]);
    counted.moves(|c| cas(c, unique), &[("cmd_set", 1), ("cas_badval", 1)], &[]);
}

#[test]
fn reading() {
    let counted = Counted::open();
    _ = counted.cache.set(b"a", b"1", 0, NEVER);
    let hit = [("cmd_get", 1), ("get_hits", 1)];
    let miss = [("cmd_get", 1), ("get_misses", 1)];
    counted.moves(|c| _ = c.get(b"a"), &hit, &[]);
    counted.moves(|c| _ = c.get(b"none"), &miss, &[]);
    counted.moves(|c| _ = c.get_to(b"a", &mut Vec::new()), &hit, &[]);
    counted.moves(|c| _ = c.get_to(b"a", &mut Refusal::default()), &hit, &[]);
    counted.moves(|c| _ = c.get_to(b"none", &mut Vec::new()), &miss, &[]);
    let many = [("cmd_get", 4), ("get_hits", 2), ("get_misses", 2)];
    let keys: [&[u8]; 4] = [b"a", b"none", b"a", b"neither"];
    counted.moves(|c| _ = c.get_many(&keys, |_, _, _| {}), &many, &[]);
    counted.moves(|c| _ = c.pin(b"a"), &hit, &[]);
    counted.moves(|c| _ = c.pin(b"none"), &miss, &[]);
    counted.moves(|c| _ = c.contains(b"a"), &[], &[]);
    counted.moves(|c| _ = c.contains(b"none"), &[], &[]);
    counted.moves(|c| assert_eq!(c.iter().count(), 1), &[], &[]);
    counted.moves(|c| assert_eq!(c.keys(b"").count(), 1), &[], &[]);
    // Whether a meta get and a get-and-touch count as gets besides is not promised.
    let gets = ["cmd_get", "get_hits", "get_misses"];
    let meta = [("cmd_meta", 1)];
    let ask = |c: &Cache, key| _ = c.meta_get(key, MetaGet::default(), &mut Vec::new());
    counted.moves(|c| ask(c, b"a"), &meta, &gets);
    counted.moves(|c| ask(c, b"none"), &meta, &gets);
    let touched = [("cmd_touch", 1), ("touch_hits", 1)];
    let untouched = [("cmd_touch", 1), ("touch_misses", 1)];
    counted.moves(|c| _ = c.gat(b"a", NEVER), &touched, &gets);
    counted.moves(|c| _ = c.gat(b"none", NEVER), &untouched, &gets);
    counted.moves(|c| _ = c.touch(b"a", NEVER), &touched, &[]);
    counted.moves(|c| _ = c.touch(b"none", NEVER), &untouched, &[]);
}

#[test]
fn reading_the_dead() {
    let counted = Counted::open();
    let gone = ["curr_items", "reclaimed", "expired_unfetched"];
    for key in [b"a", b"b"] {
        _ = counted.cache.set(key, b"1", 0, Expiry::After(5));
    }
    counted.cache.advance_clock(5).expect("the clock is the test's");
    let expired = [("cmd_get", 1), ("get_misses", 1), ("get_expired", 1)];
    counted.moves(|c| _ = c.get(b"a"), &expired, &gone);
    _ = counted.cache.set(b"c", b"1", 0, NEVER);
    counted.moves(
        |c| c.flush_all(0).expect("the cache may be written"),
        &[("cmd_flush", 1)],
        &gone,
    );
    let flushed = [("cmd_get", 1), ("get_misses", 1), ("get_flushed", 1)];
    counted.moves(|c| _ = c.get(b"c"), &flushed, &gone);
}

#[test]
fn changing() {
    let counted = Counted::open();
    _ = counted.cache.set(b"n", b"10", 0, NEVER);
    _ = counted.cache.set(b"text", b"x", 0, NEVER);
    // memcached counts an item anew only where the number outgrew its place.
    let items = ["total_items"];
    counted.moves(|c| _ = c.incr(b"n", 1), &[("incr_hits", 1)], &items);
    counted.moves(|c| _ = c.incr(b"none", 1), &[("incr_misses", 1)], &[]);
    counted.moves(|c| _ = c.decr(b"n", 1), &[("decr_hits", 1)], &items);
    counted.moves(|c| _ = c.decr(b"none", 1), &[("decr_misses", 1)], &[]);
    counted.moves(|c| _ = c.incr(b"text", 1), &[], &[]);
    let deleted = [("delete_hits", 1), ("curr_items", u64::MAX)];
    counted.moves(|c| _ = c.delete(b"n"), &deleted, &[]);
    counted.moves(|c| _ = c.delete(b"n"), &[("delete_misses", 1)], &[]);
    let unique = counted.cache.get(b"text").unwrap().unwrap().cas;
    counted.moves(|c| _ = c.delete_cas(b"text", unique), &deleted, &[]);
}

#[test]
fn bad_keys_count_nothing() {
    let counted = Counted::open();
    let long = [b'k'; 251];
    counted.moves(|c| assert!(c.get(b"").is_err()), &[], &[]);
    counted.moves(|c| assert!(c.set(&long, b"", 0, NEVER).is_err()), &[], &[]);
    counted.moves(|c| assert!(c.delete(&long).is_err()), &[], &[]);
    let keys: [&[u8]; 2] = [b"a", b""];
    counted.moves(|c| assert!(c.get_many(&keys, |_, _, _| {}).is_err()), &[], &[]);
}

#[test]
fn a_reset_keeps_the_readings() {
    let counted = Counted::open();
    let cache = &counted.cache;
    for k in 0..10u32 {
        _ = cache.set(&k.to_le_bytes(), b"value", 0, NEVER);
        _ = cache.get(&k.to_le_bytes());
    }
    _ = cache.incr(b"none", 1);
    _ = cache.delete(b"none");
    let before = cache.stats();
    assert!(before.bytes > 0);
    cache.reset_stats().expect("the cache may be written");
    let after = cache.stats();
    assert_eq!((after.curr_items, after.bytes, after.limit_maxbytes), (10, before.bytes, 4 << 20));
    let readings = ["curr_items", "bytes", "limit_maxbytes"];
    for (name, value) in after.pairs() {
        assert!(readings.contains(&name) || value == 0, "{name} is {value} after the reset");
    }
    counted.moves(|c| _ = c.get(b"none"), &[("cmd_get", 1), ("get_misses", 1)], &[]);
}

/// `bytes` follows what is stored, and is 0 when nothing is.
#[test]
fn bytes_and_items_come_back_to_nothing() {
    let counted = Counted::open();
    let cache = &counted.cache;
    assert_eq!((cache.stats().bytes, cache.len()), (0, 0));
    let lens = [0usize, 10, 1000, 50_000, 200_000];
    let mut last = 0;
    for (k, len) in lens.into_iter().enumerate() {
        _ = cache.set(&[k as u8], &vec![1; len], 7, NEVER);
        let bytes = cache.stats().bytes;
        assert!(bytes - last > len as u64, "{len} bytes were counted as {}", bytes - last);
        last = bytes;
    }
    assert_eq!(cache.len(), lens.len() as u64);
    for k in 0..lens.len() {
        _ = cache.set(&[k as u8], b"", 0, NEVER);
    }
    assert!(cache.stats().bytes < 1000);
    for k in 0..lens.len() {
        _ = cache.delete(&[k as u8]);
    }
    assert_eq!((cache.stats().bytes, cache.len()), (0, 0));
}

/// Every item that was stored is present, deleted, evicted, expired or flushed: the counters of a full cache agree
/// with what is found in it.
#[test]
fn evictions_account_for_what_is_missing() {
    let cache = Options::new(1 << 20).open().expect("the cache opens");
    let stored = 20_000u64;
    for k in 0..stored {
        let answer = cache.set(&k.to_le_bytes(), &[7; 100], 0, NEVER);
        assert!(matches!(answer, Ok(Outcome::Stored(_))), "{answer:?}");
    }
    let found = (0..stored).filter(|k| cache.contains(&k.to_le_bytes()).unwrap());
    let found = found.count() as u64;
    let stats = cache.stats();
    assert_eq!(stats.total_items, stored);
    assert_eq!(stats.curr_items, found);
    assert_eq!(stats.evictions, stored - found);
    assert_eq!(stats.evicted_unfetched, stats.evictions, "nothing was ever read");
    assert!(stats.index_evictions <= stats.evictions && stats.segments_evicted > 0);
    cache.check().expect("the cache is whole");
}

/// A check may be the first to meet a flush whose time has come.
#[test]
fn a_flush_that_falls_due_is_no_fault() {
    let mut options = Options::new(4 << 20);
    options.manual_clock = true;
    let cache = options.open().expect("a cache");
    cache.flush_all(2).expect("it may be written");
    cache.set(b"key", b"value", 0, Expiry::Never).expect("room");
    cache.advance_clock(100).expect("a manual clock");
    cache.check().expect("sound");
    assert_eq!(cache.stats().curr_items, 0);
}
