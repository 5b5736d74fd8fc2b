//! Counters: increment and decrement as `\Memcached` has them, and their raw forms, which pass `PHP_INT_MAX`.

use super::{counts, key_at, refused, set_number, settle};
use crate::lease;
use crate::number;
use crate::prefix::Room;
use crate::reply;
use crate::zend::call::{Answer, Call, run};
use crate::zend::{say, say_long};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ExecuteData;
use nearcache::{Cache, Error, Expiry, Outcome, Verb};

/// `increment(string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false`
pub extern "C" fn increment<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 4), |call, out| signed::<AT>(call, out, true));
}

/// `decrement(string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false`
pub extern "C" fn decrement<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 4), |call, out| signed::<AT>(call, out, false));
}

/// `incrementRaw(string $key, int|string $offset = 1, int|string|null $initial_value = null, int $expiry = 0):
/// int|string|false`
pub extern "C" fn increment_raw(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 4), |call, out| unsigned(call, out, true));
}

/// `decrementRaw`, with the same parameters.
pub extern "C" fn decrement_raw(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 4), |call, out| unsigned(call, out, false));
}

fn signed<const AT: usize>(call: &Call<'_>, out: &mut Zval, up: bool) -> Answer {
    let delta = u64::try_from(call.long(1 + AT, 1)?).ok();
    let initial = match call.given() > 2 + AT {
        true => Some(u64::try_from(call.long(2 + AT, 0)?).ok()),
        false => None,
    };
    // As php-memcached: what is above PHP_INT_MAX is negative.
    count::<AT>(call, out, up, delta, initial, |out, number| say_long(out, number as i64))
}

fn unsigned(call: &Call<'_>, out: &mut Zval, up: bool) -> Answer {
    let delta = call.amount(1, 1)?;
    let initial = match call.arg(2) {
        Some(initial) if !initial.is_null() => Some(call.amount(2, 0)?),
        _ => None,
    };
    count::<0>(call, out, up, delta, initial, set_number)
}

/// Counts by `delta`, from `initial` if it is given; an amount of `None` was negative.
#[inline(always)]
fn count<const AT: usize>(
    call: &Call<'_>,
    out: &mut Zval,
    up: bool,
    delta: Option<u64>,
    initial: Option<Option<u64>>,
    word: impl FnOnce(&mut Zval, u64),
) -> Answer {
    let this = call.this()?;
    let key = key_at::<AT>(call, 0)?;
    let mut room = Room::new();
    let key = this.place(&key, &mut room);
    let (Some(delta), false) = (delta, initial == Some(None)) else {
        let name = if delta.is_none() { "offset" } else { "initial_value" };
        return refused(
            this,
            reply::INVALID_ARGUMENTS,
            out,
            &format!(
                "${name} cannot be negative: counters run from 0 to 18446744073709551615; use increment() to add and \
                 decrement() to subtract"
            ),
        );
    };
    let first = match initial.flatten() {
        Some(initial) => Some((initial, Expiry::from_exptime(call.long(3 + AT, 0)?))),
        None => None,
    };
    let counted = match step(this.cache(), key, up, delta, first) {
        Err(Error::NotNumeric) => place_of_lease(this.cache(), key, up, delta, first),
        counted => counted,
    };
    let number = match &counted {
        Ok(Some(number)) => *number,
        _ => 0,
    };
    let there = settle(this, counted, |counted| match counted {
        Some(_) => reply::SUCCESS,
        None => reply::NOTFOUND,
    });
    match there {
        true => word(out, number),
        false => say(out, false),
    }
    Ok(())
}

#[inline(always)]
fn step(
    cache: &Cache,
    key: &[u8],
    up: bool,
    delta: u64,
    first: Option<(u64, Expiry)>,
) -> Result<Option<u64>, Error> {
    match (up, first) {
        (true, None) => cache.incr(key, delta),
        (false, None) => cache.decr(key, delta),
        (true, Some((initial, expiry))) => cache.incr_or(key, delta, initial, expiry).map(Some),
        (false, Some((initial, expiry))) => cache.decr_or(key, delta, initial, expiry).map(Some),
    }
}

/// What is no number may be a lease, which is a miss: an initial value takes its place.
#[cold]
fn place_of_lease(
    cache: &Cache,
    key: &[u8],
    up: bool,
    delta: u64,
    first: Option<(u64, Expiry)>,
) -> Result<Option<u64>, Error> {
    loop {
        match (cache.peek(key)?, first) {
            (Some(met), None) if met.flags == lease::FLAGS => return Ok(None),
            (Some(met), Some((initial, expiry))) if met.flags == lease::FLAGS => {
                let digits = number::unsigned(initial);
                let verb = Verb::Cas(met.cas);
                if let Outcome::Stored(_) = cache.store(verb, key, digits.bytes(), 0, expiry)? {
                    return Ok(Some(initial));
                }
            }
            (Some(_), _) => return Err(Error::NotNumeric),
            (None, _) => return step(cache, key, up, delta, first),
        }
    }
}
