//! `nearcache_batch`: changes to items and to queues that happen together or not at all.

use std::ffi::{c_char, c_void};

use ::nearcache_store::wire::Change;
use ::nearcache_store::{Durable, Error, storing};
use nearcache::{Expiry, KEY_MAX, Verb};

use super::handle::nearcache_store;
use super::message::receipt_of;
use super::queue::nearcache_push;
use crate::border::{Out, bytes, cross, cross_quietly, string};
use crate::status::{Failure, NEARCACHE_OK, nearcache_status};

/// Changes that are to be made together. Made by nearcache_batch_begin(), given back by nearcache_batch_discard().
pub struct nearcache_batch {
    store: Durable,
    changes: Vec<Change>,
}

// The header promises that any thread may fill a batch, one at a time.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<nearcache_batch>();
};

/// Adds a change that is made of what the caller lends.
///
/// # Safety
/// `batch` is NULL, or was given by nearcache_batch_begin() and not yet given back, and no other thread is using it; the
/// caller of the C function guarantees it.
unsafe fn add(
    batch: *mut nearcache_batch,
    change: impl FnOnce() -> Result<Change, Failure>,
) -> nearcache_status {
    cross(|| {
        // SAFETY: as above.
        let batch = unsafe { batch.as_mut().ok_or(Failure::Null("batch"))? };
        batch.changes.push(change()?);
        Ok(NEARCACHE_OK)
    })
}

/// # Safety
/// The pointers are as the header demands of the caller of the C function.
unsafe fn key_of<'a>(key: *const c_void, key_len: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: as above.
    match unsafe { bytes("key", key, key_len)? } {
        [] => Err(Error::KeyEmpty.into()),
        key if key.len() > KEY_MAX => Err(Error::KeyTooLong { len: key.len() }.into()),
        key => Ok(key),
    }
}

/// What all storing verbs take.
struct Item {
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
}

impl Item {
    /// # Safety
    /// The pointers, `batch` too, are as the header demands of the caller of the C function.
    unsafe fn add(self, batch: *mut nearcache_batch, verb: Verb) -> nearcache_status {
        // SAFETY: the caller's promises about handles and bytes in.
        unsafe {
            add(batch, || {
                let key = key_of(self.key, self.key_len)?;
                let value = bytes("value", self.value, self.value_len)?;
                let expiry = Expiry::from_exptime(self.exptime);
                Ok(Change::Set(storing(verb, key, value, self.flags, expiry)))
            })
        }
    }
}

/// Begins a batch: changes to a store's items and queues that nearcache_batch_commit() makes in one atomic step, or not
/// at all. Each change has a number in its answer, which is said beside it.
///
/// Lifetimes: the batch is the caller's, until nearcache_batch_discard(); it may outlive nearcache_store_close(), and
/// keeps the store open.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_begin(
    store: *mut nearcache_store,
    batch_out: *mut *mut nearcache_batch,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (store, batch_out) =
            unsafe { (nearcache_store::borrow(store)?, Out::required("batch_out", batch_out)?) };
        let batch = nearcache_batch { store: store.clone(), changes: Vec::new() };
        batch_out.write(Box::into_raw(Box::new(batch)));
        Ok(NEARCACHE_OK)
    })
}

/// Adds: store, whatever is there. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_set(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags, exptime };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Set) }
}

/// Adds: store; a key that is present refuses the batch. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_add(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags, exptime };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Add) }
}

/// Adds: store; a missing key refuses the batch. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_replace(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags, exptime };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Replace) }
}

/// Adds: bytes behind the value; a missing key refuses the batch. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_append(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags: 0, exptime: 0 };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Append) }
}

/// Adds: bytes before the value; a missing key refuses the batch. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_prepend(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags: 0, exptime: 0 };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Prepend) }
}

/// Adds: store; an item whose unique is not `unique` refuses the batch. Its number is the new unique.
///
/// Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
/// NULL: `value` may be NULL if `value_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_cas(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    unique: u64,
) -> nearcache_status {
    let item = Item { key, key_len, value, value_len, flags, exptime };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.add(batch, Verb::Cas(unique)) }
}

/// Adds: remove an item. Its number is 1, or 0 if there was none.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_delete(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
) -> nearcache_status {
    // SAFETY: the caller's promises about handles and bytes in.
    unsafe {
        add(batch, || {
            let key = key_of(key, key_len)?.to_vec().into();
            Ok(Change::Delete { key })
        })
    }
}

/// Adds: add to a decimal number, wrapping at 2^64; a missing key refuses the batch. Its number is the new one.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_incr(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    delta: u64,
) -> nearcache_status {
    // SAFETY: the caller's promises about handles and bytes in.
    unsafe {
        add(batch, || {
            let key = key_of(key, key_len)?.to_vec().into();
            Ok(Change::Count { key, delta, down: false })
        })
    }
}

/// Adds: subtract from a decimal number, stopping at 0; a missing key refuses the batch. Its number is the new one.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_decr(
    batch: *mut nearcache_batch,
    key: *const c_void,
    key_len: usize,
    delta: u64,
) -> nearcache_status {
    // SAFETY: the caller's promises about handles and bytes in.
    unsafe {
        add(batch, || {
            let key = key_of(key, key_len)?.to_vec().into();
            Ok(Change::Count { key, delta, down: true })
        })
    }
}

/// Adds: put a message into a queue, as nearcache_queue_push(). Its number is the message's.
///
/// Lifetimes: `queue`, a terminated string, `body`, `how` and what it points to are borrowed for the call.
/// NULL: `body` may be NULL if `body_len` is 0; `how` may be NULL, for the defaults.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_push(
    batch: *mut nearcache_batch,
    queue: *const c_char,
    body: *const c_void,
    body_len: usize,
    how: *const nearcache_push,
) -> nearcache_status {
    // SAFETY: the caller's promises about handles, strings, bytes in and the struct.
    unsafe {
        add(batch, || {
            Ok(Change::Push {
                queue: string("queue", queue)?.to_vec().into(),
                body: bytes("body", body, body_len)?.to_vec().into(),
                push: nearcache_push::read(how)?,
            })
        })
    }
}

/// Adds: acknowledge a message. Its number is 1; a message that is not this receipt's any more refuses the batch: so what
/// is done because of a message is done once, however often it is delivered.
///
/// Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_ack(
    batch: *mut nearcache_batch,
    queue: *const c_char,
    receipt: *const c_char,
) -> nearcache_status {
    // SAFETY: the caller's promises about handles and strings.
    unsafe {
        add(batch, || {
            Ok(Change::Ack {
                queue: string("queue", queue)?.to_vec().into(),
                receipt: receipt_of("receipt", receipt)?,
            })
        })
    }
}

/// How many changes a batch has.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: one at a time for each batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_count(
    batch: *const nearcache_batch,
    count_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (batch, count_out) = unsafe {
            (batch.as_ref().ok_or(Failure::Null("batch"))?, Out::required("count_out", count_out)?)
        };
        count_out.write(batch.changes.len());
        Ok(NEARCACHE_OK)
    })
}

/// Makes all changes of a batch, in their order, in one atomic step, or none; copies their numbers, one for each, into
/// the caller's array. Afterwards the batch is empty, whatever the answer, and may be filled again; but for
/// NEARCACHE_INVALID of an argument of this call, which leaves it as it was.
///
/// Lifetimes: `numbers` is borrowed for the call.
/// NULL: `numbers` may be NULL if `capacity` is 0: then they are not told. `refused_out` may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_REFUSED (the only failure that writes the output: which change, from 0),
/// NEARCACHE_INVALID (also if `capacity` is neither 0 nor enough for all), NEARCACHE_NOT_NUMERIC, NEARCACHE_QUEUE_FULL,
/// the failures of nearcache_store_set().
/// Threads: one at a time for each batch; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_commit(
    batch: *mut nearcache_batch,
    numbers: *mut u64,
    capacity: usize,
    refused_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (batch, refused_out) =
            unsafe { (batch.as_mut().ok_or(Failure::Null("batch"))?, Out::nullable(refused_out)) };
        if numbers.is_null() && capacity != 0 {
            return Err(Failure::Null("numbers"));
        }
        let count = batch.changes.len();
        if capacity != 0 && capacity < count {
            return Err(Failure::Invalid(format!(
                "`capacity` is {capacity} and the batch has {count} changes: give room for the number of each, or 0 \
                 and NULL"
            )));
        }
        let answers = match batch.store.commit(std::mem::take(&mut batch.changes)) {
            Ok(answers) => answers,
            Err(error) => {
                if let (Error::Refused { step, .. }, Some(refused_out)) = (&error, refused_out) {
                    refused_out.write(*step);
                }
                return Err(error.into());
            }
        };
        // A daemon's answer is not trusted to be as long as it should.
        for (at, &number) in answers.iter().take(capacity).enumerate() {
            // SAFETY: the caller gives `capacity` writable places, and `at` is less.
            unsafe { numbers.add(at).write(number) };
        }
        Ok(NEARCACHE_OK)
    })
}

/// Gives a batch back; changes that were not committed are not made.
///
/// Lifetimes: the batch is dead afterwards.
/// NULL: `batch` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, when no other call on this batch is running or follows. In a forked child, too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_batch_discard(batch: *mut nearcache_batch) {
    cross_quietly(|| {
        if !batch.is_null() {
            // SAFETY: it came from Box::into_raw in nearcache_batch_begin(), and the caller gives it back once.
            drop(unsafe { Box::from_raw(batch) });
        }
    });
}
