//! An arena of lanes and segments, and the steps of operations that own parts of it, as the engine's rooms have them: those
//! of an operation need an arena of bytes, so they are mirrored here over the real types, and named after what they mirror.
//! A thread can be killed between any two of them.

// The models' support: not each use has a document of its own.
#![allow(missing_docs)]

use super::models::die;
use loom::sync::atomic::{AtomicU64, Ordering};
use nearcache::model::*;
use std::cell::Cell;
use std::mem::ManuallyDrop;
// Not loom's: one that is dropped as a failing model unwinds would end the process.
use std::sync::Arc;

/// Words of a segment. Each item is of one word, which tells the birth it was written in.
pub const WORDS: u64 = 2;

#[derive(Default)]
pub struct Segment {
    pub state: AtomicU64,
    pub birth: AtomicU64,
    pub used: AtomicU64,
    pub words: [AtomicU64; WORDS as usize],
    /// What is checked, and no part of the protocol.
    given: std::sync::Mutex<Given>,
}

/// What was given out of a segment since its birth.
#[derive(Default)]
struct Given {
    birth: u64,
    lane: Option<u64>,
    words: u64,
    drained: bool,
}

pub struct World {
    pub seats: [Seat; 3],
    pub lanes: [Lane; 2],
    pub segments: Vec<Segment>,
    births: AtomicU64,
}

/// An operation, as `seat::Op`; it is killed when its fuel is used up.
pub struct Op<'a> {
    world: &'a World,
    seat: usize,
    owner: u64,
    pub fuel: Cell<u32>,
}

pub const FOREVER: u32 = u32::MAX;

impl World {
    pub fn new(segments: usize) -> Arc<World> {
        let world = World {
            seats: std::array::from_fn(|_| Seat::spectator()),
            lanes: std::array::from_fn(|_| Lane::new()),
            segments: (0..segments).map(|_| Segment::default()).collect(),
            births: AtomicU64::new(1),
        };
        for (seat, process) in world.seats.iter().zip(1..) {
            seat.take(process);
        }
        Arc::new(world)
    }

    pub fn op(&self, seat: usize, fuel: u32) -> Op<'_> {
        // The seats were taken before the threads began.
        let owner = self.seats[seat].taker().map_or(0, |(taken, _)| owner_id(seat, taken));
        Op { world: self, seat, owner, fuel: Cell::new(fuel) }
    }

    /// `Arena::state`.
    pub fn state(&self, segment: u64) -> State {
        State(self.segments[segment as usize].state.load(Ordering::Acquire))
    }

    /// `Arena::change_state`.
    pub fn change_state(&self, segment: u64, old: State, new: State) -> bool {
        let word = &self.segments[segment as usize].state;
        word.compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub fn birth(&self, segment: u64) -> &AtomicU64 {
        &self.segments[segment as usize].birth
    }

    pub fn numbers(&self) -> std::ops::Range<u64> {
        0..self.segments.len() as u64
    }

    /// `Op::is_busy`.
    pub fn is_busy(&self, segment: u64) -> bool {
        self.seats.iter().any(|seat| seat.protects(segment))
    }

    fn given(&self, segment: u64) -> std::sync::MutexGuard<'_, Given> {
        self.segments[segment as usize].given.lock().unwrap()
    }
}

impl Op<'_> {
    /// Between two steps: here the thread is killed, if it is its turn.
    pub fn step(&self) {
        let left = self.fuel.get();
        if left == 0 {
            die();
        }
        self.fuel.set(left.saturating_sub(u32::from(left != FOREVER)));
    }

    // ---- evict/lane.rs

    /// A store: the item's segment is nobody's prey until it is published.
    pub fn store(&self, i: u64) {
        if let Some(segment) = self.reserve(i) {
            self.publish(segment);
        }
    }

    pub fn publish(&self, segment: u64) {
        assert!(!self.world.given(segment).drained, "drained before the item was published");
        clear(self.world.seats[self.seat].hazard(Hazard::Write));
    }

    /// `reserve`, in one lane; where the item is to be published.
    pub fn reserve(&self, i: u64) -> Option<u64> {
        let lane = &self.world.lanes[i as usize];
        // A killed holder does not unlock.
        let locked = ManuallyDrop::new(lane.try_lock(self.owner)?);
        self.step();
        let found = self.take(&locked, i);
        if found.is_none() {
            self.seal(&locked, i);
        }
        self.step();
        drop(ManuallyDrop::into_inner(locked));
        found.or_else(|| self.open(i))
    }

    /// `filled`.
    pub fn filled(&self, locked: &Locked<'_>, lane: u64) -> Option<(u64, State)> {
        let segment = locked.open().filter(|&s| s < self.world.segments.len() as u64)?;
        let state = self.world.state(segment);
        state.is_open_in(lane).then_some((segment, state))
    }

    /// `take`, of one word.
    pub fn take(&self, locked: &Locked<'_>, lane: u64) -> Option<u64> {
        let (segment, _) = self.filled(locked, lane)?;
        let place = &self.world.segments[segment as usize];
        let birth = place.birth.load(Ordering::Relaxed);
        let at = locked.take(&place.used, 1, WORDS, |at| {
            self.step();
            place.words[at as usize].store(birth, Ordering::Relaxed);
            self.world.seats[self.seat].hazard(Hazard::Write).store(segment + 1, Ordering::Release);
            self.step();
        })?;
        let mut given = self.world.given(segment);
        if given.birth != birth {
            *given = Given { birth, ..Given::default() };
        }
        assert!(!given.drained, "appended to what was sealed and drained");
        assert!(given.lane.is_none_or(|other| other == lane), "filled by two lanes");
        assert!(given.words >> at & 1 == 0, "the same words twice");
        (given.lane, given.words) = (Some(lane), given.words | 1 << at);
        drop(given);
        assert!(self.world.state(segment).is_open_in(lane), "appended to what is sealed");
        self.step();
        Some(segment)
    }

    /// `seal`.
    pub fn seal(&self, locked: &Locked<'_>, lane: u64) {
        let filled = self.filled(locked, lane);
        if mutant(Mutant::SealForgetsFirst) {
            locked.set_open(None);
            self.step();
        }
        if let Some((segment, state)) = filled {
            self.world.change_state(segment, state, state.to(Kind::Sealed));
        }
        self.step();
        locked.set_open(None);
    }

    /// `seal_lanes`.
    pub fn seal_lanes(&self) {
        for (lane, i) in self.world.lanes.iter().zip(0..) {
            if let Some(locked) = lane.try_lock(self.owner) {
                self.seal(&locked, i);
            }
        }
    }

    /// `open`.
    pub fn open(&self, i: u64) -> Option<u64> {
        let segment = self.acquire()?;
        self.step();
        let Some(locked) = self.world.lanes[i as usize].try_lock(self.owner) else {
            self.release(segment);
            return None;
        };
        let locked = ManuallyDrop::new(locked);
        self.step();
        let mut found = self.take(&locked, i);
        let is_wasted = found.is_some();
        if !is_wasted {
            self.seal(&locked, i);
            self.step();
            let own = State::new(Kind::Open, Pool::Small).owned(self.owner);
            if mutant(Mutant::OpenStateFirst) {
                self.world.change_state(segment, own, own.of_lane(i));
                self.step();
            }
            locked.set_open(Some(segment));
            self.step();
            self.world.change_state(segment, own, own.of_lane(i));
            self.step();
            found = self.take(&locked, i);
        }
        drop(ManuallyDrop::into_inner(locked));
        if is_wasted {
            self.release(segment);
        }
        found
    }

    // ---- evict/survey.rs

    /// `acquire` and `survey`: a free segment, or one that was reclaimed.
    pub fn acquire(&self) -> Option<u64> {
        if let Some(segment) = self.open_free(Kind::Open) {
            return Some(segment);
        }
        self.world.numbers().for_each(|segment| self.evict(segment));
        self.open_free(Kind::Open)
    }

    /// `open_free`.
    pub fn open_free(&self, kind: Kind) -> Option<u64> {
        let owned = State::new(kind, Pool::Small).owned(self.owner);
        let is_ours = |&segment: &u64| {
            let state = self.world.state(segment);
            state.kind() == Kind::Free && self.world.change_state(segment, state, owned)
        };
        let segment = self.world.numbers().find(is_ours)?;
        self.step();
        let place = &self.world.segments[segment as usize];
        place.used.store(0, Ordering::Relaxed);
        let birth = self.world.births.fetch_add(1, Ordering::AcqRel);
        self.step();
        place.birth.store(birth, Ordering::Release);
        self.step();
        Some(segment)
    }

    /// Its turn has come, whatever it is.
    pub fn evict(&self, segment: u64) {
        let state = self.world.state(segment);
        match state.kind() {
            Kind::Limbo if !self.world.is_busy(segment) => {
                self.world.change_state(segment, state, state.to(Kind::Free));
            }
            Kind::Sealed | Kind::Draining => self.reclaim(segment, state),
            Kind::Large => {
                let birth = self.world.birth(segment).load(Ordering::Acquire);
                self.release_extent(segment, birth);
            }
            _ => {}
        }
    }

    /// `release`. What is born is unborn once.
    pub fn release(&self, segment: u64) {
        let state = self.world.state(segment);
        assert_eq!(state.owner(), self.owner, "released by another than its owner");
        let birth = self.world.birth(segment).load(Ordering::Relaxed);
        recycle(self.world.birth(segment));
        self.step();
        announce_drain();
        if self.world.is_busy(segment) {
            self.world.change_state(segment, state, state.to(Kind::Limbo).owned(birth));
        } else {
            let freed = self.world.change_state(segment, state, state.to(Kind::Free));
            assert!(freed, "released twice");
        }
    }

    // ---- evict/limit.rs

    /// `withhold_free`, of one segment; given back, its words are zeros.
    pub fn withhold(&self, segment: u64) {
        let state = self.world.state(segment);
        let is_left = state.kind() == Kind::Withheld && state.owner() == 0 && state.note() != 0;
        let done = State::new(Kind::Withheld, Pool::Small);
        let own = done.noting(1).owned(self.owner);
        let own = if mutant(Mutant::WithheldUnowned) { done } else { own };
        let is_free = state.kind() == Kind::Free;
        if !(is_left || is_free) || !self.world.change_state(segment, state, own) {
            return;
        }
        self.step();
        for word in &self.world.segments[segment as usize].words {
            word.store(0, Ordering::Relaxed);
        }
        self.step();
        self.world.change_state(segment, own, done);
    }

    /// `take_back`, of one segment.
    pub fn take_back(&self, segment: u64) {
        let state = self.world.state(segment);
        let own = state.noting(1).owned(self.owner);
        let is_taken = state.owner() != 0 && !mutant(Mutant::TakenFromOwner);
        if state.kind() != Kind::Withheld
            || is_taken
            || !self.world.change_state(segment, state, own)
        {
            return;
        }
        self.step();
        self.world.change_state(segment, own, State::new(Kind::Free, Pool::Small));
    }

    // ---- evict/drain.rs

    /// `reclaim`: a drain in two steps, of which whoever passes by may do the second.
    pub fn reclaim(&self, segment: u64, state: State) {
        let world = self.world;
        if state.is_paused() && state.is_extent() {
            if world.change_state(segment, state, state.owned(self.owner)) {
                self.release(segment);
            }
            return;
        }
        let ready =
            state.is_paused() || state.kind() == Kind::Sealed && !self.world.is_busy(segment);
        let paused = state.to(Kind::Draining).noting(1);
        // Of one who was killed before he looked, or while he was at it.
        let unchecked =
            !state.is_paused() || state.is_unchecked() && !mutant(Mutant::PausedWithoutWriters);
        let taken = if unchecked { paused.unchecked() } else { paused }.owned(self.owner);
        let unclaimed = state.is_paused() && mutant(Mutant::PausedUnclaimed);
        if !ready || !unclaimed && !world.change_state(segment, state, taken) {
            return;
        }
        self.step();
        announce_drain();
        let looks = unchecked && !mutant(Mutant::DrainWithoutWriters);
        if looks && world.seats.iter().any(|seat| seat.writes(segment)) {
            world.change_state(segment, taken, state);
            return;
        }
        let place = &world.segments[segment as usize];
        let birth = place.birth.load(Ordering::Acquire);
        for at in 0..place.used.load(Ordering::Acquire).min(WORDS) {
            let word = place.words[at as usize].load(Ordering::Relaxed);
            // Without a birth it was drained before, by somebody who was killed as he gave it back.
            assert!(birth == 0 || word == birth, "what is used cannot be walked");
        }
        world.given(segment).drained = true;
        self.step();
        self.release(segment);
    }

    // ---- evict/extent.rs

    /// `release_extent`.
    pub fn release_extent(&self, segment: u64, birth: u64) {
        let state = self.world.state(segment);
        let taken = state.to(Kind::Draining).as_extent().owned(self.owner);
        if state.kind() != Kind::Large || !self.world.change_state(segment, state, taken) {
            return;
        }
        self.step();
        let born = self.world.birth(segment).load(Ordering::Acquire);
        if born == birth || mutant(Mutant::ExtentOfAnyBirth) {
            assert_eq!(born, birth, "another value's extent was given back");
            self.release(segment);
        } else {
            self.world.change_state(segment, taken, state);
        }
    }

    // ---- reap.rs

    /// `give_back`, of the seat of whoever was killed.
    pub fn reap(&self, dead: usize) {
        let world = self.world;
        let Some((taken, _)) = world.seats[dead].taker() else { return };
        let owner = owner_id(dead, taken);
        if mutant(Mutant::ReapSeatFirst) {
            world.seats[dead].give_back(taken);
            self.step();
        }
        world.lanes.iter().for_each(|lane| lane.reap(owner));
        self.step();
        for segment in world.numbers() {
            let state = world.state(segment);
            let in_lane = (0..2).any(|lane| state.is_open_in(lane));
            if mutant(Mutant::ReapSealsLanes) && in_lane {
                world.change_state(segment, state, state.to(Kind::Sealed));
            } else if state.owner() == owner
                && let Some(next) = self.inherited(segment, state)
            {
                self.step();
                if mutant(Mutant::ReapBlindly) {
                    let word = &world.segments[segment as usize].state;
                    word.store(next.0, Ordering::Release);
                }
                world.change_state(segment, state, next);
            }
            self.step();
        }
        world.seats[dead].give_back(taken);
    }

    /// `inherited`.
    pub fn inherited(&self, segment: u64, state: State) -> Option<State> {
        let is_unborn = self.world.birth(segment).load(Ordering::Acquire) == 0;
        Some(match state.kind() {
            Kind::Open | Kind::Filling if is_unborn => state.to(Kind::Limbo).owned(state.owner()),
            Kind::Open => state.to(Kind::Sealed),
            Kind::Filling => state.to(Kind::Large),
            Kind::Draining | Kind::Withheld => state.owned(0),
            _ => return None,
        })
    }
}
