//! The verbs that change or remove what is there: increment, decrement, touch, delete, deleteMulti, flush.

use super::{set_number, settle};
use crate::handle::Handle;
use crate::number;
use crate::reply;
use crate::value;
use crate::zend::array::{answer, key_in, put};
use crate::zend::call::{Answer, Call, bad_value, run};
use crate::zend::{thrown, warn};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ExecuteData;
use nearcache::{Cache, Error, Expiry, Outcome, Verb};

/// `increment(string $key, int|string $offset = 1, int|string $initial_value = 0, int $expiry = 0): int|string|false`
pub extern "C" fn increment(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 4), |call, out| count(call, out, true));
}

/// `decrement(string $key, int|string $offset = 1, int|string $initial_value = 0, int $expiry = 0): int|string|false`
pub extern "C" fn decrement(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 4), |call, out| count(call, out, false));
}

fn count(call: &Call<'_>, out: &mut Zval, up: bool) -> Answer {
    let this = call.this()?;
    let key = call.key(0)?;
    let Some(delta) = call.amount(1, 1)? else {
        return negative(this, out, "offset");
    };
    let mut initial = None;
    if call.given() > 2 {
        let Some(number) = call.amount(2, 0)? else {
            return negative(this, out, "initial_value");
        };
        initial = Some((number, Expiry::from_exptime(call.long(3, 0)?)));
    }
    let flags = value::counter_flags(this.settings().writing.get());
    let counted = change(this.cache(), &key, delta, up, initial, flags);
    counted_to(this, counted, out);
    Ok(())
}

/// The number after the change; `None` if the key is missing and there is no initial number. A lease is a miss, and an
/// initial number takes its place.
fn change(
    cache: &Cache,
    key: &[u8],
    delta: u64,
    up: bool,
    initial: Option<(u64, Expiry)>,
    flags: u32,
) -> Result<Option<u64>, Error> {
    // Each round that does not end means that somebody else stored or removed the key in between.
    loop {
        let counted = match up {
            true => cache.incr(key, delta),
            false => cache.decr(key, delta),
        };
        let verb = match counted {
            Ok(Some(number)) => return Ok(Some(number)),
            Ok(None) => Verb::Add,
            Err(Error::NotNumeric) => match cache.peek(key)? {
                Some(item) if value::is_lease(item.flags) => Verb::Cas(item.cas),
                Some(_) => return Err(Error::NotNumeric),
                None => continue,
            },
            Err(error) => return Err(error),
        };
        let Some((number, expiry)) = initial else { return Ok(None) };
        let digits = number::unsigned(number);
        let outcome = cache.store(verb, key, digits.bytes(), flags, expiry)?;
        if let Outcome::Stored(_) = outcome {
            return Ok(Some(number));
        }
    }
}

fn counted_to(this: &Handle, counted: Result<Option<u64>, Error>, out: &mut Zval) {
    let number = match &counted {
        Ok(Some(number)) => *number,
        _ => 0,
    };
    let there = settle(this, counted, |counted| match counted {
        Some(_) => reply::SUCCESS,
        None => reply::NOTFOUND,
    });
    match there {
        true => set_number(out, number),
        false => out.set_bool(false),
    }
}

/// As php-memcached: a warning and false.
fn negative(this: &Handle, out: &mut Zval, name: &str) -> Answer {
    this.note(reply::INVALID_ARGUMENTS);
    out.set_bool(false);
    warn(&format!(
        "${name} cannot be negative: counters run from 0 to 18446744073709551615; use increment() to add and \
         decrement() to subtract"
    ));
    match thrown() {
        true => Err(crate::zend::call::Thrown),
        false => Ok(()),
    }
}

/// `touch(string $key, int $expiration = 0): bool`
pub extern "C" fn touch(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let expiry = Expiry::from_exptime(call.long(1, 0)?);
        let touched = this.cache().touch(&key, expiry);
        out.set_bool(settle(this, touched, reply::touched));
        Ok(())
    });
}

/// `delete(string $key, int $time = 0): bool`
pub extern "C" fn delete(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        if call.long(1, 0)? != 0 {
            // A delayed delete: memcached has had none since 1.4.
            this.note(reply::INVALID_ARGUMENTS);
            out.set_bool(false);
            return Ok(());
        }
        out.set_bool(settle(this, this.cache().delete(&key), reply::deleted));
        Ok(())
    });
}

/// `deleteMulti(array $keys, int $time = 0): array`: of each key true, or the result code that says why not.
pub extern "C" fn delete_multi(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let keys = call.array(0)?;
        let delayed = call.long(1, 0)? != 0;
        let mut array = ZendHashTable::new();
        let mut failed = None;
        for element in keys.values() {
            let (key, element) = key_in("deleteMulti", element)?;
            let gone = if delayed {
                this.note(reply::INVALID_ARGUMENTS);
                false
            } else {
                settle(this, this.cache().delete(&key), reply::deleted)
            };
            let mut result = Zval::new();
            if gone {
                result.set_bool(true);
            } else {
                failed = Some(this.code());
                result.set_long(this.code());
            }
            put(&mut array, element, result);
        }
        this.note(failed.unwrap_or(reply::SUCCESS));
        answer(out, array);
        Ok(())
    });
}

/// `flush(int $delay = 0): bool`
pub extern "C" fn flush(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 1), |call, out| {
        let this = call.this()?;
        // As memcached: a negative delay is none.
        let delay = u32::try_from(call.long(0, 0)?.max(0))
            .map_err(|_| bad_value("flush", 1, "delay", "must be at most 4294967295 seconds"))?;
        out.set_bool(settle(this, this.cache().flush_all(delay), |()| reply::SUCCESS));
        Ok(())
    });
}
