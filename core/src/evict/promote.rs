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

impl Op<'_> {
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
        let [threshold, _, passed, ..] = &self.arena.superblock().policy.0;
        match (self.arena.geometry().policy, pool) {
            (Policy::Lru, _) => (slot.freq() > 0).then_some((Pool::Main, 0)),
            (Policy::S3Fifo, Pool::Small) => {
                let threshold = threshold.load(Ordering::Relaxed).clamp(1, 2);
                (slot.freq() >= threshold).then_some((Pool::Main, 0))
            }
            (Policy::S3Fifo, Pool::Main) => {
                passed.fetch_add(1, Ordering::Relaxed);
                slot.freq().checked_sub(1).map(|freq| (Pool::Main, freq))
            }
        }
    }

    /// Notes an item that was evicted from the small pool.
    ///
    /// Once in a [`WINDOW`] of them the threshold is set anew. Two reads are asked for while the main pool is in
    /// demand. While hardly any item of it comes up for eviction, what lies there has no competition, and an item
    /// that was read once is worth more than most of it: one read is enough then, and the demand grows by that.
    pub(super) fn remember(&self, hash: KeyHash) {
        if self.arena.geometry().policy == Policy::Lru {
            return;
        }
        ghost::remember(self.arena, hash);
        // Relaxed: hints, and it does not matter if two threads end one window.
        let [threshold, evicted, passed, ..] = &self.arena.superblock().policy.0;
        if evicted.fetch_add(1, Ordering::Relaxed) + 1 >= WINDOW {
            evicted.store(0, Ordering::Relaxed);
            let idle = passed.swap(0, Ordering::Relaxed) < WINDOW / DEMAND;
            threshold.store(if idle { 1 } else { 2 }, Ordering::Relaxed);
        }
    }
}
