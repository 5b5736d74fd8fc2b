//! The class `Queue`: messages in and out. What else is done to a queue is in `manage`.

use nearcache_store::Durable;
use nearcache_store::queue::{self as queues, Lease, Push, Receipt};
use nearcache_store::wire::Change;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::Duration;

use super::consumer::Consumer;
use super::errors::{from_store, is_missing};
use super::message::Message;
use super::open::Arguments;
use super::seconds::{self, Until, Wait};
use super::store::Store;
use crate::cache::Any;
use crate::serde::Values;
use crate::{key, number};

/// A durable queue: at least once, first in first out.
///
/// place is that of a Store, opened without options, or as it is open in this process; Store.queue makes a Queue of a store
/// that was opened otherwise. name has 1 to 240 bytes, without spaces, control characters and "/"; "queue+reader" is a
/// reader's own copy of a queue, which gets what the queue gets from the first time that it is asked. A queue is made by its
/// first message. serde, allow_pickle and compress_min are as Cache has them.
///
/// A message that was got is its consumer's for a lease, 60 seconds unless settings or lease= say otherwise: it is
/// acknowledged (a with statement does that), or comes back in its old place; after 10 deliveries it goes to the queue NAME.dead.
/// wait= is how long to wait for a message: a number of seconds, a timedelta, None for ever. Other threads run, and signals
/// are looked at meanwhile. For coroutines: await asyncio.to_thread(queue.get, wait=5).
///
/// >>> import nearcache
/// >>> with nearcache.Queue(directory, "mail") as mail:
/// ...     mail.put({"to": "Ada"}) > 0
/// ...     with mail.get(wait=5) as message:
/// ...         message.value
/// True
/// {'to': 'Ada'}
#[pyclass(frozen, weakref, module = "nearcache")]
pub struct Queue {
    store: Py<Store>,
    name: Vec<u8>,
    /// The store was opened for it, and is closed with it.
    is_own: bool,
}

impl Queue {
    /// The queue of this name.
    pub fn of(store: &Bound<'_, Store>, name: Vec<u8>, is_own: bool) -> Queue {
        Queue { store: store.clone().unbind(), name, is_own }
    }

    pub fn store(&self) -> &Py<Store> {
        &self.store
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Runs `work` detached from the interpreter.
    pub fn call<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Durable, &[u8]) -> Result<R, nearcache_store::Error> + Send,
    ) -> PyResult<R> {
        self.store.get().handle.call(py, |durable| work(durable, &self.name))
    }

    /// Up to `max` messages; no lease: for good.
    pub fn fetch(
        &self,
        py: Python<'_>,
        max: usize,
        lease: Option<Lease>,
        until: Until,
    ) -> PyResult<Vec<Message>> {
        let ask = |durable: &Durable, wait: Duration| match lease {
            Some(lease) => durable.reserve(&self.name, max, lease, wait),
            None => durable.take(&self.name, max, wait),
        };
        Ok(self.messages(py, self.store.get().handle.wait(py, until, ask)?))
    }

    pub fn messages(&self, py: Python<'_>, found: Vec<queues::Message>) -> Vec<Message> {
        let made = |message| Message::new(self.store.clone_ref(py), &self.name, message);
        found.into_iter().map(made).collect()
    }
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (place, name, *, serde=None, allow_pickle=true, compress_min=None), text_signature = "(place, name, *, serde=\"auto\", allow_pickle=True, compress_min=None)")]
    fn new(
        place: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        serde: Any<'_, '_>,
        allow_pickle: bool,
        compress_min: Any<'_, '_>,
    ) -> PyResult<Queue> {
        let values = Values::parse(serde, allow_pickle, compress_min)?;
        let name = self::name(name)?;
        let store = Store::open(place, &Arguments::default(), values)?;
        Ok(Queue::of(&Bound::new(place.py(), store)?, name, true))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = shown(py, &self.name)?.repr()?;
        Ok(format!("<nearcache.Queue {name} of {}>", self.store.get().handle.place))
    }

    /// Pickle a queue that is reached by a socket as its place and name.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, this) = (slf.py(), slf.get());
        let name = shown(py, &this.name)?;
        let place = |place: &str| (place, name).into_pyobject(py);
        this.store.get().reduced(py, place, slf.get_type().into_any())
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Close the queue.
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    /// Close a queue that was opened by its place; one of a Store ends with that.
    ///
    /// >>> q.close()
    /// >>> len(q)
    /// 0
    fn close(&self, py: Python<'_>) {
        if self.is_own {
            self.store.get().handle.close(py);
        }
    }

    /// The queue's name.
    ///
    /// >>> q.name
    /// 'tasks'
    #[getter(name)]
    fn name_shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        shown(py, &self.name)
    }

    /// Put a message in; when this returns it is as safe as the store's policy says. Return its number, or None if it has the
    /// id (str or bytes, up to 250) of one that was put in within dedup_window, 5 minutes unless configured: then it is not.
    ///
    /// It is handed out after delay seconds, and until expire seconds from now; None is as the queue's settings say, 0 for
    /// ever. Raises QueueFullError, ValueTooLargeError, QuotaExceededError.
    ///
    /// >>> q.put("one", id="a") > 0, q.put("one", id="a"), len(q)
    /// (True, None, 1)
    #[pyo3(signature = (value, *, delay=None, expire=None, id=None), text_signature = "($self, value, *, delay=0, expire=None, id=None)")]
    fn put(
        &self,
        value: &Bound<'_, PyAny>,
        delay: Any<'_, '_>,
        expire: Any<'_, '_>,
        id: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        let (body, push) = pushed(&self.store.get().values, &self.name, value, delay, expire, id)?;
        let pushed = self.call(value.py(), |durable, name| durable.push(name, &body, &push))?;
        Ok((!pushed.is_duplicate).then_some(pushed.seq))
    }

    /// Put many messages in, in one step: all, or if one cannot be none. Return their numbers.
    ///
    /// >>> len(q.put_many(["one", "two"])), q.get().value
    /// (2, 'one')
    #[pyo3(signature = (values, *, delay=None, expire=None), text_signature = "($self, values, *, delay=0, expire=None)")]
    fn put_many(
        &self,
        values: &Bound<'_, PyAny>,
        delay: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Vec<u64>> {
        if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(format!(
                "values is an iterable of values, not one {}",
                values.get_type().name()?
            )));
        }
        let own = &self.store.get().values;
        let changes = values
            .try_iter()?
            .map(|value| {
                let (body, push) = pushed(own, &self.name, &value?, delay, expire, None)?;
                Ok(Change::Push { queue: self.name.clone().into(), body: body.into(), push })
            })
            .collect::<PyResult<Vec<_>>>()?;
        self.call(values.py(), |durable, _| durable.commit(changes))
    }

    /// Return the next Message, which is the caller's for lease seconds; None if there is none in wait seconds.
    ///
    /// >>> q.get() is None, q.put("tea") > 0, q.get(wait=5, lease=30).value
    /// (True, True, 'tea')
    #[pyo3(signature = (*, wait=Wait(None), lease=None), text_signature = "($self, *, wait=0, lease=None)")]
    fn get(&self, py: Python<'_>, wait: Wait<'_>, lease: Any<'_, '_>) -> PyResult<Option<Message>> {
        Ok(self.fetch(py, 1, Some(self::lease(lease)?), seconds::until(&wait)?)?.pop())
    }

    /// Return up to max messages (at most 10,000) in a list, which is empty if there is none in wait seconds.
    ///
    /// >>> q.put_many([1, 2, 3])[0] > 0, [message.value for message in q.get_many(2)]
    /// (True, [1, 2])
    #[pyo3(signature = (max, *, wait=Wait(None), lease=None), text_signature = "($self, max, *, wait=0, lease=None)")]
    fn get_many(
        &self,
        py: Python<'_>,
        max: &Bound<'_, PyAny>,
        wait: Wait<'_>,
        lease: Any<'_, '_>,
    ) -> PyResult<Vec<Message>> {
        self.fetch(py, many(max)?, Some(self::lease(lease)?), seconds::until(&wait)?)
    }

    /// Return the next Message, which is removed; None if there is none in wait seconds. Who dies with it has lost it.
    ///
    /// >>> q.put("tea") > 0, q.take().value, len(q)
    /// (True, 'tea', 0)
    #[pyo3(signature = (*, wait=Wait(None)), text_signature = "($self, *, wait=0)")]
    fn take(&self, py: Python<'_>, wait: Wait<'_>) -> PyResult<Option<Message>> {
        Ok(self.fetch(py, 1, None, seconds::until(&wait)?)?.pop())
    }

    /// Return up to max messages (at most 10,000) in a list, and remove them; otherwise as take.
    ///
    /// >>> q.put_many([1, 2, 3])[0] > 0, [message.value for message in q.take_many(10)]
    /// (True, [1, 2, 3])
    #[pyo3(signature = (max, *, wait=Wait(None)), text_signature = "($self, max, *, wait=0)")]
    fn take_many(
        &self,
        py: Python<'_>,
        max: &Bound<'_, PyAny>,
        wait: Wait<'_>,
    ) -> PyResult<Vec<Message>> {
        self.fetch(py, many(max)?, None, seconds::until(&wait)?)
    }

    /// Return an iterator over messages as get returns them, until there is none in wait seconds; None is for ever. Each is
    /// to be used in a with statement, which acknowledges it, or gives it back if its body fails: a loop cannot tell.
    ///
    /// >>> q.put_many(["one", "two"])[0] > 0
    /// True
    /// >>> for message in q.consume(wait=0):
    /// ...     with message:
    /// ...         print(message.value)
    /// one
    /// two
    /// >>> len(q)
    /// 0
    #[pyo3(signature = (*, wait=None, lease=None))]
    fn consume(
        slf: &Bound<'_, Self>,
        wait: Option<Bound<'_, PyAny>>,
        lease: Any<'_, '_>,
    ) -> PyResult<Consumer> {
        Consumer::new(slf, wait, self::lease(lease)?)
    }

    /// Return the first messages in line, at most max of them, which stay there.
    ///
    /// >>> q.put("tea") > 0, [message.value for message in q.peek()], len(q)
    /// (True, ['tea'], 1)
    #[pyo3(signature = (max=None), text_signature = "($self, max=1)")]
    fn peek(&self, py: Python<'_>, max: Any<'_, '_>) -> PyResult<Vec<Message>> {
        let max = max.map_or(Ok(1), many)?;
        match self.call(py, |durable, name| durable.peek(name, max)) {
            Ok(found) => Ok(self.messages(py, found)),
            Err(error) => nothing_if_missing(py, error),
        }
    }

    /// Acknowledge a message by its receipt, that of another process, too. Return False if it was acknowledged before, or its
    /// lease has ended.
    ///
    /// >>> q.put("tea") > 0, q.ack(q.get().receipt)
    /// (True, True)
    fn ack(&self, py: Python<'_>, receipt: &str) -> PyResult<bool> {
        let receipt: Receipt = receipt.parse().map_err(|error| from_store(py, error))?;
        let acked = self.call(py, |durable, name| durable.ack(name, &[receipt]))?;
        Ok(acked == [true])
    }

    /// The number of messages: those that wait, those that somebody has, and those that are delayed.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        match self.call(py, |durable, name| durable.queue_stats(name)) {
            Ok(stats) => Ok(stats.messages as usize),
            Err(error) => nothing_if_missing(py, error),
        }
    }

    /// A queue is one, empty or not.
    fn __bool__(&self) -> bool {
        true
    }
}

/// A queue that is not there is an empty one.
fn nothing_if_missing<T: Default>(py: Python<'_>, error: PyErr) -> PyResult<T> {
    if is_missing(py, &error) { Ok(T::default()) } else { Err(error) }
}

/// How many messages are asked for. (Without end none would be waited for.)
fn many(max: &Bound<'_, PyAny>) -> PyResult<usize> {
    match number::natural("max", max)? {
        0 => Err(PyValueError::new_err("max is 0: it is 1 or more")),
        max => Ok(usize::try_from(max).unwrap_or(usize::MAX)),
    }
}

fn lease(lease: Any<'_, '_>) -> PyResult<Lease> {
    Ok(seconds::maybe("lease", lease)?.map_or(Lease::Default, Lease::Seconds))
}

/// The bytes of a queue's name. One that is not UTF-8 is a str as the file system's names are, with surrogates.
pub fn name(name: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = name.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    match name.cast::<PyString>() {
        Ok(name) => Ok(name.extract::<OsString>()?.into_vec()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "a queue's name is str or bytes, not {}",
            name.get_type().name()?
        ))),
    }
}

/// A queue's name as a str.
pub fn shown<'py>(py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    Ok(OsStr::from_bytes(name).into_pyobject(py)?.into_any())
}

/// The bytes of a message, and how it is put in.
pub fn pushed(
    values: &Values,
    queue: &[u8],
    value: &Bound<'_, PyAny>,
    delay: Any<'_, '_>,
    expire: Any<'_, '_>,
    id: Any<'_, '_>,
) -> PyResult<(Vec<u8>, Push)> {
    let encoded = values.encode(&shown(value.py(), queue)?, value)?;
    let push = Push {
        flags: encoded.flags(),
        delay: seconds::maybe("delay", delay)?.unwrap_or(0),
        expire: seconds::maybe("expire", expire)?,
        id: key::prefix(id)?,
    };
    Ok((encoded.bytes().to_vec(), push))
}
