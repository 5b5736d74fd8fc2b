//! The segments that hold LARGE values: filled by the writer, given back with the item, evicted by age.

use crate::Error;
use crate::evict::Origin;
use crate::evict::survey::Fate;
use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::index::{Bucket, Changed, Found, SLOTS, mark};
use crate::item::Extent;
use crate::memory::PerSegment;
use crate::memory::segment::{Kind, Pool, State};
use crate::seat::Op;
use crate::sync::Ordering;

impl Op<'_> {
    /// Takes `count` segments for a LARGE value of the key with this hash. They are nobody's prey until
    /// [`publish_extents`](Self::publish_extents).
    pub fn acquire_extents(&self, count: u64, hash: KeyHash) -> Result<Vec<Extent>, Error> {
        let mut extents = Vec::with_capacity(count as usize);
        for _ in 0..count {
            match self.acquire(Kind::Filling, Pool::Small, Origin::New) {
                Ok(segment) => {
                    // Relaxed: published with the state.
                    self.arena.segment(PerSegment::Link, segment).store(hash.0, Ordering::Relaxed);
                    let birth = self.arena.birth(segment).load(Ordering::Relaxed);
                    extents.push(Extent::new(segment, birth));
                }
                Err(error) => {
                    self.abandon_extents(&extents);
                    return Err(error);
                }
            }
        }
        Ok(extents)
    }

    /// Gives back extents that were never published.
    pub fn abandon_extents(&self, extents: &[Extent]) {
        for extent in extents {
            self.release(extent.segment());
        }
    }

    /// The item that lists these extents is in the index: from now on they may be evicted.
    pub fn publish_extents(&self, extents: &[Extent], hash: KeyHash) {
        for extent in extents {
            let state = self.arena.state(extent.segment());
            if state.kind() == Kind::Filling {
                // Nobody else changes a FILLING segment of a living owner.
                self.arena.change_state(extent.segment(), state, state.to(Kind::Large));
            }
        }
        self.release_orphans(extents, hash);
    }

    /// Gives back extents whose item was gone before they were published: whoever replaced it could not.
    fn release_orphans(&self, extents: &[Extent], hash: KeyHash) {
        let Some(&first) = extents.first() else { return };
        let home = self.settled(hash).0;
        let owner = self.owner_of(first, home.bucket, hash);
        self.clear(Hazard::Help);
        // If that cannot be told now, the evictor will find it out.
        if matches!(owner, Ok(None)) && home.still(self.arena) {
            extents.iter().for_each(|&extent| self.release_extent(extent));
        }
    }

    /// Gives back an extent whose item is gone.
    pub(super) fn release_extent(&self, extent: Extent) {
        let (arena, segment) = (self.arena, extent.segment());
        if segment >= arena.geometry().segments {
            return;
        }
        let state = arena.state(segment);
        let taken = state.to(Kind::Draining).as_extent().owned(self.owner);
        // One that is still FILLING is found without an item later, and given back then.
        let is_its = || arena.birth(segment).load(Ordering::Acquire) == extent.birth();
        // Looked at before as well, so that hardly ever another value's extent is taken and has to be put back.
        if state.kind() != Kind::Large || !is_its() || !arena.change_state(segment, state, taken) {
            return;
        }
        if is_its() {
            self.release(segment);
        } else {
            arena.change_state(segment, taken, state);
        }
    }

    /// It is the turn of the LARGE value that this segment belongs to. `false` if it could not be had.
    pub(super) fn evict_large(&self, segment: u64, fate: Fate, horizon: Horizon) -> bool {
        let wanted = Extent::new(segment, self.arena.birth(segment).load(Ordering::Acquire));
        // Relaxed: written before the state that this operation has seen.
        let hash = KeyHash(self.arena.segment(PerSegment::Link, segment).load(Ordering::Relaxed));
        if self.is_busy(segment) {
            return false;
        }
        let home = self.settled(hash).0;
        let done = match self.owner_of(wanted, home.bucket, hash) {
            Ok(Some(found)) => self.evict_value(found, home.bucket, hash, fate, horizon),
            // No item lists it: its writer died, or was still filling it when the item went.
            Ok(None) if home.still(self.arena) => {
                self.release_extent(wanted);
                true
            }
            Ok(None) | Err(Changed) => false,
        };
        self.clear(Hazard::Help);
        done
    }

    /// The item that lists this extent, held.
    fn owner_of(
        &self,
        wanted: Extent,
        bucket: &Bucket,
        hash: KeyHash,
    ) -> Result<Option<Found>, Changed> {
        for i in 0..SLOTS {
            let slot = bucket.slot(i);
            if !slot.matches(hash.tag()) {
                continue;
            }
            if slot.has(mark::MOVING) {
                self.thaw(bucket, i, slot);
                return Err(Changed);
            }
            let Some(found) = self.hold(Hazard::Help, bucket, i, slot)? else {
                continue;
            };
            if found.item.extents(self.arena).any(|extent| extent == wanted) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn evict_value(
        &self,
        found: Found,
        bucket: &Bucket,
        hash: KeyHash,
        fate: Fate,
        horizon: Horizon,
    ) -> bool {
        let (arena, i, slot) = (self.arena, found.i, found.slot);
        let death = horizon.death(arena, &found.item, found.birth);
        let pool = found.item.extents(arena).next().map_or(Pool::Small, |extent| {
            arena.state(extent.segment() % arena.geometry().segments).pool()
        });
        if let Some((_, freq)) = self.promotion(pool, slot)
            && death.is_none()
            && fate != Fate::Drop
        {
            // A second chance: to the end of the main queue. A reader counting its hit does no harm.
            let _ = bucket.swap(i, slot, slot.with_freq(freq));
            found.item.extents(arena).for_each(|extent| self.requeue(extent));
            return true;
        }
        if !self.unlink(bucket, i, slot) {
            return false;
        }
        match death {
            Some(death) => self.count_reclaimed(&found.item, slot, death),
            None => self.count_evicted(&found.item, slot, hash, pool),
        }
        self.gone(&found.item, found.birth);
        true
    }

    /// Puts an extent at the end of the main queue.
    fn requeue(&self, extent: Extent) {
        let (arena, segment) = (self.arena, extent.segment() % self.arena.geometry().segments);
        let state = arena.state(segment);
        if state.kind() == Kind::Large {
            // A failure means that it is being given back.
            arena.change_state(segment, state, State::new(Kind::Large, Pool::Main));
        }
        // Relaxed: a hint.
        let births = arena.superblock().births.0.given();
        arena.segment(PerSegment::Order, segment).store(births, Ordering::Relaxed);
    }
}
