//! Pins: a value's bytes in place, as a memoryview that is read only.

use nearcache::Cache as Core;
use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyTuple};
use std::os::raw::{c_int, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::Cache;
use crate::{envelope, errors, key, mapping};

/// Adds the class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Pin>()
}

/// A value in place, made by Cache.pin: a context manager that gives a memoryview.
#[pyclass(frozen, module = "nearcache")]
pub struct Pin {
    flags: u32,
    /// The value within what is pinned.
    start: usize,
    /// The process that holds it.
    pid: u32,
    state: Mutex<State>,
}

struct State {
    held: Option<Held>,
    /// The buffers that are in use.
    exports: usize,
    /// The view of the `with` statement.
    view: Option<Py<PyMemoryView>>,
    ended: bool,
}

/// # Invariants
/// `pin` borrows from the core that `_core` keeps alive; it is declared, and so dropped, first.
struct Held {
    pin: nearcache::Pin<'static>,
    _core: Arc<Core>,
}

#[pymethods]
impl Cache {
    /// Return a context manager that gives the value's bytes in place, without a copy, as a memoryview that cannot be
    /// written. Raises KeyError if key is missing.
    ///
    /// It pays above some 8 KiB. The memory cannot be used for anything else until the with statement has ended and
    /// every slice of the view is gone; hold it briefly. Whatever is stored or deleted meanwhile, the bytes stay as they
    /// are. A child that was forked meanwhile cannot use it: pin anew there. Large values, and numbers, are copied.
    ///
    /// >>> c["page"] = b"<html>" + bytes(20_000)
    /// >>> with c.pin("page") as view:
    /// ...     bytes(view[:6]), len(view), view.readonly
    /// (b'<html>', 20006, True)
    fn pin(&self, key: &Bound<'_, PyAny>) -> PyResult<Pin> {
        let py = key.py();
        let bytes = key::bytes(key)?;
        let core = self.handle().share(py)?;
        // SAFETY: the reference is into the allocation of `core`, which does not move and which `Held` keeps for longer
        // than `pin`, by its own invariant. The lifetime does not leave this module.
        let lasting: &'static Core = unsafe { &*Arc::as_ptr(&core) };
        let pin = lasting.pin(bytes).map_err(|error| errors::from_core(py, error))?;
        let pin = pin.ok_or_else(|| mapping::missing(key))?;
        let within = envelope::within(self, py, pin.meta().flags, &pin)?;
        let (start, flags) = within.ok_or_else(|| mapping::missing(key))?;
        let held = Some(Held { pin, _core: core });
        let state = Mutex::new(State { held, exports: 0, view: None, ended: false });
        Ok(Pin { flags, start, pid: std::process::id(), state })
    }
}

#[pymethods]
impl Pin {
    /// The flags of the value, which say what its bytes are: 0 bytes, 16 str in UTF-8, 1 a pickle.
    #[getter]
    fn flags(&self) -> u32 {
        self.flags
    }

    /// Return the memoryview.
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let this = slf.get();
        if this.is_foreign() {
            return Err(PyRuntimeError::new_err(FORKED));
        }
        let view = PyMemoryView::from(slf.as_any())?;
        this.state().view = Some(view.clone().unbind());
        Ok(view)
    }

    /// Release the memoryview; the pin ends with the last use of its bytes.
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) -> PyResult<()> {
        let view = {
            let mut state = self.state();
            state.ended = true;
            state.view.take()
        };
        let released = match view {
            Some(view) => view.bind(py).call_method0("release").map(drop),
            None => Ok(()),
        };
        self.end_if_unused();
        released
    }

    /// The bytes, read only.
    ///
    /// # Safety
    /// `view` is where CPython wants the buffer described.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let this = slf.get();
        if this.is_foreign() {
            return Err(PyBufferError::new_err(FORKED));
        }
        let (start, len) = {
            let mut state = this.state();
            let Some(held) = state.held.as_ref().filter(|_| !state.ended) else {
                return Err(PyBufferError::new_err(
                    "the pin has ended with its with statement: pin the key anew",
                ));
            };
            let bytes = &held.pin[this.start..];
            let place = (bytes.as_ptr(), bytes.len());
            state.exports += 1;
            place
        };
        // SAFETY: `view` is the caller's. The bytes stay where they are and as they are until the export that was just
        // counted is given back (`__releasebuffer__`); read only is asked for with 1.
        let failed = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                start.cast_mut().cast::<c_void>(),
                len as ffi::Py_ssize_t,
                1,
                flags,
            )
        };
        if failed != 0 {
            this.state().exports -= 1;
            return Err(PyErr::fetch(slf.py()));
        }
        Ok(())
    }

    /// A use of the bytes has ended.
    ///
    /// # Safety
    /// CPython calls it once for each buffer that it was given.
    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        self.state().exports -= 1;
        self.end_if_unused();
    }
}

const FORKED: &str = "the pin was made before this process was forked, and its parent holds it: pin the key anew in the child";

impl Pin {
    fn is_foreign(&self) -> bool {
        std::process::id() != self.pid
    }

    /// Held for a few steps that run no Python code.
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_if_unused(&self) {
        let held = {
            let mut state = self.state();
            match state.ended && state.exports == 0 {
                true => state.held.take(),
                false => None,
            }
        };
        drop(held);
    }
}
