//! Arrays with keys of any bytes: reading those that PHP gives, filling those that it gets.

use super::call::{Key, Thrown, refuse};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::ffi::{zend_hash_index_update, zend_hash_update};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::c_char;
use std::mem::ManuallyDrop;

// From Zend/zend_API.h.
unsafe extern "C" {
    fn zend_zval_type_name(value: *const Zval) -> *const c_char;
    fn zend_argument_type_error(num: u32, format: *const c_char, ...);
}

// From Zend/zend_hash.h; behind the inline ZEND_HANDLE_NUMERIC_STR.
unsafe extern "C" {
    fn _zend_handle_numeric_str_ex(key: *const c_char, length: usize, index: *mut u64) -> bool;
}

/// Stores `value` under the key that `key` (a string or an int) names, as `$array[$key] = $value` does: digits
/// become an int key.
pub fn put(array: &mut ZendHashTable, key: &Zval, value: Zval) {
    // The table takes the value over.
    let mut value = ManuallyDrop::new(value);
    let value: *mut Zval = &raw mut *value;
    let Some(string) = key.zend_str() else {
        let index = key.long().unwrap_or_default();
        // SAFETY: the table and the value are live; the engine copies the value's 16 bytes.
        unsafe { zend_hash_index_update(array, index as u64, value) };
        return;
    };
    let mut index = 0;
    let bytes = string.as_bytes();
    // SAFETY: as above; the table counts a reference of its own on the key's string, and changes nothing else in it
    // but its cached hash, as any array does.
    unsafe {
        if may_be_index(bytes)
            && _zend_handle_numeric_str_ex(bytes.as_ptr().cast(), bytes.len(), &raw mut index)
        {
            zend_hash_index_update(array, index, value);
        } else {
            zend_hash_update(array, string.as_ptr().cast_mut(), value);
        }
    }
}

/// Does it begin as an int does? The engine's function relies on its inline caller to have asked.
fn may_be_index(bytes: &[u8]) -> bool {
    match bytes {
        [b'-', digit, ..] => digit.is_ascii_digit(),
        [digit, ..] => digit.is_ascii_digit(),
        [] => false,
    }
}

/// The key that an element of a list of keys, the argument at `index`, names; a `TypeError` for anything but a string or an
/// int.
#[inline]
pub fn key_in(index: usize, element: &Zval) -> Result<(Key<'_>, &Zval), Thrown> {
    let element = element.dereference();
    match Key::of(element) {
        Some(key) => Ok((key, element)),
        None => Err(no_key(index, element)),
    }
}

#[cold]
fn no_key(index: usize, element: &Zval) -> Thrown {
    // SAFETY: the format takes one C string, which the engine's name of a type is.
    unsafe {
        zend_argument_type_error(
            index as u32 + 1,
            c"must be an array of string|int, %s found".as_ptr(),
            zend_zval_type_name(element),
        );
    }
    Thrown
}

/// Puts `value` under a name that no caller chose.
pub fn insert(
    array: &mut ZendHashTable,
    name: &'static str,
    value: impl IntoZval,
) -> Result<(), Thrown> {
    array
        .insert(name, value)
        .map_err(|error| refuse(format!("the answer cannot be built: {error}")))
}

/// Puts `value` at the end of a list.
pub fn push(list: &mut ZendHashTable, value: impl IntoZval) -> Result<(), Thrown> {
    list.push(value).map_err(|error| refuse(format!("the answer cannot be built: {error}")))
}

/// Makes `out` this array.
pub fn answer(out: &mut Zval, array: ZBox<ZendHashTable>) {
    out.set_hashtable(array);
}
