//! A conversation with the queues in text: lines, and the data behind some of them. What is to be written is answered
//! later, through a ticket; what decides about open messages holds up the requests behind it until it is.

use super::ask::{self, Command, Get, Request, Set, Take, client_error};
use super::asked::{self, Asked};
use super::commands;
use super::hall::Hall;
use super::session::Session;
use super::words::{self, CLOSED, EXPIRED};
use crate::conversation::Step;
use crate::conversation::incoming::{Line, Value, fits_input, swallow};
use crate::conversation::stage::Stage;
use crate::durable::{Language, Moment};
use crate::protocol::{reply, token};
use crate::server::{Doing, Stop};
use nearcache::Expiry;
use nearcache_store::Error;
use nearcache_store::queue::{Push, steps};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a get of several queues takes at most; the queues behind it keep what they have.
const TAKE_BYTES: usize = 1 << 20;
/// About what a reply of a get holds until it is sent.
const GET_WEIGHT: usize = 256;

/// The conversation.
#[derive(Debug)]
pub struct Text {
    session: Arc<Session>,
    stage: Stage<()>,
    /// This many bytes of the input are known to hold no line's end.
    scanned: usize,
    /// The line that is being read, out of the input.
    line: Vec<u8>,
}

impl Text {
    /// One that begins.
    pub fn new(hall: Arc<Hall>) -> Text {
        let session = Session::new(hall);
        Text { session, stage: Stage::Request, scanned: 0, line: Vec::new() }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.session.end();
    }
}

impl Language for Text {
    fn step(&mut self, moment: &mut Moment<'_>) -> Step {
        match &mut self.stage {
            Stage::Value(value) => {
                let Some((line, data)) = value.whole(moment.input, moment.pool) else {
                    return Step::Starved;
                };
                if let Request::Set(set) = ask::parse(line.text) {
                    let data = data.to_vec();
                    put(&self.session, moment, &set, data);
                }
                self.stage = Stage::Request;
                Step::Done
            }
            Stage::Swallow(left) => {
                if !swallow(moment.input, left) {
                    return Step::Starved;
                }
                self.stage = Stage::Request;
                Step::Done
            }
            Stage::Request | Stage::Report(_) | Stage::More(()) => self.command(moment),
        }
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

    fn leave(&mut self) {
        self.session.leave();
    }
}

impl Text {
    /// Reads one line and does what it says.
    fn command(&mut self, moment: &mut Moment<'_>) -> Step {
        let unread = moment.input.unread();
        if unread.is_empty() {
            return Step::Starved;
        }
        if self.session.is_busy() {
            return Step::Wait;
        }
        let (len, next) = match token::line(unread, self.scanned) {
            token::Line::Whole { len, next } => (len, next),
            token::Line::Partial => {
                self.scanned = unread.len();
                return Step::Starved;
            }
            token::Line::TooLong => {
                moment.now(&client_error("the line is too long"));
                return Step::Close;
            }
        };
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(&unread[..len]);
        let step = self.request(moment, &line, next);
        if step != Said::Starved && moment.desk.server.verbosity() > 1 {
            eprintln!("<{} {}", moment.session.peer.fd, line.escape_ascii());
        }
        // A long get is rare.
        line.shrink_to(token::LINE_MAX);
        self.line = line;
        match step {
            Said::Starved => Step::Starved,
            Said::Done => Step::Done,
            Said::Close => Step::Close,
            Said::Stop(stop) => Step::Stop(stop),
        }
    }

    /// Does what a line says; `next` is its length in the input, where it still is.
    fn request(&mut self, moment: &mut Moment<'_>, line: &[u8], next: usize) -> Said {
        let request = ask::parse(line);
        if let Request::Set(set) = &request {
            return self.set(moment, set, Line { text: line, next });
        }
        self.used(moment, next);
        match request {
            Request::Set(_) => {}
            Request::Take(take) => self.take(moment, &take),
            Request::Get(get) => self.get(moment, &get),
            Request::Skip { bytes, words } => {
                moment.now(&words);
                self.stage = Stage::Swallow(bytes);
            }
            Request::Simple { command: Command::Refused(words), noreply } => {
                if !noreply {
                    moment.now(&words);
                }
            }
            Request::Simple { command, noreply } => {
                if let Some(stop) = commands::run(&self.session, moment, command, noreply) {
                    return Said::Stop(stop);
                }
            }
            Request::Quit | Request::Http => return Said::Close,
        }
        Said::Done
    }

    fn used(&mut self, moment: &mut Moment<'_>, bytes: usize) {
        moment.input.consume(bytes);
        self.scanned = 0;
    }

    /// A message comes: whole, or it has its own place to come to, or nobody wants it.
    fn set(&mut self, moment: &mut Moment<'_>, set: &Set<'_>, line: Line<'_>) -> Said {
        let (whole, next) = (set.len + 2, line.next);
        if let Some(words) = refusal(&self.session.hall, set) {
            if !set.noreply {
                moment.now(&words);
            }
            self.used(moment, next);
            self.stage = Stage::Swallow(whole);
            return Said::Done;
        }
        let rest = &moment.input.unread()[next..];
        if rest.len() >= whole {
            let data = rest[..whole].to_vec();
            put(&self.session, moment, set, data);
            self.used(moment, next + whole);
            return Said::Done;
        }
        if fits_input(next + whole) {
            return Said::Starved;
        }
        self.stage = Stage::Value(Box::new(Value::new(line, whole, rest)));
        let all = moment.input.unread().len();
        self.used(moment, all);
        Said::Done
    }

    /// A message of each queue, for good.
    fn take(&mut self, moment: &mut Moment<'_>, take: &Take<'_>) {
        let hall = &self.session.hall;
        hall.counts.gets.add(take.queues.len() as u64);
        // Nobody's turn with the committer is taken for nothing.
        let is_empty = |name: &&[u8]| hall.is_empty(name).unwrap_or(false);
        if moment.replies.is_empty() && take.queues.iter().all(is_empty) {
            hall.counts.misses.add(take.queues.len() as u64);
            return moment.now(reply::END);
        }
        let names: Vec<Arc<[u8]>> = take.queues.iter().map(|name| Arc::from(*name)).collect();
        let (cas, session, hall) = (take.cas, self.session.clone(), hall.clone());
        let ticket = moment.replies.later(GET_WEIGHT).or(CLOSED);
        let work = move |tx: &mut nearcache_store::Tx<'_>| {
            let (mut found, mut bytes) = (Vec::new(), 0);
            for name in names {
                if bytes >= TAKE_BYTES || session.has_ended() {
                    break;
                }
                let messages = steps::take(tx, &name, 1)?;
                bytes += messages.iter().map(|message| message.body.len()).sum::<usize>();
                found.push((name, messages));
            }
            Ok(found)
        };
        let counted = hall.clone();
        let _ = hall.queues.run_with(0, work, move |done: Result<Vec<_>, Error>| {
            ticket.answer(words::told(done, |found| {
                let mut words = Vec::new();
                for (name, messages) in &found {
                    match messages.is_empty() {
                        true => counted.counts.misses.add(1),
                        false => counted.counts.hits.add(1),
                    }
                    for message in messages {
                        words::value(&mut words, name, message, cas);
                    }
                }
                words.extend_from_slice(reply::END);
                words.into()
            }));
        });
    }

    /// A get with options.
    fn get(&mut self, moment: &mut Moment<'_>, get: &Get<'_>) {
        let counts = &self.session.hall.counts;
        let (end, want) = match self.session.plan(get) {
            Ok(plan) => plan,
            Err(words) => return moment.now(&words),
        };
        match get.peek {
            true => counts.peeks.add(1),
            false => counts.gets.add(u64::from(want.is_some())),
        }
        let queue: Arc<[u8]> = Arc::from(get.queue);
        match (end, want) {
            (None, None) => moment.now(reply::END),
            (Some(end), None) => {
                let ticket = moment.replies.later(GET_WEIGHT).or(CLOSED);
                asked::end_only(self.session.begin(), ticket, queue, end);
            }
            (end, Some(want)) => {
                let ticket = moment.replies.later(GET_WEIGHT).or(CLOSED);
                let wait = Duration::from_millis(get.wait.into());
                let until = (get.wait > 0).then(|| Instant::now() + wait);
                Asked::new(self.session.begin(), ticket, queue, want)
                    .shown(get.shown, get.cas)
                    .until(until)
                    .submit(end);
            }
        }
    }
}

/// What a line has come to.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Nothing yet: its data must come first.
    Starved,
    Done,
    Close,
    Stop(Stop),
}

/// Why a message is refused before it was read.
fn refusal(hall: &Hall, set: &Set<'_>) -> Option<words::Words> {
    let limit = hall.queues.limits().message_max;
    if set.len > limit {
        return Some(words::failed(&Error::ValueTooLarge { size: set.len, limit }));
    }
    let Some(push) = push_of(hall, set) else {
        return Some(EXPIRED.into());
    };
    steps::check_push(set.queue, &push).err().map(|e| words::failed(&e))
}

/// How a message is put in; `None`: it has expired before.
fn push_of(hall: &Hall, set: &Set<'_>) -> Option<Push> {
    let expire = match set.expiry {
        Expiry::Never => None,
        Expiry::After(seconds) => Some(seconds),
        Expiry::Past => return None,
        Expiry::At(time) => {
            let left = time - hall.queues.database().clock().now();
            Some(u32::try_from(left).ok().filter(|left| *left > 0)?)
        }
    };
    Some(Push { flags: set.flags, delay: set.delay, expire, id: set.id.to_vec() })
}

/// Puts a message in, which has its `\r\n` still.
fn put(session: &Arc<Session>, moment: &mut Moment<'_>, set: &Set<'_>, mut body: Vec<u8>) {
    let hall = &session.hall;
    let refuse = |moment: &mut Moment<'_>, words| {
        if !set.noreply {
            moment.now(words);
        }
    };
    if body.split_off(set.len) != b"\r\n" {
        return refuse(moment, reply::BAD_CHUNK);
    }
    let Some(push) = push_of(hall, set) else {
        // The clock has moved while it came.
        return refuse(moment, EXPIRED);
    };
    hall.counts.sets.add(1);
    let (name, noreply) = (set.queue.to_vec(), set.noreply);
    let limits = hall.queues.limits();
    let weight = body.len() + name.len();
    let ticket = moment.replies.later(weight).or(if noreply { b"" } else { CLOSED });
    let _ = hall.queues.run_with(
        weight,
        move |tx| steps::push(tx, &limits, &name, &body, &push),
        move |done| {
            let words = words::told(done, |_| reply::STORED.into());
            ticket.answer(if noreply { b"".into() } else { words });
        },
    );
}
