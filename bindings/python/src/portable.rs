//! Portable values: what every language of nearcache reads and writes, MessagePack under flags of its own. The contract
//! is `core/src/docs/values.md`.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use rmp::Marker;
use rmp::encode::{self, ByteBuf};

use crate::value::{Encoded, FLAG_ZLIB, broken, unknown, utf8};
use crate::{integer, pythons};

/// The high half of all flags that mean the same in every language.
const OURS: u32 = 0x4E43_0000;
/// MessagePack.
pub const PACKED: u32 = OURS;
/// An integer in decimal digits.
pub const INT: u32 = OURS | 1;
/// A value with what is known of its making around it.
pub const ENVELOPE: u32 = OURS | 2;
/// No value: somebody makes it.
pub const LEASE: u32 = OURS | 0xff;

/// Containers in containers, at most.
const DEPTH: usize = 128;

/// Is it one of ours?
#[inline]
pub fn is(flags: u32) -> bool {
    flags >> 16 == OURS >> 16
}

/// A value's bytes and flags.
pub fn encode<'a, 'py>(value: &Bound<'py, PyAny>) -> PyResult<Encoded<'a, 'py>> {
    if let Ok(number) = value.cast_exact::<PyInt>() {
        return integer::short(number, INT).ok_or_else(too_large);
    }
    Ok(Encoded::Made(pack(value)?, PACKED))
}

fn pack(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut out = ByteBuf::new();
    write(&mut out, value, DEPTH)?;
    Ok(out.into_vec())
}

/// The object that bytes with portable flags stand for.
pub fn decode<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    const ZIPPED: u32 = PACKED | FLAG_ZLIB;
    match flags {
        INT => integer::parse(py, flags, bytes),
        PACKED => unpack(py, flags, bytes),
        ZIPPED => unpack(py, flags, pythons::inflated(py, flags, bytes)?.as_bytes()),
        _ => Err(unknown(py, flags)),
    }
}

/// A str of UTF-8.
#[inline]
pub fn text<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match PyString::from_bytes(py, bytes) {
        Ok(text) => Ok(text.into_any()),
        Err(_) if std::str::from_utf8(bytes).is_err() => Err(broken(py, flags, "str", "not UTF-8")),
        // No memory.
        Err(error) => Err(error),
    }
}

/// Exact types only: a subclass would come back as its base, and not only here.
fn write(out: &mut ByteBuf, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
    if value.is_none() {
        let Ok(()) = encode::write_nil(out);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        let Ok(()) = encode::write_bool(out, truth.is_true());
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        write_int(out, number)?;
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        wrote(encode::write_f64(out, number.value()));
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        write_text(out, text)?;
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        write_bytes(out, bytes)?;
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        let depth = deeper(depth)?;
        // A copy: another thread may change the list meanwhile.
        let items: Vec<_> = list.iter().collect();
        wrote(encode::write_array_len(out, length(items.len())?));
        items.iter().try_for_each(|item| write(out, item, depth))?;
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        let depth = deeper(depth)?;
        wrote(encode::write_array_len(out, length(tuple.len())?));
        tuple.iter().try_for_each(|item| write(out, &item, depth))?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        let depth = deeper(depth)?;
        let pairs: Vec<_> = dict.iter().collect();
        wrote(encode::write_map_len(out, length(pairs.len())?));
        for (key, value) in &pairs {
            write_key(out, key)?;
            write(out, value, depth)?;
        }
    } else {
        return Err(PyTypeError::new_err(format!(
            "a portable value is None, bool, int, float, str, bytes, list, tuple or dict (not a subclass of them), not {}",
            value.get_type().name()?
        )));
    }
    Ok(())
}

fn write_key(out: &mut ByteBuf, key: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(text) = key.cast_exact::<PyString>() {
        write_text(out, text)
    } else if let Ok(bytes) = key.cast_exact::<PyBytes>() {
        write_bytes(out, bytes)
    } else if let Ok(number) = key.cast_exact::<PyInt>() {
        write_int(out, number)
    } else {
        Err(PyTypeError::new_err(format!(
            "a key of a portable dict is str, bytes or int (not a subclass of them), not {}",
            key.get_type().name()?
        )))
    }
}

fn write_int(out: &mut ByteBuf, number: &Bound<'_, PyInt>) -> PyResult<()> {
    if let Ok(number) = number.extract::<i64>() {
        wrote(encode::write_sint(out, number));
    } else {
        wrote(encode::write_uint(out, number.extract::<u64>().map_err(|_| too_large())?));
    }
    Ok(())
}

fn write_text(out: &mut ByteBuf, text: &Bound<'_, PyString>) -> PyResult<()> {
    let bytes = utf8(text)?;
    wrote(encode::write_str_len(out, length(bytes.len())?));
    out.as_mut_vec().extend_from_slice(bytes);
    Ok(())
}

fn write_bytes(out: &mut ByteBuf, bytes: &Bound<'_, PyBytes>) -> PyResult<()> {
    wrote(encode::write_bin_len(out, length(bytes.as_bytes().len())?));
    out.as_mut_vec().extend_from_slice(bytes.as_bytes());
    Ok(())
}

/// Growing memory takes every byte.
fn wrote<T, E: std::fmt::Debug>(written: Result<T, E>) {
    written.expect("a buffer in memory refuses nothing");
}

fn deeper(depth: usize) -> PyResult<usize> {
    depth.checked_sub(1).ok_or_else(|| {
        PyValueError::new_err(format!(
            "a portable value has at most {DEPTH} containers in one another"
        ))
    })
}

fn length(len: usize) -> PyResult<u32> {
    u32::try_from(len).map_err(|_| {
        PyValueError::new_err("a portable value's parts have at most 2**32 - 1 elements each")
    })
}

#[cold]
fn too_large() -> PyErr {
    PyTypeError::new_err("a portable int has 64 bits: it is -2**63 to 2**64 - 1")
}

fn unpack<'py>(py: Python<'py>, flags: u32, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut reader = Reader { rest: bytes };
    let fail = |why: &str| broken(py, flags, "MessagePack", why);
    match reader.value(py, DEPTH) {
        Ok(value) if reader.rest.is_empty() => Ok(value),
        Ok(_) => Err(fail("more than one value")),
        Err(Trouble::Broken(why)) => Err(fail(why)),
        Err(Trouble::Python(error)) => Err(error),
    }
}

/// Why nothing was read.
pub enum Trouble {
    /// The bytes are wrong.
    Broken(&'static str),
    /// Python has failed.
    Python(PyErr),
}

impl From<PyErr> for Trouble {
    fn from(error: PyErr) -> Trouble {
        Trouble::Python(error)
    }
}

const SHORT: Trouble = Trouble::Broken("cut short");

/// Reads MessagePack; believes no length that is more than what is left.
pub struct Reader<'a> {
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value<'py>(&mut self, py: Python<'py>, depth: usize) -> Result<Bound<'py, PyAny>, Trouble> {
        let marker = self.marker()?;
        Ok(match marker {
            Marker::Null => py.None().into_bound(py),
            Marker::True | Marker::False => {
                PyBool::new(py, marker == Marker::True).to_owned().into_any()
            }
            Marker::F32 => {
                PyFloat::new(py, f64::from(f32::from_be_bytes(self.array()?))).into_any()
            }
            Marker::F64 => PyFloat::new(py, f64::from_be_bytes(self.array()?)).into_any(),
            Marker::Array16 | Marker::Array32 | Marker::FixArray(_) => {
                let depth = shallower(depth)?;
                let len = self.elements(marker)?;
                let items: Vec<_> =
                    (0..len).map(|_| self.value(py, depth)).collect::<Result<_, _>>()?;
                PyList::new(py, items)?.into_any()
            }
            Marker::Map16 | Marker::Map32 | Marker::FixMap(_) => {
                let depth = shallower(depth)?;
                let dict = PyDict::new(py);
                for _ in 0..self.elements(marker)? {
                    let key = self.key(py)?;
                    dict.set_item(key, self.value(py, depth)?)?;
                }
                dict.into_any()
            }
            _ => self.scalar(py, marker)?,
        })
    }

    fn key<'py>(&mut self, py: Python<'py>) -> Result<Bound<'py, PyAny>, Trouble> {
        let marker = self.marker()?;
        match self.scalar(py, marker) {
            Err(Trouble::Broken(why)) if why == UNUSED => {
                Err(Trouble::Broken("a map with a key that is no str, bytes or int"))
            }
            key => key,
        }
    }

    /// int, str or bytes.
    fn scalar<'py>(
        &mut self,
        py: Python<'py>,
        marker: Marker,
    ) -> Result<Bound<'py, PyAny>, Trouble> {
        match marker {
            Marker::Str8 | Marker::Str16 | Marker::Str32 | Marker::FixStr(_) => {
                let text = self.text(marker)?;
                Ok(PyString::new(py, text).into_any())
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let len = self.length(marker)?;
                Ok(PyBytes::new(py, self.take(len)?).into_any())
            }
            _ => {
                let number = self.number(marker)?;
                // Every number of MessagePack is one of these two.
                Ok(match i64::try_from(number) {
                    Ok(number) => number.into_pyobject(py).map_err(PyErr::from)?.into_any(),
                    Err(_) => (number as u64).into_pyobject(py).map_err(PyErr::from)?.into_any(),
                })
            }
        }
    }

    /// A number of up to 64 bits, with or without sign.
    pub fn number(&mut self, marker: Marker) -> Result<i128, Trouble> {
        Ok(match marker {
            Marker::FixPos(number) => number.into(),
            Marker::FixNeg(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.array()?).into(),
            Marker::U16 => u16::from_be_bytes(self.array()?).into(),
            Marker::U32 => u32::from_be_bytes(self.array()?).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => i8::from_be_bytes(self.array()?).into(),
            Marker::I16 => i16::from_be_bytes(self.array()?).into(),
            Marker::I32 => i32::from_be_bytes(self.array()?).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            _ => return Err(Trouble::Broken(UNUSED)),
        })
    }

    /// A str whose marker was read.
    pub fn text(&mut self, marker: Marker) -> Result<&'a str, Trouble> {
        let len = self.length(marker)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Trouble::Broken("a str that is not UTF-8"))
    }

    /// The next marker.
    pub fn marker(&mut self) -> Result<Marker, Trouble> {
        let [first] = self.array()?;
        Ok(Marker::from_u8(first))
    }

    /// The elements of an array or a map; each takes a byte at least.
    pub fn elements(&mut self, marker: Marker) -> Result<usize, Trouble> {
        let len = self.length(marker)?;
        if len > self.rest.len() { Err(SHORT) } else { Ok(len) }
    }

    fn length(&mut self, marker: Marker) -> Result<usize, Trouble> {
        Ok(match marker {
            Marker::FixArray(len) | Marker::FixMap(len) | Marker::FixStr(len) => len.into(),
            Marker::Str8 | Marker::Bin8 => u8::from_be_bytes(self.array()?).into(),
            Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => {
                u16::from_be_bytes(self.array()?).into()
            }
            Marker::Str32 | Marker::Bin32 | Marker::Array32 | Marker::Map32 => {
                u32::from_be_bytes(self.array()?) as usize
            }
            _ => return Err(Trouble::Broken(UNUSED)),
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let (first, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Trouble> {
        let (first, rest) = self.rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        Ok(first)
    }
}

const UNUSED: &str = "of a type that portable values do not have (an extension or reserved)";

fn shallower(depth: usize) -> Result<usize, Trouble> {
    depth.checked_sub(1).ok_or(Trouble::Broken("more than 128 containers in one another"))
}
