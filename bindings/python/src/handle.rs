//! The core behind `close()`: lets a cache's memory go while verbs may still be at work in it, without a
//! locked instruction on the way of a get.

use nearcache::Cache as Core;
use pyo3::prelude::*;
use std::sync::Arc;

use crate::errors;

pub use imp::Handle;

impl Handle {
    /// Runs `work` on the core. The core stays until `work` returns, even if another thread closes the cache
    /// while `work` has detached from the interpreter.
    #[inline]
    pub fn with<R>(&self, py: Python<'_>, work: impl FnOnce(&Core) -> R) -> PyResult<R> {
        match self.run(py, work) {
            Some(answer) => Ok(answer),
            None => Err(errors::closed(py)),
        }
    }

    /// The core, for a holder that outlives one call.
    pub fn share(&self, py: Python<'_>) -> PyResult<Arc<Core>> {
        self.clone_core(py).ok_or_else(|| errors::closed(py))
    }

    /// Lets go of the core; true if it was open. Its memory is freed by the last verb or iterator at work in it.
    pub fn close(&self, py: Python<'_>) -> bool {
        let (was_open, core) = self.take(py);
        // Unmapping a large arena takes milliseconds: not with the interpreter held.
        py.detach(|| drop(core));
        was_open
    }
}

/// With a GIL: the GIL is the lock, and the users are counted with ordinary adds.
#[cfg(not(Py_GIL_DISABLED))]
mod imp {
    use super::*;
    use std::cell::{Cell, UnsafeCell};

    /// A core that can be closed.
    ///
    /// # Thread safety
    /// Every access takes a `Python` token, which only the holder of the GIL has.
    ///
    /// # Invariants
    /// 1. `core` is emptied only when `users` is 0, so a reference made by `run` stays good until it leaves.
    /// 2. `closed` is set once and never cleared; once it is set `users` only falls.
    pub struct Handle {
        core: UnsafeCell<Option<Arc<Core>>>,
        users: Cell<usize>,
        closed: Cell<bool>,
    }

    // SAFETY: the cells are reached only through methods that take a `Python` token; pyo3 guarantees that its
    // holder has the GIL, so no two threads are in them at once. `Core` itself is `Send` and `Sync`.
    unsafe impl Sync for Handle {}

    /// Leaves `run`, also by a panic.
    struct Leave<'a>(&'a Handle);

    impl Drop for Leave<'_> {
        #[inline]
        fn drop(&mut self) {
            let users = self.0.users.get() - 1;
            self.0.users.set(users);
            if users == 0 && self.0.closed.get() {
                // SAFETY: invariant 1: there are no users left, and `run`, which made this `Leave`, still
                // holds the token it was given, hence the GIL.
                drop(unsafe { (*self.0.core.get()).take() });
            }
        }
    }

    impl Handle {
        pub fn new(core: Core) -> Handle {
            Handle {
                core: UnsafeCell::new(Some(Arc::new(core))),
                users: Cell::new(0),
                closed: Cell::new(false),
            }
        }

        #[inline]
        pub(super) fn run<R>(&self, _: Python<'_>, work: impl FnOnce(&Core) -> R) -> Option<R> {
            if self.closed.get() {
                return None;
            }
            self.users.set(self.users.get() + 1);
            let _leave = Leave(self);
            // SAFETY: invariant 1, upheld by the count just taken: nobody empties `core` before `_leave` is dropped.
            let core = unsafe { (*self.core.get()).as_deref() }?;
            Some(work(core))
        }

        pub(super) fn clone_core(&self, _: Python<'_>) -> Option<Arc<Core>> {
            if self.closed.get() {
                return None;
            }
            // SAFETY: the token is the GIL, so nobody empties `core` during this clone.
            unsafe { (*self.core.get()).clone() }
        }

        pub(super) fn take(&self, _: Python<'_>) -> (bool, Option<Arc<Core>>) {
            if self.closed.replace(true) {
                return (false, None);
            }
            if self.users.get() > 0 {
                // A detached verb is at work; its `Leave` empties the cell.
                return (true, None);
            }
            // SAFETY: invariant 1: no users, and the token is the GIL, so none can come.
            (true, unsafe { (*self.core.get()).take() })
        }
    }
}

/// Without a GIL: a short lock around a counted reference.
#[cfg(Py_GIL_DISABLED)]
mod imp {
    use super::*;
    use std::sync::{PoisonError, RwLock};

    /// A core that can be closed. The lock is held for a clone or a take only, never across Python code.
    pub struct Handle(RwLock<Option<Arc<Core>>>);

    impl Handle {
        pub fn new(core: Core) -> Handle {
            Handle(RwLock::new(Some(Arc::new(core))))
        }

        #[inline]
        pub(super) fn run<R>(&self, py: Python<'_>, work: impl FnOnce(&Core) -> R) -> Option<R> {
            self.clone_core(py).map(|core| work(&core))
        }

        pub(super) fn clone_core(&self, _: Python<'_>) -> Option<Arc<Core>> {
            // A clone cannot panic half-way, so a poisoned lock still holds a whole value.
            self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
        }

        pub(super) fn take(&self, _: Python<'_>) -> (bool, Option<Arc<Core>>) {
            let core = self.0.write().unwrap_or_else(PoisonError::into_inner).take();
            (core.is_some(), core)
        }
    }
}
