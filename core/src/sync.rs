//! The seam to loom: the one room that names the atomics, so that the protocols can be model-checked as they are.

#[cfg(nearcache_failpoints)]
pub(crate) use failpoint::AtomicU64;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(any(loom, nearcache_failpoints)))]
pub(crate) use std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, Ordering, fence};

/// A step left out of a protocol on purpose, to prove that its model would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
// Some are of steps that only models name.
#[cfg_attr(not(loom), allow(dead_code))]
pub enum Mutant {
    /// Nothing is left out.
    None,
    /// A helper does not re-check CTRL after it has read the slot.
    HelpWithoutRecheck,
    /// A delete does not settle a pending CTRL on its slot first.
    ClearWithoutHelp,
    /// An emptied slot does not carry a version.
    EmptyWithoutVersion,
    /// A reader looks at CTRL after the slots.
    CtrlLast,
    /// An optimistic reader does not re-check the slot after reading the birth.
    ReadWithoutRecheck,
    /// An optimistic reader has no fence before it re-reads the birth.
    ReadWithoutFence,
    /// A recycler leaves the birth as it was.
    RecycleWithoutBirth,
    /// A recycler has no fence after it has cleared the birth.
    RecycleWithoutFence,
    /// A hazard is published without a fence.
    HazardWithoutFence,
    /// A hazard is not followed by a re-check of the slot.
    HazardWithoutRecheck,
    /// The evictor looks at the hazards without a fence.
    EvictWithoutFence,
    /// A relocation copies an item without freezing its words first.
    MoveWithoutFreeze,
    /// A relocation freezes the header alone, not the number.
    FreezeWithoutNumber,
    /// A conditional write does not freeze what it has decided by.
    CondWithoutFreeze,
    /// A reader of an item's two words does not look at the first again.
    ReadOnce,
    /// A touch changes a frozen header.
    RetimeFrozen,
    /// An addition is a fetch-and-add, which changes a frozen number, too.
    AddToFrozen,
    /// A lane is unlocked before its fill mark is stored.
    LaneUnlockEarly,
    /// A split publishes the child bucket before its slots are filled.
    BirthBeforeFill,
    /// A split fills the child from slots that are not frozen.
    SplitWithoutFreeze,
    /// A flush is not announced: births are given between those that it covers and the moment when it does.
    FlushWithoutAnnounce,
    /// A birth is given without completing the flush that is announced.
    BirthWithoutHelp,
    /// A delayed flush covers births given after it was seen to be due.
    DueFromLaterBirths,
    /// A delayed flush is ended only after births can be given again.
    DueLeftPending,
    /// The hazards of a free seat count: what a killed reader held is held for ever.
    HazardsOfFreeSeats,
    /// Whoever takes a seat leaves its hazards as a killed owner left them.
    TakeWithoutClear,
    /// Whoever wants a seat clears its hazards before it is his.
    ClearBeforeTake,
    /// A segment is withheld without an owner before its memory is given back.
    WithheldUnowned,
    /// A withheld segment is taken back from whoever is giving its memory back.
    TakenFromOwner,
    /// A seat that is taken again by the same process is taken by the same word.
    TakeWithoutGeneration,
    /// A seat is given back without releasing what was done in it.
    GiveBackWithoutRelease,
    /// A seat is given back whoever has it by now.
    GiveBackBlindly,
    /// A reaper unlocks a lane whoever holds it by now.
    LaneReapedBlindly,
    /// A lane's word is believed without a look at the segment's state.
    OpenBelieved,
    /// A lane's word is believed of a segment that is open, in whichever lane.
    OpenInAnyLane,
    /// The fill mark is stored before what it covers can be walked.
    FillBeforeMark,
    /// A segment is the lane's before the lane knows of it.
    OpenStateFirst,
    /// A lane forgets its segment before that is sealed.
    SealForgetsFirst,
    /// A reaper seals what is open in the lanes that he has unlocked.
    ReapSealsLanes,
    /// A reaper stores the state that he has thought of, whatever it is by now.
    ReapBlindly,
    /// A reaper frees the seat before what it held.
    ReapSeatFirst,
    /// An evictor does not look for writers once the segment is his.
    DrainWithoutWriters,
    /// Whoever goes on with a drain does not look for writers.
    PausedWithoutWriters,
    /// Whoever goes on with a drain does not claim it.
    PausedUnclaimed,
    /// An extent that is given back does not say that it was one.
    ExtentUnmarked,
    /// An extent is given back whatever its birth is by now.
    ExtentOfAnyBirth,
}

/// Is this step to be left out? Never, except in a model; there the answer costs the compiled code nothing.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn mutant(_: Mutant) -> bool {
    false
}

#[cfg(loom)]
static MUTANT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Leaves this step out of every protocol from now on.
#[cfg(loom)]
pub fn set_mutant(mutant: Mutant) {
    // Relaxed: set before the model's threads start.
    MUTANT.store(mutant as u8, std::sync::atomic::Ordering::Relaxed);
}

/// Is this step to be left out? Asked also by models, for steps of operations that they mirror.
#[cfg(loom)]
pub fn mutant(mutant: Mutant) -> bool {
    // Relaxed: constant while a model runs.
    MUTANT.load(std::sync::atomic::Ordering::Relaxed) == mutant as u8
}

/// Ends the process before a chosen store to shared memory, for the tests of `tests/failpoints.rs`. Only builds with
/// `--cfg nearcache_failpoints` have it.
#[cfg(nearcache_failpoints)]
pub mod failpoint {
    use std::sync::atomic::{AtomicU8, AtomicU64 as Word, Ordering};

    /// What happens at the failpoint that is armed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u8)]
    pub enum Action {
        /// SIGKILL to the process.
        Kill = 0,
        /// SIGSTOP to the process: SIGCONT lets it go on with the store.
        Stop = 1,
        /// `_exit`: no destructor runs.
        Exit = 2,
    }

    // Of this process, not of an arena; a forked child goes on with a copy.
    static PASSED: Word = Word::new(0);
    static AT: Word = Word::new(u64::MAX);
    static ACTION: AtomicU8 = AtomicU8::new(0);

    /// The stores that this process and those it was forked from have begun.
    pub fn count() -> u64 {
        PASSED.load(Ordering::SeqCst)
    }

    /// Acts before the store that is the `after`-th from now, counting from 1, of any thread.
    pub fn arm(after: u64, action: Action) {
        ACTION.store(action as u8, Ordering::SeqCst);
        AT.store(count() + after, Ordering::SeqCst);
    }

    /// Acts no more.
    pub fn disarm() {
        AT.store(u64::MAX, Ordering::SeqCst);
    }

    /// A store to shared memory is about to happen.
    #[inline]
    pub(crate) fn pass() {
        if PASSED.fetch_add(1, Ordering::SeqCst) + 1 == AT.load(Ordering::SeqCst) {
            act();
        }
    }

    #[cold]
    fn act() {
        // SAFETY: none of these touches memory. The signals go to this very thread, so that it does not get as far as the
        // store; the kernel then ends or stops the whole process.
        unsafe {
            let signal = match ACTION.load(Ordering::SeqCst) {
                0 => libc::SIGKILL,
                1 => libc::SIGSTOP,
                _ => libc::_exit(0),
            };
            libc::syscall(
                libc::SYS_tgkill,
                libc::getpid(),
                libc::syscall(libc::SYS_gettid),
                signal,
            );
        }
    }

    /// std's word, with a failpoint before whatever may store.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct AtomicU64(Word);

    type Exchanged = Result<u64, u64>;

    #[allow(missing_docs)] // As std's.
    impl AtomicU64 {
        pub const fn new(value: u64) -> AtomicU64 {
            AtomicU64(Word::new(value))
        }
        #[inline]
        pub fn load(&self, order: Ordering) -> u64 {
            self.0.load(order)
        }
        #[inline]
        pub fn store(&self, value: u64, order: Ordering) {
            pass();
            self.0.store(value, order);
        }
        #[inline]
        pub fn swap(&self, value: u64, order: Ordering) -> u64 {
            pass();
            self.0.swap(value, order)
        }
        #[inline]
        pub fn compare_exchange(
            &self,
            old: u64,
            new: u64,
            won: Ordering,
            lost: Ordering,
        ) -> Exchanged {
            pass();
            self.0.compare_exchange(old, new, won, lost)
        }
        #[inline]
        pub fn fetch_add(&self, by: u64, order: Ordering) -> u64 {
            pass();
            self.0.fetch_add(by, order)
        }
        #[inline]
        pub fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
            pass();
            self.0.fetch_max(value, order)
        }
        #[inline]
        pub fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
            pass();
            self.0.fetch_or(bits, order)
        }
    }
}
