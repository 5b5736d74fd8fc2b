//! What the store knows about itself, as one record that is written with every batch: so it is exact whenever the
//! engine comes back, and a scan that counts again must find the same (`Database::verify`).

use crate::Error;

/// The books. Counts are of what is in the engine, dead or alive, until it is swept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The last sequence number that was given out. Every write has one; they rise in commit order.
    pub seq: u64,
    /// Items that no flush has killed (expired ones not yet swept included).
    pub items: u64,
    /// Bytes of their keys, heads and values.
    pub item_bytes: u64,
    /// Items that a flush has killed and nobody has swept yet.
    pub dead: u64,
    /// Their bytes.
    pub dead_bytes: u64,
    /// Items up to this sequence number are flushed.
    pub flushed: u64,
    /// Unix time at which a delayed flush begins to hide everything; 0: none is pending.
    pub flush_at: i64,
    /// Messages in all queues.
    pub messages: u64,
    /// Their bytes.
    pub message_bytes: u64,
}

/// The ledger's key in its keyspace.
pub const KEY: &[u8] = b"ledger";
const WORDS: usize = 9;

impl Ledger {
    /// As bytes.
    pub fn encode(&self) -> [u8; WORDS * 8] {
        let words = [
            self.seq,
            self.items,
            self.item_bytes,
            self.dead,
            self.dead_bytes,
            self.flushed,
            self.flush_at as u64,
            self.messages,
            self.message_bytes,
        ];
        let mut bytes = [0; WORDS * 8];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Ledger, Error> {
        let word = |i: usize| -> Option<u64> {
            Some(u64::from_le_bytes(bytes.get(i * 8..i * 8 + 8)?.try_into().ok()?))
        };
        let read = || {
            Some(Ledger {
                seq: word(0)?,
                items: word(1)?,
                item_bytes: word(2)?,
                dead: word(3)?,
                dead_bytes: word(4)?,
                flushed: word(5)?,
                flush_at: word(6)? as i64,
                messages: word(7)?,
                message_bytes: word(8)?,
            })
        };
        read().filter(|_| bytes.len() == WORDS * 8).ok_or_else(|| {
            Error::Damaged(format!(
                "the ledger has {} bytes and not {}: restore a backup",
                bytes.len(),
                WORDS * 8
            ))
        })
    }

    /// Bytes that count for the quota.
    pub fn used(&self) -> u64 {
        self.item_bytes + self.message_bytes
    }

    /// Does a delayed flush hide everything at this moment?
    pub fn hides(&self, now: i64) -> bool {
        self.flush_at != 0 && now >= self.flush_at
    }
}
