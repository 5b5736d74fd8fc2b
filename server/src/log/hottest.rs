//! The keys that are read most, from samples: the SpaceSaving algorithm (Metwally, Agrawal, El Abbadi: "Efficient
//! computation of frequent and top-k elements in data streams", 2005). So many keys are counted, and a key that is not
//! among them takes the place of the least, with its count: whatever is read more often than one time in that many is
//! among them. Counts fade, so that it is about now.

use std::collections::HashMap;
use std::time::Instant;

/// How many keys are counted.
const COUNTED: usize = 256;

/// What is left of a count after a second.
const FADE: f64 = 0.9;

/// A hot key.
#[derive(Clone, Debug, PartialEq)]
pub struct Hot {
    /// The key.
    pub key: Vec<u8>,
    /// About how often it is sampled in a second; it may be too high by `error`.
    pub rate: f64,
    /// What the count may be too high by, as a rate.
    pub error: f64,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    count: f64,
    error: f64,
}

/// The counts.
#[derive(Debug)]
pub struct Hottest {
    counts: HashMap<Vec<u8>, Count>,
    faded: Instant,
    /// What a key that is sampled once a second would count by now.
    one: f64,
}

impl Default for Hottest {
    fn default() -> Hottest {
        Hottest { counts: HashMap::new(), faded: Instant::now(), one: 0.0 }
    }
}

impl Hottest {
    /// A read of this key was sampled.
    pub fn add(&mut self, key: &[u8]) {
        if let Some(count) = self.counts.get_mut(key) {
            count.count += 1.0;
            return;
        }
        let mut error = 0.0;
        if self.counts.len() == COUNTED {
            let least = self.counts.iter().min_by(|a, b| a.1.count.total_cmp(&b.1.count));
            let Some((least, count)) = least.map(|(key, count)| (key.clone(), *count)) else {
                return;
            };
            error = count.count;
            self.counts.remove(&least);
        }
        self.counts.insert(key.to_vec(), Count { count: error + 1.0, error });
    }

    /// Lets the counts fade by the seconds that have gone by.
    pub fn fade(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.faded).as_secs_f64();
        if seconds < 0.25 {
            return;
        }
        self.faded = now;
        let left = FADE.powf(seconds);
        self.counts.retain(|_, count| {
            count.count *= left;
            count.error *= left;
            count.count > 0.01
        });
        self.one = self.one * left + seconds;
    }

    /// The most read, the hottest first.
    pub fn top(&self, count: usize) -> Vec<Hot> {
        let one = self.one.max(0.25);
        let mut all: Vec<Hot> = self
            .counts
            .iter()
            .map(|(key, Count { count, error })| Hot {
                key: key.clone(),
                rate: count / one,
                error: error / one,
            })
            .collect();
        all.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| a.key.cmp(&b.key)));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_hot_ones_are_found_among_many() {
        let mut hottest = Hottest::default();
        // Every other read is of one of three keys; the rest are of ten thousand, once each.
        for number in 0..20_000u32 {
            match number % 6 {
                0 | 1 => hottest.add(b"first"),
                2 => hottest.add(b"second"),
                _ => hottest.add(&number.to_le_bytes()),
            }
        }
        let top = hottest.top(2);
        assert_eq!(top[0].key, b"first");
        assert_eq!(top[1].key, b"second");
        assert!(hottest.counts.len() <= COUNTED);
        assert!(top[0].rate > 1.8 * top[1].rate, "{top:?}");
    }

    #[test]
    fn what_is_not_read_any_more_fades() {
        let mut hottest = Hottest::default();
        let begun = hottest.faded;
        for second in 1..=20 {
            (0..100).for_each(|_| hottest.add(b"then"));
            hottest.fade(begun + Duration::from_secs(second));
        }
        let rate = hottest.top(1)[0].rate;
        assert!((85.0..115.0).contains(&rate), "100 a second, not {rate}");
        for second in 21..=60 {
            (0..10).for_each(|_| hottest.add(b"now"));
            hottest.fade(begun + Duration::from_secs(second));
        }
        assert_eq!(hottest.top(1)[0].key, b"now");
        hottest.fade(begun + Duration::from_secs(400));
        assert_eq!(hottest.top(1), []);
    }
}
