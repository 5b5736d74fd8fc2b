//! The storing verbs: set, setMulti, add, replace, append, prepend, cas, storeRaw.

use super::settle;
use crate::handle::Handle;
use crate::number;
use crate::reply;
use crate::value;
use crate::zend::call::{Answer, Call, Key, Thrown, bad_value, run};
use ext_php_rs::types::Zval;
use ext_php_rs::types::array::Iter;
use ext_php_rs::zend::ExecuteData;
use nearcache::{Expiry, Verb};

/// `set(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn set(frame: &mut ExecuteData, out: &mut Zval) {
    plain(frame, out, Verb::Set);
}

/// `add(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn add(frame: &mut ExecuteData, out: &mut Zval) {
    plain(frame, out, Verb::Add);
}

/// `replace(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn replace(frame: &mut ExecuteData, out: &mut Zval) {
    plain(frame, out, Verb::Replace);
}

#[inline]
fn plain(frame: &mut ExecuteData, out: &mut Zval, verb: Verb) {
    run(frame, out, (2, 3), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let expiry = Expiry::from_exptime(call.long(2, 0)?);
        out.set_bool(put(this, verb, &key, call.arg(1), expiry)?);
        Ok(())
    });
}

/// Encodes and stores one value. The value is encoded before the cache is touched, for that may run PHP code.
#[inline]
pub(super) fn put(
    this: &Handle,
    verb: Verb,
    key: &[u8],
    value: Option<&Zval>,
    expiry: Expiry,
) -> Result<bool, Thrown> {
    let Some(value) = value else {
        return Ok(false);
    };
    if let Some(bytes) = value::plain(value, this.settings().writing.get()) {
        let stored = this.cache().store(verb, key, bytes, 0, expiry);
        return Ok(settle(this, stored, reply::stored));
    }
    let (payload, flags) =
        value::encode(value, this.settings().writing.get()).inspect_err(|_| {
            this.note(reply::PAYLOAD_FAILURE);
        })?;
    let stored = this.cache().store(verb, key, payload.bytes(), flags, expiry);
    Ok(settle(this, stored, reply::stored))
}

/// `append(string $key, string $value): bool`
pub extern "C" fn append(frame: &mut ExecuteData, out: &mut Zval) {
    grow(frame, out, Verb::Append);
}

/// `prepend(string $key, string $value): bool`
pub extern "C" fn prepend(frame: &mut ExecuteData, out: &mut Zval) {
    grow(frame, out, Verb::Prepend);
}

fn grow(frame: &mut ExecuteData, out: &mut Zval, verb: Verb) {
    run(frame, out, (2, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let more = call.string(1)?;
        // The core keeps the flags and the expiry of the item there.
        let stored = this.cache().store(verb, &key, more, 0, Expiry::Never);
        out.set_bool(settle(this, stored, reply::stored));
        Ok(())
    });
}

/// `cas(string $cas_token, string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn cas(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (3, 4), |call, out| {
        let this = call.this()?;
        let token = token(call)?;
        let key = call.key(1)?;
        let expiry = Expiry::from_exptime(call.long(3, 0)?);
        out.set_bool(put(this, Verb::Cas(token), &key, call.arg(2), expiry)?);
        Ok(())
    });
}

/// A cas token as `get` gave it, or as another wrote it down: an int, a float (exact up to 2^53), or digits.
fn token(call: &Call<'_>) -> Result<u64, Thrown> {
    let argument = call.arg(0);
    if let Some(long) = argument.and_then(Zval::long) {
        return Ok(long as u64);
    }
    if let Some(double) = argument.and_then(Zval::double)
        && double >= 0.0
    {
        return Ok(double as u64);
    }
    number::parse_u64(call.string(0)?).ok_or_else(|| {
        bad_value(
            "cas",
            1,
            "cas_token",
            "must be the \"cas\" of a get() with GET_EXTENDED: an int, or its digits",
        )
    })
}

/// `setMulti(array $items, int $expiration = 0): bool`: stores what it can; false, with the code of the last
/// failure, if it could not store all.
pub extern "C" fn set_multi(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let items = call.array(0)?;
        let expiry = Expiry::from_exptime(call.long(1, 0)?);
        let mut failed = None;
        let mut entries = Iter::new(items);
        while let Some((key, value)) = entries.next_zval() {
            let Some(key) = Key::of(&key) else {
                continue;
            };
            if !put(this, Verb::Set, &key, Some(value.dereference()), expiry)? {
                failed = Some(this.code());
            }
        }
        this.note(failed.unwrap_or(reply::SUCCESS));
        out.set_bool(failed.is_none());
        Ok(())
    });
}

/// `storeRaw(string $verb, string $key, string $bytes, int $flags = 0, int $expiration = 0, int $cas = 0): bool`
pub extern "C" fn store_raw(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (3, 6), raw);
}

fn raw(call: &Call<'_>, out: &mut Zval) -> Answer {
    let this = call.this()?;
    let unique = call.amount(5, 0)?.unwrap_or(0);
    let verb = match call.string(0)? {
        b"set" => Verb::Set,
        b"add" => Verb::Add,
        b"replace" => Verb::Replace,
        b"append" => Verb::Append,
        b"prepend" => Verb::Prepend,
        b"cas" => Verb::Cas(unique),
        _ => {
            return Err(bad_value(
                "storeRaw",
                1,
                "verb",
                "must be one of set, add, replace, append, prepend, cas",
            ));
        }
    };
    let key = call.key(1)?;
    let bytes = call.string(2)?;
    let flags = u32::try_from(call.long(3, 0)?)
        .map_err(|_| bad_value("storeRaw", 4, "flags", "must be between 0 and 4294967295"))?;
    let expiry = Expiry::from_exptime(call.long(4, 0)?);
    let stored = this.cache().store(verb, &key, bytes, flags, expiry);
    out.set_bool(settle(this, stored, reply::stored));
    Ok(())
}
