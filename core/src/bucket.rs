//! The bucket protocol: 15 slots and a CTRL word, every fact one word changed by one compare-and-swap.
//!
//! An insert of an absent key is announced in CTRL (that is its linearization point) and may be finished by
//! anyone who passes by; everything else is one compare-and-swap on a slot. The protocol is model-checked in
//! `tests/loom.rs`.

use crate::sync::{AtomicU64, Mutant, Ordering, mutant};

/// Slots in a bucket: with CTRL they fill two cache lines.
pub(crate) const SLOTS: usize = 15;

const LOC_BITS: u32 = 40;
const LOC_MASK: u64 = (1 << LOC_BITS) - 1;
const TOP: u64 = 1 << 63;
const SEQ_SHIFT: u32 = 44;
const SEQ_MASK: u64 = (1 << 19) - 1;

/// A slot's word.
///
/// ```text
/// LIVE   1 | tag16 | freq2 | marks5 | loc40
/// EMPTY  0 | seq19 | 0     ...      | loc40     versioned by the CTRL it was emptied under
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot(pub u64);

/// Marks of an item that live in its slot, so that each changes by one compare-and-swap.
pub mod mark {
    /// The item has been read.
    pub const FETCHED: u64 = 1 << 40;
    /// The item was invalidated and waits to be recached.
    pub const STALE: u64 = 1 << 41;
    /// Somebody has won the right to recache it.
    pub const WON: u64 = 1 << 42;
    /// The key is binary (memcached's meta protocol shows it in base64).
    pub const BINARY: u64 = 1 << 43;
    /// The bucket is being split and this slot is frozen.
    pub const MOVING: u64 = 1 << 44;
    /// What a rewrite of the slot carries over from a replaced item: nothing but the frequency.
    pub const ALL: u64 = FETCHED | STALE | WON | BINARY | MOVING;
}

const FREQ_SHIFT: u32 = 45;
const FREQ_MAX: u64 = 3;
const TAG_SHIFT: u32 = 47;
const TAG_MASK: u64 = 0xffff << TAG_SHIFT;

impl Slot {
    /// A live slot with frequency 0 and no marks.
    pub fn live(tag: u64, loc: u64) -> Slot {
        Slot(TOP | tag << TAG_SHIFT | loc)
    }
    /// Does the slot hold an item?
    pub fn is_live(self) -> bool {
        self.0 & TOP != 0
    }
    /// Is the slot live with this tag? One comparison.
    #[inline(always)]
    pub fn matches(self, tag: u64) -> bool {
        (self.0 ^ (TOP | tag << TAG_SHIFT)) & (TOP | TAG_MASK) == 0
    }
    /// Where the item is, in granules of 8 bytes from the arena's start.
    pub fn loc(self) -> u64 {
        self.0 & LOC_MASK
    }
    /// How often the item was read of late: 0 to 3.
    pub fn freq(self) -> u64 {
        self.0 >> FREQ_SHIFT & FREQ_MAX
    }
    /// Is this mark set?
    pub fn has(self, mark: u64) -> bool {
        self.0 & mark != 0
    }
    /// The same with these marks set.
    pub fn with(self, marks: u64) -> Slot {
        Slot(self.0 | marks)
    }
    /// The same with these marks cleared.
    pub fn without(self, marks: u64) -> Slot {
        Slot(self.0 & !marks)
    }
    /// The same item elsewhere.
    pub fn at(self, loc: u64) -> Slot {
        Slot(self.0 & !LOC_MASK | loc)
    }
    /// The same with another frequency.
    pub fn with_freq(self, freq: u64) -> Slot {
        Slot(self.0 & !(FREQ_MAX << FREQ_SHIFT) | freq.min(FREQ_MAX) << FREQ_SHIFT)
    }
    /// The same after one more read; equal to `self` once nothing changes any more.
    #[inline(always)]
    pub fn read(self) -> Slot {
        self.with_freq(self.freq() + 1).with(mark::FETCHED)
    }
    /// Has it been read so often that one more read changes nothing, and does it stay where it is?
    #[inline(always)]
    pub fn is_hot(self) -> bool {
        const HOT: u64 = FREQ_MAX << FREQ_SHIFT | mark::FETCHED;
        self.0 & (HOT | mark::MOVING) == HOT
    }
    fn emptied(self, seq: u64) -> Slot {
        if mutant(Mutant::EmptyWithoutVersion) {
            return Slot(0);
        }
        Slot(seq << SEQ_SHIFT | self.loc())
    }
}

/// CTRL's word.
///
/// ```text
/// IDLE     0 | seq19 | 0    | 0
/// PENDING  1 | seq19 | idx4 | loc40       an insert into slot idx (15: the bucket is being split)
/// ```
///
/// The zero word is a bucket that is not yet born: its items are still in the bucket it will be split from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ctrl(pub u64);

/// The index in CTRL that means "being split".
const SPLIT: u64 = 15;

impl Ctrl {
    /// A bucket's first CTRL word.
    pub const BORN: Ctrl = Ctrl(1 << SEQ_SHIFT);
    /// Is something announced here?
    #[inline(always)]
    pub fn is_pending(self) -> bool {
        self.0 & TOP != 0
    }
    /// Is a split announced here?
    pub fn is_split(self) -> bool {
        self.is_pending() && self.idx() == SPLIT
    }
    /// Is an insert announced here?
    pub fn is_insert(self) -> bool {
        self.is_pending() && self.idx() != SPLIT
    }
    /// Is the bucket not yet born?
    pub fn is_unborn(self) -> bool {
        self.0 == 0
    }
    /// Where the announced item is.
    pub fn loc(self) -> u64 {
        self.0 & LOC_MASK
    }
    fn idx(self) -> u64 {
        self.0 >> LOC_BITS & 15
    }
    fn seq(self) -> u64 {
        self.0 >> SEQ_SHIFT & SEQ_MASK
    }
    /// The announcement that follows this idle word. The sequence number never wraps to 0 (that is "unborn").
    fn announce(self, idx: u64, loc: u64) -> Ctrl {
        let seq = (self.seq() + 1) & SEQ_MASK;
        Ctrl(TOP | seq.max(1) << SEQ_SHIFT | idx << LOC_BITS | loc)
    }
    fn settled(self) -> Ctrl {
        Ctrl(self.seq() << SEQ_SHIFT)
    }
}

/// Where an item may be: the word that says so, what the word was, and its slot unless it is only announced.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// To be re-checked by whoever reads the item.
    pub word: &'a AtomicU64,
    /// What the word was.
    pub seen: u64,
    /// Where the item is.
    pub loc: u64,
    /// Its slot; `None` if CTRL announces it.
    pub slot: Option<(usize, Slot)>,
}

/// One bucket. `N` is [`SLOTS`], but for the models.
///
/// *Thread safety:* every method may be called by any thread at any time, and abandoned at any instruction.
///
/// *Invariants:* 1. a key is live in at most one slot, or announced in CTRL and in no other slot; 2. a slot
/// goes from EMPTY to LIVE only to the item that CTRL announces; 3. a slot goes from LIVE to EMPTY only when
/// CTRL does not announce it; 4. an EMPTY word is never repeated within 2^19 inserts into its bucket.
#[repr(C, align(128))]
#[derive(Debug)]
pub struct Bucket<const N: usize = SLOTS> {
    ctrl: AtomicU64,
    slots: [AtomicU64; N],
}

impl<const N: usize> Bucket<N> {
    /// An empty, born bucket.
    #[cfg(loom)]
    pub fn new() -> Self {
        Bucket {
            ctrl: AtomicU64::new(Ctrl::BORN.0),
            slots: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// A bucket that is still to be split from another.
    #[cfg(loom)]
    pub fn unborn() -> Self {
        Bucket { ctrl: AtomicU64::new(0), slots: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Acquire: pairs with the releasing CAS that announced or settled; the announced item's words are seen.
    #[inline(always)]
    pub fn ctrl(&self) -> Ctrl {
        Ctrl(self.ctrl.load(Ordering::Acquire))
    }

    /// Acquire: pairs with the releasing CAS that filled the slot; the item's words are seen.
    #[inline(always)]
    pub fn slot(&self, i: usize) -> Slot {
        Slot(self.slots[i].load(Ordering::Acquire))
    }

    /// The word of a slot, to be re-checked by whoever protects what it points to.
    #[inline(always)]
    pub fn slot_word(&self, i: usize) -> &AtomicU64 {
        &self.slots[i]
    }

    /// Makes a zeroed bucket of a new arena usable. Relaxed: nobody else sees it yet.
    pub fn bear(&self) {
        self.ctrl.store(Ctrl::BORN.0, Ordering::Relaxed);
    }

    /// Shows `visit` every place where an item with this tag may be, until it has an answer: CTRL is read
    /// first, then come the slots from `first` on, then what CTRL announced. An insert that is settled in
    /// between is so met in its slot. After no answer the caller asks whether this was the right bucket.
    #[inline(always)]
    pub fn scan<R>(
        &self,
        first: usize,
        tag: u64,
        mut visit: impl FnMut(Place<'_>) -> Option<R>,
    ) -> Option<R> {
        let mut ctrl = self.ctrl();
        for k in 0..N {
            let i = if first + k < N { first + k } else { first + k - N };
            let slot = self.slot(i);
            if slot.matches(tag) {
                let word = &self.slots[i];
                let place = Place { word, seen: slot.0, loc: slot.loc(), slot: Some((i, slot)) };
                if let Some(answer) = visit(place) {
                    return Some(answer);
                }
            }
        }
        if mutant(Mutant::CtrlLast) {
            ctrl = self.ctrl();
        }
        if !ctrl.is_insert() {
            return None;
        }
        visit(Place { word: &self.ctrl, seen: ctrl.0, loc: ctrl.loc(), slot: None })
    }

    /// An empty slot, the nearest to `home`.
    pub fn vacancy(&self, home: usize) -> Option<usize> {
        (0..N).map(|k| (home + k) % N).find(|&i| !self.slot(i).is_live())
    }

    /// Announces the insert of the item at `loc` into the empty slot `i`. The linearization point of an
    /// insert: it fails if anything was announced since `seen` was read. Returns what to [`settle`](Self::settle).
    pub fn announce(&self, seen: Ctrl, i: usize, loc: u64) -> Option<Ctrl> {
        let next = seen.announce(i as u64, loc);
        self.cas_ctrl(seen, next).then_some(next)
    }

    /// Finishes the announced insert `c`; `live` tells the slot's word for the item at a location. Anyone may.
    pub fn settle(&self, c: Ctrl, live: impl FnOnce(u64) -> Slot) {
        let i = c.idx() as usize;
        // A damaged CTRL may name a slot that is not there; it is settled as if filled.
        if i < N {
            let seen = self.slot(i);
            let word = live(c.loc());
            // The slot was read while `c` was pending, or `c` is settled and the slot's word has changed.
            if !mutant(Mutant::HelpWithoutRecheck) && self.ctrl() != c {
                return;
            }
            if !seen.is_live() {
                self.swap(i, seen, word);
            }
        }
        self.cas_ctrl(c, c.settled());
    }

    /// Changes a slot's word. From live to live: the linearization point of a replacement or a mark.
    pub fn swap(&self, i: usize, old: Slot, new: Slot) -> bool {
        // AcqRel: releases the new item's words to whoever loads the slot; acquires what the old word released.
        // Acquire on failure: the caller looks again at what another has published.
        self.slots[i].compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Empties a live slot: the linearization point of a removal.
    pub fn clear(&self, i: usize, old: Slot, live: impl FnOnce(u64) -> Slot) -> bool {
        let c = self.ctrl();
        // A slow helper of this very announcement could otherwise fill the slot again.
        if !mutant(Mutant::ClearWithoutHelp) && c.is_insert() && c.idx() == i as u64 {
            self.settle(c, live);
        }
        self.swap(i, old, old.emptied(c.seq()))
    }

    /// Announces that the bucket is being split. Nothing is inserted into it until that is done.
    pub fn announce_split(&self, seen: Ctrl) -> Option<Ctrl> {
        let next = seen.announce(SPLIT, 0);
        self.cas_ctrl(seen, next).then_some(next)
    }

    /// Finishes the announced split `c` into `child`; `moves` tells whether the item of a slot belongs there.
    /// Anyone may; every step is done at most once.
    pub fn settle_split(&self, c: Ctrl, child: &Self, mut moves: impl FnMut(Slot) -> bool) {
        for i in 0..N {
            if self.ctrl() != c {
                return;
            }
            if mutant(Mutant::BirthBeforeFill) {
                child.cas_ctrl(Ctrl(0), Ctrl::BORN);
            }
            if let Some(frozen) = self.freeze(i, &mut moves) {
                // From the slot's first word only: whatever the child's slot became later is not undone.
                child.swap(i, Slot(0), frozen.without(mark::MOVING));
            }
        }
        if self.ctrl() != c {
            return;
        }
        child.cas_ctrl(Ctrl(0), Ctrl::BORN);
        for i in 0..N {
            let slot = self.slot(i);
            if slot.is_live() && slot.has(mark::MOVING) {
                self.swap(i, slot, slot.emptied(c.seq()));
            }
        }
        self.cas_ctrl(c, c.settled());
    }

    /// Freezes slot `i` if its item moves to the child.
    fn freeze(&self, i: usize, moves: &mut impl FnMut(Slot) -> bool) -> Option<Slot> {
        loop {
            let slot = self.slot(i);
            if !slot.is_live() {
                return None;
            }
            if slot.has(mark::MOVING) {
                return Some(slot);
            }
            if !moves(slot) {
                // What `moves` read may have been recycled under it: only an unchanged slot is believed.
                if self.slot(i) == slot {
                    return None;
                }
                continue;
            }
            if mutant(Mutant::SplitWithoutFreeze) {
                return Some(slot);
            }
            if self.swap(i, slot, slot.with(mark::MOVING)) {
                return Some(slot);
            }
        }
    }

    fn cas_ctrl(&self, old: Ctrl, new: Ctrl) -> bool {
        // AcqRel: releases the announced item's words; acquires what the last settler released.
        // Acquire on failure: the caller goes on to read what was announced instead.
        self.ctrl.compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
