//! What a sink is told of a hit before it gives room, by every verb that fills one; and that a sink may refuse the bytes
//! it has already, told by their unique, without the hit being less of one.

use nearcache::{Cache, Expiry, Meta, MetaGet, Options, Sink};
use std::mem::MaybeUninit;

/// Keeps the last value, and copies none twice: what a program does that keeps what it made of the bytes.
#[derive(Default)]
struct Keeper {
    unique: u64,
    bytes: Vec<u8>,
    told: Option<Meta>,
    copies: usize,
}

impl Sink for Keeper {
    fn room(&mut self, _: usize) -> Option<&mut [MaybeUninit<u8>]> {
        unreachable!("the cache asks by room_for")
    }

    fn room_for(&mut self, meta: &Meta) -> Option<&mut [MaybeUninit<u8>]> {
        self.told = Some(*meta);
        if self.unique == meta.cas {
            return None;
        }
        self.unique = meta.cas;
        self.copies += 1;
        self.bytes.clear();
        self.bytes.room(meta.len)
    }
}

fn open(track_access: bool) -> Cache {
    let mut options = Options::new(8 << 20);
    options.manual_clock = true;
    options.track_access = track_access;
    options.open().expect("the cache opens")
}

/// A short value, one in several pieces, one with a lifetime, a number that is changed in place.
fn fill(cache: &Cache) -> Vec<(&'static [u8], Vec<u8>)> {
    let items: Vec<(&[u8], Vec<u8>, Expiry)> = vec![
        (b"short", b"value".to_vec(), Expiry::Never),
        (b"empty", Vec::new(), Expiry::Never),
        (b"large", (0..700_000_u32).map(|i| i as u8).collect(), Expiry::Never),
        (b"mortal", b"lives".to_vec(), Expiry::After(50)),
        (b"number", b"41".to_vec(), Expiry::Never),
    ];
    for (key, value, expiry) in &items {
        cache.set(key, value, 7, *expiry).expect("there is room");
    }
    cache.incr(b"number", 1).expect("a number");
    let mut items: Vec<_> = items.into_iter().map(|(key, value, _)| (key, value)).collect();
    items.last_mut().expect("five").1 = b"42".to_vec();
    items
}

#[test]
fn every_verb_tells_a_sink_what_it_fills() {
    for track_access in [false, true] {
        let cache = open(track_access);
        for (key, value) in fill(&cache) {
            type Read<'a> = &'a dyn Fn(&mut dyn Sink) -> Meta;
            let get: Read<'_> = &|sink| cache.get_to(key, sink).expect("a get").expect("a hit");
            let gat: Read<'_> =
                &|sink| cache.gat_to(key, Expiry::After(50), sink).expect("a gat").expect("a hit");
            let meta: Read<'_> = &|sink| {
                let hit = cache.meta_get(key, MetaGet::default(), sink).expect("an mg");
                hit.expect("a hit").meta
            };
            for read in [get, gat, meta] {
                let mut keeper = Keeper::default();
                let first = read(&mut keeper);
                let told = keeper.told.take().expect("asked for room");
                assert_eq!((told.cas, told.len, told.flags), (first.cas, value.len(), 7));
                assert_eq!(keeper.bytes, value);
                let second = read(&mut keeper);
                assert_eq!((second.cas, keeper.copies), (first.cas, 1), "copied again");
                assert_eq!(keeper.bytes, value, "what was kept is left alone");
            }
        }
        cache.check().expect("the cache is whole");
    }
}

#[test]
fn a_refused_hit_is_counted_and_a_change_is_seen() {
    let cache = open(false);
    let mut keeper = Keeper::default();
    cache.set(b"k", b"one", 0, Expiry::Never).expect("there is room");
    for _ in 0..3 {
        cache.get_to(b"k", &mut keeper).expect("a get").expect("a hit");
    }
    assert_eq!((keeper.copies, keeper.bytes.as_slice()), (1, b"one".as_slice()));
    assert_eq!((cache.stats().cmd_get, cache.stats().get_hits), (3, 3));
    // Another value, the same value again, and the same after a delete: each has a unique of its own.
    for (round, value) in [b"two", b"two", b"two"].into_iter().enumerate() {
        if round == 2 {
            cache.delete(b"k").expect("a delete");
            assert!(cache.get_to(b"k", &mut keeper).expect("a get").is_none());
        }
        cache.set(b"k", value, 0, Expiry::Never).expect("there is room");
        cache.get_to(b"k", &mut keeper).expect("a get").expect("a hit");
        assert_eq!((keeper.copies, keeper.bytes.as_slice()), (2 + round, value.as_slice()));
    }
    // A touch leaves the value what it was.
    cache.touch(b"k", Expiry::After(9)).expect("a touch");
    cache.get_to(b"k", &mut keeper).expect("a get").expect("a hit");
    assert_eq!(keeper.copies, 4);
    // Append makes another value of it.
    cache.append(b"k", b"!").expect("there is room");
    cache.get_to(b"k", &mut keeper).expect("a get").expect("a hit");
    assert_eq!((keeper.copies, keeper.bytes.as_slice()), (5, b"two!".as_slice()));
}
