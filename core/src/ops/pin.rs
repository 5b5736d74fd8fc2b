//! Pins, for those who want the bytes in place.

use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::hazard::{Hazard, guard, unguard};
use crate::memory::{Arena, era};
use crate::ops::read::{Seen, View};
use crate::seat::Op;
use crate::types::Meta;

impl<'a> Op<'a> {
    /// Pins a value in place, or copies it where that cannot be done: a LARGE value is not in one piece, and a
    /// number changes.
    pub fn pin(&self, key: &[u8]) -> Option<Pinned<'a>> {
        let hash = self.arena.hasher.hash(key);
        if self.is_spectator() {
            let mut value = Vec::new();
            let meta = self.get_fully(key, hash, &mut value)?;
            return Some(Pinned { meta, held: Held::Copy(value) });
        }
        let horizon = self.horizon();
        loop {
            match self.hold_still(key, hash, horizon) {
                Ok(pinned) => {
                    self.counted(Seen::Hit);
                    return Some(pinned);
                }
                Err(Seen::Torn) => {}
                Err(seen) => {
                    self.counted(seen);
                    return None;
                }
            }
        }
    }

    /// Torn: the value was replaced while it was copied.
    fn hold_still(&self, key: &[u8], hash: KeyHash, horizon: Horizon) -> Result<Pinned<'a>, Seen> {
        let search = self.search(key, hash);
        let held = search.found.ok_or(Seen::Missing)?;
        if let Some(death) = horizon.death(self.arena, &held.item, held.birth) {
            self.clear(Hazard::Read);
            return Err(Seen::Dead(death));
        }
        let view = View { arena: self.arena, item: held.item, birth: held.birth };
        let _ = search.bucket.swap(held.i, held.slot, held.slot.read());
        let meta = view.meta(self);
        self.stamp(&held.item);
        // The guard is published before the hazard is cleared, and evictors look at hazards first.
        let cell = match held.item.is_plain() {
            true => guard(self.arena.cells(), self.guard_owner(), held.segment),
            false => None,
        };
        let pinned = match cell {
            Some(cell) => {
                // SAFETY: the guard holds the segment until `Pinned` is dropped; the item is published.
                let bytes = unsafe { self.arena.bytes(held.item.value_at(), meta.len) };
                let era = era(self.arena.era);
                Some(Pinned { meta, held: Held::Place(self.arena, cell, era, bytes) })
            }
            None => view.value().map(|value| Pinned { meta, held: Held::Copy(value) }),
        };
        // A copy that stays incomplete is of a damaged arena.
        let damaged = pinned.is_none() && search.bucket.slot(held.i).loc() == held.slot.loc();
        self.clear(Hazard::Read);
        pinned.ok_or(if damaged { Seen::Missing } else { Seen::Torn })
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
    /// The guard's cell, and the process that has it: a forked child does not give up its parent's.
    Place(&'a Arena, usize, u64, &'a [u8]),
    Copy(Vec<u8>),
}

impl Pinned<'_> {
    pub fn bytes(&self) -> &[u8] {
        match &self.held {
            Held::Place(_, _, _, bytes) => bytes,
            Held::Copy(bytes) => bytes,
        }
    }
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        if let Held::Place(arena, cell, era_then, _) = self.held
            && era(arena.era) == era_then
        {
            unguard(&arena.cells()[cell]);
        }
    }
}
