//! Keys: `str` or `bytes` to the bytes the core hashes.

use nearcache::KEY_MAX;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors;
use crate::value::exact;

/// The bytes of a key: those of a `bytes`, the UTF-8 of a `str`. Its length is left to the core to judge.
#[inline(always)]
pub fn bytes<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    // The exact types first: one comparison of pointers, where a subclass check is a call.
    if let Some(key) = exact::<PyBytes>(key) {
        return Ok(key.as_bytes());
    }
    if let Some(key) = exact::<PyString>(key) {
        return text(key);
    }
    subclass(key)
}

/// As [`bytes`], the length judged too: for batches, whose keys are all judged before anything is done.
pub fn checked<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    let bytes = bytes(key)?;
    let error = match bytes.len() {
        0 => nearcache::Error::KeyEmpty,
        1..=KEY_MAX => return Ok(bytes),
        len => nearcache::Error::KeyTooLong { len },
    };
    Err(errors::from_core(key.py(), error))
}

/// The bytes that a prefix of keys stands for: as a key, but of any length.
pub fn prefix(prefix: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<u8>> {
    match prefix {
        Some(prefix) => Ok(bytes(prefix)?.to_vec()),
        None => Ok(Vec::new()),
    }
}

#[inline(always)]
fn text<'a>(key: &'a Bound<'_, PyString>) -> PyResult<&'a [u8]> {
    match key.to_str() {
        Ok(text) => Ok(text.as_bytes()),
        Err(error) => Err(errors::illegal_key(
            key.py(),
            format!("the key cannot be encoded as UTF-8: {}", error.value(key.py())),
        )),
    }
}

#[cold]
fn subclass<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(key) = key.cast::<PyBytes>() {
        return Ok(key.as_bytes());
    }
    if let Ok(key) = key.cast::<PyString>() {
        return text(key);
    }
    Err(PyTypeError::new_err(format!("a key is str or bytes, not {}", key.get_type().name()?)))
}
