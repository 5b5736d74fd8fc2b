//! Reclaiming in passing: every writer drains a few items while a free segment is wanted, so that the one that opens
//! the next segment finds it there, and no single set pays for a whole one.

use crate::evict::drain::Drain;
use crate::evict::survey::Fate;
use crate::expiry::Horizon;
use crate::memory::Geometry;
use crate::memory::segment::Kind;
use crate::seat::Op;
use crate::sync::Ordering;

/// Nothing is wanted. (Any other number is the number + [`VICTIM`] of the segment that is being drained.)
const IDLE: u64 = 0;
/// A segment is wanted, and none is chosen.
const WANTED: u64 = 1;
const VICTIM: u64 = 2;

/// A step drains this many times the words of the item that is being stored, at the least, the more the more of what
/// it meets is kept: the pace keeps up with the writers up to one word freed in thirty.
const PACE: std::ops::RangeInclusive<u64> = 4..=64;
/// The fewest words of a step: sixteen items of 128 bytes.
const STEP: u64 = 256;

/// After so many segments that were drained in vain, one is dropped. At its fastest the pace goes over more than that
/// while one segment is filled, so that the dropped one is there in time.
const PATIENCE: u64 = 24;
/// A step is over long before so many others have passed by.
const STOPPED: u64 = 1024;

impl Op<'_> {
    /// The last free segment but the reserve was taken.
    pub(super) fn want_reclaim(&self) {
        // Relaxed, here and below: hints. Whoever finds no free segment at all looks for itself.
        let word = &self.arena.superblock().reclaim.0[0];
        let _ = word.compare_exchange(IDLE, WANTED, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Does a small share of what is wanted, in proportion to the `words` about to be stored.
    #[inline(always)]
    pub fn reclaim_in_passing(&self, words: u64) {
        if self.arena.superblock().reclaim.0[0].load(Ordering::Relaxed) != IDLE {
            self.step(words);
        }
    }

    #[inline(never)]
    fn step(&self, words: u64) {
        let arena = self.arena;
        let [wanted, pace, _, passed] = &arena.superblock().reclaim.0;
        let seen = wanted.load(Ordering::Relaxed);
        let horizon = self.horizon();
        let paused =
            seen.checked_sub(VICTIM).filter(|&segment| segment < arena.geometry().segments);
        let state = paused.map(|segment| arena.state(segment));
        let victim = match (paused, state) {
            // Somebody is at it; or was stopped there, if so many have passed by.
            (_, Some(state))
                if state.kind() == Kind::Draining
                    && state.owner() != 0
                    && passed.fetch_add(1, Ordering::Relaxed) % STOPPED != STOPPED - 1 =>
            {
                return;
            }
            (Some(segment), Some(state)) if state.is_paused() => Some((segment, Fate::of(state))),
            _ => self.choose_victim(horizon),
        };
        let factor = pace.load(Ordering::Relaxed).clamp(*PACE.start(), *PACE.end());
        let drained = victim.map(|(segment, fate)| {
            (self.reclaim(segment, fate, horizon, (words * factor).max(STEP)), segment)
        });
        match drained {
            Some((Drain::Paused, segment)) => wanted.store(segment + VICTIM, Ordering::Relaxed),
            Some((Drain::Done, _)) => wanted.store(WANTED, Ordering::Relaxed),
            // Somebody else has it, or nothing can be done. Whoever needs a segment asks again.
            _ => {
                let _ = wanted.compare_exchange(seen, IDLE, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
    }

    /// The segment to be drained next, if one is wanted still.
    fn choose_victim(&self, horizon: Horizon) -> Option<(u64, Fate)> {
        let Geometry { evict, policy, .. } = *self.arena.geometry();
        let free = &self.arena.superblock().free.0;
        let is_enough = |free| free > self.reserve_segments();
        if is_enough(free.load(Ordering::Relaxed)) {
            return None;
        }
        let survey = self.survey(horizon, &[]);
        free.store(survey.free, Ordering::Relaxed);
        if is_enough(survey.free) {
            None
        } else {
            survey.choose(evict, policy, self.is_impatient())
        }
    }

    /// Was so much drained in vain, because all of it was in use, that the next is to be dropped whether it was read
    /// or not?
    pub(super) fn is_impatient(&self) -> bool {
        let in_vain = self.arena.superblock().reclaim.0[2].load(Ordering::Relaxed);
        in_vain >= PATIENCE * self.arena.geometry().segment_words()
    }

    /// Notes how much of what was drained was kept.
    pub(super) fn set_pace(&self, drained: u64, kept: u64) {
        let [_, pace, in_vain, _] = &self.arena.superblock().reclaim.0;
        let freed = drained.saturating_sub(kept);
        // It grows while fewer than one word in sixteen is freed.
        let sum = in_vain.load(Ordering::Relaxed).saturating_add(kept);
        in_vain.store(sum.saturating_sub(freed.saturating_mul(15)), Ordering::Relaxed);
        // Twice as fast as what was met asks for; a moving average.
        let now = (2 * drained / freed.max(1)).clamp(*PACE.start(), *PACE.end());
        let before = pace.load(Ordering::Relaxed).clamp(*PACE.start(), *PACE.end());
        pace.store((3 * before + now).div_ceil(4), Ordering::Relaxed);
    }
}
