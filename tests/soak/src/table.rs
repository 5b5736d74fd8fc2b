//! What workers publish outside of the cache: the versions of each key before and after a store, and what each slot has
//! begun and been acknowledged of each counter. A file of words, so that a worker in any language can map or read it.
//!
//! ```text
//! word 0    1 when workers are to end
//! word 1-3  slots, keys of a slot, counters
//! 64 + 16 s        of slot s: operations, hits, misses, refusals, worst operation in nanoseconds of processor time,
//!                  sleeps within operations, starts
//! keys_at + 2 k    of key k: the code of the version begun last, and of the one done last
//! counters_at + 2 (s counters + c)   of slot s: what it has begun to add to counter c, and what was acknowledged
//! ```
//!
//! Key `k` is written by slot `k / keys` alone. A code is `version << 1 | is a deletion`; versions of a key only grow.

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

const SLOTS_AT: usize = 64;
const SLOT: usize = 16;

/// The words of a slot.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub enum Note {
    Operations = 0,
    Hits = 1,
    Misses = 2,
    Refusals = 3,
    Worst = 4,
    Sleeps = 5,
    Starts = 6,
}

/// The mapped table.
#[derive(Debug)]
pub struct Table {
    words: &'static [AtomicU64],
    pub slots: usize,
    pub keys: usize,
    pub counters: usize,
}

impl Table {
    /// Makes the file.
    pub fn create(path: &Path, slots: usize, keys: usize, counters: usize) -> Table {
        let keys_at = SLOTS_AT + slots * SLOT;
        let words = keys_at + 2 * slots * keys + 2 * slots * counters;
        let file = OpenOptions::new().create_new(true).read(true).write(true).open(path);
        let file = file.unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        file.set_len(words as u64 * 8).expect("there is room for the table");
        // SAFETY: a new mapping of a file of that length, which nobody cuts; it is never unmapped.
        let base = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(
                std::ptr::null_mut(),
                words * 8,
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        assert!(base != libc::MAP_FAILED, "cannot map {}", path.display());
        // SAFETY: the mapping holds so many words, which are used as atomic ones alone.
        let words = unsafe { std::slice::from_raw_parts(base.cast::<AtomicU64>(), words) };
        for (word, value) in words[1..].iter().zip([slots, keys, counters]) {
            word.store(value as u64, SeqCst);
        }
        Table { words, slots, keys, counters }
    }

    /// Are workers to end?
    pub fn is_over(&self) -> bool {
        self.words[0].load(SeqCst) != 0
    }

    pub fn end(&self) {
        self.words[0].store(1, SeqCst);
    }

    pub fn note(&self, slot: usize, which: Note) -> &AtomicU64 {
        &self.words[SLOTS_AT + slot * SLOT + which as usize]
    }

    /// A note of all slots together.
    pub fn sum(&self, which: Note) -> u64 {
        (0..self.slots).map(|slot| self.note(slot, which).load(SeqCst)).sum()
    }

    fn keys_at(&self) -> usize {
        SLOTS_AT + self.slots * SLOT
    }

    pub fn begun(&self, key: usize) -> &AtomicU64 {
        &self.words[self.keys_at() + 2 * key]
    }

    pub fn done(&self, key: usize) -> &AtomicU64 {
        &self.words[self.keys_at() + 2 * key + 1]
    }

    fn counter(&self, slot: usize, counter: usize) -> usize {
        self.keys_at() + 2 * self.slots * self.keys + 2 * (slot * self.counters + counter)
    }

    pub fn adding(&self, slot: usize, counter: usize) -> &AtomicU64 {
        &self.words[self.counter(slot, counter)]
    }

    pub fn added(&self, slot: usize, counter: usize) -> &AtomicU64 {
        &self.words[self.counter(slot, counter) + 1]
    }

    /// What all slots have been acknowledged of a counter: it is not less.
    pub fn least(&self, counter: usize) -> u64 {
        (0..self.slots).map(|slot| self.added(slot, counter).load(SeqCst)).sum()
    }

    /// What all slots have begun to add to a counter: it is not more.
    pub fn most(&self, counter: usize) -> u64 {
        (0..self.slots).map(|slot| self.adding(slot, counter).load(SeqCst)).sum()
    }
}
