//! The iterator over keys.

use nearcache::Cache as Core;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::Cache;

/// Keys met in one step of the walk, which runs detached from the interpreter.
const STEP: usize = 256;

/// Adds the iterator's class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<KeyIterator>()
}

/// The keys of a cache, as bytes, in no order. Made by iter(cache) and cache.keys().
///
/// Weakly consistent: a key that is there throughout is met once, one that comes or goes meanwhile may or may
/// not be met. Threads may share an iterator; each key then goes to one of them.
#[pyclass(frozen, module = "nearcache")]
pub struct KeyIterator {
    cache: Py<Cache>,
    walk: Mutex<Walk>,
}

/// # Invariants
/// `keys` borrows from the core that `_core` keeps alive; it is declared, and so dropped, first.
struct Walk {
    keys: nearcache::Keys<'static>,
    met: VecDeque<Vec<u8>>,
    _core: Arc<Core>,
}

impl KeyIterator {
    /// An iterator over the keys that start with `prefix`.
    pub fn new(cache: Bound<'_, Cache>, prefix: &[u8]) -> PyResult<KeyIterator> {
        let core = cache.get().handle().share(cache.py())?;
        // SAFETY: the reference is into the allocation of `core`, which does not move and which `Walk` keeps
        // for longer than `keys`, by its own invariant. The lifetime does not leave this module.
        let lasting: &'static Core = unsafe { &*Arc::as_ptr(&core) };
        let walk = Walk { keys: lasting.keys(prefix), met: VecDeque::new(), _core: core };
        Ok(KeyIterator { cache: cache.unbind(), walk: Mutex::new(walk) })
    }
}

impl Walk {
    fn refill(&mut self) {
        self.met.extend(self.keys.by_ref().take(STEP));
    }
}

#[pymethods]
impl KeyIterator {
    /// Return itself.
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Return the next key.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        // A closed cache has no keys to tell, though the walk could go on.
        self.cache.get().handle().with(py, |_| ())?;
        // A thread that waited for the lock while holding the GIL would keep the lock's holder, which walks
        // detached, from ever coming back.
        let mut walk = self.walk.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        if walk.met.is_empty() {
            let walk = &mut *walk;
            py.detach(|| walk.refill());
        }
        Ok(walk.met.pop_front().map(|key| PyBytes::new(py, &key)))
    }
}
