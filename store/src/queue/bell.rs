//! Wakes those who wait for messages: told of each batch that was committed, it calls whoever watches a queue that has
//! something to hand out.

use super::record::Record;
use crate::committer::{Observer, Tx};
use crate::engine::Space;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

type Call = Arc<dyn Fn() + Send + Sync>;
/// Who watches one queue: the number of the watch, and what to call.
type Watchers = Vec<(u64, Call)>;

/// Who watches which queue.
#[derive(Default)]
pub struct Bells {
    watchers: Mutex<HashMap<Vec<u8>, Watchers>>,
    /// How many there are, to be asked without the lock; and the number of the next.
    count: AtomicUsize,
    next: Mutex<u64>,
}

/// A watch; dropped, it ends.
pub struct Watch {
    bells: Arc<Bells>,
    queue: Vec<u8>,
    number: u64,
}

impl Bells {
    /// Has `call` called whenever the queue may have something to hand out. On the committer's thread: it is to be brief.
    pub fn watch(self: &Arc<Bells>, queue: &[u8], call: Call) -> Watch {
        let number = {
            let mut next = self.next.lock();
            *next += 1;
            *next
        };
        self.watchers.lock().entry(queue.to_vec()).or_default().push((number, call));
        // SeqCst: who reads a queue after this finds what was committed before the count was read.
        self.count.fetch_add(1, Ordering::SeqCst);
        Watch { bells: self.clone(), queue: queue.to_vec(), number }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.bells.watchers.lock();
        if let Some(those) = watchers.get_mut(&self.queue) {
            those.retain(|(number, _)| *number != self.number);
            if those.is_empty() {
                watchers.remove(&self.queue);
            }
        }
        // SeqCst: as above.
        self.bells.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Observer for Bells {
    fn committed(&self, tx: &Tx<'_>) {
        // SeqCst: see `watch`.
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut calls = Vec::new();
        {
            let watchers = self.watchers.lock();
            for (name, those) in watchers.iter() {
                let record = tx.changes(Space::Queues).get(name).and_then(Option::as_ref);
                let has_some = record.and_then(|bytes| Record::decode(bytes).ok());
                if has_some.is_some_and(|record| record.ready() > 0 && !record.is_paused) {
                    calls.extend(those.iter().map(|(_, call)| call.clone()));
                }
            }
        }
        calls.iter().for_each(|call| call());
    }
}

/// One thread that waits for a bell.
#[derive(Default)]
pub struct Waiter {
    has_rung: Mutex<bool>,
    rung: Condvar,
}

impl Waiter {
    /// The bell.
    pub fn ring(&self) {
        *self.has_rung.lock() = true;
        self.rung.notify_one();
    }

    /// Waits until it has rung since the last time, or until the deadline; `false`: until the deadline.
    pub fn wait(&self, until: Instant) -> bool {
        let mut has_rung = self.has_rung.lock();
        while !*has_rung {
            if self.rung.wait_until(&mut has_rung, until).timed_out() {
                break;
            }
        }
        std::mem::take(&mut *has_rung)
    }
}
