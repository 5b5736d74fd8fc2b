//! The binary protocol's requests: one call of the core each, and the packets of its answer. Most failures answer with a
//! status and its text; the quiet variants keep silent about success, and the getting ones about a miss.

use super::{After, Came, Deed, Desk, Item, Kind, error_came, verb_name};
use crate::buffer::Output;
use crate::counters::Count;
use crate::options::MEMCACHED_VERSION;
use crate::protocol::ascii::Command;
use crate::protocol::binary::{Arith, Get, HEADER_LEN, Header, Request, Status, Store};
use crate::report::Report;
use nearcache::size_of_item;
use nearcache::{Deletion, Error, MetaArith, MetaMode, MetaSet, MetaSum, Outcome, Verb};

impl Output {
    /// An answer of any kind.
    pub fn packet(&mut self, header: &Header, status: Status, key: &[u8], value: &[u8], cas: u64) {
        self.text(&header.answer(status, (0, key.len(), value.len()), cas));
        self.text(key);
        self.text(value);
    }

    /// An answer of a status and its text alone.
    pub fn status(&mut self, header: &Header, status: Status) {
        self.packet(header, status, b"", status.text(), 0);
    }
}

impl Desk<'_> {
    /// Executes a request that is whole. Those that store or close are the conversation's.
    pub fn binary(self, header: &Header, request: &Request<'_>, out: &mut Output) -> After {
        match *request {
            Request::Get(get) => self.packet_get(header, &get, out),
            Request::Delete { key, quiet } => self.packet_delete(header, key, quiet, out),
            Request::Arith(arith) => self.packet_arith(header, &arith, out),
            Request::Flush { exptime, quiet } => self.packet_flush(header, exptime, quiet, out),
            Request::Noop => out.status(header, Status::Ok),
            Request::Version => {
                out.packet(header, Status::Ok, b"", MEMCACHED_VERSION.as_bytes(), 0);
            }
            Request::Stat(words) => return self.packet_stat(header, words, out),
            _ => {}
        }
        After::Nothing
    }

    fn packet_get(self, header: &Header, get: &Get<'_>, out: &mut Output) {
        let mark = out.mark();
        let key = if get.with_key { get.key } else { b"" };
        // Header and flags are written over this when they are known.
        out.packet(header, Status::Ok, &[0; 4], key, 0);
        let mut data = out.data(get.value);
        let found = match get.touch {
            None => self.server.cache.get_to(get.key, &mut data),
            Some(expiry) => self.server.cache.gat_to(get.key, expiry, &mut data),
        };
        let (kind, command) = match (get.touch, get.value) {
            (None, _) => (Kind::Fetch, "get"),
            (Some(_), true) => (Kind::FetchAndTouch, "gat"),
            (Some(_), false) => (Kind::Touch, "touch"),
        };
        let mut deed = Deed { kind, command, key: get.key, came: Came::Missing, item: None };
        if get.touch.is_some() {
            // To memcached this is a touch and no get: the core's count of one is taken back.
            self.counters.add(Count::AskedAgain, 1);
            self.counters.add(Count::AskedAgainHits, u64::from(matches!(found, Ok(Some(_)))));
        }
        match found {
            Ok(Some(meta)) => {
                data.keep();
                let value = if get.value { meta.len } else { 0 };
                let lengths = (4, key.len(), value);
                out.overwrite(mark, &header.answer(Status::Ok, lengths, self.shown(meta)));
                out.overwrite(mark + HEADER_LEN, &meta.flags.to_be_bytes());
                (deed.came, deed.item) = (Came::Done, Some(Item::from(meta)));
            }
            Ok(None) => {
                data.miss();
                out.back_to(mark);
                if get.with_key && !get.quiet {
                    out.packet(header, Status::Missing, key, b"", 0);
                } else if !get.quiet {
                    out.status(header, Status::Missing);
                }
            }
            Err(error) => {
                data.miss();
                out.back_to(mark);
                out.status(header, status_of(&error));
                deed.came = error_came(&error);
            }
        }
        self.note(deed);
    }

    /// Would this value be over the item limit? Asked before the value is read. If so, answers, and removes the old
    /// value of a SET as memcached does.
    pub fn refuse_packet(self, header: &Header, store: &Store<'_>, out: &mut Output) -> bool {
        let size = size_of_item(store.key.len(), store.len, store.flags);
        if size <= self.server.cache.item_size_max() {
            return false;
        }
        self.too_large(verb_name(store.verb), store.key, store.removes);
        out.status(header, Status::TooLarge);
        true
    }

    /// Stores a value that [`Desk::refuse_packet`] has let pass.
    pub fn store_packet(self, header: &Header, store: &Store<'_>, value: &[u8], out: &mut Output) {
        let (came, status, cas) = match self.put(header, store, value) {
            Ok(Outcome::Stored(cas)) => (Came::Done, Status::Ok, cas),
            Ok(Outcome::NotStored) => (Came::NotStored, not_stored(store.verb), 0),
            Ok(Outcome::Exists) => (Came::Exists, Status::Exists, 0),
            Ok(Outcome::Missing) if is_join(store.verb) => (Came::NotStored, Status::NotStored, 0),
            Ok(Outcome::Missing) => (Came::Missing, Status::Missing, 0),
            Err(error) => (error_came(&error), status_of(&error), 0),
        };
        if status != Status::Ok {
            out.status(header, status);
        } else if !store.quiet {
            out.packet(header, status, b"", b"", if self.server.options.cas { cas } else { 0 });
        }
        let kind = if matches!(store.verb, Verb::Cas(_)) { Kind::Cas } else { Kind::Store };
        let ttl = self.seconds_left(store.expiry);
        let item = Some(Item { len: value.len(), flags: store.flags, ttl });
        self.note(Deed { kind, command: verb_name(store.verb), key: store.key, came, item });
    }

    fn put(self, header: &Header, store: &Store<'_>, value: &[u8]) -> Result<Outcome, Error> {
        let (cache, key) = (&self.server.cache, store.key);
        let uniques = self.server.options.cas;
        match store.verb {
            // Without uniques none can match.
            Verb::Cas(_) if !uniques => cache.contains(key).map(|found| match found {
                true => Outcome::Exists,
                false => Outcome::Missing,
            }),
            // Only this protocol can append to the item of a unique.
            Verb::Append | Verb::Prepend if uniques && header.cas != 0 => {
                let mode = match store.verb {
                    Verb::Append => MetaMode::Append,
                    _ => MetaMode::Prepend,
                };
                let ask = MetaSet { mode, compare: Some(header.cas), ..MetaSet::default() };
                cache.meta_set(key, value, ask).map(|stored| stored.outcome)
            }
            verb => cache.store(verb, key, value, store.flags, store.expiry),
        }
    }

    fn packet_delete(self, header: &Header, key: &[u8], quiet: bool, out: &mut Output) {
        let cache = &self.server.cache;
        let deletion = match header.cas {
            0 => cache.delete(key),
            // Every item's unique is 0 to the client, and never 0 to the core.
            unique => cache.delete_cas(key, if self.server.options.cas { unique } else { 0 }),
        };
        let (came, status) = match deletion {
            Ok(Deletion::Deleted) => (Came::Done, Status::Ok),
            Ok(Deletion::Missing) => (Came::Missing, Status::Missing),
            Ok(Deletion::Exists) => (Came::Exists, Status::Exists),
            Err(error) => (error_came(&error), status_of(&error)),
        };
        if status != Status::Ok || !quiet {
            out.status(header, status);
        }
        self.note(Deed { kind: Kind::Delete, command: "delete", key, came, item: None });
    }

    fn packet_arith(self, header: &Header, arith: &Arith<'_>, out: &mut Output) {
        let &Arith { key, down, delta, initial, make: vivify, quiet } = arith;
        let cache = &self.server.cache;
        let compare = Some(header.cas).filter(|&unique| unique != 0);
        let ask = MetaArith { down, delta, initial, vivify, compare, ..MetaArith::default() };
        let sum = match self.server.options.cas || compare.is_none() {
            true => cache.meta_arith(key, ask),
            // Without uniques none can match; but what is missing may still be made.
            false => match cache.contains(key) {
                Ok(true) => Ok(MetaSum::Exists),
                Ok(false) => cache.meta_arith(key, MetaArith { compare: None, ..ask }),
                Err(error) => Err(error),
            },
        };
        let (came, status) = match sum {
            Ok(MetaSum::Number { number, cas, .. }) => {
                if !quiet {
                    let cas = if self.server.options.cas { cas } else { 0 };
                    out.packet(header, Status::Ok, b"", &number.to_be_bytes(), cas);
                }
                (Came::Done, Status::Ok)
            }
            Ok(MetaSum::Missing) => (Came::Missing, Status::Missing),
            Ok(MetaSum::Exists) => (Came::Exists, Status::Exists),
            Err(error) => (error_came(&error), status_of(&error)),
        };
        if status != Status::Ok {
            out.status(header, status);
        }
        let (kind, command) = match down {
            false => (Kind::Incr, "incr"),
            true => (Kind::Decr, "decr"),
        };
        self.note(Deed { kind, command, key, came, item: None });
    }

    fn packet_flush(self, header: &Header, exptime: u32, quiet: bool, out: &mut Output) {
        let status = match self.server.options.flush {
            false => Status::AuthError,
            true => match self.flush(i64::from(exptime)) {
                Ok(()) => Status::Ok,
                Err(error) => status_of(&error),
            },
        };
        if status != Status::Ok || !quiet {
            out.status(header, status);
        }
    }

    /// `stats` of the text protocol, its lines as packets.
    fn packet_stat(self, header: &Header, words: &[u8], out: &mut Output) -> After {
        let whole = (words == b"detail dump").then(Vec::new);
        let mut stats = Stats { whole, ..Stats::new(*header) };
        match self.simple(Command::Stats(words), false, &mut stats.text) {
            After::Report(report) => {
                stats.report = Some(report);
                After::Report(Box::new(stats))
            }
            after => {
                stats.pass_on(out);
                after
            }
        }
    }
}

/// A STAT on its way from text to packets.
#[derive(Debug)]
pub(crate) struct Stats {
    header: Header,
    /// The lines of a dump, which make one value.
    whole: Option<Vec<u8>>,
    /// What is not yet passed on.
    pub(crate) text: Output,
    /// Whoever makes more of it.
    report: Option<Box<dyn Report>>,
}

impl Stats {
    /// One that is to be answered.
    pub(crate) fn new(header: Header) -> Stats {
        Stats { header, whole: None, text: Output::default(), report: None }
    }

    /// Makes a packet of each line.
    pub(crate) fn pass_on(&mut self, out: &mut Output) {
        let Stats { header, whole, text, .. } = self;
        while let Some(end) = memchr::memmem::find(text.unsent(), b"\r\n") {
            let line = &text.unsent()[..end];
            let mut words = line.splitn(3, |&byte| byte == b' ');
            let (word, name, value) = (words.next(), words.next(), words.next());
            match (word, name, value) {
                (Some(b"STAT" | b"ITEM"), Some(name), value) => {
                    out.packet(header, Status::Ok, name, value.unwrap_or_default(), 0);
                }
                (Some(b"PREFIX"), ..) => {
                    if let Some(whole) = whole {
                        whole.extend_from_slice(&text.unsent()[..end + 2]);
                    }
                }
                (Some(b"END" | b"RESET" | b"OK"), None, None) => {
                    if let Some(mut whole) = whole.take() {
                        whole.extend_from_slice(b"END\r\n");
                        out.packet(header, Status::Ok, b"detailed", &whole, 0);
                    }
                    out.status(header, Status::Ok);
                }
                _ => out.status(header, Status::Missing),
            }
            text.advance(end + 2);
        }
    }
}

impl Report for Stats {
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool {
        let text = &mut self.text;
        let more = self.report.as_mut().is_some_and(|report| report.more(desk, text));
        self.pass_on(out);
        more
    }

    fn held(&self) -> usize {
        let whole = self.whole.as_ref().map_or(0, Vec::capacity);
        whole + self.text.capacity() + self.report.as_ref().map_or(0, |report| report.held())
    }
}

fn is_join(verb: Verb) -> bool {
    matches!(verb, Verb::Append | Verb::Prepend)
}

/// What it means to a verb that nothing was stored.
fn not_stored(verb: Verb) -> Status {
    match verb {
        Verb::Add => Status::Exists,
        Verb::Replace => Status::Missing,
        _ => Status::NotStored,
    }
}

fn status_of(error: &Error) -> Status {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => Status::Invalid,
        Error::ValueTooLarge { .. } => Status::TooLarge,
        // The places for threads: one is free when another process ends.
        Error::OutOfMemory | Error::TooManyThreads(_) => Status::NoMemory,
        Error::NotNumeric => Status::NotNumeric,
        error => {
            eprintln!("nearcached: {error}");
            Status::Internal
        }
    }
}
