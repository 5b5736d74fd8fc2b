//! Values by way of Python code: pickles, zlib, serde objects. Nothing of the core is held while it runs.

use pyo3::exceptions::{PyException, PyMemoryError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::value::{Encoded, FLAG_PICKLE, FLAG_ZLIB, broken, utf8};
use crate::{errors, number};

/// The largest value that zlib's bytes may become: as large as an item can ever be.
const INFLATED_MAX: usize = 1 << 30;
/// So that every Python of today reads it.
const PROTOCOL: u32 = 5;

/// A pickle. What pickle has to say against it is passed on.
pub fn pickle<'a, 'py>(value: &Bound<'py, PyAny>) -> PyResult<Encoded<'a, 'py>> {
    let py = value.py();
    // To import it each time takes longer than to pickle a small dict.
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let dumps = DUMPS.import(py, "pickle", "dumps")?;
    let made = dumps.call1((value, PROTOCOL))?.cast_into::<PyBytes>()?;
    Ok(Encoded::Object(made, FLAG_PICKLE))
}

/// The object of a pickle.
pub fn unpickle<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.import(py, "pickle", "loads")?;
    loads.call1((PyBytes::new(py, bytes),)).map_err(|error| {
        blame(py, error, |error| {
            format!(
                "the value's flags ({FLAG_PICKLE}) say pickle, but it cannot be unpickled: {error}; \
                 get_raw returns its bytes"
            )
        })
    })
}

/// The same in zlib's bytes, if those are fewer.
pub fn compressed<'a, 'py>(
    py: Python<'py>,
    encoded: Encoded<'a, 'py>,
) -> PyResult<Encoded<'a, 'py>> {
    let compress = py.import(intern!(py, "zlib"))?.getattr(intern!(py, "compress"))?;
    let made = compress.call1((encoded.bytes(),))?.cast_into::<PyBytes>()?;
    Ok(match made.as_bytes().len() < encoded.bytes().len() {
        true => Encoded::Object(made, encoded.flags() | FLAG_ZLIB),
        false => encoded,
    })
}

/// What zlib made smaller.
pub fn inflated<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let inflater = py.import(intern!(py, "zlib"))?.call_method0(intern!(py, "decompressobj"))?;
    let made = inflater
        .call_method1(intern!(py, "decompress"), (PyBytes::new(py, bytes), INFLATED_MAX))
        .map_err(|error| {
            blame(py, error, |error| {
                format!(
                    "the value's flags ({flags}) say zlib, but its bytes are not: {error}; get_raw returns them"
                )
            })
        })?
        .cast_into::<PyBytes>()?;
    if !inflater.getattr(intern!(py, "eof"))?.extract::<bool>()? {
        return Err(match made.as_bytes().len() {
            INFLATED_MAX => broken(py, flags, "zlib", "those of more than 1 GiB"),
            _ => broken(py, flags, "zlib", "cut short"),
        });
    }
    if inflater.getattr(intern!(py, "unused_data"))?.len()? > 0 {
        return Err(broken(py, flags, "zlib", "more than it"));
    }
    Ok(made)
}

/// What a serde object makes of a value.
pub fn serialize<'a, 'py>(
    serde: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    value: &'a Bound<'py, PyAny>,
) -> PyResult<Encoded<'a, 'py>> {
    let py = key.py();
    let made = serde.call_method1(intern!(py, "serialize"), (key, value))?;
    let wrong = || {
        PyTypeError::new_err(
            "serde.serialize(key, value) returns a tuple of bytes (or str) and flags (an int of 32 bits)",
        )
    };
    let pair = made.cast::<PyTuple>().map_err(|_| wrong())?;
    if pair.len() != 2 {
        return Err(wrong());
    }
    let flags = number::natural32("flags", &pair.get_item(1)?)?;
    let bytes = pair.get_item(0)?;
    if let Ok(text) = bytes.cast::<PyString>() {
        return Ok(Encoded::Made(utf8(text)?.to_vec(), flags));
    }
    Ok(Encoded::Object(bytes.cast_into::<PyBytes>().map_err(|_| wrong())?, flags))
}

/// What a serde object makes of bytes and flags; what it raises is passed on.
pub fn deserialize<'py>(
    serde: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    flags: u32,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let py = key.py();
    serde.call_method1(intern!(py, "deserialize"), (key, PyBytes::new(py, bytes), flags))
}

/// A `SerdeError` whose cause is `error`; but what is not the value's fault is passed on.
fn blame(py: Python<'_>, error: PyErr, why: impl FnOnce(&PyErr) -> String) -> PyErr {
    if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) {
        return error;
    }
    let blamed = errors::serde(py, why(&error));
    blamed.set_cause(py, Some(error));
    blamed
}
