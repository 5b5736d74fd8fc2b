//! Which seat of an arena the running thread has. A thread keeps its seat until it ends; when every seat is
//! kept, the last few serve all other threads, one operation at a time.

use crate::hazard::{Hazard, Seat};
use crate::memory::Arena;
use crate::stats::Counter;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

/// Seats that no thread keeps.
const SHARED: usize = 4;

/// An operation under way: the arena, and the running thread's seat in it.
#[derive(Debug)]
pub(crate) struct Op<'a> {
    pub arena: &'a Arena,
    pub seat: &'a Seat,
    /// The owner id in every word this operation claims: never 0.
    pub owner: u64,
    lent: bool,
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
}

impl Drop for Op<'_> {
    fn drop(&mut self) {
        if self.lent {
            self.seat.give_back();
        }
    }
}

/// The seats that this thread keeps, given back when it ends.
struct Kept(RefCell<Vec<(Weak<Arena>, u64, usize)>>);

impl Drop for Kept {
    fn drop(&mut self) {
        // What the thread still does in later destructors is done on borrowed seats.
        LAST.set((0, 0));
        for (arena, _, seat) in self.0.borrow_mut().drain(..) {
            if let Some(arena) = arena.upgrade() {
                arena.seats()[seat].give_back();
            }
        }
    }
}

thread_local! {
    static KEPT: Kept = const { Kept(RefCell::new(Vec::new())) };
    /// The arena used last, and the seat in it: nearly every operation's answer.
    static LAST: Cell<(u64, usize)> = const { Cell::new((0, 0)) };
}

/// Begins an operation of the running thread.
#[inline(always)]
pub(crate) fn begin(arena: &Arc<Arena>) -> Op<'_> {
    let (id, i) = LAST.get();
    if id == arena.id {
        return Op { arena, seat: &arena.seats()[i], owner: i as u64 + 1, lent: false };
    }
    find(arena)
}

/// Counts without an operation.
#[inline(always)]
pub(crate) fn count(arena: &Arc<Arena>, counter: Counter) {
    let (id, i) = LAST.get();
    match id == arena.id {
        true => arena.seats()[i].count(counter as usize, 1),
        false => find(arena).count(counter),
    }
}

#[cold]
fn find(arena: &Arc<Arena>) -> Op<'_> {
    let kept = KEPT.try_with(|kept| {
        let mut kept = kept.0.borrow_mut();
        if let Some(&(_, _, i)) = kept.iter().find(|(_, id, _)| *id == arena.id) {
            return Some(i);
        }
        let all = arena.seats();
        let i = all[..all.len() - SHARED].iter().position(|seat| seat.take(owner()))?;
        kept.retain(|(arena, _, _)| arena.strong_count() > 0);
        kept.push((Arc::downgrade(arena), arena.id, i));
        Some(i)
    });
    // No seat to keep, or the thread is ending and keeps nothing any more.
    let Ok(Some(i)) = kept else {
        return borrow(arena);
    };
    LAST.set((arena.id, i));
    Op { arena, seat: &arena.seats()[i], owner: i as u64 + 1, lent: false }
}

/// Who takes a seat: this process.
fn owner() -> u64 {
    u64::from(std::process::id())
}

/// A seat for one operation. It is lent for as long as one takes: a moment.
fn borrow(arena: &Arc<Arena>) -> Op<'_> {
    let all = arena.seats();
    loop {
        for (i, seat) in all.iter().enumerate().rev() {
            // An arena of this process alone: another's name in a seat that no thread keeps is that of a process which
            // this one was forked from in the middle of an operation, or damage.
            let is_shared = i >= all.len() - SHARED;
            if seat.take(owner()) || is_shared && seat.take_over(owner()) {
                return Op { arena, seat, owner: i as u64 + 1, lent: true };
            }
        }
        std::thread::yield_now();
    }
}
