//! The verbs of `NearCache\Store` that change an item. What was answered is as durable as the policy asks.

use super::define::method;
use super::error::fail;
use super::open::{Opened, expiry};
use super::store::opened;
use super::value::encode;
use crate::value::is_open;
use crate::zend::array::key_in;
use crate::zend::call::{Answer, Call, Key, Thrown, bad_argument, refuse};
use crate::zend::walk::values;
use ext_php_rs::types::Zval;
use ext_php_rs::types::array::Iter;
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache::{Deletion, Expiry, Outcome, Verb};
use nearcache_store::storing;
use nearcache_store::wire::Change;

/// `set(string $key, mixed $value, int $expiration = 0): int`
pub extern "C" fn set(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 3), |call, out| plain(call, 0, Verb::Set, out));
}

/// `add(string $key, mixed $value, int $expiration = 0): int|false`
pub extern "C" fn add(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 3), |call, out| plain(call, 0, Verb::Add, out));
}

/// `replace(string $key, mixed $value, int $expiration = 0): int|false`
pub extern "C" fn replace(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 3), |call, out| plain(call, 0, Verb::Replace, out));
}

/// `cas(int $cas, string $key, mixed $value, int $expiration = 0): int|false`
pub extern "C" fn cas(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (3, 4), |call, out| {
        let unique = call.long(0, 0)? as u64;
        plain(call, 1, Verb::Cas(unique), out)
    });
}

/// A verb whose key is the argument at `index`.
fn plain(call: &Call<'_>, index: usize, verb: Verb, out: &mut Zval) -> Answer {
    let opened = opened(call)?;
    let key = call.key(index)?;
    let expiry = expiry(call.long(index + 2, 0)?);
    let (payload, flags) = encode(call.arg(index + 1), opened.writing)?;
    let stored = opened.durable.store(verb, &key, payload.bytes(), flags, expiry);
    say(stored.map_err(fail)?, out);
    Ok(())
}

/// The new unique, or false.
fn say(outcome: Outcome, out: &mut Zval) {
    match outcome {
        Outcome::Stored(unique) => out.set_long(unique as i64),
        Outcome::NotStored | Outcome::Exists | Outcome::Missing => out.set_bool(false),
    }
}

/// `append(string $key, string $value): int|false`
pub extern "C" fn append(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 2), |call, out| {
        extend(opened(call)?, &call.key(0)?, call.string(1)?, true, out)
    });
}

/// `prepend(string $key, string $value): int|false`
pub extern "C" fn prepend(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 2), |call, out| {
        extend(opened(call)?, &call.key(0)?, call.string(1)?, false, out)
    });
}

/// Puts bytes behind or before those of an item, whose flags and time stay. The unique sees to it that what grows is what was
/// looked at: bytes more would be the end of a value that is serialized.
fn extend(opened: &Opened, key: &[u8], more: &[u8], behind: bool, out: &mut Zval) -> Answer {
    loop {
        let Some(old) = opened.durable.get(key).map_err(fail)? else {
            out.set_bool(false);
            return Ok(());
        };
        if !is_open(old.flags) {
            drop(old);
            return Err(refuse(
                "nothing can be put before or behind a value that is serialized, compressed or portable: get it and \
                 store another",
            ));
        }
        let (first, second) =
            if behind { (old.data.as_slice(), more) } else { (more, old.data.as_slice()) };
        let whole = [first, second].concat();
        let expiry = old.ttl.map_or(Expiry::Never, Expiry::After);
        let verb = Verb::Cas(old.cas);
        match opened.durable.store(verb, key, &whole, old.flags, expiry).map_err(fail)? {
            // Somebody was faster.
            Outcome::Exists | Outcome::Missing => {}
            outcome => {
                say(outcome, out);
                return Ok(());
            }
        }
    }
}

/// `storeRaw(string $verb, string $key, string $bytes, int $flags = 0, int $expiration = 0, int $cas = 0): int|false`
pub extern "C" fn store_raw(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (3, 6), |call, out| {
        let opened = opened(call)?;
        let unique = call.long(5, 0)? as u64;
        let verb = match call.string(0)? {
            b"set" => Verb::Set,
            b"add" => Verb::Add,
            b"replace" => Verb::Replace,
            b"append" => Verb::Append,
            b"prepend" => Verb::Prepend,
            b"cas" => Verb::Cas(unique),
            _ => {
                return Err(bad_argument(
                    0,
                    "must be one of set, add, replace, append, prepend, cas",
                ));
            }
        };
        let key = call.key(1)?;
        let bytes = call.string(2)?;
        let flags = u32::try_from(call.long(3, 0)?)
            .map_err(|_| bad_argument(3, "must be between 0 and 4294967295"))?;
        let expiry = expiry(call.long(4, 0)?);
        say(opened.durable.store(verb, &key, bytes, flags, expiry).map_err(fail)?, out);
        Ok(())
    });
}

/// `setMulti(array $items, int $expiration = 0): void`: all or none.
pub extern "C" fn set_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, _| {
        let opened = opened(call)?;
        let items = call.array(0)?;
        let expiry = expiry(call.long(1, 0)?);
        let mut changes = BailoutGuard::new(Vec::with_capacity(items.len()));
        let mut entries = Iter::new(items);
        while let Some((key, value)) = entries.next_zval() {
            let Some(key) = Key::of(&key) else {
                continue;
            };
            let (payload, flags) = encode(Some(value.dereference()), opened.writing)?;
            changes.push(Change::Set(storing(Verb::Set, &key, payload.bytes(), flags, expiry)));
        }
        opened.durable.commit(changes.into_inner()).map_err(fail).map(drop)
    });
}

/// `increment(string $key, int $offset = 1, ?int $initial_value = null, int $expiration = 0): int|false`
pub extern "C" fn increment(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 4), |call, out| count(call, false, out));
}

/// `decrement(string $key, int $offset = 1, ?int $initial_value = null, int $expiration = 0): int|false`
pub extern "C" fn decrement(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 4), |call, out| count(call, true, out));
}

/// A number of 0 or more; the argument at `index`.
pub fn natural(call: &Call<'_>, index: usize, default: i64) -> Result<u64, Thrown> {
    u64::try_from(call.long(index, default)?)
        .map_err(|_| bad_argument(index, "must be greater than or equal to 0"))
}

fn count(call: &Call<'_>, down: bool, out: &mut Zval) -> Answer {
    let opened = opened(call)?;
    let key = call.key(0)?;
    let delta = natural(call, 1, 1)?;
    let initial = match call.long_or_null(2)? {
        Some(_) => Some(natural(call, 2, 0)?),
        None => None,
    };
    let expiry = expiry(call.long(3, 0)?);
    loop {
        if let Some(number) = opened.durable.count(&key, delta, down).map_err(fail)? {
            out.set_long(number as i64);
            return Ok(());
        }
        let Some(initial) = initial else {
            out.set_bool(false);
            return Ok(());
        };
        let digits = crate::number::unsigned(initial);
        let flags = crate::value::counter_flags(opened.writing);
        let made = opened.durable.store(Verb::Add, &key, digits.bytes(), flags, expiry);
        if let Outcome::Stored(_) = made.map_err(fail)? {
            out.set_long(initial as i64);
            return Ok(());
        }
        // Somebody else has made it.
    }
}

/// `touch(string $key, int $expiration): bool`
pub extern "C" fn touch(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 2), |call, out| {
        let expiry = expiry(call.long(1, 0)?);
        out.set_bool(opened(call)?.durable.touch(&call.key(0)?, expiry).map_err(fail)?);
        Ok(())
    });
}

/// `delete(string $key, ?int $cas = null): bool`
pub extern "C" fn delete(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, out| {
        let unique = call.long_or_null(1)?.map(|unique| unique as u64);
        let deletion = opened(call)?.durable.delete(&call.key(0)?, unique).map_err(fail)?;
        out.set_bool(deletion == Deletion::Deleted);
        Ok(())
    });
}

/// `deleteMulti(array $keys): int`: how many there were; all at once.
pub extern "C" fn delete_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let opened = opened(call)?;
        let keys = call.array(0)?;
        let mut changes = BailoutGuard::new(Vec::with_capacity(keys.len()));
        for element in values(keys) {
            changes.push(Change::Delete { key: key_in(0, element)?.0.to_vec().into() });
        }
        let deleted = opened.durable.commit(changes.into_inner()).map_err(fail)?;
        out.set_long(deleted.iter().sum::<u64>() as i64);
        Ok(())
    });
}

/// `flush(int $delay = 0): void`
pub extern "C" fn flush(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, _| {
        let delay = u32::try_from(call.long(0, 0)?)
            .map_err(|_| bad_argument(0, "must be between 0 and 4294967295 seconds"))?;
        opened(call)?.durable.flush_all(delay).map_err(fail)
    });
}
