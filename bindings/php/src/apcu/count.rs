//! Ints that are changed in place: apcu_inc, apcu_dec, apcu_cas. APCu's are signed and wrap around; memcached's counters are
//! not and do not: so the core counts where both agree, and elsewhere a compare-and-swap of the item does.

use super::item::{complain, expiry, refuse};
use super::with;
use crate::handle::Handle;
use crate::number;
use crate::value;
use crate::zend::call::{Answer, Call};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ExecuteData;
use nearcache::{Error, Expiry, Meta, MetaArith, MetaSum, Outcome, Sink, Verb};
use std::mem::MaybeUninit;

/// An int as php-memcached writes it.
const LONG: u32 = 1;
/// An int as every language reads it (`core/src/docs/values.md`).
const PORTABLE: u32 = 0x4E43_0001;

/// `apcu_inc(string $key, int $step = 1, &$success = null, int $ttl = 0): int|false`
pub extern "C" fn inc(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 4), Some(2), |call, face, out| count(call, face, i64::wrapping_add, out));
}

/// `apcu_dec(string $key, int $step = 1, &$success = null, int $ttl = 0): int|false`
pub extern "C" fn dec(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 4), Some(2), |call, face, out| count(call, face, i64::wrapping_sub, out));
}

fn count(call: &Call<'_>, face: &Handle, sum: fn(i64, i64) -> i64, out: &mut Zval) -> Answer {
    let key = call.string(0)?;
    let step = call.long(1, 1)?;
    let expiry = expiry(face, call.long(3, 0)?);
    let counted = change(
        face,
        key,
        |old| match old {
            Some(old) => Some(sum(old, step)),
            None => Some(sum(0, step)),
        },
        Some(expiry),
    );
    let number = match counted {
        Ok(number) => number,
        Err(error) => {
            refuse(&error)?;
            None
        }
    };
    match number {
        Some(number) => out.set_long(number),
        None => out.set_bool(false),
    }
    call.assign_bool(2, number.is_some())
}

/// `apcu_cas(string $key, int $old, int $new): bool`
pub extern "C" fn cas(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (3, 3), None, |call, face, out| {
        let key = call.string(0)?;
        let (old, new) = (call.long(1, 0)?, call.long(2, 0)?);
        let swapped = change(face, key, |there| (there == Some(old)).then_some(new), None);
        out.set_bool(matches!(swapped, Ok(Some(_))));
        match swapped {
            Err(error) => complain(&error.to_string()),
            Ok(_) => Ok(()),
        }
    });
}

/// Makes the int under `key` what `make` says, and gives it. `Ok(None)`: `make` gave none, or what is there is no int. A
/// missing one is made with this expiry, if there is one.
fn change(
    face: &Handle,
    key: &[u8],
    make: impl Fn(Option<i64>) -> Option<i64>,
    missing: Option<Expiry>,
) -> Result<Option<i64>, Error> {
    let cache = face.cache();
    // Each round that does not end means that somebody else has changed the item in between.
    loop {
        let mut digits = Digits { bytes: [MaybeUninit::uninit(); ROOM], len: 0 };
        let met = match cache.get_to(key, &mut digits) {
            // As a miss: no item has such a key.
            Err(Error::KeyEmpty | Error::KeyTooLong { .. }) if missing.is_none() => {
                return Ok(None);
            }
            met => met?,
        };
        let (verb, flags, expiry, old) = match met {
            Some(meta) if value::is_lease(meta.flags) => (Verb::Cas(meta.cas), LONG, missing, None),
            None => (Verb::Add, LONG, missing, None),
            Some(meta) if is_int(meta) => {
                // SAFETY: a hit that is no longer than the room.
                let old = number::parse_long(unsafe { digits.bytes(meta.len) });
                let expiry = meta.ttl.map_or(Expiry::Never, Expiry::After);
                (Verb::Cas(meta.cas), meta.flags, Some(expiry), Some(old))
            }
            Some(_) => return Ok(None),
        };
        let (Some(new), Some(expiry)) = (make(old), expiry) else {
            return Ok(None);
        };
        let is_done = match (old, verb) {
            // The core counts in place, and leaves the expiry alone to the second.
            (Some(old), Verb::Cas(unique)) if old >= 0 && new >= 0 => {
                let ask = MetaArith {
                    down: new < old,
                    delta: new.abs_diff(old),
                    compare: Some(unique),
                    ..MetaArith::default()
                };
                matches!(cache.meta_arith(key, ask)?, MetaSum::Number { .. })
            }
            _ => {
                let text = number::long(new);
                matches!(cache.store(verb, key, text.bytes(), flags, expiry)?, Outcome::Stored(_))
            }
        };
        if is_done {
            return Ok(Some(new));
        }
    }
}

fn is_int(meta: Meta) -> bool {
    meta.len <= ROOM
        && (meta.flags & 0xffff == LONG && meta.flags >> 16 != PORTABLE >> 16
            || meta.flags == PORTABLE)
}

/// An int has at most 20 digits and a sign, and may have blanks behind them.
const ROOM: usize = 32;

/// Where an int lands; longer values are not wanted.
struct Digits {
    bytes: [MaybeUninit<u8>; ROOM],
    len: usize,
}

impl Digits {
    /// # Safety
    ///
    /// The get that landed here must have returned a hit of `len` bytes, which is no more than the room.
    unsafe fn bytes(&self, len: usize) -> &[u8] {
        // SAFETY: the caller's; `len` of the last `room`.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), len.min(self.len)) }
    }
}

impl Sink for Digits {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.len = len;
        self.bytes.get_mut(..len)
    }
}
