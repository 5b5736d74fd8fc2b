//! The reading verbs: get, getMulti, getAndTouch, has, getRaw, keys.

use super::{set_number, settle};
use crate::class::{GET_EXTENDED, GET_PRESERVE_ORDER};
use crate::handle::Handle;
use crate::l1::Seek;
use crate::reply;
use crate::value;
use crate::zend::array::{answer, key_in, put};
use crate::zend::call::{Answer, Call, Thrown, bad_value, refuse, run};
use crate::zend::callback::ask;
use crate::zend::landing::Landing;
use crate::zend::memory_left;
use crate::zend::walk::values;
use ext_php_rs::types::{ZendHashTable, ZendObject, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ClassEntry, ExecuteData, run_handler};
use nearcache::{Error, Expiry, Meta, Verb};
use std::panic::AssertUnwindSafe;

/// `get(string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed`
pub extern "C" fn get(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 3), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut callback = None;
        let mut extended = false;
        if call.given() > 1 {
            callback = call.callback(1)?;
            extended = call.long(2, 0)? & GET_EXTENDED != 0;
        }
        let mut landing = Seek::new(this, &key);
        let mut found = this.cache().get_to(&key, &mut landing);
        if let (Ok(None), Some(callback)) = (&found, callback) {
            this.note(reply::NOTFOUND);
            if !fill(call, this, callback, &key)? {
                out.set_bool(false);
                return Ok(());
            }
            found = this.cache().get_to(&key, &mut landing);
        }
        give(this, &mut found, &mut landing, extended, out)
    });
}

/// Asks a read-through callback for a missing value and stores it. False, with the reason in the result code, if it has
/// none or it could not be stored.
fn fill(call: &Call<'_>, this: &Handle, callback: &Zval, key: &[u8]) -> Result<bool, Thrown> {
    let Some(made) = ask(callback, call.object(), key)? else {
        this.note(reply::NOTFOUND);
        return Ok(false);
    };
    let expiry = Expiry::from_exptime(made.expiration);
    super::store::put(this, Verb::Set, key, Some(&made.value), expiry)
}

/// `getAndTouch(string $key, int $expiration = 0, int $get_flags = 0): mixed`
pub extern "C" fn get_and_touch(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 3), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let expiry = Expiry::from_exptime(call.long(1, 0)?);
        let extended = call.long(2, 0)? & GET_EXTENDED != 0;
        let mut landing = Seek::new(this, &key);
        let mut found = this.cache().gat_to(&key, expiry, &mut landing);
        give(this, &mut found, &mut landing, extended, out)
    });
}

/// Words what a get found: the value, or false and the reason in the result code. It is borrowed because what is handed
/// over is copied, for every get, and read before it is all written.
#[inline]
fn give(
    this: &Handle,
    found: &mut Result<Option<Meta>, Error>,
    landing: &mut Seek<'_>,
    extended: bool,
    out: &mut Zval,
) -> Answer {
    if let Ok(Some(meta)) = found {
        this.note(reply::SUCCESS);
        // SAFETY: a hit, so the core has filled the landing.
        return unsafe { show(this, landing, meta, extended, out) }.map(|_| ());
    }
    match std::mem::replace(found, Ok(None)) {
        Ok(_) => this.note(reply::NOTFOUND),
        Err(error) => {
            this.fail(error);
        }
    }
    out.set_bool(false);
    Ok(())
}

/// Makes `out` the value of a hit, extended if asked. `Ok(false)` if its bytes cannot be read.
///
/// # Safety
///
/// The get that landed in `landing` must have returned a hit.
#[inline]
unsafe fn show(
    this: &Handle,
    landing: &mut Seek<'_>,
    meta: &Meta,
    extended: bool,
    out: &mut Zval,
) -> Result<bool, Thrown> {
    // SAFETY: the caller's.
    let sound = unsafe { landing.decode(meta, out) };
    if !matches!(sound, Ok(true)) {
        this.note(reply::PAYLOAD_FAILURE);
        return sound;
    }
    if extended {
        extend(out, meta)?;
    }
    Ok(true)
}

/// Wraps a value as `GET_EXTENDED` gives it.
fn extend(out: &mut Zval, meta: &Meta) -> Answer {
    let mut cas = Zval::new();
    set_number(&mut cas, meta.cas);
    let mut array = ZendHashTable::with_capacity(4);
    let value = std::mem::replace(out, Zval::new());
    insert(&mut array, "value", value)?;
    insert(&mut array, "cas", cas)?;
    insert(&mut array, "flags", value::user_flags(meta.flags))?;
    answer(out, array);
    Ok(())
}

/// Stores under a fixed name.
pub(super) fn insert(
    array: &mut ZendHashTable,
    name: &'static str,
    value: impl ext_php_rs::convert::IntoZval,
) -> Answer {
    array
        .insert(name, value)
        .map_err(|error| refuse(format!("the answer's {name} cannot be built: {error}")))
}

/// `getMulti(array $keys, int $get_flags = 0): array|false`
pub extern "C" fn get_multi(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let keys = call.array(0)?;
        let flags = call.long(1, 0)?;
        // As many as there may be hits, but no more than a few pages before there are any.
        let mut array = ZendHashTable::with_capacity(keys.len().min(1024) as u32);
        let mut hits = 0_usize;
        let mut bad = 0_usize;
        let mut damaged = false;
        for element in values(keys) {
            let (key, element) = key_in("getMulti", element)?;
            let mut landing = Seek::new(this, &key);
            let mut value = Zval::null();
            match this.cache().get_to(&key, &mut landing) {
                Ok(Some(meta)) => {
                    // SAFETY: a hit, so the core has filled the landing.
                    let shown = unsafe {
                        show(this, &mut landing, &meta, flags & GET_EXTENDED != 0, &mut value)
                    };
                    if !shown? {
                        damaged = true;
                        continue;
                    }
                    hits += 1;
                }
                Ok(None) if flags & GET_PRESERVE_ORDER != 0 => {}
                Ok(None) => continue,
                Err(error) => {
                    bad += 1;
                    this.fail(error);
                    continue;
                }
            }
            put(&mut array, element, value);
        }
        if bad > 0 && bad == keys.len() {
            // The code and the explanation of the last failure stand.
            out.set_bool(false);
            return Ok(());
        }
        this.note(match (damaged, hits) {
            (true, _) => reply::PAYLOAD_FAILURE,
            (false, 0) => reply::NOTFOUND,
            (false, _) => reply::SUCCESS,
        });
        answer(out, array);
        Ok(())
    });
}

/// `has(string $key): bool`
pub extern "C" fn has(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let there = this.cache().contains(&call.key(0)?);
        out.set_bool(settle(this, there, |there| match there {
            true => reply::SUCCESS,
            false => reply::NOTFOUND,
        }));
        Ok(())
    });
}

/// `getRaw(string $key, ?int $expiration = null): ?array`: bytes, flags, cas; touches if given an expiration.
pub extern "C" fn get_raw(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let touch = call.arg(1).is_some_and(|expiration| !expiration.is_null());
        let mut landing = Landing::new();
        let found = if touch {
            let expiry = Expiry::from_exptime(call.long(1, 0)?);
            this.cache().gat_to(&key, expiry, &mut landing)
        } else {
            this.cache().get_to(&key, &mut landing)
        };
        out.set_null();
        match found {
            Ok(Some(meta)) => {
                this.note(reply::SUCCESS);
                raw(landing, meta, out)
            }
            Ok(None) => {
                this.note(reply::NOTFOUND);
                Ok(())
            }
            Err(error) => {
                this.fail(error);
                Ok(())
            }
        }
    });
}

fn raw(mut landing: Landing, meta: Meta, out: &mut Zval) -> Answer {
    let mut bytes = Zval::new();
    // SAFETY: called for a hit only.
    unsafe { landing.give_string(&mut bytes) };
    let (mut flags, mut cas) = (Zval::new(), Zval::new());
    flags.set_long(i64::from(meta.flags));
    set_number(&mut cas, meta.cas);
    let mut array = ZendHashTable::with_capacity(4);
    for value in [bytes, flags, cas] {
        array
            .push(value)
            .map_err(|error| refuse(format!("the answer cannot be built: {error}")))?;
    }
    answer(out, array);
    Ok(())
}

/// `keys(string $prefix = ''): Traversable`
pub extern "C" fn keys(frame: &mut ExecuteData, out: &mut Zval) {
    // The keys are gathered on Rust's heap, for no iterator of the cache may be held while PHP allocates: so here (and
    // in `sharing`) a bailout point frees them if PHP runs out of memory while it takes them over.
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 1), list);
    }));
}

fn list(call: &Call<'_>, out: &mut Zval) -> Answer {
    let this = call.this()?;
    let prefix = call.string(0)?;
    if prefix.len() > nearcache::KEY_MAX {
        return Err(bad_value(
            "keys",
            1,
            "prefix",
            &format!("must have at most {} bytes", nearcache::KEY_MAX),
        ));
    }
    let found = BailoutGuard::new(this.cache().keys(prefix).collect::<Vec<Vec<u8>>>());
    let need = list_size(&found);
    if let Some(left) = memory_left().filter(|left| need > *left) {
        return Err(refuse(format!(
            "a list of {} keys takes about {need} bytes, and memory_limit leaves {left}: ask for a narrower prefix, \
             or raise memory_limit",
            found.len()
        )));
    }
    let mut array = ZendHashTable::with_capacity(u32::try_from(found.len()).unwrap_or(0));
    for key in found.iter() {
        let mut zval = Zval::new();
        zval.set_zend_string(ZendStr::new(key, false));
        array
            .push(zval)
            .map_err(|error| refuse(format!("the list of keys cannot be built: {error}")))?;
    }
    drop(found);
    this.note(reply::SUCCESS);
    let mut keys = Zval::new();
    answer(&mut keys, array);
    let iterator = ClassEntry::try_find("ArrayIterator")
        .ok_or_else(|| refuse("SPL's ArrayIterator is missing"))?;
    let object = ZendObject::new(iterator);
    object
        .try_call_method("__construct", vec![&keys])
        .map_err(|error| refuse(format!("the list of keys cannot be built: {error}")))?;
    ext_php_rs::convert::IntoZval::set_zval(object, out, false)
        .map_err(|error| refuse(format!("the list of keys cannot be built: {error}")))
}

/// About what PHP will take for a list of these: its strings in the allocator's size classes, and a table that doubles.
fn list_size(keys: &[Vec<u8>]) -> usize {
    const STRING: usize = 32;
    const SLOT: usize = 16;
    let strings: usize = keys.iter().map(|key| (key.len() + STRING) * 5 / 4).sum();
    strings + keys.len().next_power_of_two() * SLOT
}
