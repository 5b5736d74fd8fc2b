//! Unix time in whole seconds: the system's, or moved by hand in tests.

use nearcache::Expiry;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The store's clock. It tells the date, because lifetimes outlast the process and the machine.
#[derive(Debug)]
pub struct Clock {
    /// The reading of a manual clock; [`SYSTEM`] if it is the system's.
    by_hand: AtomicI64,
}

const SYSTEM: i64 = i64::MIN;

impl Clock {
    /// The system's, or one that stands at `start` until it is moved.
    pub fn new(start: Option<i64>) -> Clock {
        Clock { by_hand: AtomicI64::new(start.unwrap_or(SYSTEM)) }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        // Relaxed: a reading, ordered with nothing else.
        match self.by_hand.load(Ordering::Relaxed) {
            SYSTEM => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
            }
            reading => reading,
        }
    }

    /// Moves a manual clock; `false` if it is the system's.
    pub fn advance(&self, seconds: u32) -> bool {
        // Relaxed: as above. Only a manual clock is ever stored to.
        let moved = self.by_hand.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |reading| {
            (reading != SYSTEM).then(|| reading.saturating_add(i64::from(seconds)))
        });
        moved.is_ok()
    }
}

/// When something dies, as items keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Never.
    Never,
    /// When the clock reaches this Unix time.
    At(i64),
    /// It is past already.
    Past,
}

impl Deadline {
    /// What an expiry means now.
    pub fn of(expiry: Expiry, now: i64) -> Deadline {
        let at = match expiry {
            Expiry::Never => return Deadline::Never,
            Expiry::Past => return Deadline::Past,
            Expiry::After(seconds) => now.saturating_add(i64::from(seconds)),
            Expiry::At(unix) => unix,
        };
        if at <= now { Deadline::Past } else { Deadline::At(at) }
    }

    /// Seconds left; `None` is for ever.
    pub fn left(self, now: i64) -> Option<u32> {
        match self {
            Deadline::Never => None,
            Deadline::Past => Some(0),
            Deadline::At(at) => Some(at.saturating_sub(now).clamp(0, i64::from(u32::MAX)) as u32),
        }
    }

    /// Has it come?
    pub fn is_past(self, now: i64) -> bool {
        match self {
            Deadline::Never => false,
            Deadline::Past => true,
            Deadline::At(at) => at <= now,
        }
    }
}
