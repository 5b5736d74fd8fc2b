//! From a request to one call of the core, and from the core's answer to its words. No I/O happens here.

mod admin;
mod binary;
mod deed;
mod fetch;
mod limit;
mod meta;

use crate::buffer::Output;
use crate::counters::{Count, Counters};
use crate::log::Watch;
use crate::protocol::ascii::{Command, Shutdown, Store, Write};
use crate::protocol::reply;
use crate::report::{Report, Silent};
use crate::server::{Server, Stop};
use crate::stats;
use nearcache::size_of_item;
use nearcache::{Deletion, Error, Expiry, KEY_MAX, Meta, MetaDelete, Outcome, Verb};

pub(crate) use binary::Stats;
pub use deed::{Came, Deed, Item, Kind};
pub use fetch::Progress;

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

impl Desk<'_> {
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
        if size_of_item(key.len(), len, flags) <= self.server.cache.item_size_max() {
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
