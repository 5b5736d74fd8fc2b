//! Keys in order: `range`, and the iterators over keys and items, page by page, of a store or of a snapshot.

use nearcache_store::Entry;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::handle::Sight;
use super::read::decode;
use super::store::Store;
use crate::cache::Any;
use crate::{key, number};

/// Entries of a page; each may be as large as an item.
const PAGE: usize = 100;
/// Most entries of one answer.
const LIMIT: usize = 10_000;

#[pymethods]
impl Store {
    /// Return a list of the keys, as bytes, and values from start to end, in the order of the keys' bytes: at most limit (1
    /// to 10,000), all of one moment. Both ends are in it, unless left_open or right_open; without an end it goes to the last.
    ///
    /// >>> s.set_many({"a": 1, "b": 2, "c": 3})
    /// []
    /// >>> s.range("a", "c", right_open=True), s.range("b", limit=1)
    /// ([(b'a', 1), (b'b', 2)], [(b'b', 2)])
    #[pyo3(signature = (start=None, end=None, *, left_open=false, right_open=false, limit=None), text_signature = "($self, start=None, end=None, *, left_open=False, right_open=False, limit=100)")]
    fn range<'py>(
        slf: &Bound<'py, Self>,
        start: Any<'_, '_>,
        end: Any<'_, '_>,
        left_open: bool,
        right_open: bool,
        limit: Any<'_, '_>,
    ) -> PyResult<Vec<Pair<'py>>> {
        range(&Source::of(slf), slf.py(), start, end, left_open, right_open, limit)
    }

    /// Return an iterator over the keys that start with prefix, as bytes, and their values, in the order of the keys' bytes. It
    /// reads page by page: what comes or goes meanwhile may or may not be met. A snapshot's shows one moment.
    ///
    /// >>> s.set_many({"user:1": "Ada", "user:2": "Bob", "page:1": b""})
    /// []
    /// >>> list(s.scan("user:"))
    /// [(b'user:1', 'Ada'), (b'user:2', 'Bob')]
    #[pyo3(signature = (prefix=None))]
    fn scan(slf: &Bound<'_, Self>, prefix: Any<'_, '_>) -> PyResult<StoreIterator> {
        StoreIterator::new(Source::of(slf), prefix, true)
    }

    /// Return an iterator over the keys that start with prefix, as bytes; otherwise as scan.
    ///
    /// >>> s["a"] = 1
    /// >>> list(s.keys())
    /// [b'a']
    #[pyo3(signature = (prefix=None))]
    fn keys(slf: &Bound<'_, Self>, prefix: Any<'_, '_>) -> PyResult<StoreIterator> {
        StoreIterator::new(Source::of(slf), prefix, false)
    }

    /// Iterate over the keys, as bytes; as keys().
    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<StoreIterator> {
        StoreIterator::new(Source::of(slf), None, false)
    }
}

/// Whose keys they are.
pub struct Source {
    pub store: Py<Store>,
    /// `None`: what is newest.
    pub sight: Option<Arc<Sight>>,
}

/// A key, and the object that its value stands for.
pub type Pair<'py> = (Bound<'py, PyBytes>, Bound<'py, PyAny>);

impl Source {
    fn of(store: &Bound<'_, Store>) -> Source {
        Source { store: store.clone().unbind(), sight: None }
    }

    fn page(&self, py: Python<'_>, prefix: &[u8], after: Option<&[u8]>) -> PyResult<Vec<Entry>> {
        match &self.sight {
            None => self.store.get().handle.call(py, |store| store.prefix(prefix, after, PAGE)),
            Some(sight) => sight.look(py, |view| view.prefix(prefix, after, PAGE)),
        }
    }

    fn pair<'py>(&self, py: Python<'py>, entry: &Entry) -> PyResult<Pair<'py>> {
        let key = PyBytes::new(py, &entry.key);
        let value = decode(&self.store.get().values, key.as_any(), &entry.value)?;
        Ok((key, value))
    }
}

/// `range`, of whatever it is.
pub fn range<'py>(
    source: &Source,
    py: Python<'py>,
    start: Any<'_, '_>,
    end: Any<'_, '_>,
    left_open: bool,
    right_open: bool,
    limit: Any<'_, '_>,
) -> PyResult<Vec<Pair<'py>>> {
    let (start, end) = (key::prefix(start)?, key::prefix(end)?);
    let max = limit.map_or(Ok(100), |limit| number::natural("limit", limit))? as usize;
    if !(1..=LIMIT).contains(&max) {
        return Err(PyValueError::new_err(format!(
            "limit is {max}: it is 1 to {LIMIT}, which are read at one moment; use scan, or a snapshot's, for more"
        )));
    }
    let entries = match &source.sight {
        None => {
            let handle = &source.store.get().handle;
            handle.call(py, |store| store.rget(&start, &end, left_open, right_open, max))
        }
        Some(sight) => sight.look(py, |view| view.rget(&start, &end, left_open, right_open, max)),
    }?;
    entries.iter().map(|entry| source.pair(py, entry)).collect()
}

/// The keys of a store or a snapshot, as bytes, or tuples of keys and values, in order. Made by their keys and scan.
///
/// Threads may share an iterator; each entry then goes to one of them.
#[pyclass(frozen, module = "nearcache")]
pub struct StoreIterator {
    source: Source,
    prefix: Vec<u8>,
    with_values: bool,
    walk: Mutex<Walk>,
}

#[derive(Default)]
struct Walk {
    met: VecDeque<Entry>,
    last: Option<Vec<u8>>,
    is_over: bool,
}

impl StoreIterator {
    /// The entries whose keys start with `prefix`.
    pub fn new(source: Source, prefix: Any<'_, '_>, with_values: bool) -> PyResult<StoreIterator> {
        Ok(StoreIterator {
            source,
            prefix: key::prefix(prefix)?,
            with_values,
            walk: Mutex::default(),
        })
    }
}

#[pymethods]
impl StoreIterator {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.source.store)
    }

    /// Return itself.
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    /// Return the next one.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let entry = {
            // Who waited for the lock attached would keep its holder, which reads detached, from coming back.
            let mut walk = self.walk.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
            if walk.met.is_empty() && !walk.is_over {
                let page = self.source.page(py, &self.prefix, walk.last.as_deref())?;
                walk.is_over = page.len() < PAGE;
                walk.last = page.last().map(|entry| entry.key.clone());
                walk.met = page.into();
            }
            walk.met.pop_front()
        };
        Ok(match entry {
            None => None,
            Some(entry) if self.with_values => {
                Some(self.source.pair(py, &entry)?.into_pyobject(py)?.into_any())
            }
            Some(entry) => Some(PyBytes::new(py, &entry.key).into_any()),
        })
    }
}
