//! Everything that touches the engine's own structures: arguments, strings, arrays, serialized values.
//!
//! The rule for all of it: a Zend allocation may never return (the memory limit and timeouts leave by `longjmp`,
//! over Rust frames). So no frame here owns Rust memory, a lock or a pin of the cache while it calls the engine,
//! unless a `BailoutGuard` owns it instead; what is lost then lies on the Zend heap, which the request's end frees. (The
//! one exception is the sentence of an error on its way out: a bailout there loses its few bytes.)

pub mod array;
pub mod call;
pub mod callback;
pub mod foreign;
pub mod landing;
pub mod made;
pub mod serial;
pub mod walk;

use ext_php_rs::ffi::{E_WARNING, php_error_docref};
use std::ffi::CString;
use std::ptr;

/// The flags of a zval whose string is counted.
pub use ext_php_rs::ffi::IS_STRING_EX;

/// A Zend string not yet filled: `len` bytes and the closing zero, in request memory, counted once.
///
/// The engine has only an inline function for this (`zend_string_alloc`), so its header is written here.
pub fn string_alloc(len: usize) -> *mut ext_php_rs::types::ZendStr {
    use ext_php_rs::ffi::{IS_STRING, zend_string};
    /// `GC_NOT_COLLECTABLE`, which every string carries.
    const NOT_COLLECTABLE: u32 = 1 << 4;
    const HEADER: usize = std::mem::offset_of!(zend_string, val);

    // The core bounds a value by item_size_max, 1 GiB at most, so this cannot wrap.
    let size = (HEADER + len + 1 + 7) & !7;
    let layout = std::alloc::Layout::from_size_align(size, 8).expect("a value is at most 1 GiB");
    let string = ext_php_rs::alloc::emalloc(layout).cast::<zend_string>();
    // SAFETY: emalloc gives `size` writable bytes aligned to 8, or does not return; they hold the header,
    // `len` bytes and the zero written at `len`.
    unsafe {
        (*string).gc.refcount = 1;
        (*string).gc.u.type_info = IS_STRING | NOT_COLLECTABLE;
        (*string).h = 0;
        (*string).len = len;
        bytes_of(string).add(len).write(0);
    }
    string
}

/// Where a Zend string's bytes begin.
///
/// # Safety
///
/// `string` must point to a Zend string.
pub unsafe fn bytes_of(string: *mut ext_php_rs::types::ZendStr) -> *mut u8 {
    // SAFETY: the caller's; a raw place expression, which keeps the provenance of the whole allocation.
    unsafe { (&raw mut (*string).val).cast::<u8>() }
}

/// Frees a string that only its maker knows of.
///
/// # Safety
///
/// `string` must come from [`string_alloc`] and be known to nobody else.
pub unsafe fn string_free(string: *mut ext_php_rs::types::ZendStr) {
    // SAFETY: the caller's.
    unsafe { ext_php_rs::alloc::efree(string.cast()) };
}

/// Makes a verb's answer true or false, as `Zval::set_bool` does, where nothing was put into it before: so nothing is to be
/// freed, which costs as much as the rest of the answer.
#[inline(always)]
pub fn say(out: &mut ext_php_rs::types::Zval, truth: bool) {
    use ext_php_rs::ffi::{IS_FALSE, IS_TRUE};
    debug_assert!(out.is_null() || out.is_bool());
    out.u1.type_info = if truth { IS_TRUE } else { IS_FALSE };
}

/// Makes a verb's answer an int, as [`say`].
#[inline(always)]
pub fn say_long(out: &mut ext_php_rs::types::Zval, long: i64) {
    debug_assert!(out.is_null() || out.is_bool());
    out.value.lval = long;
    out.u1.type_info = ext_php_rs::ffi::IS_LONG;
}

/// Raises an `E_WARNING` in the name of the running method. A user's handler may turn it into an exception.
#[cold]
pub fn warn(sentence: &str) {
    let Ok(text) = CString::new(sentence.replace('\0', "\\0")) else {
        return;
    };
    // The engine formats the message before it calls any handler, but a handler may bail out: the text must
    // then not be lost with this frame, so it is handed over as a Zend string of the request.
    let string = ext_php_rs::types::ZendStr::new(text.as_bytes(), false).into_raw();
    drop(text);
    // SAFETY: the format takes one C string; a ZendStr is closed by a zero and holds none (see above). It lives
    // until the release below, or until the request's end if the call bails out.
    unsafe {
        php_error_docref(ptr::null(), E_WARNING as i32, c"%s".as_ptr(), bytes_of(string));
        drop(ext_php_rs::boxed::ZBox::from_raw(string));
    }
}

/// Is an exception under way?
#[inline]
pub fn thrown() -> bool {
    // SAFETY: this thread's globals, which live as long as it does; a read of one pointer.
    unsafe { !(*ext_php_rs::ffi::ext_php_rs_executor_globals()).exception.is_null() }
}

// From main/fopen_wrappers.h.
unsafe extern "C" {
    fn php_check_open_basedir(path: *const std::ffi::c_char) -> std::ffi::c_int;
}

/// Does `open_basedir` let this request's script have the file? If not, PHP's own warning says so.
pub fn is_within_basedir(path: &ext_php_rs::types::ZendStr) -> bool {
    // SAFETY: a Zend string is closed by a zero; the engine reads it, and may warn.
    unsafe { php_check_open_basedir(path.as_bytes().as_ptr().cast()) == 0 }
}

// From Zend/zend_alloc.h.
unsafe extern "C" {
    fn zend_memory_usage(real: bool) -> usize;
    fn zend_mm_get_heap() -> *mut std::ffi::c_void;
    fn zend_mm_gc(heap: *mut std::ffi::c_void) -> usize;
}

/// What `memory_limit` leaves to this request, in bytes. `None` if there is no limit.
pub fn memory_left() -> Option<usize> {
    // SAFETY: as in `thrown`; the second call reads a counter of the allocator.
    let (limit, used) = unsafe {
        ((*ext_php_rs::ffi::ext_php_rs_process_globals()).memory_limit, zend_memory_usage(false))
    };
    // -1 is no limit.
    usize::try_from(limit).ok().map(|limit| limit.saturating_sub(used))
}

/// Would a block of so many bytes go over `memory_limit`? Then what it leaves, in bytes. So that a length read from
/// elsewhere is refused in words, where an allocation would end the request.
pub fn memory_lacks(bytes: usize) -> Option<usize> {
    /// From here on the allocator gives a block pages of its own, and counts them against the limit at once.
    const HUGE: usize = (2 << 20) - (4 << 10);
    let lacking = memory_left().filter(|left| bytes > *left);
    if lacking.is_some() || bytes <= HUGE {
        return lacking;
    }
    // SAFETY: the limit and the counters as in `memory_left`; before it gives up the allocator, too, first frees what it
    // keeps in reserve.
    unsafe {
        let limit =
            usize::try_from((*ext_php_rs::ffi::ext_php_rs_process_globals()).memory_limit).ok()?;
        let left = || limit.saturating_sub(zend_memory_usage(true));
        if bytes > left() {
            zend_mm_gc(zend_mm_get_heap());
        }
        Some(left()).filter(|left| bytes > *left)
    }
}
