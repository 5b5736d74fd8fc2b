//! Who stays when its turn comes, and where it goes.

use crate::evict::ghost;
use crate::hash::KeyHash;
use crate::index::Slot;
use crate::memory::segment::Pool;
use crate::seat::Op;
use crate::sync::Ordering;
use crate::types::Policy;

impl Op<'_> {
    /// The pool of a new item: whoever was evicted a short while ago has proved itself by coming back.
    pub fn first_pool(&self, hash: KeyHash) -> Pool {
        let back =
            self.arena.geometry().policy == Policy::S3Fifo && ghost::remembers(self.arena, hash);
        if back { Pool::Main } else { Pool::Small }
    }

    /// Where an item whose turn it is goes, and with what frequency; `None` is out.
    pub(super) fn promotion(&self, pool: Pool, slot: Slot, _hash: KeyHash) -> Option<(Pool, u64)> {
        match (self.arena.geometry().policy, pool) {
            (Policy::Lru, _) => (slot.freq() > 0).then_some((Pool::Main, 0)),
            (Policy::S3Fifo, Pool::Small) => {
                // Relaxed: a hint.
                let threshold = self.arena.superblock().policy.0[0].load(Ordering::Relaxed);
                (slot.freq() >= threshold.clamp(1, 3)).then_some((Pool::Main, 0))
            }
            (Policy::S3Fifo, Pool::Main) => {
                slot.freq().checked_sub(1).map(|freq| (Pool::Main, freq))
            }
        }
    }

    /// Notes an item that was evicted from the small pool.
    pub(super) fn remember(&self, hash: KeyHash, _slot: Slot) {
        if self.arena.geometry().policy == Policy::S3Fifo {
            ghost::remember(self.arena, hash);
        }
    }
}
