//! The verbs of `Store` that write.

use nearcache::{Deletion, Expiry, Outcome, Verb};
use nearcache_store::wire::Change;
use nearcache_store::{Durable, storing};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::store::Store;
use crate::cache::Any;
use crate::serde::{Serde, Values};
use crate::value::{self, FLAG_INT};
use crate::{batch, expiry, key, number, portable, raw, store};

#[pymethods]
impl Store {
    /// Store value under key, whatever is there. Return True.
    ///
    /// >>> s.set("session", {"user": 7}, expire=60)
    /// True
    #[pyo3(signature = (key, value, expire=None))]
    fn set(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store(self, Verb::Set, key, value, expiry::parse(expire)?).map(store::stored)
    }

    /// Store value only if key is missing. Return True if it was stored.
    ///
    /// >>> s.add("once", 1), s.add("once", 2), s["once"]
    /// (True, False, 1)
    #[pyo3(signature = (key, value, expire=None))]
    fn add(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store(self, Verb::Add, key, value, expiry::parse(expire)?).map(store::stored)
    }

    /// Store value only if key is present. Return True if it was stored.
    ///
    /// >>> s.replace("absent", 1)
    /// False
    #[pyo3(signature = (key, value, expire=None))]
    fn replace(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store(self, Verb::Replace, key, value, expiry::parse(expire)?).map(store::stored)
    }

    /// Put the bytes of a bytes, str or int behind those stored; type and expiry of the item stay. Return False if
    /// key is missing. What is stored as a pickle, compressed or portable cannot grow: TypeError.
    ///
    /// >>> s["log"] = "one"
    /// >>> s.append("log", ",two"), s["log"]
    /// (True, 'one,two')
    fn append(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.extend(Verb::Append, key, value)
    }

    /// Put value's bytes before those stored; otherwise as append.
    ///
    /// >>> s["path"] = "b"
    /// >>> s.prepend("path", "a/"), s["path"]
    /// (True, 'a/b')
    fn prepend(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.extend(Verb::Prepend, key, value)
    }

    /// Store value only if the item's cas unique is still cas. Return True if it was stored, False if the
    /// item was changed, None if it is missing.
    ///
    /// >>> s["x"] = 1
    /// >>> _, unique = s.gets("x")
    /// >>> s["x"] = 2
    /// >>> s.cas("x", 3, unique), s.cas("absent", 3, unique)
    /// (False, None)
    #[pyo3(signature = (key, value, cas, expire=None))]
    fn cas(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        cas: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<bool>> {
        let verb = Verb::Cas(number::natural("cas", cas)?);
        store(self, verb, key, value, expiry::parse(expire)?).map(store::cas_answer)
    }

    /// Remove key; with cas, only if that is still the item's cas unique. Return False if nothing was removed.
    ///
    /// >>> s["a"] = 1
    /// >>> s.delete("a"), s.delete("a")
    /// (True, False)
    #[pyo3(signature = (key, cas=None))]
    fn delete(&self, key: &Bound<'_, PyAny>, cas: Any<'_, '_>) -> PyResult<bool> {
        remove(self, key, cas.map(|cas| number::natural("cas", cas)).transpose()?)
    }

    /// Give the item a new expiry. Return False if key is missing.
    ///
    /// >>> s["a"] = 1
    /// >>> s.touch("a", 60), s.touch("missing", 60)
    /// (True, False)
    #[pyo3(signature = (key, expire=None))]
    fn touch(&self, key: &Bound<'_, PyAny>, expire: Any<'_, '_>) -> PyResult<bool> {
        let (bytes, expiry) = (key::bytes(key)?, expiry::parse(expire)?);
        self.handle.call(key.py(), |durable| durable.touch(bytes, expiry))
    }

    /// Add value to the number stored, wrapping at 2**64, and return the sum. A missing key is stored as
    /// initial, to expire as expire says, and initial returned; without initial None is returned.
    ///
    /// Raises NotNumericError if what is stored is not a decimal number of 64 bits; a negative one is not.
    ///
    /// >>> s.incr("hits"), s.incr("hits", initial=1), s.incr("hits", 5), s["hits"]
    /// (None, 1, 6, 6)
    #[pyo3(signature = (key, value=None, initial=None, expire=None), text_signature = "($self, key, value=1, initial=None, expire=None)")]
    fn incr(
        &self,
        key: &Bound<'_, PyAny>,
        value: Any<'_, '_>,
        initial: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        self.count(key, false, value, initial, expire)
    }

    /// Subtract value from the number stored, stopping at 0, and return the rest; otherwise as incr.
    ///
    /// >>> s["left"] = 3
    /// >>> s.decr("left"), s.decr("left", 10), s["left"]
    /// (2, 0, 0)
    #[pyo3(signature = (key, value=None, initial=None, expire=None), text_signature = "($self, key, value=1, initial=None, expire=None)")]
    fn decr(
        &self,
        key: &Bound<'_, PyAny>,
        value: Any<'_, '_>,
        initial: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        self.count(key, true, value, initial, expire)
    }

    /// Store each value of a dict under its key, in one step: if one cannot be stored its error is raised, and none is.
    /// Return an empty list, as Cache.set_many does when all were stored.
    ///
    /// >>> s.set_many({"a": 1, "b": [2]}, expire=60), s["b"]
    /// ([], [2])
    #[pyo3(signature = (values, expire=None))]
    fn set_many<'py>(
        &self,
        values: &Bound<'py, PyDict>,
        expire: Any<'_, '_>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (py, expiry) = (values.py(), expiry::parse(expire)?);
        // Objects first: what encodes a value may change the dict.
        let pairs: Vec<_> = values.iter().collect();
        let changes = pairs
            .iter()
            .map(|(key, value)| setting(&self.values, Verb::Set, key, value, expiry))
            .collect::<PyResult<Vec<_>>>()?;
        self.handle.call(py, |durable| durable.commit(changes))?;
        Ok(PyList::empty(py))
    }

    /// Remove each key, in one step. Return how many were there.
    ///
    /// >>> s["a"] = 1
    /// >>> s.delete_many(["a", "missing"])
    /// 1
    fn delete_many(&self, keys: &Bound<'_, PyAny>) -> PyResult<u64> {
        let changes = batch::collect(keys)?
            .iter()
            .map(|key| Ok(Change::Delete { key: key::checked(key)?.to_vec().into() }))
            .collect::<PyResult<Vec<_>>>()?;
        let removed = self.handle.call(keys.py(), |durable| durable.commit(changes))?;
        Ok(removed.iter().sum())
    }

    /// Store bytes with flags (0 to 2**32 - 1) of the caller's choice; otherwise as set.
    ///
    /// >>> s.set_raw("a", b"12", 2), s["a"]
    /// (True, 12)
    #[pyo3(signature = (key, value, flags=None, expire=None), text_signature = "($self, key, value, flags=0, expire=None)")]
    fn set_raw(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        flags: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        let flags = flags.map_or(Ok(0), |flags| number::natural32("flags", flags))?;
        let (key, value, expiry) =
            (key::bytes(key)?, raw::bytes_of(value)?, expiry::parse(expire)?);
        let work = |durable: &Durable| durable.store(Verb::Set, key, value, flags, expiry);
        self.handle.call(py, work).map(store::stored)
    }
}

impl Store {
    fn extend(
        &self,
        verb: Verb,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let Some(encoded) = value::plain(value)? else {
            return Err(PyTypeError::new_err(format!(
                "what is appended or prepended is bytes, str or int (not a subclass of them), not {}",
                value.get_type().name()?
            )));
        };
        let (py, bytes, more) = (key.py(), key::bytes(key)?, encoded.bytes());
        // To look first and then to write is no single step: a key that is given another kind of value at this very
        // moment may be spoiled. A socket has no append with a comparison.
        let Some(found) = self.handle.call(py, |durable| durable.get(bytes))? else {
            return Ok(false);
        };
        let is_open = match self.values.foreign {
            true => !portable::is(found.flags),
            false => value::is_open(found.flags),
        };
        if !is_open {
            return Err(store::no_growth(found.flags));
        }
        let work = |durable: &Durable| durable.store(verb, bytes, more, 0, Expiry::Never);
        self.handle.call(py, work).map(store::stored)
    }

    fn count(
        &self,
        key: &Bound<'_, PyAny>,
        down: bool,
        delta: Any<'_, '_>,
        initial: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        let delta = delta.map_or(Ok(1), |delta| number::natural("value", delta))?;
        let initial = initial.map(|initial| number::natural("initial", initial)).transpose()?;
        let (expiry, flags) = (expiry::parse(expire)?, number_flags(&self.values));
        let bytes = key::bytes(key)?;
        self.handle.call(key.py(), |durable| {
            // Each round that does not end means that somebody else stored or removed the key in between.
            loop {
                let number = durable.count(bytes, delta, down)?;
                let (None, Some(initial)) = (number, initial) else { return Ok(number) };
                let digits = initial.to_string();
                let added = durable.store(Verb::Add, bytes, digits.as_bytes(), flags, expiry)?;
                if store::stored(added) {
                    return Ok(Some(initial));
                }
            }
        })
    }
}

/// The flags of a number that is counted.
fn number_flags(values: &Values) -> u32 {
    match values.serde {
        Serde::Portable => portable::INT,
        _ => FLAG_INT,
    }
}

/// Stores a value; the flags follow from its type.
pub fn store(
    store: &Store,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    expiry: Expiry,
) -> PyResult<Outcome> {
    let (bytes, encoded) = (key::bytes(key)?, store.values.encode(key, value)?);
    let (value, flags) = (encoded.bytes(), encoded.flags());
    store.handle.call(key.py(), |durable| durable.store(verb, bytes, value, flags, expiry))
}

/// The same as a change of a batch.
pub fn setting(
    values: &Values,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    expiry: Expiry,
) -> PyResult<Change> {
    let (bytes, encoded) = (key::checked(key)?, values.encode(key, value)?);
    Ok(Change::Set(storing(verb, bytes, encoded.bytes(), encoded.flags(), expiry)))
}

/// Removes the item; false if there was none.
pub fn remove(store: &Store, key: &Bound<'_, PyAny>, unique: Option<u64>) -> PyResult<bool> {
    let bytes = key::bytes(key)?;
    let deletion = store.handle.call(key.py(), |durable| durable.delete(bytes, unique))?;
    Ok(deletion == Deletion::Deleted)
}
