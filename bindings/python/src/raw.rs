//! The verbs that pass bytes and flags as they are: for serializers, and for values of other clients.

use nearcache::{Cache as Core, Expiry, MetaMode, Outcome, Verb};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cache::{Any, Cache};
use crate::handle::Handle;
use crate::portable::LEASE;
use crate::read::fetch;
use crate::sink::PySink;
use crate::{expiry, number, store};

/// Bytes and flags.
type Raw<'py> = (Bound<'py, PyBytes>, u32);
/// Bytes, flags and cas unique.
type RawCas<'py> = (Bound<'py, PyBytes>, u32, u64);

#[pymethods]
impl Cache {
    /// Return (bytes, flags) of key, whatever its flags; None if it is missing.
    ///
    /// >>> c["a"] = "text"
    /// >>> c.get_raw("a")
    /// (b'text', 16)
    fn get_raw<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<Raw<'py>>> {
        let hit = read(self.handle(), key, None)?;
        Ok(hit.map(|(bytes, flags, _)| (bytes, flags)))
    }

    /// Return (bytes, flags, cas unique) of key, whatever its flags; None if it is missing.
    ///
    /// >>> c["a"] = 12
    /// >>> c.gets_raw("a")[:2]
    /// (b'12', 2)
    fn gets_raw<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Option<RawCas<'py>>> {
        read(self.handle(), key, None)
    }

    /// Get and touch: return (bytes, flags) as get_raw does, and give the item a new expiry.
    ///
    /// >>> c["a"] = b"x"
    /// >>> c.gat_raw("a", 60)
    /// (b'x', 0)
    #[pyo3(signature = (key, expire=None))]
    fn gat_raw<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<Raw<'py>>> {
        let hit = read(self.handle(), key, Some(expiry::parse(expire)?))?;
        Ok(hit.map(|(bytes, flags, _)| (bytes, flags)))
    }

    /// Get and touch: return (bytes, flags, cas unique) as gets_raw does, and give the item a new expiry.
    ///
    /// >>> c["a"] = b"x"
    /// >>> c.gats_raw("a", 60) == c.gets_raw("a")
    /// True
    #[pyo3(signature = (key, expire=None))]
    fn gats_raw<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<RawCas<'py>>> {
        read(self.handle(), key, Some(expiry::parse(expire)?))
    }

    /// Store bytes with flags (0 to 2**32 - 1) of the caller's choice; otherwise as set.
    ///
    /// >>> c.set_raw("a", b"12", 2), c["a"]
    /// (True, 12)
    #[pyo3(signature = (key, value, flags=None, expire=None), text_signature = "($self, key, value, flags=0, expire=None)")]
    fn set_raw(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        flags: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        write_if(self.handle(), Verb::Set, key, value, flags, expire)
    }

    /// Store bytes with flags only if key is missing; otherwise as add.
    ///
    /// >>> c.add_raw("a", b"x", 7), c.get_raw("a")
    /// (True, (b'x', 7))
    #[pyo3(signature = (key, value, flags=None, expire=None), text_signature = "($self, key, value, flags=0, expire=None)")]
    fn add_raw(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        flags: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        write_if(self.handle(), Verb::Add, key, value, flags, expire)
    }

    /// Store bytes with flags only if key is present; otherwise as replace.
    ///
    /// >>> c.replace_raw("a", b"x", 7)
    /// False
    #[pyo3(signature = (key, value, flags=None, expire=None), text_signature = "($self, key, value, flags=0, expire=None)")]
    fn replace_raw(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        flags: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<bool> {
        write_if(self.handle(), Verb::Replace, key, value, flags, expire)
    }

    /// Put bytes behind those stored, whatever their flags; otherwise as append.
    ///
    /// >>> c.set_raw("a", b"x", 7), c.append_raw("a", b"y"), c.get_raw("a")
    /// (True, True, (b'xy', 7))
    fn append_raw(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        store::extend_if(self, MetaMode::Append, key, bytes_of(value)?, |_| true)
    }

    /// Put bytes before those stored, whatever their flags; otherwise as prepend.
    ///
    /// >>> c.set_raw("a", b"x", 7), c.prepend_raw("a", b"y"), c.get_raw("a")
    /// (True, True, (b'yx', 7))
    fn prepend_raw(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        store::extend_if(self, MetaMode::Prepend, key, bytes_of(value)?, |_| true)
    }

    /// Store bytes with flags only if the item's cas unique is still cas; otherwise as cas.
    ///
    /// >>> c["a"] = b"x"
    /// >>> c.cas_raw("a", b"y", 7, c.gets_raw("a")[2]), c.get_raw("a")
    /// (True, (b'y', 7))
    #[pyo3(signature = (key, value, flags, cas, expire=None))]
    fn cas_raw(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        flags: &Bound<'_, PyAny>,
        cas: &Bound<'_, PyAny>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<bool>> {
        let flags = number::natural32("flags", flags)?;
        let verb = Verb::Cas(number::natural("cas", cas)?);
        let expiry = expiry::parse(expire)?;
        let outcome = write(self.handle(), verb, key, value, flags, expiry)?;
        Ok(store::cas_answer(outcome))
    }
}

/// Bytes, flags and cas unique.
fn read<'py>(
    handle: &Handle,
    key: &Bound<'py, PyAny>,
    touch: Option<Expiry>,
) -> PyResult<Option<RawCas<'py>>> {
    let mut sink = PySink::new(key.py());
    let hit = match touch {
        Some(expiry) => fetch(handle, key, &mut sink, |c, k, s| c.gat_to(k, expiry, s))?,
        None => fetch(handle, key, &mut sink, Core::get_to)?,
    };
    match hit {
        Some(meta) if meta.flags != LEASE => Ok(Some((sink.raw()?, meta.flags, meta.cas))),
        _ => Ok(None),
    }
}

/// Stores for a verb whose only other answer is that its condition did not hold.
fn write_if(
    handle: &Handle,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    flags: Any<'_, '_>,
    expire: Any<'_, '_>,
) -> PyResult<bool> {
    let flags = flags.map_or(Ok(0), |flags| number::natural32("flags", flags))?;
    let expiry = expiry::parse(expire)?;
    write(handle, verb, key, value, flags, expiry).map(store::stored)
}

fn write(
    handle: &Handle,
    verb: Verb,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    flags: u32,
    expiry: Expiry,
) -> PyResult<Outcome> {
    store::write(handle, verb, key, bytes_of(value)?, flags, expiry)
}

/// The bytes of a raw value.
pub fn bytes_of<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    match value.cast::<PyBytes>() {
        Ok(value) => Ok(value.as_bytes()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "a raw value is bytes, not {}",
            value.get_type().name()?
        ))),
    }
}
