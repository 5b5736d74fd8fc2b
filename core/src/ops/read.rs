//! get and its kin: optimistic reads that store nothing, and pins for those who want the bytes in place.

use crate::expiry::{Death, Horizon};
use crate::hash::KeyHash;
use crate::hazard::{Hazard, guard, unguard};
use crate::index::{Place, SLOTS, Slot, home, mark};
use crate::item::{Item, bit};
use crate::memory::Arena;
use crate::memory::segment::{optimistic, unchanged};
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::{Meta, Sink, Value};
use std::mem::MaybeUninit;

/// What a look at one entry said.
enum Look<R> {
    Hit(R),
    Dead(Death),
    OtherKey,
    /// The words changed while they were read.
    Torn,
}

/// The words were recycled while they were read: look again.
struct Torn;

/// After so many torn reads a reader holds the item instead.
const TRIES: usize = 8;

/// An item that is being read.
pub(super) struct View<'a> {
    pub arena: &'a Arena,
    pub item: Item,
    pub birth: u64,
}

impl View<'_> {
    pub fn meta(&self, op: &Op<'_>) -> Meta {
        Meta {
            len: self.item.len as usize,
            flags: self.item.flags(self.arena),
            cas: self.item.token(self.arena, self.birth),
            ttl: op.ttl(self.item.header.expiry()),
        }
    }

    /// Copies the value. `None`: a part of it was recycled meanwhile.
    #[inline(always)]
    pub fn copy<S: Sink + ?Sized>(&self, sink: &mut S) -> Option<()> {
        let Some(mut to) = sink.room(self.item.len as usize) else {
            return Some(());
        };
        if to.len() != self.item.len as usize {
            return Some(());
        }
        if self.item.header.has(bit::LARGE) {
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
        self.copy(&mut owned)?;
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

impl<'a> Op<'a> {
    /// A get. `found` is called under no hazard, on words that may turn out to be torn; it is then called again.
    #[inline(always)]
    pub(super) fn look<R>(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        mut found: impl FnMut(&View<'a>) -> Option<R>,
    ) -> Result<R, Option<Death>> {
        loop {
            for _ in 0..TRIES {
                if let Ok(answer) = self.attempt(key, hash, horizon, true, &mut found) {
                    return answer;
                }
            }
            if let Some(answer) = self.look_held(key, hash, horizon, &mut found) {
                return answer;
            }
        }
    }

    #[inline(always)]
    fn attempt<R>(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        is_read: bool,
        found: &mut impl FnMut(&View<'a>) -> Option<R>,
    ) -> Result<Result<R, Option<Death>>, Torn> {
        let home = home(self.arena, hash);
        let seen = home.bucket.scan(hash.home(SLOTS), hash.tag(), |place| {
            match self.examine(key, horizon, place, found) {
                Look::OtherKey => None,
                Look::Torn => Some(Err(Torn)),
                Look::Dead(death) => Some(Ok((Err(Some(death)), place.slot))),
                Look::Hit(answer) => Some(Ok((Ok(answer), place.slot))),
            }
        });
        let (answer, slot) = seen.unwrap_or(Ok((Err(None), None)))?;
        if slot.is_none_or(|(_, slot)| slot.has(mark::MOVING)) {
            // A miss, or an item that is only announced or about to move: was this the right bucket?
            return if home.still(self.arena) { Ok(answer) } else { Err(Torn) };
        }
        if let (Some((i, slot)), Ok(_)) = (slot, &answer)
            && is_read
            && slot.read() != slot
        {
            // A hint: it does not matter who wins.
            home.bucket.swap(i, slot, slot.read());
        }
        Ok(answer)
    }

    /// Reads the item of a place.
    #[inline(always)]
    fn examine<R>(
        &self,
        key: &[u8],
        horizon: Horizon,
        place: Place<'_>,
        found: &mut impl FnMut(&View<'a>) -> Option<R>,
    ) -> Look<R> {
        let Some(segment) = self.arena.segment_of(place.loc) else {
            return Look::OtherKey;
        };
        optimistic(place.word, place.seen, self.arena.birth(segment), |birth| {
            let Some(item) = Item::at(self.arena, place.loc) else {
                return Look::OtherKey;
            };
            if !item.key_is(self.arena, key) {
                return Look::OtherKey;
            }
            if let Some(death) = horizon.death(self.arena, &item, birth) {
                return Look::Dead(death);
            }
            match found(&View { arena: self.arena, item, birth }) {
                Some(answer) => Look::Hit(answer),
                None => Look::Torn,
            }
        })
        .unwrap_or(Look::Torn)
    }

    /// A get that holds the item by a guard while it is read: whoever is called with it may call the cache.
    /// `None`: there was no guard to be had, or the value was replaced meanwhile.
    #[cold]
    fn look_held<R>(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
        found: &mut impl FnMut(&View<'a>) -> Option<R>,
    ) -> Option<Result<R, Option<Death>>> {
        let search = self.search(key, hash);
        let Some(held) = search.found else {
            return Some(Err(None));
        };
        // The guard is published before the hazard is cleared, and evictors look at hazards first.
        let cell = guard(self.arena.cells(), self.owner, held.segment);
        self.clear(Hazard::Read);
        let cell = cell?;
        let answer = match horizon.death(self.arena, &held.item, held.birth) {
            Some(death) => Some(Err(Some(death))),
            None => {
                let _ = search.bucket.swap(held.i, held.slot, held.slot.read());
                let view = View { arena: self.arena, item: held.item, birth: held.birth };
                match found(&view) {
                    Some(hit) => Some(Ok(hit)),
                    // Incomplete, and it is still what the slot points to: the arena is damaged.
                    None if search.bucket.slot(held.i).loc() == held.slot.loc() => Some(Err(None)),
                    None => None,
                }
            }
        };
        unguard(&self.arena.cells()[cell]);
        answer
    }

    /// Counts the answer of a get.
    #[inline(always)]
    pub(super) fn counted<R>(&self, answer: Result<R, Option<Death>>) -> Option<R> {
        match answer {
            Ok(hit) => {
                self.count(Counter::GetHits);
                Some(hit)
            }
            Err(death) => {
                self.count(Counter::GetMisses);
                match death {
                    Some(Death::Expired) => self.count(Counter::GetExpired),
                    Some(Death::Flushed) => self.count(Counter::GetFlushed),
                    None => {}
                }
                None
            }
        }
    }

    /// Copies a value into a sink.
    #[inline]
    pub fn get_to<S: Sink + ?Sized>(&self, key: &[u8], sink: &mut S) -> Option<Meta> {
        self.count(Counter::CmdGet);
        let hash = self.arena.hasher.hash(key);
        let answer = self.look(key, hash, self.horizon(), |view| {
            let meta = view.meta(self);
            view.copy(sink)?;
            Some(meta)
        });
        self.counted(answer)
    }

    pub fn get(&self, key: &[u8]) -> Option<Value> {
        let mut owned = Owned(Vec::new());
        let meta = self.get_to(key, &mut owned)?;
        // SAFETY: a hit has written every byte of the room it was given last.
        unsafe { owned.0.set_len(meta.len) };
        Some(Value::new(owned.0, meta))
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        let (hash, horizon) = (self.arena.hasher.hash(key), self.horizon());
        loop {
            if let Ok(answer) = self.attempt(key, hash, horizon, false, &mut |_| Some(())) {
                return answer.is_ok();
            }
        }
    }

    /// Gets many: the lines of a batch are asked for before the first of them is waited for.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K], mut hit: impl FnMut(usize, Meta, &[u8])) {
        const BATCH: usize = 32;
        let mut buffer = Owned(Vec::new());
        for (batch, keys) in keys.chunks(BATCH).enumerate() {
            let mut hashes = [KeyHash(0); BATCH];
            for (hash, key) in hashes.iter_mut().zip(keys) {
                *hash = self.arena.hasher.hash(key.as_ref());
                crate::index::prefetch(self.arena, *hash);
            }
            for hash in &hashes[..keys.len()] {
                self.prefetch_item(*hash);
            }
            let horizon = self.horizon();
            for (k, (key, hash)) in keys.iter().zip(hashes).enumerate() {
                self.count(Counter::CmdGet);
                let answer = self.look(key.as_ref(), hash, horizon, |view| {
                    let meta = view.meta(self);
                    view.copy(&mut buffer)?;
                    Some(meta)
                });
                if let Some(meta) = self.counted(answer) {
                    // SAFETY: a hit has written every byte of the room it was given last.
                    unsafe { buffer.0.set_len(meta.len) };
                    hit(batch * BATCH + k, meta, &buffer.0);
                }
            }
        }
    }

    /// Asks for the first lines of the item that the hash leads to.
    fn prefetch_item(&self, hash: KeyHash) {
        let bucket = home(self.arena, hash).bucket;
        let entry: Option<Slot> = (0..SLOTS)
            .map(|k| bucket.slot((hash.home(SLOTS) + k) % SLOTS))
            .find(|slot| slot.matches(hash.tag()));
        if let Some(slot) = entry {
            self.arena.prefetch(slot.loc());
            self.arena.prefetch(slot.loc() + 8);
        }
    }

    /// Pins a value in place, or copies it where that cannot be done: a LARGE value is not in one piece.
    pub fn pin(&self, key: &[u8]) -> Option<Pinned<'a>> {
        self.count(Counter::CmdGet);
        let hash = self.arena.hasher.hash(key);
        let horizon = self.horizon();
        loop {
            if let Some(answer) = self.hold_still(key, hash, horizon) {
                return self.counted(answer);
            }
        }
    }

    /// `None`: the value was replaced while it was copied.
    fn hold_still(
        &self,
        key: &[u8],
        hash: KeyHash,
        horizon: Horizon,
    ) -> Option<Result<Pinned<'a>, Option<Death>>> {
        let search = self.search(key, hash);
        let Some(held) = search.found else {
            return Some(Err(None));
        };
        if let Some(death) = horizon.death(self.arena, &held.item, held.birth) {
            self.clear(Hazard::Read);
            return Some(Err(Some(death)));
        }
        let view = View { arena: self.arena, item: held.item, birth: held.birth };
        let _ = search.bucket.swap(held.i, held.slot, held.slot.read());
        let meta = view.meta(self);
        // The guard is published before the hazard is cleared, and evictors look at hazards first.
        let cell = match held.item.header.has(bit::LARGE) {
            true => None,
            false => guard(self.arena.cells(), self.owner, held.segment),
        };
        let pinned = match cell {
            Some(cell) => {
                // SAFETY: the guard holds the segment until `Pinned` is dropped; the item is published.
                let bytes = unsafe { self.arena.bytes(held.item.value_at(), meta.len) };
                Some(Pinned { meta, held: Held::Place(self.arena, cell, bytes) })
            }
            None => view.value().map(|value| Pinned { meta, held: Held::Copy(value) }),
        };
        // A copy that stays incomplete is of a damaged arena.
        let damaged = pinned.is_none() && search.bucket.slot(held.i).loc() == held.slot.loc();
        self.clear(Hazard::Read);
        if damaged { Some(Err(None)) } else { pinned.map(Ok) }
    }
}

/// A value held in place, or a copy of it.
#[derive(Debug)]
pub(crate) struct Pinned<'a> {
    pub meta: Meta,
    held: Held<'a>,
}

#[derive(Debug)]
enum Held<'a> {
    Place(&'a Arena, usize, &'a [u8]),
    Copy(Vec<u8>),
}

impl Pinned<'_> {
    pub fn bytes(&self) -> &[u8] {
        match &self.held {
            Held::Place(_, _, bytes) => bytes,
            Held::Copy(bytes) => bytes,
        }
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        if let Held::Place(arena, cell, _) = self.held {
            unguard(&arena.cells()[cell]);
        }
    }
}
