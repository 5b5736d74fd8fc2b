//! What a read answers.

use crate::item::{Head, mark};
use nearcache::{Outcome, size_of_item};
use serde::{Deserialize, Serialize};

/// A hit copied out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Value {
    /// The bytes.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
    /// The client's flags.
    pub flags: u32,
    /// The cas unique: the sequence number of the write that made it, unless a caller chose it.
    pub cas: u64,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
}

impl Value {
    pub(crate) fn of(head: &Head, data: Vec<u8>, now: i64) -> Value {
        Value { data, flags: head.flags, cas: head.unique(), ttl: head.deadline.left(now) }
    }
}

/// A key and its value, as scans show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// The value and its attributes.
    pub value: Value,
}

/// The answers of a meta get. (That an item was read before, and when, is not kept: a read writes nothing.)
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit {
    /// The value, its flags, its unique and the time left (after a touch). No bytes, if it is the `same`.
    pub value: Value,
    /// The value's length in bytes.
    pub len: usize,
    /// t, if it comes before T: seconds that were left to live before the touch; `None` is for ever.
    pub ttl_before: Option<u32>,
    /// W: this caller has won the right to recache.
    pub won: bool,
    /// X: the item is stale.
    pub stale: bool,
    /// Z: the right to recache was given to another before.
    pub sent: bool,
    /// C: the unique was the one that was asked with, so the value was not copied.
    pub same: bool,
    /// b: the key is binary.
    pub binary: bool,
    /// The whole item's size as memcached counts it.
    pub size: usize,
}

/// How far a meta get comes without a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// To its end: this is its answer.
    Seen(Option<Hit>),
    /// It would change something: [`Store::meta_get_with`](crate::Store::meta_get_with) does.
    Changes,
}

impl Hit {
    pub(crate) fn of(key: &[u8], head: &Head, data: Vec<u8>, now: i64) -> Hit {
        Hit {
            len: data.len(),
            ttl_before: head.deadline.left(now),
            won: false,
            stale: head.marks & mark::STALE != 0,
            sent: head.marks & mark::WON != 0,
            same: false,
            binary: head.marks & mark::BINARY != 0,
            size: size_of_item(key.len(), data.len(), head.flags),
            value: Value::of(head, data, now),
        }
    }
}

/// What a meta set did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Whether it stored, and the new unique.
    pub outcome: Outcome,
    /// The length of the value that was to be stored: the whole of it after an append.
    pub len: usize,
}
