//! An array's elements where they lie. The engine's own cursor takes four calls for each, which costs a `getMulti` more
//! than its hash tables do.

use ext_php_rs::ffi::{Bucket, IS_INDIRECT, IS_UNDEF, zend_array, zval};
use ext_php_rs::types::Zval;
use std::mem::size_of;

/// From Zend/zend_hash.h, the same since PHP 8.2.
const HASH_FLAG_PACKED: u32 = 1 << 2;

/// The parts of an array's memory.
pub struct Shape {
    /// Bytes of the slots by hash, which lie before the elements.
    pub slots: usize,
    /// Bytes of one element: a zval, or a bucket, which begins with one.
    pub element: usize,
    /// Has it neither keys nor slots in use?
    pub is_packed: bool,
}

impl Shape {
    /// The shape of `array`.
    pub fn of(array: &zend_array) -> Shape {
        // SAFETY: every member of the union is this word.
        let is_packed = unsafe { array.u.flags } & HASH_FLAG_PACKED != 0;
        Shape {
            slots: array.nTableMask.wrapping_neg() as usize * size_of::<u32>(),
            element: if is_packed { size_of::<zval>() } else { size_of::<Bucket>() },
            is_packed,
        }
    }

    /// Bytes of the slots and of the elements in use.
    pub fn data(&self, array: &zend_array) -> usize {
        self.slots + array.nNumUsed as usize * self.element
    }

    /// Where each element in use lies, of `array` or of a copy of it whose first element is at `first`.
    pub fn each(
        &self,
        array: &zend_array,
        first: *mut u8,
    ) -> impl Iterator<Item = *mut u8> + use<> {
        let element = self.element;
        (0..array.nNumUsed as usize).map(move |i| first.wrapping_add(i * element))
    }
}

/// Where the first element of `array` is.
pub fn first(array: &zend_array) -> *mut u8 {
    // SAFETY: every member of the union is this pointer.
    unsafe { array.__bindgen_anon_1.arPacked }.cast()
}

/// The values of an array that nobody changes meanwhile: an argument, of which the frame holds a reference.
pub fn values(array: &zend_array) -> impl Iterator<Item = &Zval> {
    Shape::of(array).each(array, first(array)).filter_map(|element| {
        // SAFETY: an element in use begins with its value; what is indirect points to another.
        unsafe {
            let value = &*element.cast::<zval>();
            match kind(value) {
                IS_UNDEF => None,
                IS_INDIRECT => value.value.zv.as_ref().filter(|value| kind(value) != IS_UNDEF),
                _ => Some(value),
            }
        }
    })
}

/// A zval's type.
#[inline]
pub fn kind(value: &zval) -> u32 {
    // SAFETY: every member of the union is this word.
    unsafe { value.u1.type_info & 0xff }
}
