//! The arguments of a call as bytes, for keys of memoized functions: of equal arguments the same in every process, and
//! of other types other bytes, as with `functools.lru_cache(typed=True)`.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

use crate::pythons;

/// Containers in containers, at most: what is deeper is hardly an argument, and a cycle would have no end.
const DEPTH: usize = 128;

/// The bytes of positional arguments and keyword arguments, these in the order of their names.
#[pyfunction]
#[pyo3(name = "_arguments", signature = (args, kwargs, /))]
pub fn of_call<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut out = Vec::with_capacity(64);
    write(&mut out, args.as_any(), DEPTH)?;
    let mut named = kwargs
        .iter()
        .map(|(name, value)| Ok((name.extract::<String>()?, value)))
        .collect::<PyResult<Vec<_>>>()?;
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, value) in &named {
        sized(&mut out, b'k', name.as_bytes());
        write(&mut out, value, DEPTH)?;
    }
    Ok(PyBytes::new(args.py(), &out))
}

/// A letter for the type, then as many bytes as it or a length in front of them says. Exact types only; everything else
/// is what it pickles to.
fn write(out: &mut Vec<u8>, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(PyValueError::new_err(format!(
            "the arguments have more than {DEPTH} containers in one another: give memoize key="
        )));
    };
    let py = value.py();
    if value.is_none() {
        out.push(b'N');
    } else if let Ok(text) = value.cast_exact::<PyString>()
        && let Ok(text) = text.to_str()
    {
        sized(out, b's', text.as_bytes());
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        match number.extract::<i64>() {
            Ok(number) => {
                out.push(b'i');
                out.extend_from_slice(&number.to_be_bytes());
            }
            Err(_) => {
                let digits = number.call_method1(intern!(py, "__format__"), ("x",))?;
                sized(out, b'I', digits.extract::<String>()?.as_bytes());
            }
        }
    } else if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        sized(out, b'b', bytes.as_bytes());
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        out.push(if truth.is_true() { b'T' } else { b'F' });
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        out.push(b'd');
        out.extend_from_slice(&number.value().to_bits().to_be_bytes());
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        counted(out, b't', tuple.len());
        tuple.iter().try_for_each(|item| write(out, &item, deeper))?;
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        // A copy: the pickling of an element may change the list.
        let items: Vec<_> = list.iter().collect();
        counted(out, b'l', items.len());
        items.iter().try_for_each(|item| write(out, item, deeper))?;
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        let pairs: Vec<_> = dict.iter().collect();
        counted(out, b'm', pairs.len());
        for (key, value) in &pairs {
            write(out, key, deeper)?;
            write(out, value, deeper)?;
        }
    } else if let Ok(set) = value.cast_exact::<PySet>() {
        unordered(out, b'S', &set.iter().collect::<Vec<_>>(), deeper)?;
    } else if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        unordered(out, b'Z', &set.iter().collect::<Vec<_>>(), deeper)?;
    } else {
        sized(out, b'p', pythons::pickle(value)?.bytes());
    }
    Ok(())
}

/// The elements of a set have another order in each process.
fn unordered(
    out: &mut Vec<u8>,
    letter: u8,
    items: &[Bound<'_, PyAny>],
    depth: usize,
) -> PyResult<()> {
    let mut each = items
        .iter()
        .map(|item| {
            let mut bytes = Vec::new();
            write(&mut bytes, item, depth)?;
            Ok(bytes)
        })
        .collect::<PyResult<Vec<_>>>()?;
    each.sort_unstable();
    counted(out, letter, each.len());
    each.iter().for_each(|bytes| out.extend_from_slice(bytes));
    Ok(())
}

fn sized(out: &mut Vec<u8>, letter: u8, bytes: &[u8]) {
    counted(out, letter, bytes.len());
    out.extend_from_slice(bytes);
}

fn counted(out: &mut Vec<u8>, letter: u8, count: usize) {
    out.push(letter);
    out.extend_from_slice(&(count as u64).to_be_bytes());
}
