//! APCu's functions on the cache of php.ini, where php.ini asks for them (`nearcache.apcu_compat`) and APCu is not loaded.
//!
//! They read and write the same items as `NearCache\Cache` does: what one face stores the other finds. Where APCu and
//! memcached differ it is said in the README.

mod count;
mod entry;
mod info;
mod item;
mod iterator;
mod signature;

use crate::handle::Handle;
use crate::modules::Module;
use crate::zend::call::{Answer, Call, run};
use crate::{ini, registry};
use ext_php_rs::flags::IniEntryPermission;
use ext_php_rs::types::{ZendStr, Zval};
use ext_php_rs::zend::{ExecuteData, IniEntryDef, IniEntryDefs};
use signature::{
    ARRAY, BOOL, CALLABLE, FALSE, INT, MIXED, NULL, Param, STRING, SUCCESS, Signature, UNTYPED,
    may, must,
};
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::sync::OnceLock;

/// What PHP is to know of it.
pub fn module() -> Module {
    Module {
        name: c"apcu",
        // The APCu whose interface it is.
        version: c"5.1.22",
        functions: functions(),
        startup,
        shutdown: Some(shutdown),
    }
}

const KEY: Param = must(c"key", STRING);
const KEYS: Param = must(c"key", UNTYPED);
const TTL: Param = may(c"ttl", INT, c"0");
const LIMITED: Param = may(c"limited", BOOL, c"false");
const STORE: &[Param] = &[KEYS, may(c"value", MIXED, c""), TTL];
const COUNT: &[Param] = &[KEY, may(c"step", INT, c"1"), SUCCESS, TTL];

const fn function(
    name: &'static std::ffi::CStr,
    handler: signature::Handler,
    params: &'static [Param],
    required: usize,
    returns: u32,
) -> Signature {
    Signature { name, handler, params, required, returns }
}

const FUNCTIONS: [Signature; 14] = [
    function(c"apcu_clear_cache", info::clear, &[], 0, BOOL),
    function(c"apcu_cache_info", info::cache, &[LIMITED], 0, ARRAY | FALSE),
    function(c"apcu_key_info", info::key, &[KEY], 1, ARRAY | NULL),
    function(c"apcu_sma_info", info::memory, &[LIMITED], 0, ARRAY | FALSE),
    function(c"apcu_enabled", info::enabled, &[], 0, BOOL),
    function(c"apcu_store", item::store, STORE, 1, ARRAY | BOOL),
    function(c"apcu_add", item::add, STORE, 1, ARRAY | BOOL),
    function(c"apcu_inc", count::inc, COUNT, 1, INT | FALSE),
    function(c"apcu_dec", count::dec, COUNT, 1, INT | FALSE),
    function(c"apcu_cas", count::cas, &[KEY, must(c"old", INT), must(c"new", INT)], 3, BOOL),
    function(c"apcu_fetch", item::fetch, &[KEYS, SUCCESS], 1, MIXED),
    function(c"apcu_exists", item::exists, &[KEYS], 1, ARRAY | BOOL),
    function(c"apcu_delete", item::delete, &[KEYS], 1, ARRAY | BOOL),
    function(c"apcu_entry", entry::entry, &[KEY, must(c"callback", CALLABLE), TTL], 2, MIXED),
];

fn functions() -> *const ext_php_rs::zend::FunctionEntry {
    /// The address of a table that stays: FrankenPHP starts the module more than once.
    static TABLE: OnceLock<usize> = OnceLock::new();
    *TABLE.get_or_init(|| signature::table(&FUNCTIONS).expose_provenance()) as *const _
}

/// What programs ask before they use APCu. A value that php.ini has for them is shown, and means nothing here.
static SETTINGS: IniEntryDefs<3> = IniEntryDefs::new([
    IniEntryDef::new(c"apc.enabled", c"1", IniEntryPermission::System),
    IniEntryDef::new(c"apc.enable_cli", c"1", IniEntryPermission::System),
    IniEntryDef::end(),
]);

const CONSTANTS: [(&std::ffi::CStr, i64); 2] = [(c"APC_LIST_ACTIVE", 1), (c"APC_LIST_DELETED", 2)];

// From Zend/zend_constants.h.
unsafe extern "C" {
    fn zend_register_long_constant(
        name: *const c_char,
        length: usize,
        value: i64,
        flags: c_int,
        module: c_int,
    );
}

unsafe extern "C" fn startup(_kind: c_int, module: c_int) -> c_int {
    /// `CONST_PERSISTENT`.
    const PERSISTENT: c_int = 1;
    ext_php_rs::internal::startup_guard(|| {
        IniEntryDef::register(SETTINGS.as_slice(), module);
        for (name, value) in CONSTANTS.into_iter().chain(iterator::CONSTANTS) {
            // SAFETY: the name is static; the module is the one being started.
            unsafe {
                let length = name.count_bytes();
                zend_register_long_constant(name.as_ptr(), length, value, PERSISTENT, module);
            }
        }
        iterator::register()
    })
}

unsafe extern "C" fn shutdown(_kind: c_int, module: c_int) -> c_int {
    ini::stop(module);
    0
}

/// What a thread keeps of the cache of php.ini, from one start of the module to its stop.
struct Face {
    stops: u64,
    handle: Option<Handle>,
}

thread_local! {
    static FACE: UnsafeCell<Option<Face>> = const { UnsafeCell::new(None) };
}

/// The cache of php.ini, as these functions see it; `None` if there is none.
#[inline]
fn face<'a>() -> Option<&'a Handle> {
    FACE.with(|face| {
        let stops = registry::stops();
        // SAFETY: of this thread alone. It is replaced only after the module was stopped and started again, and no call
        // of the module goes on over that: so no reference that this gave out is in use then.
        unsafe {
            if (*face.get()).as_ref().is_none_or(|face| face.stops != stops) {
                *face.get() = Some(Face { stops, handle: registry::shared().map(Handle::new) });
            }
            (*face.get()).as_ref().and_then(|face| face.handle.as_ref())
        }
    })
}

/// Runs a function's body with the cache; without one the answer is false, and so is `$success`, if it has that parameter.
#[inline]
fn with(
    frame: &ExecuteData,
    out: &mut Zval,
    counts: (u32, u32),
    success: Option<usize>,
    body: impl FnOnce(&Call<'_>, &Handle, &mut Zval) -> Answer,
) {
    run(frame, out, counts, |call, out| match face() {
        Some(face) => body(call, face, out),
        None => {
            out.set_bool(false);
            success.map_or(Ok(()), |index| call.assign_bool(index, false))
        }
    });
}

/// A string of PHP's with these bytes.
fn text(bytes: &[u8]) -> Zval {
    let mut text = Zval::new();
    text.set_zend_string(ZendStr::new(bytes, false));
    text
}
