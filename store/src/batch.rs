//! Several changes that happen together or not at all, to items and to queues alike.

use crate::Error;
use crate::committer::{Pending, Tx};
use crate::database::Database;
use crate::error::check_key;
use crate::queue::{Push, Queues, Receipt, steps};
use crate::store::{Store, asked};
use crate::verbs::{self, Limits};
use nearcache::{Deletion, Expiry, MetaArith, MetaDelete, MetaSum, Outcome, Verb};

/// One change; it answers a number.
pub type Step = Box<dyn FnOnce(&mut Tx<'_>) -> Result<u64, Error> + Send>;

/// Changes to be made in one atomic step by [`Batch::commit`].
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("nearcache-store-doc-batch-{}", std::process::id()));
/// use nearcache::{Expiry, Verb};
/// use nearcache_store::{Options, Store};
///
/// let store = Store::open(&dir, Options::default())?;
/// let mut batch = store.batch();
/// batch.store(Verb::Add, b"order:1", b"tea", 0, Expiry::Never)?;
/// batch.store(Verb::Set, b"orders", b"1", 0, Expiry::Never)?;
/// batch.commit(store.database())?;
/// // The order is there already: neither change is made.
/// let mut batch = store.batch();
/// batch.store(Verb::Set, b"orders", b"2", 0, Expiry::Never)?;
/// batch.store(Verb::Add, b"order:1", b"coffee", 0, Expiry::Never)?;
/// assert!(batch.commit(store.database()).is_err());
/// assert_eq!(store.get(b"orders")?.unwrap().data, b"1");
/// # drop(store);
/// # let _ = std::fs::remove_dir_all(&dir);
/// # Ok::<(), nearcache_store::Error>(())
/// ```
pub struct Batch {
    limits: Limits,
    steps: Vec<Step>,
    bytes: usize,
}

impl Store {
    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch { limits: self.limits, steps: Vec::new(), bytes: 0 }
    }
}

impl Batch {
    /// Any storing verb; its number is the new unique. If its condition does not hold the batch is refused.
    pub fn store(
        &mut self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<(), Error> {
        check_key(key)?;
        verbs::check_size(&self.limits, key, value.len(), flags)?;
        let (limits, step) = (self.limits, self.steps.len());
        let (key, value) = (key.to_vec(), value.to_vec());
        self.step(key.len() + value.len(), move |tx| {
            let ask = asked(verb, flags, expiry);
            match verbs::store(tx, &limits, &key, &value, ask)?.outcome {
                Outcome::Stored(unique) => Ok(unique),
                outcome => Err(Error::Refused { step, why: format!("{outcome:?}") }),
            }
        });
        Ok(())
    }

    /// Removes an item; its number is 1, or 0 if there was none.
    pub fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        check_key(key)?;
        let (limits, key) = (self.limits, key.to_vec());
        self.step(key.len(), move |tx| {
            let (deletion, _) = verbs::delete(tx, &limits, &key, MetaDelete::default())?;
            Ok(u64::from(deletion == Deletion::Deleted))
        });
        Ok(())
    }

    /// Adds to a number, or subtracts; its number is the new one. A missing key refuses the batch.
    pub fn count(&mut self, key: &[u8], delta: u64, down: bool) -> Result<(), Error> {
        check_key(key)?;
        let (limits, step, key) = (self.limits, self.steps.len(), key.to_vec());
        self.step(key.len(), move |tx| {
            let ask = MetaArith { delta, down, ..MetaArith::default() };
            match verbs::arith(tx, &limits, &key, ask)? {
                MetaSum::Number { number, .. } => Ok(number),
                other => Err(Error::Refused { step, why: format!("{other:?}") }),
            }
        });
        Ok(())
    }

    /// Puts a message into a queue; its number is the message's sequence number.
    pub fn push(
        &mut self,
        queues: &Queues,
        queue: &[u8],
        body: &[u8],
        push: &Push,
    ) -> Result<(), Error> {
        steps::check_push(queue, push)?;
        let (limits, queue, body, push) =
            (queues.limits(), queue.to_vec(), body.to_vec(), push.clone());
        self.step(queue.len() + body.len(), move |tx| {
            Ok(steps::push(tx, &limits, &queue, &body, &push)?.seq)
        });
        Ok(())
    }

    /// Acknowledges a message; its number is 1. A message that is not this receipt's any more refuses the batch: so
    /// what is done because of a message is done once.
    pub fn ack(&mut self, queues: &Queues, queue: &[u8], receipt: &Receipt) -> Result<(), Error> {
        let (step, queue, receipt) =
            (self.steps.len(), queues.queue(queue)?.name().to_vec(), *receipt);
        self.step(0, move |tx| match steps::ack(tx, &queue, &receipt)? {
            true => Ok(1),
            false => Err(Error::Refused {
                step,
                why: "a message that was acknowledged before, or whose lease has ended".into(),
            }),
        });
        Ok(())
    }

    /// Any change: what it does is undone if it, or another, fails. `bytes` is about what it writes.
    pub fn step(
        &mut self,
        bytes: usize,
        step: impl FnOnce(&mut Tx<'_>) -> Result<u64, Error> + Send + 'static,
    ) {
        self.bytes += bytes;
        self.steps.push(Box::new(step));
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Makes all changes, in their order, or none; answers their numbers when they are as safe as the policy asks.
    pub fn commit(self, database: &Database) -> Result<Vec<u64>, Error> {
        self.submit(database)?.wait()
    }

    /// The same, to be waited for later: so one thread has many batches on their way, in the order of its calls.
    pub fn submit(self, database: &Database) -> Result<Pending<Vec<u64>>, Error> {
        let (bytes, all) = self.into_work();
        database.committer().submit(bytes, all)
    }

    /// About how much is written, and what does it all.
    pub(crate) fn into_work(
        self,
    ) -> (usize, impl FnOnce(&mut Tx<'_>) -> Result<Vec<u64>, Error> + Send + 'static) {
        let steps = self.steps;
        (self.bytes, move |tx| steps.into_iter().map(|step| step(tx)).collect())
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}
