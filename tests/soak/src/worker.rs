//! A worker: writes the keys of its slot, reads everybody's, and says on the table what it is about to do.

use crate::table::{Note, Table};
use crate::value::{counter_name, fault, key_name, value};
use nearcache::{Cache, Deletion, Error, Expiry, Outcome, Touch};
use std::sync::atomic::Ordering::SeqCst;

/// The two caches of a soak: one with too little memory, and one where nothing is evicted.
#[derive(Debug)]
pub struct Caches {
    pub tight: Cache,
    pub exact: Cache,
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// Runs until the table says that it is over, or this process is killed. A wrong answer ends the process.
pub fn run(caches: &Caches, table: &Table, slot: usize, seed: u64) {
    std::thread::scope(|scope| {
        scope.spawn(|| worker(caches, table, slot, seed ^ 1).read_for_ever());
        worker(caches, table, slot, seed).write_for_ever();
    });
}

fn worker<'a>(caches: &'a Caches, table: &'a Table, slot: usize, seed: u64) -> Worker<'a> {
    Worker { caches, table, slot, rng: Rng(seed), bytes: Vec::new() }
}

struct Worker<'a> {
    caches: &'a Caches,
    table: &'a Table,
    slot: usize,
    rng: Rng,
    bytes: Vec<u8>,
}

fn die(slot: usize, what: &str) -> ! {
    eprintln!("FAULT in slot {slot}: {what}");
    // SAFETY: ends the process; the other thread's work is of no use any more.
    unsafe { libc::_exit(3) }
}

fn thread_cpu() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call fills.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn thread_sleeps() -> u64 {
    // SAFETY: a struct of numbers that the call fills.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage.ru_nvcsw as u64
    }
}

impl Worker<'_> {
    /// One call of the cache, measured. `None`: it was refused for want of memory or of a place.
    fn call<R>(&self, what: &str, call: impl FnOnce() -> Result<R, Error>) -> Option<R> {
        let (cpu, sleeps) = (thread_cpu(), thread_sleeps());
        let answer = call();
        let note = |which| self.table.note(self.slot, which);
        note(Note::Worst).fetch_max(thread_cpu() - cpu, SeqCst);
        note(Note::Sleeps).fetch_add(thread_sleeps() - sleeps, SeqCst);
        note(Note::Operations).fetch_add(1, SeqCst);
        match answer {
            Ok(answer) => Some(answer),
            Err(Error::OutOfMemory | Error::TooManyThreads(_)) => {
                note(Note::Refusals).fetch_add(1, SeqCst);
                None
            }
            Err(error) => die(self.slot, &format!("{what}: {error}")),
        }
    }

    fn write_for_ever(&mut self) {
        while !self.table.is_over() {
            match self.rng.below(16) {
                0..9 => self.store(),
                9..11 => self.delete(),
                11 => self.touch(),
                12 | 13 => self.add(),
                14 => self.compare_and_add(),
                _ => self.read(),
            }
        }
    }

    fn read_for_ever(&mut self) {
        while !self.table.is_over() {
            match self.rng.below(64) {
                0 => self.walk(),
                1..5 => self.count(),
                5..10 => self.pin(),
                10..14 => self.read_many(),
                _ => self.read(),
            }
        }
    }

    fn own_key(&mut self) -> usize {
        self.slot * self.table.keys + self.rng.below(self.table.keys)
    }

    fn any_key(&mut self) -> usize {
        self.rng.below(self.table.slots * self.table.keys)
    }

    fn next_version(&self, key: usize) -> u64 {
        (self.table.begun(key).load(SeqCst) >> 1) + 1
    }

    fn store(&mut self) {
        let key = self.own_key();
        let version = self.next_version(key);
        let bytes = value(key, version);
        self.table.begun(key).store(version << 1, SeqCst);
        let (name, tight) = (key_name(key), &self.caches.tight);
        let stored =
            self.call("set", || match tight.set(name.as_bytes(), &bytes, 0, Expiry::Never) {
                // The old value is gone then.
                Err(Error::OutOfMemory) => Ok(None),
                other => other.map(Some),
            });
        match stored {
            Some(Some(Outcome::Stored(_))) => self.table.done(key).store(version << 1, SeqCst),
            Some(Some(other)) => die(self.slot, &format!("a set was answered {other:?}")),
            Some(None) => {
                self.table.note(self.slot, Note::Refusals).fetch_add(1, SeqCst);
                self.table.begun(key).store(version << 1 | 1, SeqCst);
                self.table.done(key).store(version << 1 | 1, SeqCst);
            }
            // It was not begun.
            None => {}
        }
    }

    fn delete(&mut self) {
        let key = self.own_key();
        let code = self.next_version(key) << 1 | 1;
        self.table.begun(key).store(code, SeqCst);
        let name = key_name(key);
        let deleted = self.call("delete", || self.caches.tight.delete(name.as_bytes()));
        match deleted {
            Some(Deletion::Deleted | Deletion::Missing) => self.table.done(key).store(code, SeqCst),
            Some(Deletion::Exists) => die(self.slot, "a delete was answered Exists"),
            None => {}
        }
    }

    fn touch(&mut self) {
        let name = key_name(self.own_key());
        let expiry = Expiry::After(1000);
        let touched = self.call("touch", || self.caches.tight.touch(name.as_bytes(), expiry));
        if touched == Some(Touch::Touched) {
            self.call("touch", || self.caches.tight.touch(name.as_bytes(), Expiry::Never));
        }
    }

    fn judge(&self, how: &str, key: usize, bytes: Option<&[u8]>, floor: u64) {
        let begun = self.table.begun(key).load(SeqCst);
        let which = if bytes.is_some() { Note::Hits } else { Note::Misses };
        self.table.note(self.slot, which).fetch_add(1, SeqCst);
        if let Some(why) = bytes.and_then(|bytes| fault(key, bytes, floor, begun)) {
            die(self.slot, &format!("{how} of key {key} found {why}"));
        }
    }

    fn read(&mut self) {
        let key = self.any_key();
        let (name, floor) = (key_name(key), self.table.done(key).load(SeqCst));
        let mut bytes = std::mem::take(&mut self.bytes);
        let got = self.call("get", || self.caches.tight.get_to(name.as_bytes(), &mut bytes));
        if let Some(hit) = got {
            self.judge("a get", key, hit.map(|_| &bytes[..]), floor);
        }
        self.bytes = bytes;
    }

    fn read_many(&mut self) {
        let keys: Vec<usize> = (0..8).map(|_| self.any_key()).collect();
        let names: Vec<String> = keys.iter().map(|key| key_name(*key)).collect();
        let floors: Vec<u64> = keys.iter().map(|key| self.table.done(*key).load(SeqCst)).collect();
        let mut found = Vec::new();
        self.call("get_many", || {
            self.caches.tight.get_many(&names, |at, _, bytes| found.push((at, bytes.to_vec())))
        });
        for (at, bytes) in found {
            self.judge("a get_many", keys[at], Some(&bytes), floors[at]);
        }
    }

    fn pin(&mut self) {
        let key = self.any_key();
        let (name, floor) = (key_name(key), self.table.done(key).load(SeqCst));
        let pinned = self.call("pin", || self.caches.tight.pin(name.as_bytes()));
        if let Some(Some(pin)) = pinned {
            let begun = self.table.begun(key).load(SeqCst);
            // Read twice: what is pinned does not change.
            for _ in 0..2 {
                if let Some(why) = fault(key, &pin, floor, begun) {
                    die(self.slot, &format!("a pin of key {key} found {why}"));
                }
                std::thread::yield_now();
            }
        }
    }

    /// Meets some items; each is whole and of its key. (How old, the table cannot tell: it was met while others wrote.)
    fn walk(&mut self) {
        let entries: Vec<_> = self.caches.tight.iter().take(50).collect();
        for entry in entries {
            let name = String::from_utf8_lossy(&entry.key).into_owned();
            let key = name.strip_prefix("soak ").and_then(|number| number.parse().ok());
            let Some(key) = key else { die(self.slot, &format!("a walk met the key {name:?}")) };
            let begun = self.table.begun(key).load(SeqCst);
            if let Some(why) = fault(key, &entry.value.data, 0, begun) {
                die(self.slot, &format!("a walk of key {key} found {why}"));
            }
        }
    }

    /// The first half of the counters is moved by incr, the other by cas.
    fn add(&mut self) {
        let counter = self.rng.below(self.table.counters / 2);
        let delta = 1 + self.rng.below(9) as u64;
        let name = counter_name(counter);
        self.table.adding(self.slot, counter).fetch_add(delta, SeqCst);
        match self.call("incr", || self.caches.exact.incr(name.as_bytes(), delta)) {
            Some(Some(_)) => {
                self.table.added(self.slot, counter).fetch_add(delta, SeqCst);
            }
            Some(None) => die(self.slot, &format!("{name} is gone, and nothing is evicted there")),
            None => {}
        }
    }

    fn compare_and_add(&mut self) {
        let half = self.table.counters / 2;
        let counter = half + self.rng.below(half);
        let name = counter_name(counter);
        let Some(got) = self.call("gets", || self.caches.exact.get(name.as_bytes())) else {
            return;
        };
        let Some(got) = got else { die(self.slot, &format!("{name} is gone")) };
        let next = self.number(&name, &got.data) + 1;
        self.table.adding(self.slot, counter).fetch_add(1, SeqCst);
        let outcome = self.call("cas", || {
            let text = next.to_string();
            self.caches.exact.cas(name.as_bytes(), text.as_bytes(), 0, Expiry::Never, got.cas)
        });
        match outcome {
            Some(Outcome::Stored(_)) => {
                self.table.added(self.slot, counter).fetch_add(1, SeqCst);
            }
            Some(Outcome::Exists) => {
                self.table.adding(self.slot, counter).fetch_sub(1, SeqCst);
            }
            Some(other) => die(self.slot, &format!("a cas was answered {other:?}")),
            None => {}
        }
    }

    fn number(&self, name: &str, bytes: &[u8]) -> u64 {
        let text = String::from_utf8_lossy(bytes).trim().to_string();
        text.parse().unwrap_or_else(|_| die(self.slot, &format!("{name} holds {text:?}")))
    }

    fn count(&mut self) {
        let counter = self.rng.below(self.table.counters);
        let name = counter_name(counter);
        let least = self.table.least(counter);
        let Some(got) = self.call("get", || self.caches.exact.get(name.as_bytes())) else { return };
        let most = self.table.most(counter);
        let Some(got) = got else { die(self.slot, &format!("{name} is gone")) };
        let number = self.number(&name, &got.data);
        if !(least..=most).contains(&number) {
            die(self.slot, &format!("{name} is {number}, and should be {least} to {most}"));
        }
    }
}
