//! PHP's own serializer, called where `serialize()` and `unserialize()` call it.

use super::thrown;
use ext_php_rs::types::{ZendStr, Zval};
use std::ffi::{c_char, c_void};
use std::ptr;

/// `smart_str` of Zend/zend_smart_str_public.h.
#[repr(C)]
struct SmartStr {
    string: *mut ZendStr,
    room: usize,
}

// From ext/standard/php_var.h, exported by every PHP since 7.4; not in ext-php-rs.
unsafe extern "C" {
    fn php_var_serialize_init() -> *mut c_void;
    fn php_var_serialize(buffer: *mut SmartStr, value: *mut Zval, data: *mut *mut c_void);
    fn php_var_serialize_destroy(data: *mut c_void);
    fn php_unserialize_with_options(
        out: *mut Zval,
        bytes: *const c_char,
        len: usize,
        options: *mut c_void,
        function: *const c_char,
    );
}

/// A serialized value, on the Zend heap (so that a bailout frees it).
pub struct Serialized(SmartStr);

impl Serialized {
    /// Serializes `value`, running its `__serialize` or `__sleep`. `None` if that threw.
    pub fn of(value: &Zval) -> Option<Serialized> {
        let mut made = Serialized(SmartStr { string: ptr::null_mut(), room: 0 });
        // SAFETY: what `serialize()` itself does. `value` is an argument (or an element of one) that the frame keeps
        // alive; the serializer only reads it, in spite of the pointer's type.
        unsafe {
            let mut data = php_var_serialize_init();
            php_var_serialize(&raw mut made.0, ptr::from_ref(value).cast_mut(), &raw mut data);
            php_var_serialize_destroy(data);
        }
        (!thrown()).then_some(made)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: null, or a string that the serializer filled and that this owns.
        unsafe { self.0.string.as_ref() }.map_or(b"", |string| string.as_bytes())
    }
}

impl Drop for Serialized {
    fn drop(&mut self) {
        if !self.0.string.is_null() {
            // SAFETY: the smart_str owns its string, counted once.
            drop(unsafe { ext_php_rs::boxed::ZBox::from_raw(self.0.string) });
        }
    }
}

/// Rebuilds a value into `out`, running its `__unserialize` or `__wakeup`. False if the bytes are damaged (the engine
/// has then raised its own notice) or an exception is under way.
pub fn unserialize(bytes: &[u8], out: &mut Zval) -> bool {
    out.set_null();
    // SAFETY: what `unserialize()` itself does, with no options; it reads `len` bytes and fills `out`.
    unsafe {
        php_unserialize_with_options(
            out,
            bytes.as_ptr().cast(),
            bytes.len(),
            ptr::null_mut(),
            c"unserialize".as_ptr(),
        );
    }
    !thrown() && (!out.is_false() || bytes == b"b:0;")
}
