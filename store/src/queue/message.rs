//! The bytes of a message, the keys under which it and what is due of it lie, and the receipt of who has it.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `queues` | name | [`Record`](super::record::Record) |
//! | `queues` | `\0i` queue | name |
//! | `queues` | `\0p` queue | nothing: its messages are to be removed |
//! | `messages` | queue, sequence number | [`Head`] and the body; never changed |
//! | `schedule` | when, kind, queue, sequence number (or the id) | [`Slip`] |
//! | `ids` | queue, id | the sequence number of the message, and until when it is known |
//!
//! Numbers in keys are big-endian, so that their order is that of the bytes.

use super::codec::{Reader, put_short, put_u64};
use crate::Error;
use serde::{Deserialize, Serialize};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A message that came back and may be delivered again; at the time 0, before all others.
    Back = b'b',
    /// A delay ends.
    Delay = b'd',
    /// A message expires.
    Expiry = b'e',
    /// An id is forgotten.
    Id = b'i',
    /// A lease ends.
    Lease = b'l',
}

/// The time of leases that end with whoever opened the store, and not by themselves.
pub const SESSION: i64 = i64::MAX;

/// The key of a message.
pub fn message_key(queue: u64, seq: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&queue.to_be_bytes());
    key[8..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// A message's sequence number, from its key.
pub fn seq_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|seq| u64::from_be_bytes(*seq))
}

/// The key of what is due.
pub fn slip_key(at: i64, kind: Kind, queue: u64, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(17 + rest.len());
    key.extend_from_slice(&at.max(0).to_be_bytes());
    key.push(kind as u8);
    key.extend_from_slice(&queue.to_be_bytes());
    key.extend_from_slice(rest);
    key
}

/// What a key of the schedule says: when, what, of which queue, and the rest.
pub fn split_slip_key(key: &[u8]) -> Option<(i64, Kind, u64, &[u8])> {
    let (at, rest) = key.split_first_chunk()?;
    let (kind, rest) = rest.split_first()?;
    let (queue, rest) = rest.split_first_chunk()?;
    let kind = match kind {
        b'b' => Kind::Back,
        b'd' => Kind::Delay,
        b'e' => Kind::Expiry,
        b'i' => Kind::Id,
        b'l' => Kind::Lease,
        _ => return None,
    };
    Some((i64::from_be_bytes(*at), kind, u64::from_be_bytes(*queue), rest))
}

/// The key by which a queue's number leads to its name.
pub fn name_key(queue: u64) -> Vec<u8> {
    [b"\0i".as_slice(), &queue.to_be_bytes()].concat()
}

/// The key that says that a queue's messages are to be removed.
pub fn purge_key(queue: u64) -> Vec<u8> {
    [PURGE, &queue.to_be_bytes()].concat()
}

/// The beginning of all of these.
pub const PURGE: &[u8] = b"\0p";
/// Names are behind all other keys of their keyspace.
pub const FIRST_NAME: &[u8] = b"\x01";

/// What is known of a message besides its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The producer's flags, as memcached's.
    pub flags: u32,
    /// When it was put in, as Unix time.
    pub at: u64,
    /// When it expires; 0: never.
    pub expires: u64,
    /// Was it put in with a delay? Then it is only found by its slip.
    pub is_delayed: bool,
    /// Of a dead letter, or of what has expired: how often it was delivered where it was.
    pub deliveries: u32,
    /// The producer's id.
    pub id: Vec<u8>,
    /// Of a dead letter, or of what has expired: the queue where it was.
    pub origin: Vec<u8>,
}

const WAS_DELAYED: u8 = 1;
const HAS_ID: u8 = 2;
const HAS_ORIGIN: u8 = 4;
const EXPIRES: u8 = 8;

impl Head {
    /// The message's bytes.
    pub fn encode(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + self.id.len() + self.origin.len() + body.len());
        let mark = |is_set, mark| if is_set { mark } else { 0 };
        bytes.push(
            mark(self.is_delayed, WAS_DELAYED)
                | mark(!self.id.is_empty(), HAS_ID)
                | mark(!self.origin.is_empty(), HAS_ORIGIN)
                | mark(self.expires != 0, EXPIRES),
        );
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        put_u64(&mut bytes, self.at);
        if self.expires != 0 {
            put_u64(&mut bytes, self.expires);
        }
        if !self.id.is_empty() {
            put_short(&mut bytes, &self.id);
        }
        if !self.origin.is_empty() {
            bytes.extend_from_slice(&self.deliveries.to_le_bytes());
            put_short(&mut bytes, &self.origin);
        }
        bytes.extend_from_slice(body);
        bytes
    }

    /// The head of a message's bytes, and its body.
    pub fn decode(bytes: &[u8]) -> Result<(Head, &[u8]), Error> {
        let mut reader = Reader::new(bytes, "a message");
        let marks = reader.byte()?;
        let mut head = Head {
            flags: reader.u32()?,
            at: reader.u64()?,
            is_delayed: marks & WAS_DELAYED != 0,
            ..Head::default()
        };
        if marks & EXPIRES != 0 {
            head.expires = reader.u64()?;
        }
        if marks & HAS_ID != 0 {
            head.id = reader.short()?.to_vec();
        }
        if marks & HAS_ORIGIN != 0 {
            head.deliveries = reader.u32()?;
            head.origin = reader.short()?.to_vec();
        }
        Ok((head, reader.rest()))
    }

    /// Has its time come?
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires != 0 && self.expires <= now.max(0) as u64
    }
}

/// What is kept of a message that is due, so that its end need not read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slip {
    /// How often it was delivered.
    pub deliveries: u32,
    /// Its bytes in the engine, key and head included.
    pub bytes: u64,
    /// When it expires; 0: never.
    pub expires: u64,
}

impl Slip {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(20);
        bytes.extend_from_slice(&self.deliveries.to_le_bytes());
        put_u64(&mut bytes, self.bytes);
        put_u64(&mut bytes, self.expires);
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Slip, Error> {
        let mut reader = Reader::new(bytes, "an entry of the schedule");
        Ok(Slip { deliveries: reader.u32()?, bytes: reader.u64()?, expires: reader.u64()? })
    }
}

/// A message, as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The bytes.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// The producer's flags, as memcached's.
    pub flags: u32,
    /// Its sequence number in the store: messages of a queue are in this order.
    pub seq: u64,
    /// How often it was delivered, this time included.
    pub deliveries: u32,
    /// When it was put in, as Unix time.
    pub at: u64,
    /// When it expires, as Unix time; `None`: never.
    pub expires: Option<u64>,
    /// The producer's id; empty if it gave none.
    pub id: Vec<u8>,
    /// Of a dead letter, or of what has expired: the queue where it was. Else empty.
    pub origin: Vec<u8>,
    /// What to acknowledge it by; `None` if it was taken for good, or only looked at.
    pub receipt: Option<Receipt>,
}

impl Message {
    pub(super) fn of(seq: u64, head: Head, body: &[u8], deliveries: u32) -> Message {
        Message {
            body: body.to_vec(),
            flags: head.flags,
            seq,
            deliveries,
            at: head.at,
            expires: Some(head.expires).filter(|at| *at != 0),
            id: head.id,
            origin: head.origin,
            receipt: None,
        }
    }
}

/// One delivery of one message. It may be sent to another process as text ([`Receipt::to_string`]); it is good until the
/// message was acknowledged or has come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    pub(super) queue: u64,
    pub(super) seq: u64,
    pub(super) due: i64,
    pub(super) deliveries: u32,
}

impl Receipt {
    /// When the lease ends, as Unix time; `None`: with whoever opened the store.
    pub fn due(&self) -> Option<i64> {
        (self.due != SESSION).then_some(self.due)
    }

    pub(super) fn key(&self) -> Vec<u8> {
        slip_key(self.due, Kind::Lease, self.queue, &self.seq.to_be_bytes())
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{:x}-{:x}-{:x}", self.queue, self.seq, self.due, self.deliveries)
    }
}

impl std::str::FromStr for Receipt {
    type Err = Error;

    fn from_str(text: &str) -> Result<Receipt, Error> {
        let mut parts = text.split('-');
        let mut word = || u64::from_str_radix(parts.next()?, 16).ok();
        let read = (|| {
            let (queue, seq, due, deliveries) = (word()?, word()?, word()?, word()?);
            let (due, deliveries) = (i64::try_from(due).ok()?, u32::try_from(deliveries).ok()?);
            Some(Receipt { queue, seq, due, deliveries })
        })();
        read.filter(|_| parts.next().is_none()).ok_or_else(|| {
            Error::InvalidOptions(format!(
                "{text:?} is no receipt: it is four hexadecimal numbers with '-' between them, as they came with a \
                 message"
            ))
        })
    }
}
