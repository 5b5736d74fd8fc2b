//! The target `damaged`: words of a full arena are overwritten, and then every verb must return.
//!
//! An error, a miss, a wrong value: all that is well. A panic, a hang, or an access outside of the arena (around which
//! the builds of this target lay pages that may not be touched) is not.

#[cfg(not(nearcache_damage))]
compile_error!("build with RUSTFLAGS=\"--cfg nearcache_damage\": it opens the words of an arena");

use crate::draw;
use crate::input::Input;
use crate::support::answer::{Answer, Reply};
use crate::support::ops::{Op, Shape, key};
use crate::support::perform::perform;
use crate::support::seed::Rng;
use nearcache::{Cache, Cursor, Expiry, Options};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Verbs run in a case.
const STEPS: usize = 400;
/// A case ends after so many refusals: each may have waited for a lane that nobody gives back.
const REFUSALS: u32 = 8;
/// Words of a segment in arenas of this size.
const SEGMENT: usize = 8192;

/// Runs a case.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let shape = Shape { keys: 200, large_keys: 8, large: 300 << 10, small: 6000, most: STEPS };
    let kind = input.byte();
    let mut options = Options::new(1 << 20);
    options.manual_clock = kind & 1 == 0;
    options.evict = kind & 6 != 0;
    // A large hint is a small index, which the population then doubles.
    options.item_size_hint = if kind & 8 == 0 { 100 } else { 1 << 20 };
    let cache = options.open().expect("the cache opens");
    populate(&cache, kind);
    for _ in 0..1 + input.below(24) {
        damage(&cache, &mut input);
    }
    let (mut unique, mut refusals) = (0, 0);
    for _ in 0..STEPS {
        if input.is_empty() || refusals > REFUSALS {
            break;
        }
        match input.byte() % 32 {
            0 => damage(&cache, &mut input),
            1 => elsewhere(&cache, &mut input),
            _ => {
                let op = draw::operation(&mut input, &shape);
                let reply = step(&cache, &op, unique);
                unique = reply.unique.unwrap_or(unique);
                refusals += u32::from(reply.answer == Answer::OutOfMemory);
            }
        }
    }
    survey(&cache);
}

/// Fills the cache, several times over, with items of every kind: large, moved, expired, flushed, numbers.
fn populate(cache: &Cache, kind: u8) {
    let mut rng = Rng::new(u64::from(kind >> 4));
    let value: Vec<u8> = (0..150_000_u32).map(|at| (at % 251) as u8).collect();
    // Refusals are part of it.
    let set = |k: u8, len: usize, expiry| {
        let _ = cache.set(&key(k), &value[..len], u32::from(k) % 3, expiry);
    };
    for round in 0..400 {
        let k = rng.below(200) as u8;
        let expiry = if rng.chance(30) { Expiry::After(1 + u32::from(k)) } else { Expiry::Never };
        match rng.below(16) {
            0 if k < 100 => set(k % 8, 70_000 + rng.index(80_000), expiry),
            1..10 => set(k, rng.index(6000), expiry),
            10 => drop(cache.incr_or(&key(k), 1, 5, expiry)),
            11 => drop(cache.delete(&key(k))),
            _ => drop(cache.get(&key(k))),
        }
        if round == 200 && kind & 0x40 != 0 {
            cache.flush_all(0).expect("the cache may be written");
        }
        let _ = round % 100 == 0 && cache.advance_clock(1).is_ok();
    }
}

/// Overwrites a word, or some in a row.
fn damage(cache: &Cache, input: &mut Input<'_>) {
    let words = cache.words();
    let at = place(cache, input);
    let how = input.byte();
    let old = words[at].load(Relaxed);
    let new = match how % 12 {
        0..3 => old ^ 1 << (input.byte() % 64),
        3 => 0,
        4 => u64::MAX,
        5 => old.wrapping_add(1),
        6 => old.wrapping_sub(1),
        7 => input.word(1),
        8 => input.word(8),
        // The low bits, where locations and numbers are, and the high ones, where states and marks are.
        9 => old & !0xff_ffff | input.word(3),
        10 => old & !(0xffff << 48) | input.word(2) << 48,
        // But not this process's name: a seat that has it cannot be told from one that a thread has lent, and a thread
        // that finds all of them so rightly waits.
        _ => match words[place(cache, input)].load(Relaxed) {
            name if name == u64::from(std::process::id()) => 0,
            other => other,
        },
    };
    // A few words in a row; or of each lane, seat or bucket the same word.
    let (count, stride) = match how / 12 {
        0 => (2, 1),
        1 => (16, 1),
        2 => (64, 16),
        3 => (16, 64),
        _ => (1, 1),
    };
    for word in words[at..].iter().step_by(stride).take(count) {
        word.store(new, Relaxed);
    }
}

/// A word worth damaging.
fn place(cache: &Cache, input: &mut Input<'_>) -> usize {
    let (words, parts) = (cache.words(), cache.parts());
    let part = input.byte() as usize % 16;
    let start = |part: usize| parts[part].1;
    let size = |part: usize| start(part + 1) - start(part);
    match part {
        // Lines of 16 words of which the first few are used.
        0 | 1 => (16 * (1 + input.below(11)) + input.below(4)).min(size(0) - 1),
        // Of a seat: its owner, hazards and counters.
        2 => {
            start(1)
                + 64 * input.below(size(1) / 64)
                + input.one_of(&[0, 0, 1, 2, 3, 4, 16, 32, 45, 48])
        }
        3 => start(2) + input.below(size(2)),
        // Of a lane: its owner and its segment.
        4 => start(3) + 16 * input.below(8) + input.below(2),
        5 | 6 => start(4) + input.below(size(4)),
        7 => start(5) + input.below(size(5)),
        // CTRL words, and the slots behind them.
        8 => start(7) + 16 * input.below(size(7) / 16),
        9 => start(7) + input.below(size(7)),
        // A bucket of the doubled index.
        10 => {
            let segment = words[start(5)].load(Relaxed).saturating_sub(1) as usize;
            let at = start(8) + segment.min(15) * SEGMENT + input.below(16 * 64);
            at.min(words.len() - 1)
        }
        11 => start(8) + input.below(size(8)),
        // An item's first words.
        _ => {
            let first = input.below(size(7));
            let slots = words[start(7)..start(8)].iter().skip(first);
            let live = |slot: &AtomicU64| slot.load(Relaxed) >> 63 == 1;
            let loc =
                slots.into_iter().find(|slot| live(slot)).map_or(0, |slot| slot.load(Relaxed));
            ((loc & ((1 << 40) - 1)) as usize + input.below(6)).min(words.len() - 1)
        }
    }
}

/// Runs a verb.
fn step(cache: &Cache, op: &Op, unique: u64) -> Reply {
    match op {
        Op::GetMany(keys) => {
            let keys: Vec<Vec<u8>> = keys.iter().map(|k| key(*k)).collect();
            cache.get_many(&keys, |_, _, bytes| drop(bytes.to_vec())).expect("the keys are good");
        }
        Op::Iterate => cache.iter().for_each(drop),
        Op::Keys(k) => cache.keys(&key(*k)[..1]).for_each(drop),
        _ => return perform(cache, op, unique),
    }
    Reply::from(Answer::Done)
}

/// A thread that is new to the cache, and needs a seat.
fn elsewhere(cache: &Cache, input: &mut Input<'_>) {
    let k = input.byte() % 200;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = cache.set(&key(k), b"from elsewhere", 0, Expiry::Never);
            let _ = cache.get(&key(k));
        });
    });
}

/// The verbs that go over everything.
fn survey(cache: &Cache) {
    cache.iter().for_each(drop);
    let stats = cache.stats();
    assert_eq!(stats.pairs().count(), 33);
    let mut cursor = Cursor::default();
    while cache
        .scan(&mut cursor, 100, &mut |item| assert!(item.key.len() < 256))
        .expect("no failure")
    {}
    let _ = cache.check();
    for percent in [60, 100] {
        let _ = cache.set_memory_limit(cache.info().memory_max / 100 * percent);
    }
    let _ = cache.check();
    // A table of processes that is damaged all over has no place left.
    let _ = (cache.reset_stats(), cache.flush_all(0));
    let _ = cache.set(b"the last", b"word", 0, Expiry::Never);
    let _ = cache.check();
}
