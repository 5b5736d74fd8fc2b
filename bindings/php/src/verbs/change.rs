//! The verbs that change or remove what is there: touch, delete, deleteMulti, flush.

use super::{counts, key_at, settle};
use crate::handle::Handle;
use crate::prefix::Room;
use crate::reply;
use crate::zend::array::{answer, key_in, put};
use crate::zend::call::{Call, Thrown, bad_argument, run};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ExecuteData;

/// `touch(string $key, int $expiration = 0): bool`
pub extern "C" fn touch<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 2), |call, out| {
        let this = call.this()?;
        let key = key_at::<AT>(call, 0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let expiry = this.expiry(call.long(1 + AT, 0)?);
        let touched = this.cache().touch(key, expiry);
        out.set_bool(settle(this, touched, reply::touched));
        Ok(())
    });
}

/// `delete(string $key, int $time = 0): bool`
pub extern "C" fn delete<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 2), |call, out| {
        let this = call.this()?;
        let key = key_at::<AT>(call, 0)?;
        let mut room = Room::new();
        let key = this.place(&key, &mut room);
        let gone = !is_delayed::<AT>(call, this)? && remove(this, key);
        out.set_bool(gone);
        Ok(())
    });
}

/// Is a delayed delete asked for? memcached has had none since 1.4.
fn is_delayed<const AT: usize>(call: &Call<'_>, this: &Handle) -> Result<bool, Thrown> {
    let delayed = call.long(1 + AT, 0)? != 0;
    if delayed {
        this.note(reply::INVALID_ARGUMENTS);
    }
    Ok(delayed)
}

fn remove(this: &Handle, key: &[u8]) -> bool {
    settle(this, this.cache().delete(key), reply::deleted)
}

/// `deleteMulti(array $keys, int $time = 0): array`: of each key true, or the result code that says why not.
pub extern "C" fn delete_multi<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 2), |call, out| {
        let this = call.this()?;
        if AT == 1 {
            call.string(0)?;
        }
        let keys = call.array(AT)?;
        let delayed = is_delayed::<AT>(call, this)?;
        let mut array = ZendHashTable::new();
        let mut failed = None;
        for element in keys.values() {
            let (key, element) = key_in(AT, element)?;
            let mut room = Room::new();
            let gone = !delayed && remove(this, this.place(&key, &mut room));
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
            .map_err(|_| bad_argument(0, "must be at most 4294967295 seconds"))?;
        out.set_bool(settle(this, this.cache().flush_all(delay), |()| reply::SUCCESS));
        Ok(())
    });
}
