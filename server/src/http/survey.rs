//! The walk over the cache behind the page: what is in it by age, by lifetime left and by size, and the largest items.
//! It goes on in small pieces, with pauses fifty times as long, and only while somebody looks at the page: two parts in a
//! hundred of one core at most. A walk begins anew a little after it ended.

use nearcache::{Cache, Cursor, Seen};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Buckets of the index in one piece; about ten items each.
const PIECE: usize = 128;

/// The pause after a piece, in times of the processor time it took, and at least.
const PAUSE: u32 = 49;
const PAUSE_LEAST: Duration = Duration::from_millis(4);

/// The pause after a walk.
const REST: Duration = Duration::from_secs(2);

/// How many of the largest items are kept.
const LARGEST: usize = 10;

/// The upper ends of the bands of ages and lifetimes, in seconds, and what they are called.
pub const TIMES: [(u32, &str); 8] = [
    (10, "up to 10 s"),
    (60, "up to 1 min"),
    (600, "up to 10 min"),
    (3600, "up to 1 h"),
    (6 * 3600, "up to 6 h"),
    (24 * 3600, "up to 1 day"),
    (7 * 24 * 3600, "up to 1 week"),
    (u32::MAX, "more than a week"),
];

/// Bands of sizes: up to 2^(n + 6) bytes.
pub const SIZES: usize = 26;
const SIZE_FIRST: u32 = 6;

/// A band's upper end in bytes.
pub fn size_of(band: usize) -> u64 {
    1 << (band as u32 + SIZE_FIRST)
}

/// Items and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub items: u64,
    /// Their bytes, as memcached counts them.
    pub bytes: u64,
}

impl Sum {
    fn add(&mut self, item: &Seen<'_>) {
        self.items += 1;
        self.bytes += item.size as u64;
    }
}

/// A large item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Large {
    /// Its key.
    pub key: Vec<u8>,
    /// Its size.
    pub size: usize,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
}

/// What a walk has seen.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// All.
    pub all: Sum,
    /// Those that have not been read.
    pub unread: Sum,
    /// By seconds since they were stored; in the last those that eviction kept and moved since.
    pub ages: [Sum; TIMES.len() + 1],
    /// By seconds left to live; in the last those that live for ever.
    pub left: [Sum; TIMES.len() + 1],
    /// By size.
    pub sizes: [Sum; SIZES],
    /// The largest, the largest first.
    pub largest: Vec<Large>,
}

impl Tally {
    fn add(&mut self, item: &Seen<'_>) {
        self.all.add(item);
        if !item.fetched {
            self.unread.add(item);
        }
        let band = |seconds: Option<u32>| match seconds {
            Some(seconds) => TIMES.iter().take_while(|(end, _)| seconds > *end).count(),
            None => TIMES.len(),
        };
        self.ages[band(item.age)].add(item);
        self.left[band(item.ttl)].add(item);
        let bits = item.size.max(1).next_power_of_two().trailing_zeros();
        self.sizes[(bits.saturating_sub(SIZE_FIRST) as usize).min(SIZES - 1)].add(item);
        let is_large = self.largest.len() < LARGEST
            || self.largest.last().is_some_and(|least| item.size > least.size);
        if is_large && !self.largest.iter().any(|large| large.key == item.key) {
            let large = Large { key: item.key.to_vec(), size: item.size, ttl: item.ttl };
            let place = self.largest.partition_point(|other| other.size >= item.size);
            self.largest.insert(place, large);
            self.largest.truncate(LARGEST);
        }
    }
}

/// The walk.
#[derive(Debug, Default)]
pub struct Survey {
    cursor: Cursor,
    tally: Tally,
    whole: Option<(Tally, Instant)>,
    due: Option<Instant>,
}

impl Survey {
    /// When it wants to go on; never while it is paused.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Nobody is looking: the walk ends where it is.
    pub fn pause(&mut self) {
        if self.due.take().is_some() {
            self.again();
        }
    }

    fn again(&mut self) {
        (self.cursor, self.tally) = (Cursor::default(), Tally::default());
    }

    /// Goes on, if it is time.
    pub fn go_on(&mut self, cache: &Cache, now: Instant) {
        if self.due.is_some_and(|due| due > now) {
            return;
        }
        let begun = processor_time();
        let tally = &mut self.tally;
        let more = cache.scan(&mut self.cursor, PIECE, &mut |item| tally.add(&item));
        let took = processor_time().saturating_sub(begun);
        let pause = match more {
            Ok(true) => PAUSE_LEAST.max(took * PAUSE),
            Ok(false) => {
                self.whole = Some((std::mem::take(&mut self.tally), Instant::now()));
                self.again();
                REST
            }
            // A cache that cannot be walked now may be another time; until then the last walk stands.
            Err(_) => {
                self.again();
                REST
            }
        };
        self.due = Some(Instant::now() + pause);
    }

    /// What the last whole walk saw and how long ago it ended; before there is one, what has been seen so far.
    pub fn seen(&self) -> (&Tally, Option<Duration>) {
        match &self.whole {
            Some((tally, ended)) => (tally, Some(ended.elapsed())),
            None => (&self.tally, None),
        }
    }
}

/// What this thread has used so far: on a busy machine a piece takes longer than it costs.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearcache::{Expiry, Options};

    #[test]
    fn a_walk_sees_everything_where_it_belongs() {
        let mut options = Options::new(16 << 20);
        options.manual_clock = true;
        let cache = options.open().expect("a cache");
        for number in 0..2000u32 {
            let expiry = if number % 2 == 0 { Expiry::Never } else { Expiry::After(300) };
            let key = format!("key{number}");
            cache.set(key.as_bytes(), &[0; 40], 0, expiry).expect("stores");
        }
        for number in 1..=20usize {
            let key = format!("large{number:02}");
            cache.set(key.as_bytes(), &vec![0; 1000 * number], 0, Expiry::Never).expect("stores");
        }
        cache.get(b"key7").expect("reads");
        let mut survey = Survey::default();
        let mut now = Instant::now();
        let mut pieces = 0;
        while survey.seen().1.is_none() {
            survey.go_on(&cache, now);
            now = survey.due().expect("a time");
            pieces += 1;
        }
        assert!(pieces > 1, "a small cache is walked in pieces, too");
        let (tally, _) = survey.seen();
        assert_eq!((tally.all.items, tally.unread.items), (2020, 2019));
        assert_eq!(tally.all.items, tally.ages.iter().map(|sum| sum.items).sum::<u64>());
        assert_eq!(tally.left[2].items, 1000, "up to 10 min");
        assert_eq!(tally.left[TIMES.len()].items, 1020, "for ever");
        assert_eq!(tally.sizes[1].items, 2000, "up to 128 bytes");
        assert_eq!(tally.all.bytes, tally.sizes.iter().map(|sum| sum.bytes).sum::<u64>());
        let keys: Vec<_> =
            tally.largest.iter().map(|large| large.key.escape_ascii().to_string()).collect();
        let expected: Vec<_> = (11..=20).rev().map(|number| format!("large{number:02}")).collect();
        assert_eq!(keys, expected);
    }

    #[test]
    fn pauses_are_fifty_times_as_long_as_pieces() {
        let cache = Options::new(1 << 20).open().expect("a cache");
        let mut survey = Survey::default();
        let now = Instant::now();
        survey.go_on(&cache, now);
        let due = survey.due().expect("a time");
        assert!(due >= now + PAUSE_LEAST);
        // Before its time it does nothing.
        let before = survey.due();
        survey.go_on(&cache, now);
        assert_eq!(survey.due(), before);
        survey.pause();
        assert_eq!(survey.due(), None);
    }
}
