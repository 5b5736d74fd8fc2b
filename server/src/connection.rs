//! One client on one socket: reads what it sends, lets the conversation take its steps, gathers the replies and sends
//! them together. A client that does not read its replies is not read from either.

use crate::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use crate::conversation::{Conversation, Step};
use crate::counters::Count;
use crate::dispatch::Desk;
use crate::log::{Watch, Watcher};
use crate::server::{Doing, Peer, Stop};
use crate::tls::News;
use crate::transport::Transport;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// With this much read in one turn, others come first even if there is more.
const TURN_BYTES: usize = 256 << 10;

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
    /// Send its replies when those of others are ready too, then wait until it can be read.
    Send,
    /// Wait until it can be written.
    Write,
    /// Let the others have their turn, then go on at once.
    Again,
    /// Wait for an answer that another thread brings; what the client sends meanwhile stays where it is.
    Wait,
    /// Close it.
    Close,
    /// Close it and end the server.
    Stop(Stop),
    /// Give it to the log.
    Watch,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    conversation: Conversation,
    input: Input,
    output: Output,
    /// Close when everything is sent?
    closing: bool,
    /// Is it to watch the log?
    watch: Option<Watch>,
}

impl Connection {
    /// A connection just accepted.
    pub fn new(transport: Transport, conversation: Conversation) -> Connection {
        Connection {
            transport,
            conversation,
            input: Input::default(),
            output: Output::default(),
            closing: false,
            watch: None,
        }
    }

    /// The socket.
    pub fn socket(&self) -> &OwnedFd {
        self.transport.socket()
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        self.conversation.peer()
    }

    /// What the log needs of a connection that is to watch.
    pub fn into_watcher(self) -> Option<Watcher> {
        self.peer().set_doing(Doing::Watch);
        let (transport, watch) = (self.transport, self.watch?);
        Some(Watcher { transport, watch })
    }

    /// Bytes held for reading and for writing.
    pub fn held(&self) -> (usize, usize) {
        let (transport, conversation) = (self.transport.held(), self.conversation.held());
        (
            transport.0 + conversation.0 + self.input.capacity(),
            transport.1 + conversation.1 + self.output.capacity(),
        )
    }

    /// Has it not yet come to talking?
    pub fn is_handshaking(&self) -> bool {
        self.transport.is_handshaking()
    }

    /// It is about to be closed for no fault of its last request: says why, if nothing else is being said.
    pub fn refuse(&mut self, words: &[u8]) {
        if self.output.unsent().is_empty() {
            let _ = self.transport.write(words);
            self.transport.finish();
        }
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
                self.closing = true;
                break self.finish(shop);
            }
            // Relaxed: a statistic.
            let order = std::sync::atomic::Ordering::Relaxed;
            self.peer().last_command.store(shop.now, order);
            shop.desk.counters.add(Count::BytesRead, count as u64);
            taken += count;
            let turn = self.advance(shop);
            if count < space || taken >= TURN_BYTES {
                break turn;
            }
            // A read that filled its space probably left something in the socket. It may be the end.
            let turn = if turn == Turn::Send { self.send(shop, Turn::Read) } else { turn };
            if turn != Turn::Read {
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

    /// The replies of others are ready too.
    pub fn deliver(&mut self, shop: &mut Shop<'_>) -> Turn {
        let turn = self.send(shop, Turn::Read);
        self.rest(turn, shop)
    }

    /// It was told to let others go first, and they have.
    pub fn again(&mut self, shop: &mut Shop<'_>) -> Turn {
        match self.advance(shop) {
            Turn::Read if self.transport.has_unread() => self.readable(shop),
            turn => self.rest(turn, shop),
        }
    }

    fn rest(&mut self, turn: Turn, shop: &mut Shop<'_>) -> Turn {
        // The socket's readiness tells nothing of what the transport holds.
        let turn = match turn {
            Turn::Read if self.transport.wants_write() => Turn::Write,
            Turn::Read if self.transport.has_unread() => Turn::Again,
            turn => turn,
        };
        if let Some(news) = self.transport.news() {
            self.tell(news, shop);
        }
        self.peer().set_doing(match turn {
            Turn::Write => Doing::Write,
            _ => self.conversation.doing(),
        });
        self.input.rest(shop.pool);
        self.output.rest(shop.pool);
        turn
    }

    /// Counts what happened under TLS, and says what went wrong.
    #[cold]
    fn tell(&self, news: News, shop: &Shop<'_>) {
        let (count, why) = match news {
            News::Resumed => return,
            News::NewSession => return shop.desk.counters.add(Count::NewSessions, 1),
            News::NoHandshake(why) => (Count::HandshakeErrors, why),
            News::NoRecord(why) => (Count::RecordErrors, why),
        };
        shop.desk.counters.add(count, 1);
        if shop.desk.server.verbosity() > 0 {
            let peer = self.peer();
            eprintln!("nearcached: TLS with {} (<{}) failed: {why}", peer.address, peer.fd);
        }
    }

    /// One read, into the value that is being received or else into the input. Answers the bytes read and the space
    /// there was.
    fn fill(&mut self, shop: &mut Shop<'_>) -> Result<(usize, usize), Errno> {
        let buffer = match self.conversation.room() {
            Some(room) => room,
            None => self.input.make_room(shop.pool),
        };
        let space = buffer.capacity() - buffer.len();
        let count = self.transport.read(buffer)?;
        Ok((count, space))
    }

    /// Executes what is there. Sends what was answered if it is much or cannot wait.
    fn advance(&mut self, shop: &mut Shop<'_>) -> Turn {
        self.output.begin(shop.pool);
        if self.closing {
            return self.finish(shop);
        }
        let mut left = shop.desk.server.options.requests_per_turn;
        loop {
            let (input, output) = (&mut self.input, &mut self.output);
            match self.conversation.step(shop.desk, shop.pool, input, output) {
                Step::Done => {
                    left = left.saturating_sub(1);
                    let more = !self.input.unread().is_empty() || self.conversation.goes_on();
                    if left == 0 && more {
                        return self.give_way(shop);
                    }
                    if self.output.unsent().len() < OUTPUT_HIGH {
                        continue;
                    }
                }
                Step::Full => {
                    left = left.saturating_sub(1);
                    if left == 0 {
                        let yields = u64::from(shop.others_wait);
                        shop.desk.counters.add(Count::Yields, yields);
                        return self.send(shop, Turn::Again);
                    }
                }
                Step::Starved if self.is_quiet() => return Turn::Read,
                Step::Starved => return Turn::Send,
                Step::Wait => return self.send(shop, Turn::Wait),
                Step::Close => {
                    self.closing = true;
                    return self.finish(shop);
                }
                Step::Watch(watch) => {
                    self.watch = Some(watch);
                    return Turn::Watch;
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

    /// Sends what was answered, and waits for what is still to be answered, before it closes.
    fn finish(&mut self, shop: &mut Shop<'_>) -> Turn {
        loop {
            let is_waiting = self.conversation.last_words(&mut self.output);
            let was_full = self.output.unsent().len() >= OUTPUT_HIGH;
            let turn = self.send(shop, if is_waiting { Turn::Wait } else { Turn::Close });
            if turn != Turn::Wait || !was_full {
                return turn;
            }
        }
    }

    /// Is there nothing to send?
    fn is_quiet(&self) -> bool {
        self.output.unsent().is_empty() && !self.transport.wants_write()
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
            // Alone, the replies are gathered on; but not without end.
            if self.output.unsent().len() < OUTPUT_HIGH {
                return Turn::Again;
            }
            return self.send(shop, Turn::Again);
        }
        shop.desk.counters.add(Count::Yields, 1);
        self.send(shop, Turn::Again)
    }

    /// Writes what can be written; is that all?
    fn flush(&mut self, shop: &Shop<'_>) -> Result<bool, Errno> {
        while !self.output.unsent().is_empty() {
            match self.transport.write(self.output.unsent()) {
                Ok(count) => {
                    shop.desk.counters.add(Count::BytesWritten, count as u64);
                    self.output.advance(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        match self.transport.flush() {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
