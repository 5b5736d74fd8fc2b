//! Values: the flags that say of what type the stored bytes are, and the way from an object to bytes and back. The
//! numbers are those that pymemcache, pylibmc and python-memcached share, so that a cache can be read by what was
//! written for them.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};

use crate::integer::{self, SHORT};
use crate::serde::{Serde, Values};
use crate::{errors, portable, pythons};

/// `bytes`, as they are.
pub const FLAG_BYTES: u32 = 0;
/// A pickle; an int to php-memcached, in decimal. No pickle is all digits, for it ends with a full stop: so the two are
/// told apart.
pub const FLAG_PICKLE: u32 = 1;
/// `int`, in decimal.
pub const FLAG_INT: u32 = 2;
/// `int` of Python 2's long, in decimal: read, never written.
const FLAG_LONG: u32 = 4;
/// `str`, in UTF-8.
pub const FLAG_TEXT: u32 = 16;
/// Beside another flag: zlib made the bytes smaller.
pub const FLAG_ZLIB: u32 = 8;

/// A value as it is stored, its bytes borrowed from the Python object where that is possible.
pub enum Encoded<'a, 'py> {
    /// The object's own bytes.
    Borrowed(&'a [u8], u32),
    /// A number of up to 64 bits.
    Short([u8; SHORT], usize, u32),
    /// Made for the purpose.
    Made(Vec<u8>, u32),
    /// Made by Python.
    Object(Bound<'py, PyBytes>, u32),
}

impl Encoded<'_, '_> {
    /// The bytes to store.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Encoded::Borrowed(bytes, _) => bytes,
            Encoded::Short(digits, len, _) => &digits[..*len],
            Encoded::Made(bytes, _) => bytes,
            Encoded::Object(bytes, _) => bytes.as_bytes(),
        }
    }

    /// The flags to store.
    #[inline]
    pub fn flags(&self) -> u32 {
        match self {
            Encoded::Borrowed(_, flags)
            | Encoded::Short(_, _, flags)
            | Encoded::Made(_, flags)
            | Encoded::Object(_, flags) => *flags,
        }
    }
}

impl Values {
    /// The bytes and flags of a value.
    #[inline(always)]
    pub fn encode<'a, 'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: &'a Bound<'py, PyAny>,
    ) -> PyResult<Encoded<'a, 'py>> {
        if self.plain
            && let Some(encoded) = plain(value)?
        {
            return Ok(encoded);
        }
        self.encode_other(key, value)
    }

    #[inline(never)]
    fn encode_other<'a, 'py>(
        &self,
        key: &Bound<'py, PyAny>,
        value: &'a Bound<'py, PyAny>,
    ) -> PyResult<Encoded<'a, 'py>> {
        let encoded = match &self.serde {
            Serde::Auto => match plain(value)? {
                Some(encoded) => encoded,
                None if self.pickles => pythons::pickle(value)?,
                None => return Err(unsupported(value)?),
            },
            Serde::Portable => portable::encode(value)?,
            Serde::Object(serde) => return pythons::serialize(serde.bind(value.py()), key, value),
        };
        match self.compress_min {
            Some(least) if encoded.bytes().len() >= least && !is_int(encoded.flags()) => {
                pythons::compressed(value.py(), encoded)
            }
            _ => Ok(encoded),
        }
    }

    /// The object that bytes and flags stand for.
    #[inline(always)]
    pub fn decode<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        flags: u32,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if !self.foreign {
            match flags {
                FLAG_BYTES => return Ok(PyBytes::new(py, bytes).into_any()),
                FLAG_TEXT => return portable::text(py, flags, bytes),
                FLAG_INT => return integer::parse(py, flags, bytes),
                _ => {}
            }
        }
        self.decode_other(key, flags, bytes)
    }

    #[inline(never)]
    fn decode_other<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        flags: u32,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if portable::is(flags) {
            return portable::decode(py, flags, bytes);
        }
        if let Serde::Object(serde) = &self.serde {
            return pythons::deserialize(serde.bind(py), key, flags, bytes);
        }
        match flags {
            FLAG_LONG => integer::parse(py, flags, bytes),
            FLAG_PICKLE if integer::is_decimal(bytes) => integer::parse(py, flags, bytes),
            FLAG_PICKLE if self.pickles => pythons::unpickle(py, bytes),
            FLAG_PICKLE => Err(errors::serde(
                py,
                "the value is a pickle, and this cache was opened with allow_pickle=False, because reading a pickle \
                 can run any code; get_raw returns its bytes"
                    .to_owned(),
            )),
            8..16 | 24 => {
                let inner = flags & !FLAG_ZLIB;
                self.decode(key, inner, pythons::inflated(py, flags, bytes)?.as_bytes())
            }
            _ => Err(unknown(py, flags)),
        }
    }
}

/// What is stored as it is: bytes, str and int. Exact types only: a subclass would come back as its base.
#[inline(always)]
pub fn plain<'a, 'py>(value: &'a Bound<'py, PyAny>) -> PyResult<Option<Encoded<'a, 'py>>> {
    if let Some(value) = exact::<PyBytes>(value) {
        return Ok(Some(Encoded::Borrowed(value.as_bytes(), FLAG_BYTES)));
    }
    if let Some(value) = exact::<PyString>(value) {
        return Ok(Some(Encoded::Borrowed(utf8(value)?, FLAG_TEXT)));
    }
    if let Some(value) = exact::<PyInt>(value) {
        return integer::encode(value).map(Some);
    }
    Ok(None)
}

/// The object as one of exactly this type. As `cast_exact`, which for each no makes an error that holds the type.
#[inline]
pub fn exact<'a, 'py, T: PyTypeInfo>(object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, T>> {
    // SAFETY: it is one.
    object.is_exact_instance_of::<T>().then(|| unsafe { object.cast_unchecked() })
}

/// The UTF-8 of a str.
#[inline]
pub fn utf8<'a>(value: &'a Bound<'_, PyString>) -> PyResult<&'a [u8]> {
    match value.to_str() {
        Ok(text) => Ok(text.as_bytes()),
        Err(error) => Err(errors::serde(
            value.py(),
            format!("the str cannot be stored as UTF-8: {}", error.value(value.py())),
        )),
    }
}

/// Numbers stay digits, whatever their length: `incr` and `decr` work on them.
fn is_int(flags: u32) -> bool {
    flags == FLAG_INT || flags == portable::INT
}

/// Can bytes be put before or behind a value with these flags, and it is a value still?
pub fn is_open(flags: u32) -> bool {
    match flags {
        portable::INT => true,
        _ => !portable::is(flags) && flags & FLAG_ZLIB == 0 && flags != FLAG_PICKLE,
    }
}

/// The value's bytes are not what its flags say.
#[cold]
pub fn broken(py: Python<'_>, flags: u32, kind: &str, why: &str) -> PyErr {
    errors::serde(
        py,
        format!(
            "the value's flags ({flags}) say {kind}, but its bytes are {why}; get_raw returns them"
        ),
    )
}

/// No type has these flags.
#[cold]
pub fn unknown(py: Python<'_>, flags: u32) -> PyErr {
    errors::serde(
        py,
        format!(
            "the value's flags are {flags}, which stand for no type that can be read here \
             (0 bytes, 1 a pickle or an int of PHP's, 2 and 4 int, 16 str, 8 beside them zlib, 0x4E43.... portable); \
             get_raw returns its bytes"
        ),
    )
}

#[cold]
fn unsupported(value: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    Ok(pyo3::exceptions::PyTypeError::new_err(format!(
        "a value is bytes, str or int (not a subclass of them), not {}, with allow_pickle=False: use serde=\"portable\" \
         for None, bool, float, list and dict, or a serde of your own, or store bytes and flags with set_raw",
        value.get_type().name()?
    )))
}
