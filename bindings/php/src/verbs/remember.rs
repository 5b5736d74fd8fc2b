//! `remember`: a value, or the making of it, by one caller at a time of all processes.
//!
//! While the producer runs nothing of the cache is held but a lease, which is an item that expires. A bailout inside of
//! the producer (the memory limit, a timeout) gives it up on its way; a process killed leaves it to its expiry.

use super::store::is_within_limit;
use crate::handle::Handle;
use crate::l1::Seek;
use crate::lease::{self, Making, Waiting};
use crate::prefix::Room;
use crate::reply;
use crate::value::{self, Decoded};
use crate::zend::call::{Answer, Thrown, bad_argument, run};
use crate::zend::callback::produce;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{BailoutGuard, ExecuteData, run_handler};
use nearcache::{Error, Expiry, Meta, Verb};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The longest a lease may last, in seconds: a day.
const LEASE_MAX: i64 = 86_400;

/// `remember(string $key, int $ttl, callable $producer, int $stale = 0, int $lease = 30): mixed`
pub extern "C" fn remember(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (3, 5), |call, out| {
        let this = call.this()?;
        let mut room = Room::new();
        let key = call.key(0)?;
        let key = this.place(&key, &mut room);
        let ttl = call.long(1, 0)?;
        let producer = call.callable(2)?;
        let stale = seconds(call.long(3, 0)?, 0, u32::MAX.into())
            .ok_or_else(|| bad_argument(3, "must be between 0 and 4294967295 seconds"))?;
        let lease = seconds(call.long(4, 30)?, 1, LEASE_MAX)
            .ok_or_else(|| bad_argument(4, "must be between 1 and 86400 seconds (a day)"))?;
        let ask = Ask { this, key, stale, lease };
        ask.answer(lifetime(this.expiry(ttl), stale), |out| produce(producer, &mut [], out), out)
    });
}

fn seconds(given: i64, least: i64, most: i64) -> Option<u32> {
    u32::try_from(given).ok().filter(|_| (least..=most).contains(&given))
}

/// The time that a value is good, and `stale` seconds more.
fn lifetime(good: Expiry, stale: u32) -> Expiry {
    match good {
        Expiry::After(seconds) => Expiry::After(seconds.saturating_add(stale)),
        Expiry::At(time) => Expiry::At(time.saturating_add(stale.into())),
        other => other,
    }
}

/// What is to be remembered, by whom.
pub struct Ask<'a> {
    /// Whose value.
    pub this: &'a Handle,
    /// Its key in the cache.
    pub key: &'a [u8],
    /// How many seconds of its life it is good enough only until a better one is made.
    pub stale: u32,
    /// How many seconds one may take to make it.
    pub lease: u32,
}

enum Claim {
    /// The value is there.
    Given,
    /// The caller is to make the value, with this token; and if there is one, instead of this old one.
    Won(u64, Option<Meta>),
    /// The caller is to make the value for himself: he makes it already, or the cache cannot keep a lease.
    Alone(Option<Error>),
    /// The key is none.
    Bad(Error),
}

impl Ask<'_> {
    /// Makes `out` the value, which `produce` is called for if it is the caller's turn to make it.
    pub fn answer(
        &self,
        expiry: Expiry,
        produce: impl FnOnce(&mut Zval) -> Answer,
        out: &mut Zval,
    ) -> Answer {
        match self.claim(out)? {
            Claim::Given => Ok(()),
            Claim::Bad(error) => {
                self.this.fail(error);
                out.set_bool(false);
                Ok(())
            }
            Claim::Alone(error) => {
                produce(out)?;
                match error {
                    Some(error) => _ = self.this.fail(error),
                    None => self.this.note(reply::SUCCESS),
                }
                Ok(())
            }
            Claim::Won(token, old) => self.make(produce, expiry, token, old, out),
        }
    }

    /// A value, or the right to make it. Each round that does not end means that somebody else has changed the item, or
    /// holds a lease.
    fn claim(&self, out: &mut Zval) -> Result<Claim, Thrown> {
        let cache = self.this.cache();
        let mut waiting = Waiting::new(self.lease);
        loop {
            let mut seek = Seek::new(self.this, self.key);
            let met = match cache.get_to(self.key, &mut seek) {
                Ok(met) => met,
                Err(error) => return Ok(Claim::Bad(error)),
            };
            let verb = match met {
                None => Verb::Add,
                Some(meta) if value::is_lease(meta.flags) => {
                    if lease::is_ours(self.key, meta.cas) {
                        return Ok(Claim::Alone(None));
                    }
                    if !waiting.is_over(meta.cas) {
                        continue;
                    }
                    Verb::Cas(meta.cas)
                }
                Some(meta) => {
                    // SAFETY: a hit, so the core has filled the landing.
                    let decoded = unsafe { seek.decode(&meta, out) }?;
                    if decoded == Decoded::Value {
                        if meta.ttl.is_some_and(|left| left < self.stale)
                            && let Ok(true) =
                                lease::win(cache, self.key, meta, self.stale, self.lease)
                        {
                            return Ok(Claim::Won(meta.cas, Some(meta)));
                        }
                        self.this.note(reply::SUCCESS);
                        return Ok(Claim::Given);
                    }
                    // What cannot be read, or what a tag has made invalid, is made anew.
                    Verb::Cas(meta.cas)
                }
            };
            match lease::place(cache, self.key, verb, self.lease) {
                Ok(Some(token)) => return Ok(Claim::Won(token, None)),
                Ok(None) => {}
                Err(error) => return Ok(Claim::Alone(Some(error))),
            }
        }
    }

    /// Calls the producer, and stores what it returns.
    fn make(
        &self,
        produce: impl FnOnce(&mut Zval) -> Answer,
        expiry: Expiry,
        token: u64,
        old: Option<Meta>,
        out: &mut Zval,
    ) -> Answer {
        let mut answer = Err(Thrown);
        run_handler(AssertUnwindSafe(|| {
            let cache = Arc::clone(self.this.shared());
            // A bailout drops it, too, and so gives the lease up.
            let mut making = BailoutGuard::new(Making::new(cache, self.key, token, old));
            answer = produce(out).and_then(|()| {
                let (payload, flags) = value::encode(out, self.this.settings().writing.get())
                    .inspect_err(|_| self.this.note(reply::PAYLOAD_FAILURE))?;
                // Lost or too large: the value is as good as any, it only is not kept.
                if !is_within_limit(self.this, payload.bytes().len()) {
                    return Ok(());
                }
                match making.keep(payload.bytes(), flags, expiry) {
                    Ok(outcome) => self.this.note(reply::stored(outcome)),
                    Err(error) => _ = self.this.fail(error),
                }
                Ok(())
            });
        }));
        if answer.is_err() {
            out.set_null();
        }
        answer
    }
}
