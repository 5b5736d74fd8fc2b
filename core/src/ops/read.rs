//! get and its kin: optimistic reads that store nothing.

use crate::expiry::{Death, Horizon};
use crate::hash::KeyHash;
use crate::hazard::{Hazard, guard, unguard};
use crate::index::{Place, Slot, candidates, find, home, likely, mark};
use crate::item::Item;
use crate::memory::Arena;
use crate::memory::segment::{optimistic, unchanged};
use crate::ops::glance::glance;
use crate::seat::{self, Op};
use crate::stats::Counter;
use crate::types::{Meta, Sink, Value};
use std::mem::MaybeUninit;
use std::sync::Arc;

/// What a look at an entry, or for a key, said. Small, so that it stays in a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    Hit,
    Missing,
    Dead(Death),
    /// The entry is another key's.
    OtherKey,
    /// The words were recycled while they were read: look again.
    Torn,
}

/// After so many torn reads a reader holds the item instead.
const TRIES: usize = 8;
/// After so many one who may hold nothing takes it for missing.
const SPECTATOR_TRIES: usize = 1000;

/// An item that is being read.
pub(super) struct View<'a> {
    pub arena: &'a Arena,
    pub item: Item,
    pub birth: u64,
}

impl View<'_> {
    pub fn meta(&self, op: &Op<'_>) -> Meta {
        let mut meta = Meta::NONE;
        self.note(op, &mut meta);
        meta
    }

    /// Writes down what is known of the item, field by field: no copy of a copy.
    #[inline(always)]
    fn note(&self, op: &Op<'_>, meta: &mut Meta) {
        meta.len = self.item.len as usize;
        meta.flags = self.item.flags(self.arena);
        meta.cas = self.item.unique(self.arena, self.birth);
        meta.ttl = op.ttl(self.item.header.expiry());
    }

    /// Copies the value, of which `meta` is known. `None`: a part of it was recycled meanwhile.
    #[inline(always)]
    pub fn copy<S: Sink + ?Sized>(&self, meta: &Meta, sink: &mut S) -> Option<()> {
        let Some(mut to) = sink.room_for(meta) else {
            return Some(());
        };
        if to.len() != self.item.len as usize {
            return Some(());
        }
        if let Some(number) = self.item.number {
            to.write_copy_of_slice(number.text(&mut [0; 31]));
            return Some(());
        }
        if self.item.extents > 0 {
            to = self.copy_extents(to)?;
        }
        self.arena.copy_to(self.item.value_at(), to);
        Some(())
    }

    /// Copies what lies in extents; answers the room that is left for the rest.
    fn copy_extents<'t>(
        &self,
        mut to: &'t mut [MaybeUninit<u8>],
    ) -> Option<&'t mut [MaybeUninit<u8>]> {
        let mut outside = to.len() - self.item.header.inline().min(to.len());
        let a_segment = self.arena.geometry().segment_bytes() as usize;
        for extent in self.item.extents(self.arena) {
            if extent.segment() >= self.arena.geometry().segments {
                return None;
            }
            let (part, rest) = to.split_at_mut(outside.min(a_segment));
            self.arena.copy_to(self.arena.segment_start(extent.segment()) * 8, part);
            if !unchanged(self.arena.birth(extent.segment()), extent.birth()) {
                return None;
            }
            outside -= part.len();
            to = rest;
        }
        Some(to)
    }

    /// The whole value, where it can be held still while it is copied.
    pub fn value(&self) -> Option<Vec<u8>> {
        let mut owned = Owned(Vec::new());
        self.copy(&Meta { len: self.item.len as usize, ..Meta::NONE }, &mut owned)?;
        // SAFETY: `copy` has written every byte of the room it was given.
        unsafe { owned.0.set_len(self.item.len as usize) };
        Some(owned.0)
    }
}

/// A sink that leaves the bytes uninitialised until they are copied.
struct Owned(Vec<u8>);

impl Sink for Owned {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.0.clear();
        self.0.reserve_exact(len);
        Some(&mut self.0.spare_capacity_mut()[..len])
    }
}

/// Copies a value into a sink.
#[inline(always)]
pub(crate) fn get_to<S: Sink + ?Sized>(
    arena: &Arc<Arena>,
    key: &[u8],
    sink: &mut S,
) -> Option<Meta> {
    get_hashed(arena, key, arena.hasher.hash(key), sink)
}

#[inline(always)]
fn get_hashed<S: Sink + ?Sized>(
    arena: &Arc<Arena>,
    key: &[u8],
    hash: KeyHash,
    sink: &mut S,
) -> Option<Meta> {
    let seen = glance(arena, key, hash, sink);
    if seen.is_some() {
        seat::count(arena, Counter::GetHits);
        return seen;
    }
    seat::look(arena).get_fully(key, hash, sink)
}

/// Copies a value into a vector of its own.
pub(crate) fn get(arena: &Arc<Arena>, key: &[u8]) -> Option<Value> {
    let mut owned = Owned(Vec::new());
    let meta = get_to(arena, key, &mut owned)?;
    // SAFETY: a hit has written every byte of the room it was given last.
    unsafe { owned.0.set_len(meta.len) };
    Some(Value::new(owned.0, meta))
}

/// Gets many: the lines of a batch are asked for before the first of them is waited for.
pub(crate) fn get_many<K: AsRef<[u8]>>(
    arena: &Arc<Arena>,
    keys: &[K],
    mut hit: impl FnMut(usize, Meta, &[u8]),
) {
    const BATCH: usize = 32;
    let mut buffer = Owned(Vec::new());
    for (batch, keys) in keys.chunks(BATCH).enumerate() {
        let mut hashes = [KeyHash(0); BATCH];
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = arena.hasher.hash(key.as_ref());
            crate::index::prefetch(arena, *hash);
        }
        for hash in &hashes[..keys.len()] {
            if let Some((_, slot)) = find(likely(arena, *hash), *hash) {
                arena.prefetch_item(slot.loc());
            }
        }
        for (k, (key, hash)) in keys.iter().zip(hashes).enumerate() {
            if let Some(meta) = get_hashed(arena, key.as_ref(), hash, &mut buffer) {
                // SAFETY: a hit has written every byte of the room it was given last.
                unsafe { buffer.0.set_len(meta.len) };
                hit(batch * BATCH + k, meta, &buffer.0);
            }
        }
    }
}

impl<'a> Op<'a> {
    /// A get. `found` is called under no hazard, on words that may turn out to be torn; it is then called again.
    /// It answers whether what it read was complete.
    #[inline(always)]
    pub(super) fn look(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        mut found: impl FnMut(&View<'a>) -> bool,
    ) -> Seen {
        match self.attempt(key, hash, horizon, true, &mut found) {
            Seen::Torn => self.look_again(key, hash, horizon, &mut found),
            seen => seen,
        }
    }

    /// A get whose first look was torn.
    #[cold]
    #[inline(never)]
    fn look_again(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        found: &mut impl FnMut(&View<'a>) -> bool,
    ) -> Seen {
        let tries = if self.is_spectator() { SPECTATOR_TRIES } else { TRIES };
        loop {
            for _ in 0..tries {
                match self.attempt(key, hash, horizon, true, found) {
                    Seen::Torn => {}
                    seen => return seen,
                }
            }
            if self.is_spectator() {
                return Seen::Missing;
            }
            match self.look_held(key, hash, horizon, found) {
                Seen::Torn => {}
                seen => return seen,
            }
        }
    }

    #[inline(always)]
    fn attempt(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        is_read: bool,
        found: &mut impl FnMut(&View<'a>) -> bool,
    ) -> Seen {
        let home = home(self.arena, hash);
        // A miss, an item that is only announced, or one that is about to move: was this the right bucket?
        let mut certain = false;
        let seen = home.bucket.scan(hash.home(), hash.tag(), |place| {
            let seen = self.examine(key, horizon, place, found);
            if seen == Seen::OtherKey {
                return None;
            }
            if let Some((i, slot)) = place.slot {
                certain = !slot.has(mark::MOVING);
                let is_counted = is_read && certain && !self.is_spectator();
                if seen == Seen::Hit && is_counted && slot.read() != slot {
                    // A hint: it does not matter who wins.
                    home.bucket.swap(i, slot, slot.read());
                }
            }
            Some(seen)
        });
        match seen {
            Some(seen) if certain => seen,
            _ if !home.still(self.arena) => Seen::Torn,
            seen => seen.unwrap_or(Seen::Missing),
        }
    }

    /// Reads the item of a place.
    #[inline(always)]
    fn examine(
        &self,
        key: &[u8],
        horizon: Horizon,
        place: Place<'_>,
        found: &mut impl FnMut(&View<'a>) -> bool,
    ) -> Seen {
        let Some(segment) = self.arena.segment_of(place.loc) else {
            return Seen::OtherKey;
        };
        optimistic(place.word, place.seen, self.arena.birth(segment), |birth| {
            let Some(item) = Item::at(self.arena, place.loc) else {
                return Seen::OtherKey;
            };
            if !item.key_is(self.arena, key) {
                return Seen::OtherKey;
            }
            if let Some(death) = horizon.death(self.arena, &item, birth) {
                return Seen::Dead(death);
            }
            match found(&View { arena: self.arena, item, birth }) {
                true => Seen::Hit,
                false => Seen::Torn,
            }
        })
        .unwrap_or(Seen::Torn)
    }

    /// A get that holds the item by a guard while it is read: whoever is called with it may call the cache.
    /// Torn: there was no guard to be had, or the value was replaced meanwhile.
    fn look_held(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        found: &mut impl FnMut(&View<'a>) -> bool,
    ) -> Seen {
        let search = self.search(key, hash);
        let Some(held) = search.found else {
            return Seen::Missing;
        };
        // The guard is published before the hazard is cleared, and evictors look at hazards first.
        let Some(cell) = guard(self.arena.cells(), self.guard_owner(), held.segment) else {
            let view = View { arena: self.arena, item: held.item, birth: held.birth };
            // A LARGE value that is incomplete, and still what the slot points to: the arena is damaged.
            let damaged = held.item.extents > 0
                && view.value().is_none()
                && search.bucket.slot(held.i).loc() == held.slot.loc();
            self.clear(Hazard::Read);
            return if damaged { Seen::Missing } else { Seen::Torn };
        };
        self.clear(Hazard::Read);
        let seen = match horizon.death(self.arena, &held.item, held.birth) {
            Some(death) => Seen::Dead(death),
            None => {
                let _ = search.bucket.swap(held.i, held.slot, held.slot.read());
                match found(&View { arena: self.arena, item: held.item, birth: held.birth }) {
                    true => Seen::Hit,
                    // Incomplete, and it is still what the slot points to: the arena is damaged.
                    false if search.bucket.slot(held.i).loc() == held.slot.loc() => Seen::Missing,
                    false => Seen::Torn,
                }
            }
        };
        unguard(&self.arena.cells()[cell]);
        seen
    }

    /// Looks at an item without holding it, for who may hold nothing. `seen` may be shown words that are torn, and is
    /// then called again.
    pub(super) fn look_on(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        mut seen: impl FnMut(&View<'a>, Slot),
    ) -> bool {
        let mut found = |view: &View<'a>| {
            let slot = likely(self.arena, hash);
            let slots = candidates(slot, hash).map(|i| slot.slot(i));
            let own = slots.into_iter().find(|slot| slot.loc() == view.item.loc);
            seen(view, own.unwrap_or(Slot::live(hash.tag(), view.item.loc)));
            true
        };
        (0..SPECTATOR_TRIES)
            .map(|_| self.attempt(key, hash, horizon, false, &mut found))
            .find(|&seen| seen != Seen::Torn)
            == Some(Seen::Hit)
    }

    /// Counts the answer of a get; was it a hit?
    #[inline(always)]
    pub(super) fn counted(&self, seen: Seen) -> bool {
        if seen == Seen::Hit {
            self.count(Counter::GetHits);
            return true;
        }
        self.count(Counter::GetMisses);
        match seen {
            Seen::Dead(Death::Expired) => self.count(Counter::GetExpired),
            Seen::Dead(Death::Flushed) => self.count(Counter::GetFlushed),
            _ => {}
        }
        false
    }

    /// A get of what a glance has not found.
    #[inline(never)]
    pub(super) fn get_fully<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        hash: KeyHash,
        sink: &mut S,
    ) -> Option<Meta> {
        let mut meta = Meta::NONE;
        let mut due = false;
        let seen = self.look(key, hash, self.horizon(), |view| {
            view.note(self, &mut meta);
            due = self.is_due(&view.item);
            view.copy(&meta, sink).is_some()
        });
        if seen == Seen::Hit && due && !self.is_spectator() {
            self.accessed(key, hash);
        }
        self.counted(seen).then_some(meta)
    }

    /// Is it time to note that the item was asked for?
    fn is_due(&self, item: &Item) -> bool {
        item.access.is_some() && item.is_due(self.arena.superblock().clock.0.now())
    }

    /// Notes that an item was asked for.
    fn accessed(&self, key: &[u8], hash: KeyHash) {
        if let Some(held) = self.search(key, hash).found {
            self.stamp(&held.item);
            self.clear(Hazard::Read);
        }
    }

    /// Notes that an item, held by the caller, was asked for, if it is time to.
    pub(super) fn stamp(&self, item: &Item) {
        if self.is_due(item) {
            item.stamp(self.arena, self.arena.superblock().clock.0.now());
        }
    }

    /// What is known of an item, without counting a hit.
    pub fn peek(&self, key: &[u8]) -> Option<Meta> {
        let (hash, horizon) = (self.arena.hasher.hash(key), self.horizon());
        let mut meta = Meta::NONE;
        let tries = if self.is_spectator() { SPECTATOR_TRIES } else { TRIES };
        for _ in 0..tries {
            let seen = self.attempt(key, hash, horizon, false, &mut |view| {
                view.note(self, &mut meta);
                true
            });
            if seen != Seen::Torn {
                return (seen == Seen::Hit).then_some(meta);
            }
        }
        if self.is_spectator() {
            return None;
        }
        let held = self.search(key, hash).found?;
        View { arena: self.arena, item: held.item, birth: held.birth }.note(self, &mut meta);
        let dead = horizon.death(self.arena, &held.item, held.birth).is_some();
        self.clear(Hazard::Read);
        (!dead).then_some(meta)
    }
}
