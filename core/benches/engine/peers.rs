//! What the engine is measured beside: the least work that any cache could do, and the plain way to have one.
//! (`tests/compare` takes this file in by path, and adds other people's caches.)

use crate::load::{Key, mix};
use hashbrown::HashMap;
use nearcache::{Cache, Expiry, Options};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A contender.
pub trait Store: Sync {
    /// Copies the value out; is the key there?
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool;
    fn set(&self, key: &Key, value: &[u8]);
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
    fn set(&self, key: &Key, value: &[u8]) {
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

/// Entries of an ideal bucket: one cache line.
const SLOTS: usize = 8;

/// The ideal loop for values of one length: a hash of two multiplications, one line of an index, the item's lines, a
/// copy. No deletion, no lifetime, no choice of a victim (the log overwrites itself), no defence against a torn read.
pub struct Ideal<const VALUE: usize> {
    index: Vec<Line>,
    log: Vec<Line>,
    next: AtomicU64,
}

/// A cache line.
#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; SLOTS]);

impl<const VALUE: usize> Ideal<VALUE> {
    /// Lines of an item: two words of key, and the value.
    const LINES: usize = (16 + VALUE).div_ceil(64);
    /// The value's bytes in whole words.
    const ROUND: usize = VALUE.next_multiple_of(8);

    /// Room for so many items.
    pub fn new(items: u64) -> Ideal<VALUE> {
        let lines = |count: u64| (0..count).map(|_| Line::default()).collect();
        Ideal {
            index: lines((items / 4).next_power_of_two()),
            log: lines(items * Self::LINES as u64),
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

    /// The words of the item at `at`, its key's first.
    #[inline]
    fn words(&self, at: usize) -> &[AtomicU64] {
        let lines = &self.log[at..at + Self::LINES];
        // SAFETY: a line is its words and nothing else, as the assertion below says.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * SLOTS) }
    }
}

const _: () = assert!(size_of::<Line>() == SLOTS * 8);

impl<const VALUE: usize> Store for Ideal<VALUE> {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        out.resize(Self::ROUND, 0);
        copy_out(&self.words(at)[2..], out);
        out.truncate(VALUE);
        true
    }

    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        let (tag, bucket, low, high) = self.place(key);
        let lines = Self::LINES as u64;
        let at = (self.next.fetch_add(lines, Relaxed) % self.log.len() as u64) as usize;
        let words = self.words(at);
        words[0].store(low, Relaxed);
        words[1].store(high, Relaxed);
        let (whole, rest) = value.as_chunks::<8>();
        for (word, from) in words[2..].iter().zip(whole) {
            word.store(u64::from_le_bytes(*from), Relaxed);
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        if let Some(word) = words.get(2 + whole.len()) {
            word.store(u64::from_le_bytes(last), Relaxed);
        }
        let same = |slot: &&AtomicU64| slot.load(Relaxed) >> 32 == tag;
        let empty = |slot: &&AtomicU64| slot.load(Relaxed) == 0;
        let slots = &bucket.0;
        let slot = slots.iter().find(same).or_else(|| slots.iter().find(empty));
        let victim = &slots[mix(at as u64) as usize % SLOTS];
        slot.unwrap_or(victim).store(tag << 32 | at as u64, Relaxed);
    }
}

/// Copies as many bytes as there is room for; the room is whole words.
#[inline]
fn copy_out(words: &[AtomicU64], out: &mut [u8]) {
    assert!(out.len() <= size_of_val(words));
    let copied = copy_wide(words, out);
    for (to, word) in out[copied..].chunks_exact_mut(8).zip(&words[copied / 8..]) {
        to.copy_from_slice(&word.load(Relaxed).to_le_bytes());
    }
}

/// Copies what it can with registers of 16 bytes, which loads of atomic words are never joined to. How many bytes?
#[inline]
fn copy_wide(words: &[AtomicU64], out: &mut [u8]) -> usize {
    #[cfg(target_arch = "x86_64")]
    for (to, from) in out.chunks_exact_mut(16).zip(words.chunks_exact(2)) {
        // SAFETY: both chunks are 16 bytes; another thread's write is seen by the processor, not by the compiler.
        unsafe {
            std::arch::asm!("movups {x}, [{f}]", "movups [{t}], {x}", x = out(xmm_reg) _,
                 f = in(reg) from.as_ptr(), t = in(reg) to.as_mut_ptr(),
                 options(nostack, preserves_flags));
        }
    }
    if cfg!(target_arch = "x86_64") { out.len() / 16 * 16 } else { 0 }
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
    fn set(&self, key: &Key, value: &[u8]) {
        let mut guard = self.map.lock();
        let Map { values, order } = &mut *guard;
        if values.insert(*key, Box::from(value)).is_some() {
            return;
        }
        order.push_back(*key);
        if order.len() > self.items {
            let oldest = order.pop_front().expect("it is not empty");
            values.remove(&oldest);
        }
    }
}
