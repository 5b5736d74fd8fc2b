//! What a server needs of the queues: steps that are answered later, on the committer's thread, so that none of its own
//! threads waits for a disk; and a look at what is ready, without a step.

use super::record::Record;
use super::{Queue, Queues};
use crate::Error;
use crate::committer::Tx;

impl Queues {
    /// Runs steps as one and returns at once; `then` gets the answer when it is durable, on the committer's thread, and
    /// is to be brief. If this fails `then` was dropped uncalled. `bytes` is about what the steps will write: how many
    /// are under way the caller bounds himself.
    pub fn run_with<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        self.check_fork()?;
        self.db.committer().submit_with(bytes, work, then)
    }
}

impl Queue {
    /// How many messages can be handed out now; 0 if there is no such queue, or it is paused. What has expired may be
    /// among them.
    pub fn ready(&self) -> Result<u64, Error> {
        self.queues.check_fork()?;
        let record = Record::load(self.queues.db.engine().as_ref(), &self.name)?;
        Ok(record.filter(|record| !record.is_paused).map_or(0, |record| record.ready()))
    }

    /// Is there such a queue?
    pub fn exists(&self) -> Result<bool, Error> {
        self.queues.check_fork()?;
        Ok(Record::load(self.queues.db.engine().as_ref(), &self.name)?.is_some())
    }
}
