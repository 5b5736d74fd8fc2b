//! What is behind a `Store` and `close()`: the open place, held by each call for as long as it takes, and the snapshots
//! that end with it.

use nearcache_store::{Durable, Error, Place, Snapshot as View};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use super::errors::{from_store, other};
use super::seconds::Until;

/// The longest wait during which no signal is looked at: of a directory, where to look again costs a microsecond, and of
/// a socket, where it is a request.
const SLICES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// A place that is open, until it is closed.
pub struct Handle {
    pub place: Place,
    open: RwLock<Option<Durable>>,
    sights: Mutex<Vec<Weak<Sight>>>,
    maker: u32,
}

/// A snapshot's view, until it is closed.
pub struct Sight {
    view: Mutex<Option<Arc<View>>>,
    maker: u32,
}

impl Handle {
    pub fn new(durable: Durable, place: Place) -> Handle {
        let open = RwLock::new(Some(durable));
        Handle { place, open, sights: Mutex::default(), maker: std::process::id() }
    }

    /// What is open. The lock is held for a clone alone, by threads that are attached: none waits for it detached, and a
    /// fork finds it free.
    pub fn durable(&self, py: Python<'_>) -> PyResult<Durable> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner).clone();
        open.ok_or_else(|| from_store(py, Error::Closed))
    }

    /// Runs `work` detached from the interpreter.
    pub fn call<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Durable) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        let durable = self.durable(py)?;
        py.detach(move || {
            let done = work(&durable);
            // Here, not attached: if it was closed meanwhile, this is what closes the directory.
            drop(durable);
            done
        })
        .map_err(|error| from_store(py, error))
    }

    /// Asks until there is something, or the time is over, in slices: between them Python's signal handlers run, and a
    /// store that was closed is noticed. `ask` waits as long as it is told.
    pub fn wait<R: Send>(
        &self,
        py: Python<'_>,
        until: Until,
        ask: impl Fn(&Durable, Duration) -> Result<Vec<R>, Error> + Sync,
    ) -> PyResult<Vec<R>> {
        loop {
            let left = until
                .map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            let slice = left.min(SLICES[usize::from(!self.is_directory())]);
            let found = self.call(py, |durable| ask(durable, slice))?;
            if !found.is_empty() || left == slice {
                return Ok(found);
            }
            py.check_signals()?;
        }
    }

    /// Is it a directory of this process?
    pub fn is_directory(&self) -> bool {
        matches!(self.place, Place::Directory(_))
    }

    /// Takes a snapshot, which ends with the store.
    pub fn sight(&self, py: Python<'_>) -> PyResult<Arc<Sight>> {
        let view = self.call(py, Durable::snapshot)?;
        let sight = Arc::new(Sight { view: Mutex::new(Some(Arc::new(view))), maker: self.maker });
        let mut sights = self.sights();
        sights.retain(|sight| sight.strong_count() > 0);
        sights.push(Arc::downgrade(&sight));
        Ok(sight)
    }

    /// Lets go of everything; a call that is under way finishes.
    pub fn close(&self, py: Python<'_>) {
        let sights = std::mem::take(&mut *self.sights());
        sights.iter().filter_map(Weak::upgrade).for_each(|sight| sight.close(py));
        let durable = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        // What is under way is committed and synced.
        py.detach(|| drop(durable));
    }

    fn sights(&self) -> MutexGuard<'_, Vec<Weak<Sight>>> {
        self.sights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    /// Runs `work` on the view, detached from the interpreter.
    pub fn look<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&View) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        let Some(view) = self.view().clone() else {
            return Err(other(py, "the snapshot is closed: take another"));
        };
        // A view does not know of forks.
        let looked = match self.is_forked() {
            true => Err(Error::Forked),
            false => py.detach(|| work(&view)),
        };
        looked.map_err(|error| from_store(py, error))
    }

    /// Lets go of the view.
    pub fn close(&self, py: Python<'_>) {
        let view = self.view().take();
        match self.is_forked() {
            // To drop it would take locks that a thread of the parent may have held.
            true => std::mem::forget(view),
            false => py.detach(|| drop(view)),
        }
    }

    fn is_forked(&self) -> bool {
        std::process::id() != self.maker
    }

    fn view(&self) -> MutexGuard<'_, Option<Arc<View>>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        if self.is_forked() {
            std::mem::forget(self.view().take());
        }
    }
}
