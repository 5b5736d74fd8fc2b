//! What is known of a queue besides its messages: its settings, its cursor, its counts. One record, written with every
//! change, so that the counts are exact whenever the engine comes back.

use super::codec::{Reader, put_short, put_u64};
use crate::Error;
use crate::engine::{Space, View};
use serde::{Deserialize, Serialize};

/// Most bytes of a queue's name. What is left of a key's 250 is for the names that are made of it.
pub const NAME_MAX: usize = 240;
/// What a queue's dead letters are called unless it says otherwise.
pub const DEAD: &[u8] = b".dead";

/// How a queue behaves. `Settings::default()` loses nothing and delivers at least once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// Most messages, delayed and reserved ones included; 0: no limit. Default 0.
    pub max_messages: u64,
    /// Most bytes of messages; 0: no limit. Default 0.
    pub max_bytes: u64,
    /// The largest message in bytes; 0: the store's `item_size_max`. Default 0.
    pub max_message: u64,
    /// When the queue is full, drop the oldest message that nobody has reserved, instead of refusing the new one.
    /// Default false.
    pub discard_old: bool,
    /// Seconds after which a message that was reserved without saying for how long comes back. 1 to 604,800. Default 60.
    pub lease: u32,
    /// How often a message is delivered at most; if it was not acknowledged by then it goes to the dead letters. 0: no
    /// limit. Default 10.
    pub max_deliveries: u32,
    /// The queue of the dead letters; empty: this one's name with `.dead` behind it. Default empty.
    pub dead_letters: Vec<u8>,
    /// Seconds after which a message that says nothing else has expired; 0: never. Default 0.
    pub expire: u32,
    /// The queue that gets what has expired; empty: it is dropped. Default empty.
    pub expired_to: Vec<u8>,
    /// Seconds for which the id of a message is remembered, to drop doubles; 0: ids are not looked at. Default 300.
    pub dedup_window: u32,
    /// Seconds that a message which comes back (refused, or its lease ended) waits before it is delivered again.
    /// Default 0.
    pub retry_delay: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_messages: 0,
            max_bytes: 0,
            max_message: 0,
            discard_old: false,
            lease: 60,
            max_deliveries: 10,
            dead_letters: Vec::new(),
            expire: 0,
            expired_to: Vec::new(),
            dedup_window: 300,
            retry_delay: 0,
        }
    }
}

/// The longest lease, delay or window: a week for leases, a year for the others, in seconds.
pub const LEASE_MAX: u32 = 7 * 86_400;
/// See [`LEASE_MAX`].
pub const DELAY_MAX: u32 = 365 * 86_400;

impl Settings {
    /// Are they such as can be kept?
    pub(crate) fn check(&self, name: &[u8]) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::InvalidOptions(why));
        check_lease(self.lease)?;
        for (what, seconds) in [
            ("expire", self.expire),
            ("dedup_window", self.dedup_window),
            ("retry_delay", self.retry_delay),
        ] {
            check_delay(what, seconds)?;
        }
        for (what, other) in
            [("dead_letters", &self.dead_letters), ("expired_to", &self.expired_to)]
        {
            if !other.is_empty() {
                check_name(other)?;
            }
            if other == name {
                return refuse(format!("{what} is the queue itself: name another"));
            }
        }
        Ok(())
    }
}

/// Is a lease such as can be given?
pub fn check_lease(seconds: u32) -> Result<(), Error> {
    if (1..=LEASE_MAX).contains(&seconds) {
        return Ok(());
    }
    Err(Error::InvalidOptions(format!("a lease is 1 to {LEASE_MAX} seconds, not {seconds}")))
}

/// Is it how long a message can be made to wait?
pub fn check_delay(what: &str, seconds: u32) -> Result<(), Error> {
    if seconds <= DELAY_MAX {
        return Ok(());
    }
    Err(Error::InvalidOptions(format!("{what} is {seconds} seconds: the limit is {DELAY_MAX}")))
}

/// Is it a queue's name?
pub fn check_name(name: &[u8]) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::InvalidOptions(why));
    if name.is_empty() || name.len() > NAME_MAX {
        return refuse(format!(
            "the queue's name has {} bytes: it has 1 to {NAME_MAX}",
            name.len()
        ));
    }
    if let Some(bad) = name.iter().find(|byte| **byte <= b' ' || **byte == 0x7f || **byte == b'/') {
        return refuse(format!(
            "the queue's name {:?} holds '{}': spaces, control characters and '/' are not for names",
            name.escape_ascii().to_string(),
            bad.escape_ascii()
        ));
    }
    match split_child(name) {
        Some((parent, child)) if parent.is_empty() || child.is_empty() || child.contains(&b'+') => {
            refuse(format!(
                "the queue's name {:?} has a '+' in the wrong place: queue+reader is a reader's copy of a queue",
                name.escape_ascii().to_string()
            ))
        }
        _ => Ok(()),
    }
}

/// The queue and its reader, if this is the name of a reader's copy.
pub fn split_child(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.iter().position(|byte| *byte == b'+')?;
    Some((&name[..at], &name[at + 1..]))
}

/// A queue's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its number; a queue that was emptied or made anew has another.
    pub id: u64,
    /// Messages from this sequence number on were never handed out.
    pub cursor: u64,
    /// No message that came back has a lower sequence number.
    pub back: u64,
    /// Messages that came back, and wait to be delivered again.
    pub returned: u64,
    /// Messages that nobody was given yet.
    pub fresh: u64,
    /// Messages that somebody has.
    pub reserved: u64,
    /// Messages that wait for their time.
    pub delayed: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Totals since it was made, of what happened.
    pub totals: Totals,
    /// When it was made, as Unix time.
    pub made: u64,
    /// Is nothing to be handed out?
    pub is_paused: bool,
    /// How it behaves.
    pub settings: Settings,
    /// Those who get a copy of each message: queues called `this+reader`.
    pub children: Vec<Vec<u8>>,
}

/// What has happened to a queue's messages since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Put in.
    pub pushed: u64,
    /// Handed out, again ones included.
    pub delivered: u64,
    /// Acknowledged, or taken for good.
    pub acked: u64,
    /// Come back, because they were refused or their lease ended.
    pub returned: u64,
    /// Gone to the dead letters.
    pub dead: u64,
    /// Expired.
    pub expired: u64,
    /// Dropped to make room (`discard_old`).
    pub discarded: u64,
    /// Not put in, because their id was known.
    pub duplicates: u64,
}

const FORMAT: u8 = 1;
const DISCARDS: u8 = 1;
const PAUSED: u8 = 2;

impl Record {
    /// Messages that can be handed out.
    pub fn ready(&self) -> u64 {
        self.fresh + self.returned
    }

    /// All messages.
    pub fn len(&self) -> u64 {
        self.ready() + self.reserved + self.delayed
    }

    fn words(&self) -> [u64; 17] {
        let t = &self.totals;
        [
            self.id,
            self.cursor,
            self.back,
            self.returned,
            self.fresh,
            self.reserved,
            self.delayed,
            self.bytes,
            self.made,
            t.pushed,
            t.delivered,
            t.acked,
            t.returned,
            t.dead,
            t.expired,
            t.discarded,
            t.duplicates,
        ]
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let s = &self.settings;
        let mut bytes = Vec::with_capacity(256);
        let discards = if s.discard_old { DISCARDS } else { 0 };
        bytes.push(FORMAT);
        bytes.push(discards | if self.is_paused { PAUSED } else { 0 });
        for word in self.words() {
            put_u64(&mut bytes, word);
        }
        for word in [s.max_messages, s.max_bytes, s.max_message] {
            put_u64(&mut bytes, word);
        }
        for word in [s.lease, s.max_deliveries, s.expire, s.dedup_window, s.retry_delay] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        put_short(&mut bytes, &s.dead_letters);
        put_short(&mut bytes, &s.expired_to);
        bytes.extend_from_slice(&(self.children.len() as u32).to_le_bytes());
        for child in &self.children {
            put_short(&mut bytes, child);
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8]) -> Result<Record, Error> {
        let mut reader = Reader::new(bytes, "a queue's record");
        let format = reader.byte()?;
        if format != FORMAT {
            return Err(Error::Damaged(format!(
                "a queue's record has the format {format}, and this version knows {FORMAT}: restore a backup"
            )));
        }
        let marks = reader.byte()?;
        let mut word = || reader.u64();
        let mut record = Record {
            id: word()?,
            cursor: word()?,
            back: word()?,
            returned: word()?,
            fresh: word()?,
            reserved: word()?,
            delayed: word()?,
            bytes: word()?,
            made: word()?,
            totals: Totals {
                pushed: word()?,
                delivered: word()?,
                acked: word()?,
                returned: word()?,
                dead: word()?,
                expired: word()?,
                discarded: word()?,
                duplicates: word()?,
            },
            is_paused: marks & PAUSED != 0,
            settings: Settings {
                discard_old: marks & DISCARDS != 0,
                max_messages: word()?,
                max_bytes: word()?,
                max_message: word()?,
                ..Settings::default()
            },
            children: Vec::new(),
        };
        let s = &mut record.settings;
        for place in [
            &mut s.lease,
            &mut s.max_deliveries,
            &mut s.expire,
            &mut s.dedup_window,
            &mut s.retry_delay,
        ] {
            *place = reader.u32()?;
        }
        s.dead_letters = reader.short()?.to_vec();
        s.expired_to = reader.short()?.to_vec();
        for _ in 0..reader.u32()? {
            record.children.push(reader.short()?.to_vec());
        }
        Ok(record)
    }

    /// A queue's record, if there is such a queue.
    pub fn load(view: &dyn View, name: &[u8]) -> Result<Option<Record>, Error> {
        let mut found = None;
        view.read(Space::Queues, name, &mut |bytes| found = Some(Record::decode(bytes)))?;
        found.transpose()
    }
}
