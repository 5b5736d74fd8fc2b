//! One item or many: apcu_store, apcu_add, apcu_fetch, apcu_exists, apcu_delete.

use super::{iterator, with};
use crate::handle::Handle;
use crate::l1::Seek;
use crate::value::{self, Decoded};
use crate::zend::array::{answer, push, put};
use crate::zend::call::{Answer, Call, Key, Thrown};
use crate::zend::{thrown, warn};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::array::Iter;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;
use nearcache::{Deletion, Error, Expiry, Outcome, Verb};

/// `apcu_store($key, mixed $value, int $ttl = 0): array|bool`
pub extern "C" fn store(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 3), None, |call, face, out| write(call, face, Verb::Set, out));
}

/// `apcu_add($key, mixed $value, int $ttl = 0): array|bool`
pub extern "C" fn add(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 3), None, |call, face, out| write(call, face, Verb::Add, out));
}

fn write(call: &Call<'_>, face: &Handle, verb: Verb, out: &mut Zval) -> Answer {
    let expiry = expiry(face, call.long(2, 0)?);
    let Some(first) = call.arg(0) else {
        return Ok(());
    };
    if let Some(items) = first.array() {
        // Of each key that was not stored: -1.
        let mut failed = ZendHashTable::new();
        let mut entries = Iter::new(items);
        while let Some((key, value)) = entries.next_zval() {
            let Some(bytes) = Key::of(&key) else {
                continue;
            };
            if !keep(face, verb, &bytes, value.dereference(), expiry)? {
                let mut minus = Zval::new();
                minus.set_long(-1);
                put(&mut failed, &key, minus);
            }
        }
        answer(out, failed);
        return Ok(());
    }
    out.set_bool(false);
    let Some(key) = first.zend_str() else {
        return complain(
            "apc_store expects key parameter to be a string or an array of key/value pairs.",
        );
    };
    if let Some(value) = call.arg(1) {
        out.set_bool(keep(face, verb, key.as_bytes(), value, expiry)?);
    }
    Ok(())
}

/// A ttl of APCu's: seconds from now, however many; 0 is for ever, or as long as php.ini says.
pub(super) fn expiry(face: &Handle, ttl: i64) -> Expiry {
    match ttl {
        i64::MIN..0 => Expiry::Past,
        0 => face.expiry(0),
        seconds => Expiry::After(u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}

/// Encodes and stores a value; false if it could not be, with a warning if that is not for a key that is there.
fn keep(
    face: &Handle,
    verb: Verb,
    key: &[u8],
    value: &Zval,
    expiry: Expiry,
) -> Result<bool, Thrown> {
    let (payload, flags) = value::encode(value, face.settings().writing.get())?;
    let stored = face.cache().store(verb, key, payload.bytes(), flags, expiry);
    drop(payload);
    match stored {
        Ok(outcome) => Ok(matches!(outcome, Outcome::Stored(_))),
        Err(error) => refuse(&error).map(|()| false),
    }
}

/// Warns of what the cache cannot do.
#[cold]
pub(super) fn refuse(error: &Error) -> Answer {
    complain(&error.to_string())
}

/// A warning, which a handler of the script's may have made an exception.
#[cold]
pub(super) fn complain(sentence: &str) -> Answer {
    warn(sentence);
    match thrown() {
        true => Err(Thrown),
        false => Ok(()),
    }
}

/// `apcu_fetch($key, &$success = null): mixed`
pub extern "C" fn fetch(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 2), Some(1), |call, face, out| {
        let Some(first) = call.arg(0) else {
            return Ok(());
        };
        if let Some(keys) = first.array() {
            let mut found = ZendHashTable::new();
            for element in keys.values() {
                let element = element.dereference();
                let Some(key) = element.zend_str() else {
                    complain("apc_fetch() expects a string or array of strings.")?;
                    continue;
                };
                let mut value = Zval::null();
                if read(face, key.as_bytes(), &mut value)? {
                    put(&mut found, element, value);
                }
            }
            answer(out, found);
            return call.assign_bool(1, true);
        }
        let found = match Text::of(first)? {
            Text::Given(key) => read(face, key, out)?,
            Text::Made(key) => read(face, key.as_bytes(), out)?,
        };
        if !found {
            out.set_bool(false);
        }
        call.assign_bool(1, found)
    });
}

/// Makes `out` the value of `key`; false, and `out` as it was or false, if there is none.
#[inline]
pub(super) fn read(face: &Handle, key: &[u8], out: &mut Zval) -> Result<bool, Thrown> {
    let mut seek = Seek::new(face, key);
    match face.cache().get_to(key, &mut seek) {
        // SAFETY: a hit, with this meta.
        Ok(Some(meta)) => Ok(unsafe { seek.decode(&meta, out) }? == Decoded::Value),
        // A key that no item can have has none.
        _ => Ok(false),
    }
}

/// A key as APCu's functions take it that name no type: whatever can be made a string.
pub(super) enum Text<'a> {
    /// It was one.
    Given(&'a [u8]),
    /// It was made one.
    Made(ZBox<ZendStr>),
}

// From Zend/zend_operators.h.
unsafe extern "C" {
    fn zval_try_get_string_func(value: *mut Zval) -> *mut ZendStr;
}

impl<'a> Text<'a> {
    #[inline]
    pub(super) fn of(value: &'a Zval) -> Result<Text<'a>, Thrown> {
        match value.zend_str() {
            Some(string) => Ok(Text::Given(string.as_bytes())),
            None => Text::make(value),
        }
    }

    #[cold]
    fn make(value: &Zval) -> Result<Text<'a>, Thrown> {
        // SAFETY: reads the value, and may run its `__toString`; the string it gives is the caller's.
        unsafe {
            let made = zval_try_get_string_func(std::ptr::from_ref(value).cast_mut());
            match made.is_null() {
                true => Err(Thrown),
                false => Ok(Text::Made(ZBox::from_raw(made))),
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Text::Given(bytes) => bytes,
            Text::Made(string) => string.as_bytes(),
        }
    }
}

/// `apcu_exists($key): array|bool`
pub extern "C" fn exists(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 1), None, |call, face, out| {
        let Some(first) = call.arg(0) else {
            return Ok(());
        };
        let Some(keys) = first.array() else {
            let key = Text::of(first)?;
            out.set_bool(is_there(face, key.bytes()));
            return Ok(());
        };
        let mut found = ZendHashTable::new();
        for element in keys.values() {
            let element = element.dereference();
            let Some(key) = element.zend_str() else {
                complain("apc_exists() expects a string or array of strings.")?;
                continue;
            };
            if is_there(face, key.as_bytes()) {
                let mut truth = Zval::new();
                truth.set_bool(true);
                put(&mut found, element, truth);
            }
        }
        answer(out, found);
        Ok(())
    });
}

pub(super) fn is_there(face: &Handle, key: &[u8]) -> bool {
    let met = face.cache().peek(key).unwrap_or(None);
    met.is_some_and(|met| !value::is_lease(met.flags))
}

/// `apcu_delete($key): array|bool`
pub extern "C" fn delete(frame: &mut ExecuteData, out: &mut Zval) {
    const EXPECTS: &str =
        "apc_delete() expects a string, array of strings, or APCIterator instance";
    with(frame, out, (1, 1), None, |call, face, out| {
        let Some(first) = call.arg(0) else {
            return Ok(());
        };
        out.set_bool(false);
        if let Some(key) = first.zend_str() {
            out.set_bool(remove(face, key.as_bytes()));
        } else if let Some(keys) = first.array() {
            // What was not deleted.
            let mut failed = ZendHashTable::new();
            for element in keys.values() {
                let element = element.dereference();
                match element.zend_str() {
                    Some(key) if remove(face, key.as_bytes()) => continue,
                    Some(_) => {}
                    None => complain(EXPECTS)?,
                }
                push(&mut failed, element.shallow_clone())?;
            }
            answer(out, failed);
        } else if first.is_object() {
            return iterator::delete_all(first, out);
        } else {
            return complain(EXPECTS);
        }
        Ok(())
    });
}

pub(super) fn remove(face: &Handle, key: &[u8]) -> bool {
    matches!(face.cache().delete(key), Ok(Deletion::Deleted))
}
