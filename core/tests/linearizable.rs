//! Every verb, on few keys, from 2 to 8 real threads: the recorded history of each key must be linearizable.
//!
//! Lifetimes are left out: an engine may read its clock of whole seconds at any moment of an operation. A flush and
//! a touch into the past are in.

mod support;

use hashbrown::HashMap;
use nearcache::{Cache, Options, Outcome};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::number::Way;
use support::register::{Data, Op, Register, Result as Seen};
use support::seed::{Rng, mix, rounds};
use support::verbs::{Churn, Draws, name, perform};
use support::wgl::{self, Call, Maybe};

type Entry = Call<Op, Seen>;

/// One history: what ran, and what it was given.
struct Trial<'a> {
    cache: &'a Cache,
    seed: u64,
    threads: usize,
    keys: usize,
    churn: Churn,
    draws: Draws,
    clock: AtomicU64,
}

fn open(size: u64) -> Cache {
    Options::new(size).open().expect("the cache opens")
}

#[test]
fn a_roomy_cache_is_linearizable() {
    rounds(|seed| {
        let cache = open(16 << 20);
        trials(&cache, seed, 500, Churn::None, Draws::Mixed);
        assert_eq!(cache.stats().evictions, 0);
    });
}

#[test]
fn a_tight_cache_is_linearizable_but_for_evictions() {
    rounds(|seed| {
        let cache = open(1 << 20);
        trials(&cache, seed, 300, Churn::Evicting, Draws::Mixed);
        assert!(cache.stats().evictions > 0, "memory was not tight");
    });
}

#[test]
fn large_values_are_linearizable() {
    rounds(|seed| {
        let cache = open(16 << 20);
        trials(&cache, seed, 60, Churn::None, Draws::Large);
    });
}

#[test]
fn large_values_are_linearizable_but_for_evictions() {
    rounds(|seed| {
        let cache = open(2 << 20);
        trials(&cache, seed, 60, Churn::Evicting, Draws::Large);
        assert!(cache.stats().evictions > 0, "memory was not tight");
    });
}

#[test]
fn counters_are_linearizable() {
    rounds(|seed| {
        let cache = open(16 << 20);
        trials(&cache, seed, 500, Churn::None, Draws::Counting);
        assert_eq!(cache.stats().evictions, 0);
    });
}

#[test]
fn counters_are_linearizable_but_for_evictions() {
    rounds(|seed| {
        let cache = open(1 << 20);
        trials(&cache, seed, 300, Churn::Evicting, Draws::Counting);
        assert!(cache.stats().evictions > 0, "memory was not tight");
    });
}

#[test]
fn what_is_moved_by_cleaning_is_linearizable() {
    rounds(|seed| {
        let cache = open(4 << 20);
        trials(&cache, seed, 60, Churn::Cleaning, Draws::Counting);
        trials(&cache, mix(seed), 60, Churn::Cleaning, Draws::Mixed);
        assert!(cache.stats().segments_cleaned > 0, "nothing was moved");
    });
}

#[test]
fn an_index_that_doubles_is_linearizable_while_memory_is_cleaned() {
    rounds(|seed| {
        let (mut cleaned, mut doubled) = (0, 0);
        for trial in 0..40 {
            // An index of eight buckets, to begin with.
            let mut options = Options::new(4 << 20);
            options.item_size_hint = 1 << 20;
            options.track_access = trial % 4 < 2;
            let cache = options.open().expect("the cache opens");
            let draws = if trial % 2 == 0 { Draws::Counting } else { Draws::Mixed };
            trials(&cache, mix(seed ^ trial << 32), 1, Churn::Growing, draws);
            // More than there were slots; a flush may have left fewer.
            doubled += u64::from(cache.len() > 8 * 15);
            cleaned += cache.stats().segments_cleaned;
        }
        assert!(
            cleaned > 0 && doubled > 0,
            "{cleaned} segments cleaned, {doubled} indexes doubled"
        );
    });
}

fn trials(cache: &Cache, seed: u64, count: u64, churn: Churn, draws: Draws) {
    for trial in 0..count {
        let seed = mix(seed ^ trial);
        let mut rng = Rng::new(seed);
        let trial = Trial {
            cache,
            seed,
            threads: 2 + rng.index(7),
            keys: 1 + rng.index(3),
            churn,
            draws,
            clock: AtomicU64::new(0),
        };
        for key in 0..trial.keys {
            cache.delete(&name(key)).expect("a deletion does not fail");
        }
        let before = cache.stats().evictions;
        let history = trial.record();
        // An eviction may be needed to explain a history only where there were some.
        let evicts = cache.stats().evictions > before;
        for (key, calls) in history.iter().enumerate() {
            verify(calls, evicts).unwrap_or_else(|why| {
                panic!("trial {seed}, key {key}: {why}\n{}", listed(calls));
            });
        }
    }
    cache.check().expect("the cache is whole");
}

/// Is the history of one key linearizable, and does each unique name one value?
fn verify(calls: &[Entry], evicts: bool) -> Result<(), String> {
    let mut named: HashMap<u64, &Data> = HashMap::new();
    for call in calls {
        if let Seen::Hit(data, unique) = &call.result {
            let first = named.entry(*unique).or_insert(data);
            if *first != data {
                return Err(format!("unique {unique} was read with two values"));
            }
        }
    }
    wgl::check(&Register { evicts }, None, calls)
        .map_err(|most| format!("no order explains more than {most} of {} calls", calls.len()))
}

fn listed(calls: &[Entry]) -> String {
    let mut calls: Vec<&Entry> = calls.iter().collect();
    calls.sort_unstable_by_key(|call| call.called);
    let line = |call: &&Entry| {
        let Call { thread, called, returned, op, result } = call;
        format!("  {called:4}..{returned:4} thread {thread}: {op:?} -> {result:?}\n")
    };
    calls.iter().map(line).collect()
}

impl Trial<'_> {
    /// Runs the threads; the calls of each key.
    fn record(&self) -> Vec<Vec<Entry>> {
        let barrier = Barrier::new(self.threads);
        let mut history: Vec<Vec<Entry>> = vec![Vec::new(); self.keys];
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        self.thread(thread)
                    })
                })
                .collect();
            for thread in running {
                match thread.join() {
                    Ok(calls) => calls.into_iter().for_each(|(key, call)| history[key].push(call)),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        history
    }

    fn thread(&self, thread: usize) -> Vec<(usize, Entry)> {
        let mut rng = Rng::new(mix(self.seed ^ (thread as u64 + 1)));
        let mut calls: Vec<(usize, Entry)> = Vec::new();
        // So few that the calls of one key, those of every key's flushes included, fit into a checker's word.
        let count = 60 * self.keys / self.threads;
        let mut uniques = vec![0; self.keys];
        for step in 0..count {
            self.churn
                .run(self.cache, &mut rng, thread * 1000 + step)
                .expect("the churn is stored");
            if rng.chance(20) {
                std::thread::yield_now();
            }
            let key = rng.index(self.keys);
            let op = self.draws.draw(&mut rng, thread * 1000 + step, uniques[key]);
            let called = self.clock.fetch_add(1, SeqCst);
            let result = perform(self.cache, &name(key), &op);
            let returned = self.clock.fetch_add(1, SeqCst);
            if let Seen::Hit(_, unique) | Seen::Outcome(Outcome::Stored(unique)) = result {
                uniques[key] = unique;
            }
            let every = op == Op::Flush;
            for key in if every { 0..self.keys } else { key..key + 1 } {
                let (op, result) = (op.clone(), result.clone());
                calls.push((key, Call { thread, called, returned, op, result }));
            }
        }
        calls
    }
}

/// The checker itself: histories that it must accept, and such that it must not.
mod checker {
    use super::*;
    use nearcache::Outcome::{Exists, NotStored, Stored};

    fn data(text: &str) -> Data {
        Data::from(text.as_bytes())
    }

    fn history(calls: &[(u64, u64, Op, Seen)]) -> Vec<Entry> {
        calls
            .iter()
            .cloned()
            .enumerate()
            .map(|(thread, (called, returned, op, result))| Call {
                thread,
                called,
                returned,
                op,
                result,
            })
            .collect()
    }

    fn accepts(calls: &[(u64, u64, Op, Seen)]) -> bool {
        verify(&history(calls), false).is_ok()
    }

    const GET: Op = Op::Read("get");

    #[test]
    fn calls_at_the_same_time_take_any_order() {
        let set = (0, 9, Op::Set(data("a")), Seen::Outcome(Stored(1)));
        assert!(accepts(&[set.clone(), (1, 2, GET, Seen::Miss)]));
        assert!(accepts(&[set.clone(), (1, 2, GET, Seen::Hit(data("a"), 1))]));
        let both = [set, (1, 2, GET, Seen::Hit(data("a"), 1)), (3, 4, GET, Seen::Miss)];
        assert!(!accepts(&both), "a read of the new value, then of the old one");
    }

    #[test]
    fn a_stale_read_is_rejected() {
        let calls = [
            (0, 1, Op::Set(data("a")), Seen::Outcome(Stored(1))),
            (2, 3, Op::Set(data("b")), Seen::Outcome(Stored(2))),
            (4, 5, GET, Seen::Hit(data("a"), 1)),
        ];
        assert!(!accepts(&calls));
        assert!(accepts(&calls[..2]));
    }

    #[test]
    fn a_value_back_from_the_dead_is_rejected() {
        let calls = [
            (0, 1, Op::Set(data("a")), Seen::Outcome(Stored(1))),
            (2, 3, Op::Delete, Seen::Yes),
            (4, 5, GET, Seen::Hit(data("a"), 1)),
        ];
        assert!(!accepts(&calls));
        assert!(verify(&history(&calls), true).is_err(), "an eviction does not excuse it");
    }

    #[test]
    fn a_lost_addition_is_rejected() {
        let add =
            |called, returned, sum| (called, returned, Op::Move(Way::Up, 1), Seen::Number(sum));
        let start = (0, 1, Op::Set(data("5")), Seen::Outcome(Stored(1)));
        assert!(accepts(&[start.clone(), add(2, 9, 6), add(3, 8, 7)]));
        assert!(!accepts(&[start, add(2, 9, 6), add(3, 8, 6)]));
    }

    #[test]
    fn two_adds_stored_are_rejected() {
        let add = |called, returned, text, unique| {
            (called, returned, Op::Add(data(text)), Seen::Outcome(Stored(unique)))
        };
        assert!(!accepts(&[add(0, 9, "a", 1), add(1, 8, "b", 2)]));
        let deleted = (2, 7, Op::Delete, Seen::Yes);
        assert!(accepts(&[add(0, 9, "a", 1), deleted, add(1, 8, "b", 2)]));
    }

    #[test]
    fn an_add_refused_by_nothing_is_rejected() {
        let calls = [(0, 1, Op::Add(data("a")), Seen::Outcome(NotStored))];
        assert!(!accepts(&calls));
    }

    #[test]
    fn a_compare_needs_its_own_unique() {
        let start = (0, 1, Op::Set(data("a")), Seen::Outcome(Stored(1)));
        let cas = |unique, outcome| (4, 5, Op::Cas(data("c"), unique), Seen::Outcome(outcome));
        let between = (2, 3, Op::Set(data("b")), Seen::Outcome(Stored(2)));
        assert!(accepts(&[start.clone(), cas(1, Stored(3))]));
        assert!(!accepts(&[start.clone(), cas(1, Exists)]));
        assert!(!accepts(&[start.clone(), between.clone(), cas(1, Stored(3))]));
        assert!(accepts(&[start, between, cas(1, Exists)]));
    }

    #[test]
    fn a_number_moved_has_a_new_unique() {
        let calls = [
            (0, 1, Op::Set(data("5")), Seen::Outcome(Stored(1))),
            (2, 3, Op::Move(Way::Up, 1), Seen::Number(6)),
            (4, 5, Op::Cas(data("c"), 1), Seen::Outcome(Stored(2))),
        ];
        assert!(!accepts(&calls));
        let read = [
            (0, 1, Op::Set(data("5")), Seen::Outcome(Stored(1))),
            (2, 3, GET, Seen::Hit(data("5"), 1)),
            (4, 5, Op::Move(Way::Up, 1), Seen::Number(6)),
            (6, 7, GET, Seen::Hit(data("6"), 1)),
        ];
        assert!(!accepts(&read), "one unique, two values");
    }

    #[test]
    fn a_miss_is_an_eviction_only_where_memory_is_short() {
        let calls = [(0, 1, Op::Set(data("a")), Seen::Outcome(Stored(1))), (2, 3, GET, Seen::Miss)];
        assert!(verify(&history(&calls), true).is_ok());
        assert!(verify(&history(&calls), false).is_err());
    }

    /// Is this history explained, beside a call made at 2 that never returned?
    fn accepts_beside(op: Op, calls: &[(u64, u64, Op, Seen)], evicts: bool) -> bool {
        let maybe = [Maybe { thread: 99, called: 2, op }];
        wgl::check_with(&Register { evicts }, None, &history(calls), &maybe).is_ok()
    }

    #[test]
    fn a_call_that_never_returned_took_effect_once_or_never() {
        let start = (0, 1, Op::Set(data("5")), Seen::Outcome(Stored(1)));
        let sees = |at, text, unique| (at, at + 1, GET, Seen::Hit(data(text), unique));
        let set = Op::Set(data("new"));
        let late = [start.clone(), sees(4, "5", 1), sees(6, "new", 2)];
        assert!(accepts_beside(set.clone(), &late[..2], false));
        assert!(accepts_beside(set.clone(), &late, false), "it may take effect late");
        let back = [start.clone(), sees(4, "new", 2), sees(6, "5", 1)];
        assert!(!accepts_beside(set.clone(), &back, false), "and is not taken back");
        assert!(!accepts_beside(set.clone(), &back, true));
        let early = [sees(0, "new", 1)];
        assert!(!accepts_beside(set, &early, false), "it was not made yet");
        let sum = |at, sum| (at, at + 1, Op::Move(Way::Up, 1), Seen::Number(sum));
        assert!(accepts_beside(
            Op::Move(Way::Up, 1),
            &[start.clone(), sum(4, 6), sum(6, 8)],
            false
        ));
        let twice = [start.clone(), sum(4, 7), sum(6, 9)];
        assert!(!accepts_beside(Op::Move(Way::Up, 1), &twice, false));
        let gone = [start.clone(), (4, 5, GET, Seen::Miss)];
        assert!(accepts_beside(Op::Delete, &gone, false));
        assert!(!accepts_beside(Op::DeleteCas(7), &gone, false), "it compares with another unique");
        assert!(accepts_beside(Op::DeleteCas(1), &gone, false));
        assert!(!accepts_beside(GET, &gone, false), "a read changes nothing");
        // Evicted first, and then there again.
        let added = [start, sees(4, "new", 2)];
        assert!(accepts_beside(Op::Add(data("new")), &added, true));
        assert!(!accepts_beside(Op::Add(data("new")), &added, false));
    }

    /// 999 is both "998 " and one, and what an absent number begins with: the first read tells which it was.
    #[test]
    fn an_eviction_may_hide_behind_the_same_answer() {
        let count = Op::MoveOr(Way::Up, 1, 999);
        let number = |text| {
            [
                (0, 1, Op::Set(data("998 ")), Seen::Outcome(Stored(1))),
                (2, 3, count.clone(), Seen::Number(999)),
                (4, 5, GET, Seen::Hit(data(text), 2)),
            ]
        };
        assert!(verify(&history(&number("999 ")), true).is_ok(), "counted on");
        assert!(verify(&history(&number("999")), true).is_ok(), "evicted, and begun anew");
        assert!(!accepts(&number("999")), "nothing was evicted");
    }

    #[test]
    fn what_was_flushed_is_not_read() {
        let calls = [
            (0, 1, Op::Set(data("a")), Seen::Outcome(Stored(1))),
            (2, 3, Op::Flush, Seen::Done),
            (4, 5, GET, Seen::Hit(data("a"), 1)),
        ];
        assert!(!accepts(&calls));
        assert!(accepts(&calls[..2]));
    }
}
