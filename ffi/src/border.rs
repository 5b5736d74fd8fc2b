//! The border: the only place where C's pointers become slices and where panics become a status.

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nearcache::Sink;

use crate::status::{
    Failure, NEARCACHE_OK, NEARCACHE_PANIC, NEARCACHE_SHORT_BUFFER, nearcache_status,
};

/// Runs the body of a call; a failure is recorded for the thread, a panic becomes NEARCACHE_PANIC.
#[inline(always)]
pub(crate) fn cross(body: impl FnOnce() -> Result<nearcache_status, Failure>) -> nearcache_status {
    // AssertUnwindSafe: the core's operations publish by single words, so a panic between two of them leaves
    // the arena as a killed process would; nothing else outlives the closure.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => status,
        Ok(Err(failure)) => failure.record(),
        Err(payload) => stopped(payload),
    }
}

/// As [`cross`], for the calls that give something back and have no status to answer with.
pub(crate) fn cross_quietly(body: impl FnOnce()) {
    cross(|| {
        body();
        Ok(NEARCACHE_OK)
    });
}

#[cold]
fn stopped(payload: Box<dyn Any + Send>) -> nearcache_status {
    let what = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    };
    // A payload's own destructor may panic, and nothing stands outside to catch that: it is leaked.
    std::mem::forget(payload);
    // Recording allocates, which can hardly panic; if it does, the number alone crosses.
    catch_unwind(|| Failure::Panic(what).record()).unwrap_or(NEARCACHE_PANIC)
}

/// Bytes the caller lends for the call. NULL stands for no bytes if the length is 0.
///
/// # Safety
/// `data` is NULL or holds `len` bytes that nobody changes during the call; the caller of the C function
/// guarantees it ("Bytes in" of the header).
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(
    name: &'static str,
    data: *const c_void,
    len: usize,
) -> Result<&'a [u8], Failure> {
    if data.is_null() {
        return if len == 0 { Ok(&[]) } else { Err(Failure::Null(name)) };
    }
    if len > isize::MAX as usize {
        return Err(too_long(name, len));
    }
    // SAFETY: not NULL, not longer than an object can be, and readable by the caller's promise above.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// A terminated string that the caller lends for the call, without its NUL.
///
/// # Safety
/// `text` is NULL or terminated, and nobody changes it during the call; the caller of the C function guarantees it.
pub(crate) unsafe fn string<'a>(
    name: &'static str,
    text: *const c_char,
) -> Result<&'a [u8], Failure> {
    if text.is_null() {
        return Err(Failure::Null(name));
    }
    // SAFETY: not NULL, and terminated by the caller's promise above.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

#[cold]
fn too_long(name: &'static str, len: usize) -> Failure {
    Failure::Invalid(format!(
        "the length of `{name}` is {len}: the limit is {}; a negative number may have been passed",
        isize::MAX
    ))
}

/// A place for an answer, written at most once. The memory may be uninitialised.
pub(crate) struct Out<'a, T>(&'a mut MaybeUninit<T>);

impl<'a, T> Out<'a, T> {
    /// An output that must be given.
    ///
    /// # Safety
    /// `place` is NULL or valid for one aligned write during the call, and no other argument overlaps it; the
    /// caller of the C function guarantees it ("Outputs" of the header).
    #[inline(always)]
    pub(crate) unsafe fn required(name: &'static str, place: *mut T) -> Result<Self, Failure> {
        // SAFETY: MaybeUninit<T> has T's layout and any content; validity is the caller's promise above.
        match unsafe { place.cast::<MaybeUninit<T>>().as_mut() } {
            Some(place) => Ok(Out(place)),
            None => Err(Failure::Null(name)),
        }
    }

    /// An output that NULL declines.
    ///
    /// # Safety
    /// As [`Out::required`].
    #[inline(always)]
    pub(crate) unsafe fn nullable(place: *mut T) -> Option<Self> {
        // SAFETY: as in `required`.
        unsafe { place.cast::<MaybeUninit<T>>().as_mut() }.map(Out)
    }

    #[inline(always)]
    pub(crate) fn write(self, value: T) {
        self.0.write(value);
    }
}

/// The caller's buffer for a value. It takes the bytes if they fit and refuses them if they do not.
pub(crate) struct Buffer<'a>(&'a mut [MaybeUninit<u8>]);

impl Buffer<'_> {
    /// # Safety
    /// `data` is NULL or writable for `capacity` bytes that nobody else touches during the call; the caller of
    /// the C function guarantees it ("Bytes out" of the header).
    #[inline(always)]
    pub(crate) unsafe fn new(data: *mut c_void, capacity: usize) -> Result<Self, Failure> {
        if data.is_null() {
            return if capacity == 0 { Ok(Buffer(&mut [])) } else { Err(Failure::Null("buffer")) };
        }
        if capacity > isize::MAX as usize {
            return Err(too_long("buffer", capacity));
        }
        // SAFETY: not NULL, not longer than an object can be, and writable by the caller's promise above.
        Ok(Buffer(unsafe { std::slice::from_raw_parts_mut(data.cast(), capacity) }))
    }

    /// Takes the bytes if they fit.
    #[cfg(feature = "store")]
    pub(crate) fn fill(mut self, bytes: &[u8]) -> nearcache_status {
        if let Some(room) = self.room(bytes.len()) {
            room.write_copy_of_slice(bytes);
        }
        self.status(bytes.len())
    }

    /// The status of a hit of this length.
    #[inline(always)]
    pub(crate) fn status(&self, len: usize) -> nearcache_status {
        if len <= self.0.len() { NEARCACHE_OK } else { NEARCACHE_SHORT_BUFFER }
    }
}

impl Sink for Buffer<'_> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.0.get_mut(..len)
    }
}

/// The buffer of one call alone. Each call that copies has its own `N`, so that the core's copying get is
/// compiled for it apart and inlined into it: a copy that all calls shared would be a function of its own, which
/// hands its result over through memory and costs 20 ns more.
pub(crate) struct Own<'a, const N: u8>(pub(crate) Buffer<'a>);

/// The calls that have a buffer of their own.
pub(crate) const GET: u8 = 0;
pub(crate) const GETS: u8 = 1;

impl<const N: u8> Sink for Own<'_, N> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.0.room(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{NEARCACHE_INVALID, NEARCACHE_MISS, nearcache_last_error};
    use std::ffi::CStr;

    fn last() -> String {
        // SAFETY: the text is terminated and this thread fails nothing until it is copied.
        unsafe { CStr::from_ptr(nearcache_last_error()) }.to_string_lossy().into_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_and_a_sentence() {
        assert_eq!(cross(|| panic!("limb {}", 7)), NEARCACHE_PANIC);
        assert!(last().ends_with("limb 7"), "{}", last());
        assert_eq!(cross(|| panic!("plain")), NEARCACHE_PANIC);
        assert!(last().ends_with("plain"), "{}", last());
    }

    #[test]
    fn a_payload_that_panics_when_dropped_stays_inside() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(cross(|| std::panic::panic_any(Bomb)), NEARCACHE_PANIC);
        cross_quietly(|| panic!("quiet"));
        assert!(last().ends_with("quiet"), "{}", last());
    }

    #[test]
    fn an_answer_leaves_the_sentence_alone() {
        assert_eq!(cross(|| Err(Failure::Null("key"))), NEARCACHE_INVALID);
        assert_eq!(cross(|| Ok(NEARCACHE_MISS)), NEARCACHE_MISS);
        assert_eq!(last(), "the argument `key` is NULL and must not be");
    }
}
