//! The verbs of many keys. All keys and values are judged before anything is read or stored; a large batch runs
//! detached from the interpreter.

use nearcache::{Cache as Core, Deletion, Error, Expiry, Meta};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use std::ops::Range;

use crate::cache::{Any, Cache};
use crate::handle::Handle;
use crate::sink::DETACH;
use crate::{envelope, errors, expiry, key};

/// Batches of more keys than this run detached, and are read in parts of this many keys, so that what is copied
/// but not yet handed over stays small.
const PART: usize = 64;

/// The room for a value to begin with, so that the copy of small ones never has to grow.
const SMALL: usize = 100;

/// A present key of a part: its place in the part, what is known of it, its bytes' place in the copy.
type Hit = (usize, Meta, Range<usize>);

/// A key, its value's bytes and flags.
type Item<'a> = (&'a [u8], &'a [u8], u32);

#[pymethods]
impl Cache {
    /// Return a dict of the keys that are present, as they were given, and their values.
    ///
    /// >>> c.set_many({"a": 1, "b": 2})
    /// []
    /// >>> c.get_many(["a", "b", "missing"])
    /// {'a': 1, 'b': 2}
    fn get_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        get(self, keys, false)
    }

    /// Return a dict of the keys that are present, as they were given, and tuples of value and cas unique.
    ///
    /// >>> c["a"] = 1
    /// >>> c.gets_many(["a", "missing"]) == {"a": c.gets("a")}
    /// True
    fn gets_many<'py>(&self, keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        get(self, keys, true)
    }

    /// Store each value of a dict under its key. Return the keys whose values were too large or found no
    /// memory. An illegal key or an unsupported value is an error before anything is stored.
    ///
    /// >>> c.set_many({"a": 1, "b": b"x" * 2_000_000}, expire=60)
    /// ['b']
    #[pyo3(signature = (values, expire=None))]
    fn set_many<'py>(
        &self,
        values: &Bound<'py, PyDict>,
        expire: Any<'_, '_>,
    ) -> PyResult<Bound<'py, PyList>> {
        set(self, values, expiry::parse(expire)?)
    }

    /// Remove each key. Return how many were there.
    ///
    /// >>> c["a"] = 1
    /// >>> c.delete_many(["a", "missing"])
    /// 1
    fn delete_many(&self, keys: &Bound<'_, PyAny>) -> PyResult<usize> {
        delete(self.handle(), keys)
    }
}

/// The values of the keys that are present, under the key objects given; with `cas`, tuples of value and unique.
fn get<'py>(cache: &Cache, keys: &Bound<'py, PyAny>, cas: bool) -> PyResult<Bound<'py, PyDict>> {
    let py = keys.py();
    let keys = collect(keys)?;
    let bytes = checked(&keys)?;
    let found = PyDict::new(py);
    let large = keys.len() > PART;
    let mut copy = Vec::with_capacity(keys.len().min(PART) * SMALL);
    for (keys, bytes) in keys.chunks(PART).zip(bytes.chunks(PART)) {
        let hits = cache
            .handle()
            .with(py, |core| {
                if large {
                    py.detach(|| read(core, bytes, &mut copy))
                } else {
                    read(core, bytes, &mut copy)
                }
            })?
            .map_err(|error| errors::from_core(py, error))?;
        for (index, meta, range) in hits {
            let Some(value) = envelope::open(cache, &keys[index], meta.flags, &copy[range])? else {
                continue;
            };
            if cas {
                found.set_item(&keys[index], (value, meta.cas))?;
            } else {
                found.set_item(&keys[index], value)?;
            }
        }
    }
    Ok(found)
}

/// Stores each; the keys whose values were too large or found no memory.
fn set<'py>(
    cache: &Cache,
    values: &Bound<'py, PyDict>,
    expiry: Expiry,
) -> PyResult<Bound<'py, PyList>> {
    let py = values.py();
    // Objects first: what is borrowed from them below must outlive the dict's next change.
    let pairs: Vec<_> = values.iter().collect();
    let encoded = pairs
        .iter()
        .map(|(key, value)| {
            key::checked(key)?;
            cache.values().encode(key, value)
        })
        .collect::<PyResult<Vec<_>>>()?;
    let items = pairs
        .iter()
        .zip(&encoded)
        .map(|((key, _), value)| Ok((key::bytes(key)?, value.bytes(), value.flags())))
        .collect::<PyResult<Vec<Item<'_>>>>()?;
    let large = items.len() > PART || items.iter().any(|(_, bytes, _)| bytes.len() > DETACH);
    let failed = cache
        .handle()
        .with(py, |core| {
            if large {
                py.detach(|| write(core, &items, expiry))
            } else {
                write(core, &items, expiry)
            }
        })?
        .map_err(|error| errors::from_core(py, error))?;
    PyList::new(py, failed.into_iter().map(|index| &pairs[index].0))
}

/// Removes each; how many there were.
fn delete(handle: &Handle, keys: &Bound<'_, PyAny>) -> PyResult<usize> {
    let py = keys.py();
    let keys = collect(keys)?;
    let bytes = checked(&keys)?;
    handle
        .with(py, |core| {
            if keys.len() > PART {
                py.detach(|| remove(core, &bytes))
            } else {
                remove(core, &bytes)
            }
        })?
        .map_err(|error| errors::from_core(py, error))
}

/// Keys that were given as any iterable; one str is none.
pub fn collect<'py>(keys: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    // A str is an iterable of str, so one key given for many would silently be asked for letter by letter.
    if keys.is_instance_of::<PyString>() || keys.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(format!(
            "keys is an iterable of keys, not one {}",
            keys.get_type().name()?
        )));
    }
    if let Ok(keys) = keys.cast_exact::<PyList>() {
        return Ok(keys.iter().collect());
    }
    if let Ok(keys) = keys.cast_exact::<PyTuple>() {
        return Ok(keys.iter().collect());
    }
    keys.try_iter()?.collect()
}

/// The keys' bytes, all judged. Collecting results would not know how many there are, and grow as it goes.
pub fn checked<'a>(keys: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<&'a [u8]>> {
    let mut bytes = Vec::with_capacity(keys.len());
    for key in keys {
        bytes.push(key::checked(key)?);
    }
    Ok(bytes)
}

fn read(core: &Core, keys: &[&[u8]], copy: &mut Vec<u8>) -> Result<Vec<Hit>, Error> {
    copy.clear();
    let mut hits = Vec::with_capacity(keys.len());
    core.get_many(keys, |index, meta, bytes| {
        let start = copy.len();
        copy.extend_from_slice(bytes);
        hits.push((index, meta, start..copy.len()));
    })?;
    Ok(hits)
}

fn write(core: &Core, items: &[Item<'_>], expiry: Expiry) -> Result<Vec<usize>, Error> {
    let mut failed = Vec::new();
    for (index, &(key, bytes, flags)) in items.iter().enumerate() {
        match core.set(key, bytes, flags, expiry) {
            Ok(_) => {}
            Err(Error::ValueTooLarge { .. } | Error::OutOfMemory) => failed.push(index),
            Err(error) => return Err(error),
        }
    }
    Ok(failed)
}

fn remove(core: &Core, keys: &[&[u8]]) -> Result<usize, Error> {
    let mut removed = 0;
    for key in keys {
        if core.delete(key)? == Deletion::Deleted {
            removed += 1;
        }
    }
    Ok(removed)
}
