//! Statistics under memcached's names, and some of the engine's.

use crate::Error;
use crate::store::Store;
use nearcache::{Deletion, MetaSum, Outcome};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the verbs count.
#[derive(Debug, Default)]
pub struct Counters {
    all: [AtomicU64; Counter::Last as usize],
}

/// A counter of the verbs.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Counter {
    CmdSet,
    CmdFlush,
    CmdTouch,
    CmdMeta,
    FarHits,
    FarMisses,
    Leases,
    DeleteHits,
    DeleteMisses,
    IncrHits,
    IncrMisses,
    DecrHits,
    DecrMisses,
    CasHits,
    CasMisses,
    CasBadval,
    TouchHits,
    TouchMisses,
    TooLarge,
    OverQuota,
    TotalItems,
    Last,
}

impl Counters {
    /// One more.
    pub fn count(&self, counter: Counter) {
        // Relaxed: readings.
        self.all[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A reading.
    pub fn get(&self, counter: Counter) -> u64 {
        self.all[counter as usize].load(Ordering::Relaxed)
    }

    /// All of them begin anew.
    pub fn reset(&self) {
        // Relaxed: readings.
        self.all.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }

    /// Counts what a store did.
    pub fn stored(&self, outcome: Outcome, is_cas: bool) {
        self.count(Counter::CmdSet);
        match outcome {
            Outcome::Stored(_) => self.count(Counter::TotalItems),
            Outcome::NotStored | Outcome::Exists | Outcome::Missing => {}
        }
        if is_cas {
            self.count(match outcome {
                Outcome::Stored(_) => Counter::CasHits,
                Outcome::Missing => Counter::CasMisses,
                Outcome::Exists | Outcome::NotStored => Counter::CasBadval,
            });
        }
    }

    /// Counts what a removal did.
    pub fn deleted(&self, deletion: Deletion) {
        self.count(match deletion {
            Deletion::Deleted => Counter::DeleteHits,
            Deletion::Missing | Deletion::Exists => Counter::DeleteMisses,
        });
    }

    /// Counts what an addition did.
    pub fn added(&self, sum: MetaSum, down: bool) {
        let hit = !matches!(sum, MetaSum::Missing);
        self.count(match (hit, down) {
            (true, false) => Counter::IncrHits,
            (false, false) => Counter::IncrMisses,
            (true, true) => Counter::DecrHits,
            (false, true) => Counter::DecrMisses,
        });
    }

    /// Counts what a touch did.
    pub fn touched(&self, hit: bool) {
        self.count(Counter::CmdTouch);
        self.count(if hit { Counter::TouchHits } else { Counter::TouchMisses });
    }
}

impl Store {
    /// memcached's `stats reset`: the counters of the verbs begin anew. What is stored is counted as before.
    pub fn reset_stats(&self) {
        self.counters.reset();
        if let Some(cache) = self.near.inner() {
            // It fails in the child of a fork alone, which may not ask for statistics either.
            let _ = cache.reset_stats();
        }
    }

    /// The statistics as pairs of name and number: memcached's names, then those of the disk and of the engine.
    /// Counters are since the store was opened; `curr_items`, `bytes` and their like are of what is stored.
    pub fn stats(&self) -> Result<Vec<(&'static str, u64)>, Error> {
        self.check_fork()?;
        let near = self.near.inner().map(nearcache::Cache::stats).unwrap_or_default();
        let get = |counter| self.counters.get(counter);
        let (far_hits, far_misses) = (get(Counter::FarHits), get(Counter::FarMisses));
        let near_hits = near.get_hits.saturating_sub(get(Counter::Leases));
        let (ledger, readings) = (self.db.ledger(), self.db.committer().readings());
        // Relaxed, all: readings.
        let read = |word: &AtomicU64| word.load(Ordering::Relaxed);
        let mut stats = vec![
            ("cmd_get", near_hits + far_hits + far_misses),
            ("cmd_set", get(Counter::CmdSet)),
            ("cmd_flush", get(Counter::CmdFlush)),
            ("cmd_touch", get(Counter::CmdTouch)),
            ("cmd_meta", get(Counter::CmdMeta)),
            ("get_hits", near_hits + far_hits),
            ("get_misses", far_misses),
            ("delete_misses", get(Counter::DeleteMisses)),
            ("delete_hits", get(Counter::DeleteHits)),
            ("incr_misses", get(Counter::IncrMisses)),
            ("incr_hits", get(Counter::IncrHits)),
            ("decr_misses", get(Counter::DecrMisses)),
            ("decr_hits", get(Counter::DecrHits)),
            ("cas_misses", get(Counter::CasMisses)),
            ("cas_hits", get(Counter::CasHits)),
            ("cas_badval", get(Counter::CasBadval)),
            ("touch_hits", get(Counter::TouchHits)),
            ("touch_misses", get(Counter::TouchMisses)),
            ("store_too_large", get(Counter::TooLarge)),
            ("store_over_quota", get(Counter::OverQuota)),
            ("bytes", ledger.item_bytes),
            ("curr_items", ledger.items),
            ("total_items", get(Counter::TotalItems)),
            ("limit_maxbytes", self.limits.quota.unwrap_or(0)),
            ("evictions", 0),
            ("near_hits", near_hits),
            ("near_items", near.curr_items),
            ("near_bytes", near.bytes),
            ("near_limit", near.limit_maxbytes),
            ("near_evictions", near.evictions),
            ("flushed_items", ledger.dead),
            ("flushed_bytes", ledger.dead_bytes),
            ("messages", ledger.messages),
            ("message_bytes", ledger.message_bytes),
            ("sequence", ledger.seq),
            ("synced_sequence", read(&readings.synced)),
            ("batches", read(&readings.batches)),
            ("operations", read(&readings.operations)),
            ("syncs", read(&readings.syncs)),
            ("commit_failures", read(&readings.failures)),
            ("recoveries", read(&readings.recoveries)),
            ("read_only", u64::from(readings.is_stuck.load(Ordering::Relaxed))),
            ("disk_bytes", self.db.engine().disk_space(None).unwrap_or(0)),
        ];
        stats.extend(self.db.engine().numbers());
        Ok(stats)
    }
}
