//! A get with options on its way: first to the committer, then perhaps to the room where gets wait, and back, until it
//! is answered.

use super::hall::Hall;
use super::session::{Busy, End, Open, Session, Want};
use super::waiting::{Back, Client, Guest};
use super::words::{self, LATE};
use crate::durable::Ticket;
use crate::protocol::reply;
use nearcache_store::queue::{Fate, Message, steps};
use nearcache_store::{Error, Tx};
use std::sync::Arc;
use std::time::Instant;

/// The get. Dropped, it answers that the queues are closed, and its connection goes on.
#[derive(Debug)]
pub struct Asked {
    /// Before the ticket, so that the connection is free when it is called.
    busy: Busy,
    ticket: Ticket,
    /// Of which queue.
    queue: Arc<[u8]>,
    /// As the reply names it.
    shown: Vec<u8>,
    cas: bool,
    want: Want,
    /// When it is answered in any case; `None`: at once.
    until: Option<Instant>,
}

/// What came of a try.
enum Came {
    Message(Message),
    Nothing,
    /// The message that was to be closed was not this connection's any more; nothing was done.
    Late,
}

/// One try, as a step of the committer.
fn attempt(
    tx: &mut Tx<'_>,
    queue: &[u8],
    end: Option<End>,
    want: Option<Want>,
) -> Result<Came, Error> {
    let was_ours = match end {
        Some(End::Close(receipt)) => steps::ack(tx, queue, &receipt)?,
        Some(End::Abort(receipt, delay)) => {
            steps::nak(tx, queue, &receipt, delay)? != Fate::Unknown
        }
        None => true,
    };
    if !was_ours {
        return Ok(Came::Late);
    }
    let mut found = match want {
        Some(Want::Take) => steps::take(tx, queue, 1)?,
        Some(Want::Peek) => steps::peek(tx, queue, 1)?,
        Some(Want::Open(lease)) => steps::reserve(tx, queue, 1, lease)?,
        None => Vec::new(),
    };
    Ok(found.pop().map_or(Came::Nothing, Came::Message))
}

/// Ends what was opened, and does nothing else.
pub fn end_only(busy: Busy, ticket: Ticket, queue: Arc<[u8]>, end: End) {
    let hall = busy.0.hall.clone();
    let work = move |tx: &mut Tx<'_>| attempt(tx, &queue, Some(end), None);
    let _ = hall.queues.run_with(0, work, move |done| {
        let words = match done {
            Err(error) => words::failed(&error),
            Ok(came) => {
                busy.0.closed(end.receipt());
                match came {
                    Came::Late => LATE.into(),
                    _ => reply::END.into(),
                }
            }
        };
        drop(busy);
        ticket.answer(words);
    });
}

impl Asked {
    /// A get of `queue`, to be answered through `ticket`.
    pub fn new(busy: Busy, ticket: Ticket, queue: Arc<[u8]>, want: Want) -> Asked {
        let shown = queue.to_vec();
        Asked { busy, ticket, queue, shown, cas: false, want, until: None }
    }

    /// As the reply is to name it, and whether it shows the message's number.
    pub fn shown(mut self, shown: &[u8], cas: bool) -> Asked {
        (self.shown, self.cas) = (shown.to_vec(), cas);
        self
    }

    /// How long it may wait.
    pub fn until(mut self, until: Option<Instant>) -> Asked {
        self.until = until;
        self
    }

    fn session(&self) -> &Arc<Session> {
        &self.busy.0
    }

    fn hall(&self) -> Arc<Hall> {
        self.session().hall.clone()
    }

    /// Tries once, after ending what was opened before; waits, if there is nothing and it may.
    pub fn submit(self, end: Option<End>) {
        let (queue, want, session) = (self.queue.clone(), self.want, self.session().clone());
        let work = move |tx: &mut Tx<'_>| match session.has_ended() {
            true => Ok(Came::Nothing),
            false => attempt(tx, &queue, end, Some(want)),
        };
        let _ = self.hall().queues.run_with(0, work, move |done| {
            if let (Ok(_), Some(end)) = (&done, end) {
                self.session().closed(end.receipt());
            }
            match (&done, self.until) {
                (Ok(Came::Nothing), Some(_)) if !self.session().has_left() => {
                    Box::new(self).enter();
                }
                _ => self.answer(done),
            }
        });
    }

    fn answer(self, done: Result<Came, Error>) {
        let counts = &self.session().hall.counts;
        let words = match done {
            Err(error) => words::failed(&error),
            Ok(Came::Late) => LATE.into(),
            Ok(Came::Nothing) => {
                counts.misses.add(1);
                reply::END.into()
            }
            Ok(Came::Message(message)) => {
                counts.hits.add(1);
                if let (Want::Open(_), Some(receipt)) = (self.want, message.receipt) {
                    self.session().add(Open { queue: self.queue.clone(), receipt });
                }
                let mut words = Vec::new();
                words::value(&mut words, &self.shown, &message, self.cas);
                words.extend_from_slice(reply::END);
                words.into()
            }
        };
        let Asked { busy, ticket, .. } = self;
        drop(busy);
        ticket.answer(words);
    }
}

impl Guest for Asked {
    fn queue(&self) -> &Arc<[u8]> {
        &self.queue
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }

    fn client(&self) -> Arc<dyn Client> {
        self.session().clone()
    }

    fn enter(self: Box<Self>) {
        let hall = self.hall();
        hall.waiting.enter(self);
    }

    fn retry(self: Box<Self>, back: Back) {
        let (queue, want, session) = (self.queue.clone(), self.want, self.session().clone());
        let work = move |tx: &mut Tx<'_>| match session.has_left() {
            true => Ok(Came::Nothing),
            false => attempt(tx, &queue, None, Some(want)),
        };
        let _ = self.hall().queues.run_with(0, work, move |done| match done {
            Ok(Came::Nothing) if !self.session().has_left() => back(Some(self)),
            done => {
                self.answer(done);
                back(None);
            }
        });
    }

    fn give_up(self: Box<Self>) {
        self.answer(Ok(Came::Nothing));
    }
}
