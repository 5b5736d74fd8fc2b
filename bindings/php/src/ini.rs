//! The settings of php.ini, and the cache they ask for: mapped once when the module starts, before PHP-FPM and
//! Apache fork their workers, so that all of them share it.
//!
//! Nothing here may take a server down: what cannot be mapped is a warning in the log, and a private cache instead.

use crate::options::{self, parse_size};
use crate::registry::{self, Wish};
use ext_php_rs::ffi::sapi_module;
use ext_php_rs::flags::{ErrorType, IniEntryPermission};
use ext_php_rs::zend::{IniEntryDef, IniEntryDefs};
use nearcache::Home;
use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::catch_unwind;

/// The cache to share, by name or by absolute path; empty for one that only the workers forked from this process have.
const SEGMENT: &CStr = c"nearcache.segment";
/// Its memory limit. 0: none is shared, unless a segment is named, which then has the default size.
const SIZE: &CStr = c"nearcache.size";
/// Do the command line's processes map it, too?
const ENABLE_CLI: &CStr = c"nearcache.enable_cli";

/// The permission bits of a segment's file that is made, in octal.
const PERMISSIONS: &CStr = c"nearcache.permissions";

/// How values are written (`settings`); read when an object is made.
pub const SERIALIZER: &CStr = c"nearcache.serializer";
/// See [`SERIALIZER`].
pub const COMPRESSION: &CStr = c"nearcache.compression";
/// See [`SERIALIZER`].
pub const COMPRESSION_TYPE: &CStr = c"nearcache.compression_type";
/// See [`SERIALIZER`].
pub const COMPRESSION_LEVEL: &CStr = c"nearcache.compression_level";
/// See [`SERIALIZER`].
pub const COMPRESSION_THRESHOLD: &CStr = c"nearcache.compression_threshold";
/// See [`SERIALIZER`].
pub const COMPRESSION_FACTOR: &CStr = c"nearcache.compression_factor";
/// Which classes `unserialize` may make: `*` for all, empty for none, or names between commas.
pub const UNSERIALIZE_ALLOWED_CLASSES: &CStr = c"nearcache.unserialize_allowed_classes";
/// Room for decoded arrays in each worker (`l1`); 0 for none.
pub const L1_SIZE: &CStr = c"nearcache.l1_size";

static TABLE: IniEntryDefs<13> = IniEntryDefs::new([
    IniEntryDef::new(SEGMENT, c"", IniEntryPermission::System),
    IniEntryDef::new(SIZE, c"0", IniEntryPermission::System),
    IniEntryDef::new(ENABLE_CLI, c"0", IniEntryPermission::System),
    IniEntryDef::new(PERMISSIONS, c"0600", IniEntryPermission::System),
    IniEntryDef::new(SERIALIZER, c"php", IniEntryPermission::All),
    IniEntryDef::new(COMPRESSION, c"0", IniEntryPermission::All),
    IniEntryDef::new(COMPRESSION_TYPE, c"fastlz", IniEntryPermission::All),
    IniEntryDef::new(COMPRESSION_LEVEL, c"3", IniEntryPermission::All),
    IniEntryDef::new(COMPRESSION_THRESHOLD, c"2000", IniEntryPermission::All),
    IniEntryDef::new(COMPRESSION_FACTOR, c"1.3", IniEntryPermission::All),
    IniEntryDef::new(UNSERIALIZE_ALLOWED_CLASSES, c"*", IniEntryPermission::System),
    IniEntryDef::new(L1_SIZE, c"8M", IniEntryPermission::System),
    IniEntryDef::end(),
]);

// From Zend/zend_ini.h and Zend/zend.h, the same since PHP 8.0.
unsafe extern "C" {
    fn zend_ini_string_ex(
        name: *const c_char,
        length: usize,
        original: bool,
        exists: *mut bool,
    ) -> *mut c_char;
    fn zend_error(kind: c_int, format: *const c_char, ...);
    fn zend_unregister_ini_entries(module: c_int);
    fn zend_ini_parse_bool(text: *mut ext_php_rs::types::ZendStr) -> bool;
}

/// MINIT: makes the settings known and maps what they ask for.
pub fn start(module: c_int) {
    IniEntryDef::register(TABLE.as_slice(), module);
    let outcome = catch_unwind(map).unwrap_or_else(|_| Err("nearcache failed inside".to_owned()));
    if let Err(why) = outcome {
        warn(&format!(
            "PHP Startup: nearcache shares no cache, each object has one of its own: {why}"
        ));
        registry::refuse_shared(why);
    }
}

/// A warning in the server's log. Not by `php_error_docref`, which would write its quotation marks as HTML's.
fn warn(sentence: &str) {
    if let Ok(sentence) = CString::new(sentence.replace('\0', "\\0")) {
        // SAFETY: the format takes one C string. A warning of this level comes back, and no script's handler sees it.
        unsafe {
            zend_error(ErrorType::CoreWarning.bits() as c_int, c"%s".as_ptr(), sentence.as_ptr())
        };
    }
}

/// MSHUTDOWN: the settings go with the module.
pub fn stop(module: c_int) {
    // SAFETY: called while the engine stops the module that registered them.
    unsafe { zend_unregister_ini_entries(module) };
}

fn map() -> Result<(), String> {
    let (segment, size) = (value(SEGMENT), value(SIZE));
    if is_command_line() && !truth(ENABLE_CLI) {
        return Ok(());
    }
    let bytes = match size.as_slice() {
        b"" => Some(0),
        digits => parse_size(digits),
    };
    let bytes = bytes.ok_or_else(|| {
        format!(
            "nearcache.size is \"{}\": it must be a number of bytes, as in 64M (K, M and G count 1024, 1024 K and \
             1024 M), or 0 to share none",
            String::from_utf8_lossy(&size)
        )
    })?;
    let home = match segment.as_slice() {
        b"" if bytes == 0 => return Ok(()),
        b"" => Home::Inherited,
        name => options::home(name).map_err(|why| format!("nearcache.segment: {why}"))?,
    };
    let mut wish = Wish::new(if bytes == 0 { options::DEFAULT } else { bytes });
    wish.home = home;
    wish.permissions = permissions()?;
    registry::share(&wish).map_err(|error| error.to_string())
}

fn permissions() -> Result<u32, String> {
    let digits = String::from_utf8_lossy(&value(PERMISSIONS)).into_owned();
    u32::from_str_radix(&digits, 8).ok().filter(|bits| *bits <= 0o777).ok_or_else(|| {
        format!(
            "nearcache.permissions is \"{digits}\": it must be permission bits in octal, 0 to 0777, as in 0600"
        )
    })
}

/// The setting's bytes; empty if it is not set.
pub fn value(name: &CStr) -> Vec<u8> {
    let mut exists = false;
    // SAFETY: the name is closed by a zero; the answer is null or text closed by a zero, which stays at least until the
    // setting is changed, which this thread alone does.
    unsafe {
        let text = zend_ini_string_ex(name.as_ptr(), name.count_bytes(), false, &raw mut exists);
        match text.is_null() {
            true => Vec::new(),
            false => CStr::from_ptr(text).to_bytes().to_vec(),
        }
    }
}

/// What `read` makes of the setting's bytes where they lie; it must not change settings.
pub fn text<T>(name: &CStr, read: impl FnOnce(&[u8]) -> T) -> T {
    let mut exists = false;
    // SAFETY: as in `value`.
    unsafe {
        let text = zend_ini_string_ex(name.as_ptr(), name.count_bytes(), false, &raw mut exists);
        read(if text.is_null() { b"" } else { CStr::from_ptr(text).to_bytes() })
    }
}

/// PHP's own reading of a switch: 1, on, yes, true.
pub fn truth(name: &CStr) -> bool {
    let text = text(name, |text| ext_php_rs::types::ZendStr::new(text, false).into_raw());
    // SAFETY: reads a string that was just made, which the release frees.
    unsafe {
        let is_on = zend_ini_parse_bool(text);
        drop(ext_php_rs::boxed::ZBox::from_raw(text));
        is_on
    }
}

fn is_command_line() -> bool {
    // SAFETY: a static of the engine's, set before any module starts; its name is closed by a zero.
    let name = unsafe { CStr::from_ptr(sapi_module.name) };
    matches!(name.to_bytes(), b"cli" | b"phpdbg")
}
