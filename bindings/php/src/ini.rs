//! The settings of php.ini: their names, defaults and rules, and how they are read.
//!
//! Nothing here may take a server down: a value that breaks its rule is a warning in the log, and the setting stays what it
//! was. What the settings about the shared cache mean together is in `shared`.

use crate::number::parse_u64;
use crate::options::parse_size;
use ext_php_rs::ffi::{
    E_CORE_WARNING, ZEND_RESULT_CODE_FAILURE, ZEND_RESULT_CODE_SUCCESS, zend_ini_entry,
};
use ext_php_rs::flags::IniEntryPermission;
use ext_php_rs::types::ZendStr;
use ext_php_rs::zend::{IniEntryDef, IniEntryDefs};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::panic::catch_unwind;

/// 0: none of this extension's caches is mapped for php.ini.
pub const ENABLED: &CStr = c"nearcache.enabled";
/// Do the command line's processes take part, too?
pub const ENABLE_CLI: &CStr = c"nearcache.enable_cli";
/// The memory limit of the cache of php.ini; 0 for none.
pub const MEMORY_SIZE: &CStr = c"nearcache.memory_size";
/// The cache to share, by name or by absolute path; empty for one that only the workers forked from one process have.
pub const SEGMENT: &CStr = c"nearcache.segment";
/// Who shares it.
pub const ISOLATION: &CStr = c"nearcache.isolation";
/// The permission bits of a segment's file that is made, in octal.
pub const PERMISSIONS: &CStr = c"nearcache.permissions";
/// The largest item of the cache of php.ini.
pub const ITEM_SIZE_LIMIT: &CStr = c"nearcache.item_size_limit";
/// The expiration of what is stored without one.
pub const DEFAULT_TTL: &CStr = c"nearcache.default_ttl";

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

/// Be `\Memcached`, too, where its extension is not loaded (`memcached`).
pub const MEMCACHED_ALIAS: &CStr = c"nearcache.memcached_alias";
/// Have APCu's functions, where it is not loaded (`apcu`).
pub const APCU_COMPAT: &CStr = c"nearcache.apcu_compat";

/// Of sessions (`session`), named and meant as those of `memcached.sess_`.
pub const SESS_LOCKING: &CStr = c"nearcache.sess_locking";
/// See [`SESS_LOCKING`].
pub const SESS_LOCK_WAIT_MIN: &CStr = c"nearcache.sess_lock_wait_min";
/// See [`SESS_LOCKING`].
pub const SESS_LOCK_WAIT_MAX: &CStr = c"nearcache.sess_lock_wait_max";
/// See [`SESS_LOCKING`].
pub const SESS_LOCK_RETRIES: &CStr = c"nearcache.sess_lock_retries";
/// See [`SESS_LOCKING`].
pub const SESS_LOCK_EXPIRE: &CStr = c"nearcache.sess_lock_expire";
/// See [`SESS_LOCKING`].
pub const SESS_PREFIX: &CStr = c"nearcache.sess_prefix";

/// What a setting's value must be.
enum Rule {
    /// Anything: whoever reads it has rules of his own.
    Text,
    /// At most so many bytes.
    Short(usize),
    /// As PHP's own switches.
    Switch,
    /// A whole number between these.
    Number(i64, i64),
    /// A number of 1 or more, with or without a fraction.
    Factor,
    /// Bytes, between these, with K, M or G; or 0.
    Size(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Permission bits.
    Octal,
}

/// A setting, as the engine hands it back when its value is to change.
struct Setting {
    name: &'static CStr,
    default: &'static CStr,
    rule: Rule,
}

impl Setting {
    const fn new(name: &'static CStr, default: &'static CStr, rule: Rule) -> Setting {
        Setting { name, default, rule }
    }

    const fn entry(&'static self, permission: IniEntryPermission) -> IniEntryDef {
        let mut entry = IniEntryDef::new(self.name, self.default, permission);
        entry.on_modify = Some(on_modify);
        entry.mh_arg1 = std::ptr::from_ref(self).cast_mut().cast();
        entry
    }
}

const YEARS: i64 = 1 << 31;
const TERABYTES: u64 = nearcache::Options::SIZE_MAX;

static SETTINGS: [Setting; 24] = [
    Setting::new(ENABLED, c"1", Rule::Switch),
    Setting::new(ENABLE_CLI, c"0", Rule::Switch),
    Setting::new(
        MEMORY_SIZE,
        c"64M",
        Rule::Size(nearcache::Options::SIZE_MIN, nearcache::Options::SIZE_MAX),
    ),
    // These two are judged by `shared`, which shares nothing rather than share with others than were meant.
    Setting::new(SEGMENT, c"", Rule::Text),
    Setting::new(ISOLATION, c"shared", Rule::Text),
    Setting::new(PERMISSIONS, c"0600", Rule::Octal),
    Setting::new(ITEM_SIZE_LIMIT, c"1M", Rule::Size(1 << 10, 1 << 30)),
    Setting::new(UNSERIALIZE_ALLOWED_CLASSES, c"*", Rule::Text),
    Setting::new(L1_SIZE, c"8M", Rule::Size(0, TERABYTES)),
    Setting::new(MEMCACHED_ALIAS, c"0", Rule::Switch),
    Setting::new(APCU_COMPAT, c"0", Rule::Switch),
    Setting::new(DEFAULT_TTL, c"0", Rule::Number(0, YEARS)),
    Setting::new(
        SERIALIZER,
        c"php",
        Rule::Word(&["php", "igbinary", "json", "json_array", "msgpack", "portable"]),
    ),
    Setting::new(COMPRESSION, c"0", Rule::Switch),
    Setting::new(COMPRESSION_TYPE, c"fastlz", Rule::Word(&["fastlz", "zlib", "zstd"])),
    Setting::new(COMPRESSION_LEVEL, c"3", Rule::Number(-7, 22)),
    Setting::new(COMPRESSION_THRESHOLD, c"2000", Rule::Number(0, 1 << 30)),
    Setting::new(COMPRESSION_FACTOR, c"1.3", Rule::Factor),
    Setting::new(SESS_LOCKING, c"1", Rule::Switch),
    Setting::new(SESS_LOCK_WAIT_MIN, c"150", Rule::Number(0, 60_000)),
    Setting::new(SESS_LOCK_WAIT_MAX, c"150", Rule::Number(0, 60_000)),
    Setting::new(SESS_LOCK_RETRIES, c"5", Rule::Number(0, 1_000_000)),
    Setting::new(SESS_LOCK_EXPIRE, c"0", Rule::Number(0, YEARS)),
    Setting::new(SESS_PREFIX, c"memc.sess.key.", Rule::Short(150)),
];

/// So many of them, the first, are of the server; a script may change the others.
const OF_THE_SERVER: usize = 11;

static TABLE: IniEntryDefs<25> = IniEntryDefs::new(table());

const fn table() -> [IniEntryDef; 25] {
    let mut table = [const { IniEntryDef::end() }; 25];
    let mut at = 0;
    while at < SETTINGS.len() {
        table[at] = SETTINGS[at].entry(match at < OF_THE_SERVER {
            true => IniEntryPermission::System,
            false => IniEntryPermission::All,
        });
        at += 1;
    }
    table
}

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
    fn zend_ini_parse_bool(text: *mut ZendStr) -> bool;
}

/// `ZEND_INI_STAGE_STARTUP`.
const STARTUP: c_int = 1;

/// MINIT: makes the settings known.
pub fn start(module: c_int) {
    IniEntryDef::register(TABLE.as_slice(), module);
}

/// MSHUTDOWN: the settings go with the module.
pub fn stop(module: c_int) {
    // SAFETY: called while the engine stops the module that registered them.
    unsafe { zend_unregister_ini_entries(module) };
}

/// The engine asks whether a setting may have a value: php.ini's, a pool's, or what a script gave to `ini_set`.
unsafe extern "C" fn on_modify(
    _entry: *mut zend_ini_entry,
    value: *mut ZendStr,
    setting: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    stage: c_int,
) -> c_int {
    // SAFETY: the table's own setting, which is static.
    let setting = unsafe { &*setting.cast_const().cast::<Setting>() };
    // SAFETY: null, or the value that the engine holds while it asks.
    let value = unsafe { value.as_ref() }.map_or(&b""[..], |value| value.as_bytes());
    let sentence = catch_unwind(|| match setting.rule.holds(value) {
        true => None,
        false => Some(format!(
            "{} is \"{}\": it must be {}; it stays {:?}",
            setting.name.to_string_lossy(),
            String::from_utf8_lossy(value),
            setting.rule,
            match stage {
                STARTUP => setting.default.to_string_lossy().into_owned(),
                _ => String::from_utf8_lossy(&self::value(setting.name)).into_owned(),
            },
        )),
    });
    match sentence {
        Ok(None) => ZEND_RESULT_CODE_SUCCESS,
        Ok(Some(sentence)) => {
            warn_at(stage, &sentence);
            ZEND_RESULT_CODE_FAILURE
        }
        Err(_) => ZEND_RESULT_CODE_FAILURE,
    }
}

impl Rule {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Rule::Text => true,
            Rule::Short(most) => value.len() <= *most,
            // PHP's own reading takes any other word for off, which is how a typing error turns a switch off.
            Rule::Switch => {
                matches!(value.to_ascii_lowercase().as_slice(), b"true" | b"yes" | b"on" | b"1")
                    || matches!(
                        value.to_ascii_lowercase().as_slice(),
                        b"false" | b"no" | b"off" | b"none" | b"0" | b""
                    )
            }
            Rule::Number(least, most) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .is_some_and(|number| (*least..=*most).contains(&number)),
            Rule::Factor => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse::<f64>().ok())
                .is_some_and(|factor| factor.is_finite() && factor >= 1.0),
            Rule::Size(least, most) => {
                parse_size(value).is_some_and(|size| size == 0 || (*least..=*most).contains(&size))
            }
            Rule::Word(words) => words.iter().any(|word| word.as_bytes() == value),
            Rule::Octal => octal(value).is_some(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Text => write!(out, "text"),
            Rule::Short(most) => write!(out, "at most {most} bytes"),
            Rule::Switch => write!(out, "1 or 0 (on or off)"),
            Rule::Number(least, most) => write!(out, "a number between {least} and {most}"),
            Rule::Factor => write!(out, "a number of 1 or more, as in 1.3"),
            Rule::Size(least, most) => write!(
                out,
                "a number of bytes between {} and {most}, as in 64M (K, M and G count 1024, 1024 K and 1024 M){}",
                least,
                if *least > 0 { ", or 0" } else { "" }
            ),
            Rule::Word(words) => write!(out, "one of {}", words.join(", ")),
            Rule::Octal => write!(out, "permission bits in octal, 0 to 0777, as in 0600"),
        }
    }
}

fn octal(value: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(value).ok()?;
    u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= 0o777)
}

fn warn_at(stage: c_int, sentence: &str) {
    /// `ZEND_INI_STAGE_RUNTIME`: a script's `ini_set`.
    const RUNTIME: c_int = 1 << 4;
    match stage {
        RUNTIME => crate::zend::warn(sentence),
        STARTUP => log(&format!("PHP Startup: {sentence}")),
        // A pool's value, or a directory's: no script runs yet.
        _ => log(sentence),
    }
}

/// A warning in the server's log, which no script's handler sees. Not by `php_error_docref`, which would write its
/// quotation marks as HTML's.
pub fn log(sentence: &str) {
    if let Ok(sentence) = CString::new(sentence.replace('\0', "\\0")) {
        // SAFETY: the format takes one C string. A warning of this level comes back.
        unsafe { zend_error(E_CORE_WARNING as c_int, c"%s".as_ptr(), sentence.as_ptr()) };
    }
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
    let text = text(name, |text| ZendStr::new(text, false).into_raw());
    // SAFETY: reads a string that was just made, which the release frees.
    unsafe {
        let is_on = zend_ini_parse_bool(text);
        drop(ext_php_rs::boxed::ZBox::from_raw(text));
        is_on
    }
}

/// A number that its rule has let pass.
pub fn number(name: &CStr) -> u64 {
    parse_u64(&value(name)).unwrap_or(0)
}

/// A size in bytes that its rule has let pass.
pub fn size(name: &CStr) -> u64 {
    parse_size(&value(name)).unwrap_or(0)
}

/// Permission bits that their rule has let pass.
pub fn bits(name: &CStr) -> u32 {
    octal(&value(name)).unwrap_or(0o600)
}
