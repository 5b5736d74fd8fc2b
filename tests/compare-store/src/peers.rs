//! What is asked of each of the stores compared, and ours.

use crate::contest::{Key, Random, Value, key, value};
use nearcache::{Expiry, Home};
use nearcache_store::{Options, Policy, Store};
use std::path::Path;

/// Is a write on the disk when it is answered, or with the operating system?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// A loss of power loses nothing.
    Synced,
    /// The end of the process loses nothing.
    Written,
}

/// A store that is open.
pub trait Peer: Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// A client of its own, as a thread of a program has it.
    fn client(&self) -> Box<dyn Asks + '_>;
}

/// What a client asks of a store.
pub trait Asks: Send {
    /// Puts values under keys, together or not at all. One alone as simply as it goes.
    fn put(&mut self, items: &[(Key, Value)]);

    /// Reads a value; is it there?
    fn get(&mut self, key: &Key) -> bool;

    /// Reads so many items in the order of their keys; how many there were. `None`: it has no order.
    fn scan(&mut self, from: &Key, count: usize) -> Option<usize>;
}

/// So many items of a store, drawn at random, with new values.
pub fn draw(random: &mut Random, below: u64, count: usize) -> Vec<(Key, Value)> {
    (0..count).map(|_| (key(random.below(below)), value(random))).collect()
}

/// nearcache's store.
pub struct Ours(pub Store);

impl Ours {
    /// Opens the store in a directory, or makes it.
    pub fn open(dir: &Path, safety: Safety, near: u64) -> Ours {
        Ours::open_at(dir, safety, near, Home::Private)
    }

    /// The same with a near tier that others may read too.
    pub fn open_at(dir: &Path, safety: Safety, near: u64, home: Home) -> Ours {
        let mut options = Options::default();
        (options.near, options.near_home) = (near, home);
        options.policy = match safety {
            Safety::Synced => Policy::Always,
            Safety::Written => Policy::Never,
        };
        Ours(Store::open(dir, options).expect("the store opens"))
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "nearcache"
    }

    fn client(&self) -> Box<dyn Asks + '_> {
        Box::new(self)
    }
}

impl Asks for &Ours {
    fn put(&mut self, items: &[(Key, Value)]) {
        if let [(key, value)] = items {
            self.0.set(key, value, 0, Expiry::Never).expect("the put is done");
            return;
        }
        let mut batch = self.0.batch();
        for (key, value) in items {
            let step = batch.store(nearcache::Verb::Set, key, value, 0, Expiry::Never);
            step.expect("the put is possible");
        }
        batch.commit(self.0.database()).expect("the batch is done");
    }

    fn get(&mut self, key: &Key) -> bool {
        self.0.get(key).expect("the get is done").is_some()
    }

    fn scan(&mut self, from: &Key, count: usize) -> Option<usize> {
        Some(self.0.rget(from, b"", false, false, count).expect("the scan is done").len())
    }
}
