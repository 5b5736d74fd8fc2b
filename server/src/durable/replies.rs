//! The replies of one connection, in the order of its requests, though some are made later and by another thread: the
//! committer's, when what was written is safe.

use crate::buffer::{OUTPUT_HIGH, Output};
use crate::inbox::Inbox;
use crate::server::lock;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// With so many replies outstanding a connection's next request waits.
const OUTSTANDING_MOST: usize = 4096;

/// With so many bytes of requests and replies outstanding, too.
const BYTES_MOST: usize = 1 << 20;

/// What a dropped ticket answers: its operation was forgotten by whoever was to do it.
const LOST: &[u8] = b"SERVER_ERROR the operation was given up; see the server's log\r\n";

/// Where a connection is called: its worker's inbox, and the slot there. When the connection has gone, the slot may be
/// another's, which then looks at its own replies for nothing.
#[derive(Clone, Debug)]
pub struct Call {
    inbox: Arc<Inbox>,
    slot: usize,
}

impl Call {
    /// The connection in this slot.
    pub fn new(inbox: Arc<Inbox>, slot: usize) -> Call {
        Call { inbox, slot }
    }
}

/// The replies of one connection.
#[derive(Debug)]
pub struct Replies {
    line: Arc<Line>,
    /// How many are in the line; only this end puts them in and takes them out.
    len: usize,
}

/// Those that are not sent yet.
#[derive(Debug)]
struct Line {
    state: Mutex<State>,
    call: Call,
}

#[derive(Debug, Default)]
struct State {
    /// In order. `None` is still to come.
    replies: VecDeque<Option<Cow<'static, [u8]>>>,
    /// The number of the first.
    first: u64,
    /// Bytes of what is there, and about so many of what is to come.
    bytes: usize,
    /// Was the connection called since it looked, or is it gone? Then it is not called (again).
    is_called: bool,
}

/// The right, and the duty, to give one reply. Any thread may.
#[derive(Debug)]
#[must_use = "a ticket that is dropped answers an error"]
pub struct Ticket {
    line: Arc<Line>,
    number: u64,
    weight: usize,
    /// What it answers when it is dropped.
    lost: Cow<'static, [u8]>,
    is_answered: bool,
}

impl Replies {
    /// Of a connection that is called so.
    pub fn new(call: Call) -> Replies {
        Replies { line: Arc::new(Line { state: Mutex::default(), call }), len: 0 }
    }

    /// A reply, or a piece of one, that is ready. If nothing is outstanding ([`Replies::is_empty`]) it may as well be
    /// written to the output.
    pub fn now(&mut self, bytes: impl Into<Cow<'static, [u8]>>) {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return;
        }
        let mut state = lock(&self.line.state);
        state.bytes += bytes.len();
        state.replies.push_back(Some(bytes));
        self.len += 1;
    }

    /// A reply that is ready, to the output if nothing is outstanding, else behind what is.
    pub fn say(&mut self, bytes: &[u8], out: &mut Output) {
        match self.is_empty() {
            true => out.text(bytes),
            false => self.now(bytes.to_vec()),
        }
    }

    /// A reply that comes later. `weight` is about how many bytes of the request are held for it, or how long it may
    /// be: too many of them, and the connection is not read until some have gone.
    pub fn later(&mut self, weight: usize) -> Ticket {
        let line = Arc::clone(&self.line);
        let mut state = lock(&self.line.state);
        let number = state.first + state.replies.len() as u64;
        state.replies.push_back(None);
        state.bytes += weight;
        self.len += 1;
        Ticket { line, number, weight, lost: Cow::Borrowed(LOST), is_answered: false }
    }

    /// Is nothing outstanding? Then everything that this connection wrote is committed, and a read sees it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Must some go before there may be more?
    pub fn is_full(&self) -> bool {
        self.len >= OUTSTANDING_MOST || (self.len > 0 && lock(&self.line.state).bytes >= BYTES_MOST)
    }

    /// Bytes that are outstanding.
    pub fn held(&self) -> usize {
        if self.is_empty() { 0 } else { lock(&self.line.state).bytes }
    }

    /// Moves what is ready at the front of the line to the output, as far as that has room.
    pub fn drain(&mut self, out: &mut Output) {
        if self.is_empty() {
            return;
        }
        let mut state = lock(&self.line.state);
        state.is_called = false;
        while out.unsent().len() < OUTPUT_HIGH
            && let Some(Some(reply)) = state.replies.front()
        {
            out.text(reply);
            state.bytes -= reply.len();
            state.replies.pop_front();
            state.first += 1;
            self.len -= 1;
        }
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        lock(&self.line.state).is_called = true;
    }
}

impl Ticket {
    /// The same, in a language in which a line of text is no answer.
    pub fn or(mut self, lost: impl Into<Cow<'static, [u8]>>) -> Ticket {
        self.lost = lost.into();
        self
    }

    /// Gives the reply; nothing, if the client wanted none.
    pub fn answer(mut self, bytes: impl Into<Cow<'static, [u8]>>) {
        self.give(bytes.into());
    }

    fn give(&mut self, bytes: Cow<'static, [u8]>) {
        self.is_answered = true;
        let is_called = {
            let mut state = lock(&self.line.state);
            state.bytes = state.bytes - self.weight + bytes.len();
            let place = (self.number - state.first) as usize;
            state.replies[place] = Some(bytes);
            // Behind another that is to come nothing can be sent: that one's answer calls.
            place != 0 || std::mem::replace(&mut state.is_called, true)
        };
        if !is_called {
            let Call { inbox, slot } = &self.line.call;
            inbox.answered(*slot);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_answered {
            let lost = std::mem::take(&mut self.lost);
            self.give(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies() -> (Replies, Arc<Inbox>) {
        let inbox = Arc::new(Inbox::new().expect("an inbox"));
        (Replies::new(Call::new(Arc::clone(&inbox), 7)), inbox)
    }

    fn drained(replies: &mut Replies) -> String {
        let mut out = Output::default();
        replies.drain(&mut out);
        String::from_utf8_lossy(out.unsent()).into_owned()
    }

    #[test]
    fn they_leave_in_the_order_of_the_requests() {
        let (mut replies, inbox) = replies();
        let (first, second) = (replies.later(1), replies.later(1));
        replies.now(b"c".as_slice());
        let third = replies.later(1);
        second.answer(b"b".as_slice());
        third.answer(b"d".to_vec());
        assert_eq!((drained(&mut replies), inbox.take().1), (String::new(), vec![]));
        first.answer(b"a".as_slice());
        assert_eq!((inbox.take().1, drained(&mut replies)), (vec![7], "abcd".into()));
        assert!(replies.is_empty());
    }

    #[test]
    fn a_connection_is_called_once_until_it_looks() {
        let (mut replies, inbox) = replies();
        let tickets: Vec<_> = (0..1000).map(|_| replies.later(1)).collect();
        for ticket in tickets {
            ticket.answer(b"x".as_slice());
        }
        assert_eq!(inbox.take().1, [7]);
        assert_eq!(drained(&mut replies).len(), 1000);
        replies.later(1).answer(b"x".as_slice());
        assert_eq!(inbox.take().1, [7]);
    }

    #[test]
    fn who_has_gone_is_not_called() {
        let (mut replies, inbox) = replies();
        let ticket = replies.later(1);
        drop(replies);
        ticket.answer(b"x".as_slice());
        assert!(inbox.take().1.is_empty());
    }

    #[test]
    fn a_dropped_ticket_answers_an_error() {
        let (mut replies, _inbox) = replies();
        drop(replies.later(1));
        assert!(drained(&mut replies).starts_with("SERVER_ERROR "));
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let (mut replies, _inbox) = replies();
        let tickets: Vec<_> = (0..OUTSTANDING_MOST).map(|_| replies.later(0)).collect();
        assert!(replies.is_full());
        tickets.into_iter().for_each(|ticket| ticket.answer(b"".as_slice()));
        drained(&mut replies);
        let heavy = replies.later(BYTES_MOST);
        assert!(replies.is_full());
        heavy.answer(b"".as_slice());
        drained(&mut replies);
        assert!(!replies.is_full());
    }

    #[test]
    fn what_is_gathered_wakes_a_worker_once() {
        let (mut one, inbox) = replies();
        let mut other = Replies::new(Call::new(Arc::clone(&inbox), 9));
        let rung = || {
            let mut count = [0; 8];
            rustix::io::read(&inbox, &mut count).map(|_| u64::from_ne_bytes(count))
        };
        crate::inbox::gather();
        one.later(1).answer(b"x".as_slice());
        other.later(1).answer(b"x".as_slice());
        rung().expect_err("nobody is woken yet");
        crate::inbox::wake_gathered();
        assert_eq!(rung(), Ok(1));
        assert_eq!(inbox.take().1, [7, 9]);
    }
}
