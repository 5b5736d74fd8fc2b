//! Readings of a cache's counters, and what went on between two of them.

use crate::attach::living;
use crate::look::{hit_ratio, unix_time};
use nearcache::{Cache, Process, Stats};
use serde_json::{Value, json};
use std::time::Instant;

/// The counters at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    at: Instant,
    pub stats: Stats,
    pub processes: Vec<Process>,
}

impl Reading {
    /// Reads them now.
    pub fn of(cache: &Cache) -> Reading {
        Reading { at: Instant::now(), stats: cache.stats(), processes: cache.processes() }
    }
}

/// Events per second between two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The seconds between.
    pub seconds: f64,
    pub gets: f64,
    pub hits: f64,
    pub sets: f64,
    pub evictions: f64,
}

impl Rates {
    /// What went on from `before` to `now`.
    pub fn between(before: &Reading, now: &Reading) -> Rates {
        let seconds = now.at.duration_since(before.at).as_secs_f64();
        Rates::of(&before.stats, &now.stats, seconds)
    }

    fn of(before: &Stats, now: &Stats, seconds: f64) -> Rates {
        let rate = |before: u64, now: u64| {
            // A counter that went back was reset: it has counted from 0 since.
            let events = now.checked_sub(before).unwrap_or(now);
            if seconds > 0.0 { events as f64 / seconds } else { 0.0 }
        };
        Rates {
            seconds,
            gets: rate(before.cmd_get, now.cmd_get),
            hits: rate(before.get_hits, now.get_hits),
            sets: rate(before.cmd_set, now.cmd_set),
            evictions: rate(before.evictions, now.evictions),
        }
    }

    /// Hits among the gets of the interval.
    pub fn hit_ratio(&self) -> Option<f64> {
        // Hits may be read a moment after the gets they belong to.
        (self.gets > 0.0).then(|| (self.hits / self.gets).min(1.0))
    }

    /// As one object, with the totals of `now`.
    pub fn json(&self, name: &str, now: &Reading) -> Value {
        json!({
            "time": unix_time(),
            "name": name,
            "seconds": self.seconds,
            "gets_per_second": self.gets,
            "hits_per_second": self.hits,
            "sets_per_second": self.sets,
            "evictions_per_second": self.evictions,
            "hit_ratio": self.hit_ratio(),
            "hit_ratio_total": hit_ratio(&now.stats),
            "bytes": now.stats.bytes,
            "limit_maxbytes": now.stats.limit_maxbytes,
            "items": now.stats.curr_items,
            "processes": living(&now.processes).len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(get_hits: u64, cmd_get: u64, cmd_set: u64, evictions: u64) -> Stats {
        let mut stats = Stats::default();
        (stats.get_hits, stats.cmd_get) = (get_hits, cmd_get);
        (stats.cmd_set, stats.evictions) = (cmd_set, evictions);
        stats
    }

    #[test]
    fn rates_are_per_second_and_outlive_a_reset() {
        let rates = Rates::of(&stats(10, 20, 30, 40), &stats(20, 40, 60, 40), 2.0);
        let expected = Rates { seconds: 2.0, gets: 10.0, hits: 5.0, sets: 15.0, evictions: 0.0 };
        assert_eq!(rates, expected);
        assert_eq!(rates.hit_ratio(), Some(0.5));
        let reset = Rates::of(&stats(10, 20, 30, 40), &stats(1, 2, 3, 4), 1.0);
        assert_eq!((reset.gets, reset.evictions), (2.0, 4.0));
        assert_eq!(Rates::of(&stats(0, 0, 0, 0), &stats(0, 0, 9, 0), 0.0).sets, 0.0);
        assert_eq!(Rates::of(&stats(0, 0, 0, 0), &stats(0, 0, 9, 0), 1.0).hit_ratio(), None);
    }
}
