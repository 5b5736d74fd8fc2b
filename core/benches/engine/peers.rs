//! What the engine is measured beside: the least work that any cache could do, and the plain way to have one.

use crate::load::{Key, VALUE, mix};
use hashbrown::HashMap;
use nearcache::{Cache, Expiry, Options};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A contender.
pub trait Store: Sync {
    /// Copies the value out; is the key there?
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool;
    fn set(&self, key: &Key, value: &[u8; VALUE]);
    /// Copies each value out; how many are there?
    fn get_many(&self, keys: &[Key], out: &mut Vec<u8>) -> usize {
        keys.iter().filter(|key| self.get(key, out)).count()
    }
}

/// The engine.
pub struct Engine(pub Cache);

impl Engine {
    pub fn new(size: u64) -> Engine {
        Engine(Options::new(size).open().expect("the cache opens"))
    }
}

impl Store for Engine {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        let found = self.0.get_to(key, out).expect("a get does not fail");
        found.is_some()
    }
    #[inline]
    fn set(&self, key: &Key, value: &[u8; VALUE]) {
        self.0.set(key, value, 0, Expiry::Never).expect("a set does not fail");
    }
    fn get_many(&self, keys: &[Key], out: &mut Vec<u8>) -> usize {
        let mut found = 0;
        let hit = |_, _, bytes: &[u8]| {
            out.clear();
            out.extend_from_slice(bytes);
            found += 1;
        };
        self.0.get_many(keys, hit).expect("a get does not fail");
        found
    }
}

/// Words of an ideal item: key, value, and what is left of two cache lines.
const WORDS: usize = 16;
/// Entries of an ideal bucket: one cache line.
const SLOTS: usize = 8;

/// The ideal loop: a hash of two multiplications, one line of an index, the item's two lines, a copy. No deletion,
/// no lifetime, no choice of a victim (the log overwrites itself), no defence against a torn read.
pub struct Ideal {
    index: Vec<Line>,
    log: Vec<Line>,
    next: AtomicU64,
}

/// A cache line.
#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; SLOTS]);

impl Ideal {
    /// Room for so many items.
    pub fn new(items: u64) -> Ideal {
        let lines = |count: u64| (0..count).map(|_| Line::default()).collect();
        Ideal {
            index: lines((items / 4).next_power_of_two()),
            log: lines(items * 2),
            next: AtomicU64::new(0),
        }
    }

    #[inline]
    fn place(&self, key: &Key) -> (u64, &Line, u64, u64) {
        let low = u64::from_le_bytes(key[..8].try_into().expect("8 bytes"));
        let high = u64::from_le_bytes(key[8..].try_into().expect("8 bytes"));
        let product =
            u128::from(low ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(high ^ 0x8bb8_4b93_962e_acc9);
        let hash = (product as u64 ^ (product >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bucket = &self.index[hash as usize & (self.index.len() - 1)];
        (hash >> 40 | 1 << 24, bucket, low, high)
    }

    #[inline]
    fn find(&self, key: &Key) -> Option<usize> {
        let (tag, bucket, low, high) = self.place(key);
        bucket.0.iter().find_map(|slot| {
            let word = slot.load(Relaxed);
            if word >> 32 != tag {
                return None;
            }
            let at = (word & 0xffff_ffff) as usize;
            let line = &self.log[at].0;
            (line[0].load(Relaxed) == low && line[1].load(Relaxed) == high).then_some(at)
        })
    }
}

impl Store for Ideal {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let mut bytes = [0; WORDS * 8 - 16];
        let words = self.log[at].0[2..].iter().chain(&self.log[at + 1].0);
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        out.clear();
        out.extend_from_slice(&bytes[..VALUE]);
        true
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8; VALUE]) {
        let (tag, bucket, low, high) = self.place(key);
        let at = (self.next.fetch_add(2, Relaxed) % self.log.len() as u64) as usize;
        self.log[at].0[0].store(low, Relaxed);
        self.log[at].0[1].store(high, Relaxed);
        let words = self.log[at].0[2..].iter().chain(&self.log[at + 1].0);
        for (word, from) in words.zip(value.chunks(8)) {
            let mut whole = [0; 8];
            whole[..from.len()].copy_from_slice(from);
            word.store(u64::from_le_bytes(whole), Relaxed);
        }
        let same = |slot: &&AtomicU64| slot.load(Relaxed) >> 32 == tag;
        let empty = |slot: &&AtomicU64| slot.load(Relaxed) == 0;
        let slots = &bucket.0;
        let slot = slots.iter().find(same).or_else(|| slots.iter().find(empty));
        let victim = &slots[mix(at as u64) as usize % SLOTS];
        slot.unwrap_or(victim).store(tag << 32 | at as u64, Relaxed);
    }
}

/// The plain way: a map behind a mutex. Where memory is bounded, the oldest entry goes.
pub struct Plain {
    map: Mutex<Map>,
    items: usize,
}

#[derive(Default)]
struct Map {
    values: HashMap<Key, Box<[u8]>>,
    /// The keys in the order in which they came.
    order: VecDeque<Key>,
}

impl Plain {
    pub fn new(items: u64) -> Plain {
        Plain { map: Mutex::default(), items: items as usize }
    }
}

impl Store for Plain {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        let guard = self.map.lock();
        guard.values.get(key).is_some_and(|value| {
            out.clear();
            out.extend_from_slice(value);
            true
        })
    }
    #[inline]
    fn set(&self, key: &Key, value: &[u8; VALUE]) {
        let mut guard = self.map.lock();
        let Map { values, order } = &mut *guard;
        if values.insert(*key, Box::from(&value[..])).is_some() {
            return;
        }
        order.push_back(*key);
        if order.len() > self.items {
            let oldest = order.pop_front().expect("it is not empty");
            values.remove(&oldest);
        }
    }
}
