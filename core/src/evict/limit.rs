//! Moving the memory limit while the cache is in use.
//!
//! The limit is a word of the arena. Segments beyond a lowered one are WITHHELD: taken out of use as free ones are taken
//! into it, by one exchange of their states, and their memory is the system's. Those that a raised limit allows are given
//! back, and when there are no more, segments that were never used yet. Whoever is killed on the way leaves the limit and
//! whole segments: the next to move the limit goes on, and so does every writer who needs a segment.

use crate::Error;
use crate::evict::Origin;
use crate::memory::segment::{Kind, Pool, State};
use crate::reap;
use crate::seat::Op;
use crate::sync::Ordering;
use std::cmp::Ordering::{Equal, Greater, Less};

impl Op<'_> {
    /// The least and the most that the memory limit can be moved to.
    pub fn memory_limits(&self) -> (u64, u64) {
        let (arena, geometry) = (self.arena, self.arena.geometry());
        // A small cache is made with less.
        let least = geometry.limit_min(self.count_of(Kind::Index)).min(arena.limit());
        (least, geometry.words * 8)
    }

    /// Moves the memory limit, and answers it.
    pub fn set_memory_limit(&self, bytes: u64) -> Result<u64, Error> {
        let arena = self.arena;
        reap::reap(arena);
        let bytes = bytes & !4095;
        let (least, most) = self.memory_limits();
        if !(least..=most).contains(&bytes) {
            return Err(Error::InvalidOptions(format!(
                "the memory limit cannot be moved to {bytes} bytes: it can be from {least} (the tables and the index, as far \
                 as it has grown, and room for the largest item) to {most} (memory_max, which is set when \
                 the cache is made)"
            )));
        }
        let limit = &arena.superblock().limit.0;
        // Release, here and below: whoever sees the limit sees what was done before under another.
        limit.bytes.store(bytes, Ordering::Release);
        match self.comply() {
            Ok(reached) => {
                limit.reached.store(reached, Ordering::Release);
                Ok(arena.limit())
            }
            Err(error) => {
                // Not what was there before: that may be what another is about to fail at. Unless somebody else has moved
                // it since.
                let reached = limit.reached.load(Ordering::Acquire);
                let (done, failed) = (Ordering::AcqRel, Ordering::Relaxed);
                let _ = limit.bytes.compare_exchange(bytes, reached, done, failed);
                // What fails here, fails for the one reason that is told already.
                let _ = self.comply();
                Err(error)
            }
        }
    }

    /// Takes as many segments into use, or out of it, as the limit says, and answers the limit.
    fn comply(&self) -> Result<u64, Error> {
        loop {
            let limit = self.arena.limit();
            let (allowed, used) = (self.arena.geometry().allowance(limit), self.count_used());
            match used.cmp(&allowed) {
                Less if self.take_back(allowed - used)? => {}
                // What is missing is just being taken back by others, who may be stopped.
                Less | Equal => return Ok(limit),
                Greater if self.withhold_free(used - allowed) => {}
                Greater => self.withhold_another()?,
            }
        }
    }

    /// Does a writer's share of what whoever lowers the limit, or was killed at it, has to do.
    pub(super) fn comply_in_passing(&self) {
        let (arena, withheld) = (self.arena, &self.arena.superblock().limit.0.withheld);
        // Relaxed: a hint, put right by who counts.
        let about = arena.reach().saturating_sub(withheld.load(Ordering::Relaxed));
        if about > arena.allowance() && self.count_used() > arena.allowance() {
            self.withhold_free(1);
        }
    }

    /// Segments that are not withheld.
    fn count_used(&self) -> u64 {
        let (reach, withheld) = (self.arena.reach(), self.count_of(Kind::Withheld));
        // Relaxed: a hint.
        self.arena.superblock().limit.0.withheld.store(withheld, Ordering::Relaxed);
        reach.saturating_sub(withheld)
    }

    fn count_of(&self, kind: Kind) -> u64 {
        (0..self.arena.reach()).filter(|&s| self.arena.state(s).kind() == kind).count() as u64
    }

    /// Withholds up to `count` free segments, but not those that are kept in reserve, and what was left by those who were
    /// killed at it. Was there one?
    fn withhold_free(&self, count: u64) -> bool {
        let arena = self.arena;
        let count = count.min(self.count_of(Kind::Free).saturating_sub(self.reserve_segments()));
        let mut done = 0;
        for segment in 0..arena.reach() {
            let state = arena.state(segment);
            let is_left = state.kind() == Kind::Withheld && state.owner() == 0 && state.note() != 0;
            let own = State::new(Kind::Withheld, Pool::Small).noting(1).owned(self.owner);
            if (is_left || state.kind() == Kind::Free && done < count)
                && arena.change_state(segment, state, own)
            {
                done += u64::from(!is_left);
                self.withhold(segment, own);
            }
        }
        // Relaxed, both: hints.
        let superblock = arena.superblock();
        let free = superblock.free.0.load(Ordering::Relaxed).saturating_sub(done);
        superblock.free.0.store(free, Ordering::Relaxed);
        superblock.limit.0.withheld.fetch_add(done, Ordering::Relaxed);
        done > 0
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
        self.withhold(segment, self.arena.state(segment));
        Ok(())
    }

    /// Gives back the memory of a segment that this operation has.
    fn withhold(&self, segment: u64, own: State) {
        self.arena.give_back(segment);
        self.arena.change_state(segment, own, State::new(Kind::Withheld, Pool::Small));
    }

    /// Takes up to `count` segments into use. Were there any?
    fn take_back(&self, count: u64) -> Result<bool, Error> {
        let arena = self.arena;
        let (limit, free) = (&arena.superblock().limit.0, &arena.superblock().free.0);
        let reach = arena.reach();
        let mut taken = 0;
        for segment in 0..reach {
            let state = arena.state(segment);
            let own = state.noting(1).owned(self.owner);
            if taken == count
                || state.kind() != Kind::Withheld
                || state.owner() != 0
                || !arena.change_state(segment, state, own)
            {
                continue;
            }
            if let Err(error) = arena.reserve(segment, 1) {
                self.withhold(segment, own);
                return Err(error);
            }
            arena.change_state(segment, own, State::new(Kind::Free, Pool::Small));
            // Relaxed: a hint.
            free.fetch_add(1, Ordering::Relaxed);
            taken += 1;
        }
        let more = (count - taken).min(arena.geometry().segments - reach);
        if more > 0 {
            arena.reserve(reach, more)?;
            // AcqRel: who sees it sees that the memory is reserved.
            limit.reach.fetch_max(reach + more, Ordering::AcqRel);
            // Relaxed: a hint.
            free.fetch_add(more, Ordering::Relaxed);
        }
        Ok(taken + more > 0)
    }
}
