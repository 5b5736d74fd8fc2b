//! What left the cache without being asked to, by class, as the core's observer is told. Any thread that stores may
//! make room, so these are atomic sums; an eviction costs far more than one of them.

use crate::classes::{CLASSES, Classes};
use nearcache::{Gone, Observer, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one class, under memcached's names.
#[derive(Debug, Default)]
pub struct Losses {
    /// Items evicted.
    pub evicted: AtomicU64,
    /// Of those, items that were to expire some day.
    pub evicted_nonzero: AtomicU64,
    /// Of those evicted, items never read.
    pub evicted_unfetched: AtomicU64,
    /// Seconds since the item evicted last was asked for.
    pub evicted_time: AtomicU64,
    /// Expired items whose memory was reclaimed.
    pub reclaimed: AtomicU64,
    /// Of those, items never read.
    pub expired_unfetched: AtomicU64,
}

/// What has left.
#[derive(Debug)]
pub struct Departures {
    classes: Arc<Classes>,
    by_class: [Losses; CLASSES],
}

impl Departures {
    /// Nothing yet.
    pub fn new(classes: Arc<Classes>) -> Departures {
        Departures { classes, by_class: std::array::from_fn(|_| Losses::default()) }
    }

    /// The classes that they are counted by.
    pub fn classes(&self) -> &Arc<Classes> {
        &self.classes
    }

    /// Those of one class.
    pub fn of(&self, class: usize) -> &Losses {
        &self.by_class[class]
    }

    /// `stats reset`.
    pub fn reset(&self) {
        for losses in &self.by_class {
            for counter in [
                &losses.evicted,
                &losses.evicted_nonzero,
                &losses.evicted_unfetched,
                &losses.evicted_time,
                &losses.reclaimed,
                &losses.expired_unfetched,
            ] {
                // Relaxed: a statistic.
                counter.store(0, Ordering::Relaxed);
            }
        }
    }
}

impl Observer for Departures {
    fn gone(&self, item: &Gone<'_>) {
        let losses = &self.by_class[self.classes.of(item.size)];
        let count = |counter: &AtomicU64, yes: bool| {
            if yes {
                // Relaxed: a statistic.
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        match item.reason {
            Reason::Evicted => {
                count(&losses.evicted, true);
                count(&losses.evicted_nonzero, item.ttl.is_some());
                count(&losses.evicted_unfetched, !item.fetched);
                let idle = u64::from(item.last_access.unwrap_or(0));
                // Relaxed: a statistic.
                losses.evicted_time.store(idle, Ordering::Relaxed);
            }
            Reason::Expired => {
                count(&losses.reclaimed, true);
                count(&losses.expired_unfetched, !item.fetched);
            }
        }
    }
}
