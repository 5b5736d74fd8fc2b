//! What one connection has open, and whether it is in the middle of a get that decides about it. Shared with the
//! committer's thread, which answers such a get; when the connection ends, what it had open is refused for it.

use super::ask::{Get, Words, client_error};
use super::hall::Hall;
use super::waiting::{Client, Place};
use crate::server::lock;
use nearcache_store::queue::{Lease, Receipt, steps};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A connection's own.
#[derive(Debug)]
pub struct Session {
    /// What it shares with all others.
    pub hall: Arc<Hall>,
    /// A get with options is on its way, or a report: the requests behind it wait for what it does, or sees.
    is_busy: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were opened.
    open: Vec<Open>,
    /// Where a get of this connection waits.
    place: Option<Place>,
    /// The client says nothing more: nobody is to wait for it.
    has_left: bool,
    /// The connection is gone.
    has_ended: bool,
}

/// A message that was reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Of this queue.
    pub queue: Arc<[u8]>,
    /// What to acknowledge it by.
    pub receipt: Receipt,
}

/// What a get is to do first with what was opened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is done with.
    Close(Receipt),
    /// It is refused, to be delivered again after so many seconds.
    Abort(Receipt, Option<u32>),
}

impl End {
    /// The receipt that ends.
    pub fn receipt(&self) -> Receipt {
        match self {
            End::Close(receipt) | End::Abort(receipt, _) => *receipt,
        }
    }
}

/// What a get wants then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A message for good.
    Take,
    /// To see the first one.
    Peek,
    /// A message under a lease.
    Open(Lease),
}

/// The mark of a session that is busy; it is free again when this is dropped.
#[derive(Debug)]
pub struct Busy(pub Arc<Session>);

impl Drop for Busy {
    fn drop(&mut self) {
        // Release: pairs with `is_busy`; what the get did to the session is seen by the next request.
        self.0.is_busy.store(false, Ordering::Release);
    }
}

impl Session {
    /// Of a connection that begins.
    pub fn new(hall: Arc<Hall>) -> Arc<Session> {
        Arc::new(Session { hall, is_busy: AtomicBool::new(false), state: Mutex::default() })
    }

    /// Is a get with options on its way?
    pub fn is_busy(&self) -> bool {
        // Acquire: see `Busy`.
        self.is_busy.load(Ordering::Acquire)
    }

    /// Makes it busy. (Only the connection's worker does, when it is not.)
    pub fn begin(self: &Arc<Session>) -> Busy {
        // Relaxed: it is this thread that asks.
        self.is_busy.store(true, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// What a get with options is to do; or why it may not.
    pub fn plan(&self, get: &Get<'_>) -> Result<(Option<End>, Option<Want>), Words> {
        let state = lock(&self.state);
        let mut open = state.open.iter().filter(|open| *open.queue == *get.queue);
        let count = open.clone().count();
        let end = match open.next().map(|open| open.receipt) {
            Some(receipt) if get.close => Some(End::Close(receipt)),
            Some(receipt) if get.abort => Some(End::Abort(receipt, get.delay)),
            _ => None,
        };
        let left = count - usize::from(end.is_some());
        if get.open > 0 && left >= get.open as usize {
            return Err(client_error(&format!(
                "this connection has {left} of this queue open: close or abort one first, or ask with open={} for one \
                 more",
                left + 1
            )));
        }
        let lease = get.lease.map_or(Lease::Session, Lease::Seconds);
        let want = match (get.peek, get.open > 0) {
            (true, _) => Some(Want::Peek),
            (_, true) => Some(Want::Open(lease)),
            _ => get.wants().then_some(Want::Take),
        };
        Ok((end, want))
    }

    /// What is open of a queue.
    pub fn opened(&self, queue: &[u8]) -> Vec<Receipt> {
        let state = lock(&self.state);
        state.open.iter().filter(|open| *open.queue == *queue).map(|open| open.receipt).collect()
    }

    /// A message is not open any more.
    pub fn closed(&self, receipt: Receipt) {
        lock(&self.state).open.retain(|open| open.receipt != receipt);
    }

    /// A message is open. If the connection has gone meanwhile it is refused.
    pub fn add(&self, open: Open) {
        {
            let mut state = lock(&self.state);
            if !state.has_ended {
                return state.open.push(open);
            }
        }
        self.hall.refuse(open);
    }

    /// A lease was prolonged.
    pub fn renewed(&self, old: Receipt, new: Receipt) {
        let mut state = lock(&self.state);
        if let Some(open) = state.open.iter_mut().find(|open| open.receipt == old) {
            open.receipt = new;
        }
    }

    /// Has the client gone, or said its last?
    pub fn has_left(&self) -> bool {
        lock(&self.state).has_left
    }

    /// Is the connection gone?
    pub fn has_ended(&self) -> bool {
        lock(&self.state).has_ended
    }

    /// The client says nothing more: a get that waits is over.
    pub fn leave(&self) {
        let place = {
            let mut state = lock(&self.state);
            state.has_left = true;
            state.place.take()
        };
        if let Some(place) = place {
            self.hall.waiting.cancel(&place);
        }
    }

    /// The connection is gone: what it had open comes back at once.
    pub fn end(&self) {
        self.leave();
        let open = {
            let mut state = lock(&self.state);
            state.has_ended = true;
            std::mem::take(&mut state.open)
        };
        self.hall.counts.dropped.add(open.len() as u64);
        open.into_iter().for_each(|open| self.hall.refuse(open));
    }
}

impl Client for Session {
    fn waits(&self, place: Option<Place>) -> bool {
        let mut state = lock(&self.state);
        state.place = place;
        !state.has_left
    }
}

impl Hall {
    /// Refuses for a connection that is gone. If it cannot be written it is tried again until it can.
    pub fn refuse(self: &Arc<Hall>, open: Open) {
        let (hall, Open { queue, receipt }) = (self.clone(), open.clone());
        let again = move |done: Result<_, nearcache_store::Error>| match done {
            Ok(_) | Err(nearcache_store::Error::Closed) => {}
            Err(_) => hall.waiting.refuse_later(open),
        };
        // If the queues are closed, whoever opens them next takes it back.
        let _ = self.queues.run_with(0, move |tx| steps::nak(tx, &queue, &receipt, None), again);
    }
}
