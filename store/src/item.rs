//! The bytes of an item: a head, and the value behind it.
//!
//! ```text
//! marks  flags  seq    [deadline]        [given]        value
//! u8     u32    u64    i64, if EXPIRES   u64, if GIVEN  ...       (little-endian)
//! ```
//!
//! `seq` is the sequence number of the write that made the value: the item's unique, unless a caller chose one, and what
//! a flush compares.

use crate::Error;
use crate::clock::Deadline;
use crate::ledger::Ledger;

/// Marks of an item, as memcached's meta commands know them.
pub mod mark {
    /// It was invalidated: the first to ask is to make it anew.
    pub const STALE: u8 = 1;
    /// Somebody was told to.
    pub const WON: u8 = 2;
    /// Its key is binary.
    pub const BINARY: u8 = 4;
    /// It has a lifetime.
    pub(super) const EXPIRES: u8 = 8;
    /// A caller chose its unique.
    pub(super) const GIVEN: u8 = 16;
    pub(super) const ALL: u8 = 31;
}

/// What is known of an item besides its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// [`mark`]s.
    pub marks: u8,
    /// The client's flags.
    pub flags: u32,
    /// The write that made the value.
    pub seq: u64,
    /// When it dies.
    pub deadline: Deadline,
    /// The unique that a caller chose.
    pub given: Option<u64>,
}

impl Head {
    /// The item's unique.
    pub fn unique(&self) -> u64 {
        self.given.unwrap_or(self.seq)
    }

    /// Is it there for everybody?
    pub fn is_alive(&self, ledger: &Ledger, now: i64) -> bool {
        self.seq > ledger.flushed && !self.deadline.is_past(now) && !ledger.hides(now)
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        let expires = matches!(self.deadline, Deadline::At(_));
        13 + if expires { 8 } else { 0 } + if self.given.is_some() { 8 } else { 0 }
    }

    /// The item's bytes.
    pub fn encode(&self, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() + value.len());
        let mut marks = self.marks & !(mark::EXPIRES | mark::GIVEN);
        if let Deadline::At(_) = self.deadline {
            marks |= mark::EXPIRES;
        }
        if self.given.is_some() {
            marks |= mark::GIVEN;
        }
        bytes.push(marks);
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(&self.seq.to_le_bytes());
        if let Deadline::At(at) = self.deadline {
            bytes.extend_from_slice(&at.to_le_bytes());
        }
        if let Some(given) = self.given {
            bytes.extend_from_slice(&given.to_le_bytes());
        }
        bytes.extend_from_slice(value);
        bytes
    }

    /// The head of an item's bytes, and its value.
    pub fn decode(bytes: &[u8]) -> Result<(Head, &[u8]), Error> {
        Head::parse(bytes).ok_or_else(|| {
            Error::Damaged(format!(
                "an item of {} bytes has no whole head: verify the store, and restore a backup",
                bytes.len()
            ))
        })
    }

    fn parse(bytes: &[u8]) -> Option<(Head, &[u8])> {
        let (&marks, rest) = bytes.split_first()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let (seq, mut rest) = rest.split_first_chunk()?;
        let mut word = |is_there: bool| -> Option<Option<[u8; 8]>> {
            if !is_there {
                return Some(None);
            }
            let (word, behind) = rest.split_first_chunk()?;
            rest = behind;
            Some(Some(*word))
        };
        let deadline = word(marks & mark::EXPIRES != 0)?;
        let given = word(marks & mark::GIVEN != 0)?;
        let head = Head {
            marks: marks & !(mark::EXPIRES | mark::GIVEN),
            flags: u32::from_le_bytes(*flags),
            seq: u64::from_le_bytes(*seq),
            deadline: deadline.map_or(Deadline::Never, |at| Deadline::At(i64::from_le_bytes(at))),
            given: given.map(u64::from_le_bytes),
        };
        (marks & !mark::ALL == 0).then_some((head, rest))
    }
}

/// The key of an item's lifetime in [`Space::Expiries`](crate::Space): the earliest deadline first.
pub fn expiry_key(at: i64, key: &[u8]) -> Vec<u8> {
    // Deadlines are after 1970: no sign to care about.
    let mut bytes = at.max(0).to_be_bytes().to_vec();
    bytes.extend_from_slice(key);
    bytes
}

/// The deadline and the key in such a key.
pub fn split_expiry_key(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (at, key) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*at), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_back_as_it_was_written() {
        for deadline in [Deadline::Never, Deadline::At(1 << 40)] {
            for given in [None, Some(0), Some(u64::MAX)] {
                let head = Head { marks: mark::STALE, flags: u32::MAX, seq: 7, deadline, given };
                for value in [&b""[..], b"a value"] {
                    let bytes = head.encode(value);
                    assert_eq!(bytes.len(), head.len() + value.len());
                    assert_eq!(Head::decode(&bytes).unwrap(), (head, value));
                    for cut in 0..head.len() {
                        assert!(Head::decode(&bytes[..cut]).is_err(), "cut to {cut}");
                    }
                }
            }
        }
        assert!(Head::decode(&[32; 40]).is_err(), "a mark that nobody knows");
    }
}
