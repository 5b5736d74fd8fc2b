//! Integers as decimal digits, of any length: what `incr` and `decr` count on.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyInt;
use std::io::Write;

use crate::value::{Encoded, FLAG_INT, broken};

/// A number of 64 bits in decimal needs no more: a sign and 19 digits, or 20 digits.
pub const SHORT: usize = 20;

/// The digits of a number.
pub fn encode<'a, 'py>(value: &Bound<'py, PyInt>) -> PyResult<Encoded<'a, 'py>> {
    match short(value, FLAG_INT) {
        Some(encoded) => Ok(encoded),
        None => Ok(Encoded::Made(long(value)?.into_bytes(), FLAG_INT)),
    }
}

/// The digits of a number of up to 64 bits.
pub fn short<'a, 'py>(value: &Bound<'py, PyInt>, flags: u32) -> Option<Encoded<'a, 'py>> {
    let mut digits = [0; SHORT];
    let mut room = &mut digits[..];
    let written = if let Ok(number) = value.extract::<i64>() {
        write!(room, "{number}")
    } else {
        let number = value.extract::<u64>().ok()?;
        write!(room, "{number}")
    };
    written.expect("20 bytes hold any number of 64 bits");
    let len = SHORT - room.len();
    Some(Encoded::Short(digits, len, flags))
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

/// The number that digits stand for.
pub fn parse<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
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

/// Digits, and maybe a minus before them and white space around?
pub fn is_decimal(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii();
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit)
}

fn bigint(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import(intern!(py, "nearcache._bigint"))
}
