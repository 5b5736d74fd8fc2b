//! Time in whole seconds since the arena's clock base, as items keep it; by the system's clock, or by hand in tests.

use crate::sync::{AtomicU64, Ordering};

/// The reading at an arena's creation. 0 means "never" in an item and 1 is always past.
pub(crate) const BASE: u32 = 2;
/// An expiry that has passed whatever the time is.
pub(crate) const PAST: u32 = 1;
/// The latest expiry that an item can hold (17 years after the base).
pub(crate) const LATEST: u32 = (1 << 29) - 1;

/// *Thread safety:* all of it. *Invariants:* 1. the reading never goes back; 2. `by_hand` is 0 (the system's
/// clock) or the reading itself.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Clock {
    base_monotonic: AtomicU64,
    base_unix: AtomicU64,
    by_hand: AtomicU64,
}

impl Clock {
    /// Starts the clock of a new arena. Relaxed: nobody else sees the arena yet.
    pub fn start(&self, by_hand: bool) {
        self.base_monotonic.store(system(libc::CLOCK_MONOTONIC_COARSE), Ordering::Relaxed);
        self.base_unix.store(system(libc::CLOCK_REALTIME), Ordering::Relaxed);
        self.by_hand.store(if by_hand { u64::from(BASE) } else { 0 }, Ordering::Relaxed);
    }

    /// Seconds since the base, plus [`BASE`]. Relaxed: the words are constant, but for a test's own clock.
    #[inline]
    pub fn now(&self) -> u32 {
        match self.by_hand.load(Ordering::Relaxed) {
            0 => {
                let passed = system(libc::CLOCK_MONOTONIC_COARSE)
                    .saturating_sub(self.base_monotonic.load(Ordering::Relaxed));
                passed.min(u64::from(LATEST - BASE)) as u32 + BASE
            }
            reading => reading.clamp(u64::from(BASE), u64::from(LATEST)) as u32,
        }
    }

    /// The Unix time that belongs to [`Clock::now`].
    pub fn unix_time(&self) -> i64 {
        let base = self.base_unix.load(Ordering::Relaxed) as i64;
        base.saturating_add(i64::from(self.now() - BASE))
    }

    /// Moves a clock that is driven by hand; `false` if it is the system's.
    pub fn advance(&self, seconds: u32) -> bool {
        let reading = self.by_hand.load(Ordering::Relaxed);
        if reading == 0 {
            return false;
        }
        let later = reading.saturating_add(u64::from(seconds)).min(u64::from(LATEST));
        self.by_hand.store(later, Ordering::Relaxed);
        true
    }

    /// The expiry `seconds` from now. 0 seconds is past already.
    pub fn after(&self, seconds: u32) -> u32 {
        if seconds == 0 { PAST } else { self.now().saturating_add(seconds).min(LATEST) }
    }

    /// The expiry at a Unix time.
    pub fn at(&self, unix: i64) -> u32 {
        let left = unix.saturating_sub(self.unix_time());
        if left <= 0 { PAST } else { self.after(left.min(i64::from(LATEST)) as u32) }
    }
}

/// A reading of one of the system's clocks in whole seconds.
fn system(clock: libc::clockid_t) -> u64 {
    time(clock).tv_sec.max(0) as u64
}

/// The system's monotonic clock in milliseconds: it goes on where an arena's is moved by hand.
pub(crate) fn milliseconds() -> u64 {
    let time = time(libc::CLOCK_MONOTONIC_COARSE);
    time.tv_sec.max(0) as u64 * 1000 + time.tv_nsec.max(0) as u64 / 1_000_000
}

/// One of the system's clocks (answered in user space, without a system call).
fn time(clock: libc::clockid_t) -> libc::timespec {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut time = zero;
    // SAFETY: `time` is a valid timespec that the call fills.
    let failed = unsafe { libc::clock_gettime(clock, &mut time) } != 0;
    // These clocks exist on every Linux; a reading of 0 would only make lifetimes longer.
    if failed { zero } else { time }
}
