//! What is done with a message: put in, acknowledged, refused, kept for longer.

use std::ffi::{c_char, c_void};

use ::nearcache_store::queue::{Fate, Push, Receipt};

use super::handle::nearcache_store;
use super::message::{NEARCACHE_RECEIPT_SIZE, receipt_of, receipt_text};
use crate::border::{Out, bytes, cross, string};
use crate::status::{
    Failure, NEARCACHE_DUPLICATE, NEARCACHE_MISS, NEARCACHE_OK, NEARCACHE_OVER, nearcache_status,
};

/// nearcache_push.expire of a message that never expires, whatever its queue's settings say.
pub const NEARCACHE_EXPIRE_NEVER: i64 = -1;
/// The delay of nearcache_queue_nak() that the queue's settings give.
pub const NEARCACHE_RETRY_DELAY: i64 = -1;

/// How a message is put in. Zeros are the defaults. It never changes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_push {
    /// Seconds after which the message has expired, up to 31536000; 0: as the queue's settings say;
    /// NEARCACHE_EXPIRE_NEVER.
    pub expire: i64,
    /// An id of up to 250 bytes: a second message with it, within the queue's dedup_window, is not put in. NULL: none.
    pub id: *const c_void,
    /// The id's length.
    pub id_len: usize,
    /// The producer's flags, which come with the message.
    pub flags: u32,
    /// Seconds before it is handed out, up to 31536000.
    pub delay: u32,
}

impl nearcache_push {
    /// # Safety
    /// `how` is NULL or as the header demands of the caller of the C function, and so is the id in it.
    pub(super) unsafe fn read(how: *const nearcache_push) -> Result<Push, Failure> {
        // SAFETY: the caller's promise.
        let Some(how) = (unsafe { how.as_ref() }) else {
            return Ok(Push::default());
        };
        let expire = match how.expire {
            0 => None,
            NEARCACHE_EXPIRE_NEVER => Some(0),
            seconds => Some(seconds_of("how.expire", seconds)?),
        };
        // SAFETY: the caller's promise about the id.
        let id = unsafe { bytes("how.id", how.id, how.id_len)? }.to_vec();
        Ok(Push { flags: how.flags, delay: how.delay, expire, id })
    }
}

/// Puts a message into a queue, at the end; the queue is made if there is none. A queue's name is a terminated string
/// of 1 to NEARCACHE_QUEUE_NAME_MAX bytes without spaces, control characters and '/'; "queue+reader" is a reader's copy
/// of a queue: made when it is first asked for, it gets what the queue gets from then on.
///
/// Lifetimes: `queue`, `body`, `how` and what it points to are borrowed for the call.
/// NULL: `body` may be NULL if `body_len` is 0; `how` may be NULL, for the defaults; `seq_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the message's number), NEARCACHE_DUPLICATE (writes that of the first one with this
/// id); NEARCACHE_QUEUE_FULL, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_push(
    store: *mut nearcache_store,
    queue: *const c_char,
    body: *const c_void,
    body_len: usize,
    how: *const nearcache_push,
    seq_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings, bytes in, the struct and outputs.
        let (store, queue, body, how, seq_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                bytes("body", body, body_len)?,
                nearcache_push::read(how)?,
                Out::nullable(seq_out),
            )
        };
        let pushed = store.push(queue, body, &how)?;
        if let Some(seq_out) = seq_out {
            seq_out.write(pushed.seq);
        }
        Ok(if pushed.is_duplicate { NEARCACHE_DUPLICATE } else { NEARCACHE_OK })
    })
}

/// A message is done with: it is removed.
///
/// Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (it was acknowledged or refused before, or its lease has ended);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_ack(
    store: *mut nearcache_store,
    queue: *const c_char,
    receipt: *const c_char,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, queue, receipt) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                receipt_of("receipt", receipt)?,
            )
        };
        let acked = store.ack(queue, &[receipt])?;
        Ok(if acked == [true] { NEARCACHE_OK } else { NEARCACHE_MISS })
    })
}

/// Many messages are done with, in one step. A bad receipt fails the call before anything is done.
///
/// Lifetimes: `queue`, and the `count` terminated strings of `receipts`, are borrowed for the call.
/// NULL: `receipts` may be NULL if `count` is 0; `each_out` and `acked_out` may be NULL.
/// Returns: NEARCACHE_OK (writes to the `count` places of `each_out` 1, or 0 for what nearcache_queue_ack() answers
/// with NEARCACHE_MISS; and how many were acknowledged); the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_ack_many(
    store: *mut nearcache_store,
    queue: *const c_char,
    receipts: *const *const c_char,
    count: usize,
    each_out: *mut u8,
    acked_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs, here arrays of `count`.
        let (store, queue, receipts, acked_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                receipt_array(receipts, count)?,
                Out::nullable(acked_out),
            )
        };
        let acked = store.ack(queue, &receipts)?;
        if acked.len() != count {
            return Err(Failure::Panic(format!("{} answers for {count} receipts", acked.len())));
        }
        if !each_out.is_null() {
            for (at, &acked) in acked.iter().enumerate() {
                // SAFETY: the caller gives `count` places, which is how many answers there are.
                unsafe { each_out.add(at).write(acked.into()) };
            }
        }
        if let Some(acked_out) = acked_out {
            acked_out.write(acked.iter().filter(|&&acked| acked).count());
        }
        Ok(NEARCACHE_OK)
    })
}

/// The consumer will not have a message: it is delivered again after `delay` seconds, up to 31536000, or as the
/// queue's settings say (NEARCACHE_RETRY_DELAY).
///
/// Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_OVER (it was delivered too often, or has expired: it is where such messages go),
/// NEARCACHE_MISS (as nearcache_queue_ack()); the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_nak(
    store: *mut nearcache_store,
    queue: *const c_char,
    receipt: *const c_char,
    delay: i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, queue, receipt) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                receipt_of("receipt", receipt)?,
            )
        };
        let delay = match delay {
            NEARCACHE_RETRY_DELAY => None,
            seconds => Some(seconds_of("delay", seconds)?),
        };
        Ok(match store.nak(queue, &receipt, delay)? {
            Fate::Again => NEARCACHE_OK,
            Fate::Over => NEARCACHE_OVER,
            Fate::Unknown => NEARCACHE_MISS,
        })
    })
}

/// The consumer needs a message for `seconds` more, 1 to 604800, from now on. The new receipt takes the old one's place.
///
/// Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK (writes the new receipt, NEARCACHE_RECEIPT_SIZE bytes with its NUL), NEARCACHE_MISS (as
/// nearcache_queue_ack()); the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_extend(
    store: *mut nearcache_store,
    queue: *const c_char,
    receipt: *const c_char,
    seconds: u32,
    receipt_out: *mut c_char,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs, here one of NEARCACHE_RECEIPT_SIZE bytes.
        let (store, queue, receipt, receipt_out) = unsafe {
            let place = receipt_out.cast::<[c_char; NEARCACHE_RECEIPT_SIZE]>();
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                receipt_of("receipt", receipt)?,
                Out::required("receipt_out", place)?,
            )
        };
        let Some(renewed) = store.extend(queue, &receipt, seconds)? else {
            return Ok(NEARCACHE_MISS);
        };
        receipt_out.write(receipt_text(&renewed)?);
        Ok(NEARCACHE_OK)
    })
}

/// # Safety
/// `receipts` is NULL or holds `count` terminated strings; the caller of the C function guarantees it.
unsafe fn receipt_array(
    receipts: *const *const c_char,
    count: usize,
) -> Result<Vec<Receipt>, Failure> {
    if receipts.is_null() && count != 0 {
        return Err(Failure::Null("receipts"));
    }
    // Grown as it is read: what a wrong count says takes no memory.
    let mut read = Vec::new();
    for at in 0..count {
        // SAFETY: the caller's promise about the array and the strings in it.
        read.push(unsafe { receipt_of("receipts[]", receipts.add(at).read())? });
    }
    Ok(read)
}

fn seconds_of(name: &str, seconds: i64) -> Result<u32, Failure> {
    u32::try_from(seconds).map_err(|_| {
        Failure::Invalid(format!("`{name}` is {seconds} seconds: it is 0 to 31536000, or -1"))
    })
}
