//! Arrays with keys of any bytes: reading those that PHP gives, filling those that it gets.

use super::call::{Key, Thrown, throw};
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{zend_hash_index_update, zend_hash_update};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ce;
use std::ffi::c_char;
use std::mem::ManuallyDrop;

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

/// The key that an element of a list of keys names; a `TypeError` for anything but a string or an int.
pub fn key_in<'a>(method: &str, element: &'a Zval) -> Result<(Key<'a>, &'a Zval), Thrown> {
    let element = element.dereference();
    Key::of(element).map(|key| (key, element)).ok_or_else(|| {
        throw(PhpException::new(
            format!(
                "NearCache\\Cache::{method}(): Argument #1 ($keys) must be an array of string|int, {} found",
                element.get_type()
            ),
            0,
            ce::type_error(),
        ))
    })
}

/// Makes `out` this array.
pub fn answer(out: &mut Zval, array: ext_php_rs::boxed::ZBox<ZendHashTable>) {
    out.set_hashtable(array);
}
