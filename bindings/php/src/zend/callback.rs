//! Calls of PHP code: the read-through callback of `get`, `function (Cache $cache, string $key, mixed &$value,
//! int &$expiration): bool`, the callback of `getDelayed`, the producer of `remember`.
//!
//! The first has two parameters that are references, which ext-php-rs's calls cannot pass; so they are made here.

use super::call::Thrown;
use super::thrown;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::ffi::{
    _call_user_function_impl, IS_LONG, IS_NULL, IS_REFERENCE, IS_REFERENCE_EX, zend_reference,
};
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use std::alloc::Layout;
use std::ptr;

/// What a callback made.
pub struct Made {
    /// The value to be stored.
    pub value: Zval,
    /// Its expiration, as memcached reads it.
    pub expiration: i64,
}

/// Calls `callback` for the value of `key`. `None` if it returned anything but a true value.
pub fn ask(callback: &Zval, object: Zval, key: &[u8]) -> Result<Option<Made>, Thrown> {
    let mut name = Zval::new();
    name.set_zend_string(ZendStr::new(key, false));
    let mut expiration = Zval::new();
    expiration.set_long(0);
    let mut arguments =
        [object, name, reference(Zval::null(), IS_NULL), reference(expiration, IS_LONG)];
    let said = call(callback, &mut arguments)?;
    if !said.dereference().coerce_to_bool() {
        return Ok(None);
    }
    Ok(Some(Made {
        value: arguments[2].dereference().shallow_clone(),
        expiration: arguments[3].dereference().coerce_to_long().unwrap_or(0),
    }))
}

/// Calls `callback` with the cache and an item, and forgets what it returns.
pub fn tell(callback: &Zval, object: Zval, item: ZBox<ZendHashTable>) -> Result<(), Thrown> {
    let mut array = Zval::new();
    array.set_hashtable(item);
    call(callback, &mut [object, array]).map(drop)
}

/// Calls `producer` with these arguments, and makes `out` what it returns.
pub fn produce(producer: &Zval, arguments: &mut [Zval], out: &mut Zval) -> Result<(), Thrown> {
    let said = call(producer, arguments)?;
    *out = match said.is_reference() {
        true => said.dereference().shallow_clone(),
        false => said,
    };
    Ok(())
}

fn call(callback: &Zval, arguments: &mut [Zval]) -> Result<Zval, Thrown> {
    let mut said = Zval::new();
    // SAFETY: the engine copies the arguments into the callee's frame; they and `said` outlive the call. A callback that
    // throws leaves `said` undefined, which is what it is already.
    unsafe {
        _call_user_function_impl(
            ptr::null_mut(),
            ptr::from_ref(callback).cast_mut(),
            &raw mut said,
            arguments.len() as u32,
            arguments.as_mut_ptr(),
            ptr::null_mut(),
        );
    }
    if thrown() {
        return Err(Thrown);
    }
    Ok(said)
}

/// A reference to `value` (a null or an int, so of `kind`), counted once.
fn reference(value: Zval, kind: u32) -> Zval {
    /// `GC_NOT_COLLECTABLE`, which every reference carries.
    const NOT_COLLECTABLE: u32 = 1 << 4;
    let made = ext_php_rs::alloc::emalloc(Layout::new::<zend_reference>()).cast::<zend_reference>();
    let mut zval = Zval::new();
    // SAFETY: emalloc gives room for a reference or does not return. Every field is written: the count, the type, the
    // value (a scalar, so its bits are all of it), and no typed property that it would be bound to.
    unsafe {
        (*made).gc.refcount = 1;
        (*made).gc.u.type_info = IS_REFERENCE | NOT_COLLECTABLE;
        (*made).val.value.lval = value.value.lval;
        (*made).val.u1.type_info = kind;
        (*made).sources.ptr = ptr::null_mut();
    }
    zval.value.ref_ = made;
    zval.u1.type_info = IS_REFERENCE_EX;
    zval
}
