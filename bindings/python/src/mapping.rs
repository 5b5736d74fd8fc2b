//! The mapping protocol: `c[k]`, `k in c`, `len(c)`, iteration.

use nearcache::{Cache as Core, Expiry, Verb};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;

use crate::cache::{Any, Cache};
use crate::keys::KeyIterator;
use crate::{key, portable, read, store};

#[pymethods]
impl Cache {
    /// Return the value of key; raise KeyError if it is missing.
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match read::get(self, key)? {
            Some(value) => Ok(value),
            None => Err(missing(key)),
        }
    }

    /// Store value under key, never to expire.
    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        store::store(self, Verb::Set, key, value, Expiry::Never).map(drop)
    }

    /// Remove key; raise KeyError if it is missing.
    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if store::remove(self.handle(), key, None)? {
            return Ok(());
        }
        Err(missing(key))
    }

    /// Is key in the cache? Counts no hit and no miss. What is just being made for the first time is not; what a tag
    /// has made invalid is, until somebody makes it anew.
    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let meta = store::act(self.handle(), key, Core::peek)?;
        Ok(meta.is_some_and(|meta| meta.flags != portable::LEASE))
    }

    /// The number of items, expired ones not yet reclaimed included.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.handle().with(py, |core| core.len())? as usize)
    }

    /// Iterate over the keys, as bytes; as keys().
    fn __iter__(slf: Bound<'_, Self>) -> PyResult<KeyIterator> {
        KeyIterator::new(slf, b"")
    }

    /// Return an iterator over the keys that start with prefix, as bytes, in no order. What comes or goes
    /// meanwhile may or may not be met.
    ///
    /// >>> c.set_many({"user:1": 1, "user:2": 2, "page:1": 3})
    /// []
    /// >>> sorted(c.keys("user:"))
    /// [b'user:1', b'user:2']
    #[pyo3(signature = (prefix=None))]
    fn keys(slf: Bound<'_, Self>, prefix: Any<'_, '_>) -> PyResult<KeyIterator> {
        let prefix = key::prefix(prefix)?;
        KeyIterator::new(slf, &prefix)
    }
}

/// The KeyError of a missing key.
#[cold]
pub fn missing(key: &Bound<'_, PyAny>) -> PyErr {
    PyKeyError::new_err(key.clone().unbind())
}
