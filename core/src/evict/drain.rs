//! Emptying a segment: each item is dropped, or moved and its slot pointed to the new place.
//!
//! Idempotent: a drain that ends half-way leaves items that were moved, frozen or untouched, and the next one
//! takes it up.

use crate::evict::Origin;
use crate::evict::survey::Fate;
use crate::expiry::{Death, Horizon};
use crate::hash::KeyHash;
use crate::hazard::{Hazard, announce_drain};
use crate::header::{Header, Number};
use crate::index::{Bucket, SLOTS, Slot, candidates, mark};
use crate::item::{Form, Head, Item};
use crate::memory::segment::{Kind, Pool};
use crate::memory::{Arena, PerSegment};
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    /// It was gone before.
    Absent,
    /// It is gone from the segment, evicted or because it was dead.
    Gone,
    /// It was moved to another.
    Kept,
    /// It must be kept and there is no room to move it to.
    Stuck,
}

/// How far a drain has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Drain {
    /// The segment is free, or will be when its last readers have gone.
    Done,
    /// There is more to do, and anybody may go on.
    Paused,
    /// It could not be had, or nothing more can be done about it now.
    Failed,
}

impl Op<'_> {
    /// Carries out a segment's fate, over so many words of it.
    pub(super) fn reclaim(&self, segment: u64, fate: Fate, horizon: Horizon, words: u64) -> Drain {
        let arena = self.arena;
        let state = arena.state(segment);
        if state.kind() == Kind::Large {
            return match self.evict_large(segment, fate, horizon) {
                true => Drain::Done,
                false => Drain::Failed,
            };
        }
        if state.is_paused() && state.is_extent() {
            // Somebody was killed who was giving it back.
            let taken = arena.change_state(segment, state, state.owned(self.owner));
            if taken {
                self.release(segment);
            }
            return if taken { Drain::Done } else { Drain::Failed };
        }
        // Whoever reads it or is about to publish an item here: looked for once, since a sealed segment gets no more
        // writers, and a reader who comes later only sends it to limbo.
        let ready = state.is_paused() || state.kind() == Kind::Sealed && !self.is_busy(segment);
        let paused = state.to(Kind::Draining).noting(fate as u64);
        // Also of one who was killed before he had looked, or while he was at it.
        let unchecked = !state.is_paused() || state.is_unchecked();
        let taken = if unchecked { paused.unchecked() } else { paused }.owned(self.owner);
        if !ready || !arena.change_state(segment, state, taken) {
            return Drain::Failed;
        }
        announce_drain();
        // The word may be that of another life of the segment than was looked at above.
        if unchecked && arena.seats().iter().any(|seat| seat.writes(segment)) {
            arena.change_state(segment, taken, state);
            return Drain::Failed;
        }
        let birth = arena.birth(segment).load(Ordering::Acquire);
        let start = arena.segment_start(segment);
        let used = arena.segment(PerSegment::Used, segment).load(Ordering::Acquire);
        // Relaxed: ordered by the state.
        let drained = arena.segment(PerSegment::Drained, segment);
        let end = used.min(arena.geometry().segment_words());
        let from = drained.load(Ordering::Relaxed).min(end);
        let mut walk = Walk { at: start + from, end: start + end, kept: 0, gone: 0 };
        let stop = walk.at.saturating_add(words);
        let done = self.drain_items(&mut walk, stop, (birth, state.pool()), fate, horizon);
        self.set_pace(walk.at - start - from, walk.kept);
        self.shrink(segment, walk.gone);
        match done {
            Some(Done::Stuck) => {
                // From the beginning next time: what was seen before was kept or is gone.
                drained.store(0, Ordering::Relaxed);
                arena.change_state(segment, taken, state.to(Kind::Sealed));
                Drain::Failed
            }
            None => {
                drained.store(walk.at - start, Ordering::Relaxed);
                arena.change_state(segment, taken, paused);
                Drain::Paused
            }
            Some(_) => {
                self.count(match fate {
                    Fate::Clean => Counter::SegmentsCleaned,
                    _ => Counter::SegmentsEvicted,
                });
                self.release(segment);
                Drain::Done
            }
        }
    }

    /// Drains item after item, a few at a time: their buckets are asked for before the first is waited for.
    /// `None`: it has come to `stop`.
    fn drain_items(
        &self,
        walk: &mut Walk,
        stop: u64,
        (birth, pool): (u64, Pool),
        fate: Fate,
        horizon: Horizon,
    ) -> Option<Done> {
        const AHEAD: usize = 8;
        loop {
            let mut batch = [const { None }; AHEAD];
            // A damaged item ends the walk: what lies behind it is unreachable, and the slots that point there
            // will read as misses.
            for place in &mut batch {
                let Some(item) = walk.next(self.arena) else { break };
                // SAFETY: this thread drains the segment, so nobody writes there; keys are immutable.
                let hash = self.arena.hasher.hash(unsafe { item.key_in_place(self.arena) });
                crate::index::prefetch(self.arena, hash);
                *place = Some((item.loc, item.words, hash));
            }
            if batch[0].is_none() {
                return Some(Done::Gone);
            }
            for (loc, words, hash) in batch.into_iter().flatten() {
                match self.drain_item(loc, hash, birth, fate, pool, horizon) {
                    Done::Absent => {}
                    Done::Gone => walk.gone += words,
                    Done::Kept => {
                        walk.gone += words;
                        walk.kept += words;
                    }
                    Done::Stuck => return Some(Done::Stuck),
                }
            }
            if walk.at >= stop {
                return None;
            }
        }
    }

    fn drain_item(
        &self,
        loc: u64,
        hash: KeyHash,
        birth: u64,
        fate: Fate,
        pool: Pool,
        horizon: Horizon,
    ) -> Done {
        loop {
            let (home, _) = self.settled(hash);
            let bucket = home.bucket;
            let (i, slot) = match slot_of(bucket, hash, loc) {
                Some((i, slot)) if slot.has(mark::MOVING) => {
                    self.thaw(bucket, i, slot);
                    continue;
                }
                Some(entry) => entry,
                None if home.still(self.arena) => return Done::Absent,
                // The bucket was split in between.
                None => continue,
            };
            // Looked at again: a touch may have changed its expiry.
            // invariant: the words of a slot's item are those of an item.
            let Some(item) = Item::at(self.arena, loc) else {
                return Done::Absent;
            };
            let death = horizon.death(self.arena, &item, birth);
            let moved = match (death, fate) {
                (Some(_), _) => None,
                (None, Fate::Reap | Fate::Clean) => Some((pool, slot.freq())),
                (None, Fate::Evict) => self.promotion(pool, slot),
                (None, Fate::Drop) => None,
            };
            if let Some((pool, freq)) = moved {
                match self.relocate(&item, birth, bucket, (i, slot), pool, freq) {
                    Some(true) => return Done::Kept,
                    Some(false) => continue,
                    None if !self.arena.geometry().evict => return Done::Stuck,
                    None => {}
                }
            }
            if self.unlink(bucket, i, slot) {
                match death {
                    Some(death) => self.count_reclaimed(&item, slot, death),
                    None => self.count_evicted(&item, slot, hash, pool),
                }
                self.settle_books(&item, birth);
                return Done::Gone;
            }
        }
    }

    /// Moves an item of a draining segment. `Some(false)`: its slot changed; `None`: no room.
    fn relocate(
        &self,
        item: &Item,
        birth: u64,
        bucket: &Bucket,
        (i, slot): (usize, Slot),
        pool: Pool,
        freq: u64,
    ) -> Option<bool> {
        let arena = self.arena;
        let token = Some(item.token(arena, birth));
        let head = |(header, number): (Header, Option<Number>)| {
            let header = header.thawed().with_marks(slot.0);
            let form = number.map_or(item.form(), |number| Form::Number(number.thawed()));
            Head::new(header, token, item.given, form)
        };
        let seen = (item.header, item.number);
        let (from, end) = (item.body_at(), item.loc + item.words);
        let begun = head(seen).words().len() as u64;
        let words = begun + end - from;
        let to = self.reserve(head(seen).words(), words, pool, Origin::Moved).ok()?;
        // Only now that there is room: what is frozen can no longer be touched in place.
        let frozen = item.changing(arena).freeze();
        if let Some(segment) = arena.segment_of(to) {
            self.outlive(segment, frozen.0.expiry());
        }
        for (k, &word) in head(frozen).words().iter().enumerate() {
            // Relaxed: as below.
            arena.word(to + k as u64).store(word, Ordering::Relaxed);
        }
        for k in 0..end - from {
            // Relaxed: the source is immutable and ours; the target is published by the slot.
            let word = arena.word(from + k).load(Ordering::Relaxed);
            arena.word(to + begun + k).store(word, Ordering::Relaxed);
        }
        let mut seen = slot;
        let moved = loop {
            if bucket.swap(i, seen, seen.at(to).with_freq(freq)) {
                break true;
            }
            // A reader counting its hit is no change.
            let now = bucket.slot(i);
            if !now.is_live() || now.loc() != item.loc || now.has(mark::MOVING) {
                break false;
            }
            seen = now;
        };
        if moved {
            self.clear(Hazard::Move);
            self.add(Counter::BytesIn, (words - item.words) * 8);
        } else {
            self.abandon(to, words, Hazard::Move);
        }
        Some(moved)
    }

    pub fn count_reclaimed(&self, item: &Item, slot: Slot, death: Death) {
        self.tell_dead(item, slot, death);
        self.count(Counter::Reclaimed);
        if !slot.has(mark::FETCHED) {
            self.count(Counter::ExpiredUnfetched);
        }
    }

    pub(super) fn count_evicted(&self, item: &Item, slot: Slot, hash: KeyHash, pool: Pool) {
        self.tell_evicted(item, slot);
        self.count(Counter::Evictions);
        if !slot.has(mark::FETCHED) {
            self.count(Counter::EvictedUnfetched);
        }
        if pool == Pool::Small {
            self.remember(hash);
        }
    }

    /// Settles the books for an item that this operation has just unlinked or replaced.
    pub fn gone(&self, item: &Item, birth: u64) {
        self.settle_books(item, birth);
        if let Some(segment) = self.arena.segment_of(item.loc) {
            self.shrink(segment, item.words);
        }
    }

    /// All of them but those of the segment.
    fn settle_books(&self, item: &Item, birth: u64) {
        let bytes = item.footprint(self.arena) * 8;
        self.count(Counter::ItemsOut);
        self.add(Counter::BytesOut, bytes);
        let flushed = self.arena.superblock().flush.0.horizon();
        if item.origin(self.arena, birth) <= flushed {
            self.count(Counter::FlushedOut);
            self.add(Counter::FlushedBytesOut, bytes);
        }
        for extent in item.extents(self.arena) {
            self.release_extent(extent);
        }
    }

    /// Makes a full bucket one entry emptier: a dead one, else the one that was read least.
    pub fn evict_from(&self, bucket: &Bucket, horizon: Horizon) -> bool {
        let emptier = self.evict_least(bucket, horizon);
        self.clear(Hazard::Help);
        emptier
    }

    fn evict_least(&self, bucket: &Bucket, horizon: Horizon) -> bool {
        let mut best: Option<(u64, u64, usize, Slot, Option<Death>)> = None;
        for i in 0..SLOTS {
            let slot = bucket.slot(i);
            if !slot.is_live() {
                return true;
            }
            if slot.has(mark::MOVING) {
                self.thaw(bucket, i, slot);
                return true;
            }
            let Ok(Some(found)) = self.hold(Hazard::Help, bucket, i, slot) else {
                return true;
            };
            let death = horizon.death(self.arena, &found.item, found.birth);
            let rank = if death.is_some() { 0 } else { 1 + slot.freq() };
            if best.is_none_or(|(r, b, ..)| (rank, found.birth) < (r, b)) {
                best = Some((rank, found.birth, i, slot, death));
            }
        }
        let Some((_, _, i, slot, death)) = best else {
            return false;
        };
        if death.is_none() && !self.arena.geometry().evict {
            return false;
        }
        if let Ok(Some(found)) = self.hold(Hazard::Help, bucket, i, slot)
            && self.unlink(bucket, i, slot)
        {
            if let Some(death) = death {
                self.count_reclaimed(&found.item, slot, death);
            } else {
                let mut buffer = [0; 256];
                let hash = self.arena.hasher.hash(found.item.key(self.arena, &mut buffer));
                self.count_evicted(&found.item, slot, hash, Pool::Small);
                self.count(Counter::IndexEvictions);
            }
            self.gone(&found.item, found.birth);
        }
        true
    }
}

/// A walk over the items of a segment, used or not.
struct Walk {
    at: u64,
    end: u64,
    /// Words that were moved, and all that are no longer in the index.
    kept: u64,
    gone: u64,
}

impl Walk {
    fn next(&mut self, arena: &Arena) -> Option<Item> {
        let item = (self.at < self.end).then(|| Item::at(arena, self.at)).flatten()?;
        self.at += item.words;
        Some(item)
    }
}

fn slot_of(bucket: &Bucket, hash: KeyHash, loc: u64) -> Option<(usize, Slot)> {
    candidates(bucket, hash)
        .map(|i| (i, bucket.slot(i)))
        .find(|(_, slot)| slot.is_live() && slot.loc() == loc)
}
