//! The classic gets: of one key, and of as many as a line holds.

use super::{Came, Deed, Desk, Item, Kind};
use crate::buffer::Output;
use crate::counters::Count;
use crate::protocol::ascii::{self, Get};
use crate::protocol::{reply, token::Tokens};
use nearcache::{Error, KEY_MAX, Meta};

/// How far a multiget came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All keys are answered.
    Done,
    /// The output is full; the next key begins at this byte of the line.
    Full(usize),
}

/// How many keys the core is asked for at a time.
const BATCH: usize = 32;

/// Values of this length or less may be copied twice for the sake of asking for several at a time.
const COPIED_TWICE: usize = 4096;

/// After so many batches of one get, others have their turn, even if none of the keys was there.
const BATCHES: u32 = 64;

/// Some keys of a get.
struct Batch<'a> {
    keys: [&'a [u8]; BATCH],
    /// Where in the line each of them ends.
    ends: [usize; BATCH],
    len: usize,
}

impl<'a> Batch<'a> {
    fn new() -> Batch<'a> {
        Batch { keys: [&[]; BATCH], ends: [0; BATCH], len: 0 }
    }

    /// Takes the next keys from byte `at` of the line on; false if one of them is too long.
    fn read(&mut self, line: &'a [u8], at: usize) -> bool {
        self.len = 0;
        let mut words = Tokens::new(line, at);
        while self.len < BATCH
            && let Some(key) = words.next()
        {
            if key.len() > KEY_MAX {
                return false;
            }
            self.keys[self.len] = key;
            self.ends[self.len] = words.position();
            self.len += 1;
        }
        true
    }

    fn keys(&self) -> &[&'a [u8]] {
        &self.keys[..self.len]
    }
}

impl Get {
    fn deed(self, key: &[u8], found: Option<Meta>) -> Deed<'_> {
        let (kind, command) = match (self.touch, self.cas) {
            (None, false) => (Kind::Fetch, "get"),
            (None, true) => (Kind::Fetch, "gets"),
            (Some(_), false) => (Kind::FetchAndTouch, "gat"),
            (Some(_), true) => (Kind::FetchAndTouch, "gats"),
        };
        let came = if found.is_some() { Came::Done } else { Came::Missing };
        Deed { kind, command, key, came, item: found.map(Item::from) }
    }
}

impl Desk<'_> {
    /// Answers the keys of a get from byte `get.keys` of its line on, until the output holds `full` bytes.
    /// The reply of this get begins at `mark` of the output, if none of it has been sent.
    pub fn get(
        self,
        line: &[u8],
        get: Get,
        mark: Option<usize>,
        full: usize,
        out: &mut Output,
    ) -> Progress {
        let mut words = Tokens::new(line, get.keys);
        match (words.next(), words.next()) {
            // Most gets are of one key.
            (Some(key), None) if key.len() <= KEY_MAX => {
                match self.get_one(key, get, out) {
                    Ok(()) => out.text(reply::END),
                    Err(error) => self.failed(&error, reply::NO_MEMORY, out),
                }
                Progress::Done
            }
            _ => self.get_several(line, get, mark, full, out),
        }
    }

    fn get_several(
        self,
        line: &[u8],
        get: Get,
        mark: Option<usize>,
        full: usize,
        out: &mut Output,
    ) -> Progress {
        let too_long = |out: &mut Output| {
            // Nothing of a reply may be seen if one of its keys is too long.
            if let Some(mark) = mark {
                out.back_to(mark);
            }
            out.text(reply::BAD_FORMAT);
            Progress::Done
        };
        let (mut at, mut left, mut batch) = (get.keys, BATCHES, Batch::new());
        loop {
            if !batch.read(line, at) {
                return too_long(out);
            }
            if batch.len == 0 {
                out.text(reply::END);
                return Progress::Done;
            }
            let together = batch.len > 1 && get.touch.is_none() && out.last_len() <= COPIED_TWICE;
            let answered = match together {
                true => self.get_together(&batch, get, full, out),
                false => self.get_each(&batch, get, full, out),
            };
            match answered {
                Ok(count) => at = batch.ends[count - 1],
                Err(error) => {
                    self.failed(&error, reply::NO_MEMORY, out);
                    return Progress::Done;
                }
            }
            left -= 1;
            if out.unsent().len() >= full || left == 0 {
                if mark.is_some() && !ascii::keys_fit(line, at) {
                    return too_long(out);
                }
                return Progress::Full(at);
            }
        }
    }

    /// One call for each key. Answers how many keys were answered.
    fn get_each(
        self,
        batch: &Batch<'_>,
        get: Get,
        full: usize,
        out: &mut Output,
    ) -> Result<usize, Error> {
        for (index, key) in batch.keys().iter().enumerate() {
            self.get_one(key, get, out)?;
            if out.unsent().len() >= full {
                return Ok(index + 1);
            }
        }
        Ok(batch.len)
    }

    /// One key, copied straight into the output.
    #[inline]
    fn get_one(self, key: &[u8], get: Get, out: &mut Output) -> Result<(), Error> {
        let mut value = out.value(key, get.cas);
        let found = match get.touch {
            None => self.server.cache.get_to(key, &mut value),
            Some(expiry) => self.server.cache.gat_to(key, expiry, &mut value),
        };
        match found {
            Ok(Some(meta)) => {
                value.hit(meta.flags, self.shown(meta));
                self.note(get.deed(key, Some(meta)));
                Ok(())
            }
            Ok(None) => {
                value.miss();
                self.note(get.deed(key, None));
                Ok(())
            }
            Err(error) => {
                value.miss();
                Err(error)
            }
        }
    }

    /// One call for all keys: the core then waits for memory once, not once a key, at the price of a second copy. If
    /// the values are so large that the output is full before the end, the rest is not taken, and asked for again when
    /// there is room; the statistics do not count that.
    fn get_together(
        self,
        batch: &Batch<'_>,
        get: Get,
        full: usize,
        out: &mut Output,
    ) -> Result<usize, Error> {
        let mut answered = None;
        let mut hits_left = 0;
        let mut found = 0u32;
        let keys = batch.keys();
        self.server.cache.get_many(keys, |index, meta, data| {
            if answered.is_some() {
                hits_left += 1;
                return;
            }
            out.value_copied(keys[index], get.cas, meta.flags, self.shown(meta), data);
            self.note(get.deed(keys[index], Some(meta)));
            found |= 1 << index;
            if out.unsent().len() >= full {
                answered = Some(index + 1);
            }
        })?;
        let answered = answered.unwrap_or(batch.len);
        if answered < batch.len {
            let again = (batch.len - answered) as u64;
            self.counters.add(Count::AskedAgain, again);
            self.counters.add(Count::AskedAgainHits, hits_left);
        }
        if self.noting() {
            let missing = |index: &usize| found & 1 << index == 0;
            for index in (0..answered).filter(missing) {
                self.note(get.deed(keys[index], None));
            }
        }
        Ok(answered)
    }
}
