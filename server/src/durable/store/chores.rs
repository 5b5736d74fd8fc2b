//! The long work of a store: each on a thread of its own, one at a time, while its connection waits.

use super::super::Ticket;
use super::verbs::failed;
use crate::protocol::reply;
use nearcache_store::{Database, Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// `db_checkpoint`: everything that was written is synced, whatever the policy.
    Checkpoint,
    /// `db_archive`: journals that nobody needs any more go. The engine sees to that itself, all the time.
    Archive,
    /// `db_compact`: what was removed gives back its place on the disk.
    Compact,
}

/// Who does it.
#[derive(Debug, Default)]
pub struct Chores {
    is_busy: Arc<AtomicBool>,
    is_stopping: Arc<AtomicBool>,
}

/// Somebody else's turn comes when this goes.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of whoever comes next.
        self.0.store(false, Ordering::Release);
    }
}

impl Chores {
    /// Begins it; the ticket is answered when it is done.
    pub fn begin(&self, chore: Chore, db: &Arc<Database>, ticket: Ticket) {
        if chore == Chore::Archive {
            return ticket.answer(reply::OK);
        }
        // Acquire: pairs with the Release in `Turn`.
        if self.is_busy.swap(true, Ordering::Acquire) {
            return ticket.answer(
                b"SERVER_ERROR a checkpoint or a compaction is under way: ask again when it has ended\r\n"
                    .as_slice(),
            );
        }
        let turn = Turn(Arc::clone(&self.is_busy));
        let (db, is_stopping) = (Arc::clone(db), Arc::clone(&self.is_stopping));
        let work = move || {
            let done = run(chore, &db, &is_stopping);
            drop(turn);
            match done {
                Ok(()) => ticket.answer(reply::OK),
                Err(error) => ticket.answer(failed(&error)),
            }
        };
        // A thread that does not start drops the ticket, which answers for itself.
        if let Err(error) = thread::Builder::new().name("chore".into()).spawn(work) {
            eprintln!("nearcached: cannot start a thread: {error}");
        }
    }

    /// The server ends: nothing more is begun, and what is under way goes no further than its next step.
    pub fn stop(&self) {
        // Relaxed: it is looked at now and then.
        self.is_stopping.store(true, Ordering::Relaxed);
    }
}

fn run(chore: Chore, db: &Database, is_stopping: &AtomicBool) -> Result<(), Error> {
    match chore {
        Chore::Archive => Ok(()),
        Chore::Checkpoint => db.engine().sync(),
        Chore::Compact => db.compact(&mut |_| !is_stopping.load(Ordering::Relaxed)),
    }
}
