//! The durable roles: a store and queues, each with listeners of its own, beside the cache or in its stead.
//!
//! Their conversations take their steps on the workers, as the cache's do, but what they write is answered by the
//! committer's thread, when it is safe. So a conversation says of a request either what it answers, or takes a
//! [`Ticket`] for the answer and goes on to the next; [`Replies`] keeps them in order. No worker waits for a commit.
//! What reads goes first to the end of what its own connection has written: [`Step::Wait`] until
//! [`Replies::is_empty`].

mod frames;
mod open;
pub mod queue;
mod replies;
mod store;

pub use replies::{Call, Replies, Ticket};

use crate::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use crate::conversation::{Login, Session, Step};
use crate::dispatch::Desk;
use crate::options::Protocol;
use crate::server::Doing;
use frames::Frames;
use nearcache_store::wire::{HELLO, Service};
use queue::Hall;
use std::fmt;
use std::sync::Arc;
use store::{Binary, Chores, Replication, Text};

/// Whom a listener's clients speak with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The cache.
    #[default]
    Cache,
    /// The store: `--store`.
    Store,
    /// The queues: `--queue`.
    Queue,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Cache => "cache",
            Role::Store => "store",
            Role::Queue => "queues",
        })
    }
}

/// What the roles stand on. A store and queues of one directory stand on the same.
#[derive(Debug, Default)]
pub struct Durable {
    /// The store role's.
    pub store: Option<Arc<Ground>>,
    /// The queue role's.
    pub queues: Option<Arc<Ground>>,
    /// Who does the long work of the store.
    pub chores: Chores,
    /// What was set of a replication that there is not.
    pub replication: Replication,
}

/// A directory that is open. Either role may be asked for anything in it by our own clients ([`frames`]).
#[derive(Debug)]
pub struct Ground {
    /// Its store and its queues.
    pub service: Service,
    /// What those who speak with the queues share.
    pub hall: Arc<Hall>,
}

/// What a conversation has to hand in a step.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Who speaks.
    pub session: &'a mut Session,
    /// The server, with [`Durable`], and the worker's counters.
    pub desk: Desk<'a>,
    /// Spare buffers.
    pub pool: &'a mut Pool,
    /// What the client has sent.
    pub input: &'a mut Input,
    /// What goes to the client next. Written to only when no reply is outstanding.
    pub out: &'a mut Output,
    /// The replies that are outstanding.
    pub replies: &'a mut Replies,
}

impl Moment<'_> {
    /// A reply that is ready: behind those that are outstanding.
    pub fn now(&mut self, bytes: &[u8]) {
        self.replies.say(bytes, self.out);
    }
}

/// A language in which a role is spoken with.
pub trait Language: fmt::Debug + Send {
    /// Goes one step further: a request, or a piece of one. Nothing of a request is used up by a step that answers
    /// [`Step::Wait`] or [`Step::Starved`]: it is taken again.
    fn step(&mut self, moment: &mut Moment<'_>) -> Step;

    /// A place that the next bytes belong to, if it is not the input.
    fn room(&mut self) -> Option<&mut Vec<u8>> {
        None
    }

    /// Can a step be taken though nothing is left in the input?
    fn goes_on(&self) -> bool {
        false
    }

    /// Bytes held for reading and for writing, besides input and output.
    fn held(&self) -> (usize, usize) {
        (0, 0)
    }

    /// What it is doing, as far as it can tell.
    fn doing(&self) -> Doing {
        Doing::Read
    }

    /// The client says nothing more, and may be gone: nothing is to be waited for on its behalf but what is under way.
    fn leave(&mut self) {}
}

/// A conversation with a durable role.
#[derive(Debug)]
pub struct Talk {
    role: Role,
    protocol: Protocol,
    replies: Replies,
    said: Said,
}

/// How far it has come.
#[derive(Debug)]
enum Said {
    Nothing,
    Login(Login),
    Spoken(Box<dyn Language>),
}

impl Talk {
    /// One that has not begun.
    pub fn new(role: Role, protocol: Protocol, call: Call) -> Talk {
        Talk { role, protocol, replies: Replies::new(call), said: Said::Nothing }
    }

    /// The language that is chosen by the first byte; `None`: none that this role is spoken with in.
    fn language(&self, first: u8, desk: Desk<'_>) -> Option<Box<dyn Language>> {
        let is_binary = self.protocol.is_binary(first);
        let durable = &desk.server.durable;
        if first == HELLO[0] {
            let ground = if self.role == Role::Store { &durable.store } else { &durable.queues };
            return Some(Box::new(Frames::new(ground.clone()?)));
        }
        match self.role {
            Role::Queue if is_binary => Some(Box::new(queue::Binary)),
            Role::Queue => Some(Box::new(queue::Text::new(durable.queues.as_ref()?.hall.clone()))),
            Role::Store => {
                let store = Arc::clone(&durable.store.as_ref()?.service.store);
                Some(match is_binary {
                    true => Box::new(Binary::new(store)),
                    false => Box::new(Text::new(store)),
                })
            }
            Role::Cache => None,
        }
    }

    /// See [`Conversation::step`](crate::conversation::Conversation::step).
    pub fn step(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        pool: &mut Pool,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        self.replies.drain(out);
        if !self.replies.is_empty() && out.unsent().len() >= OUTPUT_HIGH {
            return Step::Full;
        }
        if self.replies.is_full() {
            return Step::Wait;
        }
        match &mut self.said {
            Said::Spoken(language) => {
                let replies = &mut self.replies;
                language.step(&mut Moment { session, desk, pool, input, out, replies })
            }
            Said::Login(login) => {
                let step = login.step(session, desk, input, out);
                if session.admitted {
                    // What was said so far was text.
                    return self.begin(b's', desk).map_or(Step::Close, |()| step);
                }
                step
            }
            Said::Nothing => {
                let Some(&first) = input.unread().first() else {
                    return Step::Starved;
                };
                if first == HELLO[0] {
                    // Our own clients say in their own way who they are.
                    if self.begin(first, desk).is_none() {
                        return Step::Close;
                    }
                    return self.step(session, desk, pool, input, out);
                }
                let is_binary = self.protocol.is_binary(first);
                // As with the cache: each language has its own way of saying who one is.
                if desk.server.asks_who() && is_binary != desk.server.options.sasl {
                    return Step::Close;
                }
                if desk.server.asks_who() && !is_binary {
                    self.said = Said::Login(Login::default());
                } else if self.begin(first, desk).is_none() {
                    return Step::Close;
                }
                self.step(session, desk, pool, input, out)
            }
        }
    }

    fn begin(&mut self, first: u8, desk: Desk<'_>) -> Option<()> {
        self.said = Said::Spoken(self.language(first, desk)?);
        Some(())
    }

    /// See [`Conversation::last_words`](crate::conversation::Conversation::last_words).
    pub fn last_words(&mut self, out: &mut Output) -> bool {
        if let Said::Spoken(language) = &mut self.said {
            language.leave();
        }
        self.replies.drain(out);
        !self.replies.is_empty()
    }

    /// See [`Language::room`].
    pub fn room(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.said {
            Said::Spoken(language) => language.room(),
            Said::Nothing | Said::Login(_) => None,
        }
    }

    /// See [`Language::goes_on`].
    pub fn goes_on(&self) -> bool {
        matches!(&self.said, Said::Spoken(language) if language.goes_on())
    }

    /// See [`Language::held`].
    pub fn held(&self) -> (usize, usize) {
        let (reading, writing) = match &self.said {
            Said::Spoken(language) => language.held(),
            Said::Nothing | Said::Login(_) => (0, 0),
        };
        (reading, writing + self.replies.held())
    }

    /// See [`Language::doing`].
    pub fn doing(&self) -> Doing {
        match &self.said {
            Said::Spoken(language) => language.doing(),
            Said::Nothing | Said::Login(_) => Doing::Read,
        }
    }
}
