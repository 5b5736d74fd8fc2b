//! The class `Snapshot`: a store at one moment, to read.

use nearcache_store::Value;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

use super::handle::Sight;
use super::read::{decode, or_default};
use super::scan::{Pair, Source, StoreIterator, range};
use super::store::Store;
use crate::cache::Any;
use crate::key;
use crate::mapping::missing;

/// A store at one moment: what is there then, for as long as the snapshot is kept, time included.
///
/// It keeps the disk of what is deleted meanwhile: close it, or use it in a with statement. It ends with its store, and
/// when the store was opened anew after a failure of the disk.
#[pyclass(frozen, module = "nearcache")]
pub struct Snapshot {
    store: Py<Store>,
    sight: Arc<Sight>,
}

impl Snapshot {
    /// What is there now.
    pub fn of(store: &Bound<'_, Store>) -> PyResult<Snapshot> {
        let sight = store.get().handle.sight(store.py())?;
        Ok(Snapshot { store: store.clone().unbind(), sight })
    }

    fn source(&self, py: Python<'_>) -> Source {
        Source { store: self.store.clone_ref(py), sight: Some(self.sight.clone()) }
    }

    fn read(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
        let bytes = key::bytes(key)?;
        self.sight.look(key.py(), |view| view.get(bytes))
    }
}

#[pymethods]
impl Snapshot {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)
    }

    /// Return itself.
    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Close the snapshot.
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) {
        self.close(py);
    }

    /// Let go of it; every later use but close raises StoreError.
    ///
    /// >>> then = s.snapshot()
    /// >>> then.close()
    fn close(&self, py: Python<'_>) {
        self.sight.close(py);
    }

    /// Return the value that key had, or default.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.snapshot() as then:
    /// ...     then.get("a"), then.get("missing", 0)
    /// (1, 0)
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = &self.store.get().values;
        let found = self.read(key)?.map(|value| decode(values, key, &value)).transpose()?;
        Ok(or_default(py, found, default))
    }

    /// Return the value that key had; raise KeyError if it had none.
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match self.read(key)? {
            Some(value) => decode(&self.store.get().values, key, &value),
            None => Err(missing(key)),
        }
    }

    /// Was key there?
    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.read(key)?.is_some())
    }

    /// As Store.range, at the snapshot's moment.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.snapshot() as then:
    /// ...     then.range("a", "b")
    /// [(b'a', 1)]
    #[pyo3(signature = (start=None, end=None, *, left_open=false, right_open=false, limit=None), text_signature = "($self, start=None, end=None, *, left_open=False, right_open=False, limit=100)")]
    fn range<'py>(
        &self,
        py: Python<'py>,
        start: Any<'_, '_>,
        end: Any<'_, '_>,
        left_open: bool,
        right_open: bool,
        limit: Any<'_, '_>,
    ) -> PyResult<Vec<Pair<'py>>> {
        range(&self.source(py), py, start, end, left_open, right_open, limit)
    }

    /// As Store.scan, at the snapshot's moment.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.snapshot() as then:
    /// ...     list(then.scan("a"))
    /// [(b'a', 1)]
    #[pyo3(signature = (prefix=None))]
    fn scan(&self, py: Python<'_>, prefix: Any<'_, '_>) -> PyResult<StoreIterator> {
        StoreIterator::new(self.source(py), prefix, true)
    }

    /// As Store.keys, at the snapshot's moment.
    ///
    /// >>> s["a"] = 1
    /// >>> with s.snapshot() as then:
    /// ...     list(then.keys())
    /// [b'a']
    #[pyo3(signature = (prefix=None))]
    fn keys(&self, py: Python<'_>, prefix: Any<'_, '_>) -> PyResult<StoreIterator> {
        StoreIterator::new(self.source(py), prefix, false)
    }

    /// Iterate over the keys, as bytes; as keys().
    fn __iter__(&self, py: Python<'_>) -> PyResult<StoreIterator> {
        self.keys(py, None)
    }
}
