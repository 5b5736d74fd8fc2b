//! The class `Store`: how it is opened, what is known of it, how it ends. The verbs are in files of their own.

use nearcache_store::Error;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple};

use super::batch::Batch;
use super::errors::from_store;
use super::handle::Handle;
use super::open::{self, Arguments};
use super::queue::{self, Queue};
use super::snapshot::Snapshot;
use crate::cache::Any;
use crate::number;
use crate::serde::Values;

/// A durable store with memcached's verbs, and durable queues, in a directory.
///
/// place is the directory (made if it is not there), which one process has open at a time, however many stores and
/// queues of it there are; others reach it through the daemon that has it open, whose socket is the place then: its
/// path, "unix:PATH" or "tcp:HOST:PORT", with "USER:PASSWORD@" before PATH or HOST where the daemon asks who one is.
///
/// The options are a directory's, and a second one who opens it in this process gives the same or none. policy says when
/// a write is answered: "always" when it is synced (the default), "never" when the system has it, and a number when it has it,
/// syncing every so many seconds: these two lose nothing if the process dies, and the last writes if the power goes. near
/// is the size of the cache in front, 64 MiB unless given, 0 for none; with near_name other processes read hot keys from it, as
/// Cache(name=near_name, read_only=True) does. item_size_max limits an item or a message (1 MiB unless given), quota all
/// of them together. With create=False there has to be a store. accept_loss=True opens one that has lost synced writes. With
/// manual_clock=True, or the Unix time to begin with, time stands still until advance_clock.
///
/// Keys, values, serde, allow_pickle and compress_min are as Cache has them, and so is expire: it is by the system's clock,
/// whatever time the store was closed.
///
/// Any number of threads may use one store; the interpreter is released while it works. A forked child cannot use its
/// parent's directory (StoreError), and a socket as before. A store that is reached by a socket is pickled as its place.
///
/// Every verb raises IllegalKeyError and TypeError as Cache does, CacheClosedError after close, StoreConnectionError if the
/// daemon is gone; one that writes ValueTooLargeError, QuotaExceededError or DiskFullError, and has then changed nothing.
///
/// >>> import nearcache
/// >>> with nearcache.Store(directory / "orders") as store:
/// ...     store["order:1"] = {"tea": 2}
/// >>> with nearcache.Store(directory / "orders") as store:
/// ...     store["order:1"]
/// {'tea': 2}
#[pyclass(frozen, weakref, module = "nearcache")]
pub struct Store {
    pub handle: Handle,
    pub values: Values,
    text: String,
}

impl Store {
    /// Opens a place.
    pub fn open(
        place: &Bound<'_, PyAny>,
        arguments: &Arguments<'_, '_>,
        values: Values,
    ) -> PyResult<Store> {
        let (durable, place, text) = open::open_place(place, arguments)?;
        Ok(Store { handle: Handle::new(durable, place), values, text })
    }

    /// What opens it again in another process: the arguments by position, and those by name.
    pub fn reduced<'py>(
        &self,
        py: Python<'py>,
        place: impl FnOnce(&str) -> PyResult<Bound<'py, PyTuple>>,
        class: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        if self.handle.is_directory() {
            return Err(PyTypeError::new_err(
                "a directory is open in one process, so its store and queues cannot be pickled or copied: give the other \
                 process the socket of the daemon that has it open",
            ));
        }
        let named = PyDict::new(py);
        self.values.tell(&named)?;
        let make = py.import("copyreg")?.getattr("__newobj_ex__")?;
        (make, (class, place(&self.text)?, named)).into_pyobject(py)
    }
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (place, *, policy=None, near=None, near_name=None, item_size_max=None, quota=None, create=None, accept_loss=None, manual_clock=None, serde=None, allow_pickle=true, compress_min=None), text_signature = "(place, *, policy=None, near=None, near_name=None, item_size_max=None, quota=None, create=None, accept_loss=None, manual_clock=None, serde=\"auto\", allow_pickle=True, compress_min=None)")]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn new(
        place: &Bound<'_, PyAny>,
        policy: Any<'_, '_>,
        near: Any<'_, '_>,
        near_name: Any<'_, '_>,
        item_size_max: Any<'_, '_>,
        quota: Any<'_, '_>,
        create: Option<bool>,
        accept_loss: Option<bool>,
        manual_clock: Any<'_, '_>,
        serde: Any<'_, '_>,
        allow_pickle: bool,
        compress_min: Any<'_, '_>,
    ) -> PyResult<Store> {
        // Before anything is made.
        let values = Values::parse(serde, allow_pickle, compress_min)?;
        let arguments = Arguments {
            policy,
            near,
            near_name,
            item_size_max,
            quota,
            create,
            accept_loss,
            manual_clock,
        };
        Store::open(place, &arguments, values)
    }

    /// A serde object may lead back to the store.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.values.traverse(&visit)
    }

    fn __repr__(&self) -> String {
        format!("<nearcache.Store {}>", self.handle.place)
    }

    /// Pickle a store that is reached by a socket as its place.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        slf.get().reduced(py, |place| PyTuple::new(py, [place]), slf.get_type().into_any())
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Close the store.
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) {
        self.handle.close(py);
    }

    /// Close the store, its queues and its snapshots; the directory with the last who has it open in this process. Every
    /// later use but close raises CacheClosedError.
    ///
    /// >>> s.close()
    /// >>> s.get("a")
    /// Traceback (most recent call last):
    ///     ...
    /// nearcache.CacheClosedError: the store is closed: open it again
    fn close(&self, py: Python<'_>) {
        self.handle.close(py);
    }

    /// Where it is: the directory, or the socket without a password.
    ///
    /// >>> s.place == str(directory)
    /// True
    #[getter]
    fn place(&self) -> String {
        self.handle.place.to_string()
    }

    /// Return a Queue of this store; it need not be there yet. It ends with the store.
    ///
    /// >>> s.queue("mail").put("hello") > 0, len(s.queue("mail"))
    /// (True, 1)
    fn queue(slf: Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<Queue> {
        slf.get().handle.durable(slf.py())?;
        Ok(Queue::of(&slf, queue::name(name)?, false))
    }

    /// Return the names of all queues, in order.
    ///
    /// >>> s.queue("mail").put("hello") > 0, s.queues()
    /// (True, ['mail'])
    fn queues<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let names = self.handle.call(py, |durable| durable.queue_names())?;
        names.iter().map(|name| queue::shown(py, name)).collect()
    }

    /// Return a Batch: changes that are made together when a with statement ends, or not at all.
    ///
    /// >>> with s.batch() as batch:
    /// ...     batch.set("order:1", "tea")
    /// ...     batch.push("orders", "order:1")
    /// >>> s["order:1"], len(s.queue("orders"))
    /// ('tea', 1)
    fn batch(slf: Bound<'_, Self>) -> PyResult<Batch> {
        slf.get().handle.durable(slf.py())?;
        Ok(Batch::of(&slf))
    }

    /// Return a Snapshot: what is there now, as long as it is kept. Of a directory alone. It keeps the disk of what is
    /// deleted meanwhile: close it.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.snapshot() as then:
    /// ...     s["a"] = 2
    /// ...     then["a"], s["a"]
    /// (1, 2)
    fn snapshot(slf: Bound<'_, Self>) -> PyResult<Snapshot> {
        Snapshot::of(&slf)
    }

    /// Every item dies, messages do not: now, or when delay seconds have passed; what is stored until then dies too. A second
    /// call replaces a pending one. Return True.
    ///
    /// >>> s["a"] = 1
    /// >>> s.flush_all(), s.get("a")
    /// (True, None)
    #[pyo3(signature = (delay=None), text_signature = "($self, delay=0)")]
    fn flush_all(&self, py: Python<'_>, delay: Any<'_, '_>) -> PyResult<bool> {
        let delay = match delay {
            // memcached takes a negative delay for 0.
            Some(delay) if delay.is_exact_instance_of::<PyInt>() && delay.lt(0)? => 0,
            Some(delay) => number::natural32("delay", delay)?,
            None => 0,
        };
        self.handle.call(py, |durable| durable.flush_all(delay))?;
        Ok(true)
    }

    /// Return the counters: memcached's under its names, then those of the near tier and the disk.
    ///
    /// >>> s["a"] = 1
    /// >>> s.get("a"), s.stats()["curr_items"], s.stats()["near_hits"]
    /// (1, 1, 1)
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.handle.call(py, |durable| durable.stats())?;
        let dict = PyDict::new(py);
        stats.into_iter().try_for_each(|(name, value)| dict.set_item(name, value))?;
        Ok(dict)
    }

    /// Return the store's Unix time in seconds, by which lifetimes end. Of a directory alone.
    ///
    /// >>> s.unix_time() > 1_700_000_000
    /// True
    fn unix_time(&self, py: Python<'_>) -> PyResult<i64> {
        self.local(py, |store| Ok(store.unix_time()))
    }

    /// Move a manual clock forward; ValueError if the store runs on the system's clock. For tests.
    ///
    /// >>> t = nearcache.Store(directory / "test", manual_clock=True)
    /// >>> t.set("a", 1, expire=10), t.advance_clock(11), t.get("a")
    /// (True, None, None)
    fn advance_clock(&self, py: Python<'_>, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let seconds = number::natural32("seconds", seconds)?;
        self.local(py, |store| store.advance_clock(seconds))
    }
}

impl Store {
    /// What only the process that has the directory can do.
    fn local<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&nearcache_store::Store) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        let durable = self.handle.durable(py)?;
        let Some(service) = durable.local() else {
            let why =
                "the clock is the daemon's: it is known to the process that has the directory open";
            return Err(from_store(py, Error::Unsupported(why.into())));
        };
        py.detach(|| work(&service.store)).map_err(|error| from_store(py, error))
    }
}
