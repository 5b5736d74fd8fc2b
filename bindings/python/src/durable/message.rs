//! The class `Message`: what a consumer has got, and what he does with it.

use nearcache_store::queue::{self, Fate, Receipt};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::errors::{lease_ended, other};
use super::queue::shown;
use super::seconds;
use super::store::Store;
use crate::cache::Any;

/// A message of a queue.
///
/// In a with statement it is acknowledged at the end, or after an exception given back, to be delivered again; LeaseEndedError is
/// raised if its lease had ended before it was acknowledged. One that was acknowledged or given back within, also by a
/// batch, is left alone. Without either it comes back when its lease ends.
///
/// value is what was put in, body its bytes and flags its flags. deliveries counts this delivery; at and expires (None: never) are
/// Unix times in seconds. id is the producer's, as bytes. origin is the queue that it comes from, if it is a dead letter or
/// has expired. receipt is text by which another process can acknowledge it, None if it was taken for good or peeked at.
///
/// >>> q.put({"tea": 2}, id="7") > 0
/// True
/// >>> with q.get() as message:
/// ...     message.value, message.id, message.deliveries, message.queue
/// ({'tea': 2}, b'7', 1, 'tasks')
/// >>> len(q)
/// 0
#[pyclass(frozen, weakref, module = "nearcache")]
pub struct Message {
    store: Py<Store>,
    queue: Vec<u8>,
    message: queue::Message,
    state: Mutex<State>,
}

struct State {
    /// What it is acknowledged by, as long as that was not tried.
    held: Option<Receipt>,
    /// The object, made when it is first asked for.
    value: Option<Py<PyAny>>,
}

impl Message {
    /// A message of the queue of this name.
    pub fn new(store: Py<Store>, queue: &[u8], message: queue::Message) -> Message {
        let state = Mutex::new(State { held: message.receipt, value: None });
        Message { store, queue: queue.to_vec(), message, state }
    }

    pub fn store(&self) -> &Py<Store> {
        &self.store
    }

    pub fn queue_name(&self) -> &[u8] {
        &self.queue
    }

    /// It was acknowledged, or given back.
    pub fn settle(&self) {
        self.state().held = None;
    }

    /// What it is acknowledged by; an error if it is not the caller's to acknowledge.
    pub fn held(&self, py: Python<'_>) -> PyResult<Receipt> {
        let held = self.state().held;
        held.ok_or_else(|| {
            other(
                py,
                match self.message.receipt {
                    Some(_) => "the message was acknowledged or given back before",
                    None => {
                        "the message was taken for good or only looked at: there is nothing to acknowledge"
                    }
                },
            )
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledge(&self, py: Python<'_>, receipt: Receipt) -> PyResult<bool> {
        let work = |durable: &nearcache_store::Durable| durable.ack(&self.queue, &[receipt]);
        let acked = self.store.get().handle.call(py, work)?;
        self.settle();
        Ok(acked == [true])
    }
}

#[pymethods]
impl Message {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        match self.state.try_lock() {
            Ok(state) => visit.call(&state.value),
            Err(_) => Ok(()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (queue, message) = (shown(py, &self.queue)?.repr()?, &self.message);
        Ok(format!(
            "<nearcache.Message {} of {queue}, {} bytes, delivery {}>",
            message.seq,
            message.body.len(),
            message.deliveries
        ))
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Acknowledge the message; after an exception give it back.
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyType>>,
        _exc: Any<'_, '_>,
        _traceback: Any<'_, '_>,
    ) -> PyResult<()> {
        let Some(receipt) = self.state().held else { return Ok(()) };
        if exc_type.is_some() {
            // What was raised is what the caller is to hear of; if this fails the lease's end brings the message back.
            let _ = self.nak(py, None);
            return Ok(());
        }
        match self.acknowledge(py, receipt)? {
            true => Ok(()),
            false => Err(lease_ended(py)),
        }
    }

    /// The message is done with, and removed. Return False if its lease had ended: then it is, or will be, delivered again.
    ///
    /// >>> q.put("tea") > 0, q.get().ack(), len(q)
    /// (True, True, 0)
    fn ack(&self, py: Python<'_>) -> PyResult<bool> {
        let receipt = self.held(py)?;
        self.acknowledge(py, receipt)
    }

    /// Give the message back, to be delivered again after delay seconds, or as the queue's settings say. Return True, or False
    /// if it was delivered too often or has expired, and is where such messages go; None if its lease had ended.
    ///
    /// >>> q.put("tea") > 0, q.get().nak(), q.get().deliveries
    /// (True, True, 2)
    #[pyo3(signature = (delay=None))]
    fn nak(&self, py: Python<'_>, delay: Any<'_, '_>) -> PyResult<Option<bool>> {
        let (receipt, delay) = (self.held(py)?, seconds::maybe("delay", delay)?);
        let handle = &self.store.get().handle;
        let fate = handle.call(py, |durable| durable.nak(&self.queue, &receipt, delay))?;
        self.settle();
        Ok(match fate {
            Fate::Again => Some(true),
            Fate::Over => Some(false),
            Fate::Unknown => None,
        })
    }

    /// Keep the message for so many seconds more, from now on. Return False if its lease had ended.
    ///
    /// >>> q.put("tea") > 0
    /// True
    /// >>> with q.get(lease=5) as message:
    /// ...     message.extend(60)
    /// True
    fn extend(&self, py: Python<'_>, seconds: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (receipt, seconds) = (self.held(py)?, seconds::whole("seconds", seconds)?);
        let handle = &self.store.get().handle;
        let renewed = handle.call(py, |durable| durable.extend(&self.queue, &receipt, seconds))?;
        self.state().held = renewed;
        Ok(renewed.is_some())
    }

    /// What was put in. SerdeError is raised if the bytes are not what their flags say.
    ///
    /// >>> q.put([1, None]) > 0, q.get().value
    /// (True, [1, None])
    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(value) = &self.state().value {
            return Ok(value.clone_ref(py));
        }
        let (queue, message) = (shown(py, &self.queue)?, &self.message);
        let made = self.store.get().values.decode(&queue, message.flags, &message.body)?.unbind();
        // If another thread was faster its object is the value; this one ends behind the lock, for that may run any code.
        let value = self.state().value.get_or_insert_with(|| made.clone_ref(py)).clone_ref(py);
        Ok(value)
    }

    /// The bytes, whatever their flags.
    ///
    /// >>> q.put("tea") > 0, q.get().body
    /// (True, b'tea')
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.message.body)
    }

    /// The flags, which say of what type the bytes are.
    ///
    /// >>> q.put("tea") > 0, q.get().flags
    /// (True, 16)
    #[getter]
    fn flags(&self) -> u32 {
        self.message.flags
    }

    /// The message's number in the store: those of a queue are in this order.
    ///
    /// >>> q.put("tea") == q.get().seq
    /// True
    #[getter]
    fn seq(&self) -> u64 {
        self.message.seq
    }

    /// The name of the queue.
    ///
    /// >>> q.put("tea") > 0, q.get().queue
    /// (True, 'tasks')
    #[getter]
    fn queue<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        shown(py, &self.queue)
    }

    /// How often it was delivered, this time included.
    ///
    /// >>> q.put("tea") > 0, q.get().deliveries
    /// (True, 1)
    #[getter]
    fn deliveries(&self) -> u32 {
        self.message.deliveries
    }

    /// When it was put in, as Unix time in seconds.
    ///
    /// >>> q.put("tea") > 0, q.get().at > 1_700_000_000
    /// (True, True)
    #[getter]
    fn at(&self) -> u64 {
        self.message.at
    }

    /// When it expires, as Unix time in seconds; None is never.
    ///
    /// >>> q.put("tea") > 0, q.get().expires
    /// (True, None)
    #[getter]
    fn expires(&self) -> Option<u64> {
        self.message.expires
    }

    /// The producer's id, as bytes; None if it gave none.
    ///
    /// >>> q.put("tea", id="7") > 0, q.get().id
    /// (True, b'7')
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        Some(&self.message.id).filter(|id| !id.is_empty()).map(|id| PyBytes::new(py, id))
    }

    /// Of a dead letter, or of what has expired: the name of the queue where it was; else None.
    ///
    /// >>> q.put("tea") > 0, q.get().origin
    /// (True, None)
    #[getter]
    fn origin<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let origin = Some(&self.message.origin).filter(|origin| !origin.is_empty());
        origin.map(|origin| shown(py, origin)).transpose()
    }

    /// What Queue.ack takes, in whatever process; None if it is not, or no longer, to be acknowledged.
    ///
    /// >>> q.put("tea") > 0, q.ack(q.get().receipt), len(q)
    /// (True, True, 0)
    #[getter]
    fn receipt(&self) -> Option<String> {
        self.state().held.map(|receipt| receipt.to_string())
    }
}
