//! Many caches in one process, and more threads than any table of participants holds.

mod support;

use nearcache::{Cache, Expiry, Options, Outcome};
use std::sync::Barrier;

fn open(size: u64) -> Cache {
    Options::new(size).open().expect("the cache opens")
}

fn store(cache: &Cache, key: &[u8], value: &[u8]) {
    match cache.set(key, value, 0, Expiry::Never) {
        Ok(Outcome::Stored(_)) => {}
        other => panic!("a set was answered {other:?}"),
    }
}

#[test]
fn caches_do_not_know_of_each_other() {
    let mut caches: Vec<(usize, Cache)> = (0..200).map(|n| (n, open(1 << 20))).collect();
    for (n, cache) in &caches {
        store(cache, b"same key", format!("of cache {n}").as_bytes());
        if n % 5 == 0 {
            cache.flush_all(0).expect("the cache may be written");
        }
    }
    let intact = |caches: &[(usize, Cache)]| {
        for (n, cache) in caches {
            let found = cache.get(b"same key").expect("a get does not fail");
            let expected = (n % 5 != 0).then(|| format!("of cache {n}").into_bytes());
            assert_eq!(found.map(|value| value.data), expected);
            cache.check().expect("the cache is whole");
        }
    };
    intact(&caches);
    caches.retain(|(n, _)| n % 2 == 0);
    intact(&caches);
    for n in 200..300 {
        let cache = open(1 << 20);
        assert!(cache.is_empty(), "a new cache is empty, though another was where it is");
        store(&cache, b"same key", format!("of cache {n}").as_bytes());
        if n % 5 == 0 {
            cache.flush_all(0).expect("the cache may be written");
        }
        caches.push((n, cache));
    }
    intact(&caches);
}

/// A thousand caches opened and dropped, each used by a thread that ends before it and by one that outlives it.
#[test]
fn caches_come_and_go() {
    for n in 0..1000u32 {
        let cache = open(1 << 20);
        if n % 10 == 0 {
            std::thread::scope(|scope| {
                scope.spawn(|| store(&cache, b"from a thread", b"that ends"));
            });
        }
        store(&cache, &n.to_le_bytes(), b"value");
        assert_eq!(cache.len(), if n % 10 == 0 { 2 } else { 1 });
    }
}

/// What one thread does in the tests below: `rounds` sets and gets of its own keys, some of them pinned meanwhile.
fn work(cache: &Cache, thread: usize, rounds: usize) {
    for round in 0..rounds {
        let key = format!("{thread} {}", round % 3);
        let value = format!("value of {key} in round {round}");
        store(cache, key.as_bytes(), value.as_bytes());
        let pin = cache.pin(key.as_bytes()).expect("a pin does not fail");
        let found = cache.get(key.as_bytes()).expect("a get does not fail");
        assert_eq!(found.expect("nothing is evicted").data, value.as_bytes());
        assert_eq!(&*pin.expect("nothing is evicted"), value.as_bytes());
    }
}

fn counted(cache: &Cache, threads: usize, rounds: usize) {
    let stats = cache.stats();
    let all = (threads * rounds) as u64;
    assert_eq!((stats.cmd_set, stats.total_items), (all, all), "no thread's counts are lost");
    assert!(stats.get_hits >= all);
    assert_eq!(stats.curr_items, (threads * rounds.min(3)) as u64);
    cache.check().expect("the cache is whole");
}

#[test]
fn six_hundred_threads_one_after_another() {
    let cache = open(8 << 20);
    for wave in 0..150 {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || work(cache, wave * 4 + thread, 20));
            }
        });
    }
    counted(&cache, 600, 20);
}

#[test]
fn six_hundred_threads_at_once() {
    let cache = open(8 << 20);
    // All are alive and have used the cache before any goes on.
    let barrier = Barrier::new(600);
    std::thread::scope(|scope| {
        for thread in 0..600 {
            let (cache, barrier) = (&cache, &barrier);
            scope.spawn(move || {
                work(cache, thread, 1);
                barrier.wait();
                let pin = cache.pin(format!("{thread} 0").as_bytes());
                barrier.wait();
                // 600 threads hold a pin each.
                let pin = pin.expect("a pin does not fail").expect("nothing is evicted");
                assert!(pin.starts_with(b"value of "));
                barrier.wait();
                drop(pin);
                (1..20).for_each(|_| work(cache, thread, 1));
            });
        }
    });
    let stats = cache.stats();
    assert_eq!((stats.cmd_set, stats.curr_items), (600 * 20, 600));
    cache.check().expect("the cache is whole");
}
