//! Every verb, on few keys, from 2 to 8 real threads: the recorded history of each key must be linearizable.
//!
//! Lifetimes are left out: an engine may read its clock of whole seconds at any moment of an operation. A flush and
//! a touch into the past are in.

mod support;

use hashbrown::HashMap;
use nearcache::{Cache, Deletion, Error, Expiry, MetaGet, Options, Outcome, Touch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::number::Way;
use support::ops::Body;
use support::register::{Data, Op, Register, Result as Seen};
use support::seed::{Rng, mix, rounds};
use support::wgl::{self, Call};

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

/// What is stored under other keys between the operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Churn {
    None,
    /// More than there is memory for.
    Evicting,
    /// The same keys, so that the log goes round and what lives in it is moved together.
    Cleaning,
    /// The same, and ever new keys, so that the index doubles.
    Growing,
}

/// Which operations are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Draws {
    /// Every verb, on short numbers.
    Mixed,
    /// incr and decr for the most part.
    Counting,
    /// Every verb, on values of more than a segment.
    Large,
}

const LARGE: usize = 70_000;

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

fn name(key: usize) -> Vec<u8> {
    format!("shared key {key}").into_bytes()
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
            self.churn(&mut rng, thread * 1000 + step);
            if rng.chance(20) {
                std::thread::yield_now();
            }
            let key = rng.index(self.keys);
            let op = self.draw(&mut rng, thread * 1000 + step, uniques[key]);
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

    fn churn(&self, rng: &mut Rng, step: usize) {
        let value = vec![b'c'; 8 << 10];
        let store =
            |key: &[u8], len: usize| match self.cache.set(key, &value[..len], 0, Expiry::Never) {
                Ok(Outcome::Stored(_)) => {}
                other => panic!("the churn was answered {other:?}"),
            };
        if self.churn == Churn::Evicting {
            (0..3).for_each(|_| store(&rng.below(400).to_le_bytes(), rng.index(value.len())));
        }
        if matches!(self.churn, Churn::Cleaning | Churn::Growing) {
            (0..8).for_each(|_| store(&rng.below(300).to_le_bytes(), rng.index(value.len())));
        }
        if self.churn == Churn::Growing {
            (0..12).for_each(|k| store(format!("{step} {k}").as_bytes(), 4));
        }
    }

    /// An operation; `tag` is one that no other value of the trial has.
    fn draw(&self, rng: &mut Rng, tag: usize, unique: u64) -> Op {
        let value: Data = match self.draws {
            Draws::Large => Data::from(format!("large {tag}").as_bytes()),
            Draws::Mixed => Data::from(((tag + 1) * 1000).to_string().as_bytes()),
            Draws::Counting => Data::from((tag + 1).to_string().as_bytes()),
        };
        let more: Data = Data::from(rng.below(10).to_string().as_bytes());
        let way = if rng.chance(60) { Way::Up } else { Way::Down };
        let delta = rng.below(2000);
        let draw = rng.below(match self.draws {
            Draws::Large => 60,
            Draws::Mixed => 80,
            Draws::Counting => 160,
        });
        match draw {
            0..4 => Op::Read("get"),
            4..7 => Op::Read("get_to"),
            7..9 => Op::Read("get_many"),
            9..11 => Op::Read("pin"),
            11..13 => Op::Read("gat"),
            13..15 => Op::Read("meta_get"),
            15..17 => Op::Present("contains"),
            17..19 => Op::Present("touch"),
            19..26 => Op::Set(value),
            26..34 => Op::Add(value),
            34..38 => Op::Replace(value),
            38..46 => Op::Cas(value, unique),
            46..51 => Op::Delete,
            51..54 => Op::DeleteCas(unique),
            54..56 => Op::Kill,
            56..58 => Op::Invalidate,
            58 => Op::Flush,
            59 => Op::Move(way, delta),
            60..64 => Op::Append(more),
            64..67 => Op::Prepend(more),
            67..75 => Op::Move(way, delta),
            75..80 => Op::MoveOr(way, delta, tag as u64 * 1000 + 7),
            80..95 => Op::MoveOr(way, delta % 50, tag as u64 + 7),
            95..102 => Op::Present("touch"),
            _ => Op::Move(way, delta % 50),
        }
    }
}

/// The bytes that a recorded value stands for: large ones are written out.
fn whole(data: &Data) -> Vec<u8> {
    let mut bytes = data.0.to_vec();
    if data.0.starts_with(b"large") {
        let seed = data.0.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        bytes.push(b'\n');
        bytes.extend(Body::Pattern(LARGE + usize::from(seed) * 300, seed).bytes());
    }
    bytes
}

/// The recorded form of bytes that were read; torn ones panic.
fn recorded(bytes: &[u8]) -> Data {
    let head = bytes.split(|byte| *byte == b'\n').next().expect("a split has a part");
    let data = Data::from(head);
    assert!(
        whole(&data) == bytes,
        "{} bytes that begin {:?} are torn",
        bytes.len(),
        head.escape_ascii()
    );
    data
}

fn perform(cache: &Cache, key: &[u8], op: &Op) -> Seen {
    match run(cache, key, op) {
        Ok(seen) => seen,
        Err(Error::NotNumeric) => Seen::NotNumeric,
        Err(error) => panic!("{op:?} failed: {error}"),
    }
}

fn run(cache: &Cache, key: &[u8], op: &Op) -> Result<Seen, Error> {
    let yes = |yes: bool| if yes { Seen::Yes } else { Seen::No };
    let number = |number: Option<u64>| number.map_or(Seen::No, Seen::Number);
    let store = |outcome: Result<Outcome, Error>| outcome.map(Seen::Outcome);
    let never = Expiry::Never;
    Ok(match op {
        Op::Read(how) => read(cache, key, how)?,
        Op::Present("contains") => yes(cache.contains(key)?),
        Op::Present(_) => yes(cache.touch(key, never)? == Touch::Touched),
        Op::Set(data) => store(cache.set(key, &whole(data), 0, never))?,
        Op::Add(data) => store(cache.add(key, &whole(data), 1, never))?,
        Op::Replace(data) => store(cache.replace(key, &whole(data), 2, never))?,
        Op::Append(data) => store(cache.append(key, &data.0))?,
        Op::Prepend(data) => store(cache.prepend(key, &data.0))?,
        Op::Cas(data, unique) => store(cache.cas(key, &whole(data), 3, never, *unique))?,
        Op::Move(Way::Up, delta) => number(cache.incr(key, *delta)?),
        Op::Move(Way::Down, delta) => number(cache.decr(key, *delta)?),
        Op::MoveOr(Way::Up, by, from) => number(Some(cache.incr_or(key, *by, *from, never)?)),
        Op::MoveOr(Way::Down, by, from) => number(Some(cache.decr_or(key, *by, *from, never)?)),
        Op::Delete => of_deletion(cache.delete(key)?),
        Op::DeleteCas(unique) => of_deletion(cache.delete_cas(key, *unique)?),
        Op::Kill => yes(cache.touch(key, Expiry::Past)? == Touch::Touched),
        Op::Invalidate => yes(cache.invalidate(key, None)? == Touch::Touched),
        Op::Flush => {
            cache.flush_all(0).expect("the cache may be written");
            Seen::Done
        }
    })
}

fn of_deletion(deletion: Deletion) -> Seen {
    match deletion {
        Deletion::Deleted => Seen::Yes,
        Deletion::Missing => Seen::No,
        Deletion::Exists => Seen::Exists,
    }
}

fn read(cache: &Cache, key: &[u8], how: &str) -> Result<Seen, Error> {
    let hit = |bytes: &[u8], unique| Seen::Hit(recorded(bytes), unique);
    let mut bytes = Vec::new();
    Ok(match how {
        "get" => cache.get(key)?.map(|value| hit(&value.data, value.cas)),
        "gat" => cache.gat(key, Expiry::Never)?.map(|value| hit(&value.data, value.cas)),
        "get_to" => cache.get_to(key, &mut bytes)?.map(|meta| hit(&bytes, meta.cas)),
        "pin" => cache.pin(key)?.map(|pin| hit(&pin, pin.meta().cas)),
        "meta_get" => {
            let found = cache.meta_get(key, MetaGet::default(), &mut bytes)?;
            found.map(|found| hit(&bytes, found.meta.cas))
        }
        _ => {
            let mut seen = None;
            cache.get_many(&[key], |_, meta, bytes| seen = Some(hit(bytes, meta.cas)))?;
            seen
        }
    }
    .unwrap_or(Seen::Miss))
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
