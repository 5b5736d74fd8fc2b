//! The verbs of `Store` that read, and the mapping protocol.

use nearcache_store::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::store::Store;
use super::write::{remove, store};
use crate::cache::Any;
use crate::mapping::missing;
use crate::serde::Values;
use crate::{batch, expiry, key};
use nearcache::{Expiry, Verb};

#[pymethods]
impl Store {
    /// Return the value of key, or default if it is missing. A hot key is read without the disk or the socket.
    ///
    /// Raises SerdeError if the stored bytes are not what their flags say; get_raw reads them.
    ///
    /// >>> s["k"] = 7
    /// >>> s.get("k"), s.get("missing"), s.get("missing", 0)
    /// (7, None, 0)
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = self.read(key)?.map(|value| decode(&self.values, key, &value)).transpose()?;
        Ok(or_default(py, found, default))
    }

    /// Return (value, cas unique) for a later cas; (default, cas_default) if key is missing.
    ///
    /// >>> s["n"] = 1
    /// >>> value, unique = s.gets("n")
    /// >>> s.cas("n", value + 1, unique), s["n"]
    /// (True, 2)
    #[pyo3(signature = (key, default=None, cas_default=None))]
    fn gets<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
        cas_default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        Ok(match self.read(key)? {
            Some(value) => {
                (decode(&self.values, key, &value)?, value.cas.into_pyobject(py)?.into_any())
            }
            None => (or_default(py, None, default), or_default(py, None, cas_default)),
        })
    }

    /// Get and touch: return the value of key, or default, and give the item a new expiry.
    ///
    /// >>> s["a"] = 1
    /// >>> s.gat("a", 60), s.gat("missing", 60, default=0)
    /// (1, 0)
    #[pyo3(signature = (key, expire=None, default=None))]
    fn gat<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        expire: Any<'_, '_>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (bytes, expiry) = (key::bytes(key)?, expiry::parse(expire)?);
        let found = self.handle.call(py, |durable| durable.gat(bytes, expiry))?;
        let found = found.map(|value| decode(&self.values, key, &value)).transpose()?;
        Ok(or_default(py, found, default))
    }

    /// Return a dict of the keys that are present, as they were given, and their values. It is no snapshot.
    ///
    /// >>> s.set_many({"a": 1, "b": 2})
    /// []
    /// >>> s.get_many(["a", "b", "missing"])
    /// {'a': 1, 'b': 2}
    fn get_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = keys.py();
        let keys = batch::collect(keys)?;
        let bytes = batch::checked(&keys)?;
        let values = self.handle.call(py, |durable| durable.get_many(&bytes))?;
        let found = PyDict::new(py);
        for (key, value) in keys.iter().zip(values) {
            if let Some(value) = value {
                found.set_item(key, decode(&self.values, key, &value)?)?;
            }
        }
        Ok(found)
    }

    /// Return (bytes, flags) of key, whatever its flags; None if it is missing.
    ///
    /// >>> s["a"] = "text"
    /// >>> s.get_raw("a")
    /// (b'text', 16)
    fn get_raw<'py>(
        &self,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, u32)>> {
        let py = key.py();
        Ok(self.read(key)?.map(|value| (PyBytes::new(py, &value.data), value.flags)))
    }

    /// Return the value of key; raise KeyError if it is missing.
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self.read(key)? {
            Some(value) => decode(&self.values, key, &value),
            None => Err(missing(key)),
        }
    }

    /// Store value under key, never to expire.
    fn __setitem__(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        store(self, Verb::Set, key, value, Expiry::Never).map(drop)
    }

    /// Remove key; raise KeyError if it is missing.
    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        if remove(self, key, None)? { Ok(()) } else { Err(missing(key)) }
    }

    /// Is key in the store?
    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.read(key)?.is_some())
    }

    /// The number of items, expired ones that are not reclaimed yet included.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let stats = self.handle.call(py, |durable| durable.stats())?;
        let items = stats.iter().find(|(name, _)| name == "curr_items");
        Ok(items.map_or(0, |(_, items)| *items as usize))
    }
}

impl Store {
    /// What is stored under a key.
    pub fn read(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
        let bytes = key::bytes(key)?;
        self.handle.call(key.py(), |durable| durable.get(bytes))
    }
}

/// The object that a value stands for.
pub fn decode<'py>(
    values: &Values,
    key: &Bound<'py, PyAny>,
    value: &Value,
) -> PyResult<Bound<'py, PyAny>> {
    values.decode(key, value.flags, &value.data)
}

/// The value, or what stands for none.
pub fn or_default<'py>(
    py: Python<'py>,
    value: Option<Bound<'py, PyAny>>,
    default: Option<Bound<'py, PyAny>>,
) -> Bound<'py, PyAny> {
    value.or(default).unwrap_or_else(|| py.None().into_bound(py))
}
