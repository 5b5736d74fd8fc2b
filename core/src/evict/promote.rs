//! Who stays when its turn comes, and where it goes.

use crate::evict::ghost;
use crate::hash::KeyHash;
use crate::index::Slot;
use crate::memory::segment::Pool;
use crate::seat::Op;
use crate::sync::Ordering;
use crate::types::Policy;

/// Evictions from the small pool after which the threshold is set anew.
const WINDOW: u64 = 4096;
/// The main pool is in demand when one of its items comes up for eviction for so many evicted from the small one.
const DEMAND: u64 = 32;

/// The main pool is in use when one in so many of its items was read since it last passed.
const IN_USE: u64 = 5;
/// A segment less than this part alive is cleaned before anything alive is evicted.
const CLEAN_PERCENT: u64 = 80;
/// The same where what it holds is hardly read.
const CLEAN_PERCENT_UNUSED: u64 = 60;

impl Op<'_> {
    /// How much alive the emptiest segment may be to be cleaned.
    pub(super) fn clean_limit(&self) -> u64 {
        // Relaxed: a hint. 0 is a cache that has yet to fill its first window.
        match self.arena.superblock().policy.0[4].load(Ordering::Relaxed) {
            0 => CLEAN_PERCENT,
            limit => limit.min(CLEAN_PERCENT),
        }
    }

    /// Asks for what [`first_pool`](Self::first_pool) will look at.
    pub fn prefetch_ghosts(&self, hash: KeyHash) {
        self.arena.prefetch_at(self.arena.ghost_line(hash).as_ptr().cast());
    }

    /// The pool of a new item: whoever was evicted a short while ago has proved itself by coming back.
    pub fn first_pool(&self, hash: KeyHash) -> Pool {
        let back =
            self.arena.geometry().policy == Policy::S3Fifo && ghost::remembers(self.arena, hash);
        if back { Pool::Main } else { Pool::Small }
    }

    /// The frequency of an item that takes the place of another. It begins in the small pool again: if the other was in
    /// the main pool, so high that it will be promoted when its turn comes. An update must not demote.
    pub fn freq_of_successor(&self, segment: u64, slot: Slot) -> u64 {
        match self.arena.state(segment).pool() {
            Pool::Small => slot.freq(),
            Pool::Main => slot.freq().max(2),
        }
    }

    /// Where an item whose turn it is goes, and with what frequency; `None` is out.
    pub(super) fn promotion(&self, pool: Pool, slot: Slot) -> Option<(Pool, u64)> {
        let [threshold, _, passed, kept, _] = &self.arena.superblock().policy.0;
        match (self.arena.geometry().policy, pool) {
            (Policy::Lru, _) => (slot.freq() > 0).then_some((Pool::Main, 0)),
            (Policy::S3Fifo, Pool::Small) => {
                let threshold = threshold.load(Ordering::Relaxed).clamp(1, 2);
                (slot.freq() >= threshold).then_some((Pool::Main, 0))
            }
            (Policy::S3Fifo, Pool::Main) => {
                passed.fetch_add(1, Ordering::Relaxed);
                kept.fetch_add(u64::from(slot.freq() > 0), Ordering::Relaxed);
                slot.freq().checked_sub(1).map(|freq| (Pool::Main, freq))
            }
        }
    }

    /// Notes an item that was evicted from the small pool.
    ///
    /// Once in a [`WINDOW`] of them the threshold is set anew. Two reads are asked for while the main pool is in
    /// demand. While hardly any item of it comes up for eviction, what lies there has no competition, and an item
    /// that was read once is worth more than most of it: one read is enough then, and the demand grows by that.
    ///
    /// So is the limit of cleaning: where few items of the main pool are read while they pass through it, copying them
    /// costs more than it saves.
    pub(super) fn remember(&self, hash: KeyHash) {
        if self.arena.geometry().policy == Policy::Lru {
            return;
        }
        ghost::remember(self.arena, hash);
        // Relaxed: hints, and it does not matter if two threads end one window.
        let [threshold, evicted, passed, kept, limit] = &self.arena.superblock().policy.0;
        if evicted.fetch_add(1, Ordering::Relaxed) >= WINDOW - 1 {
            evicted.store(0, Ordering::Relaxed);
            let passed = passed.swap(0, Ordering::Relaxed);
            let kept = kept.swap(0, Ordering::Relaxed);
            let idle = passed < WINDOW / DEMAND;
            threshold.store(if idle { 1 } else { 2 }, Ordering::Relaxed);
            let in_use = idle || kept.saturating_mul(IN_USE) >= passed;
            limit.store(
                if in_use { CLEAN_PERCENT } else { CLEAN_PERCENT_UNUSED },
                Ordering::Relaxed,
            );
        }
    }
}
