//! A conversation with the store in text: lines, and the data behind some of them.

use super::super::{Language, Moment, Replies};
use super::range::Range;
use super::{meta, own, stats, verbs};
use crate::buffer::{OUTPUT_HIGH, Output};
use crate::conversation::Step;
use crate::conversation::incoming::{Line, Storing, Value, fits_input, swallow};
use crate::conversation::stage::Stage;
use crate::conversation::text::log;
use crate::dispatch::{After, Desk};
use crate::protocol::ascii::{self, Admin, Command, Get, Request, Write, keys_fit};
use crate::protocol::{reply, token, token::Tokens};
use crate::server::Doing;
use nearcache::KEY_MAX;
use nearcache_store::Store;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// After so many keys of one get, others have their turn.
const KEYS: usize = 64;

/// Where we are.
#[derive(Debug)]
pub struct Text {
    store: Arc<Store>,
    /// The request we are in.
    stage: Stage<More>,
    /// This many bytes of the input are known to hold no line's end.
    scanned: usize,
}

/// What takes several steps.
#[derive(Debug)]
enum More {
    /// The keys of a get. Its line is still in the input.
    Keys(Keys),
    /// The items of an `rget`.
    Range(Range),
}

/// A get: its line has `len` bytes, `next` with its end.
#[derive(Clone, Debug)]
struct Keys {
    get: Get,
    len: usize,
    next: usize,
    /// Has a key of a `gat` failed? Then nothing more is said of those behind it.
    has_failed: Arc<AtomicBool>,
}

impl Text {
    /// A conversation that has not begun.
    pub fn new(store: Arc<Store>) -> Text {
        Text { store, stage: Stage::Request, scanned: 0 }
    }

    /// Reads one line and does what it says.
    fn command(&mut self, moment: &mut Moment<'_>) -> Step {
        let Moment { session, desk, input, out, replies, .. } = moment;
        let unread = input.unread();
        if unread.is_empty() {
            return Step::Starved;
        }
        let (len, next) = match token::line(unread, self.scanned) {
            token::Line::Whole { len, next } => (len, next),
            token::Line::Partial => {
                self.scanned = unread.len();
                return Step::Starved;
            }
            token::Line::TooLong => return Step::Close,
        };
        self.scanned = 0;
        let line = &unread[..len];
        let request = ascii::parse(line, next);
        let may_wait = match &request {
            Request::Get(get) => get.touch.is_none(),
            Request::Meta(command) => !meta::changes(command),
            Request::Store(_) | Request::Skip { .. } => false,
            Request::Simple { command, .. } => !own::is_change(*command, line),
            Request::MetaNoop | Request::Quit | Request::Http => true,
        };
        if may_wait && !replies.is_empty() {
            return Step::Wait;
        }
        let mark = out.mark();
        let mut used = next;
        let step = match request {
            Request::Get(get) => {
                let keys = Keys { get, len, next, has_failed: Arc::default() };
                if desk.server.verbosity() > 1 {
                    log(session.peer.fd, line, b"");
                }
                if !keys_fit(line, get.keys) {
                    replies.say(reply::BAD_FORMAT, out);
                    input.consume(next);
                    return Step::Done;
                }
                return self.keys(keys, moment);
            }
            Request::Store(write) => {
                let line = Line { text: line, next };
                match storing(&self.store, replies, &write, line, &unread[next..], out) {
                    Storing::Wait => return Step::Starved,
                    Storing::Done(bytes) => used += bytes,
                    Storing::Skip => self.stage = Stage::Swallow(write.data_len() + 2),
                    Storing::Begun(value) => {
                        used = unread.len();
                        self.stage = Stage::Value(value);
                    }
                }
                Step::Done
            }
            Request::Meta(command) => {
                meta::run(&self.store, &desk.server.classes, replies, &command, out);
                Step::Done
            }
            Request::MetaNoop => {
                out.text(reply::META_NOOP);
                Step::Full
            }
            Request::Skip { bytes, words } => {
                self.stage = Stage::Swallow(bytes);
                replies.say(words, out);
                Step::Done
            }
            Request::Simple { command, noreply } => {
                self.simple(command, noreply, line, *desk, replies, out)
            }
            Request::Quit | Request::Http => Step::Close,
        };
        if desk.server.verbosity() > 1 {
            log(session.peer.fd, line, out.since(mark));
        }
        input.consume(used);
        step
    }

    /// A command of one line.
    fn simple(
        &mut self,
        command: Command<'_>,
        noreply: bool,
        line: &[u8],
        desk: Desk<'_>,
        replies: &mut Replies,
        out: &mut Output,
    ) -> Step {
        let store = &self.store;
        match command {
            Command::FlushAll(_) if !desk.server.options.flush => {
                replies.say(if noreply { b"" } else { reply::FLUSH_DISABLED }, out);
            }
            _ if verbs::change(store, replies, command, noreply) => {}
            Command::Refused(words) if words == reply::ERROR => match own::parse(line) {
                Some(own::Own::Rget(range)) => {
                    self.stage = Stage::More(More::Range(Range::new(&range)));
                }
                Some(own::Own::Chore(chore)) => {
                    let ticket = replies.later(0);
                    desk.server.durable.chores.begin(chore, store.database(), ticket);
                }
                Some(own) => own.answer(desk, out),
                None => replies.say(if noreply { b"" } else { words }, out),
            },
            Command::Refused(words) => replies.say(if noreply { b"" } else { words }, out),
            Command::Stats(words) => {
                if let After::Report(report) = stats::answer(store, desk, words, out) {
                    self.stage = Stage::Report(report);
                }
            }
            Command::DebugTime(seconds) => match store.advance_clock(seconds) {
                Ok(()) => out.text(reply::OK),
                Err(_) => out.text(reply::ERROR),
            },
            Command::Version
            | Command::Verbosity(_)
            | Command::Shutdown(_)
            | Command::Admin(Admin::RefreshCerts, _) => {
                if let After::Stop(stop) = desk.simple(command, noreply, out) {
                    return Step::Stop(stop);
                }
            }
            // Of a cache's memory, which is not here.
            _ => replies.say(if noreply { b"" } else { reply::ERROR }, out),
        }
        Step::Done
    }

    /// Answers the keys of a get, as far as there is room.
    fn keys(&mut self, mut keys: Keys, moment: &mut Moment<'_>) -> Step {
        let Moment { input, out, replies, .. } = moment;
        let Get { cas, touch, .. } = keys.get;
        let line = &input.unread()[..keys.len];
        let mut words = Tokens::new(line, keys.get.keys).peekable();
        let (mut at, mut answered) = (keys.get.keys, 0);
        let step = loop {
            let Some(key) = words.next() else {
                if touch.is_none() {
                    out.text(reply::END);
                }
                break None;
            };
            at = end_of(line, at, key);
            match touch {
                Some(expiry) => {
                    let is_last = words.peek().is_none();
                    let how = (expiry, cas);
                    let failed = &keys.has_failed;
                    verbs::touch_and_get(&self.store, replies, key, how, failed, is_last);
                    if replies.is_full() && !is_last {
                        break Some(Step::Wait);
                    }
                }
                None => match self.store.get(key) {
                    Ok(Some(value)) => {
                        out.value_copied(key, cas, value.flags, value.cas, &value.data);
                    }
                    Ok(None) => {}
                    Err(error) => {
                        out.text(&verbs::failed(&error));
                        break None;
                    }
                },
            }
            answered += 1;
            if touch.is_none() && (out.unsent().len() >= OUTPUT_HIGH || answered == KEYS) {
                break Some(Step::Full);
            }
        };
        match step {
            Some(step) => {
                keys.get.keys = at;
                self.stage = Stage::More(More::Keys(keys));
                step
            }
            None => {
                self.stage = Stage::Request;
                input.consume(keys.next);
                Step::Done
            }
        }
    }
}

/// Where in the line the key ends that is the next one from byte `at` on.
fn end_of(line: &[u8], at: usize, key: &[u8]) -> usize {
    let spaces = line[at..].iter().take_while(|&&byte| byte == b' ').count();
    at + spaces + key.len()
}

impl Language for Text {
    fn step(&mut self, moment: &mut Moment<'_>) -> Step {
        match std::mem::take(&mut self.stage) {
            Stage::Request => self.command(moment),
            Stage::More(More::Keys(keys)) => self.keys(keys, moment),
            Stage::More(More::Range(mut range)) => {
                if range.more(&self.store, moment.out) {
                    self.stage = Stage::More(More::Range(range));
                    return Step::Full;
                }
                Step::Done
            }
            Stage::Value(mut value) => {
                let Some((line, data)) = value.whole(moment.input, moment.pool) else {
                    self.stage = Stage::Value(value);
                    return Step::Starved;
                };
                if let Request::Store(write) = ascii::parse(line.text, line.next) {
                    whole(&self.store, moment.replies, &write, data, moment.out);
                }
                Step::Done
            }
            Stage::Swallow(mut left) => {
                if !swallow(moment.input, &mut left) {
                    self.stage = Stage::Swallow(left);
                    return Step::Starved;
                }
                Step::Done
            }
            Stage::Report(mut report) => {
                if report.more(moment.desk, moment.out) {
                    self.stage = Stage::Report(report);
                }
                Step::Done
            }
        }
    }

    fn room(&mut self) -> Option<&mut Vec<u8>> {
        self.stage.room()
    }

    fn goes_on(&self) -> bool {
        self.stage.goes_on() || matches!(self.stage, Stage::More(More::Range(_)))
    }

    fn held(&self) -> (usize, usize) {
        self.stage.held()
    }

    fn doing(&self) -> Doing {
        self.stage.doing()
    }
}

/// Does what a storing line says; `line` is the line with its end, `rest` what has come of its data.
fn storing(
    store: &Store,
    replies: &mut Replies,
    write: &Write<'_>,
    line: Line<'_>,
    rest: &[u8],
    out: &mut Output,
) -> Storing {
    let len = write.data_len() + 2;
    if let Some(data) = rest.get(..len) {
        if !refuse_too_large(store, replies, write, out) {
            whole(store, replies, write, data, out);
        }
        return Storing::Done(len);
    }
    if fits_input(line.next + len) {
        return Storing::Wait;
    }
    if refuse_too_large(store, replies, write, out) {
        return Storing::Skip;
    }
    Storing::Begun(Box::new(Value::new(line, len, rest)))
}

/// Stores. `data` is the value with its `\r\n`.
fn whole(store: &Store, replies: &mut Replies, write: &Write<'_>, data: &[u8], out: &mut Output) {
    match (data.split_at_checked(write.data_len()), write) {
        (Some((value, b"\r\n")), Write::Classic(storing)) => {
            verbs::store(store, replies, storing, value);
        }
        (Some((value, b"\r\n")), Write::Meta(storing)) => {
            meta::set(store, replies, storing, value, out);
        }
        (_, Write::Classic(storing)) if storing.noreply => {}
        _ => replies.say(reply::BAD_CHUNK, out),
    }
}

/// Would this value be over the item limit? Asked before the value is read. What was stored before stays.
fn refuse_too_large(
    store: &Store,
    replies: &mut Replies,
    write: &Write<'_>,
    out: &mut Output,
) -> bool {
    let mut room = [0; KEY_MAX];
    let (key, flags, noreply) = match write {
        Write::Classic(storing) => (storing.key, storing.flags, storing.noreply),
        Write::Meta(storing) => match storing.head.key(&mut room) {
            Some(key) => (key, storing.ask.flags, false),
            None => return false,
        },
    };
    let is_too_large = store.check_value(key, write.data_len(), flags).is_err();
    if is_too_large && !noreply {
        replies.say(reply::TOO_LARGE, out);
    }
    is_too_large
}
