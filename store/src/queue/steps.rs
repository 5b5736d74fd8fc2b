//! The steps that queues take, each run by the committer in one piece: put in, reserve, acknowledge, refuse. A batch of
//! the caller's own may hold several, and the store's verbs beside them.

use super::line::Line;
use super::message::{FIRST_NAME, Head, Kind, Message, Receipt, SESSION, Slip};
use super::message::{name_key, purge_key, slip_key};
use super::record::{Record, Settings, check_delay, check_lease, check_name, split_child};
use crate::Error;
use crate::committer::Tx;
use crate::engine::{Range, Space, View};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// How a message is put in. `Push::default()` is at once, for ever, without an id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The producer's flags, as memcached's.
    pub flags: u32,
    /// Seconds before it is handed out, up to a year.
    pub delay: u32,
    /// Seconds after which it has expired; `None`: what the queue's settings say; `Some(0)`: never.
    pub expire: Option<u32>,
    /// An id of up to 250 bytes: a second message with it, within the queue's `dedup_window`, is not put in. Empty:
    /// none.
    pub id: Vec<u8>,
}

/// What became of a message that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Its sequence number; of a duplicate that of the first one.
    pub seq: u64,
    /// Its id was known: nothing was put in.
    pub is_duplicate: bool,
}

/// The limits that all queues of a store keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest message in bytes.
    pub message_max: usize,
    /// Most bytes of everything.
    pub quota: Option<u64>,
}

/// How long a reserved message is somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lease {
    /// As the queue's settings say.
    Default,
    /// For so many seconds, 1 to 604,800.
    Seconds(u32),
    /// Until it is acknowledged or refused, or the store is opened anew: for a server that refuses what its connections
    /// held when they end.
    Session,
}

/// Most bytes of an id.
const ID_MAX: usize = 250;

/// Is it a message that can be put in at all?
pub fn check_push(name: &[u8], push: &Push) -> Result<(), Error> {
    check_name(name)?;
    if push.id.len() > ID_MAX {
        return Err(Error::InvalidOptions(format!(
            "the message's id has {} bytes: the limit is {ID_MAX}",
            push.id.len()
        )));
    }
    for (what, seconds) in [("delay", push.delay), ("expire", push.expire.unwrap_or(0))] {
        check_delay(what, seconds)?;
    }
    Ok(())
}

/// Puts a message into a queue, which is made if there is none.
pub fn push(
    tx: &mut Tx<'_>,
    limits: &Limits,
    name: &[u8],
    body: &[u8],
    push: &Push,
) -> Result<Pushed, Error> {
    let mut line = Line::open(tx, name)?;
    let record = &mut line.record;
    let now = tx.now();
    let limit = match record.settings.max_message {
        0 => limits.message_max,
        own => limits.message_max.min(usize::try_from(own).unwrap_or(usize::MAX)),
    };
    if body.len() > limit {
        return Err(Error::ValueTooLarge { size: body.len(), limit });
    }
    let window = record.settings.dedup_window;
    let id_key = [&record.id.to_be_bytes(), push.id.as_slice()].concat();
    let has_id = !push.id.is_empty() && window > 0;
    if has_id && let Some(known) = tx.get(Space::Ids, &id_key)? {
        let known = Slip::decode(&known)?;
        if known.expires > now.max(0) as u64 {
            record.totals.duplicates += 1;
            line.save(tx);
            return Ok(Pushed { seq: known.bytes, is_duplicate: true });
        }
    }
    let expire = push.expire.unwrap_or(record.settings.expire);
    let after = |seconds: u32| now.saturating_add(seconds.into());
    let head = Head {
        flags: push.flags,
        at: now.max(0) as u64,
        expires: if expire == 0 { 0 } else { after(expire).max(0) as u64 },
        is_delayed: push.delay > 0,
        id: push.id.clone(),
        ..Head::default()
    };
    let bytes = 16 + head.encode(&[]).len() as u64 + body.len() as u64;
    let copies = 1 + record.children.len() as u64;
    let used = tx.ledger().used();
    if let Some(quota) = limits.quota
        && used + copies * bytes > quota
    {
        return Err(Error::OverQuota { used, wanted: copies * bytes, quota });
    }
    make_room(tx, &mut line, bytes)?;
    for child in line.record.children.clone() {
        let mut child = Line::open(tx, &child)?;
        make_room(tx, &mut child, bytes)?;
        child.save(tx);
    }
    let due = (push.delay > 0).then(|| after(push.delay));
    let seq = line.append(tx, &head, body, due)?;
    if has_id {
        let until = after(window);
        // The number of the message, in the place of its bytes.
        let known = Slip { deliveries: 0, bytes: seq, expires: until.max(0) as u64 };
        tx.put(Space::Ids, &id_key, known.encode());
        let forget = slip_key(until, Kind::Id, line.record.id, &push.id);
        tx.put(Space::Schedule, &forget, Vec::new());
    }
    line.save(tx);
    Ok(Pushed { seq, is_duplicate: false })
}

/// Refuses, or drops old messages, if one more of so many bytes would be too much.
fn make_room(tx: &mut Tx<'_>, line: &mut Line, bytes: u64) -> Result<(), Error> {
    loop {
        let (record, settings) = (&line.record, &line.record.settings);
        let (most, most_bytes) = (settings.max_messages, settings.max_bytes);
        let is_many = most != 0 && record.len() >= most;
        let is_large = most_bytes != 0 && record.bytes + bytes > most_bytes;
        if !is_many && !is_large {
            return Ok(());
        }
        let full = Error::QueueFull {
            queue: line.name.escape_ascii().to_string(),
            messages: record.len(),
            bytes: record.bytes,
            max_messages: most,
            max_bytes: most_bytes,
        };
        if !settings.discard_old {
            return Err(full);
        }
        let oldest = line.next(tx, 1)?.pop().ok_or(full)?;
        line.remove(tx, oldest.seq, &oldest.slip);
        line.record.totals.discarded += 1;
    }
}

/// Hands out up to `max` messages, each to nobody else until its lease ends. From a queue that is not there, or paused,
/// none; but a reader's copy is made by the asking, and gets what its queue gets from then on.
pub fn reserve(
    tx: &mut Tx<'_>,
    name: &[u8],
    max: usize,
    lease: Lease,
) -> Result<Vec<Message>, Error> {
    let Some(mut line) = to_read(tx, name)? else {
        return Ok(Vec::new());
    };
    let due = match lease {
        Lease::Default => tx.now().saturating_add(line.record.settings.lease.into()),
        Lease::Seconds(seconds) => {
            check_lease(seconds)?;
            tx.now().saturating_add(seconds.into())
        }
        Lease::Session => SESSION,
    };
    let mut messages = Vec::new();
    for found in line.next(tx, max)? {
        let mut message = found.message();
        let slip = Slip { deliveries: message.deliveries, ..found.slip };
        let (queue, seq) = (line.record.id, found.seq);
        let receipt = Receipt { queue, seq, due, deliveries: slip.deliveries };
        tx.put(Space::Schedule, &receipt.key(), slip.encode());
        message.receipt = Some(receipt);
        messages.push(message);
        line.record.reserved += 1;
        line.record.totals.delivered += 1;
    }
    line.save(tx);
    Ok(messages)
}

/// Takes up to `max` messages for good: what is lost on the way to the consumer is lost.
pub fn take(tx: &mut Tx<'_>, name: &[u8], max: usize) -> Result<Vec<Message>, Error> {
    let Some(mut line) = to_read(tx, name)? else {
        return Ok(Vec::new());
    };
    let mut messages = Vec::new();
    for found in line.next(tx, max)? {
        messages.push(found.message());
        line.remove(tx, found.seq, &found.slip);
        line.record.totals.delivered += 1;
        line.record.totals.acked += 1;
    }
    line.save(tx);
    Ok(messages)
}

/// The queue, if anything can be handed out of it. What has expired counts: it is to be met.
fn to_read(tx: &mut Tx<'_>, name: &[u8]) -> Result<Option<Line>, Error> {
    let line = match Line::find(tx, name)? {
        Some(line) => line,
        None if split_child(name).is_some() => Line::open(tx, name)?,
        None => return Ok(None),
    };
    Ok(Some(line).filter(|line| line.record.ready() > 0 && !line.record.is_paused))
}

/// Ends a lease that stands still: the queue, and what is known of the message.
fn end_lease(
    tx: &mut Tx<'_>,
    name: &[u8],
    receipt: &Receipt,
) -> Result<Option<(Line, Slip)>, Error> {
    let line = Line::find(tx, name)?.filter(|line| line.record.id == receipt.queue);
    let key = receipt.key();
    let (Some(mut line), Some(slip)) = (line, tx.get(Space::Schedule, &key)?) else {
        return Ok(None);
    };
    let slip = Slip::decode(&slip)?;
    if slip.deliveries != receipt.deliveries {
        return Ok(None);
    }
    tx.remove(Space::Schedule, &key);
    line.record.reserved = line.record.reserved.saturating_sub(1);
    Ok(Some((line, slip)))
}

/// The message is done with, and removed. `false`: it was acknowledged before, or its lease has ended and it is
/// somebody else's.
pub fn ack(tx: &mut Tx<'_>, name: &[u8], receipt: &Receipt) -> Result<bool, Error> {
    let Some((mut line, slip)) = end_lease(tx, name, receipt)? else {
        return Ok(false);
    };
    line.remove(tx, receipt.seq, &slip);
    line.record.totals.acked += 1;
    line.save(tx);
    Ok(true)
}

/// What became of a message that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It is delivered again.
    Again,
    /// It was delivered too often, or has expired: it is where such messages go.
    Over,
    /// It was not this receipt's any more.
    Unknown,
}

/// The message comes back, to be delivered again after `delay` seconds, or as its queue's settings say.
pub fn nak(
    tx: &mut Tx<'_>,
    name: &[u8],
    receipt: &Receipt,
    delay: Option<u32>,
) -> Result<Fate, Error> {
    let Some((mut line, slip)) = end_lease(tx, name, receipt)? else {
        return Ok(Fate::Unknown);
    };
    let delay = delay.unwrap_or(line.record.settings.retry_delay);
    let again = line.come_back(tx, receipt.seq, slip, delay)?;
    line.save(tx);
    Ok(if again { Fate::Again } else { Fate::Over })
}

/// Gives the consumer so many seconds more, from now on. `None`: it was not this receipt's any more.
pub fn extend(
    tx: &mut Tx<'_>,
    name: &[u8],
    receipt: &Receipt,
    seconds: u32,
) -> Result<Option<Receipt>, Error> {
    let Some((mut line, slip)) = end_lease(tx, name, receipt)? else {
        return Ok(None);
    };
    let renewed = Receipt { due: tx.now().saturating_add(seconds.into()), ..*receipt };
    tx.put(Space::Schedule, &renewed.key(), slip.encode());
    line.record.reserved += 1;
    line.save(tx);
    Ok(Some(renewed))
}

/// Changes what is known of a queue that is there.
pub fn change(tx: &mut Tx<'_>, name: &[u8], change: impl FnOnce(&mut Record)) -> Result<(), Error> {
    let mut line = to_change(tx, name)?;
    change(&mut line.record);
    line.save(tx);
    Ok(())
}

/// Gives a queue settings; it is made if there is none.
pub fn configure(tx: &mut Tx<'_>, name: &[u8], settings: Settings) -> Result<(), Error> {
    let mut line = Line::open(tx, name)?;
    line.record.settings = settings;
    line.save(tx);
    Ok(())
}

/// Changes some of a queue's settings; it is made if there is none.
pub fn adjust(
    tx: &mut Tx<'_>,
    name: &[u8],
    change: impl FnOnce(&mut Settings),
) -> Result<(), Error> {
    let mut line = Line::open(tx, name)?;
    change(&mut line.record.settings);
    line.record.settings.check(name)?;
    line.save(tx);
    Ok(())
}

/// The first messages in line, which stay there; of a queue that is not there, none.
pub fn peek(tx: &Tx<'_>, name: &[u8], max: usize) -> Result<Vec<Message>, Error> {
    Line::find(tx, name)?.map_or(Ok(Vec::new()), |line| line.peek(tx, max))
}

/// The names of all queues, in order.
pub fn names(view: &dyn View) -> Result<Vec<Vec<u8>>, Error> {
    let mut names = Vec::new();
    let range = Range { from: Bound::Included(FIRST_NAME), to: Bound::Unbounded };
    view.scan(Space::Queues, range, &mut |name, _| {
        names.push(name.to_vec());
        true
    })?;
    Ok(names)
}

/// Drops every message of a queue, whoever has it; how many there were.
pub fn purge(tx: &mut Tx<'_>, name: &[u8]) -> Result<u64, Error> {
    let mut line = to_change(tx, name)?;
    let len = line.record.len();
    line.purge(tx);
    line.save(tx);
    Ok(len)
}

/// Removes a queue and its messages. Readers' copies of it stay, and get nothing new.
pub fn delete(tx: &mut Tx<'_>, name: &[u8]) -> Result<bool, Error> {
    let Some(line) = Line::find(tx, name)? else {
        return Ok(false);
    };
    tx.remove(Space::Queues, name);
    tx.remove(Space::Queues, &name_key(line.record.id));
    tx.put(Space::Queues, &purge_key(line.record.id), Vec::new());
    if let Some((parent, _)) = split_child(name)
        && let Some(mut parent) = Line::find(tx, parent)?
    {
        parent.record.children.retain(|child| child != name);
        parent.save(tx);
    }
    Ok(true)
}

/// Moves up to `max` messages to the queues that they come from (dead letters know), or to the one that is named.
/// How many were moved.
pub fn requeue(
    tx: &mut Tx<'_>,
    name: &[u8],
    to: Option<&[u8]>,
    max: usize,
) -> Result<usize, Error> {
    let mut line = to_change(tx, name)?;
    let found = line.next(tx, max)?;
    let moved = found.len();
    for one in found {
        let origin = to.unwrap_or(&one.head.origin);
        if origin.is_empty() || origin == name {
            return Err(Error::InvalidOptions(format!(
                "message {} of the queue {:?} comes from no other queue: name the one to move it to",
                one.seq,
                name.escape_ascii().to_string()
            )));
        }
        let mut target = Line::open(tx, origin)?;
        let head = Head { origin: Vec::new(), deliveries: 0, expires: 0, ..one.head.clone() };
        target.append(tx, &head, &one.body, None)?;
        target.save(tx);
        line.remove(tx, one.seq, &one.slip);
    }
    line.save(tx);
    Ok(moved)
}

fn to_change(tx: &Tx<'_>, name: &[u8]) -> Result<Line, Error> {
    Line::find(tx, name)?.ok_or_else(|| no_queue(name))
}

/// There is no such queue.
pub fn no_queue(name: &[u8]) -> Error {
    Error::NoQueue(name.escape_ascii().to_string())
}
