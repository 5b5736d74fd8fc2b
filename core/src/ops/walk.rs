//! Going over everything, bucket by bucket: the iterators and the scan.

use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::index::{Bucket, SLOTS, Slot, bucket, level, mark};
use crate::item::{Item, size_of_item};
use crate::memory::segment::optimistic;
use crate::memory::{Arena, PerSegment};
use crate::ops::read::View;
use crate::seat::{self, Op};
use crate::sync::Ordering;
use crate::types::{Cursor, Entry, Seen, Value};
use std::sync::Arc;

/// So often an entry that changes is looked at again by who may hold nothing.
const TRIES: usize = 100;

/// What was made of an entry. `None` was incomplete, and is looked at again; `Some(None)` is none of those asked for.
type Looked<R> = Option<Option<R>>;

/// The live entries of the cursor's next bucket; `None` at the end. Values are copied if `with_values`.
pub(crate) fn entries(
    arena: &Arc<Arena>,
    cursor: &mut Cursor,
    prefix: &[u8],
    with_values: bool,
) -> Option<Vec<Entry>> {
    let op = seat::look(arena);
    let mut met: Vec<Entry> = Vec::new();
    let look = |view: &View<'_>, _: Slot, key: &[u8]| {
        if !key.starts_with(prefix) {
            return Some(None);
        }
        let data = if with_values { view.value()? } else { Vec::new() };
        Some(Some(Entry { key: key.to_vec(), value: Value::new(data, view.meta(&op)) }))
    };
    let is_more = op.next_bucket(cursor, look, &mut |_, entry| {
        if !met.iter().any(|other| other.key == entry.key) {
            met.push(entry);
        }
    });
    is_more.then_some(met)
}

/// Shows `visit` the live items of so many buckets; `false` at the end. Nothing is held while it is called.
pub(crate) fn scan(
    arena: &Arc<Arena>,
    cursor: &mut Cursor,
    buckets: usize,
    visit: &mut dyn FnMut(Seen<'_>),
) -> bool {
    let (mut met, mut keys) = (Vec::new(), Vec::new());
    (0..buckets.max(1)).all(|_| {
        let op = seat::look(arena);
        let look = |view: &View<'_>, slot, _: &[u8]| Some(Some(op.seen(view, slot)));
        let is_more = op.next_bucket(cursor, look, &mut |key, seen| {
            keys.extend_from_slice(key);
            met.push((key.len(), seen));
        });
        // Its seat may be a lent one, which what `visit` calls may be waiting for.
        drop(op);
        let mut rest = &keys[..];
        for (len, seen) in met.drain(..) {
            let (key, after) = rest.split_at(len);
            rest = after;
            visit(Seen { key, ..seen });
        }
        keys.clear();
        is_more
    })
}

impl Op<'_> {
    /// Shows `met` what `look` made of each live entry of the cursor's next bucket; `false` at the end.
    fn next_bucket<R>(
        &self,
        cursor: &mut Cursor,
        look: impl Fn(&View<'_>, Slot, &[u8]) -> Looked<R>,
        met: &mut dyn FnMut(&[u8], R),
    ) -> bool {
        let arena = self.arena;
        // That of another cache may name a level that this one does not have.
        let begun = cursor.level.unwrap_or_else(|| level(arena)).min(level(arena));
        cursor.level = Some(begun);
        let (number, buckets) = (cursor.next, arena.geometry().buckets << begun);
        if number >= buckets {
            return false;
        }
        cursor.next += 1;
        let horizon = self.horizon();
        let mut visit = |bucket: &Bucket| {
            let mut key = [0; 256];
            for i in 0..SLOTS {
                if let Some((len, hash, entry)) = self.entry(bucket, i, horizon, &mut key, &look)
                    && hash.bucket(buckets) == number
                {
                    met(&key[..len], entry);
                }
            }
        };
        // The bucket, the one it is still to be split from, and all that it was split into since. Entries only move to a
        // bucket that is visited later: the level is read again each time, and is raised before they move.
        let own = bucket(arena, begun, number);
        if own.ctrl().is_unborn() && begun > 0 {
            visit(bucket(arena, begun - 1, number >> 1));
        }
        visit(own);
        let mut later = begun + 1;
        while later <= level(arena) {
            let first = number << (later - begun);
            for k in (0..1 << (later - begun)).filter(|k| (first + k) & 1 == 1) {
                visit(bucket(arena, later, first + k));
            }
            later += 1;
        }
        true
    }

    /// What `look` makes of the entry of a slot, if it is alive; its key is copied to `key`, and is this long.
    fn entry<R>(
        &self,
        bucket: &Bucket,
        i: usize,
        horizon: Horizon,
        key: &mut [u8; 256],
        look: &impl Fn(&View<'_>, Slot, &[u8]) -> Looked<R>,
    ) -> Option<(usize, KeyHash, R)> {
        if self.is_spectator() {
            return self.entry_unheld(bucket, i, horizon, key, look);
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
            let view = View { arena: self.arena, item: held.item, birth: held.birth };
            let looked = self.look_at(&view, slot, horizon, key, look);
            // What stays incomplete is of a damaged arena.
            let is_torn = looked.is_none() && bucket.slot(i).loc() != slot.loc();
            self.clear(Hazard::Read);
            if !is_torn {
                return looked.flatten();
            }
        }
    }

    /// The same for who may hold nothing: an entry that changes again and again while it is copied is left out, and so is
    /// one that is just being put into its slot.
    fn entry_unheld<R>(
        &self,
        bucket: &Bucket,
        i: usize,
        horizon: Horizon,
        key: &mut [u8; 256],
        look: &impl Fn(&View<'_>, Slot, &[u8]) -> Looked<R>,
    ) -> Option<(usize, KeyHash, R)> {
        for _ in 0..TRIES {
            let slot = bucket.slot(i);
            if !slot.is_live() {
                return None;
            }
            let (word, birth) =
                (bucket.slot_word(i), self.arena.birth(self.arena.segment_of(slot.loc())?));
            let looked = optimistic(word, slot.0, birth, |birth| {
                let item = Item::at(self.arena, slot.loc())?;
                let view = View { arena: self.arena, item, birth };
                self.look_at(&view, slot, horizon, key, look)
            });
            if let Some(Some(met)) = looked {
                return met;
            }
        }
        None
    }

    fn look_at<R>(
        &self,
        view: &View<'_>,
        slot: Slot,
        horizon: Horizon,
        key: &mut [u8; 256],
        look: &impl Fn(&View<'_>, Slot, &[u8]) -> Looked<R>,
    ) -> Looked<(usize, KeyHash, R)> {
        if horizon.death(self.arena, &view.item, view.birth).is_some() {
            return Some(None);
        }
        let key = view.item.key(self.arena, key);
        let hash = self.arena.hasher.hash(key);
        Some(look(view, slot, key)?.map(|entry| (key.len(), hash, entry)))
    }

    /// What a scan tells of an item, but for its key.
    fn seen(&self, view: &View<'_>, slot: Slot) -> Seen<'static> {
        let (arena, item, meta) = (self.arena, &view.item, view.meta(self));
        let now = arena.superblock().clock.0.now();
        let is_first = item.origin(arena, view.birth) == view.birth;
        let opened = arena.segment_of(item.loc).filter(|_| is_first).map(|segment| {
            // Relaxed: published with the segment's birth.
            arena.segment(PerSegment::Opened, segment).load(Ordering::Relaxed)
        });
        Seen {
            key: &[],
            value_len: meta.len,
            flags: meta.flags,
            cas: meta.cas,
            ttl: meta.ttl,
            fetched: slot.has(mark::FETCHED),
            last_access: item.access.map(|time| now.saturating_sub(time)),
            binary: slot.has(mark::BINARY),
            stale: slot.has(mark::STALE),
            size: size_of_item(item.klen(), meta.len, meta.flags),
            reads: Some(slot.freq() as u8),
            age: opened.map(|opened| u64::from(now).saturating_sub(opened) as u32),
        }
    }
}
