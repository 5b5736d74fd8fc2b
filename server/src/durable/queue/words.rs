//! What is answered on a queue's port: messages, and failures in memcached's wording with our sentence behind it.

use crate::protocol::reply;
use nearcache_store::Error;
use nearcache_store::queue::Message;
use std::borrow::Cow;

/// An answer.
pub type Words = Cow<'static, [u8]>;

/// What a ticket answers whose operation nobody runs any more.
pub const CLOSED: &[u8] = b"SERVER_ERROR the queues are closed: the server is ending\r\n";

/// A lease has ended under its consumer.
pub const LATE: &[u8] = b"CLIENT_ERROR the message is not yours any more: its lease has ended, or its queue was emptied\r\n";

/// A message that was dead before it came.
pub const EXPIRED: &[u8] =
    b"CLIENT_ERROR the message has expired already (exptime): it was not put in; 0 is never, up \
    to 2592000 are seconds from now, more is Unix time\r\n";

/// Appends a message as `VALUE` and its data.
pub fn value(out: &mut Vec<u8>, shown: &[u8], message: &Message, cas: bool) {
    let mut digits = itoa::Buffer::new();
    out.reserve(shown.len() + message.body.len() + 64);
    out.extend_from_slice(b"VALUE ");
    out.extend_from_slice(shown);
    let mut number = |out: &mut Vec<u8>, number: u64| {
        out.push(b' ');
        out.extend_from_slice(digits.format(number).as_bytes());
    };
    number(out, message.flags.into());
    number(out, message.body.len() as u64);
    if cas {
        number(out, message.seq);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&message.body);
    out.extend_from_slice(b"\r\n");
}

/// The words for a failure. What the client can do nothing about is said in the log, too.
pub fn failed(error: &Error) -> Words {
    let prefix = match error {
        // The beginning is what clients know.
        Error::ValueTooLarge { .. } => "SERVER_ERROR object too large for cache: ",
        Error::InvalidOptions(_) => "CLIENT_ERROR ",
        Error::NoQueue(_) => return Cow::Borrowed(reply::NOT_FOUND),
        Error::QueueFull { .. } | Error::OverQuota { .. } | Error::DiskFull(_) => "SERVER_ERROR ",
        Error::Closed => return Cow::Borrowed(CLOSED),
        error => {
            eprintln!("nearcached: the queues: {error}");
            "SERVER_ERROR "
        }
    };
    let mut words = format!("{prefix}{error}").into_bytes();
    words.iter_mut().filter(|byte| byte.is_ascii_control()).for_each(|byte| *byte = b' ');
    words.extend_from_slice(b"\r\n");
    Cow::Owned(words)
}

/// The words for what went well, or for the failure.
pub fn told<T>(done: Result<T, Error>, well: impl FnOnce(T) -> Words) -> Words {
    done.map_or_else(|e| failed(&e), well)
}
