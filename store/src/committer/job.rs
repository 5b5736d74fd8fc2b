//! Operations on their way to the committer, and their answers on the way back.

use crate::Error;
use crate::committer::tx::Tx;
use parking_lot::Mutex;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// An operation that waits to be run and answered.
pub(super) trait Job: Send {
    /// Runs it; `false`: it has failed by itself, and what it changed is to be undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells its caller: what it answered, if the batch is as safe as was asked, else why not.
    fn answer(self: Box<Self>, fate: &Result<(), Error>);
}

/// Everybody who waits for one batch waits here, and is woken by one call. (Not a condition variable: its waiters would
/// wake one after another, each with the lock of the one before.)
#[derive(Debug, Default)]
pub(super) struct Gate(OnceLock<()>);

/// Opens the gate when it is dropped, whatever happens before.
pub(super) struct Opening(pub Arc<Gate>);

impl Drop for Opening {
    fn drop(&mut self) {
        let _ = self.0.0.set(());
    }
}

/// An answer to come. Dropped, it is not waited for; the operation is done all the same.
#[derive(Debug)]
#[must_use = "the operation is only known to be safe when it was waited for"]
pub struct Pending<T> {
    slot: Arc<Mutex<Option<Result<T, Error>>>>,
    gate: Arc<Gate>,
}

impl<T> Pending<T> {
    /// Waits until the operation is done and as safe as the policy asks.
    pub fn wait(self) -> Result<T, Error> {
        self.gate.0.wait();
        // A job that was dropped unanswered: its committer is gone.
        self.slot.lock().take().unwrap_or(Err(Error::Closed))
    }
}

/// A function as a job: `then` gets its answer on the committer's thread.
pub(super) struct Work<F, T, G> {
    work: Option<F>,
    done: Option<Result<T, Error>>,
    then: G,
}

impl<F, T, G> Job for Work<F, T, G>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send,
    G: FnOnce(Result<T, Error>) + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // A panic leaves the batch half changed; what it changed is undone by the caller.
        let done = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|panic| Err(Error::Panicked(said(panic.as_ref()))));
        let is_good = done.is_ok();
        self.done = Some(done);
        is_good
    }

    fn answer(self: Box<Self>, fate: &Result<(), Error>) {
        let done = match (self.done, fate) {
            (Some(Err(e)), _) => Err(e),
            (_, Err(e)) => Err(e.clone()),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(Error::Closed),
        };
        let then = self.then;
        // What a caller does with his answer does not end the committer.
        let _ = catch_unwind(AssertUnwindSafe(|| then(done)));
    }
}

/// A job whose answer is given to `then`.
pub(super) fn calling<T, F, G>(work: F, then: G) -> Box<dyn Job>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    G: FnOnce(Result<T, Error>) + Send + 'static,
    T: Send + 'static,
{
    Box::new(Work { work: Some(work), done: None, then })
}

/// A job whose answer is waited for at a gate.
pub(super) fn waiting<T, F>(work: F) -> (Box<dyn Job>, impl FnOnce(Arc<Gate>) -> Pending<T>)
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    T: Send + 'static,
{
    let slot = Arc::new(Mutex::new(None));
    let filled = slot.clone();
    let job = calling(work, move |done| *filled.lock() = Some(done));
    (job, move |gate| Pending { slot, gate })
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_string()
}
