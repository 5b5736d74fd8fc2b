//! What each verb has the committer run; and the verbs for who must not wait, as a server's event loop must not: the
//! answer is given to a function, on the committer's thread.

use crate::committer::Tx;
use crate::error::check_key;
use crate::stats::Counter;
use crate::store::{Store, asked};
use crate::value::{Hit, Stored, Value};
use crate::{Error, verbs};
use nearcache::{
    Deletion, Expiry, MetaArith, MetaDelete, MetaGet, MetaSet, MetaSum, Outcome, Verb,
};

/// About how many bytes are written, and what writes them.
pub(crate) type Work<T> = (usize, Box<dyn FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send>);

impl Store {
    /// [`Store::meta_set`], without waiting: `then` gets the answer, soon or at once, and is to be brief.
    pub fn meta_set_with(
        &self,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
        then: impl FnOnce(Result<Stored, Error>) + Send + 'static,
    ) {
        self.answer(self.set_work(key, value, ask), then);
    }

    /// [`Store::store`], without waiting.
    pub fn store_with(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        (flags, expiry): (u32, Expiry),
        then: impl FnOnce(Result<Outcome, Error>) + Send + 'static,
    ) {
        self.meta_set_with(key, value, asked(verb, flags, expiry), move |stored| {
            then(stored.map(|stored| stored.outcome));
        });
    }

    /// Would a value of this length be too large? For who would have to read it first. One that is, is counted.
    pub fn check_value(&self, key: &[u8], len: usize, flags: u32) -> Result<(), Error> {
        verbs::check_size(&self.limits, key, len, flags)
            .inspect_err(|_| self.counters.count(Counter::TooLarge))
    }

    /// [`Store::meta_get`] that changes something (see [`Store::meta_look`]), without waiting.
    pub fn meta_get_with(
        &self,
        key: &[u8],
        ask: MetaGet,
        then: impl FnOnce(Result<Option<Hit>, Error>) + Send + 'static,
    ) {
        self.answer(self.get_work(key, ask), then);
    }

    /// [`Store::gat`], without waiting.
    pub fn gat_with(
        &self,
        key: &[u8],
        expiry: Expiry,
        then: impl FnOnce(Result<Option<Value>, Error>) + Send + 'static,
    ) {
        self.answer(self.touch_work(key, expiry), then);
    }

    /// [`Store::meta_delete`], without waiting.
    pub fn meta_delete_with(
        &self,
        key: &[u8],
        ask: MetaDelete,
        then: impl FnOnce(Result<(Deletion, Option<Value>), Error>) + Send + 'static,
    ) {
        self.answer(self.delete_work(key, ask), then);
    }

    /// [`Store::meta_arith`], without waiting.
    pub fn meta_arith_with(
        &self,
        key: &[u8],
        ask: MetaArith,
        then: impl FnOnce(Result<MetaSum, Error>) + Send + 'static,
    ) {
        self.answer(self.arith_work(key, ask), then);
    }

    /// [`Store::flush_all`], without waiting.
    pub fn flush_all_with(
        &self,
        delay: u32,
        then: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        self.answer(self.flush_work(delay), then);
    }

    /// A store that is closed drops `then`: there is nobody any more who could call it later.
    fn answer<T: Send + 'static>(
        &self,
        work: Result<Work<T>, Error>,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        match work {
            Ok((bytes, work)) => {
                let _ = self.db.committer().submit_with(bytes, work, then);
            }
            Err(error) => then(Err(error)),
        }
    }

    /// A verb on a key, and what it does.
    fn work<T>(
        &self,
        key: &[u8],
        bytes: usize,
        verb: impl FnOnce(&mut Tx<'_>, &[u8]) -> Result<T, Error> + Send + 'static,
    ) -> Result<Work<T>, Error> {
        self.check_fork()?;
        check_key(key)?;
        let key = key.to_vec();
        Ok((key.len() + bytes, Box::new(move |tx| verb(tx, &key))))
    }

    /// Every storing verb.
    pub(crate) fn set_work(
        &self,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
    ) -> Result<Work<Stored>, Error> {
        self.check_value(key, value.len(), ask.flags)?;
        let (limits, counters, value) = (self.limits, self.counters.clone(), value.to_vec());
        self.work(key, value.len(), move |tx, key| {
            let stored = verbs::store(tx, &limits, key, &value, ask);
            match &stored {
                Ok(stored) => counters.stored(stored.outcome, ask.compare.is_some()),
                Err(Error::OverQuota { .. }) => counters.count(Counter::OverQuota),
                Err(_) => {}
            }
            stored
        })
    }

    /// A get that touches, vivifies or wins.
    pub(crate) fn get_work(&self, key: &[u8], ask: MetaGet) -> Result<Work<Option<Hit>>, Error> {
        let limits = self.limits;
        self.work(key, 0, move |tx, key| verbs::get(tx, &limits, key, ask))
    }

    /// Get and touch.
    pub(crate) fn touch_work(
        &self,
        key: &[u8],
        expiry: Expiry,
    ) -> Result<Work<Option<Value>>, Error> {
        let (limits, counters) = (self.limits, self.counters.clone());
        self.work(key, 0, move |tx, key| {
            let touched = verbs::touch(tx, &limits, key, expiry)?;
            counters.touched(touched.is_some());
            Ok(touched)
        })
    }

    /// A removal.
    pub(crate) fn delete_work(
        &self,
        key: &[u8],
        ask: MetaDelete,
    ) -> Result<Work<(Deletion, Option<Value>)>, Error> {
        let (limits, counters) = (self.limits, self.counters.clone());
        self.work(key, 0, move |tx, key| {
            let done = verbs::delete(tx, &limits, key, ask)?;
            if !ask.invalidate || done.0 != Deletion::Deleted {
                counters.deleted(done.0);
            }
            Ok(done)
        })
    }

    /// An addition.
    pub(crate) fn arith_work(&self, key: &[u8], ask: MetaArith) -> Result<Work<MetaSum>, Error> {
        let (limits, counters) = (self.limits, self.counters.clone());
        self.work(key, 0, move |tx, key| {
            let sum = verbs::arith(tx, &limits, key, ask)?;
            counters.added(sum, ask.down);
            Ok(sum)
        })
    }

    /// A flush.
    pub(crate) fn flush_work(&self, delay: u32) -> Result<Work<()>, Error> {
        self.check_fork()?;
        self.counters.count(Counter::CmdFlush);
        let flush = move |tx: &mut Tx<'_>| {
            verbs::flush_all(tx, delay);
            Ok(())
        };
        Ok((0, Box::new(flush)))
    }
}
