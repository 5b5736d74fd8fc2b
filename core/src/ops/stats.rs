//! Statistics: every seat counts for itself, and a reading adds them up.

use crate::Stats;
use crate::hazard::COUNTERS;
use crate::seat::Op;
use crate::stats::{Counter, RESETTABLE};
use crate::sync::Ordering;

impl Op<'_> {
    /// The sums of all seats' counters. Relaxed throughout: readings.
    fn sums(&self) -> [u64; COUNTERS] {
        let mut sums = [0_u64; COUNTERS];
        for seat in self.arena.seats() {
            for (sum, counter) in sums.iter_mut().zip(&seat.counters) {
                *sum = sum.wrapping_add(counter.load(Ordering::Relaxed));
            }
        }
        sums
    }

    /// Items in the index, dead ones included, and the bytes they take.
    pub(crate) fn in_index(&self) -> (u64, u64) {
        let sums = self.sums();
        let held =
            |added: Counter, gone: Counter| sums[added as usize].wrapping_sub(sums[gone as usize]);
        (held(Counter::ItemsIn, Counter::ItemsOut), held(Counter::BytesIn, Counter::BytesOut))
    }

    pub(crate) fn stats(&self) -> Stats {
        // A delayed flush whose time has come shows in the readings.
        self.horizon();
        let superblock = self.arena.superblock();
        let mut sums = self.sums();
        for (sum, base) in sums.iter_mut().zip(&superblock.baseline.0) {
            *sum = sum.wrapping_sub(base.load(Ordering::Relaxed));
        }
        let flush = &superblock.flush.0;
        let flushed = (flush.items.load(Ordering::Relaxed), flush.bytes.load(Ordering::Relaxed));
        Stats::from_sums(&sums, flushed, self.arena.limit())
    }

    /// Seats are written by their owners alone: a reset notes where they stand.
    pub(crate) fn reset_stats(&self) {
        let baseline = &self.arena.superblock().baseline.0;
        for (sum, base) in self.sums().iter().zip(baseline).take(RESETTABLE) {
            base.store(*sum, Ordering::Relaxed);
        }
    }
}
