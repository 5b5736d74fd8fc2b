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
    large: Option<Large<'py>>,
}

/// What the last `room` gave out that is not on the stack.
struct Large<'py> {
    /// An error: there was no memory for it.
    bytes: PyResult<Bound<'py, PyBytes>>,
    /// The thread's state while it is detached, else null.
    detached: *mut ffi::PyThreadState,
}

impl<'py> PySink<'py> {
    /// An empty sink.
    #[inline]
    pub fn new(py: Python<'py>) -> PySink<'py> {
        PySink { py, stack: [const { MaybeUninit::uninit() }; STACK], len: 0, large: None }
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
        match self.large.take() {
            None => envelope::open(cache, key, flags, self.small()),
            Some(large) => value_of_large(cache, key, flags, large.bytes?),
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
        match self.large.take() {
            None => Ok(PyBytes::new(self.py, self.small())),
            Some(large) => large.bytes,
        }
    }

    #[inline]
    fn small(&self) -> &[u8] {
        // SAFETY: the core guarantees that after a hit all bytes of the last `room` are written, and that was
        // the first `len` of `stack` (0 before any).
        unsafe { std::slice::from_raw_parts(self.stack.as_ptr().cast(), self.len) }
    }

    #[cold]
    #[inline(never)]
    fn make_large(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.drop_large();
        let size = ffi::Py_ssize_t::try_from(len).ok()?;
        // SAFETY: the thread is attached (`py`, and `drop_large` above); a null pointer asks for uninitialised bytes,
        // and what is made are bytes and nothing else.
        let bytes = unsafe {
            Bound::from_owned_ptr_or_err(self.py, ffi::PyBytes_FromStringAndSize(ptr::null(), size))
                .map(|object| object.cast_into_unchecked::<PyBytes>())
        };
        let large = self.large.insert(Large { bytes, detached: ptr::null_mut() });
        let object = large.bytes.as_ref().ok()?;
        // SAFETY: it is a bytes object.
        let start = unsafe { ffi::PyBytes_AsString(object.as_ptr()) };
        if len > DETACH {
            // SAFETY: the thread is attached. Until `attach`, which `fill` always calls, this thread runs only
            // the core, which knows nothing of Python.
            large.detached = unsafe { ffi::PyEval_SaveThread() };
        }
        // SAFETY: the object has `len` bytes, is kept alive by `large`, and nobody else has seen it: its bytes
        // may be written until `value` or `raw` gives it away, which the borrow of `self` forbids meanwhile.
        Some(unsafe { std::slice::from_raw_parts_mut(start.cast(), len) })
    }

    /// The item was large when it was first met. Dropping the object needs the interpreter.
    #[cold]
    #[inline(never)]
    fn drop_large(&mut self) {
        self.attach();
        self.large = None;
    }

    #[inline(always)]
    fn attach(&mut self) {
        if let Some(large) = &mut self.large
            && !large.detached.is_null()
        {
            // SAFETY: `detached` is this thread's state, saved by `make_large` and not restored since.
            unsafe { ffi::PyEval_RestoreThread(large.detached) };
            large.detached = ptr::null_mut();
        }
    }
}

#[cold]
#[inline(never)]
fn value_of_large<'py>(
    cache: &Cache,
    key: &Bound<'py, PyAny>,
    flags: u32,
    bytes: Bound<'py, PyBytes>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match flags {
        value::FLAG_BYTES if !cache.values().foreign => Ok(Some(bytes.into_any())),
        _ => envelope::open(cache, key, flags, bytes.as_bytes()),
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
