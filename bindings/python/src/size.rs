//! Sizes: `64 << 20` or `"64MiB"` to a number of bytes.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};

const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// The bytes that `size` stands for; `name` is the argument's, for the error.
pub fn parse(name: &str, size: &Bound<'_, PyAny>) -> PyResult<u64> {
    if let Ok(text) = size.cast::<PyString>() {
        let text = text.to_str()?;
        return of_text(text).ok_or_else(|| {
            PyValueError::new_err(format!(
                "{name}={text:?} is not a size: write a whole number of bytes, or one with a unit \
                 (KiB, MiB, GiB, TiB; kB, MB, GB), as in \"64MiB\""
            ))
        });
    }
    if size.is_instance_of::<PyInt>() && !size.is_instance_of::<PyBool>() {
        return size.extract::<u64>().map_err(|_| {
            PyValueError::new_err(format!(
                "{name} is out of range: it is a positive number of bytes of 64 bits"
            ))
        });
    }
    Err(PyTypeError::new_err(format!(
        "{name} is an int (bytes) or a str such as \"64MiB\", not {}",
        size.get_type().name()?
    )))
}

/// As [`parse`], for a size in memory; what does not fit is left to the core to refuse.
pub fn parse_small(name: &str, size: &Bound<'_, PyAny>) -> PyResult<usize> {
    parse(name, size).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

fn of_text(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}
