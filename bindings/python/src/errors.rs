//! The exceptions, and the one mapping of the core's errors to them.

use nearcache::Error;
use pyo3::PyErrArguments;
use pyo3::exceptions::{
    PyException, PyMemoryError, PyOSError, PyTimeoutError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The exception classes; made once, because most have two bases, which `create_exception!` cannot express.
pub struct Classes {
    cache: Py<PyType>,
    illegal_key: Py<PyType>,
    pub value_too_large: Py<PyType>,
    out_of_memory: Py<PyType>,
    pub not_numeric: Py<PyType>,
    serde: Py<PyType>,
    pub closed: Py<PyType>,
    attach: Py<PyType>,
    layout: Py<PyType>,
    pub read_only: Py<PyType>,
    lock_timeout: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

/// Adds the exceptions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let c = classes(m.py())?;
    for class in [
        &c.cache,
        &c.illegal_key,
        &c.value_too_large,
        &c.out_of_memory,
        &c.not_numeric,
        &c.serde,
        &c.closed,
        &c.attach,
        &c.layout,
        &c.read_only,
        &c.lock_timeout,
    ] {
        let class = class.bind(m.py());
        m.add(class.name()?, class)?;
    }
    Ok(())
}

/// The Python exception for a failure of the core.
#[cold]
pub fn from_core(py: Python<'_>, error: Error) -> PyErr {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => illegal_key(py, error.to_string()),
        Error::ValueTooLarge { .. } => raise(py, |c| &c.value_too_large, error.to_string()),
        Error::OutOfMemory => raise(py, |c| &c.out_of_memory, error.to_string()),
        Error::NotNumeric => raise(py, |c| &c.not_numeric, error.to_string()),
        Error::InvalidOptions(why) => PyValueError::new_err(why),
        Error::System(what, source) => match source.raw_os_error() {
            Some(errno) => PyOSError::new_err((errno, format!("{what}: {source}"))),
            None => PyOSError::new_err(format!("{what}: {source}")),
        },
        Error::NoRegion(why) => attach(py, ENOENT, why),
        Error::RegionExists(why) => attach(py, EEXIST, why),
        Error::ForeignRegion(why) => attach(py, EPERM, why),
        Error::LayoutMismatch(why) => raise(py, |c| &c.layout, (EPROTO, why)),
        Error::ReadOnly => raise(py, |c| &c.read_only, error.to_string()),
        other => raise(py, |c| &c.cache, other.to_string()),
    }
}

/// As [`from_core`], for a cache that is being opened, listed or removed: what the operating system refused is then
/// an `AttachError`, too, with its errno, and so is a damaged or a full cache.
#[cold]
pub fn from_open(py: Python<'_>, error: Error) -> PyErr {
    match error {
        Error::System(what, source) => {
            let errno = source.raw_os_error().unwrap_or(EIO);
            attach(py, errno, format!("{what}: {source}"))
        }
        Error::Corrupt(_) => attach(py, EIO, error.to_string()),
        Error::TooManyThreads(why) => attach(py, EAGAIN, why),
        other => from_core(py, other),
    }
}

// What `errno` says of an AttachError; Linux's numbers, the same on every machine that nearcache runs on.
const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EAGAIN: i32 = 11;
const EEXIST: i32 = 17;
const EPROTO: i32 = 71;

fn attach(py: Python<'_>, errno: i32, why: String) -> PyErr {
    raise(py, |c| &c.attach, (errno, why))
}

/// The key is not 1 to 250 bytes, or not text that UTF-8 can carry.
#[cold]
pub fn illegal_key(py: Python<'_>, why: String) -> PyErr {
    raise(py, |c| &c.illegal_key, why)
}

/// The stored bytes are not what their flags say.
#[cold]
pub fn serde(py: Python<'_>, why: String) -> PyErr {
    raise(py, |c| &c.serde, why)
}

/// The cache was closed.
#[cold]
pub fn closed(py: Python<'_>) -> PyErr {
    raise(py, |c| &c.closed, "the cache is closed".to_owned())
}

/// An exception of one of these classes.
pub fn raise(
    py: Python<'_>,
    pick: impl FnOnce(&Classes) -> &Py<PyType>,
    why: impl PyErrArguments + 'static,
) -> PyErr {
    match classes(py) {
        Ok(c) => PyErr::from_type(pick(c).bind(py).clone(), why),
        Err(error) => error,
    }
}

/// The base of all of them.
pub fn base(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    Ok(classes(py)?.cache.bind(py).clone())
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    CLASSES.get_or_try_init(py, || {
        let base = class(
            py,
            "CacheError",
            "Base of every error that a cache or a store raises of its own.",
            &[py.get_type::<PyException>()],
        )?;
        let both = |name, doc, other| class(py, name, doc, &[base.clone(), other]);
        let value_error = py.get_type::<PyValueError>();
        let attach = both(
            "AttachError",
            "A shared cache cannot be made, attached or removed; errno says why in the system's words.",
            py.get_type::<PyOSError>(),
        )?;
        Ok(Classes {
            illegal_key: both(
                "IllegalKeyError",
                "The key is not 1 to 250 bytes, or holds a lone surrogate.",
                value_error.clone(),
            )?
            .unbind(),
            value_too_large: both(
                "ValueTooLargeError",
                "The item is larger than item_size_max. After a set the old value is gone, as in memcached; in a Store it stays.",
                value_error,
            )?
            .unbind(),
            out_of_memory: both(
                "OutOfMemoryError",
                "No room for the item, and nothing may be evicted. After a set the old value is gone.",
                py.get_type::<PyMemoryError>(),
            )?
            .unbind(),
            not_numeric: both(
                "NotNumericError",
                "incr or decr of a value that is not a decimal number of 64 bits.",
                py.get_type::<PyTypeError>(),
            )?
            .unbind(),
            serde: class(
                py,
                "SerdeError",
                "The stored bytes cannot be read as what their flags say; get_raw reads them.",
                std::slice::from_ref(&base),
            )?
            .unbind(),
            closed: class(
                py,
                "CacheClosedError",
                "The cache, or the store, was closed.",
                std::slice::from_ref(&base),
            )?
            .unbind(),
            layout: class(
                py,
                "LayoutMismatchError",
                "The cache to be attached is of another version's layout.",
                std::slice::from_ref(&attach),
            )?
            .unbind(),
            attach: attach.unbind(),
            read_only: class(
                py,
                "ReadOnlyError",
                "A verb that writes, on a cache that was attached with read_only=True, or in a directory that may not be written.",
                std::slice::from_ref(&base),
            )?
            .unbind(),
            lock_timeout: both(
                "LockTimeoutError",
                "A lock was held by others for all the time that was to be waited.",
                py.get_type::<PyTimeoutError>(),
            )?
            .unbind(),
            cache: base.unbind(),
        })
    })
}

/// A new exception class.
pub fn class<'py>(
    py: Python<'py>,
    name: &str,
    doc: &str,
    bases: &[Bound<'py, PyType>],
) -> PyResult<Bound<'py, PyType>> {
    let body = PyDict::new(py);
    body.set_item("__module__", "nearcache")?;
    body.set_item("__doc__", doc)?;
    let made = py.get_type::<PyType>().call1((name, PyTuple::new(py, bases)?, body))?;
    Ok(made.cast_into::<PyType>()?)
}
