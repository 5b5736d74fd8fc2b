//! What is asked of each of the queues compared, and ours.

use crate::contest::{Client, Contender, Random, Value, value};
use crate::peers::Safety;
use nearcache_store::queue::{Lease, Push, Queue, Queues, steps};
use nearcache_store::{Database, Options, Policy};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A queue that is open.
pub trait Line: Sync {
    /// Whose it is.
    fn name(&self) -> &'static str;

    /// A producer or consumer of its own, as a thread of a program has it.
    fn client(&self) -> Box<dyn Works + '_>;
}

/// What producers and consumers ask of a queue.
pub trait Works: Send {
    /// Puts a message in.
    fn push(&mut self, body: &Value);

    /// Reserves a message, and acknowledges it; `false`: there is none.
    fn take(&mut self) -> bool;
}

/// Producers, each of which puts one message in at a time.
pub fn producers<'a>(line: &'a dyn Line, clients: usize) -> Contender<'a> {
    Contender::new(line.name(), clients, || {
        let mut client = line.client();
        let produce: Client<'a> = Box::new(move |random: &mut Random| {
            client.push(&value(random));
            1
        });
        produce
    })
}

/// Consumers, each of which reserves and acknowledges one message at a time, until there is none left.
pub fn consumers<'a>(line: &'a dyn Line, clients: usize) -> Contender<'a> {
    Contender::new(line.name(), clients, || {
        let mut client = line.client();
        let consume: Client<'a> = Box::new(move |_: &mut Random| client.take().into());
        consume
    })
}

/// nearcache's queue.
pub struct Ours(Queue);

impl Ours {
    /// Opens a database in a directory, or makes it, with a queue of so many messages.
    pub fn open(dir: &Path, safety: Safety, count: u64) -> Ours {
        let mut options = Options::default();
        options.policy = match safety {
            Safety::Synced => Policy::Always,
            Safety::Written => Policy::Never,
        };
        let database = Arc::new(Database::open(dir, options).expect("the database opens"));
        let queues = Queues::on(database).expect("the queues open");
        let queue = queues.queue(b"queue").expect("it is a name");
        let (mut left, mut random) = (count, Random::new(1));
        while left > 0 {
            let some = left.min(10_000);
            let limits = queues.limits();
            let bytes = some as usize * size_of::<Value>();
            let bodies: Vec<Value> = (0..some).map(|_| value(&mut random)).collect();
            let fill = queues.run(bytes, move |tx| {
                let push = Push::default();
                bodies
                    .iter()
                    .try_for_each(|body| steps::push(tx, &limits, b"queue", body, &push).map(drop))
            });
            fill.expect("the queue is filled");
            left -= some;
        }
        Ours(queue)
    }
}

impl Line for Ours {
    fn name(&self) -> &'static str {
        "nearcache"
    }

    fn client(&self) -> Box<dyn Works + '_> {
        Box::new(self)
    }
}

impl Works for &Ours {
    fn push(&mut self, body: &Value) {
        self.0.push(body, &Push::default()).expect("the message is in");
    }

    fn take(&mut self) -> bool {
        let reserved = self.0.reserve_one(Lease::Seconds(60), Duration::ZERO);
        let Some(message) = reserved.expect("a message is reserved") else {
            return false;
        };
        assert_eq!(message.body.len(), size_of::<Value>());
        let receipt = message.receipt.expect("it was reserved");
        assert!(self.0.ack(&receipt).expect("it is acknowledged"));
        true
    }
}
