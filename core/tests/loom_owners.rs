//! Models of what is named after its owner: seats, lanes, segments and extents, whose owners are killed between any two
//! steps while reapers give back what they held; each with mutants that must be caught.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p nearcache --release --test loom_owners`
#![cfg(loom)]

use loom::sync::atomic::{AtomicU64, Ordering};
use nearcache::model::*;
// Not loom's: one that is dropped as a failing model unwinds would end the process.
use std::sync::Arc;

#[path = "support/models.rs"]
mod models;
use models::{killed, proves, proves_killed};

#[path = "support/owners.rs"]
mod owners;
use owners::{FOREVER, Op, WORDS, World};

// ---- seats that change hands against the evictor ----------------------------------------------------------

/// A slot, the seat of whoever may read what it points to, and that: segment 0.
struct Held {
    word: AtomicU64,
    seat: Seat,
    data: loom::cell::UnsafeCell<u64>,
}
// SAFETY: the protocol under test is what keeps accesses to `data` apart; loom reports when it does not.
unsafe impl Sync for Held {}
// SAFETY: as above.
unsafe impl Send for Held {}

impl Held {
    /// The seat was taken by process 1, whose thread was killed as it read.
    fn new() -> (Arc<Held>, u64) {
        let held = Held {
            word: AtomicU64::new(7),
            seat: Seat::spectator(),
            data: loom::cell::UnsafeCell::new(7),
        };
        let taken = held.seat.take(1).unwrap();
        assert!(protect(held.seat.hazard(Hazard::Read), 0, &held.word, 7));
        (Arc::new(held), taken)
    }

    /// Empties the slot and changes what it pointed to, unless somebody may still read that.
    fn evict(&self) -> bool {
        if self.word.compare_exchange(7, 0, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return false;
        }
        announce_drain();
        if self.seat.protects(0) {
            return false;
        }
        // SAFETY: no hazard, so nobody reads; that is what is tested.
        self.data.with_mut(|data| unsafe { *data = 8 });
        self.word.store(8, Ordering::Release);
        true
    }

    /// Reads as an operation on a lent seat does.
    fn read(&self, process: u64) {
        let Some(taken) = self.seat.take(process) else { return };
        let seen = self.word.load(Ordering::Acquire);
        let hazard = self.seat.hazard(Hazard::Read);
        if seen != 0 && protect(hazard, 0, &self.word, seen) {
            // SAFETY: held by the hazard; that is what is tested.
            let data = self.data.with(|data| unsafe { *data });
            assert_eq!(data, seen, "the data of another birth");
        }
        if seen != 0 {
            clear(hazard);
        }
        self.seat.give_back(taken);
    }
}

/// Readers take a dead one's seat while the evictor looks at it.
fn seat_model(readers: u64) {
    let (held, taken) = Held::new();
    let mut others = Vec::new();
    let other = held.clone();
    others.push(loom::thread::spawn(move || {
        other.evict();
    }));
    for process in 2..=readers {
        let other = held.clone();
        others.push(loom::thread::spawn(move || other.read(process)));
    }
    held.seat.give_back(taken);
    held.read(9);
    others.into_iter().for_each(|other| other.join().unwrap());
    // Nobody is there: nothing is held.
    assert!(!held.seat.protects(0) && !held.seat.writes(0), "held for ever");
}

#[test]
fn a_hazard_in_a_seat_that_was_just_taken() {
    let mutants = [
        Mutant::HazardWithoutFence,
        Mutant::HazardWithoutRecheck,
        Mutant::EvictWithoutFence,
        Mutant::GiveBackWithoutRelease,
    ];
    proves(2, || seat_model(1), &mutants);
    proves(2, || seat_model(2), &[Mutant::ClearBeforeTake]);
}

/// What a killed thread held is held until its seat is given back, and by nobody after.
fn killed_reader_model(taken_again: bool) {
    let (held, taken) = Held::new();
    held.seat.hazard(Hazard::Write).store(1, Ordering::Release);
    assert!(held.seat.protects(0) && held.seat.writes(0));
    let other = held.clone();
    let reaper = loom::thread::spawn(move || other.seat.give_back(taken));
    held.seat.give_back(taken);
    if taken_again {
        held.seat.take(2).unwrap();
    }
    reaper.join().unwrap();
    assert!(!held.seat.protects(0) && !held.seat.writes(0), "held for ever");
    assert!(held.evict());
}

#[test]
fn hazards_of_the_dead_hold_nothing() {
    proves(3, || killed_reader_model(false), &[Mutant::HazardsOfFreeSeats]);
    proves(3, || killed_reader_model(true), &[Mutant::TakeWithoutClear]);
}

// ---- a seat that is reaped while its owner lives ------------------------------------------------------------

/// Two reapers take a living process for dead; it gives its seat back itself and takes one anew, in the same name,
/// because a reaper frees a process's place last. Whoever has the seat has it alone: the counter loses nothing.
fn reaped_alive_model() {
    let seat = Arc::new(Seat::spectator());
    let taken = seat.take(1).unwrap();
    let work = |process: u64| {
        let Some(taken) = seat.take(process) else { return 0 };
        seat.count(0, 1);
        assert!(seat.is_taken(taken), "taken away");
        seat.give_back(taken);
        1
    };
    let late = || {
        let seat = seat.clone();
        loom::thread::spawn(move || {
            if seat.taker() == Some((taken, 1)) {
                seat.give_back(taken);
            }
        })
    };
    let reapers = [late(), late()];
    seat.count(0, 1);
    seat.give_back(taken);
    let done = 1 + work(1) + work(3);
    reapers.into_iter().for_each(|reaper| reaper.join().unwrap());
    assert_eq!(seat.counters[0].load(Ordering::Relaxed), done, "a count was lost");
    assert!(seat.taker().is_none() && !seat.is_taken(taken));
}

/// Two who want the same seat, one after the other: what the first has counted is seen by the second.
fn counters_model() {
    let seat = Arc::new(Seat::spectator());
    let work = |seat: &Seat, process: u64| {
        let Some(taken) = seat.take(process) else { return 0 };
        seat.count(0, 1);
        seat.give_back(taken);
        1
    };
    let others = [2, 3].map(|process| {
        let seat = seat.clone();
        loom::thread::spawn(move || work(&seat, process))
    });
    let done = work(&seat, 1) + others.map(|other| other.join().unwrap()).iter().sum::<u64>();
    assert_eq!(seat.counters[0].load(Ordering::Relaxed), done, "a count was lost");
}

#[test]
fn a_seat_is_given_back_by_its_own_word() {
    let mutants = [Mutant::TakeWithoutGeneration, Mutant::GiveBackBlindly];
    proves(3, reaped_alive_model, &mutants);
    proves(3, counters_model, &[Mutant::GiveBackWithoutRelease]);
}

// ---- whoever holds a lane is killed ---------------------------------------------------------------------------

/// Nobody is at work any more, and the dead were reaped: nothing is held, and everything can be had again.
fn all_is_well(world: &World, dead: &[usize]) {
    let op = world.op(1, FOREVER);
    dead.iter().for_each(|&dead| op.reap(dead));
    for (lane, i) in world.lanes.iter().zip(0..) {
        assert!(lane.holder().is_none(), "locked for ever");
        for segment in world.numbers() {
            let is_its = world.state(segment).is_open_in(i);
            assert!(!is_its || lane.fills() == Some(segment), "open in a lane that does not know");
        }
    }
    op.seal_lanes();
    for _ in 0..2 {
        world.numbers().for_each(|segment| op.evict(segment));
    }
    for segment in world.numbers() {
        assert_eq!(world.state(segment).kind(), Kind::Free, "held for ever");
    }
}

/// A store in lane 0, whose segment has so many words left, that is killed after so many steps; `None`: it was not.
fn killed_in_lane(left: u64, fuel: u32) -> Option<Arc<World>> {
    let world = World::new(2);
    let op = world.op(1, FOREVER);
    (left..WORDS).for_each(|_| op.store(0));
    killed(|| world.op(0, fuel).store(0)).then_some(world)
}

/// A reaper, who then uses the lane, meets another who needs a segment, which has to be evicted.
fn lane_model(left: u64, fuel: u32) -> bool {
    let Some(world) = killed_in_lane(left, fuel) else { return false };
    let other = world.clone();
    let writer = loom::thread::spawn(move || other.op(2, FOREVER).store(1));
    let op = world.op(1, FOREVER);
    op.reap(0);
    op.store(0);
    writer.join().unwrap();
    all_is_well(&world, &[]);
    true
}

/// Two reapers, of whom one gets no further than so many steps, who then use the lane.
fn reaper_model(reaper_fuel: u32, fuel: u32) -> bool {
    let Some(world) = killed_in_lane(0, fuel) else { return false };
    let other = world.clone();
    let reaper = loom::thread::spawn(move || {
        let op = other.op(2, reaper_fuel);
        killed(|| op.reap(0));
        op.fuel.set(FOREVER);
        op.store(0);
    });
    let op = world.op(1, FOREVER);
    op.reap(0);
    op.store(0);
    reaper.join().unwrap();
    all_is_well(&world, &[0]);
    true
}

/// A reaper comes so late that the seat and the lane of the dead are others' by now.
fn late_reaper_model() {
    let shared = Arc::new((Seat::spectator(), Lane::new(), AtomicU64::new(0)));
    let dead = shared.0.take(1).unwrap();
    std::mem::forget(shared.1.try_lock(owner_id(0, dead)));
    let take =
        |lane: &Lane, used: &AtomicU64, owner: u64| lane.try_lock(owner)?.take(used, 1, 2, |_| ());
    let other = shared.clone();
    let late = loom::thread::spawn(move || {
        let (_, lane, used) = &*other;
        lane.reap(owner_id(0, dead));
        take(lane, used, owner_id(1, 1 << 40))
    });
    let (seat, lane, used) = &*shared;
    lane.reap(owner_id(0, dead));
    seat.give_back(dead);
    let taken = seat.take(1).unwrap();
    let mine = take(lane, used, owner_id(0, taken));
    let theirs = late.join().unwrap();
    assert!(mine.is_none() || mine != theirs, "the same words twice");
}

/// A reaper who is killed, before another comes.
fn killed_reaper_model(reaper_fuel: u32, fuel: u32) -> bool {
    let Some(world) = killed_in_lane(0, fuel) else { return false };
    killed(|| world.op(2, reaper_fuel).reap(0));
    all_is_well(&world, &[0, 2]);
    true
}

/// Somebody uses the other lane while the one is killed who fills this one, and reaped.
fn writers_model(left: u64, fuel: u32) -> bool {
    let world = World::new(2);
    let op = world.op(1, FOREVER);
    (left..WORDS).for_each(|_| op.store(0));
    let other = world.clone();
    let writer = loom::thread::spawn(move || other.op(2, FOREVER).store(1));
    let is_killed = killed(|| world.op(0, fuel).store(0));
    if is_killed {
        op.reap(0);
        op.store(0);
    }
    writer.join().unwrap();
    all_is_well(&world, &[]);
    is_killed
}

#[test]
fn a_lane_whose_holder_is_killed() {
    let mutants = [
        Mutant::OpenBelieved,
        Mutant::OpenInAnyLane,
        Mutant::OpenStateFirst,
        Mutant::SealForgetsFirst,
        Mutant::ReapSealsLanes,
    ];
    proves_killed(2, |fuel| lane_model(0, fuel), &mutants);
    proves_killed(2, |fuel| lane_model(1, fuel), &[Mutant::FillBeforeMark]);
    proves_killed(1, |fuel| writers_model(0, fuel), &[Mutant::OpenBelieved]);
}

#[test]
fn a_reaper_is_killed() {
    proves_killed(1, |fuel| reaper_model(1, fuel), &[]);
    proves_killed(1, |fuel| reaper_model(FOREVER, fuel), &[]);
    proves(3, late_reaper_model, &[Mutant::LaneReapedBlindly, Mutant::TakeWithoutGeneration]);
    proves_killed(1, |fuel| killed_reaper_model(0, fuel), &[Mutant::ReapSeatFirst]);
    proves_killed(1, |fuel| killed_reaper_model(2, fuel), &[]);
}

// ---- whoever drains a segment is killed -------------------------------------------------------------------------

/// An extent of a value, in segment 0: its words are no items.
fn extent(world: &World) -> u64 {
    let op = world.op(1, FOREVER);
    let segment = op.open_free(Kind::Filling).unwrap();
    let place = &world.segments[segment as usize];
    place.words[0].store(u64::MAX, Ordering::Relaxed);
    place.used.store(1, Ordering::Release);
    let state = world.state(segment);
    world.change_state(segment, state, state.to(Kind::Large));
    place.birth.load(Ordering::Acquire)
}

/// A drain, or the giving back of an extent, is killed after so many steps; then two reapers go on with it.
fn drain_model(is_extent: bool, fuel: u32) -> bool {
    let world = World::new(1);
    if is_extent {
        extent(&world);
    } else {
        let op = world.op(1, FOREVER);
        op.store(0);
        op.seal_lanes();
    }
    if !killed(|| world.op(0, fuel).evict(0)) {
        return false;
    }
    let other = world.clone();
    let work = |op: Op<'_>| {
        op.reap(0);
        op.evict(0);
    };
    let reaper = loom::thread::spawn(move || work(other.op(2, FOREVER)));
    work(world.op(1, FOREVER));
    reaper.join().unwrap();
    all_is_well(&world, &[]);
    true
}

#[test]
fn a_drain_that_is_killed_is_taken_up_once() {
    let mutants = [Mutant::PausedUnclaimed, Mutant::ReapBlindly];
    proves_killed(3, |fuel| drain_model(false, fuel), &mutants);
    let mutants = [Mutant::ReapBlindly, Mutant::ExtentUnmarked];
    proves_killed(3, |fuel| drain_model(true, fuel), &mutants);
}

/// An evictor who has seen no writer comes late, and is killed once the segment is his: it was recycled, filled and
/// sealed meanwhile, and somebody is about to publish an item there.
fn late_drain_model(fuel: u32) -> bool {
    let world = World::new(1);
    let op = world.op(1, FOREVER);
    op.store(0);
    op.seal_lanes();
    let other = world.clone();
    let writer = loom::thread::spawn(move || {
        let op = other.op(1, FOREVER);
        if let Some(segment) = op.reserve(0) {
            op.seal_lanes();
            op.publish(segment);
        }
    });
    let is_killed = killed(|| world.op(0, fuel).evict(0));
    let op = world.op(2, FOREVER);
    if is_killed {
        op.reap(0);
        op.evict(0);
    }
    writer.join().unwrap();
    all_is_well(&world, &[]);
    is_killed
}

#[test]
fn a_drain_that_comes_late() {
    let mutants = [Mutant::DrainWithoutWriters, Mutant::PausedWithoutWriters];
    proves_killed(2, late_drain_model, &mutants);
}

/// Whoever gives back the extent of a value that is gone comes late: the segment is another value's.
fn late_release_model(fuel: u32) -> bool {
    let world = World::new(1);
    let birth = extent(&world);
    let other = world.clone();
    let writer = loom::thread::spawn(move || {
        other.op(1, FOREVER).release_extent(0, birth);
        let is_free = other.state(0).kind() == Kind::Free;
        is_free.then(|| extent(&other))
    });
    let is_killed = killed(|| world.op(0, fuel).release_extent(0, birth));
    if is_killed {
        world.op(2, FOREVER).reap(0);
    }
    let born = writer.join().unwrap();
    if let Some(born) = born
        && !is_killed
    {
        assert_eq!(world.birth(0).load(Ordering::Acquire), born, "the other value's is gone");
        assert_eq!(world.state(0).kind(), Kind::Large, "the other value's is held");
    }
    all_is_well(&world, &[]);
    is_killed
}

#[test]
fn an_extent_is_given_back_by_its_birth() {
    proves_killed(2, late_release_model, &[Mutant::ExtentOfAnyBirth]);
}

// ---- whoever moves the memory limit is killed ---------------------------------------------------------------------

/// Segments beyond a lowered limit are withheld, by one who gets no further than so many steps, while another raises the
/// limit again and stores: what he writes stays.
fn limit_model(fuel: u32) -> bool {
    let world = World::new(1);
    let other = world.clone();
    let raiser = loom::thread::spawn(move || {
        let op = other.op(1, FOREVER);
        op.take_back(0);
        op.store(0);
    });
    let is_killed = killed(|| world.op(0, fuel).withhold(0));
    raiser.join().unwrap();
    raised_again(&world, is_killed);
    is_killed
}

/// What a killed one had begun to withhold is withheld by the next, or taken back by one more.
fn left_model(fuel: u32) -> bool {
    let world = World::new(1);
    if !killed(|| world.op(0, fuel).withhold(0)) {
        return false;
    }
    let other = world.clone();
    let next = loom::thread::spawn(move || {
        let op = other.op(2, FOREVER);
        op.reap(0);
        op.withhold(0);
    });
    let op = world.op(1, FOREVER);
    op.reap(0);
    op.take_back(0);
    op.store(0);
    next.join().unwrap();
    raised_again(&world, true);
    true
}

fn raised_again(world: &World, is_killed: bool) {
    let op = world.op(1, FOREVER);
    if is_killed {
        op.reap(0);
    }
    op.take_back(0);
    all_is_well(world, &[]);
}

#[test]
fn a_withheld_segment_has_one_owner() {
    let mutants = [Mutant::WithheldUnowned, Mutant::TakenFromOwner];
    proves_killed(3, limit_model, &mutants);
    proves_killed(3, left_model, &[Mutant::TakenFromOwner]);
}
