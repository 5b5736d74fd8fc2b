//! Where a get copies to: a small value to the stack, a large one into the Python object that will be returned.

use nearcache::Sink;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::mem::MaybeUninit;
use std::ptr;

use crate::cache::Cache;
use crate::envelope::Opened;
use crate::{envelope, value};

/// A value up to this long is copied to the stack first. For bytes that is as fast as copying into the object
/// itself (the second copy costs what asking for the place of the object's bytes costs); an int or a str needs
/// no object in between.
const STACK: usize = 512;

/// A copy longer than this is made detached from the interpreter, so that other threads run meanwhile. Detaching
/// costs more than a short copy.
pub const DETACH: usize = 256 << 10;

/// Receives one value.
pub struct PySink<'py> {
    py: Python<'py>,
    stack: [MaybeUninit<u8>; STACK],
    /// Bytes of `stack` that the last `room` gave out; with `large` they are unused.
    len: usize,
    large: Option<Bound<'py, PyBytes>>,
    failed: Option<PyErr>,
    /// The thread's state while it is detached, else null.
    detached: *mut ffi::PyThreadState,
}

impl<'py> PySink<'py> {
    /// An empty sink.
    #[inline]
    pub fn new(py: Python<'py>) -> PySink<'py> {
        PySink {
            py,
            stack: [const { MaybeUninit::uninit() }; STACK],
            len: 0,
            large: None,
            failed: None,
            detached: ptr::null_mut(),
        }
    }

    /// Runs `read` on this sink; the thread is attached again when it returns or panics.
    #[inline]
    pub fn fill<R>(&mut self, read: impl FnOnce(&mut Self) -> R) -> R {
        struct Attach<'a, 'py>(&'a mut PySink<'py>);
        impl Drop for Attach<'_, '_> {
            #[inline]
            fn drop(&mut self) {
                self.0.attach();
            }
        }
        let attach = Attach(self);
        read(attach.0)
    }

    /// The object that the bytes received stand for; `None` if they are no value. Only after a hit.
    #[inline(always)]
    pub fn value(
        &mut self,
        cache: &Cache,
        key: &Bound<'py, PyAny>,
        flags: u32,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.large.is_none() && self.failed.is_none() {
            return envelope::open(cache, key, flags, self.small());
        }
        self.value_of_large(cache, key, flags)
    }

    #[cold]
    fn value_of_large(
        &mut self,
        cache: &Cache,
        key: &Bound<'py, PyAny>,
        flags: u32,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match self.large.take() {
            None => envelope::open(cache, key, flags, self.small()),
            Some(bytes) if flags == value::FLAG_BYTES && !cache.values().foreign => {
                Ok(Some(bytes.into_any()))
            }
            Some(bytes) => envelope::open(cache, key, flags, bytes.as_bytes()),
        }
    }

    /// As [`PySink::value`], with what it cost to make.
    pub fn opened(
        &mut self,
        cache: &Cache,
        key: &Bound<'py, PyAny>,
        flags: u32,
    ) -> PyResult<Option<Opened<'py>>> {
        let bytes = self.raw()?;
        envelope::open_with_cost(cache, key, flags, bytes.as_bytes())
    }

    /// The bytes received, whatever their flags. Only after a hit.
    pub fn raw(&mut self) -> PyResult<Bound<'py, PyBytes>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match self.large.take() {
            None => Ok(PyBytes::new(self.py, self.small())),
            Some(bytes) => Ok(bytes),
        }
    }

    #[inline]
    fn small(&self) -> &[u8] {
        // SAFETY: the core guarantees that after a hit all bytes of the last `room` are written, and that was
        // the first `len` of `stack` (0 before any).
        unsafe { std::slice::from_raw_parts(self.stack.as_ptr().cast(), self.len) }
    }

    #[cold]
    fn make_large(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.attach();
        self.large = None;
        let size = ffi::Py_ssize_t::try_from(len).ok()?;
        // SAFETY: the thread is attached (`py`, and `attach` above); a null pointer asks for uninitialised bytes.
        let object = unsafe {
            Bound::from_owned_ptr_or_err(self.py, ffi::PyBytes_FromStringAndSize(ptr::null(), size))
        };
        let object = match object {
            // SAFETY: PyBytes_FromStringAndSize makes bytes and nothing else.
            Ok(object) => unsafe { object.cast_into_unchecked::<PyBytes>() },
            Err(error) => {
                self.failed = Some(error);
                return None;
            }
        };
        // SAFETY: `object` is a bytes object.
        let start = unsafe { ffi::PyBytes_AsString(object.as_ptr()) };
        self.large = Some(object);
        if len > DETACH {
            // SAFETY: the thread is attached. Until `attach`, which `fill` always calls, this thread runs only
            // the core, which knows nothing of Python.
            self.detached = unsafe { ffi::PyEval_SaveThread() };
        }
        // SAFETY: the object has `len` bytes, is kept alive by `large`, and nobody else has seen it: its bytes
        // may be written until `value` or `raw` gives it away, which the borrow of `self` forbids meanwhile.
        Some(unsafe { std::slice::from_raw_parts_mut(start.cast(), len) })
    }

    /// The item was large when it was first met. Dropping the object needs the interpreter.
    #[cold]
    fn drop_large(&mut self) {
        self.attach();
        self.large = None;
    }

    #[inline]
    fn attach(&mut self) {
        if !self.detached.is_null() {
            // SAFETY: `detached` is this thread's state, saved by `make_large` and not restored since.
            unsafe { ffi::PyEval_RestoreThread(self.detached) };
            self.detached = ptr::null_mut();
        }
    }
}

impl Sink for PySink<'_> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if len > STACK {
            return self.make_large(len);
        }
        if self.large.is_some() {
            self.drop_large();
        }
        self.len = len;
        Some(&mut self.stack[..len])
    }
}
