//! A conversation in text: lines, and the data behind some of them.

use super::incoming::{Line, Storing, storing, swallow};
use super::stage::Stage;
use super::{Session, Step};
use crate::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use crate::dispatch::{After, Desk, Progress};
use crate::protocol::ascii::{self, Get, Request};
use crate::protocol::{reply, token};

/// Where we are.
#[derive(Debug, Default)]
pub struct Text {
    /// The request we are in.
    pub(super) stage: Stage<Gets>,
    /// This many bytes of the input are known to hold no line's end.
    scanned: usize,
}

/// A get whose output was full. Its line, `len` bytes and `next` with its end, is still in the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gets {
    get: Get,
    len: usize,
    next: usize,
}

impl Text {
    /// See [`Conversation::step`](super::Conversation::step).
    pub fn step(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        pool: &mut Pool,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        match &mut self.stage {
            Stage::Request => self.command(session, desk, input, out),
            Stage::More(gets) => {
                let gets = *gets;
                self.gets(session, desk, gets, None, input, out)
            }
            Stage::Value(value) => {
                let Some((line, data)) = value.whole(input, pool) else {
                    return Step::Starved;
                };
                if let Request::Store(write) = ascii::parse(line.text, line.next) {
                    desk.store(&write, data, out);
                }
                self.stage = Stage::Request;
                Step::Done
            }
            Stage::Swallow(left) => {
                if !swallow(input, left) {
                    return Step::Starved;
                }
                self.stage = Stage::Request;
                Step::Done
            }
            Stage::Report(report) => {
                if !report.more(desk, out) {
                    self.stage = Stage::Request;
                }
                Step::Done
            }
        }
    }

    /// Reads one line and does what it says.
    fn command(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
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
        let (line, mark) = (&unread[..len], out.mark());
        let mut used = next;
        let step = match ascii::parse(line, next) {
            Request::Get(get) => {
                return self.gets(session, desk, Gets { get, len, next }, Some(mark), input, out);
            }
            Request::Store(write) => {
                let line = Line { text: line, next };
                match storing(desk, &write, line, &unread[next..], out) {
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
            Request::Simple { command, noreply } => match desk.simple(command, noreply, out) {
                After::Nothing => Step::Done,
                After::Report(report) => {
                    self.stage = Stage::Report(report);
                    Step::Done
                }
                After::Stop(stop) => Step::Stop(stop),
                After::Watch(watch) => Step::Watch(watch),
            },
            Request::Meta(meta) => {
                desk.meta(&meta, out);
                Step::Done
            }
            Request::MetaNoop => {
                out.text(reply::META_NOOP);
                Step::Full
            }
            Request::Skip { bytes, words } => {
                self.stage = Stage::Swallow(bytes);
                out.text(words);
                Step::Done
            }
            Request::Quit | Request::Http => Step::Close,
        };
        if desk.server.verbosity() > 1 {
            log(session.peer.fd, line, out.since(mark));
        }
        input.consume(used);
        step
    }

    /// Answers the keys of a get, as far as the output has room. The reply begins at `mark` unless some of it has been
    /// sent.
    fn gets(
        &mut self,
        session: &Session,
        desk: Desk<'_>,
        Gets { get, len, next }: Gets,
        mark: Option<usize>,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        let line = &input.unread()[..len];
        match desk.get(line, get, mark, OUTPUT_HIGH, out) {
            Progress::Full(keys) => {
                let get = Get { keys, ..get };
                self.stage = Stage::More(Gets { get, len, next });
                Step::Full
            }
            Progress::Done => {
                if desk.server.verbosity() > 1 {
                    log(session.peer.fd, line, b"");
                }
                self.stage = Stage::Request;
                input.consume(next);
                Step::Done
            }
        }
    }
}

/// `-vv`: a command and the first line of its reply, under memcached's signs.
pub(crate) fn log(fd: i32, line: &[u8], answer: &[u8]) {
    eprintln!("<{fd} {}", line.escape_ascii());
    if let token::Line::Whole { len, .. } = token::line(answer, 0) {
        eprintln!(">{fd} {}", answer[..len].escape_ascii());
    }
}
