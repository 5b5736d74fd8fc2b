//! From a key to its bucket and slot: routing over a doubling index, and the search of a writer.

use crate::hash::KeyHash;
use crate::hazard::{Hazard, clear, protect};
use crate::index::{Bucket, Ctrl, Slot};
use crate::item::Item;
use crate::memory::Arena;
use crate::seat::Op;
use crate::sync::Ordering;

/// Granules of a bucket.
const BUCKET: u64 = 16;

/// Where a key's entry is to be looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'a> {
    pub bucket: &'a Bucket,
    /// The bucket that will take the entry over once it is born.
    heir: Option<&'a Bucket>,
    level: u64,
    /// The number of the bucket at this level.
    number: u64,
}

/// A present item, held by the operation's read hazard: its words stay what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub i: usize,
    pub slot: Slot,
    pub item: Item,
    pub birth: u64,
    pub segment: u64,
}

/// What a writer found: the bucket, what CTRL said before the slots were read, and the key's entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub bucket: &'a Bucket,
    pub ctrl: Ctrl,
    pub found: Option<Found>,
}

/// The index's level: how often it has doubled. Acquire: pairs with the Release that published the level; the
/// directory of its buckets is seen. Bounded, because whoever goes over all buckets counts by it.
#[inline(always)]
pub(crate) fn level(arena: &Arena) -> u64 {
    arena.superblock().index.0[0].load(Ordering::Acquire).min(arena.geometry().level_max)
}

/// Buckets that all doublings up to `level` have added.
pub(crate) fn grown(arena: &Arena, level: u64) -> u64 {
    (arena.geometry().buckets << level) - arena.geometry().buckets
}

/// Bucket `number` of `level`. A bucket keeps its place for good: the even child of a split stays where its
/// parent was, the odd one is at a place given to its generation.
#[inline(always)]
pub(crate) fn bucket(arena: &Arena, level: u64, number: u64) -> &Bucket {
    let geometry = arena.geometry();
    if level == 0 {
        return arena.bucket_at(geometry.buckets_at + number * BUCKET);
    }
    let zeros = u64::from(number.trailing_zeros()).min(level);
    if zeros == level {
        return arena.bucket_at(geometry.buckets_at + (number >> level) * BUCKET);
    }
    let place = grown(arena, level - zeros - 1) + (number >> (zeros + 1));
    let a_segment = geometry.segment_words() / BUCKET;
    // Relaxed: ordered by the level.
    let segment = arena.directory(place / a_segment).load(Ordering::Relaxed);
    let start = arena.segment_start(segment.saturating_sub(1) % geometry.segments);
    arena.bucket_at(start + place % a_segment * BUCKET)
}

/// Where a reader looks for a key's entry.
#[inline(always)]
pub(crate) fn home(arena: &Arena, hash: KeyHash) -> Home<'_> {
    let level = level(arena);
    let number = hash.bucket(arena.geometry().buckets << level);
    let own = bucket(arena, level, number);
    // An even bucket is the one it was split from: born long ago, whatever a damaged CTRL says.
    if level > 0 && number & 1 == 1 && own.ctrl().is_unborn() {
        let parent = bucket(arena, level - 1, number >> 1);
        return Home { bucket: parent, heir: Some(own), level, number };
    }
    Home { bucket: own, heir: None, level, number }
}

/// The bucket where a reader looks first. That it was the right one is certain only if the key was there.
#[inline(always)]
pub(crate) fn likely(arena: &Arena, hash: KeyHash) -> &Bucket {
    if level(arena) == 0 {
        return arena.first_bucket(hash.bucket(arena.geometry().buckets));
    }
    grown_home(arena, hash)
}

#[inline(never)]
fn grown_home(arena: &Arena, hash: KeyHash) -> &Bucket {
    home(arena, hash).bucket
}

/// Asks for the lines of the bucket where a key's entry is likely to be.
#[inline(always)]
pub(crate) fn prefetch(arena: &Arena, hash: KeyHash) {
    let level = level(arena);
    let number = hash.bucket(arena.geometry().buckets << level);
    let own: *const Bucket = bucket(arena, level, number);
    arena.prefetch_at(own.cast());
    arena.prefetch_at(own.cast::<u8>().wrapping_add(64));
}

impl Home<'_> {
    /// Was this the right place all along? To be asked after a miss, and after a hit in a frozen slot.
    #[inline(always)]
    pub fn still(&self, arena: &Arena) -> bool {
        level(arena) == self.level && self.heir.is_none_or(|heir| heir.ctrl().is_unborn())
    }
}

/// The slot's word for the item at `loc`, as its insert would have it.
pub(crate) fn live_word(arena: &Arena, loc: u64) -> Slot {
    match Item::at(arena, loc) {
        Some(item) => {
            let mut buffer = [0; 256];
            let hash = arena.hasher.hash(item.key(arena, &mut buffer));
            Slot::live(hash.tag(), loc).with(item.header.marks())
        }
        // Torn: the caller finds its CTRL changed and does not use the word.
        None => Slot::live(0, loc),
    }
}

impl<'a> Op<'a> {
    /// The bucket where this key is written, with nothing pending in it.
    #[inline(always)]
    pub fn settled(&self, hash: KeyHash) -> (Home<'a>, Ctrl) {
        let home = home(self.arena, hash);
        let ctrl = home.bucket.ctrl();
        match home.heir.is_none() && !ctrl.is_pending() && home.still(self.arena) {
            true => (home, ctrl),
            false => self.settle_home(hash),
        }
    }

    #[cold]
    fn settle_home(&self, hash: KeyHash) -> (Home<'a>, Ctrl) {
        loop {
            let home = home(self.arena, hash);
            if home.heir.is_some() {
                self.split(home.level, home.number >> 1);
                continue;
            }
            let ctrl = home.bucket.ctrl();
            if ctrl.is_split() && home.level > 0 && home.number & 1 == 0 {
                self.split(home.level, home.number >> 1);
            } else if ctrl.is_insert() || ctrl.is_split() && home.still(self.arena) {
                // A split of this bucket before the next level is there: CTRL is damaged, and nothing is split.
                self.settle(home.bucket, ctrl);
            } else if !ctrl.is_pending() && home.still(self.arena) {
                return (home, ctrl);
            }
        }
    }

    /// Finishes an insert that somebody announced.
    pub fn settle(&self, bucket: &Bucket, ctrl: Ctrl) {
        bucket.settle(ctrl, |loc| live_word(self.arena, loc));
    }

    /// Splits bucket `number` of the level before `level`, or helps whoever does. Returns when it is split or
    /// the level has changed.
    pub fn split(&self, level: u64, number: u64) {
        let arena = self.arena;
        let parent = bucket(arena, level - 1, number);
        let child = bucket(arena, level, 2 * number + 1);
        while crate::index::level(arena) == level {
            let ctrl = parent.ctrl();
            let announced = if ctrl.is_split() {
                // Looked up again after CTRL was read: an announcement of the next level is not ours to settle.
                if crate::index::level(arena) != level {
                    return;
                }
                Some(ctrl)
            } else if ctrl.is_pending() {
                self.settle(parent, ctrl);
                None
            } else if child.ctrl().is_unborn() {
                parent.announce_split(ctrl)
            } else {
                return;
            };
            if let Some(ctrl) = announced {
                parent.settle_split(ctrl, child, |slot| {
                    let mut buffer = [0; 256];
                    Item::at(arena, slot.loc()).is_some_and(|item| {
                        let hash = arena.hasher.hash(item.key(arena, &mut buffer));
                        hash.bucket(arena.geometry().buckets << level) == 2 * number + 1
                    })
                });
            }
        }
    }

    /// Looks for a key as a writer does. What is found is held by the read hazard.
    pub fn search(&self, key: &[u8], hash: KeyHash) -> Search<'a> {
        // First straight for what is nearly always there: one slot with the key's tag, and behind it this key's item; or none.
        // That stays in registers, which the loop has too few for.
        let (home, ctrl) = self.settled(hash);
        let (bucket, hazard) = (home.bucket, self.seat.hazard(Hazard::Read));
        let Some(i) = super::candidates(bucket, hash).next() else {
            if home.still(self.arena) {
                clear(hazard);
                return Search { bucket, ctrl, found: None };
            }
            return self.search_all(key, hash);
        };
        let slot = bucket.slot(i);
        if slot.matches(hash.tag())
            && !slot.has(super::mark::MOVING)
            && let Some(segment) = self.arena.segment_of(slot.loc())
            && protect(hazard, segment, bucket.slot_word(i), slot.0)
            // Acquire: as in `hold`.
            && let birth @ 1.. = self.arena.birth(segment).load(Ordering::Acquire)
            && let Some(item) = Item::inline_at(self.arena, slot.loc())
                .or_else(|| Item::number_at(self.arena, slot.loc()))
            && item.key_is(self.arena, key)
        {
            return Search { bucket, ctrl, found: Some(Found { i, slot, item, birth, segment }) };
        }
        self.search_all(key, hash)
    }

    fn search_all(&self, key: &[u8], hash: KeyHash) -> Search<'a> {
        'again: loop {
            let (home, ctrl) = self.settled(hash);
            let bucket = home.bucket;
            for i in super::candidates(bucket, hash) {
                let slot = bucket.slot(i);
                if !slot.matches(hash.tag()) {
                    continue;
                }
                if slot.has(super::mark::MOVING) {
                    self.thaw(bucket, i, slot);
                    continue 'again;
                }
                match self.hold(Hazard::Read, bucket, i, slot) {
                    Ok(Some(found)) if found.item.key_is(self.arena, key) => {
                        return Search { bucket, ctrl, found: Some(found) };
                    }
                    Ok(_) => {}
                    Err(Changed) => continue 'again,
                }
            }
            if home.still(self.arena) {
                clear(self.seat.hazard(Hazard::Read));
                return Search { bucket, ctrl, found: None };
            }
        }
    }

    /// A slot that is frozen while its bucket is not being split was damaged: nobody would ever move its item.
    pub fn thaw(&self, bucket: &Bucket, i: usize, slot: Slot) {
        if !bucket.ctrl().is_split() {
            // Frozen slots are emptied before the split is over: a real freeze is gone by now, and this fails.
            bucket.swap(i, slot, slot.without(super::mark::MOVING));
        }
    }

    /// Puts a hazard on a slot's item. `None` was a slot that points to no item: the arena is damaged, and the slot
    /// is emptied so that nobody comes back to it. Nothing is held then, and nothing after `Changed`.
    #[inline(always)]
    pub fn hold(
        &self,
        hazard: Hazard,
        bucket: &Bucket,
        i: usize,
        slot: Slot,
    ) -> Result<Option<Found>, Changed> {
        let hazard = self.seat.hazard(hazard);
        let found = match self.arena.segment_of(slot.loc()) {
            Some(segment) if !protect(hazard, segment, bucket.slot_word(i), slot.0) => Err(Changed),
            Some(segment) => {
                // Acquire: pairs with the store of the birth when the segment was opened, and with the Release of
                // `recycle`: who sees the 0 of a segment that went just now sees the slot changed before.
                let birth = self.arena.birth(segment).load(Ordering::Acquire);
                match Item::at(self.arena, slot.loc()).filter(|_| birth != 0) {
                    Some(item) => return Ok(Some(Found { i, slot, item, birth, segment })),
                    None if bucket.slot(i) != slot => Err(Changed),
                    None => Ok(None),
                }
            }
            None => Ok(None),
        };
        clear(hazard);
        if found.is_ok() {
            self.unlink(bucket, i, slot);
        }
        found
    }

    /// Empties the slot of an item, held or drained by the caller: the item is gone. `false` if it changed.
    pub fn unlink(&self, bucket: &Bucket, i: usize, slot: Slot) -> bool {
        bucket.clear(i, slot, |loc| live_word(self.arena, loc))
    }
}

/// The slot changed before it could be held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed;
