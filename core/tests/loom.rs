//! Models of the protocols over the real types, every interleaving tried; each with mutants that must be caught.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p nearcache --release --test loom`
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering, fence};
use nearcache::model::*;

#[path = "support/models.rs"]
mod models;
use models::{UNFINISHED, fails, history, linearizable, proves};

// ---- the bucket: announced inserts that anybody finishes -------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Set(u64, u64),
    Add(u64, u64),
    Del(u64),
    Get(u64),
    /// A set whose thread is killed right after its announcement.
    Killed(u64, u64),
}
use Op::*;

/// In a model an item's location tells its key and its value.
fn loc(key: u64, value: u64) -> u64 {
    key << 16 | value
}
fn live(loc: u64) -> Slot {
    Slot::live(loc >> 16, loc)
}

type Model = Bucket<2>;

fn entry(bucket: &Model, key: u64) -> Option<(usize, Slot)> {
    (0..2).map(|i| (i, bucket.slot(i))).find(|(_, slot)| slot.matches(key))
}

fn settled(bucket: &Model) -> Ctrl {
    loop {
        let ctrl = bucket.ctrl();
        if !ctrl.is_pending() {
            return ctrl;
        }
        bucket.settle(ctrl, live);
    }
}

fn put(bucket: &Model, key: u64, value: u64, only_new: bool, killed: bool) -> u64 {
    loop {
        let ctrl = settled(bucket);
        if let Some((i, slot)) = entry(bucket, key) {
            if only_new {
                return 0;
            }
            if bucket.swap(i, slot, live(loc(key, value))) {
                return 1;
            }
            continue;
        }
        let Some(i) = bucket.vacancy(0) else { continue };
        if let Some(pending) = bucket.announce(ctrl, i, loc(key, value)) {
            if !killed {
                bucket.settle(pending, live);
            }
            return 1;
        }
    }
}

fn delete(bucket: &Model, key: u64) -> u64 {
    loop {
        settled(bucket);
        let Some((i, slot)) = entry(bucket, key) else {
            return 0;
        };
        if bucket.clear(i, slot, live) {
            return 1;
        }
    }
}

fn get(bucket: &Model, key: u64) -> u64 {
    loop {
        let seen = bucket.scan(0, key, |place| {
            if place.slot.is_some() {
                return Some(Some(place.loc & 0xffff));
            }
            if place.loc >> 16 != key {
                return None;
            }
            // As the optimistic read re-checks the word.
            let same = place.word.load(Ordering::Acquire) == place.seen;
            Some(same.then_some(place.loc & 0xffff))
        });
        match seen {
            None => return 0,
            Some(Some(value)) => return value,
            Some(None) => {}
        }
    }
}

fn run(bucket: &Model, op: Op) -> u64 {
    match op {
        Set(key, value) => put(bucket, key, value, false, false),
        Add(key, value) => put(bucket, key, value, true, false),
        Killed(key, value) => put(bucket, key, value, false, true),
        Del(key) => delete(bucket, key),
        Get(key) => get(bucket, key),
    }
}

fn apply(op: Op, state: &mut Vec<(u64, u64)>) -> u64 {
    let at = |state: &Vec<(u64, u64)>, key| state.iter().position(|entry| entry.0 == key);
    match op {
        Set(key, value) | Killed(key, value) => {
            match at(state, key) {
                Some(i) => state[i].1 = value,
                None => state.push((key, value)),
            }
            1
        }
        Add(key, value) => match at(state, key) {
            Some(_) => 0,
            None => {
                state.push((key, value));
                1
            }
        },
        Del(key) => at(state, key).map_or(0, |i| {
            state.remove(i);
            1
        }),
        Get(key) => at(state, key).map_or(0, |i| state[i].1),
    }
}

fn bucket_model(before: &'static [(u64, u64)], threads: &'static [&'static [Op]]) {
    let bucket = Arc::new(Model::new());
    for &(key, value) in before {
        put(&bucket, key, value, false, false);
    }
    let shared = bucket.clone();
    let events = history(threads, &[Get(1), Get(2)], move |_, _, op| run(&shared, op));
    for key in [1, 2] {
        let entries = (0..2).filter(|&i| bucket.slot(i).matches(key)).count();
        assert!(entries <= 1, "key {key} is in the bucket twice");
    }
    assert!(linearizable(&events, &before.to_vec(), &apply, 0), "not linearizable: {events:?}");
}

macro_rules! bucket_models {
    ($($name:ident: $before:expr, $threads:expr, $mutants:expr;)*) => {$(
        #[test]
        fn $name() {
            proves(3, || bucket_model(&$before, &$threads), &$mutants);
        }
    )*};
}

bucket_models! {
    two_fresh_sets: [], [&[Set(1, 11)], &[Set(1, 12)]], [];
    two_adds: [], [&[Add(1, 11)], &[Add(1, 12)]], [];
    three_adds: [], [&[Add(1, 11)], &[Add(1, 12)], &[Add(1, 13)]], [];
    set_against_delete: [], [&[Set(1, 11), Get(1)], &[Del(1), Get(1)]], [];
    set_delete_set: [], [&[Set(1, 11)], &[Del(1)], &[Set(1, 12)]], [];
    sets_and_deletes: [], [&[Set(1, 11), Del(1)], &[Set(1, 12), Del(1)]], [];
    two_keys: [(2, 20)], [&[Set(1, 11), Del(2)], &[Del(2), Set(2, 21)]], [];
    a_stale_helper: [], [&[Set(1, 11), Del(1)], &[Set(2, 21)]],
        [Mutant::HelpWithoutRecheck, Mutant::EmptyWithoutVersion];
    another_helper: [], [&[Set(1, 11)], &[Del(1)], &[Set(2, 21)]], [Mutant::ClearWithoutHelp];
    a_reader: [(1, 10)], [&[Del(1), Set(1, 11)], &[Get(1), Get(1)]], [];
    a_reader_of_an_insert: [], [&[Set(1, 11)], &[Get(1), Get(1)]], [Mutant::CtrlLast];
    killed_after_announcing: [], [&[Killed(1, 11)], &[Get(1), Add(1, 12), Del(1)]], [];
    killed_before_another_key: [], [&[Killed(1, 11)], &[Add(2, 21), Get(1), Del(1)]], [];
    two_killed: [], [&[Killed(1, 11)], &[Killed(1, 12)], &[Set(1, 13), Get(1)]], [];
}

// ---- the optimistic read against a segment that is recycled ----------------------------------------------

fn recycled_under_a_reader(publish: bool) {
    let word = Arc::new(AtomicU64::new(77));
    let birth = Arc::new(AtomicU64::new(1));
    let data: Arc<[AtomicU64; 2]> = Arc::new([AtomicU64::new(1), AtomicU64::new(1)]);
    let (w, b, d) = (word.clone(), birth.clone(), data.clone());
    let evictor = loom::thread::spawn(move || {
        w.compare_exchange(77, 0, Ordering::AcqRel, Ordering::Acquire).unwrap();
        recycle(&b);
        if publish {
            b.store(2, Ordering::Release);
        }
        d[0].store(2, Ordering::Relaxed);
        d[1].store(2, Ordering::Relaxed);
        if publish {
            w.store(77, Ordering::Release);
        }
    });
    for _ in 0..2 {
        let seen = word.load(Ordering::Acquire);
        if seen == 0 {
            continue;
        }
        let pair = optimistic(&word, seen, &birth, |_| {
            (data[0].load(Ordering::Relaxed), data[1].load(Ordering::Relaxed))
        });
        if let Some((x, y)) = pair {
            assert_eq!(x, y, "torn");
            assert!(publish || x != 2, "unpublished");
        }
    }
    evictor.join().unwrap();
}

#[test]
fn an_optimistic_read_is_of_one_birth() {
    let mutants =
        [Mutant::ReadWithoutRecheck, Mutant::ReadWithoutFence, Mutant::RecycleWithoutFence];
    proves(4, || recycled_under_a_reader(false), &[Mutant::RecycleWithoutBirth]);
    for mutant in mutants {
        let caught = [false, true]
            .iter()
            .any(|&publish| fails(mutant, 4, move || recycled_under_a_reader(publish)));
        assert!(caught, "{mutant:?} was not caught");
    }
    proves(4, || recycled_under_a_reader(true), &[]);
}

// ---- a hazard against the evictor -------------------------------------------------------------------------

struct Held {
    word: AtomicU64,
    hazard: AtomicU64,
    data: loom::cell::UnsafeCell<u64>,
}
// SAFETY: the protocol under test is what keeps accesses to `data` apart; loom reports when it does not.
unsafe impl Sync for Held {}
// SAFETY: as above.
unsafe impl Send for Held {}

fn hazard_model() {
    let held = Arc::new(Held {
        word: AtomicU64::new(7),
        hazard: AtomicU64::new(0),
        data: loom::cell::UnsafeCell::new(7),
    });
    let other = held.clone();
    let evictor = loom::thread::spawn(move || {
        if other.word.compare_exchange(7, 0, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        announce_drain();
        if other.hazard.load(Ordering::Acquire) == 1 {
            return;
        }
        // SAFETY: no hazard, so nobody reads; that is what is tested.
        other.data.with_mut(|data| unsafe { *data = 8 });
        other.word.store(8, Ordering::Release);
    });
    let seen = held.word.load(Ordering::Acquire);
    if seen != 0 {
        if protect(&held.hazard, 0, &held.word, seen) {
            // SAFETY: held by the hazard; that is what is tested.
            let data = held.data.with(|data| unsafe { *data });
            assert_eq!(data, seen, "the data of another birth");
        }
        clear(&held.hazard);
    }
    evictor.join().unwrap();
}

#[test]
fn a_hazard_holds_what_it_protects() {
    let mutants =
        [Mutant::HazardWithoutFence, Mutant::HazardWithoutRecheck, Mutant::EvictWithoutFence];
    proves(5, hazard_model, &mutants);
}

// ---- a lane: what counts as used can be walked --------------------------------------------------------------

fn lane_model() {
    let shared = Arc::new((Lane::new(), AtomicU64::new(0), [AtomicU64::new(0), AtomicU64::new(0)]));
    let take = |me: u64| {
        let shared = shared.clone();
        move || {
            let (lane, used, heads) = &*shared;
            // Twice, because a failed try must not unlock it for the next.
            let locked = lane.try_lock(me).or_else(|| lane.try_lock(me))?;
            locked.take(used, 1, 2, |at| heads[at as usize].store(me, Ordering::Relaxed))
        }
    };
    let other = loom::thread::spawn(take(2));
    let walker = {
        let shared = shared.clone();
        loom::thread::spawn(move || {
            let (_, used, heads) = &*shared;
            for at in 0..used.load(Ordering::Acquire) {
                assert_ne!(heads[at as usize].load(Ordering::Relaxed), 0, "no header");
            }
        })
    };
    let mine = take(1)();
    let theirs = other.join().unwrap();
    walker.join().unwrap();
    assert!(mine.is_none() || mine != theirs, "the same words twice");
}

#[test]
fn a_lane_gives_words_once() {
    proves(3, lane_model, &[Mutant::LaneUnlockEarly]);
}

// ---- the split of a bucket ----------------------------------------------------------------------------------

/// Key 1 moves to the child, key 2 stays.
struct Pair {
    parent: Model,
    child: Model,
}

impl Pair {
    fn split(&self) {
        loop {
            let ctrl = self.parent.ctrl();
            if ctrl.is_split() {
                self.parent.settle_split(ctrl, &self.child, |slot| slot.loc() >> 16 == 1);
            } else if ctrl.is_pending() {
                self.parent.settle(ctrl, live);
            } else if self.child.ctrl().is_unborn() {
                if let Some(ctrl) = self.parent.announce_split(ctrl) {
                    self.parent.settle_split(ctrl, &self.child, |slot| slot.loc() >> 16 == 1);
                }
            } else {
                return;
            }
        }
    }
    fn get(&self, key: u64) -> u64 {
        loop {
            let unborn = self.child.ctrl().is_unborn();
            let home = if key == 1 && !unborn { &self.child } else { &self.parent };
            let seen = home.scan(0, key, |place| {
                place.slot.map(|(_, slot)| (place.loc & 0xffff, slot.has(mark::MOVING)))
            });
            let still = key != 1 || !unborn || self.child.ctrl().is_unborn();
            match seen {
                Some((value, false)) => return value,
                Some((value, true)) if still => return value,
                None if still => return 0,
                _ => {}
            }
        }
    }
    fn set(&self, key: u64, value: u64) {
        self.split();
        put(if key == 1 { &self.child } else { &self.parent }, key, value, false, false);
    }
    fn delete(&self, key: u64) -> u64 {
        self.split();
        delete(if key == 1 { &self.child } else { &self.parent }, key)
    }
}

fn split_model() {
    let pair = Arc::new(Pair { parent: Model::new(), child: Model::unborn() });
    put(&pair.parent, 1, 11, false, false);
    put(&pair.parent, 2, 21, false, false);
    let other = pair.clone();
    let reader = loom::thread::spawn(move || {
        let first = other.get(1);
        let then = other.get(1);
        assert!([11, 12, 13].contains(&first) && then >= first, "{first} and then {then}");
        other.split();
        then
    });
    pair.set(1, 12);
    pair.set(1, 13);
    let then = reader.join().unwrap();
    assert_eq!((pair.get(1), pair.get(2)), (13, 21), "after {then}");
    assert!((0..2).all(|i| !pair.parent.slot(i).matches(1)), "left behind in the parent");
}

/// A writer that has not heard of the split replaces the item in the parent meanwhile.
fn late_writer_model() {
    let pair = Arc::new(Pair { parent: Model::new(), child: Model::unborn() });
    put(&pair.parent, 1, 11, false, false);
    let other = pair.clone();
    let late = loom::thread::spawn(move || {
        let slot = other.parent.slot(0);
        slot.matches(1) && !slot.has(mark::MOVING) && other.parent.swap(0, slot, live(loc(1, 12)))
    });
    pair.split();
    let replaced = late.join().unwrap();
    assert_eq!(pair.get(1), if replaced { 12 } else { 11 });
}

#[test]
fn a_split_loses_nothing_and_brings_nothing_back() {
    proves(2, split_model, &[Mutant::BirthBeforeFill]);
    proves(3, late_writer_model, &[Mutant::SplitWithoutFreeze]);
}

#[test]
fn what_is_deleted_during_a_split_stays_deleted() {
    let model = || {
        let pair = Arc::new(Pair { parent: Model::new(), child: Model::unborn() });
        put(&pair.parent, 1, 11, false, false);
        let other = pair.clone();
        let splitter = loom::thread::spawn(move || other.split());
        assert_eq!(pair.delete(1), 1);
        assert_eq!(pair.get(1), 0);
        splitter.join().unwrap();
        assert_eq!(pair.get(1), 0);
    };
    proves(3, model, &[]);
}

// ---- flushes against births ---------------------------------------------------------------------------------

/// One key and one lane, as the engine uses them.
struct Flushed {
    births: Births,
    flush: Flush,
    /// The birth of the segment that the lane fills.
    open: AtomicU64,
    /// The item: `origin48 | value16`.
    slot: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Put(u64),
    /// A write that depends on what is there.
    Replace(u64),
    Look,
    Flush,
    /// A flush whose thread is killed right after its announcement.
    FlushKilled,
    /// Opens a segment.
    Open,
}

/// A delayed flush that is due strikes at 5, and it is 6.
const DUE: u64 = 5;
fn now() -> u64 {
    DUE + 1
}

impl Flushed {
    /// With one item, of this value.
    fn new(value: u64, at: u64) -> Flushed {
        let (births, flush) = (Births::new(), Flush::new(0));
        let birth = births.next(&flush, now);
        flush.at.store(at, Ordering::Relaxed);
        let (open, slot) = (AtomicU64::new(birth), AtomicU64::new(birth << 16 | value));
        Flushed { births, flush, open, slot }
    }

    fn horizon(&self) -> u64 {
        if self.flush.at.load(Ordering::Acquire) == 0 {
            return self.flush.horizon();
        }
        loop {
            match self.births.look(&self.flush, now) {
                Look::Horizon(horizon) => return horizon,
                Look::Due(given) => {
                    self.births.flush_from(given, &self.flush, now);
                }
            }
        }
    }

    fn open_another(&self, seen: u64) {
        let birth = self.births.next(&self.flush, now);
        let _ = self.open.compare_exchange(seen, birth, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Room in a segment that is not flushed: its birth.
    fn compose(&self) -> u64 {
        loop {
            let birth = self.open.load(Ordering::Acquire);
            if birth > self.flush.horizon() {
                return birth;
            }
            self.open_another(birth);
        }
    }

    fn write(&self, value: u64, is_conditional: bool) -> u64 {
        let mut composed = (!is_conditional).then(|| self.compose());
        loop {
            let horizon = self.horizon();
            let seen = self.slot.load(Ordering::Acquire);
            let is_alive = |horizon| seen >> 16 > horizon;
            if is_conditional && !is_alive(horizon) {
                return 0;
            }
            let ready = composed.filter(|&birth| birth > self.flush.horizon());
            let birth = ready.unwrap_or_else(|| self.compose());
            composed = Some(birth);
            if is_alive(horizon) && !is_alive(self.horizon()) {
                continue;
            }
            let new = birth << 16 | value;
            if self.slot.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return 1;
            }
        }
    }

    fn run(&self, deed: Deed) -> u64 {
        match deed {
            Deed::Put(value) => self.write(value, false),
            Deed::Replace(value) => self.write(value, true),
            Deed::Look => {
                let horizon = self.horizon();
                let seen = self.slot.load(Ordering::Acquire);
                if seen >> 16 > horizon { seen & 0xffff } else { 0 }
            }
            Deed::Flush => {
                self.births.flush(&self.flush, now);
                1
            }
            Deed::FlushKilled => {
                while !self.births.announce(self.births.settled(&self.flush, now)) {}
                UNFINISHED
            }
            Deed::Open => {
                self.open_another(self.open.load(Ordering::Acquire));
                1
            }
        }
    }
}

fn expected(deed: Deed, state: &mut u64) -> u64 {
    match deed {
        Deed::Put(value) => *state = value,
        Deed::Replace(_) if *state == 0 => return 0,
        Deed::Replace(value) => *state = value,
        Deed::Look => return *state,
        Deed::Flush => *state = 0,
        Deed::FlushKilled => {
            *state = 0;
            return UNFINISHED;
        }
        Deed::Open => {}
    }
    1
}

/// The item is dead at the beginning where a delayed flush is due.
fn flush_model(at: u64, threads: &'static [&'static [Deed]]) {
    let shared = Arc::new(Flushed::new(11, at));
    let run = shared.clone();
    let events = history(threads, &[Deed::Look], move |_, _, deed| run.run(deed));
    let before = if at == 0 { 11 } else { 0 };
    assert!(linearizable(&events, &before, &expected, 0), "not linearizable: {events:?}");
}

macro_rules! flush_models {
    ($($name:ident: $preemptions:expr, $at:expr, $threads:expr, $mutants:expr;)*) => {$(
        #[test]
        fn $name() {
            proves($preemptions, || flush_model($at, &$threads), &$mutants);
        }
    )*};
}

use Deed::{Flush as FlushAll, FlushKilled, Look as LookAt, Open, Put, Replace};

flush_models! {
    a_flush_against_a_conditional_write: 3, 0, [&[FlushAll], &[Replace(12)], &[Open]],
        [Mutant::FlushWithoutAnnounce];
    two_flushes_against_a_conditional_write: 3, 0, [&[FlushAll], &[Replace(12)], &[FlushAll]], [];
    a_flush_between_two_writes: 3, 0, [&[FlushAll, LookAt], &[Put(12), Replace(13)]], [];
    a_killed_flush: 3, 0, [&[FlushKilled], &[Replace(12)], &[Open]], [Mutant::BirthWithoutHelp];
    a_killed_flush_against_a_flush: 3, 0, [&[FlushKilled], &[FlushAll, LookAt], &[Replace(12)]], [];
    a_delayed_flush: 2, DUE, [&[Put(12)], &[LookAt], &[Open]],
        [Mutant::DueFromLaterBirths, Mutant::DueLeftPending];
    a_delayed_flush_against_a_flush: 2, DUE, [&[Put(12)], &[FlushAll], &[LookAt]], [];
}

/// The fence that the models above leave to the compiler: named so that nobody takes the import for dead.
#[test]
fn fences_are_modelled() {
    loom::model(|| fence(Ordering::SeqCst));
}
