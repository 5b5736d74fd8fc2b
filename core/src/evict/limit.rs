//! Moving the memory limit while the cache is in use.
//!
//! The limit is a word of the arena. Segments beyond a lowered one are WITHHELD: taken out of use as free ones are taken
//! into it, by one exchange of their states, and their memory is the system's. Those that a raised limit allows are given
//! back, and when there are no more, segments that were never used yet. Whoever is killed on the way leaves the limit and
//! whole segments: the next to move the limit goes on, and so does every writer who needs a segment.

use crate::Error;
use crate::evict::Origin;
use crate::memory::segment::{Kind, Pool, State};
use crate::seat::Op;
use crate::sync::Ordering;
use std::cmp::Ordering::{Equal, Greater, Less};

impl Op<'_> {
    /// Moves the memory limit, and answers it.
    pub fn set_memory_limit(&self, bytes: u64) -> Result<u64, Error> {
        let arena = self.arena;
        let bytes = bytes & !4095;
        // A small cache is made with less.
        let least = arena.geometry().limit_min(self.index_segments()).min(arena.limit());
        let most = arena.geometry().words * 8;
        if !(least..=most).contains(&bytes) {
            return Err(Error::InvalidOptions(format!(
                "the memory limit cannot be moved to {bytes} bytes: it can be from {least} (the tables and the index, as far \
                 as it has grown, and room for the largest item) to {most} (memory_max, which is set when \
                 the cache is made)"
            )));
        }
        let word = &arena.superblock().limit.0.bytes;
        // AcqRel, here and below: whoever sees the limit sees what was done before under another.
        let before = word.swap(bytes, Ordering::AcqRel);
        self.comply().inspect_err(|_| {
            // As it was; unless somebody else has moved it since.
            let _ = word.compare_exchange(bytes, before, Ordering::AcqRel, Ordering::Relaxed);
            // What fails here, fails for the one reason that is told already.
            let _ = self.comply();
        })?;
        Ok(arena.limit())
    }

    /// Takes as many segments into use, or out of it, as the limit says.
    fn comply(&self) -> Result<(), Error> {
        loop {
            let (allowed, used) = (self.arena.allowance(), self.in_use());
            match used.cmp(&allowed) {
                Equal => return Ok(()),
                Less => self.take_back(allowed - used)?,
                Greater if self.withhold_free(used - allowed) > 0 => {}
                Greater => self.withhold_another()?,
            }
        }
    }

    /// Segments that are not withheld.
    fn in_use(&self) -> u64 {
        (0..self.arena.reach()).filter(|&s| self.arena.state(s).kind() != Kind::Withheld).count()
            as u64
    }

    fn index_segments(&self) -> u64 {
        (0..self.arena.reach()).filter(|&s| self.arena.state(s).kind() == Kind::Index).count()
            as u64
    }

    /// Are there more segments in use than the limit allows, about?
    pub(super) fn is_over_limit(&self) -> bool {
        // Relaxed: a hint, put right by every survey.
        let withheld = self.arena.superblock().limit.0.withheld.load(Ordering::Relaxed);
        self.arena.reach().saturating_sub(withheld) > self.arena.allowance()
    }

    /// Withholds up to `count` segments that are free, or whose withholder was killed; how many of them were in use.
    pub(super) fn withhold_free(&self, count: u64) -> u64 {
        let arena = self.arena;
        let mut done = 0;
        for segment in 0..arena.reach() {
            let state = arena.state(segment);
            let is_left = state.kind() == Kind::Withheld && state.owner() == 0 && state.note() != 0;
            if is_left || state.kind() == Kind::Free && done < count {
                let own = State::new(Kind::Withheld, Pool::Small).noting(1).owned(self.owner);
                if arena.change_state(segment, state, own) {
                    done += u64::from(!is_left);
                    self.withhold(segment, own, !is_left);
                }
            }
        }
        // Relaxed: a hint.
        let free = &arena.superblock().free.0;
        free.store(free.load(Ordering::Relaxed).saturating_sub(done), Ordering::Relaxed);
        done
    }

    /// Makes a segment free and withholds it.
    fn withhold_another(&self) -> Result<(), Error> {
        let segment = self.acquire(Kind::Withheld, Pool::Small, Origin::New).map_err(|_| {
            Error::InvalidOptions(
                "the memory limit stays as it was: what is pinned, or may not be evicted, takes more; give up pins, or \
                 delete items"
                    .into(),
            )
        })?;
        self.withhold(segment, self.arena.state(segment), true);
        Ok(())
    }

    /// Gives back the memory of a segment that this operation has.
    fn withhold(&self, segment: u64, own: State, is_new: bool) {
        let arena = self.arena;
        arena.give_back(segment);
        arena.change_state(segment, own, State::new(Kind::Withheld, Pool::Small));
        // Relaxed: a hint.
        arena.superblock().limit.0.withheld.fetch_add(u64::from(is_new), Ordering::Relaxed);
    }

    /// Takes up to `count` segments into use.
    fn take_back(&self, mut count: u64) -> Result<(), Error> {
        let arena = self.arena;
        let (limit, free) = (&arena.superblock().limit.0, &arena.superblock().free.0);
        let reach = arena.reach();
        for segment in 0..reach {
            let state = arena.state(segment);
            if state.kind() != Kind::Withheld || state.owner() != 0 || count == 0 {
                continue;
            }
            let own = state.noting(1).owned(self.owner);
            if !arena.change_state(segment, state, own) {
                continue;
            }
            if let Err(error) = arena.reserve(segment, 1) {
                self.withhold(segment, own, false);
                return Err(error);
            }
            arena.change_state(segment, own, State::new(Kind::Free, Pool::Small));
            // Relaxed, here and below: hints.
            free.fetch_add(1, Ordering::Relaxed);
            let _ = limit
                .withheld
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            count -= 1;
        }
        let more = count.min(arena.geometry().segments - reach);
        if more > 0 {
            arena.reserve(reach, more)?;
            // AcqRel: who sees it sees that the memory is reserved. A failure: somebody else was faster.
            let extended = limit.reach.compare_exchange(
                reach,
                reach + more,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if extended.is_ok() {
                free.fetch_add(more, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
