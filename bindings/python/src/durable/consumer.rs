//! What `for message in queue.consume()` iterates over.

use nearcache_store::queue::Lease;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::message::Message;
use super::queue::Queue;
use super::seconds::{self, Wait};

/// The messages of a queue as they come; made by Queue.consume. Threads may share one.
#[pyclass(frozen, module = "nearcache")]
pub struct Consumer {
    queue: Py<Queue>,
    wait: Py<PyAny>,
    lease: Lease,
}

impl Consumer {
    /// Each is waited for so long.
    pub fn new(
        queue: &Bound<'_, Queue>,
        wait: Option<Bound<'_, PyAny>>,
        lease: Lease,
    ) -> PyResult<Consumer> {
        let py = queue.py();
        let wait = wait.unwrap_or_else(|| py.None().into_bound(py));
        // Is it a time at all?
        seconds::until(&Wait(Some(wait.clone())))?;
        Ok(Consumer { queue: queue.clone().unbind(), wait: wait.unbind(), lease })
    }
}

#[pymethods]
impl Consumer {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.queue)
    }

    /// Return itself.
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Return the next message.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        let until = seconds::until(&Wait(Some(self.wait.bind(py).clone())))?;
        Ok(self.queue.get().fetch(py, 1, Some(self.lease), until)?.pop())
    }
}
