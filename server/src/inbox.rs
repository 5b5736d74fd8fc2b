//! How others reach a worker: what is left for it, and what wakes it.

use crate::listener::Arrival;
use crate::server::lock;
use rustix::event::{EventfdFlags, eventfd};
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

/// A worker's inbox.
#[derive(Debug)]
pub struct Inbox {
    post: Mutex<Post>,
    wake: OwnedFd,
}

/// What is in it.
#[derive(Debug, Default)]
struct Post {
    arrivals: Vec<Arrival>,
    /// Slots of connections whose answers have come.
    answered: Vec<usize>,
}

thread_local! {
    /// The inboxes that this thread wakes when it has given out all answers; `None`: it wakes them at once.
    static GATHERED: RefCell<Option<Vec<Arc<Inbox>>>> = const { RefCell::new(None) };
}

impl Inbox {
    /// An empty one.
    pub fn new() -> io::Result<Inbox> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Inbox { post: Mutex::default(), wake })
    }

    /// Hands the worker a connection.
    pub fn deal(&self, arrival: Arrival) {
        lock(&self.post).arrivals.push(arrival);
        self.wake();
    }

    /// Tells the worker that an answer has come for the connection in this slot (or for one that was there).
    pub fn answered(self: &Arc<Inbox>, slot: usize) {
        let is_first = {
            let mut post = lock(&self.post);
            post.answered.push(slot);
            post.answered.len() == 1
        };
        // Whoever came first wakes it, or is about to.
        if is_first {
            GATHERED.with_borrow_mut(|gathered| match gathered {
                Some(inboxes) => inboxes.push(Arc::clone(self)),
                None => self.wake(),
            });
        }
    }

    /// Makes the worker look around.
    pub fn wake(&self) {
        // It can fail only when the counter is full, and then the worker is awake.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// For the worker: what has come since it asked last.
    pub fn take(&self) -> (Vec<Arrival>, Vec<usize>) {
        let mut count = [0u8; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
        let mut post = lock(&self.post);
        (std::mem::take(&mut post.arrivals), std::mem::take(&mut post.answered))
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// From now on this thread wakes nobody, until [`wake_gathered`]: the answers of one commit wake a worker once.
pub fn gather() {
    GATHERED.set(Some(Vec::new()));
}

/// Wakes those for whom there is something since [`gather`].
pub fn wake_gathered() {
    for inbox in GATHERED.take().into_iter().flatten() {
        inbox.wake();
    }
}
