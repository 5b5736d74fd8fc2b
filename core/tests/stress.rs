//! Threads that hammer one cache with every verb, under heavy eviction and with large values.
//!
//! Each key has one writer, who numbers its versions; everybody reads everything. A reader checks that a value is
//! whole and of its key, not older than what was complete when the read began, and not newer than what had been
//! begun when it ended. A deletion is a version that nobody may see.

mod support;

use nearcache::{Cache, Deletion, Error, Expiry, MetaGet, Options, Outcome, Pin};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::blocks;
use support::perform::Refusal;
use support::seed::{Rng, rounds};

struct Load {
    size: u64,
    /// `item_size_hint`: a large one makes a small index, which then grows.
    hint: usize,
    threads: u32,
    keys: u32,
    operations: u32,
    /// Keys below this one have blocks of up to `large` bytes.
    large_keys: u32,
    large: u64,
    small: u64,
    /// Pins that a thread holds at most.
    pins: usize,
}

/// What a reader may see of a key.
struct Bounds {
    /// No older version than this may be read by who begins now.
    floor: AtomicU64,
    /// No newer version than this may have been read by who ends now.
    begun: AtomicU64,
    /// The newest version whose writing has ended.
    complete: AtomicU64,
}

impl Bounds {
    /// The key's writer is done: older versions are gone, and if this one was a deletion, so is it.
    fn has_written(&self, version: u64) {
        self.complete.store(version, SeqCst);
        self.floor.fetch_max(version, SeqCst);
    }
}

struct Shared<'a> {
    cache: &'a Cache,
    load: &'a Load,
    bounds: Vec<Bounds>,
}

#[test]
fn small_values_under_eviction() {
    hammer(&Load {
        size: 1 << 20,
        hint: 100,
        threads: 4,
        keys: 4000,
        operations: 60_000,
        large_keys: 0,
        large: 0,
        small: 800,
        pins: 0,
    });
}

#[test]
fn few_keys_are_fought_over() {
    hammer(&Load {
        size: 1 << 20,
        hint: 100,
        threads: 8,
        keys: 8,
        operations: 25_000,
        large_keys: 0,
        large: 0,
        small: 3000,
        pins: 2,
    });
}

#[test]
fn large_values_under_eviction() {
    hammer(&Load {
        size: 4 << 20,
        hint: 100,
        threads: 4,
        keys: 60,
        operations: 4_000,
        large_keys: 30,
        large: 300 << 10,
        small: 20 << 10,
        pins: 2,
    });
}

#[test]
fn tiny_values_while_the_index_grows() {
    hammer(&Load {
        size: 4 << 20,
        hint: 4000,
        threads: 4,
        keys: 60_000,
        operations: 60_000,
        large_keys: 0,
        large: 0,
        small: 60,
        pins: 0,
    });
}

#[test]
fn two_threads_in_a_roomy_cache() {
    hammer(&Load {
        size: 64 << 20,
        hint: 100,
        threads: 2,
        keys: 200,
        operations: 50_000,
        large_keys: 4,
        large: 100 << 10,
        small: 200,
        pins: 4,
    });
}

fn hammer(load: &Load) {
    rounds(|seed| {
        let mut options = Options::new(load.size);
        options.item_size_hint = load.hint;
        let cache = options.open().expect("the cache opens");
        let bounds = (0..load.keys).map(|_| Bounds {
            floor: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            complete: AtomicU64::new(0),
        });
        let shared = Shared { cache: &cache, load, bounds: bounds.collect() };
        std::thread::scope(|scope| {
            for number in 0..load.threads {
                let shared = &shared;
                scope.spawn(move || Thread::new(shared, number, seed).run());
            }
        });
        cache.check().expect("the cache is whole");
    });
}

fn key(number: u32) -> Vec<u8> {
    let mut key = format!("key {number} ").into_bytes();
    key.resize(key.len() + number as usize % 30, b'_');
    key
}

struct Thread<'a> {
    shared: &'a Shared<'a>,
    number: u32,
    rng: Rng,
    /// The newest version of each key that this thread has read.
    seen: Vec<u64>,
    pins: Vec<(u32, u64, Pin<'a>)>,
    value: Vec<u8>,
    sink: Vec<u8>,
}

impl<'a> Thread<'a> {
    fn new(shared: &'a Shared<'a>, number: u32, seed: u64) -> Thread<'a> {
        Thread {
            shared,
            number,
            rng: Rng::new(seed ^ u64::from(number) << 56),
            seen: vec![0; shared.load.keys as usize],
            pins: Vec::new(),
            value: Vec::new(),
            sink: Vec::new(),
        }
    }

    fn run(mut self) {
        for step in 0..self.shared.load.operations {
            let any = self.rng.below(u64::from(self.shared.load.keys)) as u32;
            match self.rng.below(100) {
                0..45 => self.write(any - any % self.shared.load.threads + self.number),
                45..98 => self.read(any),
                98 if step % 64 == 0 => self.flush(),
                98 if step % 16 == 0 => self.iterate(),
                _ => self.change_nothing(any),
            }
        }
        for (k, version, pin) in std::mem::take(&mut self.pins) {
            check_pin(k, version, &pin);
        }
    }

    /// One write of an own key.
    fn write(&mut self, k: u32) {
        let Some(bounds) = self.shared.bounds.get(k as usize) else {
            return;
        };
        let cache = self.shared.cache;
        let key = key(k);
        // Only this thread raises it.
        let version = bounds.begun.load(SeqCst) + 1;
        self.fill(k, version);
        bounds.begun.store(version, SeqCst);
        let value = &self.value;
        let life = Expiry::After(1 + self.rng.below(100_000) as u32);
        let verb = self.rng.below(16);
        let done = match verb {
            0..6 => cache.set(&key, value, 0, life),
            6 => cache.add(&key, value, 7, Expiry::Never),
            7 | 8 => cache.replace(&key, value, u32::MAX, life),
            9 => cache.append(&key, value),
            10 => cache.prepend(&key, value),
            11 | 12 => match cache.get(&key) {
                Ok(Some(old)) => cache.cas(&key, value, k, life, old.cas),
                Ok(None) => return,
                Err(error) => Err(error),
            },
            _ => {
                let gone = match self.rng.below(3) {
                    0 => cache.get(&key).map(|old| old.map_or(0, |old| old.cas)),
                    _ => Ok(0),
                };
                let deletion = match gone.expect("a get does not fail") {
                    0 => cache.delete(&key),
                    unique => cache.delete_cas(&key, unique),
                };
                // Only a touch of another thread comes between, and that keeps the unique.
                assert_ne!(deletion.expect("a deletion does not fail"), Deletion::Exists);
                bounds.has_written(version);
                return;
            }
        };
        match done {
            Ok(Outcome::Stored(_)) => bounds.has_written(version),
            // A set that fails removes the old value.
            Err(Error::OutOfMemory) if verb < 6 => bounds.has_written(version),
            Ok(Outcome::NotStored | Outcome::Missing) | Err(Error::OutOfMemory) => {}
            Ok(Outcome::Exists) => panic!("key {k}: a cas of the only writer found another unique"),
            Err(error) => panic!("key {k}: {error}"),
        }
    }

    fn fill(&mut self, k: u32, version: u64) {
        let load = self.shared.load;
        let most = if k < load.large_keys && self.rng.chance(50) { load.large } else { load.small };
        let len = self.rng.below(most + 1) as usize;
        self.value.clear();
        blocks::write(k, version, len, &mut self.value);
    }

    fn read(&mut self, k: u32) {
        let cache = self.shared.cache;
        let key = key(k);
        let floor = self.shared.bounds[k as usize].floor.load(SeqCst);
        match self.rng.below(12) {
            0..3 => {
                if let Some(value) = cache.get(&key).expect("a get does not fail") {
                    self.met(k, floor, &value.data);
                }
            }
            3..6 => {
                let mut sink = std::mem::take(&mut self.sink);
                let found = cache.get_to(&key, &mut sink).expect("a get does not fail");
                if let Some(meta) = found {
                    assert_eq!(meta.len, sink.len());
                    self.met(k, floor, &sink);
                }
                self.sink = sink;
            }
            6 | 7 => self.read_many(k),
            8 => {
                match cache.gat(&key, Expiry::Never) {
                    Ok(Some(value)) => _ = self.met(k, floor, &value.data),
                    // An item that is just being moved is written anew, and pins may hold all there is.
                    Ok(None) | Err(Error::OutOfMemory) => {}
                    Err(error) => panic!("a gat does not fail: {error}"),
                }
            }
            9 => {
                let mut sink = std::mem::take(&mut self.sink);
                let found = cache.meta_get(&key, MetaGet::default(), &mut sink);
                if found.expect("a meta get does not fail").is_some() {
                    self.met(k, floor, &sink);
                }
                self.sink = sink;
            }
            _ => self.pin(k, floor),
        }
    }

    fn read_many(&mut self, first: u32) {
        let keys = self.shared.load.keys;
        let asked: Vec<u32> =
            (0..1 + self.rng.below(32) as u32).map(|at| (first + at * 3) % keys).collect();
        let named: Vec<Vec<u8>> = asked.iter().map(|k| key(*k)).collect();
        let floors: Vec<u64> =
            asked.iter().map(|k| self.shared.bounds[*k as usize].floor.load(SeqCst)).collect();
        let cache = self.shared.cache;
        cache
            .get_many(&named, |at, meta, bytes| {
                assert_eq!(meta.len, bytes.len());
                self.met(asked[at], floors[at], bytes);
            })
            .expect("a get does not fail");
    }

    fn pin(&mut self, k: u32, floor: u64) {
        if self.pins.len() >= self.shared.load.pins.max(1) {
            let at = self.rng.index(self.pins.len());
            let (k, version, pin) = self.pins.swap_remove(at);
            check_pin(k, version, &pin);
            return;
        }
        let cache = self.shared.cache;
        let Some(pin) = cache.pin(&key(k)).expect("a pin does not fail") else {
            return;
        };
        let version = self.met(k, floor, &pin);
        if self.shared.load.pins > 0 {
            self.pins.push((k, version, pin));
        }
    }

    /// Checks what was read of a key by who began at `floor`; its version.
    fn met(&mut self, k: u32, floor: u64, bytes: &[u8]) -> u64 {
        let held = blocks::read(k, bytes).unwrap_or_else(|why| panic!("key {k}: {why}"));
        let begun = self.shared.bounds[k as usize].begun.load(SeqCst);
        assert!(
            (floor..=begun).contains(&held.newest) && held.blocks > 0,
            "key {k}: {held:?}, but {floor} was complete before, and {begun} begun after"
        );
        let seen = &mut self.seen[k as usize];
        assert!(held.newest >= *seen, "key {k}: {held:?} after version {seen}");
        *seen = held.newest;
        held.newest
    }

    /// Verbs that leave the value as it is.
    fn change_nothing(&mut self, k: u32) {
        let cache = self.shared.cache;
        let key = key(k);
        match self.rng.below(4) {
            0 => _ = cache.contains(&key).expect("contains does not fail"),
            1 | 2 => {
                let expiry = [Expiry::Never, Expiry::After(500)][self.rng.index(2)];
                match cache.touch(&key, expiry) {
                    Ok(_) | Err(Error::OutOfMemory) => {}
                    Err(error) => panic!("a touch does not fail: {error}"),
                }
            }
            _ => {
                let mut sink = Refusal::default();
                let found = cache.get_to(&key, &mut sink).expect("a get does not fail");
                assert_eq!(found.map(|meta| meta.len), sink.offered.filter(|_| found.is_some()));
            }
        }
    }

    /// What was complete before a flush is gone after it.
    fn flush(&mut self) {
        let bounds = &self.shared.bounds;
        let complete: Vec<u64> = bounds.iter().map(|of| of.complete.load(SeqCst)).collect();
        self.shared.cache.flush_all(0).expect("the cache may be written");
        for (of, version) in bounds.iter().zip(complete) {
            of.floor.fetch_max(version + 1, SeqCst);
        }
    }

    fn iterate(&mut self) {
        let floors: Vec<u64> =
            (self.shared.bounds.iter()).map(|of| of.floor.load(SeqCst)).collect();
        let cache = self.shared.cache;
        for entry in cache.iter().take(200) {
            let number = entry.key.split(|byte| *byte == b' ').nth(1);
            let number = number.and_then(|text| str::from_utf8(text).ok()?.parse::<u32>().ok());
            let k = number.unwrap_or_else(|| panic!("the key {}", entry.key.escape_ascii()));
            assert_eq!(entry.key, key(k));
            self.met(k, floors[k as usize], &entry.value.data);
        }
    }
}

fn check_pin(k: u32, version: u64, pin: &[u8]) {
    let held = blocks::read(k, pin).unwrap_or_else(|why| panic!("pinned key {k}: {why}"));
    assert_eq!(held.newest, version, "pinned key {k} changed");
}
