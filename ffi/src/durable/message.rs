//! `nearcache_messages`: what a queue hands out, and how it is read.

use std::ffi::c_char;
use std::time::Duration;

use ::nearcache_store::queue::{Lease, Message, Receipt};

use super::handle::nearcache_store;
use crate::border::{Out, cross, cross_quietly, string};
use crate::item::nearcache_bytes;
use crate::iter::lent;
use crate::status::{Failure, NEARCACHE_END, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// Room for a receipt's text and its NUL.
pub const NEARCACHE_RECEIPT_SIZE: usize = 64;
/// The most messages that one call hands out.
pub const NEARCACHE_MESSAGES_MAX: usize = 10000;

/// A message. What it points to is lent until nearcache_messages_close(); all else, the receipt too, is a copy.
#[repr(C)]
pub struct nearcache_message {
    /// The message itself.
    pub body: nearcache_bytes,
    /// The producer's id; empty: it gave none.
    pub id: nearcache_bytes,
    /// Of a dead letter, or of what has expired: the queue where it was. Else empty.
    pub origin: nearcache_bytes,
    /// Its number in the store: the messages of a queue are in this order.
    pub seq: u64,
    /// When it was put in, as a Unix time in seconds.
    pub at: i64,
    /// When it expires, as a Unix time; 0: never.
    pub expires: i64,
    /// When its lease ends, as a Unix time; 0: it has none.
    pub due: i64,
    /// The producer's flags.
    pub flags: u32,
    /// How often it was delivered, this time included; of nearcache_queue_peek(), before.
    pub deliveries: u32,
    /// What to acknowledge it by, as terminated text, which may be kept, or sent to another process; empty if it was
    /// taken for good, or only looked at.
    pub receipt: [c_char; NEARCACHE_RECEIPT_SIZE],
}

/// Messages that were handed out. Given back by nearcache_messages_close(), which changes nothing about the messages.
pub struct nearcache_messages {
    all: Vec<Message>,
    next: usize,
}

// The header promises that any thread may read them, one at a time.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<nearcache_messages>();
};

impl nearcache_messages {
    /// The status of a call that hands out messages; the handle, if there are any.
    fn hand_out(all: Vec<Message>, out: Out<'_, *mut nearcache_messages>) -> nearcache_status {
        if all.is_empty() {
            return NEARCACHE_MISS;
        }
        out.write(Box::into_raw(Box::new(nearcache_messages { all, next: 0 })));
        NEARCACHE_OK
    }
}

/// Reserves up to `max` messages, those that have waited longest, and waits up to `wait_millis` for the first. Each is
/// nobody else's until it is acknowledged (nearcache_queue_ack()) or `lease_seconds` are over; then it is handed out
/// again, to anybody: at least once, and often enough that a consumer must bear a message twice. One that was
/// delivered as often as the queue's settings say goes to the dead letters.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
/// nearcache_messages_close().
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (none came in that time, or the queue is paused, or not
/// there); NEARCACHE_INVALID (also for a `max` that is not 1 to NEARCACHE_MESSAGES_MAX, and a lease of more than
/// 604800 seconds; 0 is the queue's own), the failures of nearcache_store_set().
/// Threads: any; it waits in the calling thread, and a signal does not end the waiting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_reserve(
    store: *mut nearcache_store,
    queue: *const c_char,
    max: usize,
    lease_seconds: u32,
    wait_millis: u32,
    messages_out: *mut *mut nearcache_messages,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, messages_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                Out::required("messages_out", messages_out)?,
            )
        };
        let lease = match lease_seconds {
            0 => Lease::Default,
            seconds => Lease::Seconds(seconds),
        };
        let wait = Duration::from_millis(wait_millis.into());
        let found = store.reserve(queue, checked(max)?, lease, wait)?;
        Ok(nearcache_messages::hand_out(found, messages_out))
    })
}

/// Takes up to `max` messages for good, and waits up to `wait_millis` for the first: who dies with them has lost them.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
/// nearcache_messages_close().
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (as nearcache_queue_reserve()); NEARCACHE_INVALID (also for
/// a `max` that is not 1 to NEARCACHE_MESSAGES_MAX), the failures of nearcache_store_set().
/// Threads: any; it waits in the calling thread, and a signal does not end the waiting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_take(
    store: *mut nearcache_store,
    queue: *const c_char,
    max: usize,
    wait_millis: u32,
    messages_out: *mut *mut nearcache_messages,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, messages_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                Out::required("messages_out", messages_out)?,
            )
        };
        let wait = Duration::from_millis(wait_millis.into());
        let found = store.take(queue, checked(max)?, wait)?;
        Ok(nearcache_messages::hand_out(found, messages_out))
    })
}

/// Copies the first messages in line, up to `max`, which stay there.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
/// nearcache_messages_close().
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (there is none); NEARCACHE_NO_QUEUE, NEARCACHE_INVALID (also
/// for a `max` that is not 1 to NEARCACHE_MESSAGES_MAX), the failures of nearcache_store_get().
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_peek(
    store: *mut nearcache_store,
    queue: *const c_char,
    max: usize,
    messages_out: *mut *mut nearcache_messages,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, messages_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                Out::required("messages_out", messages_out)?,
            )
        };
        let found = store.peek(queue, checked(max)?)?;
        Ok(nearcache_messages::hand_out(found, messages_out))
    })
}

/// How many messages were handed out, those that nearcache_messages_next() has told included.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_messages_count(
    messages: *const nearcache_messages,
    count_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about outputs, and that `messages` is NULL or was not yet given back.
        let (messages, count_out) = unsafe {
            (
                messages.as_ref().ok_or(Failure::Null("messages"))?,
                Out::required("count_out", count_out)?,
            )
        };
        count_out.write(messages.all.len());
        Ok(NEARCACHE_OK)
    })
}

/// Tells the next message, in the order of the queue. After NEARCACHE_END it may be called again and says so again.
///
/// Lifetimes: what *message_out points to is valid until nearcache_messages_close(), whatever is done to the message.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_END; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: one at a time for each nearcache_messages; what was told may be read by all. Also in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_messages_next(
    messages: *mut nearcache_messages,
    message_out: *mut nearcache_message,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about outputs, and that `messages` is NULL or was not yet given back, and that
        // no other thread is stepping it.
        let (messages, message_out) = unsafe {
            (
                messages.as_mut().ok_or(Failure::Null("messages"))?,
                Out::required("message_out", message_out)?,
            )
        };
        let Some(message) = messages.all.get(messages.next) else {
            return Ok(NEARCACHE_END);
        };
        messages.next += 1;
        message_out.write(told(message)?);
        Ok(NEARCACHE_OK)
    })
}

/// Frees messages. Those that were reserved stay so until their leases end.
///
/// Lifetimes: the handle, and what was told of it, are dead afterwards.
/// NULL: `messages` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, also another than the one that reserved them. Also in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_messages_close(messages: *mut nearcache_messages) {
    cross_quietly(|| {
        if !messages.is_null() {
            // SAFETY: it came from Box::into_raw above, and the caller gives it back once.
            drop(unsafe { Box::from_raw(messages) });
        }
    });
}

fn told(message: &Message) -> Result<nearcache_message, Failure> {
    let time = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    Ok(nearcache_message {
        body: lent(&message.body),
        id: lent(&message.id),
        origin: lent(&message.origin),
        seq: message.seq,
        at: time(message.at),
        expires: message.expires.map_or(0, time),
        due: message.receipt.and_then(|receipt| receipt.due()).unwrap_or(0),
        flags: message.flags,
        deliveries: message.deliveries,
        receipt: match &message.receipt {
            Some(receipt) => receipt_text(receipt)?,
            None => [0; NEARCACHE_RECEIPT_SIZE],
        },
    })
}

/// A receipt as the text that C programs keep.
pub(super) fn receipt_text(receipt: &Receipt) -> Result<[c_char; NEARCACHE_RECEIPT_SIZE], Failure> {
    let text = receipt.to_string();
    let mut kept = [0; NEARCACHE_RECEIPT_SIZE];
    if text.len() >= kept.len() {
        return Err(Failure::Panic(format!("the receipt {text} is longer than was thought")));
    }
    for (to, from) in kept.iter_mut().zip(text.bytes()) {
        *to = from as c_char;
    }
    Ok(kept)
}

/// The receipt that a C program has kept.
///
/// # Safety
/// `text` is as for [`string`].
pub(super) unsafe fn receipt_of(
    name: &'static str,
    text: *const c_char,
) -> Result<Receipt, Failure> {
    // SAFETY: as above.
    let text = unsafe { string(name, text)? };
    if text.len() >= NEARCACHE_RECEIPT_SIZE {
        return Err(Failure::Invalid(format!(
            "`{name}` has {} characters, and no receipt has more than {}: it is the text that came with a message",
            text.len(),
            NEARCACHE_RECEIPT_SIZE - 1
        )));
    }
    Ok(String::from_utf8_lossy(text).parse::<Receipt>()?)
}

fn checked(max: usize) -> Result<usize, Failure> {
    if (1..=NEARCACHE_MESSAGES_MAX).contains(&max) {
        return Ok(max);
    }
    Err(Failure::Invalid(format!(
        "`max` is {max}: it is 1 to {NEARCACHE_MESSAGES_MAX} messages at once"
    )))
}
