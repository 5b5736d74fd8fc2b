//! An array of PHP's that outlives the request and is never changed: its strings, tables and nested arrays in one block
//! of memory of our own, as opcache keeps the arrays of compiled scripts.
//!
//! The engine counts no references on it (the zval says `IS_ARRAY` without `IS_TYPE_REFCOUNTED`), copies it when a script
//! writes to it (`GC_IMMUTABLE`, and a count of 2, so that nobody takes it for the only one), and never frees it: that is
//! for its owner, when no script can hold it or a string of it any more.

use crate::zend::walk::{Shape, first, kind};
use ext_php_rs::ffi::{
    Bucket, GC_IMMUTABLE, IS_ARRAY, IS_DOUBLE, IS_INTERNED_STRING_EX, IS_NULL, IS_STRING, IS_UNDEF,
    zend_array, zend_empty_array, zend_string, zval,
};
use ext_php_rs::types::Zval;
use std::alloc::{Layout, alloc, dealloc};
use std::mem::{offset_of, size_of};
use std::ptr::{self, NonNull};

// From Zend/zend_types.h and Zend/zend_hash.h, the same since PHP 8.2.
const GC_NOT_COLLECTABLE: u32 = 1 << 4;
/// Also of strings; allocated by malloc.
const GC_PERSISTENT: u32 = 1 << 7;
const HASH_FLAG_STATIC_KEYS: u32 = 1 << 4;
const HASH_FLAG_ITERATORS: u32 = 0xff << 16;

/// Arrays nested deeper are left alone: the walk is recursive.
const DEPTH_MAX: u32 = 64;
/// Of the strings met last so many are known, to keep one copy of each: the rows of a table repeat their keys.
const KNOWN: usize = 128;
const ALIGN: usize = 8;

// From Zend/zend_string.h.
unsafe extern "C" {
    fn zend_string_hash_func(string: *mut zend_string) -> u64;
}

/// An immutable array that owns its memory.
pub struct Frozen {
    block: NonNull<u8>,
    layout: Layout,
}

impl Frozen {
    /// The bytes a copy of `array` would take. `None` if it holds anything but arrays, strings, numbers, truths and nulls, or takes
    /// more than `most`; or if it is empty, for which there is one for all.
    pub fn measure(array: &zend_array, most: usize) -> Option<usize> {
        if array.nNumUsed == 0 {
            return None;
        }
        let mut measure = Measure { bytes: 0, most, known: Known::new() };
        measure.array(array, 0)?;
        Some(measure.bytes)
    }

    /// A copy of `array`, which takes `bytes` by [`measure`](Frozen::measure). `None` if there is no memory.
    pub fn of(array: &zend_array, bytes: usize) -> Option<Frozen> {
        let layout = Layout::from_size_align(bytes, ALIGN).ok()?;
        // SAFETY: an array that is not empty takes some bytes.
        let block = NonNull::new(unsafe { alloc(layout) })?;
        let mut copy = Copy { at: block.as_ptr(), known: Known::new() };
        // SAFETY: the block has room for all that the same walk has measured.
        unsafe { copy.array(array) };
        debug_assert_eq!(copy.at, block.as_ptr().wrapping_add(bytes));
        Some(Frozen { block, layout })
    }

    /// The bytes it takes, and about what malloc takes to keep them.
    pub fn size(&self) -> usize {
        self.layout.size() + 16
    }

    /// The array: what is copied first lies first.
    pub fn array(&self) -> *mut zend_array {
        self.block.as_ptr().cast()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // SAFETY: allocated by this layout; its owner has made sure that nobody holds it.
        unsafe { dealloc(self.block.as_ptr(), self.layout) };
    }
}

/// Makes `out` this array, uncounted.
///
/// # Safety
///
/// `array` must be a frozen one that lives until the request's memory is gone.
#[inline]
pub unsafe fn show(array: *mut zend_array, out: &mut Zval) {
    if !out.is_null() {
        out.set_null();
    }
    out.value.arr = array;
    out.u1.type_info = IS_ARRAY;
}

/// The strings met last, by hash: the one met, and what was made of it.
struct Known([(*const zend_string, *mut zend_string); KNOWN]);

impl Known {
    fn new() -> Known {
        Known([(ptr::null(), ptr::null_mut()); KNOWN])
    }

    /// What was made of a string of the same bytes; if none is known, of what `make` makes of this.
    ///
    /// # Safety
    ///
    /// `string` and those given before are live strings.
    unsafe fn or_else(
        &mut self,
        string: *mut zend_string,
        make: impl FnOnce(u64) -> *mut zend_string,
    ) -> *mut zend_string {
        // SAFETY: a live string; the engine notes the hash in it.
        let hash = unsafe { zend_string_hash_func(string) };
        let (met, made) = &mut self.0[hash as usize % KNOWN];
        // SAFETY: live strings, by the caller's word.
        let same = !met.is_null() && unsafe { (**met).h == hash && bytes(*met) == bytes(string) };
        if !same {
            (*met, *made) = (string, make(hash));
        }
        *made
    }
}

/// # Safety
///
/// A live string.
unsafe fn bytes<'a>(string: *const zend_string) -> &'a [u8] {
    // SAFETY: a Zend string's bytes begin at `val`, and there are `len` of them.
    unsafe { std::slice::from_raw_parts((&raw const (*string).val).cast(), (*string).len) }
}

/// What a string takes: header, bytes, the closing zero.
fn size_of_string(len: usize) -> usize {
    (offset_of!(zend_string, val) + len + 1).next_multiple_of(ALIGN)
}

/// An element's key, if it has a string for one.
///
/// # Safety
///
/// `element` is in use, of an array of this shape.
unsafe fn key(shape: &Shape, element: *mut u8) -> Option<NonNull<zend_string>> {
    match shape.is_packed {
        true => None,
        // SAFETY: what is not packed has buckets.
        false => NonNull::new(unsafe { (*element.cast::<Bucket>()).key }),
    }
}

struct Measure {
    bytes: usize,
    most: usize,
    known: Known,
}

impl Measure {
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.bytes += bytes;
        (self.bytes <= self.most).then_some(())
    }

    fn array(&mut self, array: &zend_array, depth: u32) -> Option<()> {
        if depth == DEPTH_MAX {
            return None;
        }
        let shape = Shape::of(array);
        self.take((size_of::<zend_array>() + shape.data(array)).next_multiple_of(ALIGN))?;
        // SAFETY: an array's own elements, which nobody changes meanwhile.
        unsafe {
            for element in shape.each(array, first(array)) {
                let value = &*element.cast::<zval>();
                match kind(value) {
                    // Its key is no longer one, either.
                    IS_UNDEF => continue,
                    IS_STRING => self.string(value.value.str_)?,
                    IS_ARRAY if (*value.value.arr).nNumUsed == 0 => {}
                    IS_ARRAY => self.array(&*value.value.arr, depth + 1)?,
                    IS_NULL..=IS_DOUBLE => {}
                    _ => return None,
                }
                if let Some(key) = key(&shape, element) {
                    self.string(key.as_ptr())?;
                }
            }
        }
        Some(())
    }

    /// # Safety
    ///
    /// A live string.
    unsafe fn string(&mut self, string: *mut zend_string) -> Option<()> {
        let mut size = 0;
        // SAFETY: the caller's; nothing is made here.
        unsafe {
            self.known.or_else(string, |_| {
                size = size_of_string((*string).len);
                ptr::null_mut()
            })
        };
        self.take(size)
    }
}

struct Copy {
    at: *mut u8,
    known: Known,
}

impl Copy {
    fn take(&mut self, bytes: usize) -> *mut u8 {
        let taken = self.at;
        self.at = taken.wrapping_add(bytes.next_multiple_of(ALIGN));
        taken
    }

    /// # Safety
    ///
    /// There is room for all that `Measure::array` has counted for it.
    unsafe fn array(&mut self, from: &zend_array) -> *mut zend_array {
        let shape = Shape::of(from);
        let whole = self.take(size_of::<zend_array>() + shape.data(from));
        let to = whole.cast::<zend_array>();
        // SAFETY: room for the header and the data behind it. The slots and elements in use of `from` lie together, as
        // those of an array do; they are copied as they are, and then each pointer in them is replaced.
        unsafe {
            ptr::copy_nonoverlapping(from, to, 1);
            let data = whole.add(size_of::<zend_array>());
            let elements = data.add(shape.slots);
            let source = first(from).sub(shape.slots);
            ptr::copy_nonoverlapping(source, data, shape.data(from));
            (*to).__bindgen_anon_1.arPacked = elements.cast();
            (*to).gc.refcount = 2;
            (*to).gc.u.type_info = IS_ARRAY | GC_IMMUTABLE | GC_PERSISTENT;
            (*to).u.flags = (*to).u.flags & !HASH_FLAG_ITERATORS | HASH_FLAG_STATIC_KEYS;
            (*to).nInternalPointer = 0;
            (*to).pDestructor = None;
            for element in shape.each(from, elements) {
                let value = &mut *element.cast::<zval>();
                match kind(value) {
                    IS_UNDEF => continue,
                    IS_STRING => {
                        value.value.str_ = self.string(value.value.str_);
                        value.u1.type_info = IS_INTERNED_STRING_EX;
                    }
                    IS_ARRAY => {
                        let nested = &*value.value.arr;
                        value.value.arr = match nested.nNumUsed {
                            0 => (&raw const zend_empty_array).cast_mut(),
                            _ => self.array(nested),
                        };
                        value.u1.type_info = IS_ARRAY;
                    }
                    _ => {}
                }
                if let Some(key) = key(&shape, element) {
                    (*element.cast::<Bucket>()).key = self.string(key.as_ptr());
                }
            }
        }
        to
    }

    /// A string as interned ones are, with its hash.
    ///
    /// # Safety
    ///
    /// A live string, and room for it unless one of its bytes is known.
    unsafe fn string(&mut self, string: *mut zend_string) -> *mut zend_string {
        let at = &mut self.at;
        // SAFETY: the caller's. Header, bytes and zero lie together; the copy's header is then written anew.
        unsafe {
            self.known.or_else(string, |hash| {
                let (to, len) = (at.cast::<zend_string>(), (*string).len);
                *at = at.add(size_of_string(len));
                (*to).gc.refcount = 1;
                (*to).gc.u.type_info =
                    IS_STRING | GC_NOT_COLLECTABLE | GC_IMMUTABLE | GC_PERSISTENT;
                (*to).h = hash;
                (*to).len = len;
                let text = (&raw mut (*to).val).cast::<u8>();
                ptr::copy_nonoverlapping((&raw const (*string).val).cast(), text, len);
                text.add(len).write(0);
                to
            })
        }
    }
}
