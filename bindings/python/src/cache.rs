//! The class `Cache`: how it is made, what is known of it, how it ends. The verbs are in files of their own.

use nearcache::Home;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple};

use crate::errors;
use crate::handle::Handle;
use crate::open::Arguments;
use crate::serde::Values;
use crate::{number, sharing};

/// An argument of any type, or none.
pub type Any<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// Adds the class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Cache>()
}

/// A memcached as near as a function call: a cache of fixed memory, with expiry and eviction.
///
/// size is the memory limit, exact over items, index and metadata: a number of bytes or a str such as "64MiB"
/// (KiB, MiB, GiB, TiB; kB, MB, GB are powers of 1000); at least 1 MiB. item_size_max limits one item (key, value
/// and about 60 bytes), 1 KiB to 1 GiB. With evict=False a full cache raises OutOfMemoryError instead of dropping
/// what was not used for long. item_size_hint is the expected average of key and value in bytes; it sizes the
/// index. With manual_clock=True time stands still until advance_clock.
///
/// Keys are str (their UTF-8) or bytes, 1 to 250 bytes; "a" and b"a" are the same key.
///
/// Values come back as what they were. serde says how they are written: "auto", bytes, str and int as they are and
/// everything else as a pickle, or with allow_pickle=False not at all (TypeError) and what is there as a pickle is not
/// read (SerdeError); "portable", None, bool, int, float, str, bytes, list, tuple and dict so that every language of
/// nearcache reads them (a tuple comes back as a list); or an object with serialize(key, value) -> (bytes, flags) and
/// deserialize(key, value, flags), as pymemcache's. Portable values are read whatever serde says. compress_min is the
/// number of bytes from which zlib is tried; what it made smaller is always read.
///
/// expire is None or 0 (never), a number of seconds up to 30 days, above that a Unix time, or a
/// datetime.timedelta (always from now). Negative numbers and a timedelta of 0 or less mean dead at once: the
/// store succeeds, the old value is gone, a get misses. Fractions are rounded up to whole seconds.
///
/// Without shared and name the cache is private: after a fork the child has a copy of its own, and it cannot be
/// pickled. With shared=True a forked child has the same cache (gunicorn --preload, multiprocessing's fork); it ends
/// with the last of these processes. With a name any process of this user can have it: Cache(size, name="app")
/// attaches the one that is there, whose size and options then hold, or makes it; without size it has to be there;
/// with read_only=True it cannot be changed through this object (ReadOnlyError), and hits are not counted. It stays
/// when all processes have ended, until nearcache.unlink(name) or a restart of the machine, and is pickled as its
/// name: unpickling attaches it. A name is 1 to 100 letters, digits, ".", "_" or "-", with no "." in front; what has
/// a "/" or is a pathlib.Path is the path of a file. mode has the permission bits of a file that is made. What
/// cannot be opened is an AttachError, with errno.
///
/// Any number of threads and processes may use one cache, and may be killed at any time; a fork may happen at any
/// time. Processes that may write a cache trust one another: give others read_only, or another cache.
///
/// Every verb raises TypeError for a key that is not str or bytes, IllegalKeyError (a ValueError) for one that is not 1 to
/// 250 bytes, and CacheClosedError after close; one that writes ReadOnlyError, where that is not allowed; one that stores
/// ValueTooLargeError or OutOfMemoryError, and what pickle raises. An expire that is no number is a TypeError, one that is
/// not finite a ValueError.
///
/// >>> import nearcache
/// >>> c = nearcache.Cache("64MiB")
/// >>> c["greeting"] = "hello"
/// >>> c["greeting"], c.get("nothing"), "greeting" in c
/// ('hello', None, True)
#[pyclass(frozen, weakref, subclass, module = "nearcache._native")]
pub struct Cache {
    handle: Handle,
    home: Home,
    read_only: bool,
    values: Values,
}

impl Cache {
    /// The core behind this object.
    #[inline]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where it lives; a path is absolute.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// How values are written and what is read.
    #[inline]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Was it attached for reading alone?
    pub fn read_only(&self) -> bool {
        self.read_only
    }
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (size=None, *, shared=false, name=None, mode=None, read_only=false, item_size_max=None, evict=true, item_size_hint=None, manual_clock=false, serde=None, allow_pickle=true, compress_min=None), text_signature = "(size=None, *, shared=False, name=None, mode=0o600, read_only=False, item_size_max=None, evict=True, item_size_hint=100, manual_clock=False, serde=\"auto\", allow_pickle=True, compress_min=None)")]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn new(
        py: Python<'_>,
        size: Any<'_, '_>,
        shared: bool,
        name: Any<'_, '_>,
        mode: Any<'_, '_>,
        read_only: bool,
        item_size_max: Any<'_, '_>,
        evict: bool,
        item_size_hint: Any<'_, '_>,
        manual_clock: bool,
        serde: Any<'_, '_>,
        allow_pickle: bool,
        compress_min: Any<'_, '_>,
    ) -> PyResult<Cache> {
        // Before anything is made.
        let values = Values::parse(serde, allow_pickle, compress_min)?;
        let arguments = Arguments {
            size,
            shared,
            name,
            mode,
            read_only,
            item_size_max,
            evict,
            item_size_hint,
            manual_clock,
        };
        let (core, home, read_only) = arguments.open(py)?;
        Ok(Cache { handle: Handle::new(core), home, read_only, values })
    }

    /// A serde object may lead back to the cache.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.values.traverse(&visit)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.handle().with(py, |core| core.stats()) {
            Ok(stats) => {
                let name = match sharing::name_of(&self.home) {
                    Some(name) => format!(" {name:?}"),
                    None => String::new(),
                };
                format!(
                    "<nearcache.Cache{name} of {} bytes, {} items>",
                    stats.limit_maxbytes, stats.curr_items
                )
            }
            Err(_) => "<nearcache.Cache, closed>".to_owned(),
        }
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Close the cache.
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) {
        self.handle().close(py);
    }

    /// Give the memory back; a cache with a name stays for others. Every later use but close raises CacheClosedError.
    ///
    /// >>> c.close()
    /// >>> c.get("a")
    /// Traceback (most recent call last):
    ///     ...
    /// nearcache.CacheClosedError: the cache is closed
    fn close(&self, py: Python<'_>) {
        self.handle().close(py);
    }

    /// Everything dies: now, or when delay seconds have passed; what is stored until then dies too. A second
    /// call replaces a pending one. Return True.
    ///
    /// >>> c["a"] = 1
    /// >>> c.flush_all(), c.get("a")
    /// (True, None)
    #[pyo3(signature = (delay=None), text_signature = "($self, delay=0)")]
    fn flush_all(&self, py: Python<'_>, delay: Any<'_, '_>) -> PyResult<bool> {
        let delay = match delay {
            // memcached takes a negative delay for 0.
            Some(delay) if delay.is_exact_instance_of::<PyInt>() && delay.lt(0)? => 0,
            Some(delay) => number::natural32("delay", delay)?,
            None => 0,
        };
        self.handle()
            .with(py, |core| py.detach(|| core.flush_all(delay)))?
            .map_err(|error| errors::from_core(py, error))?;
        Ok(true)
    }

    /// Return memcached's counters under memcached's names.
    ///
    /// >>> c["a"] = 1
    /// >>> c.get("a"), c.stats()["get_hits"], c.stats()["limit_maxbytes"]
    /// (1, 1, 67108864)
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.handle().with(py, |core| core.stats())?;
        let dict = PyDict::new(py);
        for (name, value) in stats.pairs() {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }

    /// Set the counters to 0; what is counted in items and bytes stays.
    ///
    /// >>> c["a"] = 1
    /// >>> c.reset_stats()
    /// >>> c.stats()["cmd_set"], c.stats()["curr_items"]
    /// (0, 1)
    fn reset_stats(&self, py: Python<'_>) -> PyResult<()> {
        self.handle()
            .with(py, |core| core.reset_stats())?
            .map_err(|error| errors::from_core(py, error))
    }

    /// The largest item in bytes: key, value and about 60 bytes.
    ///
    /// >>> c.item_size_max
    /// 1048576
    #[getter]
    fn item_size_max(&self, py: Python<'_>) -> PyResult<usize> {
        self.handle().with(py, |core| core.item_size_max())
    }

    /// Return the cache's Unix time in seconds, by which items expire.
    ///
    /// >>> c.unix_time() > 1_700_000_000
    /// True
    fn unix_time(&self, py: Python<'_>) -> PyResult<i64> {
        self.handle().with(py, |core| core.unix_time())
    }

    /// Move a manual clock forward; an error if the cache runs on the system's clock. For tests.
    ///
    /// >>> t = nearcache.Cache("1MiB", manual_clock=True)
    /// >>> t.set("a", 1, expire=10)
    /// True
    /// >>> t.advance_clock(11)
    /// >>> t.get("a") is None
    /// True
    fn advance_clock(&self, py: Python<'_>, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let seconds = number::natural32("seconds", seconds)?;
        self.handle()
            .with(py, |core| core.advance_clock(seconds))?
            .map_err(|error| errors::from_core(py, error))
    }

    /// Recount the cache and raise CacheError with the first broken invariant. No other thread may write
    /// meanwhile. For tests.
    ///
    /// >>> c.check()
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.handle()
            .with(py, |core| py.detach(|| core.check()))?
            .map_err(|error| errors::from_core(py, error))
    }
}
