//! Which seat of an arena the running thread has. A thread keeps its seat until it ends; when every seat is
//! kept, the last few serve all other threads, one operation at a time.

use crate::error::Error;
use crate::hazard::{Hazard, Seat, cell_owner, owner_id};
use crate::memory::{Arena, ProcessId, era};
use crate::reap;
use crate::stats::Counter;
use crate::sync::Ordering;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Seats that no thread keeps.
const SHARED: usize = 4;
/// So long a thread waits for one of those, in a shared arena: those who have one may be stopped.
const LONG: Duration = Duration::from_millis(100);
/// And so long in a private one, where only threads of this process can have one, which run again some time.
const LONGER: Duration = Duration::from_secs(1);
/// While somebody has waited in vain, and nobody got one since.
const SHORT: Duration = Duration::from_micros(100);

/// An operation under way: the arena, and the running thread's seat in it.
#[derive(Debug)]
pub(crate) struct Op<'a> {
    pub arena: &'a Arena,
    pub seat: &'a Seat,
    /// The owner id in every word this operation claims. 0: it may claim nothing and change nothing, and its seat is in
    /// no arena.
    pub owner: u64,
    /// How a seat was taken that is to be given back at the end; else 0.
    lent: u64,
}

impl Op<'_> {
    #[inline(always)]
    pub fn count(&self, counter: Counter) {
        self.seat.count(counter as usize, 1);
    }
    #[inline(always)]
    pub fn add(&self, counter: Counter, by: u64) {
        self.seat.count(counter as usize, by);
    }
    pub fn clear(&self, hazard: Hazard) {
        crate::hazard::clear(self.seat.hazard(hazard));
    }
    /// Does it only look?
    #[inline(always)]
    pub fn is_spectator(&self) -> bool {
        self.owner == 0
    }
    /// The owner of the guards that it takes: they outlive it, and perhaps its thread.
    pub fn guard_owner(&self) -> u64 {
        self.seat.taker().map_or(0, |(_, process)| cell_owner(process))
    }
}

impl Drop for Op<'_> {
    fn drop(&mut self) {
        if self.lent != 0 {
            self.seat.give_back(self.lent);
        }
    }
}

/// A seat that a thread keeps.
#[derive(Clone, Copy, Default)]
struct Place {
    arena: u64,
    /// In which process: a forked child finds its parent's seats here, and does not use them.
    era: u64,
    seat: usize,
    /// The seat's word when it was taken.
    taken: u64,
}

/// The seats that this thread keeps, given back when it ends.
struct Kept(RefCell<Vec<(Weak<Arena>, Place)>>);

impl Drop for Kept {
    fn drop(&mut self) {
        // What the thread still does in later destructors is done on borrowed seats.
        LAST.set(Place::default());
        for (arena, place) in self.0.borrow_mut().drain(..) {
            if let Some(arena) = arena.upgrade()
                && era(arena.era) == place.era
            {
                arena.seats()[place.seat].give_back(place.taken);
            }
        }
    }
}

thread_local! {
    static KEPT: Kept = const { Kept(RefCell::new(Vec::new())) };
    /// The seat used last: nearly every operation's answer.
    static LAST: Cell<Place> = const { Cell::new(Place { arena: 0, era: 0, seat: 0, taken: 0 }) };
}

/// The seat that this thread used last, if it is one of this arena's, and still its own.
#[inline(always)]
fn last(arena: &Arena) -> Option<(Place, &Seat)> {
    let place = LAST.get();
    // Relaxed: a word of this process alone.
    if place.arena != arena.id || place.era != arena.era.load(Ordering::Relaxed) {
        return None;
    }
    Some((place, &arena.seats()[place.seat]))
}

/// Begins an operation of the running thread. An error: the arena cannot be written, or has no place left.
#[inline(always)]
pub(crate) fn begin(arena: &Arc<Arena>) -> Result<Op<'_>, Error> {
    // In parts: an operation that is copied right after it was made is read before it is there.
    let (seat, owner, lent) = match last(arena) {
        // It is not, if this process was taken for dead.
        Some((place, seat)) if seat.is_taken(place.taken) => {
            (seat, owner_id(place.seat, place.taken), 0)
        }
        _ => find(arena)?,
    };
    Ok(Op { arena, seat, owner, lent })
}

/// What an operation needs besides its arena: a seat, its owner id, and how it was taken if it is to be given back.
type Sat<'a> = (&'a Seat, u64, u64);

/// Begins an operation that may do without a seat.
#[inline(always)]
pub(crate) fn look(arena: &Arc<Arena>) -> Op<'_> {
    begin(arena).unwrap_or_else(|_| Op { arena, seat: &arena.spectator, owner: 0, lent: 0 })
}

/// Counts without an operation.
#[inline(always)]
pub(crate) fn count(arena: &Arc<Arena>, counter: Counter) {
    match last(arena) {
        Some((_, seat)) => seat.count(counter as usize, 1),
        None => look(arena).count(counter),
    }
}

#[cold]
fn find(arena: &Arc<Arena>) -> Result<Sat<'_>, Error> {
    if arena.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let process = match arena.join() {
        Some(process) => process,
        None => {
            reap::reap(arena);
            arena.join().ok_or_else(|| full(arena.processes().len(), "processes"))?
        }
    };
    let kept = KEPT.try_with(|kept| {
        let (mut kept, era) = (kept.0.borrow_mut(), era(arena.era));
        let is_ours = |place: &Place| {
            place.arena == arena.id
                && place.era == era
                && arena.seats()[place.seat].is_taken(place.taken)
        };
        if let Some((_, place)) = kept.iter().find(|(_, place)| is_ours(place)) {
            return Some(*place);
        }
        // A thread that begins is a good time to look who has ended.
        reap::reap_now_and_then(arena);
        let all = arena.seats();
        let mut free = all[..all.len() - SHARED].iter().enumerate();
        let (seat, taken) =
            free.find_map(|(i, seat)| seat.take(process.0).map(|taken| (i, taken)))?;
        let place = Place { arena: arena.id, era, seat, taken };
        kept.retain(|(arena, other)| arena.strong_count() > 0 && other.arena != place.arena);
        kept.push((Arc::downgrade(arena), place));
        Some(place)
    });
    // No seat to keep, or the thread is ending and keeps nothing any more.
    let Ok(Some(place)) = kept else {
        return borrow(arena, process);
    };
    LAST.set(place);
    let Place { seat, taken, .. } = place;
    Ok((&arena.seats()[seat], owner_id(seat, taken), 0))
}

fn full(most: usize, of_what: &str) -> Error {
    Error::TooManyThreads(format!(
        "all {most} places for {of_what} in this cache are taken: a larger cache has more, and what ends gives its own back"
    ))
}

/// A seat for one operation. It is lent for as long as one takes: a moment.
fn borrow(arena: &Arc<Arena>, process: ProcessId) -> Result<Sat<'_>, Error> {
    let all = arena.seats();
    // Relaxed, here and below: a hint.
    let patience = match arena.crowded.load(Ordering::Relaxed) {
        0 if arena.region().is_shared() => LONG,
        0 => LONGER,
        _ => SHORT,
    };
    let begun = Instant::now();
    loop {
        for (i, seat) in all.iter().enumerate().rev() {
            if let Some(lent) = seat.take(process.0) {
                arena.crowded.store(0, Ordering::Relaxed);
                return Ok((seat, owner_id(i, lent), lent));
            }
        }
        if begun.elapsed() > patience {
            if arena.crowded.swap(1, Ordering::Relaxed) != 0 {
                return Err(full(all.len(), "threads"));
            }
            // Once more, when those who ended have given back what they had.
            reap::reap(arena);
        }
        std::thread::yield_now();
    }
}
