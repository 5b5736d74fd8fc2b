//! flush_all, and the births of segments. A flush is announced in the word that the births are given from, so that no
//! segment is born between the births that a flush covers and the moment when it covers them: what a write puts there
//! would outlive a flush that the write had not seen. Model-checked in `tests/loom.rs`.

use crate::sync::{AtomicU64, Mutant, Ordering, mutant};

/// What was flushed.
///
/// *Thread safety:* all of it. *Invariants:* 1. `birth` never goes back; 2. `items` and `bytes` are readings.
#[repr(C)]
#[derive(Debug)]
pub struct Flush {
    /// Items born in segments up to this birth number are dead.
    pub birth: AtomicU64,
    /// When a delayed flush takes effect; 0 when none is pending.
    pub at: AtomicU64,
    /// Items that were dead at the last flush, and their bytes: what `curr_items` and `bytes` leave out.
    pub items: AtomicU64,
    /// See `items`.
    pub bytes: AtomicU64,
}

/// A flush of all births given is announced: whoever meets it completes it.
const FLUSHING: u64 = 1 << 63;

/// The word after this one, which is given as a birth, or used up and covered by a flush.
fn after(word: u64) -> u64 {
    word.wrapping_add(1) & !FLUSHING
}

/// The birth numbers given so far: `FLUSHING | births`.
///
/// *Thread safety:* all of it. *Invariants:* 1. no birth is given while a flush is announced; 2. a flush uses a number
/// up, so that no announcement comes again: what a late helper does about it fails.
#[repr(transparent)]
#[derive(Debug)]
pub struct Births(AtomicU64);

/// What a look at a delayed flush found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Items born up to here are dead.
    Horizon(u64),
    /// It is due, and covers the births up to here, if no other was given since.
    Due(u64),
}

impl Births {
    /// The last birth given, about.
    #[cfg(not(loom))]
    pub fn given(&self) -> u64 {
        // Relaxed: for hints, and for births that the caller has seen given.
        self.0.load(Ordering::Relaxed) & !FLUSHING
    }

    /// Gives a birth.
    pub fn next(&self, flush: &Flush, now: impl Fn() -> u64) -> u64 {
        loop {
            let given = self.settled(flush, &now);
            // AcqRel: the flushes before it are seen by whoever sees the birth; pairs with the CASes on this word.
            let next =
                self.0.compare_exchange(given, after(given), Ordering::AcqRel, Ordering::Relaxed);
            if next.is_ok() {
                return after(given);
            }
        }
    }

    /// Kills what was stored until now.
    pub fn flush(&self, flush: &Flush, now: impl Fn() -> u64) {
        if mutant(Mutant::FlushWithoutAnnounce) {
            flush.birth.fetch_max(self.0.load(Ordering::Acquire), Ordering::AcqRel);
            return;
        }
        loop {
            // A flush that is announced already may be older than what this one has to cover: it is completed first.
            let given = self.settled(flush, &now);
            // Where nothing was stored since the last one, no number is used up: flushes alone never use them all.
            if flush.horizon() >= given || self.flush_from(given, flush, &now) {
                return;
            }
        }
    }

    /// Kills what was stored until now, if no birth was given since `given`.
    pub fn flush_from(&self, given: u64, flush: &Flush, now: impl Fn() -> u64) -> bool {
        let announced = self.announce(given);
        if announced {
            self.finish(given | FLUSHING, flush, now);
        }
        announced
    }

    /// Announces a flush; `false` if a birth was given since `given`, or another flush announced.
    pub fn announce(&self, given: u64) -> bool {
        // AcqRel: pairs with the Acquire in `settled`; a helper sees the delayed flush that the announcer has seen.
        let word =
            self.0.compare_exchange(given, given | FLUSHING, Ordering::AcqRel, Ordering::Relaxed);
        word.is_ok()
    }

    /// Is a delayed flush to be done? By memcached's rule: in the second it falls due everything is hidden, also what is
    /// stored then; from the next second on what was stored until then is dead.
    pub fn look(&self, flush: &Flush, now: impl Fn() -> u64) -> Look {
        let before = self.settled(flush, &now);
        // Acquire: pairs with the AcqRel in `finish`. The births were read before: if another has done this flush
        // meanwhile, it has used one up, and nobody announces it from `before` again.
        let at = flush.at.load(Ordering::Acquire);
        let (now, given) = match mutant(Mutant::DueFromLaterBirths) {
            false => (now(), before),
            true => (now(), self.settled(flush, &now)),
        };
        match at {
            0 => Look::Horizon(flush.horizon()),
            _ if now < at => Look::Horizon(flush.horizon()),
            _ if now == at => Look::Horizon(u64::MAX),
            _ => Look::Due(given),
        }
    }

    /// The horizon for who may change nothing: a delayed flush that is due is taken for done.
    #[cfg(not(loom))]
    pub fn watch(&self, flush: &Flush, now: u64) -> u64 {
        // Acquire: pairs with the Release of whoever set it.
        match flush.at.load(Ordering::Acquire) {
            0 => flush.horizon(),
            at if now < at => flush.horizon(),
            at if now == at => u64::MAX,
            _ => self.given().max(flush.horizon()),
        }
    }

    /// The births given, when no flush is announced; one that is, is completed first.
    pub fn settled(&self, flush: &Flush, now: impl Fn() -> u64) -> u64 {
        loop {
            // Acquire: pairs with the AcqRel in `announce`, `finish` and `next`; what was flushed before is seen.
            let word = self.0.load(Ordering::Acquire);
            if word & FLUSHING == 0 {
                return word;
            }
            if mutant(Mutant::BirthWithoutHelp) {
                return word & !FLUSHING;
            }
            self.finish(word, flush, &now);
        }
    }

    /// Completes a flush that was announced by this word.
    fn finish(&self, word: u64, flush: &Flush, now: impl Fn() -> u64) {
        // AcqRel: the linearization point of a flush; it never goes back. Pairs with the Acquire in `horizon`.
        flush.birth.fetch_max(after(word), Ordering::AcqRel);
        if !mutant(Mutant::DueLeftPending) {
            self.end_due(word, flush, &now);
        }
        // AcqRel: whoever is given a birth from here on sees the flush; pairs with the Acquire in `settled`. A failure:
        // somebody has completed it.
        let _ = self.0.compare_exchange(word, after(word), Ordering::AcqRel, Ordering::Relaxed);
        if mutant(Mutant::DueLeftPending) {
            self.end_due(after(word), flush, now);
        }
    }

    /// A delayed flush that is due is done with the one announced by this word. It is ended before another birth is given:
    /// nobody who has seen that birth does it again, and kills what was stored there.
    fn end_due(&self, word: u64, flush: &Flush, now: impl Fn() -> u64) {
        // Acquire: pairs with the Release of whoever set it.
        let at = flush.at.load(Ordering::Acquire);
        if at == 0 || now() <= at {
            return;
        }
        // AcqRel: a compare-and-swap that changes nothing, because it cannot see an old word: `at` was read while the
        // flush was announced. A late helper leaves a later one alone.
        if self.0.compare_exchange(word, word, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            // AcqRel: pairs with the Acquire in `look`. A failure: somebody has ended it, or a flush_all replaced it.
            let _ = flush.at.compare_exchange(at, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

impl Flush {
    /// Items born up to here are dead.
    #[inline(always)]
    pub fn horizon(&self) -> u64 {
        // Acquire: pairs with the AcqRel of `Births::finish`.
        self.birth.load(Ordering::Acquire)
    }
}

#[cfg(loom)]
impl Births {
    /// None given.
    pub fn new() -> Births {
        Births(AtomicU64::new(0))
    }
}

#[cfg(loom)]
impl Flush {
    /// Nothing flushed, and a delayed flush pending for this time, if it is not 0.
    pub fn new(at: u64) -> Flush {
        let [birth, items, bytes] = [0; 3].map(AtomicU64::new);
        Flush { birth, at: AtomicU64::new(at), items, bytes }
    }
}
