//! Many writers of one key: what each is told of its own success must add up to what is there in the end.
//!
//! A counter that was evicted is made anew under a number of its own, its generation; so the sums are exact under
//! eviction too, generation by generation.

mod support;

use hashbrown::{HashMap, HashSet};
use nearcache::{Cache, Deletion, Expiry, MetaGet, Options, Outcome};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use support::seed::{Rng, rounds};

const COUNTERS: u64 = 3;
const ROOMY: u64 = 32 << 20;
const TIGHT: u64 = 1 << 20;

/// How often each generation of each counter was moved, or what it was moved to.
type Tally = HashMap<(u64, u64), Vec<u64>>;

fn key(counter: u64) -> Vec<u8> {
    format!("counter {counter}").into_bytes()
}

/// A generation that no other thread uses.
fn generation(thread: u64, made: &mut u64) -> u64 {
    *made += 1;
    thread << 20 | *made
}

/// Runs the threads and puts their tallies together.
fn tallied(threads: u64, run: impl Fn(u64) -> Tally + Sync) -> Tally {
    let mut whole = Tally::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn({
                    let run = &run;
                    move || run(thread)
                })
            })
            .collect();
        for thread in running {
            let tally = match thread.join() {
                Ok(tally) => tally,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            for (of, moves) in tally {
                whole.entry(of).or_default().extend(moves);
            }
        }
    });
    whole
}

/// Stores other keys, so that the log goes round (and, in a tight cache, evicts).
fn churn(cache: &Cache, rng: &mut Rng) {
    let key = rng.below(3000).to_le_bytes();
    let value = vec![b'c'; rng.index(1500)];
    match cache.set(&key, &value, 0, Expiry::Never) {
        Ok(Outcome::Stored(_)) => {}
        other => panic!("the churn was answered {other:?}"),
    }
}

/// The numbers in a value: decimal words, whatever pads them.
fn words(value: &[u8]) -> Vec<u64> {
    let text = str::from_utf8(value).expect("a counter is text");
    text.split_ascii_whitespace().map(|word| word.parse().expect("a counter is numbers")).collect()
}

fn cas_loop(cache: &Cache, thread: u64, seed: u64, churns: bool) -> Tally {
    let mut rng = Rng::new(seed ^ thread);
    let (mut tally, mut made) = (Tally::new(), 0);
    for _ in 0..12_000 {
        if churns {
            churn(cache, &mut rng);
        }
        let counter = rng.below(COUNTERS);
        let width = rng.index(400);
        let Some(old) = cache.get(&key(counter)).expect("a get does not fail") else {
            let own = generation(thread, &mut made);
            let fresh = format!("{own} 0");
            let added = cache.add(&key(counter), fresh.as_bytes(), 0, Expiry::Never);
            if matches!(added, Ok(Outcome::Stored(_))) {
                tally.entry((counter, own)).or_default();
            }
            continue;
        };
        let [own, count] = words(&old.data)[..] else {
            panic!("a counter holds {:?}", old.data.escape_ascii());
        };
        let next = format!("{own} {} {:width$}", count + 1, "");
        match cache.cas(&key(counter), next.as_bytes(), 0, Expiry::Never, old.cas) {
            Ok(Outcome::Stored(_)) => tally.entry((counter, own)).or_default().push(count + 1),
            Ok(Outcome::Exists | Outcome::Missing) => {}
            other => panic!("a cas was answered {other:?}"),
        }
    }
    tally
}

fn cas_adds_up(size: u64, threads: u64, churns: bool) {
    rounds(|seed| {
        let cache = Options::new(size).open().expect("the cache opens");
        let tally = tallied(threads, |thread| cas_loop(&cache, thread, seed, churns));
        for (of, mut moves) in tally.clone() {
            moves.sort_unstable();
            let expected: Vec<u64> = (1..=moves.len() as u64).collect();
            assert_eq!(moves, expected, "counter and generation {of:?}: a count was won twice");
        }
        for counter in 0..COUNTERS {
            let Some(last) = cache.get(&key(counter)).expect("a get does not fail") else {
                assert_eq!(size, TIGHT, "counter {counter} was lost in a roomy cache");
                continue;
            };
            let (own, count) = (words(&last.data)[0], words(&last.data)[1]);
            assert_eq!(count, tally[&(counter, own)].len() as u64, "counter {counter}");
        }
        if size == ROOMY {
            assert_eq!(tally.len() as u64, COUNTERS, "a counter was lost and made anew");
        }
        cache.check().expect("the cache is whole");
    });
}

#[test]
fn cas_loops_add_up() {
    cas_adds_up(ROOMY, 4, false);
}

#[test]
fn cas_loops_add_up_while_the_log_goes_round() {
    cas_adds_up(ROOMY, 2, true);
}

#[test]
fn cas_loops_add_up_under_eviction() {
    cas_adds_up(TIGHT, 4, true);
}

/// A generation's numbers begin here: what is above the shift names it.
const SHIFT: u32 = 24;

fn incr_loop(cache: &Cache, thread: u64, seed: u64, churns: bool) -> Tally {
    let mut rng = Rng::new(seed ^ thread);
    let (mut tally, mut made) = (Tally::new(), 0);
    for _ in 0..25_000 {
        if churns {
            churn(cache, &mut rng);
        }
        let counter = rng.below(COUNTERS);
        let number = match rng.below(4) {
            0 => {
                let initial = generation(thread, &mut made) << SHIFT;
                let number = cache.incr_or(&key(counter), 1, initial, Expiry::Never);
                number.expect("a counter is a number")
            }
            _ => match cache.incr(&key(counter), 1).expect("a counter is a number") {
                Some(number) => number,
                None => continue,
            },
        };
        let of = (counter, number >> SHIFT);
        tally.entry(of).or_default().push(number & ((1 << SHIFT) - 1));
    }
    tally
}

fn incr_adds_up(size: u64, threads: u64, churns: bool) {
    rounds(|seed| {
        let cache = Options::new(size).open().expect("the cache opens");
        let tally = tallied(threads, |thread| incr_loop(&cache, thread, seed, churns));
        for (of, mut moves) in tally.clone() {
            moves.sort_unstable();
            // Including the 0 that its maker was told.
            let expected: Vec<u64> = (0..moves.len() as u64).collect();
            assert_eq!(moves, expected, "counter and generation {of:?}: not each number once");
        }
        for counter in 0..COUNTERS {
            let Some(last) = cache.incr(&key(counter), 0).expect("a counter is a number") else {
                assert_eq!(size, TIGHT, "counter {counter} was lost in a roomy cache");
                continue;
            };
            let told = tally[&(counter, last >> SHIFT)].len() as u64;
            assert_eq!(last & ((1 << SHIFT) - 1), told - 1, "counter {counter}");
        }
        if size == ROOMY {
            assert_eq!(tally.len() as u64, COUNTERS, "a counter was lost and made anew");
        }
        cache.check().expect("the cache is whole");
    });
}

#[test]
fn incr_tells_each_number_once() {
    incr_adds_up(ROOMY, 4, false);
}

#[test]
fn incr_tells_each_number_once_while_the_log_goes_round() {
    incr_adds_up(ROOMY, 2, true);
}

#[test]
fn incr_tells_each_number_once_under_eviction() {
    incr_adds_up(TIGHT, 4, true);
}

/// Each thread moves by deltas of its own, up and down, through a number that changes its count of digits.
#[test]
fn incr_and_decr_sum_up() {
    rounds(|seed| {
        let cache = Options::new(ROOMY).open().expect("the cache opens");
        // Far from 0, where a decrement would stop; short of 2^47, where an engine may change how it keeps it.
        let start = (1u64 << 47) - 5_000_000;
        let stored = cache.set(&key(0), start.to_string().as_bytes(), 0, Expiry::Never);
        assert!(matches!(stored, Ok(Outcome::Stored(_))));
        let sum = AtomicU64::new(start);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (cache, sum) = (&cache, &sum);
                scope.spawn(move || {
                    let mut rng = Rng::new(seed ^ thread);
                    for _ in 0..20_000 {
                        let delta = rng.below(1000);
                        let moved = if rng.chance(60) {
                            sum.fetch_add(delta, SeqCst);
                            cache.incr(&key(0), delta)
                        } else {
                            sum.fetch_sub(delta, SeqCst);
                            cache.decr(&key(0), delta)
                        };
                        assert!(matches!(moved, Ok(Some(_))), "{moved:?}");
                    }
                });
            }
        });
        let last = cache.get(&key(0)).expect("a get does not fail").expect("nothing is evicted");
        assert_eq!(words(&last.data), [sum.load(SeqCst)]);
        cache.check().expect("the cache is whole");
    });
}

/// `add` and `delete` make a lock: whoever's add was stored is alone until it deletes.
#[test]
fn add_is_won_by_one() {
    let cache = Options::new(ROOMY).open().expect("the cache opens");
    let (inside, entered) = (AtomicBool::new(false), AtomicU64::new(0));
    let told: u64 = std::thread::scope(|scope| {
        let enter = || {
            let mut won = 0;
            for _ in 0..30_000 {
                match cache.add(b"lock", b"held", 0, Expiry::Never) {
                    Ok(Outcome::Stored(_)) => {
                        assert!(!inside.swap(true, SeqCst), "two adds of one key were stored");
                        entered.store(entered.load(SeqCst) + 1, SeqCst);
                        assert!(inside.swap(false, SeqCst));
                        let gone = cache.delete(b"lock").expect("a deletion does not fail");
                        assert_eq!(gone, Deletion::Deleted);
                        won += 1;
                    }
                    Ok(Outcome::NotStored) => {}
                    other => panic!("an add was answered {other:?}"),
                }
            }
            won
        };
        let running: Vec<_> = (0..4).map(|_| scope.spawn(enter)).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert!(told > 0);
    assert_eq!(entered.load(SeqCst), told);
    cache.check().expect("the cache is whole");
}

/// Of many who ask at once, one makes the empty item; after an invalidation, one wins the recache; of many who
/// delete at once, one has deleted.
#[test]
fn a_stampede_has_one_winner() {
    const THREADS: usize = 4;
    let cache = Options::new(ROOMY).open().expect("the cache opens");
    let barrier = Barrier::new(THREADS);
    let wins: Vec<Vec<[bool; 3]>> = std::thread::scope(|scope| {
        let stampede = || {
            let mut sink = Vec::new();
            let mut wins = Vec::new();
            for round in 0..1500u32 {
                let key = round.to_le_bytes();
                let ask = MetaGet { vivify: Some(Expiry::After(60)), ..MetaGet::default() };
                let mut won = || {
                    let hit = cache.meta_get(&key, ask, &mut sink).expect("no failure");
                    hit.expect("it is there, or was just made").won
                };
                barrier.wait();
                let made = won();
                if barrier.wait().is_leader() {
                    cache.invalidate(&key, None).expect("no failure");
                }
                barrier.wait();
                let recached = won();
                barrier.wait();
                let deleted = cache.delete(&key).expect("no failure") == Deletion::Deleted;
                wins.push([made, recached, deleted]);
            }
            wins
        };
        let running: Vec<_> = (0..THREADS).map(|_| scope.spawn(stampede)).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    for round in 0..wins[0].len() {
        for (at, what) in ["vivify", "recache", "delete"].into_iter().enumerate() {
            let winners = wins.iter().filter(|thread| thread[round][at]).count();
            assert_eq!(winners, 1, "round {round}: {what} was won by {winners}");
        }
    }
    cache.check().expect("the cache is whole");
}

/// Uniques are told once each, whoever stores.
#[test]
fn no_unique_is_told_twice() {
    let cache = Options::new(TIGHT).open().expect("the cache opens");
    let told: Vec<u64> = std::thread::scope(|scope| {
        let store = |thread: u64| {
            let cache = &cache;
            move || {
                let mut rng = Rng::new(thread);
                let value = vec![b'u'; 3000];
                (0..20_000)
                    .map(|_| {
                        let key = rng.below(500).to_le_bytes();
                        let len = rng.index(value.len());
                        match cache.set(&key, &value[..len], 0, Expiry::Never) {
                            Ok(Outcome::Stored(unique)) => unique,
                            other => panic!("a set was answered {other:?}"),
                        }
                    })
                    .collect::<Vec<u64>>()
            }
        };
        let running: Vec<_> = (0..3).map(|thread| scope.spawn(store(thread))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let distinct: HashSet<u64> = told.iter().copied().collect();
    assert_eq!(distinct.len(), told.len(), "a unique was told twice");
    assert!(!distinct.contains(&0), "0 was told, which is no unique");
    cache.check().expect("the cache is whole");
}
