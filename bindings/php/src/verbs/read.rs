//! The reading verbs: get, getMulti, getAndTouch, fetchOr, has, getRaw.

use super::{counts, key_at, set_number, settle};
use crate::class::{GET_EXTENDED, GET_PRESERVE_ORDER};
use crate::handle::Handle;
use crate::l1::Seek;
use crate::prefix::Room;
use crate::reply;
use crate::value::{self, Decoded};
use crate::zend::array::{answer, insert, key_in, push, put};
use crate::zend::call::{Answer, Call, Key, Thrown, run};
use crate::zend::callback::ask;
use crate::zend::landing::Landing;
use crate::zend::walk::values;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;
use nearcache::{Error, Expiry, Meta, Verb};

/// `get(string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed`
pub extern "C" fn get<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 3), |call, out| {
        let this = call.this()?;
        let key = key_at::<AT>(call, 0)?;
        let mut room = Room::new();
        let place = this.place(&key, &mut room);
        let mut callback = None;
        let mut extended = false;
        if call.given() > 1 + AT {
            callback = call.callback(1 + AT)?;
            extended = call.long(2 + AT, 0)? & GET_EXTENDED != 0;
        }
        if !look(this, place, extended, out)?
            && let Some(callback) = callback
        {
            return fill_and_look(call, this, callback, &key, place, extended, out);
        }
        Ok(())
    });
}

/// What is left of a get after a miss, kept out of its way.
#[cold]
#[inline(never)]
fn fill_and_look(
    call: &Call<'_>,
    this: &Handle,
    callback: &Zval,
    key: &Key<'_>,
    place: &[u8],
    extended: bool,
    out: &mut Zval,
) -> Answer {
    if fill(call, this, callback, key, place)? {
        look(this, place, extended, out)?;
    }
    Ok(())
}

/// Makes `out` what a get finds, or false and the reason in the result code; false if that is a miss.
#[inline]
fn look(this: &Handle, key: &[u8], extended: bool, out: &mut Zval) -> Result<bool, Thrown> {
    let mut landing = Seek::new(this, key);
    let mut found = this.cache().get_to(key, &mut landing);
    give(this, &mut found, &mut landing, extended, out)
}

/// Asks a read-through callback for a missing value and stores it. False, with the reason in the result code, if it has
/// none or it could not be stored.
fn fill(
    call: &Call<'_>,
    this: &Handle,
    callback: &Zval,
    key: &Key<'_>,
    place: &[u8],
) -> Result<bool, Thrown> {
    let Some(made) = ask(callback, call.object(), key)? else {
        this.note(reply::NOTFOUND);
        return Ok(false);
    };
    let expiry = this.expiry(made.expiration);
    super::store::put(this, Verb::Set, place, Some(&made.value), expiry)
}

/// `getAndTouch(string $key, int $expiration = 0, int $get_flags = 0): mixed`
pub extern "C" fn get_and_touch(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 3), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let expiry = this.expiry(call.long(1, 0)?);
        let extended = call.long(2, 0)? & GET_EXTENDED != 0;
        let mut landing = Seek::new(this, key);
        let mut found = this.cache().gat_to(key, expiry, &mut landing);
        give(this, &mut found, &mut landing, extended, out).map(drop)
    });
}

/// Words what a get found: the value, or false and the reason in the result code. False if that is a miss. What was found is
/// borrowed because what is handed over is copied, for every get, and read before it is all written.
#[inline]
fn give(
    this: &Handle,
    found: &mut Result<Option<Meta>, Error>,
    landing: &mut Seek<'_>,
    extended: bool,
    out: &mut Zval,
) -> Result<bool, Thrown> {
    if let Ok(Some(meta)) = found {
        this.note(reply::SUCCESS);
        // SAFETY: a hit, so the core has filled the landing.
        if unsafe { show(this, landing, meta, extended, out) }? != Decoded::Miss {
            return Ok(true);
        }
    }
    out.set_bool(false);
    if let Err(error) = std::mem::replace(found, Ok(None)) {
        this.fail(error);
        return Ok(true);
    }
    this.note(reply::NOTFOUND);
    Ok(false)
}

/// Makes `out` the value of a hit, extended if asked; false if it has none, noted if its bytes are damaged.
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
) -> Result<Decoded, Thrown> {
    // SAFETY: the caller's.
    let decoded = unsafe { landing.decode(meta, out) };
    match decoded {
        Ok(Decoded::Value) if extended => extend(out, meta)?,
        Ok(Decoded::Value | Decoded::Miss) => {}
        Ok(Decoded::Damaged) | Err(Thrown) => this.note(reply::PAYLOAD_FAILURE),
    }
    decoded
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

/// What one key of `getDelayed` gave.
pub(super) enum Shown {
    /// Its key, its value, and if asked for its cas token and the user's flags.
    Item(ZBox<ZendHashTable>),
    /// Nothing, or bytes that cannot be read.
    Missing,
    /// The key is none.
    Bad,
}

/// Reads one item for `getDelayed`.
pub(super) fn item(
    this: &Handle,
    key: &[u8],
    place: &[u8],
    with_cas: bool,
) -> Result<Shown, Thrown> {
    let mut landing = Seek::new(this, place);
    let meta = match this.cache().get_to(place, &mut landing) {
        Ok(Some(meta)) => meta,
        Ok(None) => return Ok(Shown::Missing),
        Err(error) => {
            this.fail(error);
            return Ok(Shown::Bad);
        }
    };
    let mut value = Zval::null();
    // SAFETY: a hit, so the core has filled the landing.
    if unsafe { show(this, &mut landing, &meta, false, &mut value) }? != Decoded::Value {
        return Ok(Shown::Missing);
    }
    let mut array = ZendHashTable::with_capacity(4);
    let mut name = Zval::new();
    name.set_zend_string(ZendStr::new(key, false));
    insert(&mut array, "key", name)?;
    insert(&mut array, "value", value)?;
    if with_cas {
        let mut cas = Zval::new();
        set_number(&mut cas, meta.cas);
        insert(&mut array, "cas", cas)?;
        insert(&mut array, "flags", value::user_flags(meta.flags))?;
    }
    Ok(Shown::Item(array))
}

/// `getMulti(array $keys, int $get_flags = 0): array|false`
pub extern "C" fn get_multi<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 2), |call, out| {
        let this = call.this()?;
        if AT == 1 {
            call.string(0)?;
        }
        let keys = call.array(AT)?;
        let flags = call.long(1 + AT, 0)?;
        // As many as there may be hits, but no more than a few pages before there are any.
        let mut array = ZendHashTable::with_capacity(keys.len().min(1024) as u32);
        let mut hits = 0_usize;
        let mut bad = 0_usize;
        let mut damaged = false;
        for element in values(keys) {
            let (key, element) = key_in(AT, element)?;
            let mut room = Room::new();
            let place = this.place(&key, &mut room);
            let mut landing = Seek::new(this, place);
            let mut value = Zval::null();
            let shown = match this.cache().get_to(place, &mut landing) {
                Ok(Some(meta)) => {
                    let extended = flags & GET_EXTENDED != 0;
                    // SAFETY: a hit, so the core has filled the landing.
                    unsafe { show(this, &mut landing, &meta, extended, &mut value) }?
                }
                Ok(None) => Decoded::Miss,
                Err(error) => {
                    bad += 1;
                    this.fail(error);
                    continue;
                }
            };
            match shown {
                Decoded::Value => hits += 1,
                Decoded::Miss if flags & GET_PRESERVE_ORDER != 0 => value.set_null(),
                Decoded::Miss => continue,
                Decoded::Damaged => {
                    damaged = true;
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

/// `fetchOr(string $key, mixed $default = null): mixed`: the value, or the default for a miss.
pub extern "C" fn fetch_or(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let mut landing = Seek::new(this, key);
        let mut found = this.cache().get_to(key, &mut landing);
        let hit = give(this, &mut found, &mut landing, false, out)?;
        if !hit || this.code() != reply::SUCCESS {
            *out = call.arg(1).map_or(Zval::null(), Zval::shallow_clone);
        }
        Ok(())
    });
}

/// `has(string $key): bool`
pub extern "C" fn has(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut room = Room::new();
        let met = this.cache().peek(this.place(&key, &mut room));
        out.set_bool(settle(this, met, |met| match met {
            Some(meta) if !value::is_lease(meta.flags) => reply::SUCCESS,
            _ => reply::NOTFOUND,
        }));
        Ok(())
    });
}

/// `getRaw(string $key, ?int $expiration = null): ?array`: bytes, flags, cas; touches if given an expiration.
pub extern "C" fn get_raw(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 2), |call, out| {
        let this = call.this()?;
        let key = call.key(0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let touch = call.arg(1).is_some_and(|expiration| !expiration.is_null());
        let mut landing = Landing::new();
        let found = if touch {
            let expiry = Expiry::from_exptime(call.long(1, 0)?);
            this.cache().gat_to(key, expiry, &mut landing)
        } else {
            this.cache().get_to(key, &mut landing)
        };
        out.set_null();
        match found {
            Ok(Some(meta)) if !value::is_lease(meta.flags) => {
                this.note(reply::SUCCESS);
                raw(landing, meta, out)
            }
            Ok(_) => {
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
        push(&mut array, value)?;
    }
    answer(out, array);
    Ok(())
}
