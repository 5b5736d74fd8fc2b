//! The meta verbs, conversation by conversation, as memcached 1.6.45 answers them.

use nearcache::{
    Cache, Deletion, Error, Expiry, MetaArith, MetaDelete, MetaGet, MetaHit, MetaMode, MetaSet,
    MetaSum, Options, Outcome, Touch,
};

const K: &[u8] = b"key";

fn cache() -> Cache {
    let mut options = Options::new(4 << 20);
    options.manual_clock = true;
    options.open().expect("the cache opens")
}

fn tracking() -> Cache {
    let mut options = Options::new(4 << 20);
    options.manual_clock = true;
    options.track_access = true;
    options.open().expect("the cache opens")
}

fn set() -> MetaSet {
    MetaSet::default()
}

/// A meta set that must not fail.
fn ms(cache: &Cache, value: &[u8], ask: MetaSet) -> Outcome {
    cache.meta_set(K, value, ask).expect("it does not fail").outcome
}

fn mg(cache: &Cache, ask: MetaGet) -> Option<(Vec<u8>, MetaHit)> {
    let mut sink = Vec::new();
    let hit = cache.meta_get(K, ask, &mut sink).expect("it does not fail")?;
    Some((sink, hit))
}

fn value(cache: &Cache) -> Vec<u8> {
    cache.get(K).expect("no failure").expect("it is there").data
}

fn unique(cache: &Cache) -> u64 {
    cache.peek(K).expect("no failure").expect("it is there").cas
}

fn ma(cache: &Cache, ask: MetaArith) -> MetaSum {
    cache.meta_arith(K, ask).expect("it does not fail")
}

fn number(sum: MetaSum) -> u64 {
    match sum {
        MetaSum::Number { number, .. } => number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_caller_chooses_the_unique() {
    let cache = cache();
    assert_eq!(ms(&cache, b"x", MetaSet { unique: Some(55), ..set() }), Outcome::Stored(55));
    assert_eq!(unique(&cache), 55);
    let wrong = MetaDelete { compare: Some(1), ..MetaDelete::default() };
    assert_eq!(cache.meta_delete(K, wrong).expect("no failure"), Deletion::Exists);
    let compares = MetaSet { compare: Some(55), unique: Some(54), flags: 9, ..set() };
    assert_eq!(ms(&cache, b"y", compares), Outcome::Stored(54));
    assert_eq!(cache.cas(K, b"z", 0, Expiry::Never, 55).expect("no failure"), Outcome::Exists);
    // A touch keeps it, and so does a touch that meets a frozen item.
    assert_eq!(cache.touch(K, Expiry::After(9)).expect("no failure"), Touch::Touched);
    assert_eq!((unique(&cache), value(&cache)), (54, b"y".to_vec()));
    let Outcome::Stored(natural) = cache.cas(K, b"z", 0, Expiry::Never, 54).expect("no failure")
    else {
        panic!("it was the unique")
    };
    assert_ne!(natural, 54);
    assert_eq!(cache.meta_delete(K, MetaDelete::default()).expect("no failure"), Deletion::Deleted);
    cache.check().expect("the cache is whole");
}

#[test]
fn a_chosen_unique_and_its_origin_survive_moves_and_flushes() {
    let cache = Options::new(1 << 20).open().expect("the cache opens");
    ms(&cache, &[b'v'; 500], MetaSet { unique: Some(77), flags: 3, ..set() });
    let counter = MetaArith { vivify: Some(Expiry::Never), initial: 10, ..MetaArith::default() };
    cache.meta_arith(b"counter", counter).expect("no failure");
    cache.incr(b"counter", 1).expect("no failure");
    let before = cache.get(b"counter").expect("no failure").expect("it is there");
    // Read often enough to be kept, while the log goes around.
    for round in 0..4000_u32 {
        cache.set(&round.to_le_bytes(), &[0; 1500], 0, Expiry::Never).expect("no failure");
        for _ in 0..3 {
            _ = value(&cache);
            _ = cache.get(b"counter");
        }
    }
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it was kept");
    assert_eq!((data, hit.meta.cas, hit.meta.flags), (vec![b'v'; 500], 77, 3));
    let after = cache.get(b"counter").expect("no failure").expect("it was kept");
    assert_eq!((after.data, after.cas), (before.data, before.cas));
    assert!(cache.stats().segments_evicted > 0, "nothing was moved");
    cache.check().expect("the cache is whole");
    cache.flush_all(0).expect("the cache may be written");
    assert_eq!(cache.peek(K).expect("no failure"), None);
    assert_eq!(cache.incr(b"counter", 1).expect("no failure"), None);
}

#[test]
fn a_counter_in_use_is_kept() {
    let cache = Options::new(1 << 20).open().expect("the cache opens");
    let mut sum = cache.incr_or(K, 1, 1000, Expiry::Never).expect("no failure");
    for round in 0..20_000_u32 {
        cache.set(&round.to_le_bytes(), &[0; 800], 0, Expiry::Never).expect("no failure");
        if round % 16 == 0 {
            sum += 1;
            assert_eq!(cache.incr(K, 1).expect("no failure"), Some(sum), "after {round} others");
        }
    }
    assert!(cache.stats().evictions > 10_000, "memory was not tight");
    cache.check().expect("the cache is whole");
}

#[test]
fn modes_are_those_of_the_classic_verbs() {
    let cache = cache();
    let mode = |mode| MetaSet { mode, ..set() };
    for refused in [MetaMode::Replace, MetaMode::Append, MetaMode::Prepend] {
        assert_eq!(ms(&cache, b"x", mode(refused)), Outcome::NotStored);
    }
    assert!(matches!(ms(&cache, b"2", mode(MetaMode::Add)), Outcome::Stored(_)));
    assert_eq!(ms(&cache, b"x", mode(MetaMode::Add)), Outcome::NotStored);
    let stored = cache.meta_set(K, b"34", mode(MetaMode::Append)).expect("no failure");
    assert_eq!(stored.len, 3);
    assert!(matches!(ms(&cache, b"1", mode(MetaMode::Prepend)), Outcome::Stored(_)));
    assert_eq!(value(&cache), b"1234");
    let stale = MetaSet { compare: Some(3), ..mode(MetaMode::Append) };
    assert_eq!(ms(&cache, b"x", stale), Outcome::Exists);
    let same = MetaSet { compare: Some(unique(&cache)), ..mode(MetaMode::Append) };
    assert!(matches!(ms(&cache, b"5", same), Outcome::Stored(_)));
    let replace = MetaSet { compare: Some(3), ..mode(MetaMode::Replace) };
    assert_eq!(ms(&cache, b"x", replace), Outcome::Exists);
    cache.delete(K).expect("no failure");
    assert_eq!(ms(&cache, b"x", replace), Outcome::Missing);
    assert_eq!(ms(&cache, b"x", MetaSet { compare: Some(3), ..set() }), Outcome::Missing);
}

#[test]
fn append_makes_what_is_missing_if_asked_to() {
    let cache = cache();
    let ask = MetaSet {
        mode: MetaMode::Append,
        vivify: Some(Expiry::After(60)),
        expiry: Expiry::After(10),
        ..set()
    };
    assert!(matches!(ms(&cache, b"x", ask), Outcome::Stored(_)));
    assert!(matches!(ms(&cache, b"y", ask), Outcome::Stored(_)));
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!((data, hit.meta.ttl), (b"xy".to_vec(), Some(60)));
}

#[test]
fn an_older_value_is_stored_stale() {
    let cache = cache();
    ms(&cache, b"old", MetaSet { unique: Some(100), expiry: Expiry::After(50), ..set() });
    let late = MetaSet { compare: Some(101), stale: true, expiry: Expiry::After(9), ..set() };
    assert_eq!(ms(&cache, b"x", late), Outcome::Exists, "a unique that is yet to come");
    let late = MetaSet { compare: Some(99), ..late };
    assert!(matches!(ms(&cache, b"late", late), Outcome::Stored(_)));
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!((data, hit.meta.ttl), (b"late".to_vec(), Some(50)));
    assert!(hit.stale && hit.won && !hit.sent);
    // The right to recache stays given.
    let natural = hit.meta.cas;
    let later = MetaDelete { invalidate: true, ..MetaDelete::default() };
    assert_eq!(cache.meta_delete(K, later).expect("no failure"), Deletion::Deleted);
    assert!(mg(&cache, MetaGet::default()).expect("it is there").1.won);
    let late = MetaSet { compare: Some(natural), ..late };
    assert!(matches!(ms(&cache, b"later", late), Outcome::Stored(_)));
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!(data, b"later");
    assert!(hit.stale && hit.sent && !hit.won);
    let forged = MetaSet { compare: Some(u64::MAX), ..late };
    assert_eq!(ms(&cache, b"x", forged), Outcome::Exists);
    // One that compares right is a store like any other.
    let right = MetaSet { compare: Some(unique(&cache)), ..late };
    assert!(matches!(ms(&cache, b"new", right), Outcome::Stored(_)));
    let (_, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!((hit.stale, hit.sent, hit.meta.ttl), (false, false, Some(9)));
}

#[test]
fn too_large_removes_the_old_value_in_every_mode() {
    for mode in [MetaMode::Set, MetaMode::Add, MetaMode::Append, MetaMode::Replace] {
        let cache = cache();
        cache.set(K, b"x", 0, Expiry::Never).expect("no failure");
        let failed = cache.meta_set(K, &vec![0; 2 << 20], MetaSet { mode, ..set() });
        assert!(matches!(failed, Err(Error::ValueTooLarge { .. })), "{mode:?}");
        assert_eq!(cache.peek(K).expect("no failure"), None, "{mode:?}");
    }
}

#[test]
fn a_delete_can_invalidate_and_empty() {
    let cache = cache();
    let store =
        |number| ms(&cache, number, MetaSet { flags: 7, expiry: Expiry::After(90), ..set() });
    let md = |ask| cache.meta_delete(K, ask).expect("no failure");
    let ask = MetaDelete::default();
    assert_eq!(md(ask), Deletion::Missing);

    store(b"x");
    assert_eq!(md(MetaDelete { invalidate: true, unique: Some(5), ..ask }), Deletion::Deleted);
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!((data, hit.meta.cas, hit.meta.ttl), (b"x".to_vec(), 5, Some(90)));
    assert!(hit.stale && hit.won);

    // Emptied: no value, no flags, no expiry, the old unique; a counter's, too.
    for old in [b"x".as_slice(), b"10"] {
        store(old);
        let _ = cache.incr(K, 1);
        let _ = cache.incr(K, 1);
        let before = unique(&cache);
        assert_eq!(md(MetaDelete { drop_value: true, ..ask }), Deletion::Deleted);
        let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
        assert_eq!((data, hit.meta.cas, hit.meta.ttl), (vec![], before, None));
        assert_eq!((hit.meta.flags, hit.stale, hit.won), (0, false, false));
    }

    store(b"x");
    let expiry = Some(Expiry::After(20));
    let both = MetaDelete { drop_value: true, invalidate: true, expiry, ..ask };
    assert_eq!(md(both), Deletion::Deleted);
    let (data, hit) = mg(&cache, MetaGet::default()).expect("it is there");
    assert_eq!((data, hit.meta.ttl, hit.stale, hit.won), (vec![], Some(20), true, true));
    cache.check().expect("the cache is whole");
}

#[test]
fn arithmetic_makes_compares_and_touches() {
    let cache = cache();
    let ask = MetaArith::default();
    assert_eq!(ma(&cache, ask), MetaSum::Missing);
    let made = MetaArith { vivify: Some(Expiry::After(60)), initial: 13, ..ask };
    let MetaSum::Number { number: 13, cas, ttl: Some(60) } = ma(&cache, made) else {
        panic!("it was not made as it was to be")
    };
    assert_eq!(cas, unique(&cache));
    assert_eq!(number(ma(&cache, ask)), 14);
    let MetaSum::Number { number: 24, cas, ttl: Some(60) } =
        ma(&cache, MetaArith { delta: 10, ..ask })
    else {
        panic!("it was not added to")
    };
    assert_eq!(cas, unique(&cache));
    assert_eq!(ma(&cache, MetaArith { compare: Some(cas + 1), ..ask }), MetaSum::Exists);
    assert_eq!(number(ma(&cache, MetaArith { compare: Some(cas), ..ask })), 25);
    let MetaSum::Number { number: 20, ttl: Some(77), .. } =
        ma(&cache, MetaArith { down: true, delta: 5, touch: Some(Expiry::After(77)), ..ask })
    else {
        panic!("it was not touched")
    };
    let MetaSum::Number { number: 0, cas: 9, .. } =
        ma(&cache, MetaArith { down: true, delta: 99, unique: Some(9), ..ask })
    else {
        panic!("the unique was not stored")
    };
    assert_eq!((value(&cache), unique(&cache)), (b"0 ".to_vec(), 9));
    // Without a unique of the caller's it has one of its own again.
    assert_eq!(number(ma(&cache, ask)), 1);
    assert_ne!(unique(&cache), 9);
    cache.set(K, b"abc", 0, Expiry::Never).expect("no failure");
    assert!(matches!(cache.meta_arith(K, ask), Err(Error::NotNumeric)));
    cache.check().expect("the cache is whole");
}

#[test]
fn every_addition_has_a_unique_of_its_own() {
    let cache = cache();
    cache.set(K, b"0000", 0, Expiry::Never).expect("no failure");
    let mut uniques = std::collections::HashSet::new();
    for n in 1..=1000 {
        let MetaSum::Number { number, cas, .. } = ma(&cache, MetaArith::default()) else {
            panic!("it is a number")
        };
        assert_eq!(number, n);
        assert!(uniques.insert(cas), "a unique came twice");
        assert_eq!(unique(&cache), cas);
    }
    assert_eq!(value(&cache), b"1000");
    assert_eq!(cache.stats().total_items, 9, "one store, and a new item for each 127 additions");
    cache.check().expect("the cache is whole");
}

/// A get goes another way through the items whose unique was chosen: it says the same of them but for that.
#[test]
fn a_chosen_unique_changes_nothing_else_that_a_get_says() {
    let large = vec![b'l'; 600 << 10];
    let values: [&[u8]; 5] = [b"", b"12", b"a value", &[b'v'; 100], &large];
    for cache in [cache(), tracking()] {
        for value in values {
            for (flags, expiry) in [(0, Expiry::Never), (7, Expiry::After(50))] {
                let ask = MetaSet { flags, expiry, ..set() };
                let mut seen = [None, Some(u64::MAX - 4)].map(|unique| {
                    ms(&cache, value, MetaSet { unique, ..ask });
                    // A minute on, a get notes the access on its way where that is kept.
                    cache.advance_clock(if flags == 0 { 70 } else { 1 }).expect("by hand");
                    let first = cache.get(K).expect("no failure").expect("it is there");
                    let again = cache.get(K).expect("no failure").expect("it is there");
                    assert_eq!((first.cas, &first.data), (again.cas, &again.data));
                    assert_eq!(unique.unwrap_or(first.cas), first.cas);
                    first
                });
                seen[1].cas = seen[0].cas;
                assert_eq!(seen[0], seen[1]);
            }
        }
        ms(&cache, b"v", MetaSet { unique: Some(9), expiry: Expiry::After(5), ..set() });
        cache.advance_clock(5).expect("by hand");
        assert_eq!(cache.get(K).expect("no failure"), None, "it has expired");
        ms(&cache, b"v", MetaSet { unique: Some(u64::MAX), ..set() });
        assert!(cache.get(b"kex").expect("no failure").is_none());
        cache.flush_all(0).expect("no failure");
        assert_eq!(
            cache.get(K).expect("no failure"),
            None,
            "its place is flushed, whatever its unique"
        );
        cache.check().expect("the cache is whole");
    }
}

#[test]
fn a_get_that_has_the_value_is_not_sent_it() {
    let cache = cache();
    let vivify = MetaGet {
        vivify: Some(Expiry::After(30)),
        unique: Some(777),
        binary: true,
        ..MetaGet::default()
    };
    let (_, hit) = mg(&cache, vivify).expect("it is made");
    assert_eq!((hit.meta.cas, hit.won, hit.binary), (777, true, true));
    cache.cas(K, b"v", 0, Expiry::Never, 777).expect("no failure");
    let now = unique(&cache);
    let (data, hit) =
        mg(&cache, MetaGet { compare: Some(now), ..MetaGet::default() }).expect("hit");
    assert_eq!((data, hit.same), (vec![], true));
    let (data, hit) = mg(&cache, MetaGet { compare: Some(1), ..MetaGet::default() }).expect("hit");
    assert_eq!((data, hit.same), (b"v".to_vec(), false));
}

#[test]
fn a_look_that_does_not_count_leaves_no_mark() {
    let cache = cache();
    cache.set(K, b"v", 0, Expiry::Never).expect("no failure");
    let quiet = MetaGet { no_bump: true, ..MetaGet::default() };
    for _ in 0..2 {
        assert!(!mg(&cache, quiet).expect("hit").1.hit_before);
    }
    let before = cache.stats();
    let seen = cache.inspect(K).expect("no failure").expect("it is there");
    assert_eq!((seen.meta.len, seen.size, seen.hit_before), (1, 48 + 8 + 3 + 1 + 1 + 2, false));
    assert_eq!(cache.stats(), before);
    assert!(!mg(&cache, MetaGet::default()).expect("hit").1.hit_before);
    assert!(cache.inspect(K).expect("no failure").expect("it is there").hit_before);
    assert_eq!(cache.inspect(b"other").expect("no failure"), None);
}

#[test]
fn the_last_access_is_kept_to_the_minute() {
    let cache = tracking();
    let seen = || cache.inspect(K).expect("no failure").expect("it is there").last_access;
    let pass = |seconds| cache.advance_clock(seconds).expect("the clock is manual");
    cache.set(K, b"v", 0, Expiry::Never).expect("no failure");
    assert_eq!(seen(), Some(0));
    pass(59);
    _ = value(&cache);
    assert_eq!(seen(), Some(59), "noted once a minute");
    pass(1);
    let (_, hit) = mg(&cache, MetaGet { no_bump: true, ..MetaGet::default() }).expect("hit");
    assert_eq!((hit.last_access, seen()), (Some(60), Some(60)));
    _ = value(&cache);
    assert_eq!(seen(), Some(0));
    pass(61);
    // What it was before the get that asks.
    assert_eq!(mg(&cache, MetaGet::default()).expect("hit").1.last_access, Some(61));
    assert_eq!(seen(), Some(0));
    type Use = fn(&Cache);
    let uses: [Use; 5] = [
        |cache| _ = cache.touch(K, Expiry::After(5000)),
        |cache| _ = cache.gat(K, Expiry::After(5000)),
        |cache| _ = cache.pin(K),
        |cache| _ = cache.get_many(&[K], |_, _, _| {}),
        |cache| _ = cache.get_to(K, &mut Vec::new()),
    ];
    for used in uses {
        pass(70);
        used(&cache);
        assert_eq!(seen(), Some(0));
    }
    cache.set(K, b"10", 0, Expiry::Never).expect("no failure");
    cache.incr(K, 1).expect("no failure");
    pass(70);
    cache.incr(K, 1).expect("no failure");
    assert_eq!((seen(), value(&cache)), (Some(0), b"12".to_vec()));
    pass(30);
    cache.invalidate(K, None).expect("no failure");
    assert_eq!(seen(), Some(30), "an invalidation is no access");
    cache.check().expect("the cache is whole");
}

#[test]
fn what_is_large_is_tracked_as_well() {
    let cache = tracking();
    let large = vec![b'l'; 300_000];
    ms(&cache, &large, MetaSet { unique: Some(4), flags: 6, ..set() });
    let (data, hit) = mg(&cache, MetaGet::default()).expect("hit");
    assert_eq!((data.len(), hit.meta.cas, hit.meta.flags), (300_000, 4, 6));
    assert!(data == large);
    assert_eq!(hit.last_access, Some(0));
    cache.append(K, b"!").expect("no failure");
    assert_eq!(value(&cache).len(), 300_001);
    cache.check().expect("the cache is whole");
}

#[test]
fn a_get_is_told_the_time_before_its_touch_and_judges_by_either() {
    let cache = cache();
    let ask = |recache, recache_after_touch| MetaGet {
        recache: Some(recache),
        recache_after_touch,
        touch: Some(Expiry::After(100)),
        ..MetaGet::default()
    };
    let fresh = || _ = cache.set(K, b"v", 0, Expiry::After(20)).expect("no failure");
    for (recache, after, won) in
        [(50, false, true), (50, true, false), (150, true, true), (20, false, false)]
    {
        fresh();
        let (_, hit) = mg(&cache, ask(recache, after)).expect("hit");
        assert_eq!((hit.ttl_before, hit.meta.ttl), (Some(20), Some(100)));
        assert_eq!(hit.won, won, "R{recache}, after the touch: {after}");
    }
    // Without a touch there is but one time.
    fresh();
    let look = MetaGet { recache: Some(21), recache_after_touch: true, ..MetaGet::default() };
    let (_, hit) = mg(&cache, look).expect("hit");
    assert_eq!((hit.ttl_before, hit.meta.ttl, hit.won), (Some(20), Some(20), true));
    cache.set(K, b"v", 0, Expiry::Never).expect("no failure");
    let (_, hit) = mg(&cache, ask(50, false)).expect("hit");
    assert_eq!((hit.ttl_before, hit.meta.ttl, hit.won), (None, Some(100), false));
}

#[test]
fn a_get_that_makes_an_item_has_read_it() {
    let cache = cache();
    let vivify = MetaGet { vivify: Some(Expiry::After(30)), ..MetaGet::default() };
    let (_, made) = mg(&cache, vivify).expect("it is made");
    assert_eq!((made.won, made.hit_before, made.ttl_before), (true, false, Some(30)));
    let (_, hit) = mg(&cache, MetaGet::default()).expect("hit");
    assert_eq!((hit.won, hit.sent, hit.hit_before), (false, true, true));
    cache.delete(K).expect("no failure");
    mg(&cache, MetaGet { no_bump: true, ..vivify }).expect("it is made");
    let (_, hit) = mg(&cache, MetaGet::default()).expect("hit");
    assert!(!hit.hit_before, "a get that does not count leaves no mark");
}
