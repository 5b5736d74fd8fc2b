//! From a request to one call of the core, and from the core's answer to its words. No I/O happens here.

mod admin;
mod binary;
mod deed;
mod limit;
mod meta;

use crate::buffer::Output;
use crate::classes::item_size;
use crate::counters::{Count, Counters};
use crate::log::Watch;
use crate::protocol::ascii::{self, Command, Get, Shutdown, Store, Write};
use crate::protocol::{reply, token::Tokens};
use crate::report::{Report, Silent};
use crate::server::{Server, Stop};
use crate::stats;
use nearcache::{Deletion, Error, Expiry, KEY_MAX, Meta, MetaDelete, Outcome, Verb};

pub use deed::{Came, Deed, Item, Kind};

/// Who executes: the server and the counters of the calling worker.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// The cache and the settings.
    pub server: &'a Server,
    /// The worker's own counters.
    pub counters: &'a Counters,
    /// The descriptor of the connection for which it is done.
    pub fd: i32,
}

/// What is to happen when a command is answered, besides sending the answer.
#[derive(Debug)]
pub enum After {
    /// Nothing.
    Nothing,
    /// The answer is made in pieces: by this.
    Report(Box<dyn Report>),
    /// The connection is the log's from now on, which answers.
    Watch(Watch),
    /// The server ends.
    Stop(Stop),
}

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

    /// The unique as clients see it: with `-C` there is none.
    fn shown(self, meta: Meta) -> u64 {
        if self.server.options.cas { meta.cas } else { 0 }
    }

    /// Would this value be over the item limit? Asked before the value is read, so that nobody can make us hold
    /// more than one item of it. If so, answers, and removes the old value of a `set` or `ms` as memcached does.
    pub fn refuse_too_large(self, write: &Write<'_>, out: &mut Output) -> bool {
        let (mut room, len) = ([0; KEY_MAX], write.data_len());
        let (command, key, flags, removes, noreply) = match write {
            Write::Classic(store) => {
                let removes = store.verb == Verb::Set;
                (verb_name(store.verb), store.key, store.flags, removes, store.noreply)
            }
            // Its quiet flag does not hide errors.
            Write::Meta(store) => match store.head.key(&mut room) {
                Some(key) => ("ms", key, store.ask.flags, true, false),
                None => return false,
            },
        };
        if item_size(key.len(), flags, len) <= self.server.cache.item_size_max() {
            return false;
        }
        self.too_large(command, key, removes);
        if !noreply {
            out.text(reply::TOO_LARGE);
        }
        true
    }

    /// Counts a value that was refused for its size; one that was to be stored unconditionally removes the old one.
    pub fn too_large(self, command: &'static str, key: &[u8], removes: bool) {
        self.counters.add(Count::TooLarge, 1);
        if removes {
            match self.server.cache.delete(key) {
                Ok(Deletion::Deleted) => self.counters.add(Count::UnlinkHits, 1),
                _ => self.counters.add(Count::UnlinkMisses, 1),
            }
        }
        self.note(Deed { kind: Kind::Store, command, key, came: Came::TooLarge, item: None });
    }

    /// Stores. `data` is the value with its `\r\n`.
    pub fn store(self, write: &Write<'_>, data: &[u8], out: &mut Output) {
        let mark = out.mark();
        match (data.split_at_checked(write.data_len()), write) {
            (Some((value, b"\r\n")), Write::Classic(store)) => self.store_value(store, value, out),
            (Some((value, b"\r\n")), Write::Meta(store)) => self.meta_set(store, value, out),
            _ => out.text(reply::BAD_CHUNK),
        }
        if matches!(write, Write::Classic(store) if store.noreply) {
            out.back_to(mark);
        }
    }

    fn store_value(self, store: &Store<'_>, value: &[u8], out: &mut Output) {
        let cache = &self.server.cache;
        let cas = matches!(store.verb, Verb::Cas(_));
        let (came, words) = if cas && !self.server.options.cas {
            // Without uniques none can match.
            match cache.contains(store.key) {
                Ok(true) => (Came::Exists, reply::EXISTS),
                _ => (Came::Missing, reply::NOT_FOUND),
            }
        } else {
            match cache.store(store.verb, store.key, value, store.flags, store.expiry) {
                Ok(Outcome::Stored(_)) => (Came::Done, reply::STORED),
                Ok(Outcome::NotStored) => (Came::NotStored, reply::NOT_STORED),
                Ok(Outcome::Exists) => (Came::Exists, reply::EXISTS),
                Ok(Outcome::Missing) => (Came::Missing, reply::NOT_FOUND),
                Err(error) => {
                    (error_came(&error), self.words_for(&error, reply::NO_MEMORY_STORING))
                }
            }
        };
        out.text(words);
        let kind = if cas { Kind::Cas } else { Kind::Store };
        let ttl = self.seconds_left(store.expiry);
        let item = Some(Item { len: value.len(), flags: store.flags, ttl });
        self.note(Deed { kind, command: verb_name(store.verb), key: store.key, came, item });
    }

    /// How long an item of this expiry lives; `None` is for ever.
    fn seconds_left(self, expiry: Expiry) -> Option<u32> {
        match expiry {
            Expiry::After(seconds) => Some(seconds),
            Expiry::Never => None,
            Expiry::Past => Some(0),
            Expiry::At(time) => {
                let left = time.saturating_sub(self.server.cache.unix_time());
                Some(u32::try_from(left.max(0)).unwrap_or(u32::MAX))
            }
        }
    }

    /// Executes a command of one line.
    pub fn simple(self, command: Command<'_>, noreply: bool, out: &mut Output) -> After {
        let mark = out.mark();
        let after = self.answer(command, out);
        if !noreply {
            return after;
        }
        out.back_to(mark);
        match after {
            After::Report(report) => After::Report(Box::new(Silent(report))),
            after => after,
        }
    }

    fn answer(self, command: Command<'_>, out: &mut Output) -> After {
        let cache = &self.server.cache;
        match command {
            Command::Incr(key, delta) => {
                self.number(Kind::Incr, "incr", key, cache.incr(key, delta), out);
            }
            Command::Decr(key, delta) => {
                self.number(Kind::Decr, "decr", key, cache.decr(key, delta), out);
            }
            Command::Touch(key, expiry) => {
                let (came, item, words) = match cache.touch_seen(key, expiry) {
                    Ok(Some(met)) => (Came::Done, Some(met.into()), reply::TOUCHED),
                    Ok(None) => (Came::Missing, None, reply::NOT_FOUND),
                    Err(error) => {
                        (error_came(&error), None, self.words_for(&error, reply::NO_MEMORY))
                    }
                };
                out.text(words);
                self.note(Deed { kind: Kind::Touch, command: "touch", key, came, item });
            }
            Command::Delete(key) => {
                let deleted = cache.meta_delete_seen(key, MetaDelete::default());
                let (came, item, words) = match deleted {
                    Ok((Deletion::Deleted, met)) => {
                        (Came::Done, met.map(Item::from), reply::DELETED)
                    }
                    Ok(_) => (Came::Missing, None, reply::NOT_FOUND),
                    Err(error) => {
                        (error_came(&error), None, self.words_for(&error, reply::NO_MEMORY))
                    }
                };
                out.text(words);
                self.note(Deed { kind: Kind::Delete, command: "delete", key, came, item });
            }
            Command::Refused(words) => out.text(words),
            Command::Version => out.text(reply::VERSION),
            Command::FlushAll(exptime) => self.flush_all(exptime, out),
            Command::Verbosity(level) => {
                self.server.set_verbosity(level);
                out.text(reply::OK);
            }
            Command::MemoryLimit(megabytes) => return self.memory_limit(megabytes, out),
            Command::Stats(words) => return stats::answer(self, words, out),
            Command::Admin(admin, words) => return self.administer(admin, words, out),
            Command::Shutdown(mode) => return self.shutdown(mode, out),
            Command::DebugTime(seconds) => match cache.advance_clock(seconds) {
                Ok(()) => out.text(reply::OK),
                Err(_) => out.text(reply::ERROR),
            },
        }
        After::Nothing
    }

    fn number(
        self,
        kind: Kind,
        command: &'static str,
        key: &[u8],
        result: Result<Option<u64>, Error>,
        out: &mut Output,
    ) {
        let mut item = None;
        let came = match result {
            Ok(Some(value)) => {
                out.number(value);
                out.text(b"\r\n");
                item = Some(Item::number(value));
                Came::Done
            }
            Ok(None) => {
                out.text(reply::NOT_FOUND);
                Came::Missing
            }
            Err(error) => {
                self.failed(&error, reply::NO_MEMORY, out);
                error_came(&error)
            }
        };
        self.note(Deed { kind, command, key, came, item });
    }

    fn flush_all(self, exptime: i32, out: &mut Output) {
        if !self.server.options.flush {
            return out.text(reply::FLUSH_DISABLED);
        }
        match self.flush(i64::from(exptime)) {
            Ok(()) => out.text(reply::OK),
            Err(error) => self.failed(&error, reply::NO_MEMORY, out),
        }
    }

    /// Everything dies now, or at `exptime`.
    fn flush(self, exptime: i64) -> Result<(), Error> {
        self.server.cache.flush_all(self.seconds_left(Expiry::from_exptime(exptime)).unwrap_or(0))
    }

    fn shutdown(self, mode: Shutdown, out: &mut Output) -> After {
        if !self.server.options.shutdown_command {
            out.text(reply::SHUTDOWN_DISABLED);
            return After::Nothing;
        }
        match mode {
            Shutdown::Now => After::Stop(Stop::Now),
            Shutdown::Graceful => After::Stop(Stop::Graceful),
            Shutdown::Unknown => {
                out.text(reply::BAD_SHUTDOWN);
                After::Nothing
            }
        }
    }

    fn failed(self, error: &Error, no_memory: &'static [u8], out: &mut Output) {
        out.text(self.words_for(error, no_memory));
    }

    /// The words for a failure. What only a damaged arena or the system can cause is said in the log, too.
    fn words_for(self, error: &Error, no_memory: &'static [u8]) -> &'static [u8] {
        match error {
            Error::KeyEmpty | Error::KeyTooLong { .. } => reply::BAD_FORMAT,
            Error::ValueTooLarge { .. } => reply::TOO_LARGE,
            Error::OutOfMemory => no_memory,
            Error::NotNumeric => reply::NON_NUMERIC,
            // The other processes of a region have taken them; it ends when one of them does.
            Error::TooManyThreads(_) => reply::NO_PLACE,
            error => {
                eprintln!("nearcached: {error}");
                reply::INTERNAL
            }
        }
    }
}

/// A storing verb's name.
fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Set => "set",
        Verb::Add => "add",
        Verb::Replace => "replace",
        Verb::Append => "append",
        Verb::Prepend => "prepend",
        Verb::Cas(_) => "cas",
    }
}

/// How a failure is noted.
fn error_came(error: &Error) -> Came {
    match error {
        Error::ValueTooLarge { .. } => Came::TooLarge,
        Error::OutOfMemory => Came::NoMemory,
        _ => Came::NotStored,
    }
}
