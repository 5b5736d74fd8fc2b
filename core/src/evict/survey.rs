//! A look over all segments: which is free, which to reap, clean or evict.

use crate::Error;
use crate::evict::Origin;
use crate::evict::drain::Drain;
use crate::expiry::Horizon;
use crate::hazard::{Hazard, announce_drain, guarded};
use crate::memory::segment::{Kind, Pool, State, recycle};
use crate::memory::{Geometry, PerSegment};
use crate::reap;
use crate::seat::Op;
use crate::sync::Ordering;
use crate::types::Policy;

/// What is to be done with a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub(super) enum Fate {
    /// All of its items are dead, as far as the hints tell.
    Reap = 0,
    /// Much of it is dead: what lives is moved together.
    Clean = 1,
    /// It is the turn of its items: those that were read are kept.
    Evict = 2,
    /// It is the turn of its items, and the writer has waited long enough.
    Drop = 3,
}

impl Fate {
    /// What a partly emptied segment was to be emptied for.
    pub fn of(state: State) -> Fate {
        match state.note() {
            0 => Fate::Reap,
            1 => Fate::Clean,
            2 => Fate::Evict,
            _ => Fate::Drop,
        }
    }
}

/// A segment of the small pool must be emptier by this.
const CLEAN_HANDICAP: u64 = 25;
/// After so many segments reclaimed for one LARGE value, what it meets is dropped whether it was read or not: that
/// bounds the time of a set.
const PATIENCE: u64 = 6;
/// Where nothing may be evicted, a segment is cleaned for less.
const CLEAN_PERCENT_NO_EVICT: u64 = 98;
/// The small pool's share of the segments (Yang et al., SOSP'23).
const SMALL_PERCENT: u64 = 10;

/// The best candidates met. `(key, segment)`, the least key wins.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub free: u64,
    small: u64,
    total: u64,
    clean_limit: u64,
    /// Partly emptied already.
    paused: Option<(u64, Fate)>,
    dead: Option<u64>,
    emptiest: Option<(u64, u64)>,
    oldest_small: Option<(u64, u64)>,
    oldest_main: Option<(u64, u64)>,
}

fn least(best: &mut Option<(u64, u64)>, key: u64, segment: u64) {
    if best.is_none_or(|(k, _)| key < k) {
        *best = Some((key, segment));
    }
}

impl Op<'_> {
    /// A segment of one's own for this use, taken from the free ones; a writer makes some by eviction.
    pub fn acquire(&self, kind: Kind, pool: Pool, origin: Origin) -> Result<u64, Error> {
        let segments = self.arena.reach();
        if kind != Kind::Withheld && origin == Origin::New {
            self.comply_in_passing();
        }
        let reserve = if origin == Origin::Moved { 0 } else { self.reserve_segments() };
        let mut failed = Vec::new();
        let mut sealed = false;
        let mut reclaimed = 0;
        for _ in 0..4 * segments + 16 {
            let free = self.arena.superblock().free.0.load(Ordering::Relaxed);
            if free > reserve
                && let Some(segment) = self.open_free(kind, pool)
            {
                if free <= reserve + 1 {
                    self.want_reclaim();
                }
                return Ok(segment);
            }
            // What the dead held may be all that is missing.
            reap::reap_now_and_then(self.arena);
            let horizon = self.horizon();
            let survey = self.survey(horizon, &failed);
            // Relaxed: a hint, put right by whoever counts.
            self.arena.superblock().free.0.store(survey.free, Ordering::Relaxed);
            if survey.free > reserve {
                continue;
            }
            if origin == Origin::Moved {
                break;
            }
            let Geometry { evict, policy, .. } = *self.arena.geometry();
            // Writers in passing were not fast enough. For an ordinary item nobody drains more than one segment, and
            // moves nothing of it.
            let patience = if kind == Kind::Open { 0 } else { PATIENCE };
            let impatient = reclaimed >= patience || self.is_impatient();
            match survey.choose(evict, policy, impatient) {
                Some((segment, fate)) => match self.reclaim(segment, fate, horizon, u64::MAX) {
                    Drain::Done => reclaimed += 1,
                    _ => failed.push(segment),
                },
                None if !sealed => sealed = self.seal_lanes(),
                None => break,
            }
            if !sealed && failed.len() as u64 > segments {
                break;
            }
        }
        Err(Error::OutOfMemory)
    }

    /// Free segments that are kept for what the evictor moves.
    pub(super) fn reserve_segments(&self) -> u64 {
        (self.arena.allowance() / 256).clamp(1, 4)
    }

    /// Takes a free segment, wherever it is.
    fn open_free(&self, kind: Kind, pool: Pool) -> Option<u64> {
        let arena = self.arena;
        let superblock = arena.superblock();
        let segments = arena.reach();
        // Where the search begins does not matter.
        let start = superblock.births.0.given();
        for k in 0..segments {
            let segment = (start % segments + k) % segments;
            let state = arena.state(segment);
            let own = State::new(kind, pool).owned(self.owner);
            let own = if kind == Kind::Withheld { own.noting(1) } else { own };
            if state.kind() != Kind::Free || !arena.change_state(segment, state, own) {
                continue;
            }
            let free = superblock.free.0.load(Ordering::Relaxed);
            superblock.free.0.store(free.saturating_sub(1), Ordering::Relaxed);
            if kind == Kind::Withheld {
                return Some(segment);
            }
            // Relaxed: the segment is ours, and published by the birth.
            arena.segment(PerSegment::Used, segment).store(0, Ordering::Relaxed);
            arena.segment(PerSegment::Dead, segment).store(0, Ordering::Relaxed);
            arena.segment(PerSegment::Expiry, segment).store(0, Ordering::Relaxed);
            arena.segment(PerSegment::Drained, segment).store(0, Ordering::Relaxed);
            arena.segment(PerSegment::Opened, segment).store(self.now(), Ordering::Relaxed);
            let birth = superblock.births.0.next(&superblock.flush.0, || self.now());
            arena.segment(PerSegment::Order, segment).store(birth, Ordering::Relaxed);
            // Release: pairs with the Acquire of readers; the segment was unreadable until here.
            arena.birth(segment).store(birth, Ordering::Release);
            return Some(segment);
        }
        None
    }

    /// Gives back a segment that nothing points into, or puts it in limbo while somebody may still read it.
    pub fn release(&self, segment: u64) {
        let arena = self.arena;
        let state = arena.state(segment);
        let birth = arena.birth(segment).load(Ordering::Relaxed);
        recycle(arena.birth(segment));
        announce_drain();
        if self.is_busy(segment) {
            // The birth makes the word one that never comes again.
            arena.change_state(segment, state, state.to(Kind::Limbo).owned(birth));
        } else if arena.change_state(segment, state, state.to(Kind::Free)) {
            // Relaxed: a hint.
            arena.superblock().free.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// May anybody still read or write the segment?
    pub fn is_busy(&self, segment: u64) -> bool {
        self.arena.seats().iter().any(|seat| seat.protects(segment))
            || guarded(self.arena.cells(), segment)
    }

    pub(super) fn survey(&self, horizon: Horizon, failed: &[u64]) -> Survey {
        let arena = self.arena;
        let now = u64::from(arena.superblock().clock.0.now());
        let mut survey = Survey { clean_limit: self.clean_limit(), ..Survey::default() };
        let mut withheld = 0;
        for segment in 0..arena.reach() {
            let state = arena.state(segment);
            if state.kind() == Kind::Withheld {
                withheld += 1;
                continue;
            }
            let word = |which| arena.segment(which, segment).load(Ordering::Relaxed);
            let order = word(PerSegment::Order);
            match state.kind() {
                Kind::Free => survey.free += 1,
                Kind::Limbo => {
                    let freed = !self.is_busy(segment)
                        && arena.change_state(segment, state, state.to(Kind::Free));
                    survey.free += u64::from(freed);
                }
                Kind::Draining if state.is_paused() && !failed.contains(&segment) => {
                    survey.paused = Some((segment, Fate::of(state)));
                }
                Kind::Sealed | Kind::Large => {
                    survey.total += 1;
                    survey.small += u64::from(state.pool() == Pool::Small);
                    if failed.contains(&segment) {
                        continue;
                    }
                    if state.kind() == Kind::Sealed {
                        let used = word(PerSegment::Used).min(arena.geometry().segment_words());
                        let live = used.saturating_sub(word(PerSegment::Dead));
                        let dead = live == 0 || word(PerSegment::Expiry) <= now;
                        if dead || horizon.covers(word(PerSegment::Birth)) {
                            survey.dead = Some(segment);
                        }
                        let percent = live * 100 / arena.geometry().segment_words();
                        // What has yet to prove itself is not worth as many copies.
                        let young = arena.geometry().evict && state.pool() == Pool::Small;
                        let handicap = if young { CLEAN_HANDICAP } else { 0 };
                        least(&mut survey.emptiest, percent + handicap, segment);
                    }
                    let oldest = match state.pool() {
                        Pool::Small => &mut survey.oldest_small,
                        Pool::Main => &mut survey.oldest_main,
                    };
                    least(oldest, order, segment);
                }
                _ => {}
            }
        }
        // Relaxed: a hint.
        arena.superblock().limit.0.withheld.store(withheld, Ordering::Relaxed);
        survey
    }

    /// Gives up the room of an item that was never published, or is no longer.
    pub fn abandon(&self, loc: u64, words: u64, hazard: Hazard) {
        if let Some(segment) = self.arena.segment_of(loc) {
            self.shrink(segment, words);
        }
        self.clear(hazard);
    }

    /// Notes that `words` words of a segment are dead.
    pub fn shrink(&self, segment: u64, words: u64) {
        // Relaxed: a hint.
        self.arena.segment(PerSegment::Dead, segment).fetch_add(words, Ordering::Relaxed);
    }
}

impl Survey {
    pub(super) fn choose(
        &self,
        evict: bool,
        policy: Policy,
        impatient: bool,
    ) -> Option<(u64, Fate)> {
        if let Some((segment, fate)) = self.paused {
            return Some((segment, if evict && impatient { Fate::Drop } else { fate }));
        }
        if let Some(segment) = self.dead {
            return Some((segment, Fate::Reap));
        }
        let limit = if evict { self.clean_limit } else { CLEAN_PERCENT_NO_EVICT };
        if let Some((percent, segment)) = self.emptiest
            && percent < limit
            && !(evict && impatient)
        {
            return Some((segment, Fate::Clean));
        }
        if !evict {
            return None;
        }
        let small_first = match policy {
            Policy::S3Fifo => self.small * 100 > self.total * SMALL_PERCENT,
            // One queue, in the order in which the segments were opened.
            Policy::Lru => self.oldest_small < self.oldest_main || self.oldest_main.is_none(),
        };
        let (first, second) = match small_first {
            true => (self.oldest_small, self.oldest_main),
            false => (self.oldest_main, self.oldest_small),
        };
        let fate = if impatient { Fate::Drop } else { Fate::Evict };
        first.or(second).map(|(_, segment)| (segment, fate))
    }
}
