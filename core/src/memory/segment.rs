//! A segment's life, and the lanes that fill it.
//!
//! ```text
//! FREE -> OPEN (in a lane) -> SEALED -> DRAINING -> FREE, or LIMBO while somebody may still read it -> FREE
//!         (a drain is done in steps, by whoever passes by: between two of them DRAINING has no owner)
//! FREE -> FILLING -> LARGE (an extent of a LARGE value) -> DRAINING -> ...
//! FREE -> INDEX (a part of a doubled index, for good)
//! FREE -> WITHHELD (beyond a lowered memory limit; its memory is the system's) -> FREE
//! ```

use crate::sync::{AtomicU64, Mutant, Ordering, fence, mutant};

/// What a segment is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Nobody's.
    Free = 0,
    /// Being filled by a lane.
    Open = 1,
    /// Full; the evictor may take it.
    Sealed = 2,
    /// An evictor is emptying it.
    Draining = 3,
    /// Empty, but somebody may still read it.
    Limbo = 4,
    /// Being filled with a part of a LARGE value.
    Filling = 5,
    /// Holds a part of a LARGE value.
    Large = 6,
    /// Holds buckets of the index.
    Index = 7,
    /// Beyond the memory limit. With a note its memory may be there still, or again.
    Withheld = 8,
}

/// The queue of S3-FIFO that a segment belongs to (Yang et al., SOSP'23).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Pool {
    /// Items that have yet to prove themselves.
    Small = 0,
    /// Items that were read again, or came back soon after they were evicted.
    Main = 1,
}

/// A segment's state: `kind8 | spare3 unchecked1 extent1 note2 pool1 | owner48`, changed by one compare-and-swap. The owner is a
/// seat's id (40 bits), or the lane that an OPEN segment was given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State(pub u64);

const OWNER_MASK: u64 = (1 << 48) - 1;
/// The owner is a lane.
const LANE: u64 = 1 << 47;
const EXTENT: u64 = 1 << 51;
const UNCHECKED: u64 = 1 << 52;

impl State {
    /// A state without an owner.
    pub fn new(kind: Kind, pool: Pool) -> State {
        State((kind as u64) << 56 | (pool as u64) << 48)
    }
    /// The same, owned.
    pub fn owned(self, owner: u64) -> State {
        State(self.0 & 0xffff << 48 | owner & OWNER_MASK)
    }
    /// Who has the segment; 0 is nobody.
    pub fn owner(self) -> u64 {
        self.0 & ((1 << 48) - 1)
    }
    /// The same in the hands of a lane.
    pub fn of_lane(self, lane: u64) -> State {
        self.owned(LANE | lane)
    }
    /// Is the segment filled by this lane?
    pub fn is_open_in(self, lane: u64) -> bool {
        mutant(Mutant::OpenBelieved)
            || self.kind() == Kind::Open
                && (mutant(Mutant::OpenInAnyLane) || self.owner() == LANE | lane)
    }
    /// Being emptied as the extent that it was: there is nothing in it to be walked.
    pub fn as_extent(self) -> State {
        if mutant(Mutant::ExtentUnmarked) { self } else { State(self.0 | EXTENT) }
    }
    /// See [`State::as_extent`].
    pub fn is_extent(self) -> bool {
        self.0 & EXTENT != 0
    }
    /// Being emptied, and nobody has looked yet whether a writer is about to publish an item there.
    pub fn unchecked(self) -> State {
        State(self.0 | UNCHECKED)
    }
    /// See [`State::unchecked`].
    pub fn is_unchecked(self) -> bool {
        self.0 & UNCHECKED != 0
    }
    /// Is the segment partly emptied, and nobody at it?
    pub fn is_paused(self) -> bool {
        self.kind() == Kind::Draining && self.owner() == 0
    }
    /// The same with a note for whoever goes on with it: 0 to 3.
    pub fn noting(self, note: u64) -> State {
        State(self.0 & !(3 << 49) | note << 49)
    }
    /// The note that was left.
    pub fn note(self) -> u64 {
        self.0 >> 49 & 3
    }
    /// The same pool and another use, without an owner.
    pub fn to(self, kind: Kind) -> State {
        State::new(kind, self.pool())
    }
    /// What the segment is used for. A damaged byte reads as `Index`, which nobody touches.
    pub fn kind(self) -> Kind {
        match self.0 >> 56 {
            0 => Kind::Free,
            1 => Kind::Open,
            2 => Kind::Sealed,
            3 => Kind::Draining,
            4 => Kind::Limbo,
            5 => Kind::Filling,
            6 => Kind::Large,
            8 => Kind::Withheld,
            _ => Kind::Index,
        }
    }
    /// The queue it belongs to.
    pub fn pool(self) -> Pool {
        if self.0 >> 48 & 1 == 0 { Pool::Small } else { Pool::Main }
    }
}

/// Reads `read` from a segment born as `birth` says, believing it only if the segment was not recycled
/// meanwhile: `word` still holds `seen` after the birth was read, and the birth is the same afterwards.
///
/// The optimistic read that stores nothing; a sequence lock whose sequence is the segment's birth number.
#[inline(always)]
pub fn optimistic<R>(
    word: &AtomicU64,
    seen: u64,
    birth: &AtomicU64,
    read: impl FnOnce(u64) -> R,
) -> Option<R> {
    let born = readable(word, seen, birth)?;
    let result = read(born);
    unchanged(birth, born).then_some(result)
}

/// The first half of [`optimistic`]: the birth whose words may be read, until [`unchanged`] says whether they were it.
#[inline(always)]
pub fn readable(word: &AtomicU64, seen: u64, birth: &AtomicU64) -> Option<u64> {
    // Acquire: pairs with the Release of `recycle`; the re-check below then sees the slot emptied before it.
    let born = birth.load(Ordering::Acquire);
    if born == 0 {
        return None;
    }
    // Acquire: pairs with the CAS that published `seen`; the item's words are seen.
    if !mutant(Mutant::ReadWithoutRecheck) && word.load(Ordering::Acquire) != seen {
        return None;
    }
    Some(born)
}

/// Were the words read until now those of this birth?
#[inline(always)]
pub fn unchanged(birth: &AtomicU64, born: u64) -> bool {
    if !mutant(Mutant::ReadWithoutFence) {
        // Acquire: the reads above are done before the birth is read again; pairs with the fence in `recycle`.
        fence(Ordering::Acquire);
    }
    // Relaxed: ordered by the fence.
    birth.load(Ordering::Relaxed) == born
}

/// Makes a segment unreadable before its words are written again. No slot points into it any more.
pub fn recycle(birth: &AtomicU64) {
    if !mutant(Mutant::RecycleWithoutBirth) {
        // Release: a reader that sees the 0 (or a later birth) sees the slots emptied before it.
        birth.store(0, Ordering::Release);
    }
    if !mutant(Mutant::RecycleWithoutFence) {
        // Release: the writes that follow are not seen before the 0; pairs with the fence in `unchanged`.
        fence(Ordering::Release);
    }
}

/// A place where items are appended: a try-lock that names its owner and is held for about ten instructions,
/// and the segment it fills.
///
/// *Invariants:* 1. the lane fills the segment whose number + 1 `open` is, if that segment's state says that it is OPEN
/// and this lane's; else it fills none; 2. only the owner changes it, or the segment's fill mark.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Lane {
    owner: AtomicU64,
    open: AtomicU64,
}

impl Lane {
    /// As many lanes as an arena has room for.
    pub const COUNT_MAX: u64 = 64;

    /// An unlocked lane that fills nothing.
    #[cfg(loom)]
    pub fn new() -> Lane {
        Lane { owner: AtomicU64::new(0), open: AtomicU64::new(0) }
    }

    /// Locks the lane, unless somebody has it: nobody waits for its holder.
    pub fn try_lock(&self, owner: u64) -> Option<Locked<'_>> {
        // Acquire: pairs with the Release of the unlock; the fill mark is seen.
        let won =
            self.owner.compare_exchange(0, owner, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Not `then_some`: a `Locked` that is made and dropped unlocks.
        won.then(|| Locked(self))
    }

    /// The segment it fills, for the quiet walk of `check`.
    pub fn fills(&self) -> Option<u64> {
        self.open.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Unlocks the lane of an owner that is not there any more.
    pub fn reap(&self, owner: u64) {
        // AcqRel: what the owner had done is passed on to the next. A failure: he did not hold it.
        let _ = self.owner.compare_exchange(owner, 0, Ordering::AcqRel, Ordering::Relaxed);
        if mutant(Mutant::LaneReapedBlindly) {
            self.owner.store(0, Ordering::Release);
        }
    }

    /// Who holds the lane.
    pub fn holder(&self) -> Option<u64> {
        Some(self.owner.load(Ordering::Relaxed)).filter(|&owner| owner != 0)
    }
}

/// A lane held by this thread.
#[derive(Debug)]
pub struct Locked<'a>(&'a Lane);

impl Locked<'_> {
    /// The segment the lane fills. Relaxed: the lock orders it.
    pub fn open(&self) -> Option<u64> {
        self.0.open.load(Ordering::Relaxed).checked_sub(1)
    }
    /// Makes the lane fill this segment, or none.
    pub fn set_open(&self, segment: Option<u64>) {
        self.0.open.store(segment.map_or(0, |s| s + 1), Ordering::Relaxed);
    }
    /// Takes `words` of a segment filled up to `used` if they fit into `capacity`, and calls `mark` with their
    /// place before they count as used: a segment can always be walked.
    pub fn take(
        &self,
        used: &AtomicU64,
        words: u64,
        capacity: u64,
        mark: impl FnOnce(u64),
    ) -> Option<u64> {
        // Relaxed: the lock orders it.
        let at = used.load(Ordering::Relaxed);
        let end = at.checked_add(words).filter(|&end| end <= capacity)?;
        if mutant(Mutant::LaneUnlockEarly) {
            self.0.owner.store(0, Ordering::Release);
        }
        if mutant(Mutant::FillBeforeMark) {
            used.store(end, Ordering::Release);
        }
        mark(at);
        // Release: whoever sees the mark sees the header behind it.
        used.store(end, Ordering::Release);
        Some(at)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of the next `try_lock`.
        self.0.owner.store(0, Ordering::Release);
    }
}
