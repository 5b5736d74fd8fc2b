//! What a store and its queues can be asked, and answer, as messages: so that they can be asked from another process.
//! A daemon reads them from a socket and has them done ([`Service`]); who asks is [`Durable`](crate::Durable).
//!
//! The stream is the caller's [`HELLO`], then frames both ways: a length of four bytes, little-endian, then so many bytes
//! of a [`Request`] or a [`Reply`] in postcard's encoding. A caller sends one request and waits for its reply; before
//! the reply of long work there may be any number of [`Reply::Progress`]. The two ends are of one version of these
//! types, which [`HELLO`] ends with: a daemon refuses another's with a sentence ([`Reply::Failed`]), and closes.

mod request;
mod service;
mod words;

pub use request::{Change, Reply, Request, Store, Welcome};
pub use service::{Get, Long, Plan, Service, Work};

use crate::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first bytes of a caller: no text command, and no binary request, begins with a NUL. The last is the version.
pub const HELLO: [u8; 4] = *b"\0NC\x01";
/// Bytes before each frame.
pub const HEAD: usize = 4;
/// What a frame may hold besides the bytes of one value: names, numbers, and a batch.
pub const ROOM: usize = 1 << 20;

/// A request or a reply as a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    let unfit = |e| Error::Unsupported(format!("this cannot be said over a socket: {e}"));
    let mut frame = postcard::to_extend(message, vec![0; HEAD]).map_err(unfit)?;
    let len = u32::try_from(frame.len() - HEAD)
        .map_err(|_| Error::ValueTooLarge { size: frame.len(), limit: u32::MAX as usize })?;
    frame[..HEAD].copy_from_slice(&len.to_le_bytes());
    Ok(frame)
}

/// The bytes of a frame as what they say.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let (message, rest) = postcard::take_from_bytes(bytes).map_err(|e| {
        Error::Connection(format!("what came over the socket is no such message: {e}"))
    })?;
    match rest.is_empty() {
        true => Ok(message),
        false => Err(Error::Connection(format!(
            "what came over the socket has {} bytes more than the message",
            rest.len()
        ))),
    }
}

/// What is at the front of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Front {
    /// A frame of so many bytes, head included.
    Whole(usize),
    /// Of a frame of so many bytes, head included, not all is there; 0: not even its head.
    Part(usize),
}

/// Looks for a frame at the front of `bytes`; an error if it is larger than `limit`, after which the stream is at its
/// end.
pub fn front(bytes: &[u8], limit: usize) -> Result<Front, Error> {
    let Some(head) = bytes.first_chunk::<HEAD>() else {
        return Ok(Front::Part(0));
    };
    let len = u32::from_le_bytes(*head) as usize;
    if len > limit {
        return Err(Error::ValueTooLarge { size: len, limit });
    }
    let whole = HEAD + len;
    Ok(if bytes.len() < whole { Front::Part(whole) } else { Front::Whole(whole) })
}
