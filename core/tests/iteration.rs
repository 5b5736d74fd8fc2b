//! Iteration is weakly consistent: what is there throughout is met once, what comes or goes may be met. So are scans.

mod support;

use hashbrown::HashMap;
use nearcache::{Cache, Cursor, Expiry, Options, Outcome};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use support::blocks;
use support::seed::{Rng, Told, of_run};

const STABLE: u32 = 2000;
const COMING: u64 = 100_000;

fn stable(k: u32) -> Vec<u8> {
    format!("stable {k}").into_bytes()
}

fn store(cache: &Cache, key: &[u8], value: &[u8]) {
    match cache.set(key, value, 0, Expiry::Never) {
        Ok(Outcome::Stored(_)) => {}
        other => panic!("a set was answered {other:?}"),
    }
}

#[test]
fn a_quiet_cache_is_met_exactly() {
    let mut options = Options::new(32 << 20);
    options.manual_clock = true;
    let cache = options.open().expect("the cache opens");
    assert_eq!(cache.iter().count(), 0);
    let mut expected = HashMap::new();
    for k in 0..5000u32 {
        let value = vec![k as u8; (k as usize * 37) % 9000];
        let life = if k % 3 == 0 { Expiry::After(10) } else { Expiry::Never };
        let outcome = cache.set(&stable(k), &value, k, life).expect("a set does not fail");
        let Outcome::Stored(unique) = outcome else {
            panic!("a set was answered {outcome:?}");
        };
        expected.insert(stable(k), (value, k, unique, (k % 3 == 0).then_some(10)));
    }
    store(&cache, b"other", b"of another prefix");
    let mut met = HashMap::new();
    for entry in cache.iter() {
        let value = entry.value;
        met.insert(entry.key, (value.data, value.flags, value.cas, value.ttl));
    }
    assert!(met.remove(&b"other"[..]).is_some());
    assert_eq!(met, expected);

    let mut keys: Vec<Vec<u8>> = cache.keys(b"stable 4").collect();
    keys.sort_unstable();
    let mut with_prefix: Vec<Vec<u8>> = expected.into_keys().collect();
    with_prefix.retain(|key| key.starts_with(b"stable 4"));
    with_prefix.sort_unstable();
    assert_eq!(keys, with_prefix);
    assert_eq!(cache.keys(b"").count(), 5001);
    assert_eq!(cache.keys(b"nothing").count(), 0);

    cache.advance_clock(10).expect("the clock is the test's");
    let alive = (0..5000).filter(|k| k % 3 != 0).count() + 1;
    assert_eq!(cache.iter().count(), alive, "the dead are not met");
    cache.flush_all(0).expect("the cache may be written");
    assert_eq!(cache.iter().count(), 0, "the flushed are not met");
    cache.check().expect("the cache is whole");
}

/// One thread overwrites what stays, others let keys come and go by the ten thousand, so that the index grows and
/// the log goes round while it is walked.
#[test]
fn what_stays_is_met_once_while_all_moves() {
    let seed = of_run();
    let _told = Told(seed);
    let cache = Options::new(64 << 20).open().expect("the cache opens");
    let begun: Vec<AtomicU64> = (0..STABLE).map(|_| AtomicU64::new(1)).collect();
    let mut value = Vec::new();
    for k in 0..STABLE {
        value.clear();
        blocks::write(k, 1, 100, &mut value);
        store(&cache, &stable(k), &value);
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| overwrite(&cache, seed, &begun, &over));
        scope.spawn(|| come_and_go(&cache, seed, &over));
        for _ in 0..12 {
            meet(&cache, &begun);
            see(&cache);
        }
        over.store(true, SeqCst);
    });
    assert_eq!(cache.stats().evictions, 0, "there is room for all");
    cache.check().expect("the cache is whole");
}

fn overwrite(cache: &Cache, seed: u64, begun: &[AtomicU64], over: &AtomicBool) {
    let mut rng = Rng::new(seed);
    let mut value = Vec::new();
    while !over.load(SeqCst) {
        let k = rng.below(u64::from(STABLE)) as u32;
        let version = begun[k as usize].fetch_add(1, SeqCst) + 1;
        value.clear();
        blocks::write(k, version, rng.index(2000), &mut value);
        store(cache, &stable(k), &value);
    }
}

fn come_and_go(cache: &Cache, seed: u64, over: &AtomicBool) {
    let mut rng = Rng::new(!seed);
    while !over.load(SeqCst) {
        let first = rng.below(COMING);
        for k in first..first + 20_000 {
            store(cache, format!("comes {}", k % COMING).as_bytes(), b"and goes");
        }
        for k in first..first + 20_000 {
            let gone = cache.delete(format!("comes {}", k % COMING).as_bytes());
            gone.expect("a deletion does not fail");
        }
    }
}

/// One walk through everything.
fn meet(cache: &Cache, begun: &[AtomicU64]) {
    let mut met = vec![0; STABLE as usize];
    for entry in cache.iter() {
        let text = str::from_utf8(&entry.key).expect("the keys are text");
        match text.split_once(' ').expect("the keys are two words") {
            ("stable", k) => {
                let k: u32 = k.parse().expect("the second is a number");
                let held = blocks::read(k, &entry.value.data).unwrap_or_else(|why| panic!("{why}"));
                assert!(held.newest <= begun[k as usize].load(SeqCst));
                met[k as usize] += 1;
            }
            ("comes", _) => assert_eq!(entry.value.data, b"and goes"),
            _ => panic!("the key {text} was never stored"),
        }
    }
    for (k, times) in met.into_iter().enumerate() {
        assert_eq!(times, 1, "key {k} was met {times} times");
    }
}

/// One scan of everything, a few buckets at a time.
fn see(cache: &Cache) {
    let (mut cursor, mut seen) = (Cursor::default(), vec![0; STABLE as usize]);
    let mut visit = |item: nearcache::Seen<'_>| {
        let text = str::from_utf8(item.key).expect("the keys are text");
        match text.split_once(' ').expect("the keys are two words") {
            ("stable", k) => seen[k.parse::<usize>().expect("the second is a number")] += 1,
            ("comes", _) => assert_eq!(item.value_len, 8),
            _ => panic!("the key {text} was never stored"),
        }
    };
    while cache.scan(&mut cursor, 7, &mut visit).expect("a scan does not fail") {}
    for (k, times) in seen.into_iter().enumerate() {
        assert!(times >= 1, "key {k} was not seen");
    }
}
