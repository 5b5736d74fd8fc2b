//! Reserving room for an item in a lane's open segment.

use crate::Error;
use crate::hazard::Hazard;
use crate::header::Header;
use crate::memory::PerSegment;
use crate::memory::segment::{Kind, Lane, Locked, Pool, State};
use crate::reap;
use crate::seat::Op;
use crate::sync::Ordering;
use std::time::{Duration, Instant};

/// Who asks for room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A writer: others may be evicted for it.
    New,
    /// The evictor, which keeps an item by moving it: it lives on the segments kept in reserve.
    Moved,
}

/// So many times a writer looks for a lane that is not held, and yields in between. A lane is held for a moment: all
/// are held for longer only where holders were stopped or have died. Then he takes one of those that are otherwise not
/// used; and if even those are all held for so long, the arena is damaged.
const ROUNDS: u32 = 16;
const LONG: Duration = Duration::from_millis(20);
/// So many segments a writer opens that others fill, or flush, before it comes to it. A damaged flush covers them all.
const WASTED: u32 = 64;

/// Lanes that serve a kind of item: the first, and how many.
struct Group(u64, u64);

impl Op<'_> {
    /// Room for an item of `words` words that begins with `head` (its header, and whatever else its length
    /// depends on). The segment is held by the hazard `hazard` until the caller clears it.
    pub fn reserve(
        &self,
        head: &[u64],
        words: u64,
        pool: Pool,
        origin: Origin,
    ) -> Result<u64, Error> {
        if words > self.arena.geometry().segment_words() {
            return Err(Error::OutOfMemory);
        }
        let group = self.group(Header(head[0]), words, pool);
        let mut lanes = self.arena.geometry().lanes.count();
        let mut wasted = 0;
        let mut begun = None;
        for round in 0.. {
            for k in 0..lanes {
                // The group's own lanes first; when all of them are held, any: nobody waits for a holder.
                let i = if k < group.1 {
                    group.0 + (self.owner + k) % group.1
                } else {
                    (group.0 + k) % lanes
                };
                let lane = self.arena.lane(i);
                let Some(locked) = lane.try_lock(self.owner) else {
                    continue;
                };
                if let Some(loc) = self.take(&locked, i, head, words, origin) {
                    return Ok(loc);
                }
                self.seal(&locked, i);
                drop(locked);
                if let Some(loc) = self.open(lane, i, head, words, origin)? {
                    return Ok(loc);
                }
                wasted += 1;
                if self.arena.is_poisoned() {
                    let what =
                        "words that never change have changed: close the cache and open it again"
                            .into();
                    return Err(Error::Corrupt(what));
                }
                if wasted > WASTED {
                    return Err(Error::OutOfMemory);
                }
            }
            if round >= ROUNDS {
                reap::reap_now_and_then(self.arena);
                // As many as there are segments for.
                lanes = Lane::COUNT_MAX.min(lanes.max(self.arena.allowance() / 4));
                if begun.get_or_insert_with(Instant::now).elapsed() > LONG {
                    break;
                }
            }
            std::thread::yield_now();
        }
        Err(Error::OutOfMemory)
    }

    /// The segment that a held lane fills, and its state. What a lane's last holder has left, when he was killed
    /// between two steps, may be another's by now.
    fn filled(&self, locked: &Locked<'_>, lane: u64) -> Option<(u64, State)> {
        let segment = locked.open().filter(|&s| s < self.arena.geometry().segments)?;
        let state = self.arena.state(segment);
        state.is_open_in(lane).then_some((segment, state))
    }

    /// Which lanes serve an item.
    fn group(&self, header: Header, words: u64, pool: Pool) -> Group {
        let lanes = &self.arena.geometry().lanes;
        let main = lanes.small + lanes.ttl;
        if pool == Pool::Main {
            return Group(main, lanes.main);
        }
        if words > self.arena.geometry().segment_words() / 8 && lanes.bulk > 0 {
            return Group(main + lanes.main, lanes.bulk);
        }
        match self.ttl(header.expiry()) {
            Some(seconds) if lanes.ttl > 0 => {
                Group(lanes.small + class(seconds) * lanes.ttl / CLASSES, 1)
            }
            _ => Group(0, lanes.small),
        }
    }

    /// Takes room from the segment that the lane fills, if it is there and not flushed.
    #[inline(always)]
    fn take(
        &self,
        locked: &Locked<'_>,
        lane: u64,
        head: &[u64],
        words: u64,
        origin: Origin,
    ) -> Option<u64> {
        let arena = self.arena;
        let (segment, _) = self.filled(locked, lane)?;
        // Acquire: an item stored after a flush must not lie in a segment that it covers.
        let flushed = arena.superblock().flush.0.birth.load(Ordering::Acquire);
        if arena.birth(segment).load(Ordering::Relaxed) <= flushed {
            return None;
        }
        let start = arena.segment_start(segment);
        let used = arena.segment(PerSegment::Used, segment);
        let at = locked.take(used, words, arena.geometry().segment_words(), |at| {
            for (k, &word) in head.iter().enumerate() {
                // Relaxed: published with the fill mark.
                arena.word(start + at + k as u64).store(word, Ordering::Relaxed);
            }
            // Release: seen by whoever drains the segment, because the lane is unlocked after it.
            let hazard = if origin == Origin::New { Hazard::Write } else { Hazard::Move };
            self.seat.hazard(hazard).store(segment + 1, Ordering::Release);
            // Relaxed: hints, and ordered by the lane.
            self.outlive(segment, Header(head[0]).expiry());
        })?;
        Some(start + at)
    }

    /// Notes that an item of the segment lives until `deadline`.
    pub fn outlive(&self, segment: u64, deadline: u32) {
        let expiry = if deadline == 0 { u64::MAX } else { u64::from(deadline) };
        // Relaxed read first: nearly always it is no news.
        let latest = self.arena.segment(PerSegment::Expiry, segment);
        if latest.load(Ordering::Relaxed) < expiry {
            // AcqRel: raised before the item's own expiry is.
            latest.fetch_max(expiry, Ordering::AcqRel);
        }
    }

    /// Closes the segment that the lane fills.
    fn seal(&self, locked: &Locked<'_>, lane: u64) {
        if let Some((segment, state)) = self.filled(locked, lane) {
            // Nobody else changes the state of a lane's segment.
            self.arena.change_state(segment, state, state.to(Kind::Sealed));
        }
        locked.set_open(None);
    }

    /// Opens a segment in a lane and takes room from it; `None` if somebody else was there first.
    #[cold]
    fn open(
        &self,
        lane: &Lane,
        i: u64,
        head: &[u64],
        words: u64,
        origin: Origin,
    ) -> Result<Option<u64>, Error> {
        let lanes = &self.arena.geometry().lanes;
        let main = lanes.small + lanes.ttl..lanes.small + lanes.ttl + lanes.main;
        let pool = if main.contains(&i) { Pool::Main } else { Pool::Small };
        let segment = self.acquire(Kind::Open, pool, origin)?;
        if let Some(locked) = lane.try_lock(self.owner) {
            if let Some(loc) = self.take(&locked, i, head, words, origin) {
                drop(locked);
                self.release(segment);
                return Ok(Some(loc));
            }
            self.seal(&locked, i);
            // The lane knows of the segment before the segment is the lane's: so one that is an operation's own is in no
            // lane, whenever that operation is killed.
            locked.set_open(Some(segment));
            let own = State::new(Kind::Open, pool).owned(self.owner);
            // A failure: this process was taken for dead.
            self.arena.change_state(segment, own, own.of_lane(i));
            return Ok(self.take(&locked, i, head, words, origin));
        }
        self.release(segment);
        Ok(None)
    }

    /// Closes every lane that is not held: when nothing else can be evicted, what they fill can.
    pub fn seal_lanes(&self) -> bool {
        let mut sealed = false;
        for i in 0..Lane::COUNT_MAX {
            if let Some(locked) = self.arena.lane(i).try_lock(self.owner) {
                sealed |= self.filled(&locked, i).is_some();
                self.seal(&locked, i);
            }
        }
        sealed
    }
}

/// Classes of lifetime: two for each doubling.
const CLASSES: u64 = 60;

fn class(seconds: u32) -> u64 {
    let seconds = u64::from(seconds.max(1));
    let octave = u64::from(seconds.ilog2());
    let half = u64::from(octave > 0 && seconds >> (octave - 1) & 1 == 1);
    (octave * 2 + half).min(CLASSES - 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn classes_grow_with_the_lifetime() {
        let classes: Vec<u64> = [1, 2, 3, 4, 6, 8, 3600, 86_400].map(super::class).into();
        assert_eq!(classes, [0, 2, 3, 4, 5, 6, 23, 32]);
        assert!(super::class(u32::MAX) < super::CLASSES);
    }
}
