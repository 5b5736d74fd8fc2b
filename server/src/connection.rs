//! One client: reads what it sends, has each request executed as soon as it is whole, gathers the replies and sends
//! them together. What a client can make the server hold is bounded: one read buffer (a long multiget's line
//! aside), one value below the item limit, and [`OUTPUT_HIGH`] bytes plus one item of replies. A client that does
//! not read its replies is not read from either.

use crate::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use crate::counters::Count;
use crate::dispatch::{Desk, Progress};
use crate::incoming::{Line, Storing, Value, storing};
use crate::protocol::ascii::{self, Get, Request};
use crate::protocol::{reply, token};
use crate::server::{Doing, Peer, Stop};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// With this much read in one turn, others come first even if there is more.
const TURN_BYTES: usize = 256 << 10;

/// The first byte of a binary request.
const BINARY_MAGIC: u8 = 0x80;

/// The worker's things that a connection works with.
#[derive(Debug)]
pub struct Shop<'a> {
    /// Who executes.
    pub desk: Desk<'a>,
    /// Spare buffers.
    pub pool: &'a mut Pool,
    /// Are others waiting for this worker?
    pub others_wait: bool,
    /// The cache's time, in seconds.
    pub now: i64,
}

/// What the worker is to do with the connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait until it can be read.
    Read,
    /// Wait until it can be written.
    Write,
    /// Let the others have their turn, then go on at once.
    Again,
    /// Close it.
    Close,
    /// Close it and end the server.
    Stop(Stop),
}

/// Where in the conversation we are.
#[derive(Debug)]
enum Stage {
    /// At the beginning of a request.
    Command,
    /// In a get whose output was full. Its line is still in the input.
    Gets { get: Get, len: usize, next: usize },
    /// In a value that did not come whole.
    Value(Box<Value>),
    /// In a value that nobody wants; so many bytes are left.
    Swallow(usize),
}

/// The answer of one step.
enum Step {
    /// On to the next.
    Done,
    /// More must be read first.
    Starved,
    /// What was answered must be sent first.
    Full,
    Close,
    Stop(Stop),
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    peer: Arc<Peer>,
    input: Input,
    /// This many bytes of the input are known to hold no line's end.
    scanned: usize,
    output: Output,
    stage: Stage,
    /// Has the first byte been looked at?
    greeted: bool,
    /// Close when everything is sent?
    closing: bool,
}

impl Connection {
    /// A connection just accepted.
    pub fn new(socket: OwnedFd, peer: Arc<Peer>) -> Connection {
        Connection {
            socket,
            peer,
            input: Input::default(),
            scanned: 0,
            output: Output::default(),
            stage: Stage::Command,
            greeted: false,
            closing: false,
        }
    }

    /// The socket.
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Bytes held for reading and for writing.
    pub fn held(&self) -> (usize, usize) {
        let value = match &self.stage {
            Stage::Value(value) => value.capacity(),
            _ => 0,
        };
        (self.input.capacity() + value, self.output.capacity())
    }

    /// The socket can be read.
    pub fn readable(&mut self, shop: &mut Shop<'_>) -> Turn {
        let mut taken = 0;
        let turn = loop {
            let (count, space) = match self.fill(shop) {
                Ok(filled) => filled,
                Err(Errno::AGAIN | Errno::INTR) => break Turn::Read,
                Err(_) => break Turn::Close,
            };
            if count == 0 {
                break Turn::Close;
            }
            if !self.welcome(shop) {
                break Turn::Close;
            }
            shop.desk.counters.add(Count::BytesRead, count as u64);
            taken += count;
            let turn = self.advance(shop);
            // A read that filled its space probably left something in the socket.
            if turn != Turn::Read || count < space || taken >= TURN_BYTES {
                break turn;
            }
        };
        self.rest(turn, shop)
    }

    /// The socket can be written.
    pub fn writable(&mut self, shop: &mut Shop<'_>) -> Turn {
        let turn = match self.flush(shop) {
            Ok(true) => self.advance(shop),
            Ok(false) => Turn::Write,
            Err(_) => Turn::Close,
        };
        self.rest(turn, shop)
    }

    /// It was told to let others go first, and they have.
    pub fn again(&mut self, shop: &mut Shop<'_>) -> Turn {
        let turn = self.advance(shop);
        self.rest(turn, shop)
    }

    fn rest(&mut self, turn: Turn, shop: &mut Shop<'_>) -> Turn {
        self.peer.set_doing(match (turn, &self.stage) {
            (Turn::Write, _) => Doing::Write,
            (_, Stage::Value(_)) => Doing::ReadValue,
            (_, Stage::Swallow(_)) => Doing::Swallow,
            _ => Doing::Read,
        });
        self.input.rest(shop.pool);
        self.output.rest(shop.pool);
        turn
    }

    /// Looks at the first byte ever: binary requests are not served, and no line would ever come of them.
    fn welcome(&mut self, shop: &Shop<'_>) -> bool {
        if !self.greeted {
            self.greeted = true;
            let binary = self.input.unread().first() == Some(&BINARY_MAGIC);
            if binary && shop.desk.server.options.protocol != "ascii" {
                if shop.desk.server.verbosity() > 0 {
                    let fd = self.peer.fd;
                    eprintln!("{fd}: the binary protocol is not served: closed");
                }
                return false;
            }
        }
        // Relaxed: a statistic.
        let order = std::sync::atomic::Ordering::Relaxed;
        self.peer.last_command.store(shop.now, order);
        true
    }

    /// One read, into the value that is being received or else into the input. Answers the bytes read and the space
    /// there was.
    fn fill(&mut self, shop: &mut Shop<'_>) -> Result<(usize, usize), Errno> {
        let buffer = match &mut self.stage {
            Stage::Value(value) => value.make_room(),
            _ => self.input.make_room(shop.pool),
        };
        let space = buffer.capacity() - buffer.len();
        let room = spare_capacity(buffer);
        let (count, _) = rustix::net::recv(&self.socket, room, RecvFlags::empty())?;
        Ok((count, space))
    }

    /// Executes what is there, and sends what was answered.
    fn advance(&mut self, shop: &mut Shop<'_>) -> Turn {
        if self.closing {
            return Turn::Close;
        }
        self.output.begin(shop.pool);
        let mut left = shop.desk.server.options.requests_per_turn;
        loop {
            match self.step(shop) {
                Step::Done => {
                    left = left.saturating_sub(1);
                    if left == 0 && !self.input.unread().is_empty() {
                        return self.give_way(shop);
                    }
                    if self.output.unsent().len() < OUTPUT_HIGH {
                        continue;
                    }
                }
                Step::Full => {}
                Step::Starved => return self.send(shop, Turn::Read),
                Step::Close => {
                    self.closing = true;
                    return self.send(shop, Turn::Close);
                }
                Step::Stop(stop) => {
                    let _ = self.flush(shop);
                    return Turn::Stop(stop);
                }
            }
            match self.send(shop, Turn::Read) {
                Turn::Read => {}
                blocked => return blocked,
            }
        }
    }

    /// Sends; `then` if all is sent.
    fn send(&mut self, shop: &Shop<'_>, then: Turn) -> Turn {
        match self.flush(shop) {
            Ok(true) => then,
            Ok(false) => Turn::Write,
            Err(_) => Turn::Close,
        }
    }

    fn give_way(&mut self, shop: &Shop<'_>) -> Turn {
        if !shop.others_wait {
            return Turn::Again;
        }
        shop.desk.counters.add(Count::Yields, 1);
        self.send(shop, Turn::Again)
    }

    /// Writes what can be written; is that all?
    fn flush(&mut self, shop: &Shop<'_>) -> Result<bool, Errno> {
        while !self.output.unsent().is_empty() {
            match rustix::net::send(&self.socket, self.output.unsent(), SendFlags::NOSIGNAL) {
                Ok(count) => {
                    shop.desk.counters.add(Count::BytesWritten, count as u64);
                    self.output.advance(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Takes the conversation one step further.
    fn step(&mut self, shop: &mut Shop<'_>) -> Step {
        match &mut self.stage {
            Stage::Command => self.command(shop.desk),
            Stage::Gets { get, len, next } => {
                let (get, len, next) = (*get, *len, *next);
                self.gets(shop.desk, get, len, next, None)
            }
            Stage::Value(value) => {
                let Some((write, data, surplus)) = value.whole() else {
                    return Step::Starved;
                };
                shop.desk.store(&write, data, &mut self.output);
                // The last read may have brought the beginning of the next request.
                if !surplus.is_empty() {
                    self.input.make_room(shop.pool).extend_from_slice(surplus);
                }
                self.stage = Stage::Command;
                Step::Done
            }
            Stage::Swallow(left) => {
                let here = self.input.unread().len().min(*left);
                *left -= here;
                let done = *left == 0;
                self.input.consume(here);
                if !done {
                    return Step::Starved;
                }
                self.stage = Stage::Command;
                Step::Done
            }
        }
    }

    /// Reads one line and does what it says.
    fn command(&mut self, desk: Desk<'_>) -> Step {
        let unread = self.input.unread();
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
        let (line, mark) = (&unread[..len], self.output.mark());
        let out = &mut self.output;
        let mut used = next;
        let step = match ascii::parse(line, next) {
            Request::Get(get) => return self.gets(desk, get, len, next, Some(mark)),
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
                None => Step::Done,
                Some(stop) => Step::Stop(stop),
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
            log(self.peer.fd, line, out.since(mark));
        }
        self.input.consume(used);
        step
    }

    /// Answers the keys of a get, as far as the output has room. The reply begins at `mark` unless some of it has been
    /// sent.
    fn gets(
        &mut self,
        desk: Desk<'_>,
        get: Get,
        len: usize,
        next: usize,
        mark: Option<usize>,
    ) -> Step {
        let line = &self.input.unread()[..len];
        match desk.get(line, get, mark, OUTPUT_HIGH, &mut self.output) {
            Progress::Full(keys) => {
                let get = Get { keys, ..get };
                self.stage = Stage::Gets { get, len, next };
                Step::Full
            }
            Progress::Done => {
                if desk.server.verbosity() > 1 {
                    log(self.peer.fd, line, b"");
                }
                self.stage = Stage::Command;
                self.input.consume(next);
                Step::Done
            }
        }
    }
}

/// `-vv`: a command and the first line of its reply, under memcached's signs.
fn log(fd: i32, line: &[u8], answer: &[u8]) {
    eprintln!("<{fd} {}", line.escape_ascii());
    if let token::Line::Whole { len, .. } = token::line(answer, 0) {
        eprintln!(">{fd} {}", answer[..len].escape_ascii());
    }
}
