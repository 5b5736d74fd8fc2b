//! The lock of a session: of two requests with one session the second waits until the first has ended.
//!
//! It is an item, as php-memcached's, that `add` makes and that expires. What is more: it is removed by its unique, so that one
//! who was too slow for `sess_lock_expire` does not remove the lock of the next.

use crate::ini;
use nearcache::{Cache, Deletion, Error, Expiry, Outcome, Verb};
use std::time::{Duration, Instant};

/// php-memcached asks once for each wait; here a look costs nothing, so there are many in it.
const LOOKS_EVERY: Duration = Duration::from_millis(2);

/// The locking that php.ini asks for.
pub struct Locking {
    wait: Duration,
    expire: u32,
}

impl Locking {
    /// `None`: sessions are not locked.
    pub fn asked() -> Option<Locking> {
        if !ini::truth(ini::SESS_LOCKING) {
            return None;
        }
        let expire = match ini::number(ini::SESS_LOCK_EXPIRE) {
            0 => max_execution_time(),
            seconds => u32::try_from(seconds).unwrap_or(u32::MAX),
        };
        Some(Locking { wait: patience(), expire })
    }

    /// Makes the lock `key`, and gives its unique. `Ok(None)`: another had it all the time.
    pub fn take(&self, cache: &Cache, key: &[u8]) -> Result<Option<u64>, Error> {
        let until = Instant::now() + self.wait;
        // One second more, because the clock's running second may be nearly over.
        let expiry = Expiry::After(self.expire.saturating_add(1));
        loop {
            if let Outcome::Stored(unique) = cache.store(Verb::Add, key, b"1", 0, expiry)? {
                return Ok(Some(unique));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(LOOKS_EVERY.min(left));
        }
    }

    /// How long is waited for a lock, at most.
    pub fn wait(&self) -> Duration {
        self.wait
    }
}

/// All waits of php-memcached's: the first is the least, each is twice the one before, none is above the most.
fn patience() -> Duration {
    let most = ini::number(ini::SESS_LOCK_WAIT_MAX);
    let mut wait = ini::number(ini::SESS_LOCK_WAIT_MIN);
    let mut sum = 0;
    for _ in 0..ini::number(ini::SESS_LOCK_RETRIES) {
        sum += wait;
        wait = most.min(wait.saturating_mul(2));
    }
    Duration::from_millis(sum)
}

/// As php-memcached: how long a script may run, or 30 seconds if there is no limit.
fn max_execution_time() -> u32 {
    match ini::number(c"max_execution_time") {
        0 => 30,
        seconds => u32::try_from(seconds).unwrap_or(u32::MAX),
    }
}

/// Is this lock there still?
pub fn is_held(cache: &Cache, key: &[u8], unique: u64) -> bool {
    cache.peek(key).is_ok_and(|met| met.is_some_and(|met| met.cas == unique))
}

/// Removes the lock, if it is there still.
pub fn release(cache: &Cache, key: &[u8], unique: u64) -> bool {
    matches!(cache.delete_cas(key, unique), Ok(Deletion::Deleted))
}
