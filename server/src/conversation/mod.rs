//! What is said on a connection, whatever carries it: bytes in, requests executed, replies out. There is no I/O here,
//! so a datagram, a TLS record and a fuzzer's input are all the same to it. What a client can make the server hold is
//! bounded: one read buffer (a long multiget's line aside), one value below the item limit,
//! [`OUTPUT_HIGH`](crate::buffer::OUTPUT_HIGH) bytes plus one item of replies, and the text of one report.

pub(crate) mod binary;
pub(crate) mod incoming;
mod login;
pub(crate) mod sasl;
pub(crate) mod stage;
pub(crate) mod text;

use crate::buffer::{Input, Output, Pool};
use crate::dispatch::Desk;
use crate::durable::{self, Call, Role};
use crate::log::Watch;
use crate::options::Protocol;
use crate::server::{Doing, Peer, Stop};
use binary::Binary;
pub(crate) use login::Login;
use std::sync::Arc;
use text::Text;

/// The answer of one step.
#[derive(Debug)]
pub enum Step {
    /// On to the next.
    Done,
    /// More must be read first.
    Starved,
    /// What was answered must be sent first.
    Full,
    /// An answer that another thread brings must come first.
    Wait,
    /// Send what was answered, and close.
    Close,
    /// Close, and end the server.
    Stop(Stop),
    /// The connection is the log's from now on.
    Watch(Watch),
}

/// What is known about who speaks.
#[derive(Debug)]
pub struct Session {
    /// The other end.
    pub peer: Arc<Peer>,
    /// Has it said who it is, where that is asked for?
    pub admitted: bool,
}

/// A conversation.
#[derive(Debug)]
pub struct Conversation {
    session: Session,
    talk: Talk,
}

/// In which language.
#[derive(Debug)]
enum Talk {
    /// Nothing has been said yet; whether both languages may be spoken, or which.
    New(Protocol),
    /// It must say first who it is.
    Login(Login),
    Text(Text),
    Binary(Binary),
    /// With one of the durable roles.
    Durable(Box<durable::Talk>),
}

impl Conversation {
    /// One that has not begun.
    pub fn new(peer: Arc<Peer>, protocol: Protocol) -> Conversation {
        let session = Session { peer, admitted: false };
        Conversation { session, talk: Talk::New(protocol) }
    }

    /// One with a durable role, called so when an answer comes from elsewhere.
    pub fn durable(peer: Arc<Peer>, protocol: Protocol, role: Role, call: Call) -> Conversation {
        let session = Session { peer, admitted: false };
        let talk = Talk::Durable(Box::new(durable::Talk::new(role, protocol, call)));
        Conversation { session, talk }
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.session.peer
    }

    /// A place that the next bytes belong to, if it is not the input: a large value's.
    pub fn room(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.talk {
            Talk::New(_) | Talk::Login(_) => None,
            Talk::Text(text) => text.stage.room(),
            Talk::Binary(binary) => binary.stage.room(),
            Talk::Durable(talk) => talk.room(),
        }
    }

    /// Can a step be taken though nothing is left in the input?
    pub fn goes_on(&self) -> bool {
        match &self.talk {
            Talk::New(_) | Talk::Login(_) => false,
            Talk::Text(text) => text.stage.goes_on(),
            Talk::Binary(binary) => binary.stage.goes_on(),
            Talk::Durable(talk) => talk.goes_on(),
        }
    }

    /// Bytes held for reading and for writing, besides input and output.
    pub fn held(&self) -> (usize, usize) {
        match &self.talk {
            Talk::New(_) | Talk::Login(_) => (0, 0),
            Talk::Text(text) => text.stage.held(),
            Talk::Binary(binary) => binary.stage.held(),
            Talk::Durable(talk) => talk.held(),
        }
    }

    /// What it is doing, as far as it can tell.
    pub fn doing(&self) -> Doing {
        match &self.talk {
            Talk::New(_) | Talk::Login(_) => Doing::Read,
            Talk::Text(text) => text.stage.doing(),
            Talk::Binary(binary) => binary.stage.doing(),
            Talk::Durable(talk) => talk.doing(),
        }
    }

    /// Nothing more is read: writes what has been answered meanwhile. Is there still something to be answered?
    pub fn last_words(&mut self, out: &mut Output) -> bool {
        match &mut self.talk {
            Talk::Durable(talk) => talk.last_words(out),
            _ => false,
        }
    }

    /// Goes one step further: a request, or a piece of one.
    #[inline]
    pub fn step(
        &mut self,
        desk: Desk<'_>,
        pool: &mut Pool,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        match &mut self.talk {
            Talk::Text(text) => text.step(&mut self.session, desk, pool, input, out),
            Talk::Binary(binary) => binary.step(&mut self.session, desk, pool, input, out),
            Talk::Durable(talk) => talk.step(&mut self.session, desk, pool, input, out),
            Talk::New(protocol) => {
                let Some(&first) = input.unread().first() else {
                    return Step::Starved;
                };
                let binary = protocol.is_binary(first);
                // Each language has its own way of saying who one is; where that is asked, the other is not spoken.
                let options = &desk.server.options;
                if desk.server.asks_who() && binary != options.sasl {
                    return Step::Close;
                }
                self.talk = match (binary, desk.server.asks_who()) {
                    (true, _) => Talk::Binary(Binary::default()),
                    (false, true) => Talk::Login(Login::default()),
                    (false, false) => Talk::Text(Text::default()),
                };
                self.step(desk, pool, input, out)
            }
            Talk::Login(login) => {
                let step = login.step(&mut self.session, desk, input, out);
                if self.session.admitted {
                    self.talk = Talk::Text(Text::default());
                }
                step
            }
        }
    }
}
