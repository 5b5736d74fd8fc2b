//! One queue within one step of the committer: what putting in, handing out and coming back do to its record, its
//! messages and the schedule. Every change ends with [`Line::save`].

use super::message::{Head, Kind, message_key, name_key, purge_key, seq_of, slip_key};
use super::message::{Message, Slip};
use super::record::{DEAD, Record, Settings, split_child};
use crate::Error;
use crate::committer::Tx;
use crate::engine::{Range, Space, View};
use std::ops::Bound;

/// A queue under its name, as the running step has changed it.
pub struct Line {
    pub name: Vec<u8>,
    pub record: Record,
}

/// A message that was taken out of the line of those that wait, and is nowhere until it is put somewhere.
pub struct Found {
    pub seq: u64,
    pub head: Head,
    pub body: Vec<u8>,
    pub slip: Slip,
}

impl Found {
    /// As its consumer gets it, once more delivered.
    pub fn message(&self) -> Message {
        let deliveries = self.slip.deliveries.saturating_add(1);
        Message::of(self.seq, self.head.clone(), &self.body, deliveries)
    }
}

/// Is shown a message: its number, its bytes in the engine, head and body; says whether to go on.
type Visit<'a> = &'a mut dyn FnMut(u64, u64, Head, &[u8]) -> bool;

/// Of a message that is noted somewhere and is not there.
fn gone(name: &[u8], seq: u64) -> Error {
    Error::Damaged(format!(
        "message {seq} of the queue {:?} is noted, but not there: verify the store, and restore a backup",
        name.escape_ascii().to_string()
    ))
}

/// The readers' copies of a queue that are there.
fn children(tx: &Tx<'_>, name: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let from = [name, b"+"].concat();
    let to = [name, b","].concat();
    let range = Range { from: Bound::Included(&from), to: Bound::Excluded(&to) };
    let mut names = Vec::new();
    tx.scan(Space::Queues, range, &mut |key, _| {
        names.push(key.to_vec());
        true
    })?;
    Ok(names)
}

impl Line {
    /// The queue, if there is one.
    pub fn find(tx: &Tx<'_>, name: &[u8]) -> Result<Option<Line>, Error> {
        Ok(Record::load(tx, name)?.map(|record| Line { name: name.to_vec(), record }))
    }

    /// The queue with this number, if it is there still.
    pub fn of_id(tx: &Tx<'_>, id: u64) -> Result<Option<Line>, Error> {
        match tx.get(Space::Queues, &name_key(id))? {
            Some(name) => Line::find(tx, &name),
            None => Ok(None),
        }
    }

    /// The queue; made if there is none. A reader's copy (`queue+reader`) gets, from then on, what its queue gets.
    pub fn open(tx: &mut Tx<'_>, name: &[u8]) -> Result<Line, Error> {
        if let Some(line) = Line::find(tx, name)? {
            return Ok(line);
        }
        let id = tx.next_seq();
        let made = tx.now().max(0) as u64;
        let record = Record { id, made, back: u64::MAX, ..Record::default() };
        tx.put(Space::Queues, &name_key(id), name.to_vec());
        let mut line = Line { name: name.to_vec(), record };
        if let Some((parent, _)) = split_child(name) {
            let mut parent = Line::open(tx, parent)?;
            line.record.settings = parent.record.settings.clone();
            line.save(tx);
            if !parent.record.children.iter().any(|child| child == name) {
                parent.record.children.push(name.to_vec());
                parent.save(tx);
            }
        } else {
            // Readers' copies that outlived a queue of this name go on.
            line.record.children = children(tx, name)?;
            line.save(tx);
        }
        Ok(line)
    }

    /// Writes the record.
    pub fn save(&self, tx: &mut Tx<'_>) {
        tx.put(Space::Queues, &self.name, self.record.encode());
    }

    fn key(&self, seq: u64) -> [u8; 16] {
        message_key(self.record.id, seq)
    }

    fn slip_key(&self, at: i64, kind: Kind, seq: u64) -> Vec<u8> {
        slip_key(at, kind, self.record.id, &seq.to_be_bytes())
    }

    /// Puts a message at the end, here and in every reader's copy; to wait until `due` if that is given.
    pub fn append(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        body: &[u8],
        due: Option<i64>,
    ) -> Result<u64, Error> {
        let seq = tx.next_seq();
        let value = head.encode(body);
        let slip = Slip { deliveries: 0, bytes: 16 + value.len() as u64, expires: head.expires };
        tx.put(Space::Messages, &self.key(seq), value);
        let ledger = tx.ledger_mut();
        ledger.messages += 1;
        ledger.message_bytes += slip.bytes;
        self.record.bytes += slip.bytes;
        self.record.totals.pushed += 1;
        match due {
            Some(at) => {
                tx.put(Space::Schedule, &self.slip_key(at, Kind::Delay, seq), slip.encode());
                self.record.delayed += 1;
            }
            None => self.record.fresh += 1,
        }
        if head.expires != 0 {
            let key = self.slip_key(head.expires as i64, Kind::Expiry, seq);
            tx.put(Space::Schedule, &key, slip.encode());
        }
        for child in self.record.children.clone() {
            let mut line = Line::open(tx, &child)?;
            line.append(tx, head, body, due)?;
            line.save(tx);
        }
        Ok(seq)
    }

    /// Up to `max` messages that can be handed out, in the order in which they were put in. They are out of the line
    /// then.
    pub fn next(&mut self, tx: &mut Tx<'_>, max: usize) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        while found.len() < max && self.record.ready() > 0 {
            let want = max - found.len();
            // Those that came back are mostly before those that nobody was given; a delay may have ended late.
            let back = match self.record.returned {
                0 => Vec::new(),
                _ => self.first_back(tx, want)?,
            };
            let fresh = match back.last() {
                Some((last, _)) if *last >= self.record.cursor => self.first_fresh(tx)?,
                _ => None,
            };
            let some = match (back.first(), fresh) {
                (Some((first, _)), Some(fresh)) if fresh < *first => {
                    self.fresh(tx, want, *first)?
                }
                (None, _) => self.fresh(tx, want, u64::MAX)?,
                (_, fresh) => self.returned(tx, back, fresh.unwrap_or(u64::MAX))?,
            };
            for one in some {
                match one.head.is_expired(tx.now()) {
                    true => self.expire(tx, one)?,
                    false => found.push(one),
                }
            }
        }
        Ok(found)
    }

    /// The first messages that came back: their numbers and slips.
    fn first_back(&self, view: &dyn View, max: usize) -> Result<Vec<(u64, Slip)>, Error> {
        let from = self.slip_key(0, Kind::Back, self.record.back);
        let to = self.slip_key(0, Kind::Back, u64::MAX);
        let range = Range { from: Bound::Included(&from), to: Bound::Included(&to) };
        let mut slips = Vec::new();
        view.scan(Space::Schedule, range, &mut |key, slip| {
            slips.push(Slip::decode(slip).map(|slip| (seq_of(key).unwrap_or_default(), slip)));
            slips.len() < max
        })?;
        match slips.is_empty() {
            true => Err(gone(&self.name, self.record.back)),
            false => slips.into_iter().collect(),
        }
    }

    /// The number of the first message that nobody was given, if there is one.
    fn first_fresh(&mut self, view: &dyn View) -> Result<Option<u64>, Error> {
        if self.record.fresh == 0 {
            return Ok(None);
        }
        let mut first = None;
        self.scan_fresh(view, u64::MAX, &mut |seq, _, _, _| {
            first = Some(seq);
            false
        })?;
        let first = first.ok_or_else(|| gone(&self.name, self.record.cursor))?;
        self.record.cursor = first;
        Ok(Some(first))
    }

    /// Shows the messages from the cursor on that nobody was given: number, bytes in the engine, head and body.
    fn scan_fresh(&self, view: &dyn View, until: u64, visit: Visit<'_>) -> Result<(), Error> {
        let (from, to) = (self.key(self.record.cursor), self.key(until));
        let range = Range { from: Bound::Included(&from), to: Bound::Excluded(&to) };
        let mut result = Ok(());
        view.scan(Space::Messages, range, &mut |key, value| match Head::decode(value) {
            // Its slip brings it back when it is due.
            Ok((head, _)) if head.is_delayed => true,
            Ok((head, body)) => {
                visit(seq_of(key).unwrap_or_default(), 16 + value.len() as u64, head, body)
            }
            Err(e) => {
                result = Err(e);
                false
            }
        })?;
        result
    }

    /// Takes those of these messages that come before `until`.
    fn returned(
        &mut self,
        tx: &mut Tx<'_>,
        back: Vec<(u64, Slip)>,
        until: u64,
    ) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        for (seq, slip) in back.into_iter().take_while(|(seq, _)| *seq < until) {
            tx.remove(Space::Schedule, &self.slip_key(0, Kind::Back, seq));
            found.push(self.read(tx, seq, slip)?);
            self.record.back = seq + 1;
            self.record.returned = self.record.returned.saturating_sub(1);
        }
        if self.record.returned == 0 {
            self.record.back = u64::MAX;
        }
        Ok(found)
    }

    /// Takes messages that nobody was given yet, from the cursor on and before `until`.
    fn fresh(&mut self, tx: &mut Tx<'_>, max: usize, until: u64) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        self.scan_fresh(tx, until, &mut |seq, bytes, head, body| {
            let slip = Slip { deliveries: 0, bytes, expires: head.expires };
            found.push(Found { seq, head, body: body.to_vec(), slip });
            found.len() < max
        })?;
        let last = found.last().ok_or_else(|| gone(&self.name, self.record.cursor))?;
        self.record.cursor = last.seq + 1;
        self.record.fresh = self.record.fresh.saturating_sub(found.len() as u64);
        Ok(found)
    }

    fn read(&self, view: &dyn View, seq: u64, slip: Slip) -> Result<Found, Error> {
        let value =
            view.get(Space::Messages, &self.key(seq))?.ok_or_else(|| gone(&self.name, seq))?;
        let (head, body) = Head::decode(&value)?;
        Ok(Found { seq, head, body: body.to_vec(), slip })
    }

    /// The first messages in line, without taking them out.
    pub fn peek(&self, view: &dyn View, max: usize) -> Result<Vec<Message>, Error> {
        let mut found = Vec::new();
        if self.record.returned > 0 && max > 0 {
            for (seq, slip) in self.first_back(view, max)? {
                let one = self.read(view, seq, slip)?;
                found.push(Message::of(seq, one.head, &one.body, slip.deliveries));
            }
        }
        let back = found.len();
        if self.record.fresh > 0 && max > 0 {
            self.scan_fresh(view, u64::MAX, &mut |seq, _, head, body| {
                found.push(Message::of(seq, head, body, 0));
                found.len() - back < max
            })?;
        }
        found.sort_by_key(|message| message.seq);
        found.truncate(max);
        Ok(found)
    }

    /// Removes a message for good. (Whoever calls has taken it out of the line, or ended its lease.)
    pub fn remove(&mut self, tx: &mut Tx<'_>, seq: u64, slip: &Slip) {
        tx.remove(Space::Messages, &self.key(seq));
        if slip.expires != 0 {
            tx.remove(Space::Schedule, &self.slip_key(slip.expires as i64, Kind::Expiry, seq));
        }
        let ledger = tx.ledger_mut();
        ledger.messages = ledger.messages.saturating_sub(1);
        ledger.message_bytes = ledger.message_bytes.saturating_sub(slip.bytes);
        self.record.bytes = self.record.bytes.saturating_sub(slip.bytes);
    }

    /// A message comes back, to be delivered again after `delay` seconds. `false`: it is a dead letter now, or expired.
    pub fn come_back(
        &mut self,
        tx: &mut Tx<'_>,
        seq: u64,
        slip: Slip,
        delay: u32,
    ) -> Result<bool, Error> {
        let most = self.record.settings.max_deliveries;
        if slip.expires != 0 && slip.expires <= tx.now().max(0) as u64 {
            let found = self.read(tx, seq, slip)?;
            self.expire(tx, found)?;
            return Ok(false);
        }
        if most != 0 && slip.deliveries >= most {
            let found = self.read(tx, seq, slip)?;
            self.bury(tx, &found)?;
            return Ok(false);
        }
        self.record.totals.returned += u64::from(slip.deliveries > 0);
        if delay > 0 {
            let at = tx.now().saturating_add(delay.into());
            tx.put(Space::Schedule, &self.slip_key(at, Kind::Delay, seq), slip.encode());
            self.record.delayed += 1;
        } else {
            tx.put(Space::Schedule, &self.slip_key(0, Kind::Back, seq), slip.encode());
            self.record.back = self.record.back.min(seq);
            self.record.returned += 1;
        }
        Ok(true)
    }

    /// Ends a message whose time is over: it goes where expired ones go, or away.
    pub fn expire(&mut self, tx: &mut Tx<'_>, found: Found) -> Result<(), Error> {
        self.record.totals.expired += 1;
        let to = self.record.settings.expired_to.clone();
        if !to.is_empty() {
            self.hand_over(tx, &found, &to)?;
        }
        self.remove(tx, found.seq, &found.slip);
        Ok(())
    }

    /// Moves a message to the dead letters.
    fn bury(&mut self, tx: &mut Tx<'_>, found: &Found) -> Result<(), Error> {
        self.record.totals.dead += 1;
        self.hand_over(tx, found, &self.dead_letters())?;
        self.remove(tx, found.seq, &found.slip);
        Ok(())
    }

    /// Where this queue's dead letters go.
    pub fn dead_letters(&self) -> Vec<u8> {
        match self.record.settings.dead_letters.as_slice() {
            // A reader's copy has its own, which is no reader's copy.
            b"" => {
                let name = self.name.iter().map(|byte| if *byte == b'+' { b'.' } else { *byte });
                name.chain(DEAD.iter().copied()).collect()
            }
            name => name.to_vec(),
        }
    }

    /// Puts a copy into a queue that keeps what could not be delivered. That it is full, or over quota, is no reason to
    /// lose it.
    fn hand_over(&self, tx: &mut Tx<'_>, found: &Found, to: &[u8]) -> Result<(), Error> {
        let is_new = Line::find(tx, to)?.is_none();
        let mut line = Line::open(tx, to)?;
        if is_new {
            line.record.settings = Settings { max_deliveries: 0, ..Settings::default() };
        }
        let head = Head {
            expires: 0,
            is_delayed: false,
            deliveries: found.slip.deliveries,
            origin: self.name.clone(),
            ..found.head.clone()
        };
        line.append(tx, &head, &found.body, None)?;
        line.save(tx);
        Ok(())
    }

    /// Leaves everything that is in it to be removed in passing, and goes on empty, under another number.
    pub fn purge(&mut self, tx: &mut Tx<'_>) {
        let old = self.record.id;
        tx.remove(Space::Queues, &name_key(old));
        tx.put(Space::Queues, &purge_key(old), Vec::new());
        let id = tx.next_seq();
        tx.put(Space::Queues, &name_key(id), self.name.clone());
        self.record = Record {
            id,
            cursor: 0,
            back: u64::MAX,
            returned: 0,
            fresh: 0,
            reserved: 0,
            delayed: 0,
            bytes: 0,
            ..std::mem::take(&mut self.record)
        };
    }
}
