//! A conversation with the store in the binary protocol: packets, and the values of some of them.

use super::super::{Language, Moment, Replies, Ticket};
use super::stats;
use super::verbs::{delay, one_line};
use crate::buffer::Output;
use crate::conversation::Step;
use crate::conversation::binary::log;
use crate::conversation::incoming::{Line, Value, fits_input, swallow};
use crate::conversation::sasl::{Sasl, is_open};
use crate::conversation::stage::Stage;
use crate::dispatch::{After, Desk, Stats};
use crate::options::MEMCACHED_VERSION;
use crate::protocol::binary::{
    self, Arith, Get, Header, Parsed, Request, Status, Store as Storing,
};
use crate::server::Doing;
use nearcache::{Deletion, MetaArith, MetaDelete, MetaMode, MetaSet, MetaSum, Outcome, Verb};
use nearcache_store::{Error, Store, Value as Found};
use std::convert::Infallible;
use std::sync::Arc;

/// Where we are.
#[derive(Debug)]
pub struct Binary {
    store: Arc<Store>,
    /// The request we are in.
    stage: Stage<Infallible>,
    sasl: Sasl,
}

impl Binary {
    /// A conversation that has not begun.
    pub fn new(store: Arc<Store>) -> Binary {
        Binary { store, stage: Stage::Request, sasl: Sasl::default() }
    }

    /// Reads one request and does what it says.
    fn request(&mut self, moment: &mut Moment<'_>) -> Step {
        let Moment { session, desk, input, out, replies, .. } = moment;
        let unread = input.unread();
        let (header, request, next) = match binary::parse(unread) {
            Parsed::Request { header, request, next } => (header, request, next),
            Parsed::Partial => return Step::Starved,
            Parsed::Foreign => return Step::Close,
        };
        if !changes(&request) && !replies.is_empty() {
            return Step::Wait;
        }
        let (mark, mut used) = (out.mark(), next);
        let store = &self.store;
        let step = if desk.server.options.sasl && !session.admitted && !is_open(&request) {
            say(replies, &header, Status::AuthError, out);
            Step::Close
        } else {
            match request {
                Request::Store(storing) => {
                    let rest = &unread[next..];
                    let checked = store.check_value(storing.key, storing.len, storing.flags);
                    if checked.is_err() {
                        say(replies, &header, Status::TooLarge, out);
                        self.stage = Stage::Swallow(storing.len);
                    } else if let Some(value) = rest.get(..storing.len) {
                        put(store, replies, &header, &storing, value);
                        used += storing.len;
                    } else if fits_input(next + storing.len) {
                        return Step::Starved;
                    } else {
                        let head = Line { text: &unread[..next], next };
                        used = unread.len();
                        self.stage = Stage::Value(Box::new(Value::new(head, storing.len, rest)));
                    }
                    Step::Done
                }
                Request::Refused { status, skip } => {
                    say(replies, &header, status, out);
                    match skip {
                        Some(bytes) => {
                            self.stage = Stage::Swallow(bytes);
                            Step::Done
                        }
                        None => Step::Close,
                    }
                }
                Request::Quit { quiet } => {
                    if !quiet {
                        out.status(&header, Status::Ok);
                    }
                    Step::Close
                }
                Request::SaslList | Request::Sasl(_) => {
                    self.sasl.answer(session, *desk, &header, &request, out);
                    Step::Done
                }
                request => {
                    run(store, *desk, replies, &header, &request, out);
                    Step::Done
                }
            }
        };
        if desk.server.verbosity() > 1 {
            log(session.peer.fd, &header, out.since(mark));
        }
        input.consume(used);
        step
    }
}

impl Language for Binary {
    fn step(&mut self, moment: &mut Moment<'_>) -> Step {
        match std::mem::take(&mut self.stage) {
            Stage::Request => return self.request(moment),
            Stage::Value(mut value) => {
                let Some((head, data)) = value.whole(moment.input, moment.pool) else {
                    self.stage = Stage::Value(value);
                    return Step::Starved;
                };
                if let Parsed::Request { header, request: Request::Store(storing), .. } =
                    binary::parse(head.text)
                {
                    put(&self.store, moment.replies, &header, &storing, data);
                }
            }
            Stage::Swallow(mut left) => {
                if !swallow(moment.input, &mut left) {
                    self.stage = Stage::Swallow(left);
                    return Step::Starved;
                }
            }
            Stage::Report(_) => {}
            Stage::More(never) => match never {},
        }
        Step::Done
    }

    fn room(&mut self) -> Option<&mut Vec<u8>> {
        self.stage.room()
    }

    fn held(&self) -> (usize, usize) {
        self.stage.held()
    }

    fn doing(&self) -> Doing {
        self.stage.doing()
    }
}

/// Can it be taken though replies are outstanding?
fn changes(request: &Request<'_>) -> bool {
    match request {
        Request::Get(get) => get.touch.is_some(),
        Request::Store(_)
        | Request::Delete { .. }
        | Request::Arith(_)
        | Request::Flush { .. }
        | Request::Refused { .. } => true,
        _ => false,
    }
}

/// An answer of any kind, on its own.
fn packet(
    header: &Header,
    status: Status,
    extras: &[u8],
    key: &[u8],
    value: &[u8],
    cas: u64,
) -> Vec<u8> {
    let lengths = (extras.len(), key.len(), value.len());
    [&header.answer(status, lengths, cas)[..], extras, key, value].concat()
}

fn status(header: &Header, status: Status) -> Vec<u8> {
    packet(header, status, b"", b"", status.text(), 0)
}

/// A status behind what is outstanding.
fn say(replies: &mut Replies, header: &Header, what: Status, out: &mut Output) {
    replies.say(&status(header, what), out);
}

/// A failure; where memcached has no word for it, the value is its sentence.
fn failed(header: &Header, error: &Error) -> Vec<u8> {
    let sentence = |status| packet(header, status, b"", b"", one_line(error).as_bytes(), 0);
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => status(header, Status::Invalid),
        Error::ValueTooLarge { .. } => status(header, Status::TooLarge),
        Error::NotNumeric => status(header, Status::NotNumeric),
        Error::DiskFull(_) | Error::OverQuota { .. } => sentence(Status::NoMemory),
        _ => sentence(Status::Internal),
    }
}

/// A ticket for what holds so many bytes; lost, it answers in this language.
fn ticket(replies: &mut Replies, header: &Header, bytes: usize) -> Ticket {
    replies.later(256 + bytes).or(status(header, Status::Internal))
}

/// Stores.
fn put(store: &Store, replies: &mut Replies, header: &Header, storing: &Storing<'_>, value: &[u8]) {
    let &Storing { verb, key, flags, expiry, quiet, .. } = storing;
    let mode = match verb {
        Verb::Set | Verb::Cas(_) => MetaMode::Set,
        Verb::Add => MetaMode::Add,
        Verb::Replace => MetaMode::Replace,
        Verb::Append => MetaMode::Append,
        Verb::Prepend => MetaMode::Prepend,
    };
    let is_join = matches!(verb, Verb::Append | Verb::Prepend);
    // Only this protocol can append to the item of a unique.
    let compare = match verb {
        Verb::Cas(unique) => Some(unique),
        _ => Some(header.cas).filter(|&unique| is_join && unique != 0),
    };
    let ask = MetaSet { mode, flags, expiry, compare, ..MetaSet::default() };
    let header = *header;
    let ticket = ticket(replies, &header, key.len() + value.len());
    store.meta_set_with(key, value, ask, move |stored| {
        let missing = if is_join { Status::NotStored } else { Status::Missing };
        ticket.answer(match stored.map(|stored| stored.outcome) {
            Ok(Outcome::Stored(_)) if quiet => Vec::new(),
            Ok(Outcome::Stored(cas)) => packet(&header, Status::Ok, b"", b"", b"", cas),
            Ok(Outcome::Exists) => status(&header, Status::Exists),
            Ok(Outcome::Missing) => status(&header, missing),
            Ok(Outcome::NotStored) => status(
                &header,
                match verb {
                    Verb::Add => Status::Exists,
                    Verb::Replace => Status::Missing,
                    _ => Status::NotStored,
                },
            ),
            Err(error) => failed(&header, &error),
        });
    });
}

/// Executes a request that is whole.
fn run(
    store: &Store,
    desk: Desk<'_>,
    replies: &mut Replies,
    header: &Header,
    request: &Request<'_>,
    out: &mut Output,
) {
    match *request {
        Request::Get(get) => fetch(store, replies, header, &get, out),
        Request::Delete { key, quiet } => {
            let header = *header;
            let compare = Some(header.cas).filter(|&unique| unique != 0);
            let ticket = ticket(replies, &header, key.len());
            let ask = MetaDelete { compare, ..MetaDelete::default() };
            store.meta_delete_with(key, ask, move |deleted| {
                ticket.answer(match deleted {
                    Ok((Deletion::Deleted, _)) if quiet => Vec::new(),
                    Ok((Deletion::Deleted, _)) => status(&header, Status::Ok),
                    Ok((Deletion::Missing, _)) => status(&header, Status::Missing),
                    Ok((Deletion::Exists, _)) => status(&header, Status::Exists),
                    Err(error) => failed(&header, &error),
                });
            });
        }
        Request::Arith(arith) => count(store, replies, header, &arith),
        Request::Flush { .. } if !desk.server.options.flush => {
            say(replies, header, Status::AuthError, out);
        }
        Request::Flush { exptime, quiet } => {
            let header = *header;
            let ticket = ticket(replies, &header, 0);
            store.flush_all_with(delay(store, i64::from(exptime)), move |flushed| {
                ticket.answer(match flushed {
                    Ok(()) if quiet => Vec::new(),
                    Ok(()) => status(&header, Status::Ok),
                    Err(error) => failed(&header, &error),
                });
            });
        }
        Request::Noop => out.status(header, Status::Ok),
        Request::Version => out.packet(header, Status::Ok, b"", MEMCACHED_VERSION.as_bytes(), 0),
        Request::Stat(words) => {
            let mut stats_text = Stats::new(*header);
            if let After::Report(mut report) =
                stats::answer(store, desk, words, &mut stats_text.text)
            {
                while report.more(desk, &mut stats_text.text) {}
            }
            stats_text.pass_on(out);
        }
        // The conversation's own.
        _ => {}
    }
}

fn fetch(store: &Store, replies: &mut Replies, header: &Header, get: &Get<'_>, out: &mut Output) {
    let &Get { key, touch, value, with_key, quiet } = get;
    let shown = if with_key { key } else { b"" };
    let Some(expiry) = touch else {
        let answer = found(header, shown, (value, quiet), store.get(key));
        return replies.say(&answer, out);
    };
    let (header, shown) = (*header, shown.to_vec());
    let ticket = ticket(replies, &header, 16 << 10);
    store.gat_with(key, expiry, move |touched| {
        ticket.answer(found(&header, &shown, (value, quiet), touched));
    });
}

/// The answer of a get; `key` is empty where it is not to be repeated.
fn found(
    header: &Header,
    key: &[u8],
    (with_value, quiet): (bool, bool),
    came: Result<Option<Found>, Error>,
) -> Vec<u8> {
    match came {
        Ok(Some(found)) => {
            let value: &[u8] = if with_value { &found.data } else { b"" };
            packet(header, Status::Ok, &found.flags.to_be_bytes(), key, value, found.cas)
        }
        Ok(None) if quiet => Vec::new(),
        Ok(None) if !key.is_empty() => packet(header, Status::Missing, b"", key, b"", 0),
        Ok(None) => status(header, Status::Missing),
        Err(error) => failed(header, &error),
    }
}

fn count(store: &Store, replies: &mut Replies, header: &Header, arith: &Arith<'_>) {
    let &Arith { key, down, delta, initial, make: vivify, quiet } = arith;
    let compare = Some(header.cas).filter(|&unique| unique != 0);
    let ask = MetaArith { down, delta, initial, vivify, compare, ..MetaArith::default() };
    let header = *header;
    let ticket = ticket(replies, &header, key.len());
    store.meta_arith_with(key, ask, move |sum| {
        ticket.answer(match sum {
            Ok(MetaSum::Number { .. }) if quiet => Vec::new(),
            Ok(MetaSum::Number { number, cas, .. }) => {
                packet(&header, Status::Ok, b"", b"", &number.to_be_bytes(), cas)
            }
            Ok(MetaSum::Missing) => status(&header, Status::Missing),
            Ok(MetaSum::Exists) => status(&header, Status::Exists),
            Err(error) => failed(&header, &error),
        });
    });
}
