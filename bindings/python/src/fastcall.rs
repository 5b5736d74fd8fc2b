//! `get` and `set` as the interpreter calls them most: with positional arguments. pyo3's own way from the interpreter
//! into a method takes as long as half a get: it counts how often the thread has attached, takes arguments of every kind
//! apart, and passes each through memory. So the two methods that pyo3 has made are wrapped: positional arguments are
//! taken as they come, and any other call goes to the wrapped method.

use nearcache::{Expiry, Verb};
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyTuple};
use std::any::Any;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use crate::cache::Cache;
use crate::{expiry, read, store};

static GET: Wrapped = Wrapped { made: PyOnceLock::new() };
static SET: Wrapped = Wrapped { made: PyOnceLock::new() };

/// Puts the two in the place of pyo3's.
pub fn register(py: Python<'_>) -> PyResult<()> {
    GET.wrap(py, "get", get)?;
    SET.wrap(py, "set", set)
}

unsafe extern "C" fn get(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let work = |cache: &Bound<'_, Cache>, args: &[Bound<'_, PyAny>]| {
        let (key, default) = match args {
            [key] => (key, None),
            [key, default] => (key, Some(default)),
            _ => return Ok(None),
        };
        let value = match (read::get(cache.get(), key)?, default) {
            (Some(value), _) => value.unbind(),
            (None, Some(default)) => default.clone().unbind(),
            (None, None) => cache.py().None(),
        };
        Ok(Some(value))
    };
    // SAFETY: passed on as the interpreter has passed it.
    unsafe { GET.call(slf, args, count, names, work) }
}

unsafe extern "C" fn set(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let work = |cache: &Bound<'_, Cache>, args: &[Bound<'_, PyAny>]| {
        let (key, value, expiry) = match args {
            [key, value] => (key, value, Expiry::Never),
            [key, value, expire] => {
                (key, value, expiry::parse(Some(expire).filter(|expire| !expire.is_none()))?)
            }
            _ => return Ok(None),
        };
        let outcome = store::store(cache.get(), Verb::Set, key, value, expiry)?;
        Ok(Some(PyBool::new(cache.py(), store::stored(outcome)).to_owned().into_any().unbind()))
    };
    // SAFETY: passed on as the interpreter has passed it.
    unsafe { SET.call(slf, args, count, names, work) }
}

/// A method that pyo3 has made, and another has taken the place of.
struct Wrapped {
    made: PyOnceLock<Py<PyAny>>,
}

impl Wrapped {
    /// Puts `method` in the place of the one of that name, with its signature and documentation.
    fn wrap(
        &self,
        py: Python<'_>,
        name: &str,
        method: ffi::PyCFunctionFastWithKeywords,
    ) -> PyResult<()> {
        let class = py.get_type::<Cache>();
        let made = class.getattr(name)?;
        let signature: String = made.getattr("__text_signature__")?.extract()?;
        let text: String = made.getattr("__doc__")?.extract()?;
        let text = CString::new(format!("{name}{signature}\n--\n\n{text}"))?;
        // It has to live as long as the class.
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: CString::new(name)?.into_raw(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: text.into_raw(),
        }));
        // SAFETY: the definition is whole and stays, and the flags are those of the method's type.
        let method = unsafe {
            let method = ffi::PyDescr_NewMethod(class.as_type_ptr(), definition);
            Bound::from_owned_ptr_or_err(py, method)?
        };
        class.setattr(name, method)?;
        self.made.set(py, made.unbind()).map_err(|_| PyRuntimeError::new_err("wrapped twice"))
    }

    /// Answers a call by `work`, which is given the arguments if all are positional, or if it answers none by the wrapped
    /// method.
    ///
    /// # Safety
    /// The interpreter has called a method of `Cache` with these, and waits for what this returns.
    #[inline(always)]
    unsafe fn call(
        &self,
        slf: *mut ffi::PyObject,
        args: *const *mut ffi::PyObject,
        count: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
        work: impl FnOnce(&Bound<'_, Cache>, &[Bound<'_, PyAny>]) -> PyResult<Option<Py<PyAny>>>,
    ) -> *mut ffi::PyObject {
        // SAFETY: the interpreter calls on threads that are attached. (pyo3 does not count this one as attached; should
        // it have to let go of an object without a token meanwhile, it does so at the next call that it counts.)
        let py = unsafe { Python::assume_attached() };
        // SAFETY: `slf` is the cache whose method was called, and outlives the call.
        let cache = unsafe { Bound::ref_from_ptr(py, &slf).cast_unchecked::<Cache>() };
        let positional: &[Bound<'_, PyAny>] = match count > 0 && names.is_null() {
            // SAFETY: so many objects are there, and outlive the call; `Bound` is such a pointer.
            true => unsafe { slice::from_raw_parts(args.cast(), count as usize) },
            false => &[],
        };
        let answered = catch_unwind(AssertUnwindSafe(|| match work(cache, positional)? {
            Some(answer) => Ok(answer),
            // SAFETY: as they were passed to this.
            None => unsafe { self.otherwise(cache, args, count as usize, names) },
        }));
        let error = match answered {
            Ok(Ok(answer)) => return answer.into_ptr(),
            Ok(Err(error)) => error,
            Err(panic) => panicked(&*panic),
        };
        error.restore(py);
        ptr::null_mut()
    }

    /// Calls the method that pyo3 has made.
    ///
    /// # Safety
    /// `args` are `count` objects, and behind them as many as there are `names`, which is null or a tuple.
    #[cold]
    #[inline(never)]
    unsafe fn otherwise(
        &self,
        cache: &Bound<'_, Cache>,
        args: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> PyResult<Py<PyAny>> {
        let py = cache.py();
        // SAFETY: for these, see above.
        let argument = |i| unsafe { Bound::from_borrowed_ptr(py, *args.add(i)) };
        let kwargs = PyDict::new(py);
        if !names.is_null() {
            // SAFETY: see above.
            let names = unsafe { Bound::ref_from_ptr(py, &names).cast_unchecked::<PyTuple>() };
            for (i, name) in names.iter().enumerate() {
                kwargs.set_item(name, argument(count + i))?;
            }
        }
        let positional: Vec<_> =
            [cache.as_any().clone()].into_iter().chain((0..count).map(argument)).collect();
        let made = self.made.get(py).expect("`wrap` has set it");
        made.call(py, PyTuple::new(py, positional)?, Some(&kwargs))
    }
}

/// The exception that pyo3 makes of a panic.
#[cold]
fn panicked(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    PanicException::new_err(text.unwrap_or("panic from Rust code").to_owned())
}
