//! Iteration over everything, bucket by bucket.

use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::index::{Bucket, SLOTS, bucket, level};
use crate::item::Item;
use crate::memory::Arena;
use crate::memory::segment::optimistic;
use crate::ops::read::View;
use crate::seat::{self, Op};
use crate::types::{Entry, Value};
use std::sync::Arc;

/// So often an entry that changes is looked at again by who may hold nothing.
const TRIES: usize = 100;

/// Where an iteration has come to. It holds nothing between two steps.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The index's level when the iteration began: entries are met by their bucket of that time, so that a
    /// doubling in between shows none of them twice.
    level: u64,
    next: u64,
}

impl Walk {
    pub fn new(arena: &Arena) -> Walk {
        Walk { level: level(arena), next: 0 }
    }

    /// The live entries of the next bucket; `None` at the end. Values are copied if `with_values`.
    pub fn step(
        &mut self,
        arena: &Arc<Arena>,
        prefix: &[u8],
        with_values: bool,
    ) -> Option<Vec<Entry>> {
        let buckets = arena.geometry().buckets << self.level;
        let number = self.next;
        if number >= buckets {
            return None;
        }
        self.next += 1;
        let op = seat::look(arena);
        let horizon = op.horizon();
        let mut met: Vec<Entry> = Vec::new();
        let mut visit = |bucket: &Bucket| {
            for i in 0..SLOTS {
                if let Some((hash, entry)) = op.entry(bucket, i, horizon, prefix, with_values)
                    && hash.bucket(buckets) == number
                    && !met.iter().any(|other| other.key == entry.key)
                {
                    met.push(entry);
                }
            }
        };
        // The bucket, the one it is still to be split from, and all that it was split into since.
        let now = level(arena);
        let own = bucket(arena, self.level, number);
        if own.ctrl().is_unborn() && self.level > 0 {
            visit(bucket(arena, self.level - 1, number >> 1));
        }
        visit(own);
        for later in self.level + 1..=now {
            let first = number << (later - self.level);
            for k in 0..1 << (later - self.level) {
                if (first + k) & 1 == 1 {
                    visit(bucket(arena, later, first + k));
                }
            }
        }
        Some(met)
    }
}

impl Op<'_> {
    fn entry(
        &self,
        bucket: &Bucket,
        i: usize,
        horizon: Horizon,
        prefix: &[u8],
        with_value: bool,
    ) -> Option<(KeyHash, Entry)> {
        if self.is_spectator() {
            return self.entry_unheld(bucket, i, horizon, prefix, with_value);
        }
        loop {
            let ctrl = bucket.ctrl();
            if ctrl.is_insert() {
                self.settle(bucket, ctrl);
            }
            let slot = bucket.slot(i);
            if !slot.is_live() {
                return None;
            }
            let Ok(held) = self.hold(Hazard::Read, bucket, i, slot) else {
                continue;
            };
            let held = held?;
            let mut buffer = [0; 256];
            let key = held.item.key(self.arena, &mut buffer);
            if !key.starts_with(prefix)
                || horizon.death(self.arena, &held.item, held.birth).is_some()
            {
                self.clear(Hazard::Read);
                return None;
            }
            let view = View { arena: self.arena, item: held.item, birth: held.birth };
            let data = if with_value { view.value() } else { Some(Vec::new()) };
            if data.is_none() && bucket.slot(i).loc() != slot.loc() {
                continue;
            }
            let meta = view.meta(self);
            self.clear(Hazard::Read);
            let hash = self.arena.hasher.hash(key);
            return Some((hash, Entry { key: key.to_vec(), value: Value::new(data?, meta) }));
        }
    }

    /// The same for who may hold nothing: an entry that changes again and again while it is copied is left out, and so is
    /// one that is just being put into its slot.
    fn entry_unheld(
        &self,
        bucket: &Bucket,
        i: usize,
        horizon: Horizon,
        prefix: &[u8],
        with_value: bool,
    ) -> Option<(KeyHash, Entry)> {
        for _ in 0..TRIES {
            let slot = bucket.slot(i);
            if !slot.is_live() {
                return None;
            }
            let (word, birth) =
                (bucket.slot_word(i), self.arena.birth(self.arena.segment_of(slot.loc())?));
            // `None` was torn, and is looked at again; `Some(None)` is none of those that are asked for.
            let met = optimistic(word, slot.0, birth, |birth| {
                let item = Item::at(self.arena, slot.loc())?;
                let mut buffer = [0; 256];
                let key = item.key(self.arena, &mut buffer);
                if !key.starts_with(prefix) || horizon.death(self.arena, &item, birth).is_some() {
                    return Some(None);
                }
                let view = View { arena: self.arena, item, birth };
                let data = if with_value { view.value()? } else { Vec::new() };
                let value = Value::new(data, view.meta(self));
                Some(Some((self.arena.hasher.hash(key), Entry { key: key.to_vec(), value })))
            });
            if let Some(Some(met)) = met {
                return met;
            }
        }
        None
    }
}
