//! Values: the flags that say of what type the stored bytes are. The numbers are those that pymemcache, pylibmc
//! and python-memcached share, so that a cache can be read by what was written for them.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};
use std::io::Write;

use crate::errors;

/// `bytes`, as they are.
pub const FLAG_BYTES: u32 = 0;
/// A pickle to pymemcache, which is not read yet; an int to php-memcached, in decimal. No pickle is all digits, for it ends
/// with a full stop: so the two are told apart.
const FLAG_PHP_INT: u32 = 1;
/// `int`, in decimal.
pub const FLAG_INT: u32 = 2;
/// `int` of Python 2's long, in decimal: read, never written.
const FLAG_LONG: u32 = 4;
/// `str`, in UTF-8.
pub const FLAG_TEXT: u32 = 16;

/// A number of 64 bits in decimal needs no more: a sign and 19 digits, or 20 digits.
const SHORT: usize = 20;

/// A value as it is stored, its bytes borrowed from the Python object where that is possible.
pub enum Encoded<'a> {
    /// The object's own bytes.
    Borrowed(&'a [u8], u32),
    /// A number of up to 64 bits.
    Short([u8; SHORT], usize),
    /// A longer number.
    Long(String),
}

impl Encoded<'_> {
    /// The bytes to store.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Encoded::Borrowed(bytes, _) => bytes,
            Encoded::Short(digits, len) => &digits[..*len],
            Encoded::Long(digits) => digits.as_bytes(),
        }
    }

    /// The flags to store.
    #[inline]
    pub fn flags(&self) -> u32 {
        match self {
            Encoded::Borrowed(_, flags) => *flags,
            _ => FLAG_INT,
        }
    }
}

/// The bytes and flags of a value. Exact types only: a subclass would come back as its base.
#[inline]
pub fn encode<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Encoded<'a>> {
    if let Ok(value) = value.cast_exact::<PyBytes>() {
        return Ok(Encoded::Borrowed(value.as_bytes(), FLAG_BYTES));
    }
    if let Ok(value) = value.cast_exact::<PyString>() {
        return Ok(Encoded::Borrowed(text(value)?, FLAG_TEXT));
    }
    if let Ok(value) = value.cast_exact::<PyInt>() {
        return int(value);
    }
    Err(unsupported(value))
}

/// The object that bytes and flags stand for.
#[inline]
pub fn decode<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match flags {
        FLAG_BYTES => Ok(PyBytes::new(py, bytes).into_any()),
        FLAG_TEXT => match PyString::from_bytes(py, bytes) {
            Ok(text) => Ok(text.into_any()),
            Err(_) if std::str::from_utf8(bytes).is_err() => {
                Err(broken(py, flags, "str", "not UTF-8"))
            }
            // No memory.
            Err(error) => Err(error),
        },
        FLAG_INT | FLAG_LONG => parse_int(py, flags, bytes),
        FLAG_PHP_INT if is_decimal(bytes) => parse_int(py, flags, bytes),
        _ => Err(errors::serde(
            py,
            format!(
                "the value's flags are {flags}, which stand for no type that can be read here \
                 (0 bytes, 2 and 4 int, 16 str, 1 an int of PHP's); get_raw returns its bytes"
            ),
        )),
    }
}

fn text<'a>(value: &'a Bound<'_, PyString>) -> PyResult<&'a [u8]> {
    match value.to_str() {
        Ok(text) => Ok(text.as_bytes()),
        Err(error) => Err(errors::serde(
            value.py(),
            format!("the str cannot be stored as UTF-8: {}", error.value(value.py())),
        )),
    }
}

fn int<'a>(value: &Bound<'_, PyInt>) -> PyResult<Encoded<'a>> {
    let mut digits = [0; SHORT];
    let mut room = &mut digits[..];
    let written = if let Ok(number) = value.extract::<i64>() {
        write!(room, "{number}")
    } else if let Ok(number) = value.extract::<u64>() {
        write!(room, "{number}")
    } else {
        return Ok(Encoded::Long(long(value)?));
    };
    written.expect("20 bytes hold any number of 64 bits");
    let len = SHORT - room.len();
    Ok(Encoded::Short(digits, len))
}

fn long(value: &Bound<'_, PyInt>) -> PyResult<String> {
    match value.str() {
        Ok(digits) => Ok(digits.to_str()?.to_owned()),
        // Above sys.get_int_max_str_digits(), which guards against text from outside; this is not from outside.
        Err(error) if error.is_instance_of::<PyValueError>(value.py()) => {
            let digits =
                bigint(value.py())?.call_method1(intern!(value.py(), "to_decimal"), (value,))?;
            digits.extract()
        }
        Err(error) => Err(error),
    }
}

fn parse_int<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    // memcached pads a number that decr made shorter with spaces behind it.
    let digits = std::str::from_utf8(bytes.trim_ascii()).unwrap_or("");
    if !is_decimal(digits.as_bytes()) {
        return Err(broken(py, flags, "int", "not a decimal number"));
    }
    if let Ok(number) = digits.parse::<i64>() {
        return Ok(number.into_pyobject(py)?.into_any());
    }
    bigint(py)?.call_method1(intern!(py, "from_decimal"), (digits,))
}

fn is_decimal(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit)
}

fn bigint(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import(intern!(py, "nearcache._bigint"))
}

#[cold]
fn broken(py: Python<'_>, flags: u32, kind: &str, why: &str) -> PyErr {
    errors::serde(
        py,
        format!(
            "the value's flags ({flags}) say {kind}, but its bytes are {why}; get_raw returns them"
        ),
    )
}

#[cold]
fn unsupported(value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!(
            "a value is bytes, str or int (not a subclass of them), not {name}; encode it first, \
             or store bytes and flags of your own with set_raw"
        )),
        Err(error) => error,
    }
}
