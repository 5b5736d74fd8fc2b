//! MemcacheDB's own commands. There is one node, so what they tell of replication is fixed: it is the master. What they
//! set is checked, kept and shown, and has no effect.

use super::chores::Chore;
use super::range::{ITEMS_MOST, Rget};
use crate::buffer::Output;
use crate::dispatch::Desk;
use crate::protocol::ascii::Command;
use crate::protocol::{number, reply, token::Tokens};
use nearcache::KEY_MAX;
use std::sync::atomic::{AtomicU32, Ordering};

/// An `rget` of more.
const TOO_MANY: &[u8] =
    b"CLIENT_ERROR rget gives 100 items at most; ask again behind the last one\r\n";

/// What can be set of a replication, with MemcacheDB's values until it is.
#[derive(Debug)]
pub struct Replication {
    /// `rep_set_priority`.
    priority: AtomicU32,
    /// `rep_set_ack_policy`: 1 all, 2 all peers, 3 none, 4 one, 5 one peer, 6 quorum.
    ack_policy: AtomicU32,
    /// `rep_set_ack_timeout`, in microseconds.
    ack_timeout: AtomicU32,
    /// `rep_set_bulk`.
    bulk: AtomicU32,
    /// `rep_set_request`.
    request: [AtomicU32; 2],
}

impl Default for Replication {
    fn default() -> Replication {
        Replication {
            priority: 100.into(),
            ack_policy: 5.into(),
            ack_timeout: 20_000.into(),
            bulk: 1.into(),
            request: [4.into(), 128.into()],
        }
    }
}

/// Relaxed, here and below: readings.
const ORDER: Ordering = Ordering::Relaxed;

impl Replication {
    /// What was set, under the names of `stats repcfg`.
    pub fn settings(&self) -> [(&'static str, String); 6] {
        let word = |word: &AtomicU32| word.load(ORDER).to_string();
        [
            ("rep_priority", word(&self.priority)),
            ("rep_ack_policy", word(&self.ack_policy)),
            ("rep_ack_timeout", word(&self.ack_timeout)),
            ("rep_bulk", word(&self.bulk)),
            ("rep_request", self.request()),
            ("rep_nsites", "1".into()),
        ]
    }

    fn request(&self) -> String {
        let [least, most] = &self.request;
        format!("{}/{}", least.load(ORDER), most.load(ORDER))
    }
}

/// One of MemcacheDB's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own<'a> {
    /// `rget`.
    Rget(Rget<'a>),
    /// `db_checkpoint`, `db_archive`, `db_compact`.
    Chore(Chore),
    /// `rep_ismaster`.
    IsMaster,
    /// `rep_whoismaster`.
    WhoIsMaster,
    /// `rep_set_priority`, `rep_set_ack_policy`, `rep_set_ack_timeout`, `rep_set_bulk`.
    Set(&'static str, u32),
    /// `rep_set_request`.
    SetRequest(u32, u32),
    /// It is wrong in this way.
    Refused(&'static [u8]),
}

/// Can this command be taken though replies are outstanding?
pub fn is_change(command: Command<'_>, line: &[u8]) -> bool {
    match command {
        Command::Incr(..)
        | Command::Decr(..)
        | Command::Touch(..)
        | Command::Delete(_)
        | Command::FlushAll(_) => true,
        Command::Refused(words) => words != reply::ERROR || parse(line).is_none(),
        _ => false,
    }
}

/// Reads a line that is none of memcached's.
pub fn parse(line: &[u8]) -> Option<Own<'_>> {
    let mut words = Tokens::new(line, 0);
    let own = match words.next()? {
        b"rget" => return Some(rget(words).unwrap_or(Own::Refused(reply::BAD_FORMAT))),
        b"db_checkpoint" => Own::Chore(Chore::Checkpoint),
        b"db_archive" => Own::Chore(Chore::Archive),
        b"db_compact" => Own::Chore(Chore::Compact),
        b"rep_ismaster" => Own::IsMaster,
        b"rep_whoismaster" => Own::WhoIsMaster,
        b"rep_set_priority" => set("priority", &mut words, 0..=u32::MAX),
        b"rep_set_ack_policy" => set("ack_policy", &mut words, 1..=6),
        b"rep_set_ack_timeout" => set("ack_timeout", &mut words, 0..=u32::MAX),
        b"rep_set_bulk" => set("bulk", &mut words, 0..=1),
        b"rep_set_request" => {
            let mut next = || words.next().and_then(number::strict_u32);
            match (next(), next()) {
                (Some(least), Some(most)) => Own::SetRequest(least, most),
                _ => Own::Refused(reply::BAD_FORMAT),
            }
        }
        _ => return None,
    };
    Some(if words.next().is_some() { Own::Refused(reply::BAD_FORMAT) } else { own })
}

fn set(
    what: &'static str,
    words: &mut Tokens<'_>,
    allowed: std::ops::RangeInclusive<u32>,
) -> Own<'static> {
    let value = words.next().and_then(number::strict_u32);
    match value.filter(|value| allowed.contains(value)) {
        Some(value) => Own::Set(what, value),
        None => Own::Refused(reply::BAD_FORMAT),
    }
}

fn rget<'a>(mut words: Tokens<'a>) -> Option<Own<'a>> {
    let mut key = || words.next().filter(|key| key.len() <= KEY_MAX);
    let (start, end) = (key()?, key()?);
    let mut open = || match words.next()? {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    };
    let (left_open, right_open) = (open()?, open()?);
    let max = words.next().and_then(number::strict_u32)? as usize;
    if words.next().is_some() {
        return None;
    }
    if max > ITEMS_MOST {
        return Some(Own::Refused(TOO_MANY));
    }
    Some(Own::Rget(Rget { start, end, left_open, right_open, max }))
}

impl Own<'_> {
    /// Answers what needs nothing of the store.
    pub fn answer(self, desk: Desk<'_>, out: &mut Output) {
        let replication = &desk.server.durable.replication;
        let word = |what| match what {
            "priority" => &replication.priority,
            "ack_policy" => &replication.ack_policy,
            "ack_timeout" => &replication.ack_timeout,
            _ => &replication.bulk,
        };
        let text = match self {
            Own::Refused(words) => return out.text(words),
            Own::IsMaster => "REP_MASTER".into(),
            Own::WhoIsMaster => site(desk),
            Own::Set(what, value) => {
                word(what).store(value, ORDER);
                value.to_string()
            }
            Own::SetRequest(least, most) => {
                replication.request[0].store(least, ORDER);
                replication.request[1].store(most, ORDER);
                replication.request()
            }
            Own::Rget(_) | Own::Chore(_) => return,
        };
        out.text(format!("{text}\r\n").as_bytes());
    }
}

/// This node, by the address of the listener that was asked.
pub fn site(desk: Desk<'_>) -> String {
    let listener = desk.server.connections.listener(desk.fd);
    listener.split_once(':').map_or(listener.clone(), |(_, address)| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let asked = |max| {
            Own::Rget(Rget { start: b"a", end: b"b", left_open: false, right_open: true, max })
        };
        for (line, own) in [
            ("rget a b 0 1 100", Some(asked(100))),
            ("rget  a  b  0 1 0 ", Some(asked(0))),
            ("rget a b 0 1 101", Some(Own::Refused(TOO_MANY))),
            ("rget a b 0 2 1", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rget a b 0 1", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rget a b 0 1 1 1", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rget a b 0 1 -1", Some(Own::Refused(reply::BAD_FORMAT))),
            ("db_compact", Some(Own::Chore(Chore::Compact))),
            ("db_compact now", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rep_set_ack_policy 6", Some(Own::Set("ack_policy", 6))),
            ("rep_set_ack_policy 7", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rep_set_request 4 16", Some(Own::SetRequest(4, 16))),
            ("rep_set_request 4", Some(Own::Refused(reply::BAD_FORMAT))),
            ("rget2 a b", None),
            ("", None),
        ] {
            assert_eq!(parse(line.as_bytes()), own, "{line}");
        }
    }
}
