//! Leases: of all who miss a key at once, one is told to make its value. The contract is `core/src/docs/values.md`.
//!
//! What is here calls the core and nothing of PHP; the verb that calls a producer is `verbs/remember`.

use crate::value::LEASE;
use nearcache::{Cache, Error, Expiry, Meta, MetaDelete, MetaGet, Outcome, Sink, Verb};
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first wait is about as short as a sleep can be, the longest is what a late hit may cost.
const SHORTEST: Duration = Duration::from_micros(200);
const LONGEST: Duration = Duration::from_millis(10);

thread_local! {
    /// The keys and tokens of what this thread is making now. Whoever meets one of them would wait for himself.
    static MAKING: RefCell<Vec<(Vec<u8>, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Is it this thread that makes the value which this lease is for?
pub fn is_ours(key: &[u8], token: u64) -> bool {
    MAKING.with_borrow(|making| making.iter().any(|(held, by)| *by == token && held == key))
}

/// Puts a lease where there is nothing (`Verb::Add`), or where a known item is (`Verb::Cas`). `None`: somebody was faster.
pub fn place(cache: &Cache, key: &[u8], verb: Verb, seconds: u32) -> Result<Option<u64>, Error> {
    match cache.store(verb, key, b"", LEASE, life(seconds))? {
        Outcome::Stored(token) => Ok(Some(token)),
        _ => Ok(None),
    }
}

/// Asks for the right to make anew a value of which fewer than `stale` seconds are left; the core gives it to one. The
/// old value then lives no longer than the lease, so that a winner who is killed keeps nobody with it for long.
pub fn win(cache: &Cache, key: &[u8], met: Meta, stale: u32, seconds: u32) -> Result<bool, Error> {
    let ask = MetaGet { recache: Some(stale), no_bump: true, ..MetaGet::default() };
    let hit = cache.meta_get(key, ask, &mut Refusing)?;
    if !hit.is_some_and(|hit| hit.won && hit.meta.cas == met.cas) {
        return Ok(false);
    }
    if met.ttl.is_some_and(|left| left > seconds + 1) {
        cache.touch(key, life(seconds))?;
    }
    Ok(true)
}

/// One more than asked for, because the clock's running second may be nearly over.
fn life(seconds: u32) -> Expiry {
    Expiry::After(seconds + 1)
}

/// The making of a value that a lease was won for. Dropped without [`Making::kept`] it gives the lease up.
pub struct Making {
    cache: Arc<Cache>,
    key: Vec<u8>,
    token: u64,
    /// The time left that an old value had, if there is one.
    old: Option<Option<u32>>,
    kept: bool,
}

impl Making {
    /// Of what was won with `token`; `old` is the meta of the value that is to be made anew.
    pub fn new(cache: Arc<Cache>, key: &[u8], token: u64, old: Option<Meta>) -> Making {
        MAKING.with_borrow_mut(|making| making.push((key.to_vec(), token)));
        Making { cache, key: key.to_vec(), token, old: old.map(|met| met.ttl), kept: false }
    }

    /// Stores the value, unless somebody has stored or deleted the key meanwhile.
    pub fn keep(&mut self, bytes: &[u8], flags: u32, expiry: Expiry) -> Result<Outcome, Error> {
        let stored = self.cache.store(Verb::Cas(self.token), &self.key, bytes, flags, expiry)?;
        self.kept = true;
        Ok(stored)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        MAKING.with_borrow_mut(|making| {
            if let Some(at) = making.iter().rposition(|(_, token)| *token == self.token) {
                making.swap_remove(at);
            }
        });
        if self.kept {
            return;
        }
        let ask = MetaDelete {
            compare: Some(self.token),
            invalidate: self.old.is_some(),
            expiry: self.old.flatten().map(Expiry::After),
            ..MetaDelete::default()
        };
        // If this fails the lease ends by itself.
        let _ = self.cache.meta_delete(&self.key, ask);
    }
}

/// One who waits for another's value: looks, sleeps, and after the lease's seconds takes it over.
pub struct Waiting {
    token: u64,
    until: Instant,
    pause: Duration,
    seconds: Duration,
}

impl Waiting {
    /// For leases of so many seconds.
    pub fn new(seconds: u32) -> Waiting {
        let seconds = Duration::from_secs(u64::from(seconds));
        Waiting { token: 0, until: Instant::now(), pause: SHORTEST, seconds }
    }

    /// Sleeps a little; true, without sleeping, if this lease was seen for as long as it may last.
    pub fn is_over(&mut self, token: u64) -> bool {
        let now = Instant::now();
        if token != self.token {
            (self.token, self.until) = (token, now + self.seconds);
        }
        let left = self.until.saturating_duration_since(now);
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(self.pause.min(left));
        self.pause = (2 * self.pause).min(LONGEST);
        false
    }
}

/// Takes no bytes.
struct Refusing;

impl Sink for Refusing {
    fn room(&mut self, _: usize) -> Option<&mut [MaybeUninit<u8>]> {
        None
    }
}
