//! What dead processes held is given back, by whoever passes by.
//!
//! Each thing that can be held names the seat that holds it, and the seat its process, each with a generation. So a reaper
//! changes each word from what the dead had written to what anybody can go on with, by one compare-and-swap; two
//! reapers at once, or one that is killed, do no harm.

use crate::clock::milliseconds;
use crate::hazard::{cell_owner, owner_id, unguard_all};
use crate::memory::segment::{Kind, Lane, State};
use crate::memory::{Arena, ProcessId};
use crate::sync::Ordering;
use crate::types::Life;
use std::collections::HashMap;

/// So many milliseconds pass before somebody looks again on his own.
const PAUSE: u64 = 250;

/// Looks, unless somebody has done so just now.
pub(crate) fn reap_now_and_then(arena: &Arena) {
    let word = &arena.superblock().health.0.reaped;
    let now = milliseconds();
    // Relaxed: a hint.
    let last = word.load(Ordering::Relaxed);
    if now.wrapping_sub(last) >= PAUSE
        && word.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    {
        if arena.region().is_shared() {
            arena.poison_if_damaged();
        }
        // One process in sixteen is looked at closely each time: that takes some ten microseconds.
        let turn = (now / PAUSE) as usize % CLOSELY;
        collect(arena, |place| place % CLOSELY == turn);
    }
}

/// See above.
const CLOSELY: usize = 16;

/// Gives back what the dead held; how many processes were found dead.
pub(crate) fn reap(arena: &Arena) -> usize {
    if arena.region().is_shared() {
        arena.poison_if_damaged();
    }
    collect(arena, |_| true)
}

fn collect(arena: &Arena, closely: impl Fn(usize) -> bool) -> usize {
    let (mut asker, now) = (arena.asker(), arena.superblock().clock.0.now());
    let mut dead = Vec::new();
    for (place, process) in arena.processes().iter().enumerate() {
        asker.thorough = closely(place);
        if let Some(id) = process.taker(place)
            && process.life(id, now, &asker) == Life::Dead
        {
            dead.push(id);
        }
    }
    // Seats of those, or of a process whose place was freed by a reaper that did not come further.
    let mut orphans = HashMap::new();
    for (i, seat) in arena.seats().iter().enumerate() {
        if let Some((taken, process)) = seat.taker() {
            let id = ProcessId(process);
            if dead.contains(&id) || arena.taker(id.place()) != Some(id) {
                orphans.insert(owner_id(i, taken), (i, taken));
            }
        }
    }
    if !orphans.is_empty() {
        give_back(arena, &orphans);
    }
    for id in &dead {
        unguard_all(arena.cells(), cell_owner(id.0));
        // Last, so that a reaper that is killed before leaves them to be found.
        arena.processes()[id.place()].free(*id);
    }
    dead.len()
}

/// Gives back what these seats held, and then the seats.
fn give_back(arena: &Arena, orphans: &HashMap<u64, (usize, u64)>) {
    for i in 0..Lane::COUNT_MAX {
        orphans.keys().for_each(|&owner| arena.lane(i).reap(owner));
    }
    for segment in 0..arena.reach() {
        let state = arena.state(segment);
        if orphans.contains_key(&state.owner())
            && let Some(next) = inherited(arena, segment, state)
        {
            arena.change_state(segment, state, next);
        }
    }
    for &(i, taken) in orphans.values() {
        if arena.seats()[i].give_back(taken) {
            // Relaxed: a reading.
            arena.superblock().health.0.deaths.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What becomes of a segment whose owner is gone.
fn inherited(arena: &Arena, segment: u64, state: State) -> Option<State> {
    // Marked, because the others in limbo name their birth.
    let limbo = state.to(Kind::Limbo).as_extent().owned(state.owner());
    // Acquire: pairs with the Release of who opened it. Without a birth nothing was ever put there.
    let is_unborn = arena.birth(segment).load(Ordering::Acquire) == 0;
    Some(match state.kind() {
        Kind::Open | Kind::Filling if is_unborn => limbo,
        // No lane had it yet.
        Kind::Open => state.to(Kind::Sealed),
        // If no item lists it, the evictor finds that out.
        Kind::Filling => state.to(Kind::Large),
        // Whoever comes next goes on with it.
        Kind::Draining => state.owned(0),
        // Its memory may be there or not: the note says so.
        Kind::Withheld => state.owned(0),
        Kind::Index => {
            let chunks = 0..arena.geometry().segments;
            let listed = |chunk| arena.directory(chunk).load(Ordering::Acquire) == segment + 1;
            // Without an owner it is part of the index.
            if chunks.into_iter().any(listed) { state.owned(0) } else { limbo }
        }
        Kind::Free | Kind::Sealed | Kind::Limbo | Kind::Large => return None,
    })
}
