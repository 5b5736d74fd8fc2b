//! The classes `NearCache\Cache` and `NearCache\Exception`.
//!
//! Their API is in `methods` and `constants`; `nearcache.stub.php` is the same for people and tools, and a test holds
//! them equal. The masks of types are set after the registration because ext-php-rs has no union types.

mod constants;
mod methods;

use crate::handle::Handle;
use crate::options;
use ext_php_rs::args::{Arg, ArgInfo};
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::{ClassMetadata, ConstructorMeta, RegisteredClass};
use ext_php_rs::convert::IntoZvalDyn;
use ext_php_rs::describe::DocComments;
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{zend_function, zend_hash_str_find_ptr_lc};
use ext_php_rs::flags::{ClassFlags, ConstantFlags, DataType, MethodFlags};
use ext_php_rs::zend::{ClassEntry, ce};
use methods::{ARR, INT, METHODS, Method, Param, STR, TRAVERSABLE, UNLINK};
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

type Signature = (&'static str, &'static [Param], u32);

/// Gives the registered methods their true types, before any PHP code can see them.
fn set_types(class: &mut ClassEntry, methods: impl Iterator<Item = Signature>) {
    for (name, params, returns) in methods {
        // SAFETY: the class is registered and this thread alone knows of it. Its table holds every one of these methods,
        // each with one `arg_info` per parameter, and before these that of the return value;
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
    for method in METHODS {
        class = with(class, method);
    }
    constants::add(class)?
        .flags(ClassFlags::empty())
        .object_override::<Php>()
        .registration(|class, tables| {
            let constructor: Signature = ("__construct", CONSTRUCTOR, TRAVERSABLE);
            let methods =
                METHODS.iter().map(|(name, _, params, returns)| (*name, *params, *returns));
            set_types(class, methods.chain([constructor]));
            METADATA.set_ce(class);
            METADATA.set_arg_info(tables);
        })
        .register()
}

fn with(class: ClassBuilder, (name, handler, params, returns): &Method) -> ClassBuilder {
    let returns = match *returns {
        TRAVERSABLE => DataType::object("Traversable"),
        // The engine looks at a magic method's type as soon as it is registered.
        ARR => DataType::Array,
        _ => DataType::Mixed,
    };
    let function = builder(FunctionBuilder::new(*name, *handler), params);
    let flags = match *name {
        UNLINK => MethodFlags::Public | MethodFlags::Static,
        _ => MethodFlags::Public,
    };
    class.method(function.returns(returns, false, false), flags)
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
