//! What is due: delays and leases that end, messages that expire, ids that are forgotten, messages of queues that are
//! gone. A little with each batch, so that nobody waits for it.

use super::line::Line;
use super::message::{Head, Kind, PURGE, SESSION, Slip, message_key, purge_key, seq_of};
use super::message::{slip_key, split_slip_key};
use crate::Error;
use crate::committer::{Chore, Tx};
use crate::engine::{Range, Space, View};
use parking_lot::Mutex;
use std::ops::Bound;

/// Most entries of the schedule, and messages of dropped queues, that are ended with one batch.
const DUE_MAX: usize = 512;
const PURGED_MAX: usize = 2048;

/// The queues' chore.
#[derive(Default)]
pub struct Due {
    state: Mutex<State>,
}

struct State {
    /// When the schedule was last looked at; and is there more to do at once?
    looked: i64,
    has_more: bool,
    /// Before this the schedule has been ended.
    head: Vec<u8>,
    /// Where the removal of dropped queues' messages has come to.
    purged: Vec<u8>,
}

impl Default for State {
    fn default() -> State {
        // Before the first that has a time are those that came back.
        let head = 1_i64.to_be_bytes().to_vec();
        State { looked: i64::MIN, has_more: true, head, purged: Vec::new() }
    }
}

impl Chore for Due {
    fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let mut state = self.state.lock();
        let now = tx.now();
        if now < state.looked {
            // The system's clock was set back: from the beginning.
            *state = State::default();
        }
        if now == state.looked && !state.has_more {
            return Ok(false);
        }
        let (head, has_due) = end(tx, &state.head)?;
        let (purged, has_dropped) = purge(tx, &state.purged)?;
        let has_more = has_due || has_dropped;
        *state = State { looked: now, has_more, head, purged };
        Ok(has_more)
    }

    fn undone(&self) {
        *self.state.lock() = State::default();
    }
}

/// Ends what is due from `head` on; where to go on, and whether there may be more now. (What was removed would be passed
/// one by one, so no look begins at the beginning.)
fn end(tx: &mut Tx<'_>, head: &[u8]) -> Result<(Vec<u8>, bool), Error> {
    let end = tx.now().saturating_add(1).max(1).to_be_bytes();
    let range = Range { from: Bound::Included(head), to: Bound::Excluded(&end) };
    let mut due = Vec::new();
    tx.scan(Space::Schedule, range, &mut |key, slip| {
        due.push((key.to_vec(), slip.to_vec()));
        due.len() < DUE_MAX
    })?;
    for (key, slip) in &due {
        tx.remove(Space::Schedule, key);
        if let Some((_, kind, queue, rest)) = split_slip_key(key) {
            end_one(tx, kind, queue, rest, slip)?;
        }
    }
    match due.pop() {
        Some((last, _)) if due.len() + 1 == DUE_MAX => Ok((last, true)),
        // What is noted from now on is later than now.
        _ => Ok((end.to_vec(), false)),
    }
}

/// Removes messages of queues that were dropped, from `purged` on; where to go on, and whether there may be more.
fn purge(tx: &mut Tx<'_>, purged: &[u8]) -> Result<(Vec<u8>, bool), Error> {
    let end = [PURGE, &[u8::MAX; 9]].concat();
    let range = Range { from: Bound::Included(PURGE), to: Bound::Excluded(&end) };
    let mut dropped = None;
    tx.scan(Space::Queues, range, &mut |key, _| {
        dropped = seq_of(key);
        false
    })?;
    let Some(queue) = dropped else {
        return Ok((Vec::new(), false));
    };
    let (first, to) = (message_key(queue, 0), message_key(queue, u64::MAX));
    let from = if purged.starts_with(&queue.to_be_bytes()) { purged } else { &first };
    let range = Range { from: Bound::Included(from), to: Bound::Included(&to) };
    let mut gone = Vec::new();
    tx.scan(Space::Messages, range, &mut |key, value| {
        gone.push((key.to_vec(), key.len() as u64 + value.len() as u64));
        gone.len() < PURGED_MAX
    })?;
    for (key, bytes) in &gone {
        tx.remove(Space::Messages, key);
        let back = slip_key(0, Kind::Back, queue, &key[8..]);
        if tx.read(Space::Schedule, &back, &mut |_| ())? {
            tx.remove(Space::Schedule, &back);
        }
        let ledger = tx.ledger_mut();
        ledger.messages = ledger.messages.saturating_sub(1);
        ledger.message_bytes = ledger.message_bytes.saturating_sub(*bytes);
    }
    match gone.pop() {
        Some((last, _)) => Ok((last, true)),
        None => {
            tx.remove(Space::Queues, &purge_key(queue));
            Ok((Vec::new(), true))
        }
    }
}

/// Ends one entry. That of a queue that is gone goes with it.
fn end_one(tx: &mut Tx<'_>, kind: Kind, queue: u64, rest: &[u8], slip: &[u8]) -> Result<(), Error> {
    if kind == Kind::Id {
        return forget(tx, queue, rest);
    }
    let Some(mut line) = Line::of_id(tx, queue)? else {
        return Ok(());
    };
    let seq = u64::from_be_bytes(rest.try_into().unwrap_or_default());
    let slip = Slip::decode(slip)?;
    match kind {
        Kind::Lease => {
            line.record.reserved = line.record.reserved.saturating_sub(1);
            let delay = line.record.settings.retry_delay;
            line.come_back(tx, seq, slip, delay)?;
        }
        Kind::Delay => {
            line.record.delayed = line.record.delayed.saturating_sub(1);
            line.come_back(tx, seq, slip, 0)?;
        }
        Kind::Expiry => line.expire_waiting(tx, seq)?,
        Kind::Back | Kind::Id => {}
    }
    line.save(tx);
    Ok(())
}

/// Forgets an id, unless it was noted again since.
fn forget(tx: &mut Tx<'_>, queue: u64, id: &[u8]) -> Result<(), Error> {
    let key = [&queue.to_be_bytes(), id].concat();
    let now = tx.now().max(0) as u64;
    if let Some(known) = tx.get(Space::Ids, &key)?
        && Slip::decode(&known)?.expires <= now
    {
        tx.remove(Space::Ids, &key);
    }
    Ok(())
}

impl Line {
    /// Ends a message whose time is over, if it waits in line. One that somebody has, or that is delayed, ends when it
    /// comes back.
    fn expire_waiting(&mut self, tx: &mut Tx<'_>, seq: u64) -> Result<(), Error> {
        let back = slip_key(0, Kind::Back, self.record.id, &seq.to_be_bytes());
        let Some(value) = tx.get(Space::Messages, &message_key(self.record.id, seq))? else {
            return Ok(());
        };
        let (head, body) = Head::decode(&value)?;
        let mut slip =
            Slip { deliveries: 0, bytes: 16 + value.len() as u64, expires: head.expires };
        if let Some(known) = tx.get(Space::Schedule, &back)? {
            slip = Slip::decode(&known)?;
            tx.remove(Space::Schedule, &back);
            self.record.returned = self.record.returned.saturating_sub(1);
            if self.record.returned == 0 {
                self.record.back = u64::MAX;
            }
        } else if seq >= self.record.cursor && !head.is_delayed {
            self.record.fresh = self.record.fresh.saturating_sub(1);
        } else {
            return Ok(());
        }
        let body = body.to_vec();
        self.expire(tx, super::line::Found { seq, head, body, slip })
    }
}

/// Gives back what whoever opened the store before had until its end.
pub fn end_sessions(tx: &mut Tx<'_>) -> Result<(), Error> {
    let from = SESSION.to_be_bytes();
    let range = Range { from: Bound::Included(&from), to: Bound::Unbounded };
    let mut held = Vec::new();
    tx.scan(Space::Schedule, range, &mut |key, slip| {
        held.push((key.to_vec(), slip.to_vec()));
        true
    })?;
    for (key, slip) in held {
        if let Some((_, kind, queue, rest)) = split_slip_key(&key) {
            tx.remove(Space::Schedule, &key);
            end_one(tx, kind, queue, rest, &slip)?;
        }
    }
    Ok(())
}
