//! The classes `NearCache\Cache` and `NearCache\Exception`: their methods, parameters, types and constants.
//!
//! The table below is the API; `nearcache.stub.php` is the same for people and tools, and a test holds them equal.
//! The masks are set after the registration because ext-php-rs has no union types.

use crate::handle::Handle;
use crate::options;
use crate::reply;
use crate::verbs::{admin, change, read, remember, sharing, store};
use ext_php_rs::args::{Arg, ArgInfo};
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::{ClassMetadata, ConstructorMeta, RegisteredClass};
use ext_php_rs::convert::IntoZvalDyn;
use ext_php_rs::describe::DocComments;
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{
    IS_ARRAY, IS_CALLABLE, IS_FALSE, IS_LONG, IS_NULL, IS_STRING, IS_TRUE, MAY_BE_ANY,
    zend_function, zend_hash_str_find_ptr_lc,
};
use ext_php_rs::flags::{ClassFlags, ConstantFlags, DataType, MethodFlags};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ClassEntry, ExecuteData, ce};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The Rust half of a `NearCache\Cache`.
pub struct Php(pub Handle);

/// `\Memcached::GET_PRESERVE_ORDER`: `getMulti` gives null for a missing key, in the order asked.
pub const GET_PRESERVE_ORDER: i64 = 1;
/// `\Memcached::GET_EXTENDED`: a hit is an array of value, cas and flags.
pub const GET_EXTENDED: i64 = 2;

static METADATA: ClassMetadata<Php> = ClassMetadata::new(&[]);

static EXCEPTION: AtomicPtr<ClassEntry> = AtomicPtr::new(std::ptr::null_mut());

// From ext/spl/spl_exceptions.h; SPL is part of every PHP.
unsafe extern "C" {
    static spl_ce_RuntimeException: *mut ClassEntry;
}

/// A `NearCache\Exception` to be thrown.
pub fn exception(message: String) -> PhpException {
    PhpException::new(message, 0, exception_class())
}

/// The class `NearCache\Exception`.
pub fn exception_class() -> &'static ClassEntry {
    // SAFETY: null or the entry that MINIT stored, which lives until the module stops.
    // Acquire: pairs with the Release store of `register`.
    let class = unsafe { EXCEPTION.load(Ordering::Acquire).as_ref() };
    class.unwrap_or_else(|| ce::exception())
}

type Handler = extern "C" fn(&mut ExecuteData, &mut Zval);

/// A parameter: its name, its types, and its default if it may be left out.
type Param = (&'static str, u32, Option<&'static str>);

/// A method: its name, its handler, its parameters, and the types it returns.
type Method = (&'static str, Handler, &'static [Param], u32);

type Signature = (&'static str, &'static [Param], u32);

const BOOL: u32 = 1 << IS_TRUE | FALSE;
const FALSE: u32 = 1 << IS_FALSE;
const INT: u32 = 1 << IS_LONG;
const STR: u32 = 1 << IS_STRING;
const ARR: u32 = 1 << IS_ARRAY;
const NULL: u32 = 1 << IS_NULL;
const ANY: u32 = MAY_BE_ANY;
/// Not a mask: a `Traversable`, which has a name.
const TRAVERSABLE: u32 = 0;

const KEY: Param = ("key", STR, None);
const KEYS: Param = ("keys", ARR, None);
const VALUE: Param = ("value", ANY, None);
const EXPIRATION: Param = ("expiration", INT, Some("0"));
const GET_FLAGS: Param = ("get_flags", INT, Some("0"));
const TIME: Param = ("time", INT, Some("0"));
const COUNT: &[Param] = &[
    KEY,
    ("offset", INT | STR, Some("1")),
    ("initial_value", INT | STR, Some("0")),
    ("expiry", INT, Some("0")),
];

const METHODS: &[Method] = &[
    ("get", read::get, &[KEY, ("cache_cb", 1 << IS_CALLABLE | NULL, Some("null")), GET_FLAGS], ANY),
    ("getMulti", read::get_multi, &[KEYS, GET_FLAGS], ARR | FALSE),
    ("getAndTouch", read::get_and_touch, &[KEY, EXPIRATION, GET_FLAGS], ANY),
    ("has", read::has, &[KEY], BOOL),
    ("getRaw", read::get_raw, &[KEY, ("expiration", INT | NULL, Some("null"))], ARR | NULL),
    ("keys", read::keys, &[("prefix", STR, Some("''"))], TRAVERSABLE),
    (
        "remember",
        remember::remember,
        &[
            KEY,
            ("ttl", INT, None),
            ("producer", 1 << IS_CALLABLE, None),
            ("stale", INT, Some("0")),
            ("lease", INT, Some("30")),
        ],
        ANY,
    ),
    ("set", store::set, &[KEY, VALUE, EXPIRATION], BOOL),
    ("setMulti", store::set_multi, &[("items", ARR, None), EXPIRATION], BOOL),
    ("add", store::add, &[KEY, VALUE, EXPIRATION], BOOL),
    ("replace", store::replace, &[KEY, VALUE, EXPIRATION], BOOL),
    ("append", store::append, &[KEY, ("value", STR, None)], BOOL),
    ("prepend", store::prepend, &[KEY, ("value", STR, None)], BOOL),
    ("cas", store::cas, &[("cas_token", STR, None), KEY, VALUE, EXPIRATION], BOOL),
    (
        "storeRaw",
        store::store_raw,
        &[
            ("verb", STR, None),
            KEY,
            ("bytes", STR, None),
            ("flags", INT, Some("0")),
            EXPIRATION,
            ("cas", INT, Some("0")),
        ],
        BOOL,
    ),
    ("increment", change::increment, COUNT, INT | STR | FALSE),
    ("decrement", change::decrement, COUNT, INT | STR | FALSE),
    ("touch", change::touch, &[KEY, EXPIRATION], BOOL),
    ("delete", change::delete, &[KEY, TIME], BOOL),
    ("deleteMulti", change::delete_multi, &[KEYS, TIME], ARR),
    ("flush", change::flush, &[("delay", INT, Some("0"))], BOOL),
    ("stats", admin::stats, &[], ARR),
    ("getStats", admin::get_stats, &[("type", STR | NULL, Some("null"))], ARR),
    ("getVersion", admin::get_version, &[], ARR),
    ("getResultCode", admin::get_result_code, &[], INT),
    ("getResultMessage", admin::get_result_message, &[], STR),
    ("getLastErrorMessage", admin::get_last_error_message, &[], STR),
    ("advanceClock", admin::advance_clock, &[("seconds", INT, None)], BOOL),
    ("check", admin::check, &[], BOOL),
    ("getInfo", sharing::get_info, &[], ARR),
    ("getProcesses", sharing::get_processes, &[], ARR),
    (UNLINK, sharing::unlink, &[("name", STR, None)], BOOL),
];

/// The one that needs no object.
const UNLINK: &str = "unlink";

const CONSTRUCTOR: &[Param] = &[("memory", INT | STR, Some("'64M'")), ("options", ARR, Some("[]"))];

fn builder<'a>(mut function: FunctionBuilder<'a>, params: &[Param]) -> FunctionBuilder<'a> {
    for (name, _, default) in params {
        let mut arg = Arg::new(*name, DataType::Mixed);
        if let Some(default) = default {
            arg = arg.default(*default);
        }
        function = function.arg(arg);
    }
    function.required_args(params.iter().filter(|(_, _, default)| default.is_none()).count())
}

/// Gives the registered methods their true types, before any PHP code can see them.
fn set_types(class: &mut ClassEntry) {
    let constructor: Signature = ("__construct", CONSTRUCTOR, TRAVERSABLE);
    let methods = METHODS
        .iter()
        .map(|(name, _, params, returns)| (*name, *params, *returns))
        .chain([constructor]);
    for (name, params, returns) in methods {
        // SAFETY: the class is registered and this thread alone knows of it. Its table holds every method of METHODS
        // and the constructor, each with one `arg_info` per parameter, and before these that of the return value;
        // registration put them into memory of their own, because each has a type.
        unsafe {
            let found = zend_hash_str_find_ptr_lc(
                &raw const class.function_table,
                name.as_ptr().cast(),
                name.len(),
            );
            let function = found.cast::<zend_function>();
            if function.is_null() || (*function).internal_function.arg_info.is_null() {
                continue;
            }
            let infos = (*function).internal_function.arg_info.cast::<ArgInfo>();
            if returns != TRAVERSABLE {
                (*infos.sub(1)).type_.type_mask = returns;
            }
            for (index, (_, types, _)) in params.iter().enumerate() {
                (*infos.add(index)).type_.type_mask = *types;
            }
        }
    }
}

/// Registers both classes; to be called in MINIT.
pub fn register() -> Result<()> {
    ClassBuilder::new("NearCache\\Exception")
        .extends((
            || {
                // SAFETY: SPL registers its classes before any extension starts, and never frees them.
                unsafe { &*spl_ce_RuntimeException }
            },
            "\\RuntimeException",
        ))
        .registration(|class, tables| {
            // No methods of its own, so no tables to keep.
            drop(tables);
            // Release: pairs with the Acquire load of `exception`.
            EXCEPTION.store(class, Ordering::Release);
        })
        .register()?;

    let mut class = ClassBuilder::new(Php::CLASS_NAME);
    for (name, handler, params, returns) in METHODS {
        let returns = match *returns {
            TRAVERSABLE => DataType::object("Traversable"),
            _ => DataType::Mixed,
        };
        let function =
            builder(FunctionBuilder::new(*name, *handler), params).returns(returns, false, false);
        let flags = match *name {
            UNLINK => MethodFlags::Public | MethodFlags::Static,
            _ => MethodFlags::Public,
        };
        class = class.method(function, flags);
    }
    let constants = reply::CONSTANTS
        .into_iter()
        .chain([("GET_PRESERVE_ORDER", GET_PRESERVE_ORDER), ("GET_EXTENDED", GET_EXTENDED)]);
    for (name, value) in constants {
        class = class.constant(name, value, &[], ConstantFlags::Public)?;
    }
    class
        .flags(ClassFlags::empty())
        .object_override::<Php>()
        .registration(|class, tables| {
            set_types(class);
            METADATA.set_ce(class);
            METADATA.set_arg_info(tables);
        })
        .register()
}

impl RegisteredClass for Php {
    const CLASS_NAME: &'static str = "NearCache\\Cache";
    const BUILDER_MODIFIER: Option<fn(ClassBuilder) -> ClassBuilder> = None;
    const EXTENDS: Option<(fn() -> &'static ClassEntry, &'static str)> = None;
    const IMPLEMENTS: &'static [(fn() -> &'static ClassEntry, &'static str)] = &[];

    fn get_metadata() -> &'static ClassMetadata<Self> {
        &METADATA
    }

    fn method_builders() -> Vec<(FunctionBuilder<'static>, MethodFlags)> {
        // `register` builds them, with types that these builders cannot say.
        Vec::new()
    }

    fn constructor() -> Option<ConstructorMeta<Self>> {
        Some(ConstructorMeta {
            constructor: options::construct,
            build_fn: |function| builder(function, CONSTRUCTOR),
            flags: None,
        })
    }

    fn constants() -> &'static [(&'static str, &'static dyn IntoZvalDyn, DocComments, ConstantFlags)]
    {
        &[]
    }
}
