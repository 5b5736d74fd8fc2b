//! The verbs that write one key.

use nearcache::{
    Cache as Core, Deletion, Error, Expiry, MetaDelete, MetaMode, MetaSet, Outcome, Touch, Verb,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::cache::{Any, Cache};
use crate::handle::Handle;
use crate::sink::DETACH;
use crate::{errors, expiry, key, number, portable, value};

#[pymethods]
impl Cache {
    /// Store value under key, whatever is there. Return True.
    ///
    /// Raises ValueTooLargeError or OutOfMemoryError; the old value is then gone, as in memcached.
    ///
    /// >>> c.set("session", b"data", expire=60)
    /// True
    #[pyo3(signature = (key, value, expire=None))]
    fn set(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store_if(self, Verb::Set, key, value, expire)
    }

    /// Store value only if key is missing. Return True if it was stored.
    ///
    /// >>> c.add("once", 1), c.add("once", 2), c["once"]
    /// (True, False, 1)
    #[pyo3(signature = (key, value, expire=None))]
    fn add(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store_if(self, Verb::Add, key, value, expire)
    }

    /// Store value only if key is present. Return True if it was stored.
    ///
    /// >>> c.replace("absent", 1)
    /// False
    #[pyo3(signature = (key, value, expire=None))]
    fn replace(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        store_if(self, Verb::Replace, key, value, expire)
    }

    /// Put the bytes of a bytes, str or int behind those stored; type and expiry of the item stay. Return False if
    /// key is missing, or if the item would grow past item_size_max or the memory. What is stored as a pickle,
    /// compressed or portable cannot grow: TypeError.
    ///
    /// >>> c["log"] = "one"
    /// >>> c.append("log", ",two"), c["log"]
    /// (True, 'one,two')
    fn append(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        extend(self, MetaMode::Append, key, value)
    }

    /// Put value's bytes before those stored; otherwise as append.
    ///
    /// >>> c["path"] = "b"
    /// >>> c.prepend("path", "a/"), c["path"]
    /// (True, 'a/b')
    fn prepend(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        extend(self, MetaMode::Prepend, key, value)
    }

    /// Store value only if the item's cas unique is still cas. Return True if it was stored, False if the
    /// item was changed, None if it is missing.
    ///
    /// >>> c["x"] = 1
    /// >>> _, unique = c.gets("x")
    /// >>> c["x"] = 2
    /// >>> c.cas("x", 3, unique), c.cas("absent", 3, unique)
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
        let outcome = store(self, verb, key, value, expiry::parse(expire)?)?;
        Ok(cas_answer(outcome))
    }

    /// Remove key; with cas, only if that is still the item's cas unique. Return False if nothing was removed.
    ///
    /// >>> c["a"] = 1
    /// >>> c.delete("a"), c.delete("a")
    /// (True, False)
    #[pyo3(signature = (key, cas=None))]
    fn delete(&self, key: &Bound<'_, PyAny>, cas: Any<'_, '_>) -> PyResult<bool> {
        let compare = cas.map(|cas| number::natural("cas", cas)).transpose()?;
        remove(self.handle(), key, compare)
    }

    /// Give the item a new expiry. Return False if key is missing.
    ///
    /// >>> c["a"] = 1
    /// >>> c.touch("a", 60), c.touch("missing", 60)
    /// (True, False)
    #[pyo3(signature = (key, expire=None))]
    fn touch(&self, key: &Bound<'_, PyAny>, expire: Any<'_, '_>) -> PyResult<bool> {
        let expiry = expiry::parse(expire)?;
        let touch = act(self.handle(), key, |core, key| core.touch(key, expiry))?;
        Ok(touch == Touch::Touched)
    }
}

/// Stores for a verb whose only other answer is that its condition did not hold.
#[inline]
fn store_if(
    cache: &Cache,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    expire: Any<'_, '_>,
) -> PyResult<bool> {
    let expiry = expiry::parse(expire)?;
    store(cache, verb, key, value, expiry).map(stored)
}

/// Stores a value; the flags follow from its type. In one piece, as `read::get`.
#[inline(never)]
pub fn store(
    cache: &Cache,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    expiry: Expiry,
) -> PyResult<Outcome> {
    let encoded = cache.values().encode(key, value)?;
    write(cache.handle(), verb, key, encoded.bytes(), encoded.flags(), expiry)
}

/// Was it stored? For the verbs whose only other answer is that their condition did not hold.
#[inline]
pub fn stored(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Stored(_))
}

/// pymemcache's answer to a cas: `True`, `False` for changed, `None` for missing.
pub fn cas_answer(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Stored(_) => Some(true),
        Outcome::Exists | Outcome::NotStored => Some(false),
        Outcome::Missing => None,
    }
}

/// Removes the item; false if there was none.
pub fn remove(handle: &Handle, key: &Bound<'_, PyAny>, compare: Option<u64>) -> PyResult<bool> {
    let ask = MetaDelete { compare, ..MetaDelete::default() };
    Ok(act(handle, key, |core, key| core.meta_delete(key, ask))? == Deletion::Deleted)
}

/// Append and prepend. What they would break is left alone: the comparison sees to it that the item that grows is the one
/// that was looked at.
fn extend(
    cache: &Cache,
    mode: MetaMode,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let Some(encoded) = value::plain(value)? else {
        return Err(PyTypeError::new_err(format!(
            "what is appended or prepended is bytes, str or int (not a subclass of them), not {}",
            value.get_type().name()?
        )));
    };
    let foreign = cache.values().foreign;
    extend_if(cache, mode, key, encoded.bytes(), |flags| {
        value::is_open(flags) || (foreign && !portable::is(flags))
    })
}

/// As [`extend`], for who knows what flags may grow.
pub fn extend_if(
    cache: &Cache,
    mode: MetaMode,
    key: &Bound<'_, PyAny>,
    bytes: &[u8],
    may_grow: impl Fn(u32) -> bool,
) -> PyResult<bool> {
    act(cache.handle(), key, |core, key| {
        // A meta set of what is too large by itself would remove the old value; a cas leaves it, and with 0 never stores.
        // Key and header are far less than half of the smallest limit.
        match bytes.len() >= core.item_size_max() / 2 {
            true => core.store(Verb::Cas(0), key, bytes, 0, Expiry::Never).map(drop),
            false => Ok(()),
        }
    })?;
    loop {
        let Some(item) = act(cache.handle(), key, Core::peek)? else { return Ok(false) };
        if item.flags == portable::LEASE {
            return Ok(false);
        }
        if !may_grow(item.flags) {
            return Err(no_growth(item.flags));
        }
        let ask = MetaSet { mode, compare: Some(item.cas), ..MetaSet::default() };
        let stored = act(cache.handle(), key, |core, key| core.meta_set(key, bytes, ask));
        match stored?.outcome {
            Outcome::Stored(_) => return Ok(true),
            Outcome::NotStored => return Ok(false),
            // Somebody was faster.
            Outcome::Exists | Outcome::Missing => {}
        }
    }
}

/// Append or prepend to what would be broken by it.
#[cold]
pub fn no_growth(flags: u32) -> PyErr {
    PyTypeError::new_err(format!(
        "the value's flags ({flags}) say a pickle, compressed or portable: nothing can be put before or behind such \
         bytes; get the value and store another"
    ))
}

/// Runs a verb of one key on the core.
pub fn act<R>(
    handle: &Handle,
    key: &Bound<'_, PyAny>,
    verb: impl FnOnce(&Core, &[u8]) -> Result<R, Error>,
) -> PyResult<R> {
    let py = key.py();
    let bytes = key::bytes(key)?;
    handle.with(py, |core| verb(core, bytes))?.map_err(|error| errors::from_core(py, error))
}

/// Stores bytes and flags.
#[inline(always)]
pub fn write(
    handle: &Handle,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    bytes: &[u8],
    flags: u32,
    expiry: Expiry,
) -> PyResult<Outcome> {
    let py = key.py();
    let key = key::bytes(key)?;
    handle
        .with(py, |core| {
            if bytes.len() > DETACH {
                // The bytes are those of immutable objects that the caller's arguments keep alive.
                py.detach(|| core.store(verb, key, bytes, flags, expiry))
            } else {
                core.store(verb, key, bytes, flags, expiry)
            }
        })?
        .map_err(|error| errors::from_core(py, error))
}
