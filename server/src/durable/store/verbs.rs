//! The classic verbs that change something: one submission to the committer each, and the words of its answer.

use super::super::{Replies, Ticket};
use crate::protocol::ascii::{Command, Store as Storing};
use crate::protocol::reply;
use nearcache::{Deletion, Expiry, MetaArith, MetaDelete, MetaSum, Outcome};
use nearcache_store::{Error, Store, Value};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An answer's bytes.
pub type Words = Cow<'static, [u8]>;

/// What is held for a request besides its key and value.
const WEIGHT: usize = 128;

/// How long the answer of a get that touches may be taken to be: so many of them are under way at a time that they
/// share commits, and so few that their values do not fill the memory.
const WEIGHT_OF_VALUE: usize = 16 << 10;

/// The words for a failure: memcached's, where it has any.
pub fn failed(error: &Error) -> Words {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => reply::BAD_FORMAT.into(),
        Error::ValueTooLarge { .. } => reply::TOO_LARGE.into(),
        Error::NotNumeric => reply::NON_NUMERIC.into(),
        error => format!("SERVER_ERROR {}\r\n", one_line(error)).into_bytes().into(),
    }
}

/// A failure's sentence as it can stand in a line: a path in it may have any bytes.
pub fn one_line(error: &Error) -> String {
    error.to_string().replace(['\r', '\n'], " ")
}

/// A ticket for a write of so many bytes.
pub fn ticket(replies: &mut Replies, bytes: usize) -> Ticket {
    replies.later(WEIGHT + bytes)
}

/// A ticket for an answer with a value in it.
pub fn ticket_of_value(replies: &mut Replies) -> Ticket {
    replies.later(WEIGHT_OF_VALUE)
}

/// Any storing verb.
pub fn store(store: &Store, replies: &mut Replies, storing: &Storing<'_>, value: &[u8]) {
    let &Storing { verb, key, flags, expiry, noreply, .. } = storing;
    let ticket = ticket(replies, key.len() + value.len());
    store.store_with(verb, key, value, (flags, expiry), move |outcome| {
        let words = match outcome {
            Ok(Outcome::Stored(_)) => reply::STORED.into(),
            Ok(Outcome::NotStored) => reply::NOT_STORED.into(),
            Ok(Outcome::Exists) => reply::EXISTS.into(),
            Ok(Outcome::Missing) => reply::NOT_FOUND.into(),
            Err(error) => failed(&error),
        };
        ticket.answer(unless(noreply, words));
    });
}

/// A command of one line that changes something; `false`: it is none.
pub fn change(store: &Store, replies: &mut Replies, command: Command<'_>, noreply: bool) -> bool {
    match command {
        Command::Incr(key, delta) => count(store, replies, key, delta, false, noreply),
        Command::Decr(key, delta) => count(store, replies, key, delta, true, noreply),
        Command::Touch(key, expiry) => {
            let ticket = ticket(replies, key.len());
            store.gat_with(key, expiry, move |found| {
                ticket.answer(unless(
                    noreply,
                    match found {
                        Ok(Some(_)) => reply::TOUCHED.into(),
                        Ok(None) => reply::NOT_FOUND.into(),
                        Err(error) => failed(&error),
                    },
                ));
            });
        }
        Command::Delete(key) => {
            let ticket = ticket(replies, key.len());
            store.meta_delete_with(key, MetaDelete::default(), move |deleted| {
                ticket.answer(unless(
                    noreply,
                    match deleted {
                        Ok((Deletion::Deleted, _)) => reply::DELETED.into(),
                        Ok(_) => reply::NOT_FOUND.into(),
                        Err(error) => failed(&error),
                    },
                ));
            });
        }
        Command::FlushAll(exptime) => {
            let ticket = ticket(replies, 0);
            store.flush_all_with(delay(store, i64::from(exptime)), move |flushed| {
                ticket.answer(unless(
                    noreply,
                    match flushed {
                        Ok(()) => reply::OK.into(),
                        Err(error) => failed(&error),
                    },
                ));
            });
        }
        _ => return false,
    }
    true
}

fn count(store: &Store, replies: &mut Replies, key: &[u8], delta: u64, down: bool, noreply: bool) {
    let ticket = ticket(replies, key.len());
    let ask = MetaArith { delta, down, ..MetaArith::default() };
    store.meta_arith_with(key, ask, move |sum| {
        ticket.answer(unless(
            noreply,
            match sum {
                Ok(MetaSum::Number { number, .. }) => format!("{number}\r\n").into_bytes().into(),
                Ok(MetaSum::Missing | MetaSum::Exists) => reply::NOT_FOUND.into(),
                Err(error) => failed(&error),
            },
        ));
    });
}

/// The words, unless nobody wants any.
fn unless(noreply: bool, words: Words) -> Words {
    if noreply { Cow::Borrowed(b"") } else { words }
}

/// Seconds until a flush, from an exptime as clients send it.
pub fn delay(store: &Store, exptime: i64) -> u32 {
    match Expiry::from_exptime(exptime) {
        Expiry::Never | Expiry::Past => 0,
        Expiry::After(seconds) => seconds,
        Expiry::At(time) => {
            let left = time.saturating_sub(store.unix_time()).max(0);
            u32::try_from(left).unwrap_or(u32::MAX)
        }
    }
}

/// One key of a `gat`. The last one answers the end, unless one has failed, whose words are then the last.
pub fn touch_and_get(
    store: &Store,
    replies: &mut Replies,
    key: &[u8],
    (expiry, with_cas): (Expiry, bool),
    has_failed: &Arc<AtomicBool>,
    is_last: bool,
) {
    let ticket = ticket_of_value(replies);
    let (shown, has_failed) = (key.to_vec(), Arc::clone(has_failed));
    store.gat_with(key, expiry, move |found| {
        let mut answer = Vec::new();
        // Relaxed: they are answered one after another by one thread.
        if !has_failed.load(Ordering::Relaxed) {
            match &found {
                Ok(Some(found)) => value(&mut answer, &shown, with_cas, found),
                Ok(None) => {}
                Err(error) => {
                    has_failed.store(true, Ordering::Relaxed);
                    answer.extend_from_slice(&failed(error));
                }
            }
            if is_last && found.is_ok() {
                answer.extend_from_slice(reply::END);
            }
        }
        ticket.answer(answer);
    });
}

/// A `VALUE` line with its data.
fn value(into: &mut Vec<u8>, key: &[u8], with_cas: bool, value: &Value) {
    into.extend_from_slice(b"VALUE ");
    into.extend_from_slice(key);
    let unique = if with_cas { format!(" {}", value.cas) } else { String::new() };
    into.extend(format!(" {} {}{unique}\r\n", value.flags, value.data.len()).bytes());
    into.extend_from_slice(&value.data);
    into.extend_from_slice(b"\r\n");
}
