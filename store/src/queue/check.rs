//! Verification: what the queues' records and the schedule say is counted again from the messages themselves. A step
//! that forgets a count, or a batch of which half is lost, shows here.

use super::Queues;
use super::message::{FIRST_NAME, Head, Kind, PURGE, Slip};
use super::message::{message_key, name_key, seq_of, slip_key, split_slip_key};
use super::record::{Record, split_child};
use crate::Error;
use crate::check::wrong;
use crate::committer::read_ledger;
use crate::engine::{Space, View};
use crate::page::{GoOn, Progress, each};
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// A queue's record beside what was counted.
struct Counted {
    name: String,
    record: Record,
    messages: u64,
    bytes: u64,
    fresh: u64,
    /// Of the schedule: what came back, what is delayed, what somebody has.
    noted: [u64; 3],
    first_back: u64,
    /// The sum of the hashes of the messages that are not fresh, less that of the schedule's: 0 if both are of the same
    /// ones, each once.
    balance: u64,
}

impl Counted {
    fn of(name: &[u8], record: Record) -> Counted {
        let name = name.escape_ascii().to_string();
        let (messages, bytes, fresh, noted) = (0, 0, 0, [0; 3]);
        Counted { name, record, messages, bytes, fresh, noted, first_back: u64::MAX, balance: 0 }
    }

    /// Was the message never handed out, and waits for no time?
    fn is_fresh(&self, seq: u64, head: &Head) -> bool {
        seq >= self.record.cursor && !head.is_delayed
    }

    fn wrong(&self, what: String) -> Error {
        wrong(format!("the queue \"{}\": {what}", self.name))
    }

    /// Does the record say what was counted?
    fn compare(&self) -> Result<(), Error> {
        let record = &self.record;
        let told = [
            record.len(),
            record.bytes,
            record.fresh,
            record.returned,
            record.delayed,
            record.reserved,
        ];
        let [back, delayed, leased] = self.noted;
        let counted = [self.messages, self.bytes, self.fresh, back, delayed, leased];
        if told != counted {
            return Err(self.wrong(format!(
                "its record says (messages, bytes, fresh, returned, delayed, reserved) {told:?}, but there are \
                 {counted:?}"
            )));
        }
        if self.balance != 0 {
            return Err(self.wrong("a message is noted twice, and another not at all".into()));
        }
        if self.first_back < record.back {
            return Err(self.wrong(format!(
                "message {} came back, but its record looks from {} on",
                self.first_back, record.back
            )));
        }
        Ok(())
    }
}

struct Check<'a> {
    view: &'a dyn View,
    last: u64,
    /// By their numbers.
    queues: HashMap<u64, Counted>,
    /// Queues whose messages are to be removed in passing.
    dropped: HashSet<u64>,
    messages: u64,
    bytes: u64,
}

impl Queues {
    /// Reads every queue, as of now, and counts it again; the first thing that is wrong is the error. Others may use
    /// the queues meanwhile. (What is in the store is verified by [`Store::verify`](crate::Store::verify).)
    pub fn verify(&self, go_on: GoOn<'_>) -> Result<(), Error> {
        self.check_fork()?;
        let view = self.db.snapshot()?;
        let ledger = read_ledger(view.as_ref())?;
        let mut progress = Progress { done: 0, of: ledger.messages };
        let mut check = Check {
            view: view.as_ref(),
            last: ledger.seq,
            queues: HashMap::new(),
            dropped: HashSet::new(),
            messages: 0,
            bytes: 0,
        };
        check.records()?;
        each(view.as_ref(), Space::Messages, &mut |key, value| {
            check.message(key, value)?;
            progress.step(go_on)
        })?;
        let mut ask = |_: Progress| go_on(progress);
        let mut noted = Progress::default();
        each(view.as_ref(), Space::Schedule, &mut |key, slip| {
            check.slip(key, slip)?;
            noted.step(&mut ask)
        })?;
        each(view.as_ref(), Space::Ids, &mut |key, known| {
            check.id(key, known)?;
            noted.step(&mut ask)
        })?;
        check.queues.values().try_for_each(Counted::compare)?;
        let (told, counted) =
            ((ledger.messages, ledger.message_bytes), (check.messages, check.bytes));
        if told != counted {
            return Err(wrong(format!(
                "the books say {} messages of {} bytes, but there are {} of {}",
                told.0, told.1, counted.0, counted.1
            )));
        }
        go_on(progress);
        Ok(())
    }
}

impl Check<'_> {
    fn is_there(&self, space: Space, key: &[u8]) -> Result<bool, Error> {
        self.view.read(space, key, &mut |_| ())
    }

    /// A number that was given out?
    fn given(&self, what: &str, seq: u64) -> Result<(), Error> {
        match seq <= self.last {
            true => Ok(()),
            false => {
                Err(wrong(format!("{what} has the number {seq} after the last, {}", self.last)))
            }
        }
    }

    /// The queues, and whether their numbers lead to their names.
    fn records(&mut self) -> Result<(), Error> {
        let (mut numbers, mut names) = (0_usize, HashSet::new());
        each(self.view, Space::Queues, &mut |key, value| {
            if key >= FIRST_NAME {
                let record = Record::decode(value)?;
                self.given("a queue", record.id)?;
                names.insert(key.to_vec());
                let (id, counted) = (record.id, Counted::of(key, record));
                if self.view.get(Space::Queues, &name_key(id))?.as_deref() != Some(key) {
                    return Err(counted.wrong("its number does not lead to its name".into()));
                }
                self.queues.insert(id, counted);
            } else if key.starts_with(PURGE) {
                self.dropped.insert(seq_of(key).unwrap_or_default());
            } else {
                numbers += 1;
            }
            Ok(())
        })?;
        if numbers != self.queues.len() {
            return Err(wrong(format!(
                "{numbers} numbers of queues are noted, and there are {} queues",
                self.queues.len()
            )));
        }
        let told: HashSet<&[u8]> =
            self.queues.values().flat_map(|q| &q.record.children).map(Vec::as_slice).collect();
        let is_copy = |name: &Vec<u8>| split_child(name).is_some_and(|(of, _)| names.contains(of));
        let there: HashSet<&[u8]> =
            names.iter().filter(|name| is_copy(name)).map(Vec::as_slice).collect();
        match told == there {
            true => Ok(()),
            false => Err(wrong("the readers' copies of a queue are not those it knows of".into())),
        }
    }

    fn message(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (queue, seq) = (first_word(key), seq_of(key).unwrap_or_default());
        let (head, _) = Head::decode(value)?;
        let bytes = 16 + value.len() as u64;
        self.given("a message", seq)?;
        (self.messages, self.bytes) = (self.messages + 1, self.bytes + bytes);
        let Some(counted) = self.queues.get_mut(&queue) else {
            return match self.dropped.contains(&queue) {
                true => Ok(()),
                false => Err(wrong(format!("message {seq} belongs to no queue"))),
            };
        };
        (counted.messages, counted.bytes) = (counted.messages + 1, counted.bytes + bytes);
        if !counted.is_fresh(seq, &head) {
            counted.balance = counted.balance.wrapping_add(xxh3_64(key));
            return Ok(());
        }
        counted.fresh += 1;
        let counted = &self.queues[&queue];
        let expiry = slip_key(head.expires as i64, Kind::Expiry, queue, &seq.to_be_bytes());
        match head.expires == 0 || self.is_there(Space::Schedule, &expiry)? {
            true => Ok(()),
            false => Err(counted.wrong(format!("the end of message {seq} is not noted"))),
        }
    }

    fn slip(&mut self, key: &[u8], slip: &[u8]) -> Result<(), Error> {
        let (_, kind, queue, rest) = split_slip_key(key)
            .ok_or_else(|| wrong("the schedule has a key that is none".into()))?;
        self.given("a queue of the schedule", queue)?;
        // What is noted of a queue that is gone goes in its time.
        let (Some(counted), true) = (self.queues.get_mut(&queue), kind != Kind::Id) else {
            return Ok(());
        };
        let seq = seq_of(rest).unwrap_or_default();
        let at = message_key(queue, seq);
        let slip = Slip::decode(slip)?;
        let mut is_right = Ok(false);
        self.view.read(Space::Messages, &at, &mut |value| {
            is_right = Head::decode(value).map(|(head, _)| {
                slip.bytes == at.len() as u64 + value.len() as u64
                    && slip.expires == head.expires
                    && (kind == Kind::Expiry || !counted.is_fresh(seq, &head))
            });
        })?;
        if !is_right? {
            let what = format!("message {seq} is not as the schedule says ({kind:?}, {slip:?})");
            return Err(counted.wrong(what));
        }
        let place = match kind {
            Kind::Back => 0,
            Kind::Delay => 1,
            Kind::Lease => 2,
            Kind::Expiry | Kind::Id => return Ok(()),
        };
        counted.noted[place] += 1;
        counted.balance = counted.balance.wrapping_sub(xxh3_64(&at));
        if kind == Kind::Back {
            counted.first_back = counted.first_back.min(seq);
        }
        Ok(())
    }

    /// An id that is known is forgotten one day.
    fn id(&self, key: &[u8], known: &[u8]) -> Result<(), Error> {
        let known = Slip::decode(known)?;
        self.given("the message of an id", known.bytes)?;
        let (queue, id) = (first_word(key), key.get(8..).unwrap_or_default());
        let forget = slip_key(known.expires as i64, Kind::Id, queue, id);
        match self.is_there(Space::Schedule, &forget)? {
            true => Ok(()),
            false => {
                Err(wrong(format!("the id \"{}\" would be known for ever", id.escape_ascii())))
            }
        }
    }
}

fn first_word(key: &[u8]) -> u64 {
    key.first_chunk().map_or(0, |word| u64::from_be_bytes(*word))
}
