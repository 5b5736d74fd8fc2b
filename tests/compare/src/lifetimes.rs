//! Workloads with lifetimes, drawn from the figures of production clusters, and byte-sized LRU caches to hold the
//! engine against: one that notices a dead item only when it is asked for or comes to the tail, and one that has no
//! dead items at all.

use crate::load::mix;
use crate::policies::{List, NONE};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// One cluster's figures, from the table that comes with Yang, Yue and Rashmi, "A large scale analysis of hundreds of
/// in-memory cache clusters at Twitter", OSDI'20 (CC-BY; the traces' statistics of March 2020).
#[derive(Debug)]
pub struct Cluster {
    /// Its number there.
    pub number: u32,
    /// What it is used for there: 1 storage, 2 computation, 3 transient data.
    pub category: u32,
    /// Mean length of a key, in bytes.
    pub key: u32,
    /// Mean length of a value, in bytes.
    pub value: u32,
    /// Lifetimes in seconds, each with the share of the items that have it.
    pub lifetimes: &'static [(u32, f64)],
    /// Shares of gets and of deletes among the operations; the rest are counted as sets.
    pub gets: f64,
    /// See `gets`.
    pub deletes: f64,
    /// The exponent of Zipf's law.
    pub zipf: f64,
    /// Requests for each object.
    pub frequency: f64,
    /// Hours over which the requests are spread: several times the commonest lifetime. (Not from the table.)
    pub hours: u32,
}

/// Eight clusters of all three categories, with lifetimes from a minute to a fortnight.
#[rustfmt::skip]
pub const CLUSTERS: [Cluster; 8] = [
    Cluster {
        number: 4, category: 2, key: 67, value: 2439, gets: 0.93, deletes: 0.0, zipf: 1.1004, frequency: 26.5, hours: 24,
        lifetimes: &[(60, 0.39), (300, 0.24), (HOUR, 0.13), (600, 0.12), (4 * HOUR, 0.09), (DAY, 0.03)],
    },
    Cluster {
        number: 14, category: 1, key: 96, value: 414, gets: 0.65, deletes: 0.22, zipf: 1.2959, frequency: 35.4, hours: 7 * 24,
        lifetimes: &[(DAY, 1.0)],
    },
    Cluster {
        number: 19, category: 2, key: 42, value: 101, gets: 0.75, deletes: 0.0, zipf: 0.735, frequency: 4.7, hours: 48,
        lifetimes: &[
            (450 * MINUTE, 0.08), (444 * MINUTE, 0.07), (396 * MINUTE, 0.07), (432 * MINUTE, 0.07), (402 * MINUTE, 0.07),
            (7 * HOUR, 0.07), (426 * MINUTE, 0.07), (408 * MINUTE, 0.07), (414 * MINUTE, 0.07), (438 * MINUTE, 0.06),
        ],
    },
    Cluster {
        number: 22, category: 3, key: 54, value: 4, gets: 0.72, deletes: 0.0, zipf: 0.7624, frequency: 4.3, hours: 5 * 24,
        lifetimes: &[(DAY, 0.85), (HOUR, 0.11), (1800, 0.03)],
    },
    Cluster {
        number: 26, category: 3, key: 122, value: 1745, gets: 0.71, deletes: 0.0, zipf: 0.6299, frequency: 13.0, hours: 2,
        lifetimes: &[(60, 0.67), (120, 0.10), (360, 0.09), (600, 0.06), (660, 0.03), (180, 0.02)],
    },
    Cluster {
        number: 29, category: 1, key: 36, value: 799, gets: 0.86, deletes: 0.0, zipf: 1.2323, frequency: 22.5, hours: 12,
        lifetimes: &[(HOUR, 0.67), (2 * HOUR, 0.33)],
    },
    Cluster {
        number: 40, category: 2, key: 44, value: 155, gets: 0.50, deletes: 0.0, zipf: 0.8551, frequency: 11.8, hours: 48,
        lifetimes: &[(8 * HOUR, 0.95), (DAY, 0.05)],
    },
    Cluster {
        number: 52, category: 1, key: 20, value: 273, gets: 0.91, deletes: 0.0, zipf: 1.2117, frequency: 32.6, hours: 7 * 24,
        lifetimes: &[(DAY, 0.65), (14 * DAY, 0.27), (12 * HOUR, 0.07)],
    },
];

/// What is asked of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A get, which sets on a miss.
    Get,
    /// A set.
    Set,
    /// A delete.
    Delete,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The second at which it comes, from 0.
    pub at: u32,
    /// What it asks.
    pub verb: Verb,
    /// Of which object.
    pub object: u32,
}

/// A cluster's requests, and what its objects are like.
#[derive(Debug)]
pub struct Workload {
    /// In the order of time.
    pub requests: Vec<Request>,
    /// Of each object the length of key and value in bytes, and its lifetime in seconds.
    pub objects: Vec<(u32, u32)>,
    /// The length of each key.
    pub key: u32,
}

impl Cluster {
    /// So many requests, spread evenly over the cluster's hours: as if one object in many had been watched. Which
    /// object a request asks for is Zipf's; a value's length is drawn evenly from half to one and a half of the mean.
    pub fn draw(&self, count: usize) -> Workload {
        let objects = (count as f64 / self.frequency) as u64;
        let seconds = u64::from(self.hours * HOUR);
        let mut sum = 0.0;
        let shares: Vec<f64> = (1..=objects)
            .map(|rank| {
                sum += (rank as f64).powf(-self.zipf);
                sum
            })
            .collect();
        let salt = u64::from(self.number) << 40;
        let request = |at: u64| {
            let draw = unit(mix(salt + at * 2)) * sum;
            let rank = shares.partition_point(|share| *share < draw).min(shares.len() - 1);
            let verb = match unit(mix(salt + at * 2 + 1)) {
                part if part < self.gets => Verb::Get,
                part if part < self.gets + self.deletes => Verb::Delete,
                _ => Verb::Set,
            };
            Request { at: (at * seconds / count as u64) as u32, verb, object: rank as u32 }
        };
        let object = |number: u64| {
            let draw = mix(!(salt + number));
            let value = f64::from(self.value) * (0.5 + unit(draw));
            (self.key + (value as u32).max(1), self.lifetime(unit(mix(draw))))
        };
        Workload {
            requests: (0..count as u64).map(request).collect(),
            objects: (0..objects).map(object).collect(),
            key: self.key,
        }
    }

    /// The lifetime at this point of the shares, which the table does not bring to a whole 1.
    fn lifetime(&self, point: f64) -> u32 {
        let sum: f64 = self.lifetimes.iter().map(|(_, share)| share).sum();
        let mut left = point * sum;
        let reached = |(_, share): &&(u32, f64)| {
            left -= share;
            left < 0.0
        };
        let found = self.lifetimes.iter().find(reached).or(self.lifetimes.last());
        found.expect("a cluster has lifetimes").0
    }
}

/// A number from 0 to 1 of random bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Something that keeps objects for a time.
pub trait Keeper {
    /// The clock shows this second from now on.
    fn advance(&mut self, now: u32);
    /// Is it there, and alive?
    fn get(&mut self, object: u32) -> bool;
    /// Stores it.
    fn set(&mut self, object: u32);
    /// Removes it.
    fn delete(&mut self, object: u32);
}

/// Sends the requests; answers the share of the gets that missed, without those of the first fifth.
pub fn miss_ratio(workload: &Workload, keeper: &mut impl Keeper) -> f64 {
    let warm = workload.requests.len() / 5;
    let (mut gets, mut misses, mut now) = (0_u64, 0_u64, 0);
    for (number, request) in workload.requests.iter().enumerate() {
        if request.at > now {
            now = request.at;
            keeper.advance(now);
        }
        match request.verb {
            Verb::Set => keeper.set(request.object),
            Verb::Delete => keeper.delete(request.object),
            Verb::Get => {
                let hit = keeper.get(request.object);
                if !hit {
                    keeper.set(request.object);
                }
                if number >= warm {
                    gets += 1;
                    misses += u64::from(!hit);
                }
            }
        }
    }
    misses as f64 / gets as f64
}

/// What an item takes besides key and value in the simulated caches: about what it takes in the engine.
pub const OVERHEAD: u32 = 24;

/// Strict LRU over bytes.
pub struct ByteLru<'a> {
    objects: &'a [(u32, u32)],
    capacity: u64,
    used: u64,
    /// The most that was ever used.
    pub peak: u64,
    now: u32,
    /// Of each object the second at which it dies; 0 when it is not held.
    deadlines: Vec<u32>,
    list: List,
    /// What dies when, if the dead are to go at once.
    deaths: Option<BinaryHeap<Reverse<(u32, u32)>>>,
}

impl<'a> ByteLru<'a> {
    /// As memcached without its crawler: the dead stay until they are asked for or come to the tail.
    pub fn lazy(workload: &'a Workload, capacity: u64) -> ByteLru<'a> {
        let objects = &workload.objects[..];
        let (deadlines, list) = (vec![0; objects.len()], List::new(objects.len()));
        ByteLru { objects, capacity, used: 0, peak: 0, now: 0, deadlines, list, deaths: None }
    }

    /// The dead go in the second in which they die.
    pub fn perfect(workload: &'a Workload, capacity: u64) -> ByteLru<'a> {
        ByteLru { deaths: Some(BinaryHeap::new()), ..ByteLru::lazy(workload, capacity) }
    }

    fn bytes(&self, object: u32) -> u64 {
        u64::from(self.objects[object as usize].0 + OVERHEAD)
    }

    fn held(&self, object: u32) -> bool {
        self.deadlines[object as usize] != 0
    }
}

impl Keeper for ByteLru<'_> {
    fn advance(&mut self, now: u32) {
        self.now = now;
        while let Some(Reverse((deadline, object))) =
            self.deaths.as_mut().and_then(|deaths| deaths.pop())
        {
            if deadline > now {
                if let Some(deaths) = &mut self.deaths {
                    deaths.push(Reverse((deadline, object)));
                }
                return;
            }
            // It may have been stored again since, with a later death of its own.
            if self.deadlines[object as usize] == deadline {
                self.delete(object);
            }
        }
    }

    fn get(&mut self, object: u32) -> bool {
        if !self.held(object) {
            return false;
        }
        if self.deadlines[object as usize] <= self.now {
            self.delete(object);
            return false;
        }
        self.list.remove(object);
        self.list.push_head(object);
        true
    }

    fn set(&mut self, object: u32) {
        self.delete(object);
        while self.used + self.bytes(object) > self.capacity && self.list.tail != NONE {
            self.delete(self.list.tail);
        }
        let deadline = self.now + self.objects[object as usize].1;
        self.deadlines[object as usize] = deadline;
        self.used += self.bytes(object);
        self.peak = self.peak.max(self.used);
        self.list.push_head(object);
        if let Some(deaths) = &mut self.deaths {
            deaths.push(Reverse((deadline, object)));
        }
    }

    fn delete(&mut self, object: u32) {
        if self.held(object) {
            self.used -= self.bytes(object);
            self.list.remove(object);
            self.deadlines[object as usize] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three objects of 76 + 24 bytes: two live 10 seconds, one lives 100.
    fn workload() -> Workload {
        Workload { requests: Vec::new(), objects: vec![(76, 10), (76, 100), (76, 10)], key: 10 }
    }

    #[test]
    fn the_dead_take_room_until_they_are_noticed() {
        let workload = workload();
        // Room for two. Object 0 dies; then 2 comes.
        let outlive = |mut cache: ByteLru| {
            cache.set(1);
            cache.set(0);
            cache.advance(10);
            cache.set(2);
            (cache.get(1), cache.get(0), cache.get(2))
        };
        // The lazy one drops the living 1, which is older than the dead 0.
        assert_eq!(outlive(ByteLru::lazy(&workload, 200)), (false, false, true));
        assert_eq!(outlive(ByteLru::perfect(&workload, 200)), (true, false, true));
    }

    #[test]
    fn a_set_gives_a_new_lifetime() {
        let workload = workload();
        let mut cache = ByteLru::perfect(&workload, 1000);
        cache.set(0);
        cache.advance(5);
        cache.set(0);
        cache.advance(14);
        assert!(cache.get(0) && cache.used == 100);
        cache.advance(15);
        assert!(!cache.get(0) && cache.used == 0 && cache.peak == 100);
    }

    #[test]
    fn draws_follow_the_figures() {
        for cluster in &CLUSTERS {
            let workload = cluster.draw(50_000);
            let share = |verb: Verb| {
                let count = workload.requests.iter().filter(|request| request.verb == verb).count();
                count as f64 / 50_000.0
            };
            assert!((share(Verb::Get) - cluster.gets).abs() < 0.01);
            assert!((share(Verb::Delete) - cluster.deletes).abs() < 0.01);
            let known = |lifetime| cluster.lifetimes.iter().any(|(known, _)| *known == lifetime);
            assert!(workload.objects.iter().all(|(_, lifetime)| known(*lifetime)));
            assert!(workload.requests.is_sorted_by_key(|request| request.at));
        }
    }
}
