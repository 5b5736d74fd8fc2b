//! `get` and `set` as the interpreter calls them most: with positional arguments. pyo3's own way from the interpreter into
//! a method takes as long as half a get: it counts how often the thread has attached, takes arguments of every kind
//! apart, and passes each through memory. So the two methods that pyo3 has made are wrapped: positional arguments are
//! taken as they come, and whatever else there is goes to the wrapped one, which knows all about it.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use std::any::Any;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use crate::cache::Cache;
use crate::{expiry, read, store};
use nearcache::{Expiry, Verb};

static GET: Wrapped = Wrapped::new();
static SET: Wrapped = Wrapped::new();

/// Puts the two in the place of pyo3's.
pub fn register(py: Python<'_>) -> PyResult<()> {
    GET.wrap(py, "get", get)?;
    SET.wrap(py, "set", set)
}

unsafe extern "C" fn get(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: passed on as the interpreter has passed it.
    let call = unsafe { Call::new(slf, args, nargs, kwnames) };
    call.answer(|call| {
        let (key, default) = match call.positional() {
            [key] => (key, None),
            [key, default] => (key, Some(default)),
            _ => return call.otherwise(&GET),
        };
        Ok(match (read::get(call.cache(), key)?, default) {
            (Some(value), _) => value,
            (None, Some(default)) => default.clone(),
            (None, None) => call.py.None().into_bound(call.py),
        })
    })
}

unsafe extern "C" fn set(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: ffi::Py_ssize_t,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: passed on as the interpreter has passed it.
    let call = unsafe { Call::new(slf, args, nargs, kwnames) };
    call.answer(|call| {
        let (key, value, expiry) = match call.positional() {
            [key, value] => (key, value, Expiry::Never),
            [key, value, expire] => (key, value, expiry::parse(Some(expire))?),
            _ => return call.otherwise(&SET),
        };
        let stored = store::stored(store::store(call.cache(), Verb::Set, key, value, expiry)?);
        Ok(stored.into_pyobject(call.py)?.to_owned().into_any())
    })
}

/// What the interpreter has passed to a method of `Cache`.
///
/// # Invariants
/// `slf` is a `Cache`; `args` are `nargs` positional arguments, and behind them one for each of `kwnames` (null: there
/// are none), all alive for as long as this is.
struct Call<'py> {
    py: Python<'py>,
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargs: usize,
    kwnames: *mut ffi::PyObject,
}

impl<'py> Call<'py> {
    /// # Safety
    /// The interpreter has called a method of `Cache` with these, and waits for its answer.
    #[inline(always)]
    unsafe fn new(
        slf: *mut ffi::PyObject,
        args: *const *mut ffi::PyObject,
        nargs: ffi::Py_ssize_t,
        kwnames: *mut ffi::PyObject,
    ) -> Call<'py> {
        // SAFETY: the interpreter calls methods on threads that are attached.
        let py = unsafe { Python::assume_attached() };
        // Methods are called without the flag that lives in the topmost bit of `nargs`.
        Call { py, slf, args, nargs: nargs as usize, kwnames }
    }

    #[inline(always)]
    fn cache(&self) -> &Cache {
        let slf: &Bound<'py, PyAny> = object(&self.slf);
        // SAFETY: the invariant.
        unsafe { slf.cast_unchecked::<Cache>() }.get()
    }

    /// The arguments, if all are positional; otherwise none.
    #[inline(always)]
    fn positional(&self) -> &[Bound<'py, PyAny>] {
        match self.kwnames.is_null() && self.nargs > 0 {
            // SAFETY: the invariant; `Bound` is a pointer that is not null.
            true => unsafe { slice::from_raw_parts(self.args.cast(), self.nargs) },
            false => &[],
        }
    }

    /// Runs a method and tells the interpreter what came of it.
    #[inline(always)]
    fn answer(
        &self,
        method: impl FnOnce(&Self) -> PyResult<Bound<'py, PyAny>>,
    ) -> *mut ffi::PyObject {
        let error = match catch_unwind(AssertUnwindSafe(|| method(self))) {
            Ok(Ok(answer)) => return answer.into_ptr(),
            Ok(Err(error)) => error,
            Err(panic) => panicked(&*panic),
        };
        error.restore(self.py);
        ptr::null_mut()
    }

    /// Calls the method that pyo3 has made.
    #[cold]
    #[inline(never)]
    fn otherwise(&self, wrapped: &Wrapped) -> PyResult<Bound<'py, PyAny>> {
        let kwargs = PyDict::new(self.py);
        if !self.kwnames.is_null() {
            // SAFETY: the invariant.
            let names = unsafe { object(&self.kwnames).cast_unchecked::<PyTuple>() };
            for (i, name) in names.iter().enumerate() {
                // SAFETY: the invariant.
                kwargs.set_item(name, object(unsafe { &*self.args.add(self.nargs + i) }))?;
            }
        }
        // SAFETY: the invariant.
        let args = (0..self.nargs).map(|i| object(unsafe { &*self.args.add(i) }));
        let args: Vec<_> = [object(&self.slf)].into_iter().chain(args).collect();
        wrapped.made.get(self.py).expect("wrapped").bind(self.py).call(PyTuple::new(self.py, args)?, Some(&kwargs))
    }
}

/// A pointer to an object as pyo3 has it.
#[inline(always)]
fn object<'a, 'py>(pointer: &'a *mut ffi::PyObject) -> &'a Bound<'py, PyAny> {
    debug_assert!(!pointer.is_null());
    // SAFETY: `Bound` is such a pointer, not null; the callers' pointers are of objects that are alive.
    unsafe { &*ptr::from_ref(pointer).cast() }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    PanicException::new_err(text.unwrap_or("panic from Rust code").to_owned())
}

/// A method that pyo3 has made, and another takes the place of.
struct Wrapped {
    made: PyOnceLock<Py<PyAny>>,
}

impl Wrapped {
    const fn new() -> Wrapped {
        Wrapped { made: PyOnceLock::new() }
    }

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
        // They live as long as the class.
        let definition = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: CString::new(name)?.into_raw(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: method },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: text.into_raw(),
        }));
        // SAFETY: the definition is whole and stays.
        let descriptor = unsafe {
            Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), definition))?
        };
        class.setattr(name, descriptor)?;
        self.made.set(py, made.unbind()).map_err(|_| PyRuntimeError::new_err("wrapped twice"))
    }
}
