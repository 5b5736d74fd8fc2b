//! The engine and the oracle side by side: each operation is done on both, and the answers must agree.
//!
//! A cache may evict what the oracle keeps. That is accepted only where the case says so, only as a miss, and only
//! so often as the engine's own counter of evictions admits. An older value, or one that was deleted or flushed, is
//! never accepted.

use super::answer::{Answer, Reply};
use super::ops::{Op, Storing, Wishes, key};
use super::oracle::{Oracle, item_size};
use super::perform::{hit, of_value, perform, token};
use hashbrown::HashMap;
use nearcache::{Cache, MetaMode, Options};
use std::rc::Rc;

/// What a case expects of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Everything fits: nothing may be evicted, nothing refused.
    Roomy,
    /// The cache evicts.
    Tight,
    /// The cache refuses (`evict` is false); it never evicts.
    Refusing,
}

pub struct Pair {
    cache: Rc<Cache>,
    oracle: Oracle,
    memory: Memory,
    size: u64,
    /// Evictions that the oracle has noticed.
    lost: u64,
    /// Are pins held? Then memory may be full of what cannot go.
    pub pinned: bool,
}

impl Pair {
    /// An empty cache with these options and the manual clock.
    pub fn new(options: &Options, memory: Memory) -> Pair {
        let mut options = options.clone();
        options.manual_clock = true;
        options.evict = memory != Memory::Refusing;
        let cache = options.open().expect("the options of the case");
        // The cache may lower the limit that was asked for, to what its memory can hold.
        let oracle = Oracle::new(cache.unix_time(), cache.item_size_max());
        let cache = Rc::new(cache);
        Pair { cache, oracle, memory, size: options.size, lost: 0, pinned: false }
    }

    /// The engine, for what a case does beside the steps.
    pub fn cache(&self) -> Rc<Cache> {
        Rc::clone(&self.cache)
    }

    /// Does one operation on both.
    pub fn step(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::GetMany(keys) => self.get_many(keys),
            Op::Iterate => self.iterate(),
            Op::Keys(k) => self.keys(*k),
            Op::Flush(_) | Op::Advance(_) => self.whole(op),
            _ => self.one(op, op.key().expect("the operations above have none")),
        }
    }

    /// Does them all, then recounts the cache.
    pub fn run(&mut self, ops: &[Op]) -> Result<(), String> {
        for (at, op) in ops.iter().enumerate() {
            self.step(op).map_err(|why| format!("operation {at}, {op:?}: {why}"))?;
        }
        self.finish()
    }

    /// Meets everything once more, and recounts the cache.
    pub fn finish(&mut self) -> Result<(), String> {
        self.iterate().map_err(|why| format!("the last iteration: {why}"))?;
        self.end()
    }

    /// What must hold at the end of a case.
    fn end(&self) -> Result<(), String> {
        self.cache.check().map_err(|error| error.to_string())?;
        let stats = self.cache.stats();
        if self.memory != Memory::Tight && stats.evictions + stats.index_evictions != 0 {
            return Err(format!(
                "{:?} memory, but {} evictions, {} of them by the index",
                self.memory, stats.evictions, stats.index_evictions
            ));
        }
        let live = self.oracle.live_keys().len() as u64;
        match self.memory {
            Memory::Roomy | Memory::Refusing if stats.curr_items < live => {
                Err(format!("{live} items live, curr_items {}", stats.curr_items))
            }
            _ => Ok(()),
        }
    }

    fn whole(&mut self, op: &Op) -> Result<(), String> {
        let reply = perform(&self.cache, op, 0);
        let expected = Reply::from(self.oracle.apply(op));
        if reply != expected {
            return Err(format!("answered {reply:?}, expected {expected:?}"));
        }
        let (ours, theirs) = (self.cache.unix_time(), self.oracle.unix_time());
        if ours != theirs {
            return Err(format!("the clock shows {ours}, expected {theirs}"));
        }
        Ok(())
    }

    /// An operation of one key.
    fn one(&mut self, op: &Op, k: u8) -> Result<(), String> {
        let unique = token(op).map_or(0, |token| self.oracle.unique(k, token));
        let before = self.oracle.entry(k);
        let expected = self.oracle.apply(op);
        let reply = perform(&self.cache, op, unique);
        if agree(&expected, &reply.answer) {
            return self.learn(k, &reply);
        }
        let differs = format!("answered {:?}, expected {expected:?}", reply.answer);
        if self.refused(op, &reply.answer) {
            self.oracle.put_back(k, before);
            if matches!(op, Op::Store(Storing::Set, ..))
                || matches!(op, Op::MetaSet(_, _, wishes) if !joins(wishes.mode))
            {
                self.oracle.forget(k);
            }
            return Ok(());
        }
        if self.memory != Memory::Tight {
            return Err(differs);
        }
        // Was the key evicted before? Then the operation ran on a missing one.
        self.oracle.put_back(k, before);
        self.evicted(k).map_err(|why| format!("{differs}; {why}"))?;
        if !agree(&self.oracle.apply(op), &reply.answer) {
            return Err(differs);
        }
        self.learn(k, &reply)
    }

    fn learn(&mut self, k: u8, reply: &Reply) -> Result<(), String> {
        match reply.unique {
            Some(unique) => self.oracle.learn(k, unique),
            None => Ok(()),
        }
    }

    /// Notes that the engine misses a key that the oracle has.
    fn evicted(&mut self, k: u8) -> Result<(), String> {
        if self.oracle.live(k).is_none() {
            return Err("and the key was not there to be evicted".into());
        }
        self.oracle.forget(k);
        self.lost += 1;
        let admitted = self.cache.stats().evictions;
        if self.memory != Memory::Tight || self.lost > admitted {
            return Err(format!(
                "key {k} is missing: {} keys lost, {admitted} evictions admitted",
                self.lost
            ));
        }
        Ok(())
    }

    /// Is this answer one that only a full memory excuses, and is memory full?
    fn refused(&self, op: &Op, answer: &Answer) -> bool {
        let grows = matches!(op, Op::Store(Storing::Append | Storing::Prepend, ..))
            || matches!(op, Op::MetaSet(_, _, wishes) if joins(wishes.mode));
        let worded = *answer == Answer::OutOfMemory || grows && *answer == Answer::NotStored;
        let size = match op {
            Op::Store(_, k, body, flags, _) | Op::MetaSet(k, body, Wishes { flags, .. }) => {
                item_size(key(*k).len(), body.bytes().len(), *flags)
            }
            _ => 64,
        };
        let present = op.key().and_then(|k| self.oracle.live(k));
        let needed = size + present.map_or(0, |item| item.data.0.len());
        let full = match self.memory {
            Memory::Roomy => false,
            // A cache that evicts can always make room for a small part of itself.
            Memory::Tight => self.pinned || needed as u64 > self.size / 4,
            Memory::Refusing => (self.oracle.live_bytes() + needed) as u64 > self.size / 4,
        };
        worded && full
    }

    fn get_many(&mut self, keys: &[u8]) -> Result<(), String> {
        let named: Vec<Vec<u8>> = keys.iter().map(|k| key(*k)).collect();
        let mut hits: Vec<(usize, Reply)> = Vec::new();
        let done = self.cache.get_many(&named, |at, meta, bytes| {
            hits.push((at, Reply { answer: hit(meta, bytes), unique: Some(meta.cas) }));
        });
        done.map_err(|error| format!("failed: {error}"))?;
        if !hits.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("the hits came out of order, or twice".into());
        }
        let mut hits: HashMap<usize, Reply> = hits.into_iter().collect();
        for (at, k) in keys.iter().enumerate() {
            let reply = hits.remove(&at).unwrap_or_else(|| Reply::from(Answer::Miss));
            let expected = self.oracle.read(*k);
            self.met(*k, expected, reply).map_err(|why| format!("key number {at} ({k}): {why}"))?;
        }
        match hits.into_keys().next() {
            Some(at) => Err(format!("a hit for key number {at}, which was not asked")),
            None => Ok(()),
        }
    }

    /// Compares what a get has shown of a key.
    fn met(&mut self, k: u8, expected: Answer, reply: Reply) -> Result<(), String> {
        if agree(&expected, &reply.answer) {
            return self.learn(k, &reply);
        }
        let differs = format!("met {:?}, expected {expected:?}", reply.answer);
        match reply.answer {
            Answer::Miss => self.evicted(k).map_err(|why| format!("{differs}; {why}")),
            _ => Err(differs),
        }
    }

    /// Meets everything: in a quiet cache, exactly what is alive.
    fn iterate(&mut self) -> Result<(), String> {
        let mut met: HashMap<Vec<u8>, Reply> = HashMap::new();
        for entry in self.cache.iter() {
            let reply = of_value(Some(entry.value));
            if met.insert(entry.key.clone(), reply).is_some() {
                return Err(format!("{} was met twice", entry.key.escape_ascii()));
            }
        }
        for k in self.oracle.live_keys() {
            let reply = met.remove(&key(k)).unwrap_or_else(|| Reply::from(Answer::Miss));
            let expected = self.oracle.look(k);
            self.met(k, expected, reply).map_err(|why| format!("key {k}: {why}"))?;
        }
        match met.into_keys().next() {
            Some(key) => Err(format!("{} was met, which is not there", key.escape_ascii())),
            None => Ok(()),
        }
    }

    /// Meets the keys of a prefix, taken from a key's first bytes.
    fn keys(&mut self, of: u8) -> Result<(), String> {
        let whole = key(of);
        let prefix = &whole[..whole.len().min(3)];
        let mut met: Vec<Vec<u8>> = self.cache.keys(prefix).collect();
        met.sort_unstable();
        let mut expected = Vec::new();
        for k in self.oracle.live_keys() {
            if !key(k).starts_with(prefix) {
                continue;
            }
            if met.binary_search(&key(k)).is_err() {
                self.evicted(k)?;
                continue;
            }
            expected.push(key(k));
        }
        expected.sort_unstable();
        if met != expected {
            return Err(format!("met the keys {met:?}, expected {expected:?}"));
        }
        Ok(())
    }
}

fn joins(mode: MetaMode) -> bool {
    matches!(mode, MetaMode::Append | MetaMode::Prepend)
}

/// Does the engine's answer say what the oracle expects? What the oracle leaves open agrees with anything.
fn agree(expected: &Answer, answer: &Answer) -> bool {
    match (expected, answer) {
        (Answer::MetaHit(hit, marks), Answer::MetaHit(met, shown)) => {
            let open = marks.hit_before.is_none();
            let mut shown = *shown;
            if open {
                shown.hit_before = None;
            }
            hit == met && *marks == shown
        }
        _ => expected == answer,
    }
}
