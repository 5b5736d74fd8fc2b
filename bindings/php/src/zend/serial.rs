//! PHP's own serializer and its JSON, called where `serialize()`, `unserialize()`, `json_encode()` and `json_decode()`
//! call them.

use super::made::Made;
use super::thrown;
use crate::ini;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

// From ext/standard/php_var.h and ext/json/php_json.h, exported by every PHP since 8.0; not in ext-php-rs.
unsafe extern "C" {
    fn php_var_serialize_init() -> *mut c_void;
    fn php_var_serialize(buffer: *mut Made, value: *mut Zval, data: *mut *mut c_void);
    fn php_var_serialize_destroy(data: *mut c_void);
    fn php_unserialize_with_options(
        out: *mut Zval,
        bytes: *const c_char,
        len: usize,
        options: *mut ZendHashTable,
        function: *const c_char,
    );
    fn php_json_encode_ex(buffer: *mut Made, value: *mut Zval, options: c_int, depth: i64)
    -> c_int;
    fn php_json_decode_ex(
        out: *mut Zval,
        bytes: *const c_char,
        len: usize,
        options: i64,
        depth: i64,
    ) -> c_int;
}

/// `PHP_JSON_PARSER_DEFAULT_DEPTH`, as php-memcached gives it, and the encoder's own default.
const JSON_DEPTH: i64 = 512;
/// `PHP_JSON_OBJECT_AS_ARRAY`.
const AS_ARRAY: i64 = 1;

/// Serializes `value`, running its `__serialize` or `__sleep`. `None` if that threw.
pub fn serialize(value: &Zval) -> Option<Made> {
    let mut made = Made::new();
    // SAFETY: what `serialize()` itself does. `value` is an argument (or an element of one) that the frame keeps
    // alive; the serializer only reads it, in spite of the pointer's type.
    unsafe {
        let mut data = php_var_serialize_init();
        php_var_serialize(&raw mut made, ptr::from_ref(value).cast_mut(), &raw mut data);
        php_var_serialize_destroy(data);
    }
    (!thrown()).then_some(made)
}

/// Rebuilds a value into `out`, running its `__unserialize` or `__wakeup`. False if the bytes are damaged (the engine
/// has then raised its own notice) or an exception is under way. A zero stands behind the bytes.
pub fn unserialize(bytes: &[u8], out: &mut Zval) -> bool {
    out.set_null();
    let mut options = allowed_classes();
    let given = options.as_mut().map_or(ptr::null_mut(), |options| &raw mut **options);
    // SAFETY: what `unserialize()` itself does; it reads `len` bytes and the options, and fills `out`.
    unsafe {
        php_unserialize_with_options(
            out,
            bytes.as_ptr().cast(),
            bytes.len(),
            given,
            c"unserialize".as_ptr(),
        );
    }
    !thrown() && (!out.is_false() || bytes == b"b:0;")
}

/// May any class be made? Serializers that know no list of classes are read only then.
pub fn is_any_class_allowed() -> bool {
    ini::text(ini::UNSERIALIZE_ALLOWED_CLASSES, |classes| classes.trim_ascii() == b"*")
}

/// The options of `unserialize()` that php.ini asks for; `None` if it allows every class.
fn allowed_classes() -> Option<ZBox<ZendHashTable>> {
    if is_any_class_allowed() {
        return None;
    }
    let classes = ini::text(ini::UNSERIALIZE_ALLOWED_CLASSES, |classes| {
        let mut names = ZendHashTable::new();
        for name in classes.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let name = name.strip_prefix(b"\\").unwrap_or(name);
            if name.is_empty() {
                continue;
            }
            let mut zval = Zval::new();
            zval.set_zend_string(ZendStr::new(name, false));
            // A table just made refuses nothing.
            let _ = names.push(zval);
        }
        names
    });
    let mut options = ZendHashTable::new();
    let _ = options.insert("allowed_classes", classes);
    Some(options)
}

/// `json_encode()`, running `jsonSerialize()`. `Ok(None)` if that threw; else `Err` with what PHP says.
pub fn json_encode(value: &Zval) -> Result<Option<Made>, String> {
    let mut made = Made::new();
    // SAFETY: what `json_encode()` itself does; as in `serialize`.
    let done = unsafe {
        php_json_encode_ex(&raw mut made, ptr::from_ref(value).cast_mut(), 0, JSON_DEPTH)
    };
    if thrown() {
        return Ok(None);
    }
    // An INF is an error to `json_encode()`, but not to what it calls, which only notes it.
    match done == 0 && ask("json_last_error").long() == Some(0) {
        true => Ok(Some(made)),
        false => Err(ask("json_last_error_msg").string().unwrap_or_default()),
    }
}

/// `json_decode()`; false if the bytes are no JSON. A zero stands behind the bytes.
pub fn json_decode(bytes: &[u8], as_array: bool, out: &mut Zval) -> bool {
    out.set_null();
    let options = if as_array { AS_ARRAY } else { 0 };
    // SAFETY: what `json_decode()` itself does; the scanner reads `len` bytes and the zero behind them.
    let done =
        unsafe { php_json_decode_ex(out, bytes.as_ptr().cast(), bytes.len(), options, JSON_DEPTH) };
    done == 0 && !thrown()
}

/// What a function of PHP's answers that takes nothing; null if there is none.
fn ask(function: &str) -> Zval {
    let mut name = Zval::new();
    name.set_zend_string(ZendStr::new(function, false));
    name.try_call(vec![]).unwrap_or_default()
}
