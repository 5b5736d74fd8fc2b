//! The storing verbs: set, setMulti, add, replace, append, prepend, cas, storeRaw.

use super::{counts, key_at, refused, settle};
use crate::handle::Handle;
use crate::number;
use crate::prefix::Room;
use crate::reply::{self, Code};
use crate::value;
use crate::zend::call::{Answer, Call, Key, Thrown, bad_argument, run};
use crate::zend::say;
use ext_php_rs::types::Zval;
use ext_php_rs::types::array::Iter;
use ext_php_rs::zend::ExecuteData;
use nearcache::{Cache, Error, Expiry, MetaMode, MetaSet, Outcome, Verb};

/// `set(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn set<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    plain::<AT>(frame, out, Verb::Set);
}

/// `add(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn add<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    plain::<AT>(frame, out, Verb::Add);
}

/// `replace(string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn replace<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    plain::<AT>(frame, out, Verb::Replace);
}

#[inline]
fn plain<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval, verb: Verb) {
    run(frame, out, counts::<AT>(2, 3), |call, out| {
        let this = call.this()?;
        let key = key_at::<AT>(call, 0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let expiry = this.expiry(call.long(2 + AT, 0)?);
        say(out, put(this, verb, key, call.arg(1 + AT), expiry)?);
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
    if let Some(bytes) = value::plain(value, this.settings().writing.get())
        && bytes.len() <= this.item_size_limit()
    {
        let stored = this.cache().store(verb, key, bytes, 0, expiry);
        return Ok(settle(this, stored, reply::stored));
    }
    if let Some((long, flags)) = value::plain_long(value, this.settings().writing.get())
        && number::LONG_MAX <= this.item_size_limit()
    {
        let stored = this.cache().store(verb, key, number::long(long).bytes(), flags, expiry);
        return Ok(settle(this, stored, reply::stored));
    }
    let (payload, flags) =
        value::encode(value, this.settings().writing.get()).inspect_err(|_| {
            this.note(reply::PAYLOAD_FAILURE);
        })?;
    let bytes = payload.bytes();
    if !is_within_limit(this, bytes.len()) {
        return Ok(false);
    }
    let stored = this.cache().store(verb, key, bytes, flags, expiry);
    Ok(settle(this, stored, reply::stored))
}

/// Does `OPT_ITEM_SIZE_LIMIT` allow a value of so many bytes? If not, that is noted.
#[inline]
pub(super) fn is_within_limit(this: &Handle, len: usize) -> bool {
    if len > this.item_size_limit() {
        too_large(this, len);
        return false;
    }
    true
}

#[cold]
fn too_large(this: &Handle, len: usize) {
    this.refuse(
        reply::E2BIG,
        &format!(
            "the value takes {len} bytes: OPT_ITEM_SIZE_LIMIT is {}; raise it, or set it to 0 for none",
            this.item_size_limit()
        ),
    );
}

/// `append(string $key, string $value): ?bool`
pub extern "C" fn append<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    extend::<AT>(frame, out, MetaMode::Append);
}

/// `prepend(string $key, string $value): ?bool`
pub extern "C" fn prepend<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    extend::<AT>(frame, out, MetaMode::Prepend);
}

fn extend<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval, mode: MetaMode) {
    run(frame, out, counts::<AT>(2, 2), |call, out| {
        let this = call.this()?;
        let key = key_at::<AT>(call, 0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let more = call.string(1 + AT)?;
        match grow(this.cache(), key, more, mode, value::is_open) {
            Ok(None) => refused(this, reply::NOTSTORED, out, WHOLE),
            grown => {
                out.set_bool(settle(this, grown, |code| code.unwrap_or(reply::NOTSTORED)));
                Ok(())
            }
        }
    });
}

const WHOLE: &str = "nothing can be put before or behind a value that is serialized, compressed or portable: get it and \
                     store another";

/// Adds to the bytes of an item that is a value; its flags and its expiry stay. `None` if they say that it
/// may not grow. The comparison sees to it that the item that grows is the one that was looked at.
fn grow(
    cache: &Cache,
    key: &[u8],
    more: &[u8],
    mode: MetaMode,
    may_grow: fn(u32) -> bool,
) -> Result<Option<Code>, Error> {
    loop {
        let Some(meta) = cache.peek(key)?.filter(|meta| !value::is_lease(meta.flags)) else {
            return Ok(Some(reply::NOTSTORED));
        };
        if !may_grow(meta.flags) {
            return Ok(None);
        }
        if key.len() + meta.len + more.len() > cache.item_size_max() / 2 {
            // What does not fit leaves the item as it is; the meta command would remove it.
            let verb = if mode == MetaMode::Append { Verb::Append } else { Verb::Prepend };
            let stored = cache.store(verb, key, more, 0, Expiry::Never)?;
            return Ok(Some(reply::stored(stored)));
        }
        let ask = MetaSet { mode, compare: Some(meta.cas), ..MetaSet::default() };
        match cache.meta_set(key, more, ask)?.outcome {
            // Somebody was faster.
            Outcome::Exists | Outcome::Missing => {}
            outcome => return Ok(Some(reply::stored(outcome))),
        }
    }
}

/// `cas(string $cas_token, string $key, mixed $value, int $expiration = 0): bool`
pub extern "C" fn cas<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(3, 4), |call, out| {
        let this = call.this()?;
        let token = token(call)?;
        let key = key_at::<AT>(call, 1)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let expiry = this.expiry(call.long(3 + AT, 0)?);
        out.set_bool(put(this, Verb::Cas(token), key, call.arg(2 + AT), expiry)?);
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
        bad_argument(0, "must be the \"cas\" of a get() with GET_EXTENDED: an int, or its digits")
    })
}

/// `setMulti(array $items, int $expiration = 0): bool`: stores what it can; false, with the code of the last
/// failure, if it could not store all.
pub extern "C" fn set_multi<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 2), |call, out| {
        let this = call.this()?;
        if AT == 1 {
            call.string(0)?;
        }
        let items = call.array(AT)?;
        let expiry = this.expiry(call.long(1 + AT, 0)?);
        let mut failed = None;
        let mut entries = Iter::new(items);
        while let Some((key, value)) = entries.next_zval() {
            let Some(key) = Key::of(&key) else {
                continue;
            };
            let mut room = Room::new();
            let key = this.place(&key, &mut room);
            if !put(this, Verb::Set, key, Some(value.dereference()), expiry)? {
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
    let how = match call.string(0)? {
        b"set" => Ok(Verb::Set),
        b"add" => Ok(Verb::Add),
        b"replace" => Ok(Verb::Replace),
        b"append" => Err(MetaMode::Append),
        b"prepend" => Err(MetaMode::Prepend),
        b"cas" => Ok(Verb::Cas(unique)),
        _ => {
            return Err(bad_argument(0, "must be one of set, add, replace, append, prepend, cas"));
        }
    };
    let key = call.key(1)?;
    let mut room = Room::new();
    let key = this.place(&key, &mut room);
    let bytes = call.string(2)?;
    let flags = u32::try_from(call.long(3, 0)?)
        .map_err(|_| bad_argument(3, "must be between 0 and 4294967295"))?;
    let expiry = Expiry::from_exptime(call.long(4, 0)?);
    let code = match how {
        Ok(verb) => this.cache().store(verb, key, bytes, flags, expiry).map(reply::stored),
        Err(mode) => grow(this.cache(), key, bytes, mode, |_| true)
            .map(|code| code.unwrap_or(reply::NOTSTORED)),
    };
    out.set_bool(settle(this, code, |code| code));
    Ok(())
}
