//! Signatures of functions and methods, as PHP's own extensions have them generated from their stubs: with union types,
//! references and untyped parameters, which ext-php-rs's builders cannot say.

use ext_php_rs::args::ArgInfo;
use ext_php_rs::ffi::{
    _ZEND_SEND_MODE_SHIFT, IS_ARRAY, IS_CALLABLE, IS_FALSE, IS_LONG, IS_NULL, IS_STRING, IS_TRUE,
    IS_VOID, MAY_BE_ANY, zend_function, zend_hash_str_find_ptr_lc,
};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ClassEntry, ExecuteData, FunctionEntry};
use std::ffi::CStr;

/// What runs when it is called.
pub type Handler = extern "C" fn(&mut ExecuteData, &mut Zval);

/// No type is written.
pub const UNTYPED: u32 = 0;
pub const FALSE: u32 = 1 << IS_FALSE;
pub const BOOL: u32 = 1 << IS_TRUE | FALSE;
pub const INT: u32 = 1 << IS_LONG;
pub const STRING: u32 = 1 << IS_STRING;
pub const ARRAY: u32 = 1 << IS_ARRAY;
pub const NULL: u32 = 1 << IS_NULL;
pub const CALLABLE: u32 = 1 << IS_CALLABLE;
pub const VOID: u32 = 1 << IS_VOID;
pub const MIXED: u32 = MAY_BE_ANY;

/// A parameter.
#[derive(Clone, Copy)]
pub struct Param {
    name: &'static CStr,
    types: u32,
    default: Option<&'static CStr>,
}

/// One that must be given.
pub const fn must(name: &'static CStr, types: u32) -> Param {
    Param { name, types, default: None }
}

/// One that may be left out.
pub const fn may(name: &'static CStr, types: u32, default: &'static CStr) -> Param {
    Param { name, types, default: Some(default) }
}

/// `&$success = null`.
pub const SUCCESS: Param = may(c"success", 1 << _ZEND_SEND_MODE_SHIFT, c"null");

/// A function, or a method.
pub struct Signature {
    /// Its name.
    pub name: &'static CStr,
    /// What runs when it is called.
    pub handler: Handler,
    /// Its parameters.
    pub params: &'static [Param],
    /// How many of them must be given.
    pub required: usize,
    /// What it returns.
    pub returns: u32,
}

impl Signature {
    /// As the engine keeps it: what is returned, then each parameter. It stays for good.
    fn infos(&self) -> &'static mut [ArgInfo] {
        let info = |name, types, default: Option<&'static CStr>| {
            // SAFETY: a zeroed one is valid; what differs between versions of PHP is nothing then.
            let mut info: ArgInfo = unsafe { std::mem::zeroed() };
            info.name = name;
            info.type_.type_mask = types;
            info.default_value = default.map_or(std::ptr::null(), CStr::as_ptr);
            info
        };
        let mut infos = vec![info(self.required as *const _, self.returns, None)];
        for param in self.params {
            // A default that is no constant expression is not shown, as in a stub with `UNKNOWN`.
            let default = param.default.filter(|default| !default.is_empty());
            infos.push(info(param.name.as_ptr(), param.types, default));
        }
        Box::leak(infos.into_boxed_slice())
    }
}

/// The table of functions of a module, which stays for good.
pub fn table(signatures: &[Signature]) -> *const FunctionEntry {
    let mut table: Vec<FunctionEntry> = signatures
        .iter()
        .map(|signature| {
            let mut entry = FunctionEntry::end();
            entry.fname = signature.name.as_ptr();
            // SAFETY: the engine calls it with a frame and a place for the answer, neither of which is null.
            entry.handler = Some(unsafe {
                std::mem::transmute::<Handler, unsafe extern "C" fn(*mut ExecuteData, *mut Zval)>(
                    signature.handler,
                )
            });
            entry.arg_info = signature.infos().as_ptr();
            entry.num_args = signature.params.len() as u32;
            entry
        })
        .collect();
    table.push(FunctionEntry::end());
    Box::leak(table.into_boxed_slice()).as_ptr()
}

/// Gives the methods of a class that was just registered their signatures.
pub fn sign(class: &ClassEntry, signatures: &[Signature]) {
    for signature in signatures {
        // SAFETY: this thread alone knows of the class; its table holds its methods under these names. The engine's pointer
        // is past what is returned.
        unsafe {
            let function = zend_hash_str_find_ptr_lc(
                &raw const class.function_table,
                signature.name.as_ptr(),
                signature.name.count_bytes(),
            )
            .cast::<zend_function>();
            if !function.is_null() {
                let function = &mut (*function).internal_function;
                function.arg_info = signature.infos().as_mut_ptr().add(1);
                function.num_args = signature.params.len() as u32;
                function.required_num_args = signature.required as u32;
            }
        }
    }
}
