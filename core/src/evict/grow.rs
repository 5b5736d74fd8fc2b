//! Doubling the index while it is in use. The new buckets are made in segments of the arena itself, one at a
//! time, so that the memory limit stays exact and nothing is retired; then the level is raised, and each
//! bucket is split by the first writer who passes by (`index::bucket`).
//!
//! This is linear hashing (Litwin, VLDB'80) with a directory of segments, and every step can be finished by
//! anybody.

use crate::evict::Origin;
use crate::index::{bucket, grown, level};
use crate::memory::PerSegment;
use crate::memory::segment::{Kind, Pool, recycle};
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;

/// With this part of its slots taken, an index is worth doubling.
const LOAD_PERCENT: u64 = 75;
/// Buckets split in one step, of those that no writer has passed by.
const SWEEP: u64 = 64;

/// Bits of the sweep's cursor that number a bucket; the level is above them.
const CURSOR_BITS: u32 = 40;

/// How far a doubling has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Growth {
    /// The index has doubled, or somebody else has doubled it.
    Done,
    /// One step nearer.
    Nearer,
    /// There is no room for it.
    Full,
}

impl Op<'_> {
    /// Is the index so full that it should double?
    pub fn index_is_loaded(&self) -> bool {
        let arena = self.arena;
        let items = arena.seats().iter().fold(0_u64, |sum, seat| {
            // Relaxed: a reading.
            let of = |counter: Counter| seat.counters[counter as usize].load(Ordering::Relaxed);
            sum.wrapping_add(of(Counter::ItemsIn)).wrapping_sub(of(Counter::ItemsOut))
        });
        let slots = (arena.geometry().buckets << level(arena)) * crate::index::SLOTS as u64;
        items.saturating_mul(100) > slots * LOAD_PERCENT
    }

    /// One step towards an index of twice the size.
    pub fn grow(&self) -> Growth {
        let arena = self.arena;
        let geometry = arena.geometry();
        let now = level(arena);
        if !self.sweep(now) {
            return Growth::Nearer;
        }
        if now >= geometry.level_max || !geometry.can_double(now, arena.allowance()) {
            return Growth::Full;
        }
        let a_segment = geometry.segment_words() / 16;
        let chunks = grown(arena, now + 1).div_ceil(a_segment);
        for chunk in grown(arena, now) / a_segment..chunks {
            // Acquire: pairs with the Release below.
            if arena.directory(chunk).load(Ordering::Acquire) == 0 {
                return if self.add_chunk(chunk) { Growth::Nearer } else { Growth::Full };
            }
        }
        // Release: the directory and the zeroed buckets are seen by whoever sees the level.
        let word = &arena.superblock().index.0[0];
        let _ = word.compare_exchange(now, now + 1, Ordering::Release, Ordering::Relaxed);
        Growth::Done
    }

    /// Takes a segment for unborn buckets.
    fn add_chunk(&self, chunk: u64) -> bool {
        let arena = self.arena;
        let Ok(segment) = self.acquire(Kind::Index, Pool::Small, Origin::New) else {
            return false;
        };
        // No item ever lies here.
        recycle(arena.birth(segment));
        let start = arena.segment_start(segment);
        for k in 0..arena.geometry().segment_words() {
            // Relaxed: released with the directory's entry.
            arena.word(start + k).store(0, Ordering::Relaxed);
        }
        arena.segment(PerSegment::Used, segment).store(0, Ordering::Relaxed);
        let entry = arena.directory(chunk);
        // AcqRel: releases the zeros. Somebody else may have been faster.
        if entry.compare_exchange(0, segment + 1, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.release(segment);
            return true;
        }
        // Nobody's any more: if this operation is killed before, whoever finds it looks into the directory.
        let state = arena.state(segment);
        arena.change_state(segment, state, state.owned(0));
        true
    }

    /// Splits what no writer has passed by since the last doubling; `true` when nothing is left.
    fn sweep(&self, now: u64) -> bool {
        if now == 0 {
            return true;
        }
        let arena = self.arena;
        let parents = arena.geometry().buckets << (now - 1);
        // The cursor names its level, so that one who is late cannot move that of the next.
        let cursor = &arena.superblock().index.0[1];
        let place = |number: u64| now << CURSOR_BITS | number;
        // Acquire: pairs with the Release below; what lies before the cursor is split.
        let seen = cursor.load(Ordering::Acquire);
        let from = if seen >> CURSOR_BITS == now { seen - place(0) } else { 0 };
        let to = from.saturating_add(SWEEP).min(parents);
        for number in from..to {
            if bucket(arena, now, 2 * number + 1).ctrl().is_unborn() {
                self.split(now, number);
            }
        }
        // Somebody else may have come further.
        let _ = cursor.compare_exchange(seen, place(to), Ordering::AcqRel, Ordering::Relaxed);
        to == parents
    }

    /// Splits the bucket of `hash` if its sibling is still unborn; `false` if there is nothing to split.
    pub fn split_home(&self, hash: crate::hash::KeyHash) -> bool {
        let now = level(self.arena);
        if now == 0 {
            return false;
        }
        let number = hash.bucket(self.arena.geometry().buckets << now) >> 1;
        let unborn = bucket(self.arena, now, 2 * number + 1).ctrl().is_unborn();
        if unborn {
            self.split(now, number);
        }
        unborn
    }
}
