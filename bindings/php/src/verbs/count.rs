//! Counters: increment and decrement as `\Memcached` has them, and their raw forms, which pass `PHP_INT_MAX`.

use super::{counts, key_at, refused, set_number, settle};
use crate::handle::Handle;
use crate::number;
use crate::prefix::Room;
use crate::reply;
use crate::value;
use crate::zend::call::{Answer, Call, run};
use crate::zend::{say, say_long};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ExecuteData;
use nearcache::{Error, Expiry, Outcome, Verb};

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
        Some(initial) => Some((initial, this.expiry(call.long(3 + AT, 0)?))),
        None => None,
    };
    let counted = change(this, key, up, delta, first);
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

/// The number after the change; `None` if the key is missing and there is no first number.
#[inline(always)]
fn change(
    this: &Handle,
    key: &[u8],
    up: bool,
    delta: u64,
    first: Option<(u64, Expiry)>,
) -> Result<Option<u64>, Error> {
    let cache = this.cache();
    let step = || match (up, first) {
        // The core's counters begin with flags 0.
        (true, Some((number, expiry))) if flags(this) == 0 => {
            cache.incr_or(key, delta, number, expiry).map(Some)
        }
        (false, Some((number, expiry))) if flags(this) == 0 => {
            cache.decr_or(key, delta, number, expiry).map(Some)
        }
        (true, _) => cache.incr(key, delta),
        (false, _) => cache.decr(key, delta),
    };
    match step() {
        Ok(None) if first.is_none() => Ok(None),
        counted @ (Ok(None) | Err(Error::NotNumeric)) => begin(this, key, counted, first, step),
        counted => counted,
    }
}

/// Of a counter that is made.
fn flags(this: &Handle) -> u32 {
    value::counter_flags(this.settings().writing.get())
}

/// A counter that is missing begins with `first`. A lease, which is no number, is a miss, and its place is taken. Each round
/// that does not end means that somebody else stored or removed the key in between.
#[cold]
fn begin(
    this: &Handle,
    key: &[u8],
    mut counted: Result<Option<u64>, Error>,
    first: Option<(u64, Expiry)>,
    step: impl Fn() -> Result<Option<u64>, Error>,
) -> Result<Option<u64>, Error> {
    let cache = this.cache();
    loop {
        let verb = match counted {
            Ok(None) => Some(Verb::Add),
            Err(Error::NotNumeric) => match cache.peek(key)? {
                Some(item) if value::is_lease(item.flags) => Some(Verb::Cas(item.cas)),
                Some(_) => return counted,
                None => None,
            },
            _ => return counted,
        };
        if let Some(verb) = verb {
            let Some((number, expiry)) = first else { return Ok(None) };
            let digits = number::unsigned(number);
            let stored = cache.store(verb, key, digits.bytes(), flags(this), expiry)?;
            if let Outcome::Stored(_) = stored {
                return Ok(Some(number));
            }
        }
        counted = step();
    }
}
