//! Modules that this one stands in for: `memcached` and `apcu`, where php.ini asks for it and they are not loaded.
//!
//! They are modules to PHP, too, with a name and a version, for that is what programs ask for: Symfony's adapter wants
//! `extension_loaded('memcached')` and `phpversion('memcached')`.
//!
//! PHP loads all modules of php.ini before it starts the first. So when this one starts, whatever is loaded is known,
//! in whatever order php.ini names it; and a module that is made known now is started in its turn.

use crate::{apcu, ini, memcached};
use ext_php_rs::ffi::{zend_hash_str_find, zend_module_entry};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{FunctionEntry, ModuleEntry};
use std::ffi::{CStr, c_int};

/// A module to stand in for.
pub struct Module {
    /// Its name.
    pub name: &'static CStr,
    /// The version whose interface it has.
    pub version: &'static CStr,
    /// Its functions, with an end.
    pub functions: *const FunctionEntry,
    /// Its own start, in which it makes its classes and settings known.
    pub startup: unsafe extern "C" fn(c_int, c_int) -> c_int,
    /// Its settings, if it has any, go here.
    pub shutdown: Option<unsafe extern "C" fn(c_int, c_int) -> c_int>,
}

// From Zend/zend_modules.h and Zend/zend_API.h.
unsafe extern "C" {
    static mut module_registry: ZendHashTable;
    fn zend_register_internal_module(module: *mut zend_module_entry) -> *mut zend_module_entry;
}

/// MINIT, at its end: makes known what php.ini asks for and nobody else is.
pub fn start(kind: c_int) {
    /// `MODULE_PERSISTENT`: loaded by php.ini, and not by a script's `dl()`.
    const PERSISTENT: c_int = 1;
    if kind != PERSISTENT {
        return;
    }
    for (setting, module) in
        [(ini::MEMCACHED_ALIAS, memcached::module()), (ini::APCU_COMPAT, apcu::module())]
    {
        if ini::truth(setting) && find(module.name).is_none() {
            stand_in(module);
        }
    }
}

fn find(name: &CStr) -> Option<*mut ModuleEntry> {
    // SAFETY: the engine's table of modules, which this thread alone uses while it starts them; its values are pointers.
    unsafe {
        let found: *const Zval =
            zend_hash_str_find(&raw const module_registry, name.as_ptr(), name.count_bytes());
        found.as_ref().map(|found| found.value.ptr.cast())
    }
}

fn stand_in(module: Module) {
    let Some(own) = find(c"nearcache") else {
        return;
    };
    // What depends on the build (the interface's numbers) is as in the module that PHP has accepted.
    // SAFETY: the entry that PHP starts at this moment.
    let mut entry = unsafe { *own };
    entry.name = module.name.as_ptr();
    entry.version = module.version.as_ptr();
    entry.functions = module.functions;
    entry.module_startup_func = Some(module.startup);
    entry.module_shutdown_func = module.shutdown;
    entry.request_startup_func = None;
    entry.request_shutdown_func = None;
    entry.post_deactivate_func = None;
    entry.info_func = None;
    entry.globals_size = 0;
    entry.globals_ctor = None;
    entry.globals_dtor = None;
    entry.module_started = 0;
    // The library is closed with the module that was loaded from it.
    entry.handle = std::ptr::null_mut();
    // SAFETY: the entry stays for good, as PHP expects. It appends it to its table, which it is walking through to start
    // all modules, so this one is started last.
    unsafe { zend_register_internal_module(Box::leak(Box::new(entry))) };
}
