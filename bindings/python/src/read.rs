//! The verbs that read one key.

use nearcache::{Cache as Core, Error, Expiry, Meta};
use pyo3::prelude::*;

use crate::cache::{Any, Cache};
use crate::handle::Handle;
use crate::sink::PySink;
use crate::{errors, expiry, key};

#[pymethods]
impl Cache {
    /// Return the value of key, or default if it is missing.
    ///
    /// Raises SerdeError if the stored bytes are not what their flags say; get_raw reads them.
    ///
    /// >>> c.set("k", 7)
    /// True
    /// >>> c.get("k"), c.get("missing"), c.get("missing", 0)
    /// (7, None, 0)
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(or_default(py, get(self, key)?, default))
    }

    /// Return (value, cas unique) for a later cas; (default, cas_default) if key is missing.
    ///
    /// >>> c["n"] = 1
    /// >>> value, unique = c.gets("n")
    /// >>> c.cas("n", value + 1, unique), c["n"]
    /// (True, 2)
    #[pyo3(signature = (key, default=None, cas_default=None))]
    fn gets<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
        cas_default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        with_cas(py, gets(self, key)?, default, cas_default)
    }

    /// Get and touch: return the value of key, or default, and give the item a new expiry.
    ///
    /// >>> c["a"] = 1
    /// >>> c.gat("a", 60), c.gat("missing", 60, default=0)
    /// (1, 0)
    #[pyo3(signature = (key, expire=None, default=None))]
    fn gat<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        expire: Any<'_, '_>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let hit = gats(self, key, expiry::parse(expire)?)?;
        Ok(or_default(py, hit.map(|(value, _)| value), default))
    }

    /// Get and touch: return (value, cas unique) as gets does, and give the item a new expiry.
    ///
    /// >>> c["a"] = 1
    /// >>> c.gats("a", 60) == c.gets("a")
    /// True
    #[pyo3(signature = (key, expire=None, default=None, cas_default=None))]
    fn gats<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        expire: Any<'_, '_>,
        default: Option<Bound<'py, PyAny>>,
        cas_default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let hit = gats(self, key, expiry::parse(expire)?)?;
        with_cas(py, hit, default, cas_default)
    }
}

/// A value and its cas unique.
type WithCas<'py> = (Bound<'py, PyAny>, u64);

/// The value, or `None` for a miss. In one piece, and once for all who call it: most of what a hit costs in this module.
#[inline(never)]
pub fn get<'py>(cache: &Cache, key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut sink = PySink::new(key.py());
    let flags = fetch(cache.handle(), key, &mut sink, |core, key, sink| {
        // Of what is known of it no more than this is moved.
        Ok(core.get_to(key, sink)?.map(|meta| meta.flags))
    })?;
    match flags {
        Some(flags) => sink.value(cache, key, flags),
        None => Ok(None),
    }
}

/// The value and its cas unique.
fn gets<'py>(cache: &Cache, key: &Bound<'py, PyAny>) -> PyResult<Option<WithCas<'py>>> {
    let mut sink = PySink::new(key.py());
    match fetch(cache.handle(), key, &mut sink, Core::get_to)? {
        Some(meta) => with_unique(sink.value(cache, key, meta.flags)?, meta),
        None => Ok(None),
    }
}

/// The value and its cas unique, the item given a new expiry.
fn gats<'py>(
    cache: &Cache,
    key: &Bound<'py, PyAny>,
    expiry: Expiry,
) -> PyResult<Option<WithCas<'py>>> {
    let mut sink = PySink::new(key.py());
    match fetch(cache.handle(), key, &mut sink, |c, k, s| c.gat_to(k, expiry, s))? {
        Some(meta) => with_unique(sink.value(cache, key, meta.flags)?, meta),
        None => Ok(None),
    }
}

fn with_unique(value: Option<Bound<'_, PyAny>>, meta: Meta) -> PyResult<Option<WithCas<'_>>> {
    Ok(value.map(|value| (value, meta.cas)))
}

/// Runs a reading verb of one key into `sink`.
#[inline(always)]
pub fn fetch<'py, R>(
    handle: &Handle,
    key: &Bound<'py, PyAny>,
    sink: &mut PySink<'py>,
    verb: impl FnOnce(&Core, &[u8], &mut PySink<'py>) -> Result<R, Error>,
) -> PyResult<R> {
    let py = key.py();
    let bytes = key::bytes(key)?;
    handle
        .with(py, |core| sink.fill(|sink| verb(core, bytes, sink)))?
        .map_err(|error| errors::from_core(py, error))
}

#[inline]
fn or_default<'py>(
    py: Python<'py>,
    value: Option<Bound<'py, PyAny>>,
    default: Option<Bound<'py, PyAny>>,
) -> Bound<'py, PyAny> {
    value.or(default).unwrap_or_else(|| py.None().into_bound(py))
}

fn with_cas<'py>(
    py: Python<'py>,
    hit: Option<WithCas<'py>>,
    default: Option<Bound<'py, PyAny>>,
    cas_default: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    match hit {
        Some((value, cas)) => Ok((value, cas.into_pyobject(py)?.into_any())),
        None => Ok((or_default(py, None, default), or_default(py, None, cas_default))),
    }
}
