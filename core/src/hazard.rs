//! Who may still read or write a segment: hazards of the operation under way, and guards of pinned values.
//!
//! The handshake between a hazard and an evictor is Dekker's: each side publishes, fences, and then looks at
//! the other. It is model-checked in `tests/loom.rs`, and with seats that change hands in `tests/loom_owners.rs`.

use crate::sync::{AtomicU64, Mutant, Ordering, fence, mutant};

/// What a hazard protects. An operation holds at most one of each.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub enum Hazard {
    /// The segment of a new item that is still being written.
    Write = 0,
    /// The segment of a present item that is being read or replaced.
    Read = 1,
    /// The segment that a moved item goes to.
    Move = 2,
    /// The segment of an item that is evicted by itself, out of a full bucket or with its LARGE value.
    Help = 3,
}

const HAZARDS: usize = 4;
/// Counters a seat has room for. A model has one: each word of its costs time.
pub(crate) const COUNTERS: usize = if cfg!(loom) { 1 } else { 48 };
/// What fills the first two cache lines up.
const REST: usize = if cfg!(loom) { 0 } else { 11 };

/// A thread's place in the arena: its hazards and its share of the statistics.
///
/// *Thread safety:* the owner writes, everybody reads. *Invariants:* 1. `owner` is `generation24 | process40`: the
/// process is 0 for a free seat, and the generation grows whenever the seat is taken; 2. hazards are 0 or a segment's
/// number + 1, and those of a free seat say nothing; 3. counters are written by the owner alone.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Seat {
    owner: AtomicU64,
    hazards: [AtomicU64; HAZARDS],
    _line: [AtomicU64; REST],
    /// The owner's share of the statistics.
    pub counters: [AtomicU64; COUNTERS],
}

const PROCESS: u64 = (1 << 40) - 1;

/// What is claimed in the name of a seat and its generation: `generation24 | seat + 1 in 16 bits`. Never 0.
#[inline(always)]
pub fn owner_id(seat: usize, taken: u64) -> u64 {
    taken >> 40 << 16 | (seat as u64 + 1)
}

impl Seat {
    /// A seat that is in no arena.
    pub fn spectator() -> Seat {
        Seat {
            owner: AtomicU64::new(0),
            hazards: std::array::from_fn(|_| AtomicU64::new(0)),
            _line: std::array::from_fn(|_| AtomicU64::new(0)),
            counters: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Takes a free seat for a process; the word that says so.
    pub fn take(&self, process: u64) -> Option<u64> {
        // Relaxed first, so that a full house is only looked at.
        let free = self.owner.load(Ordering::Relaxed);
        if free & PROCESS != 0 {
            return None;
        }
        let taken = match mutant(Mutant::TakeWithoutGeneration) {
            true => free | process & PROCESS,
            false => (free | PROCESS).wrapping_add(1) | process & PROCESS,
        };
        if mutant(Mutant::ClearBeforeTake) {
            self.hazards.iter().for_each(clear);
        }
        // Acquire: pairs with the Release in `give_back`; the counters are seen.
        self.owner.compare_exchange(free, taken, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // What its last owner held when he was killed.
        if !mutant(Mutant::TakeWithoutClear) && !mutant(Mutant::ClearBeforeTake) {
            self.hazards.iter().for_each(clear);
        }
        Some(taken)
    }

    /// Is the seat still taken as this word says?
    #[inline(always)]
    pub fn is_taken(&self, taken: u64) -> bool {
        // Relaxed: it is asked by the owner, who took it.
        self.owner.load(Ordering::Relaxed) == taken
    }

    /// Who has it: the word, and the process in it.
    pub fn taker(&self) -> Option<(u64, u64)> {
        // Acquire: pairs with the Release in `give_back`.
        let taken = self.owner.load(Ordering::Acquire);
        (taken & PROCESS != 0).then_some((taken, taken & PROCESS))
    }

    /// Frees the seat, if it is still taken as this word says; was it?
    pub fn give_back(&self, taken: u64) -> bool {
        let free = taken & !PROCESS;
        // Release: pairs with the Acquire in `take`. A failure is a reaper's, who was faster.
        let order = match mutant(Mutant::GiveBackWithoutRelease) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        let freed = self.owner.compare_exchange(taken, free, order, Ordering::Relaxed).is_ok();
        if mutant(Mutant::GiveBackBlindly) {
            self.owner.store(free, Ordering::Release);
        }
        freed
    }

    /// Frees the seat if the process has it.
    pub fn leave(&self, process: u64) {
        if let Some((taken, taker)) = self.taker()
            && taker == process
        {
            self.give_back(taken);
        }
    }

    /// The hazard's word.
    pub fn hazard(&self, which: Hazard) -> &AtomicU64 {
        &self.hazards[which as usize]
    }

    /// Adds to a counter. Relaxed, and no read-modify-write: only the seat's owner writes it.
    #[inline(always)]
    pub fn count(&self, counter: usize, by: u64) {
        let word = &self.counters[counter];
        word.store(word.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }

    /// Does an operation under way protect the segment?
    pub fn protects(&self, segment: u64) -> bool {
        self.counts() && self.holds(&self.hazards, segment)
    }

    /// Does a write under way protect the segment?
    pub fn writes(&self, segment: u64) -> bool {
        let hazards = [Hazard::Write, Hazard::Move].map(|which| self.hazard(which));
        self.counts() && self.holds(hazards, segment)
    }

    /// Do its hazards say anything?
    fn counts(&self) -> bool {
        mutant(Mutant::HazardsOfFreeSeats) || self.taker().is_some()
    }

    fn holds<'a>(&self, hazards: impl IntoIterator<Item = &'a AtomicU64>, segment: u64) -> bool {
        // Acquire: pairs with the Release in `clear`; what was done under the hazard is seen.
        hazards.into_iter().any(|hazard| hazard.load(Ordering::Acquire) == segment + 1)
    }
}

/// Publishes a hazard on a segment, and says whether it came in time: `word` still holds `seen`, so an evictor
/// that empties the word from now on will find the hazard.
#[inline]
pub fn protect(hazard: &AtomicU64, segment: u64, word: &AtomicU64, seen: u64) -> bool {
    // Release: orders it after the use of what it protected before.
    hazard.store(segment + 1, Ordering::Release);
    if !mutant(Mutant::HazardWithoutFence) {
        // SeqCst: the hazard is published before the word is looked at; pairs with the fence in `announce_drain`.
        fence(Ordering::SeqCst);
    }
    // Acquire: the item's words are seen.
    mutant(Mutant::HazardWithoutRecheck) || word.load(Ordering::Acquire) == seen
}

/// Gives a hazard up.
#[inline]
pub fn clear(hazard: &AtomicU64) {
    // Release: what was done under the hazard is done.
    hazard.store(0, Ordering::Release);
}

/// The evictor's half: after this, every hazard published before it lost sight of the segment is seen.
#[inline]
pub fn announce_drain() {
    if !mutant(Mutant::EvictWithoutFence) {
        // SeqCst: the emptied words are published before the hazards are looked at; pairs with `protect`.
        fence(Ordering::SeqCst);
    }
}

/// A guard cell: `owner20 | count20 | segment24 + 1`, shared by all pins of one process on one segment, so that
/// pins outlive the operation (and the thread) that made them and are not limited in number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell(u64);

const CELL_COUNT: u64 = 1 << 24;
const CELL_COUNT_MAX: u64 = (1 << 20) - 1;

/// The owner of a process's cells: its place, and as much of its generation as there is room for.
pub(crate) fn cell_owner(process: u64) -> u64 {
    (process & 0x7ff) | (process >> 16 & 0x1ff) << 11
}

impl Cell {
    fn first(owner: u64, segment: u64) -> Cell {
        Cell(owner << 44 | CELL_COUNT | (segment + 1))
    }
    fn count(self) -> u64 {
        self.0 >> 24 & CELL_COUNT_MAX
    }
    pub fn segment(self) -> Option<u64> {
        (self.0 & 0xff_ffff).checked_sub(1)
    }
    fn is_of(self, owner: u64, segment: u64) -> bool {
        self.0 & !(CELL_COUNT_MAX << 24) == Cell::first(owner, segment).0 & !(CELL_COUNT_MAX << 24)
    }
}

/// Takes a guard on a segment, in a cell that has one already or in a free one; `None` if there is none left.
pub(crate) fn guard(cells: &[AtomicU64], owner: u64, segment: u64) -> Option<usize> {
    let start = (owner.wrapping_mul(31) ^ segment.wrapping_mul(7)) as usize % cells.len();
    for k in 0..cells.len() {
        let i = (start + k) % cells.len();
        // Relaxed: the exchange below is what counts.
        let mut seen = Cell(cells[i].load(Ordering::Relaxed));
        loop {
            let next = if seen.0 == 0 {
                Cell::first(owner, segment)
            } else if seen.is_of(owner, segment) && seen.count() < CELL_COUNT_MAX {
                Cell(seen.0 + CELL_COUNT)
            } else {
                break;
            };
            // AcqRel as `protect`'s store; the caller fences and re-checks.
            match cells[i].compare_exchange(seen.0, next.0, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(i),
                Err(now) => seen = Cell(now),
            }
        }
    }
    None
}

/// Gives a guard up.
pub(crate) fn unguard(cell: &AtomicU64) {
    // Relaxed: the exchange below is what counts.
    let mut seen = Cell(cell.load(Ordering::Relaxed));
    loop {
        let next = match seen.count() {
            0 => return,
            1 => 0,
            _ => seen.0 - CELL_COUNT,
        };
        // Release: the pinned bytes have been read.
        match cell.compare_exchange(seen.0, next, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = Cell(now),
        }
    }
}

/// Does any guard protect the segment?
pub(crate) fn guarded(cells: &[AtomicU64], segment: u64) -> bool {
    // Acquire: pairs with the Release in `unguard`.
    cells.iter().any(|cell| Cell(cell.load(Ordering::Acquire)).segment() == Some(segment))
}

/// Gives up all guards of an owner that is not there any more.
pub(crate) fn unguard_all(cells: &[AtomicU64], owner: u64) {
    for cell in cells {
        let seen = cell.load(Ordering::Acquire);
        if seen >> 44 == owner && seen != 0 {
            // AcqRel: as `unguard`. A failure is another reaper's, who was faster.
            let _ = cell.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}
