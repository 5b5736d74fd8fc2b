//! The class `Batch`: changes to items and queues that are made together, or not at all.

use nearcache::Verb;
use nearcache_store::wire::Change;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::errors::other;
use super::message::Message;
use super::queue::{self, Queue};
use super::store::Store;
use super::write::setting;
use crate::cache::Any;
use crate::{expiry, key, number};

/// Changes that are made together, in their order, or not at all; made by Store.batch.
///
/// In a with statement they are made when it ends, and dropped if it ends with an exception. If the condition of one does
/// not hold (add, replace, cas, incr and decr of a missing key, ack of a message that is somebody else's by now),
/// BatchRefusedError is raised and nothing is done. Values are taken as they are when they are given. results has a number
/// for each change: the cas unique of what was stored, the number after incr or decr, the number of a message that was put
/// in, 1 or 0 for what was deleted or was not there, 1 for an ack.
///
/// >>> orders = s.queue("orders")
/// >>> with s.batch() as batch:
/// ...     batch.set("order:1", {"tea": 2})
/// ...     batch.push(orders, "order:1")
/// >>> with orders.get() as message, s.batch() as batch:
/// ...     batch.incr("missing")
/// ...     batch.ack(message)
/// Traceback (most recent call last):
///     ...
/// nearcache.BatchRefusedError: the batch was refused, and nothing of it was done: step 0 met Missing
#[pyclass(frozen, module = "nearcache")]
pub struct Batch {
    store: Py<Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    changes: Vec<Change>,
    /// Messages that are acknowledged with it.
    acked: Vec<Py<Message>>,
    /// What it has led to; an empty list until it is committed.
    results: Option<Vec<u64>>,
}

impl Batch {
    /// An empty one.
    pub fn of(store: &Bound<'_, Store>) -> Batch {
        Batch { store: store.clone().unbind(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_change(&self, py: Python<'_>, change: Change) -> PyResult<()> {
        let mut state = self.state();
        if state.results.is_some() {
            return Err(other(py, OVER));
        }
        state.changes.push(change);
        Ok(())
    }

    fn store_change(
        &self,
        verb: Verb,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<()> {
        let change = setting(&self.store.get().values, verb, key, value, expiry::parse(expire)?)?;
        self.add_change(key.py(), change)
    }

    fn count(&self, key: &Bound<'_, PyAny>, down: bool, value: Any<'_, '_>) -> PyResult<()> {
        let delta = value.map_or(Ok(1), |value| number::natural("value", value))?;
        let bytes = key::checked(key)?.to_vec().into();
        self.add_change(key.py(), Change::Count { key: bytes, delta, down })
    }
}

const OVER: &str = "the batch was committed or discarded: make another";

#[pymethods]
impl Batch {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        match self.state.try_lock() {
            Ok(state) => state.acked.iter().try_for_each(|message| visit.call(message)),
            Err(_) => Ok(()),
        }
    }

    /// The number of changes.
    fn __len__(&self) -> usize {
        self.state().changes.len()
    }

    /// A batch is one, empty or not.
    fn __bool__(&self) -> bool {
        true
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Commit the batch; after an exception discard it.
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyType>>,
        _exc: Any<'_, '_>,
        _traceback: Any<'_, '_>,
    ) -> PyResult<()> {
        match exc_type {
            Some(_) => self.discard(),
            None if self.state().results.is_none() => drop(self.commit(py)?),
            None => {}
        }
        Ok(())
    }

    /// Make the changes, or none, and return their results. A with statement does it at its end.
    ///
    /// >>> batch = s.batch()
    /// >>> batch.set("n", 1)
    /// >>> batch.incr("n", 5)
    /// >>> batch.commit()[1], s["n"]
    /// (6, 6)
    fn commit(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        let (changes, acked) = {
            let mut state = self.state();
            if state.results.is_some() {
                return Err(other(py, OVER));
            }
            state.results = Some(Vec::new());
            (mem::take(&mut state.changes), mem::take(&mut state.acked))
        };
        let results = self.store.get().handle.call(py, |durable| durable.commit(changes))?;
        acked.iter().for_each(|message| message.get().settle());
        self.state().results = Some(results.clone());
        Ok(results)
    }

    /// Drop the changes.
    ///
    /// >>> batch = s.batch()
    /// >>> batch.set("a", 1)
    /// >>> batch.discard()
    /// >>> s.get("a") is None
    /// True
    fn discard(&self) {
        let over = State { results: Some(Vec::new()), ..State::default() };
        let dropped = mem::replace(&mut *self.state(), over);
        // Not within the lock: the end of a message's value may run any code.
        drop(dropped);
    }

    /// What each change has led to; empty before the commit.
    ///
    /// >>> with s.batch() as batch:
    /// ...     batch.delete("missing")
    /// >>> batch.results
    /// [0]
    #[getter]
    fn results(&self) -> Vec<u64> {
        self.state().results.clone().unwrap_or_default()
    }

    /// Store value under key, whatever is there.
    ///
    /// >>> with s.batch() as batch:
    /// ...     batch.set("a", [1], expire=60)
    /// >>> s["a"]
    /// [1]
    #[pyo3(signature = (key, value, expire=None))]
    fn set(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<()> {
        self.store_change(Verb::Set, key, value, expire)
    }

    /// Store value; key must be missing.
    ///
    /// >>> with s.batch() as batch:
    /// ...     batch.add("order:1", "tea")
    /// >>> s["order:1"]
    /// 'tea'
    #[pyo3(signature = (key, value, expire=None))]
    fn add(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<()> {
        self.store_change(Verb::Add, key, value, expire)
    }

    /// Store value; key must be present.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.batch() as batch:
    /// ...     batch.replace("a", 2)
    /// >>> s["a"]
    /// 2
    #[pyo3(signature = (key, value, expire=None))]
    fn replace(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<()> {
        self.store_change(Verb::Replace, key, value, expire)
    }

    /// Store value; the item's cas unique must still be cas.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.batch() as batch:
    /// ...     batch.cas("a", 2, s.gets("a")[1])
    /// >>> s["a"]
    /// 2
    #[pyo3(signature = (key, value, cas, expire=None))]
    fn cas(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        cas: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<()> {
        self.store_change(Verb::Cas(number::natural("cas", cas)?), key, value, expire)
    }

    /// Remove key, if it is there.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.batch() as batch:
    /// ...     batch.delete("a")
    /// >>> batch.results, "a" in s
    /// ([1], False)
    fn delete(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let bytes = key::checked(key)?.to_vec().into();
        self.add_change(key.py(), Change::Delete { key: bytes })
    }

    /// Add value to the number stored, wrapping at 2**64; key must be present.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.batch() as batch:
    /// ...     batch.incr("a", 2)
    /// >>> batch.results
    /// [3]
    #[pyo3(signature = (key, value=None), text_signature = "($self, key, value=1)")]
    fn incr(&self, key: &Bound<'_, PyAny>, value: Any<'_, '_>) -> PyResult<()> {
        self.count(key, false, value)
    }

    /// Subtract value from the number stored, stopping at 0; key must be present.
    ///
    /// >>> s["a"] = 5
    /// >>> with s.batch() as batch:
    /// ...     batch.decr("a")
    /// >>> batch.results
    /// [4]
    #[pyo3(signature = (key, value=None), text_signature = "($self, key, value=1)")]
    fn decr(&self, key: &Bound<'_, PyAny>, value: Any<'_, '_>) -> PyResult<()> {
        self.count(key, true, value)
    }

    /// Put a message into a queue, a Queue of this store or a name; otherwise as Queue.put.
    ///
    /// >>> with s.batch() as batch:
    /// ...     batch.push("orders", {"tea": 2}, delay=10)
    /// >>> s.queue("orders").stats()["delayed"]
    /// 1
    #[pyo3(signature = (queue, value, *, delay=None, expire=None, id=None), text_signature = "($self, queue, value, *, delay=0, expire=None, id=None)")]
    fn push(
        &self,
        queue: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        delay: Any<'_, '_>,
        expire: Any<'_, '_>,
        id: Any<'_, '_>,
    ) -> PyResult<()> {
        let name = match queue.cast::<Queue>() {
            Ok(queue) => {
                self.check_place(queue.get().store(), "queue")?;
                queue.get().name().to_vec()
            }
            Err(_) => queue::name(queue)?,
        };
        let (body, push) =
            queue::pushed(&self.store.get().values, &name, value, delay, expire, id)?;
        self.add_change(value.py(), Change::Push { queue: name.into(), body: body.into(), push })
    }

    /// Acknowledge a message; it must still be its consumer's.
    ///
    /// >>> orders = s.queue("orders")
    /// >>> orders.put("tea") > 0
    /// True
    /// >>> with orders.get() as message, s.batch() as batch:
    /// ...     batch.set("done", message.value)
    /// ...     batch.ack(message)
    /// >>> len(orders), s["done"]
    /// (0, 'tea')
    fn ack(&self, message: &Bound<'_, Message>) -> PyResult<()> {
        let this = message.get();
        self.check_place(this.store(), "message")?;
        let (queue, receipt) = (this.queue_name().to_vec().into(), this.held(message.py())?);
        self.add_change(message.py(), Change::Ack { queue, receipt })?;
        self.state().acked.push(message.clone().unbind());
        Ok(())
    }
}

impl Batch {
    /// Receipts and names mean something else in another store.
    fn check_place(&self, other: &Py<Store>, what: &str) -> PyResult<()> {
        let (here, there) = (&self.store.get().handle.place, &other.get().handle.place);
        match here == there {
            true => Ok(()),
            false => Err(PyValueError::new_err(format!(
                "the {what} is of {there}, and the batch of {here}: what is done together is in one store"
            ))),
        }
    }
}
