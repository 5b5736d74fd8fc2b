//! The exceptions of the store and the queues, and the one mapping of their errors to them.

use nearcache_store::Error;
use pyo3::PyErrArguments;
use pyo3::exceptions::{PyConnectionError, PyLookupError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::errors::{self, class, raise};

/// The exception classes.
struct Classes {
    store: Py<PyType>,
    system: Py<PyType>,
    in_use: Py<PyType>,
    disk_full: Py<PyType>,
    damaged: Py<PyType>,
    quota: Py<PyType>,
    connection: Py<PyType>,
    refused: Py<PyType>,
    no_queue: Py<PyType>,
    queue_full: Py<PyType>,
    lease_ended: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

/// Adds the exceptions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let c = classes(m.py())?;
    for class in [
        &c.store,
        &c.system,
        &c.in_use,
        &c.disk_full,
        &c.damaged,
        &c.quota,
        &c.connection,
        &c.refused,
        &c.no_queue,
        &c.queue_full,
        &c.lease_ended,
    ] {
        let class = class.bind(m.py());
        m.add(class.name()?, class)?;
    }
    Ok(())
}

// What `errno` says; Linux's numbers, as in `crate::errors`.
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const EPROTO: i32 = 71;

/// The Python exception for a failure of the store or of a queue.
#[cold]
pub fn from_store(py: Python<'_>, error: Error) -> PyErr {
    let why = error.to_string();
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => errors::illegal_key(py, why),
        Error::ValueTooLarge { .. } => raise(py, |c| &c.value_too_large, why),
        Error::NotNumeric => raise(py, |c| &c.not_numeric, why),
        Error::InvalidOptions(_) => PyValueError::new_err(why),
        Error::Closed => raise(py, |c| &c.closed, why),
        Error::ReadOnly(_) => raise(py, |c| &c.read_only, why),
        Error::Missing(_) => new(py, |c| &c.system, (ENOENT, why)),
        Error::Foreign(_) => new(py, |c| &c.system, (EINVAL, why)),
        Error::Newer(_) => new(py, |c| &c.system, (EPROTO, why)),
        Error::System(_, source) => {
            new(py, |c| &c.system, (source.raw_os_error().unwrap_or(EIO), why))
        }
        Error::InUse { .. } => new(py, |c| &c.in_use, (EBUSY, why)),
        Error::DiskFull(_) => new(py, |c| &c.disk_full, (ENOSPC, why)),
        Error::Damaged(_) | Error::Lost { .. } => new(py, |c| &c.damaged, why),
        Error::OverQuota { .. } => new(py, |c| &c.quota, why),
        Error::Connection(_) => new(py, |c| &c.connection, why),
        Error::NoQueue(_) => new(py, |c| &c.no_queue, why),
        Error::QueueFull { .. } => new(py, |c| &c.queue_full, why),
        Error::Refused { step, .. } => {
            let refused = new(py, |c| &c.refused, why);
            refused.value(py).setattr("step", step).map_or_else(|error| error, |()| refused)
        }
        _ => other(py, why),
    }
}

/// One that nobody is likely to catch by itself.
#[cold]
pub fn other(py: Python<'_>, why: impl Into<String>) -> PyErr {
    new(py, |c| &c.store, why.into())
}

/// The lease of a message ended before its consumer did.
#[cold]
pub fn lease_ended(py: Python<'_>) -> PyErr {
    let why = "the message's lease ended before it was acknowledged: it is, or will be, delivered again; take it with a \
               longer lease, or extend it";
    new(py, |c| &c.lease_ended, why)
}

/// Is it that there is no such queue?
pub fn is_missing(py: Python<'_>, error: &PyErr) -> bool {
    classes(py).is_ok_and(|c| error.is_instance(py, c.no_queue.bind(py)))
}

fn new(
    py: Python<'_>,
    pick: impl FnOnce(&Classes) -> &Py<PyType>,
    why: impl PyErrArguments + 'static,
) -> PyErr {
    match classes(py) {
        Ok(c) => PyErr::from_type(pick(c).bind(py).clone(), why),
        Err(error) => error,
    }
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    CLASSES.get_or_try_init(py, || {
        let store = class(
            py,
            "StoreError",
            "Base of the errors of a durable store and its queues.",
            &[errors::base(py)?],
        )?;
        let system = class(
            py,
            "StoreOSError",
            "The directory cannot be opened, read or written; errno says why in the system's words.",
            &[store.clone(), py.get_type::<PyOSError>()],
        )?;
        let one = |name, doc, base: &Bound<'_, PyType>| {
            class(py, name, doc, std::slice::from_ref(base)).map(Bound::unbind)
        };
        let both =
            |name, doc, other| class(py, name, doc, &[store.clone(), other]).map(Bound::unbind);
        let refused = one(
            "BatchRefusedError",
            "The condition of one step of a batch did not hold, and nothing was done; step is its number, from 0.",
            &store,
        )?;
        refused.bind(py).setattr("step", 0)?;
        Ok(Classes {
            in_use: one(
                "StoreInUseError",
                "The directory is open in another process; the message says in which.",
                &system,
            )?,
            disk_full: one(
                "DiskFullError",
                "The disk is full: what was being written is not stored, what is stored can be read.",
                &system,
            )?,
            damaged: one(
                "StoreDamagedError",
                "What is stored contradicts itself, or less of it is there than was once safely written.",
                &store,
            )?,
            quota: one(
                "QuotaExceededError",
                "The write would make the store larger than its quota.",
                &store,
            )?,
            connection: both(
                "StoreConnectionError",
                "The daemon cannot be reached, or went away before it answered; the message says if a write may be done.",
                py.get_type::<PyConnectionError>(),
            )?,
            refused,
            no_queue: both(
                "NoQueueError",
                "There is no queue of this name: the first message makes it, or configure.",
                py.get_type::<PyLookupError>(),
            )?,
            queue_full: one(
                "QueueFullError",
                "The queue has as many messages, or bytes, as its settings allow.",
                &store,
            )?,
            lease_ended: one(
                "LeaseEndedError",
                "A message's lease ended before it was acknowledged: it is, or will be, delivered again.",
                &store,
            )?,
            system: system.unbind(),
            store: store.unbind(),
        })
    })
}
