//! What the store has beyond the verbs: limits and quota, scans, snapshots, batches, closing, the committer's manners.

mod common;

use common::{Dir, eventually};
use nearcache::{
    Expiry, MetaArith, MetaDelete, MetaGet, MetaMode, MetaSet, MetaSum, Outcome, Verb,
};
use nearcache_store::{Entry, Error, Options, Policy, Space, Store};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const NEVER: Expiry = Expiry::Never;

fn options() -> Options {
    let mut options = Options::default();
    options.policy = Policy::Never;
    options.near = 1 << 20;
    options.manual_clock = Some(1_700_000_000);
    options
}

fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|e| String::from_utf8(e.key.clone()).unwrap()).collect()
}

#[test]
fn options_keys_and_values_out_of_range_are_refused() {
    let dir = Dir::new();
    type Change = fn(&mut Options);
    let cases: [(Change, &str); 5] = [
        (|o| o.near = 1000, "1048576"),
        (|o| o.item_size_max = 100, "1 KiB to 1 GiB"),
        (|o| o.block_cache = 0, "1 MiB"),
        (|o| o.workers = 0, "1 to 64"),
        (|o| o.policy = Policy::EveryMillis(0), "Policy::Always"),
    ];
    for (change, word) in cases {
        let mut options = options();
        change(&mut options);
        let error = Store::open(dir.path(), options).unwrap_err();
        assert!(
            matches!(error, Error::InvalidOptions(_)) && error.to_string().contains(word),
            "{error}"
        );
        assert!(!dir.path().exists());
    }
    let store = Store::open(dir.path(), options()).unwrap();
    assert!(matches!(store.get(b""), Err(Error::KeyEmpty)));
    assert!(matches!(store.set(&[b'k'; 251], b"", 0, NEVER), Err(Error::KeyTooLong { len: 251 })));
    store.set(b"k", b"kept", 0, NEVER).unwrap();
    let error = store.set(b"k", &vec![0; 1 << 20], 0, NEVER).unwrap_err();
    assert!(matches!(error, Error::ValueTooLarge { limit: 1_048_576, .. }), "{error:?}");
    assert_eq!(store.get(b"k").unwrap().unwrap().data, b"kept", "nothing that was stored is lost");
    // The longest that memcached takes, which is too large for this near tier.
    store.set(b"k", &vec![1; 1_048_516], 0, NEVER).unwrap();
    assert_eq!(store.get(b"k").unwrap().unwrap().data.len(), 1_048_516);
    assert_eq!(store.append(b"k", b"x").unwrap(), Outcome::NotStored);
}

#[test]
fn over_quota_is_a_clear_error_until_something_goes() {
    let dir = Dir::new();
    let mut limited = options();
    limited.quota = Some(1000);
    let store = Store::open(dir.path(), limited).unwrap();
    store.set(b"a", &[1; 400], 0, NEVER).unwrap();
    store.set(b"b", &[1; 400], 0, Expiry::After(10)).unwrap();
    let error = store.set(b"c", &[1; 400], 0, NEVER).unwrap_err();
    let Error::OverQuota { used, wanted, quota: 1000 } = error else { panic!("{error:?}") };
    assert!(used > 800 && used < 900 && wanted > 400 && wanted < 450, "{used} {wanted}");
    assert!(error.to_string().contains("delete something"));
    assert!(store.get(b"c").unwrap().is_none());
    // A value may be replaced by one that is no larger, and others go on.
    store.set(b"a", &[2; 400], 0, NEVER).unwrap();
    assert!(matches!(store.append(b"a", &[1; 400]), Err(Error::OverQuota { .. })));
    assert_eq!(store.get(b"a").unwrap().unwrap().data, [2; 400]);
    store.advance_clock(11).unwrap();
    eventually("the expired one is swept", || store.database().ledger().items == 1);
    store.set(b"c", &[1; 400], 0, NEVER).unwrap();
    store.delete(b"a").unwrap();
    store.set(b"d", &[1; 400], 0, NEVER).unwrap();
    store.flush_all(0).unwrap();
    store.set(b"e", &[1; 900], 0, NEVER).unwrap();
    store.verify(&mut |_| true).unwrap();
}

#[test]
fn ranges_and_prefixes_come_in_order_and_in_pages() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    for key in ["a", "b1", "b2", "b3", "b\u{7f}", "c"] {
        store.set(key.as_bytes(), key.as_bytes(), 0, NEVER).unwrap();
    }
    store.set(b"b2", b"dead", 0, Expiry::After(5)).unwrap();
    store.advance_clock(5).unwrap();
    let rget = |start: &str, end: &str, left, right, max| {
        keys(&store.rget(start.as_bytes(), end.as_bytes(), left, right, max).unwrap())
    };
    assert_eq!(rget("a", "c", false, false, 100), ["a", "b1", "b3", "b\u{7f}", "c"]);
    assert_eq!(rget("a", "c", true, true, 100), ["b1", "b3", "b\u{7f}"]);
    assert_eq!(rget("a", "", false, false, 2), ["a", "b1"]);
    assert_eq!(rget("c", "a", false, false, 9), Vec::<String>::new());
    assert_eq!(rget("a", "a", true, true, 9), Vec::<String>::new());
    assert_eq!(rget("a", "c", false, false, 0), Vec::<String>::new());
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = keys(&store.prefix(b"b", after.as_deref(), 2).unwrap());
        after = page.last().map(|key| key.clone().into_bytes());
        let is_last = page.len() < 2;
        all.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(all, ["b1", "b3", "b\u{7f}"]);
    store.set(&[255, 255], b"", 0, NEVER).unwrap();
    assert_eq!(store.prefix(&[255], None, 9).unwrap().len(), 1);
    assert_eq!(store.prefix(b"", None, 99).unwrap().len(), 6);
    store.flush_all(0).unwrap();
    assert!(store.prefix(b"", None, 99).unwrap().is_empty());
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    store.set(b"a", b"1", 3, Expiry::After(10)).unwrap();
    store.set(b"b", b"2", 0, NEVER).unwrap();
    let snapshot = store.snapshot().unwrap();
    store.set(b"a", b"other", 0, NEVER).unwrap();
    store.delete(b"b").unwrap();
    store.set(b"c", b"3", 0, NEVER).unwrap();
    store.flush_all(0).unwrap();
    store.advance_clock(100).unwrap();
    store.database().compact(&mut |_| true).unwrap();
    let a = snapshot.get(b"a").unwrap().unwrap();
    assert_eq!((&a.data[..], a.flags, a.ttl), (&b"1"[..], 3, Some(10)));
    assert_eq!(keys(&snapshot.prefix(b"", None, 9).unwrap()), ["a", "b"]);
    assert_eq!(keys(&snapshot.rget(b"b", b"", false, false, 9).unwrap()), ["b"]);
    assert!(store.prefix(b"", None, 9).unwrap().is_empty());
}

#[test]
fn a_batch_is_done_whole_or_not_at_all() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    let cas = match store.set(b"n", b"5", 0, NEVER).unwrap() {
        Outcome::Stored(unique) => unique,
        other => panic!("{other:?}"),
    };
    let mut batch = store.batch();
    batch.count(b"n", 3, false).unwrap();
    batch.store(Verb::Add, b"a", b"1", 0, NEVER).unwrap();
    batch.store(Verb::Append, b"a", b"2", 0, NEVER).unwrap();
    batch.delete(b"none").unwrap();
    batch.step(3, |tx| {
        tx.put(Space::Queues, b"q", b"one".to_vec());
        Ok(77)
    });
    let numbers = batch.commit(store.database()).unwrap();
    assert_eq!((numbers[0], numbers[3], numbers[4]), (8, 0, 77));
    assert_eq!(store.get(b"a").unwrap().unwrap().cas, numbers[2]);
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"12");
    let mut batch = store.batch();
    batch.store(Verb::Set, b"a", b"gone", 0, NEVER).unwrap();
    batch.delete(b"n").unwrap();
    batch.step(3, |tx| {
        tx.remove(Space::Queues, b"q");
        Ok(0)
    });
    batch.store(Verb::Cas(cas), b"n", b"0", 0, NEVER).unwrap();
    let error = batch.commit(store.database()).unwrap_err();
    assert!(matches!(error, Error::Refused { step: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("Missing"), "{error}");
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"12");
    assert_eq!(store.get(b"n").unwrap().unwrap().data, b"8");
    assert_eq!(store.database().engine().get(Space::Queues, b"q").unwrap().unwrap(), b"one");
    store.verify(&mut |_| true).unwrap();
}

#[test]
fn read_modify_writes_of_many_threads_lose_none() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    store.set(b"n", b"0", 0, NEVER).unwrap();
    store.set(b"text", b"", 0, NEVER).unwrap();
    let (swapped, added) = (AtomicU64::new(0), AtomicU64::new(0));
    store.set(b"swap", b"0", 0, NEVER).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (store, swapped, added) = (&store, &swapped, &added);
            scope.spawn(move || {
                for round in 0..100_u64 {
                    store.incr(b"n", 1).unwrap().unwrap();
                    store.append(b"text", b"x").unwrap();
                    let held = store.get(b"swap").unwrap().unwrap();
                    let next = String::from_utf8(held.data).unwrap().parse::<u64>().unwrap() + 1;
                    let text = next.to_string();
                    if let Outcome::Stored(_) =
                        store.cas(b"swap", text.as_bytes(), 0, NEVER, held.cas).unwrap()
                    {
                        swapped.fetch_add(1, SeqCst);
                    }
                    let key = format!("add{round}").into_bytes();
                    if let Outcome::Stored(_) = store.add(&key, &[thread], 0, NEVER).unwrap() {
                        added.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(store.get(b"n").unwrap().unwrap().data, b"800");
    assert_eq!(store.get(b"text").unwrap().unwrap().data.len(), 800);
    assert_eq!(
        store.get(b"swap").unwrap().unwrap().data,
        swapped.into_inner().to_string().into_bytes()
    );
    assert_eq!(added.into_inner(), 100);
}

#[test]
fn a_step_that_panics_is_told_and_harms_nobody() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    store.set(b"a", b"1", 0, NEVER).unwrap();
    let mut batch = store.batch();
    batch.store(Verb::Set, b"a", b"2", 0, NEVER).unwrap();
    batch.step(0, |_| panic!("a bug"));
    let error = batch.commit(store.database()).unwrap_err();
    assert!(matches!(&error, Error::Panicked(what) if what == "a bug"), "{error:?}");
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"1");
    store.set(b"a", b"3", 0, NEVER).unwrap();
    store.verify(&mut |_| true).unwrap();
}

#[test]
fn who_comes_while_too_much_waits_waits_too_and_is_served() {
    let dir = Dir::new();
    let mut small = options();
    small.queue_bytes = 1000;
    let store = Arc::new(Store::open(dir.path(), small).unwrap());
    // The committer is held up by an operation that waits for a word.
    let (go, word) = mpsc::channel::<()>();
    let held = store.database().committer().submit(0, move |_| {
        word.recv().unwrap();
        Ok(())
    });
    let (done, all) = mpsc::channel();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (store, done) = (store.clone(), done.clone());
            std::thread::spawn(move || {
                let key = format!("k{n}").into_bytes();
                // Larger than what may wait: taken when nothing else does.
                store.set(&key, &[n; 1500], 0, NEVER).unwrap();
                done.send(n).unwrap();
            })
        })
        .collect();
    assert!(all.recv_timeout(Duration::from_millis(50)).is_err(), "nothing is answered yet");
    go.send(()).unwrap();
    held.unwrap().wait().unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(all.try_iter().count(), 4);
}

#[test]
fn closing_commits_what_waits_and_refuses_what_comes() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    let pending: Vec<_> = (0..500)
        .map(|n| store.submit_set(format!("k{n}").as_bytes(), b"v", MetaSet::default()).unwrap())
        .collect();
    store.close();
    pending
        .into_iter()
        .for_each(|p| assert!(matches!(p.wait().unwrap().outcome, Outcome::Stored(_))));
    assert!(matches!(store.set(b"late", b"", 0, NEVER), Err(Error::Closed)));
    assert!(store.get(b"k499").unwrap().is_some(), "reads go on");
    drop(store);
    let store = Store::open(dir.path(), options()).unwrap();
    assert_eq!(store.prefix(b"k", None, 1000).unwrap().len(), 500);
}

#[test]
fn a_sync_follows_within_the_time_that_the_policy_says() {
    let dir = Dir::new();
    let mut every = options();
    every.policy = Policy::EveryMillis(30);
    let store = Store::open(dir.path(), every).unwrap();
    let begun = Instant::now();
    store.set(b"a", b"1", 0, NEVER).unwrap();
    let seq = store.database().ledger().seq;
    let synced = || store.database().committer().readings().synced.load(SeqCst);
    eventually("a sync", || synced() >= seq);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn meta_verbs_answer_as_the_cache_does() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    let get = |ask| store.meta_get(b"k", ask).unwrap();
    let vivify = MetaGet { vivify: Some(Expiry::After(30)), ..MetaGet::default() };
    assert!(get(vivify).is_some_and(|hit| hit.won && hit.value.data.is_empty()));
    assert!(get(vivify).is_some_and(|hit| !hit.won && hit.sent));
    let set = MetaSet { unique: Some(1), flags: 9, binary: true, ..MetaSet::default() };
    assert_eq!(store.meta_set(b"k", b"one", set).unwrap().outcome, Outcome::Stored(1));
    let hit = get(MetaGet { compare: Some(1), ..MetaGet::default() }).unwrap();
    assert!(hit.same && hit.value.data.is_empty() && hit.len == 3 && hit.binary && !hit.sent);
    // Stale: the first wins, the others know; a store makes it fresh.
    let invalidate = MetaDelete { invalidate: true, ..MetaDelete::default() };
    store.meta_delete(b"k", invalidate).unwrap();
    let first = get(MetaGet::default()).unwrap();
    assert!(first.won && first.stale && first.value.data == b"one");
    let second = get(MetaGet::default()).unwrap();
    assert!(!second.won && second.stale && second.sent);
    let late = MetaSet { compare: Some(1), stale: true, ..MetaSet::default() };
    assert!(matches!(store.meta_set(b"k", b"late", late).unwrap().outcome, Outcome::Stored(_)));
    assert!(get(MetaGet::default()).unwrap().stale);
    let unique = get(MetaGet::default()).unwrap().value.cas;
    let fresh = MetaSet { compare: Some(unique), expiry: Expiry::After(100), ..MetaSet::default() };
    assert!(matches!(store.meta_set(b"k", b"new", fresh).unwrap().outcome, Outcome::Stored(_)));
    assert!(!get(MetaGet::default()).unwrap().stale);
    let recache = MetaGet { recache: Some(200), ..MetaGet::default() };
    assert!(get(recache).unwrap().won && !get(recache).unwrap().won);
    let empty = MetaDelete { drop_value: true, ..MetaDelete::default() };
    store.meta_delete(b"k", empty).unwrap();
    assert_eq!(get(MetaGet::default()).unwrap().value.ttl, None);
    let arith = MetaArith { vivify: Some(NEVER), initial: 40, delta: 2, ..MetaArith::default() };
    let number = |sum| match sum {
        MetaSum::Number { number, .. } => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(number(store.meta_arith(b"n", arith).unwrap()), 40);
    assert_eq!(number(store.meta_arith(b"n", arith).unwrap()), 42);
    let prepend = MetaSet { mode: MetaMode::Prepend, compare: Some(1), ..MetaSet::default() };
    assert_eq!(store.meta_set(b"n", b"1", prepend).unwrap().outcome, Outcome::Exists);
    store.verify(&mut |_| true).unwrap();
}

#[test]
fn many_lifetimes_end_and_the_books_stay_exact() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    store.set(b"stays", b"1", 0, NEVER).unwrap();
    let ask = MetaSet { expiry: Expiry::After(5), ..MetaSet::default() };
    let all: Vec<_> = (0..2000)
        .map(|n| store.submit_set(format!("k{n}").as_bytes(), b"v", ask).unwrap())
        .collect();
    all.into_iter().for_each(|pending| assert!(pending.wait().is_ok()));
    store.advance_clock(4).unwrap();
    store.verify(&mut |_| true).unwrap();
    assert_eq!(store.database().ledger().items, 2001);
    store.advance_clock(1).unwrap();
    eventually("the sweep", || store.database().ledger().items <= 1);
    assert_eq!(store.database().ledger().items, 1);
    store.verify(&mut |_| true).unwrap();
}
