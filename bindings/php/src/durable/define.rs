//! How the classes of the store are described and made known: methods with union types and types of classes, readonly
//! properties. The tables are in the files of the classes; `nearcache.stub.php` is the same for people, and a test holds
//! them equal.

use ext_php_rs::args::{Arg, ArgInfo, ArgInfoTables};
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::error::Result;
use ext_php_rs::ffi::{
    _ZEND_SEND_MODE_SHIFT, IS_ARRAY, IS_CALLABLE, IS_DOUBLE, IS_FALSE, IS_LONG, IS_NULL, IS_STRING,
    IS_TRUE, IS_VOID, MAY_BE_ANY, zend_function, zend_hash_str_find_ptr_lc, zend_type,
};
use ext_php_rs::flags::{ClassFlags, DataType, MethodFlags};
use ext_php_rs::types::{ZendClassObject, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ClassEntry, ExecuteData, run_handler};
use std::ffi::c_int;
use std::panic::AssertUnwindSafe;

use crate::zend::call::{Answer, Call, Thrown, refuse, run};

/// What runs when a method is called.
pub type Handler = extern "C" fn(&mut ExecuteData, &mut Zval);

/// What a parameter or an answer may be: a mask, and perhaps objects of a class.
#[derive(Clone, Copy)]
pub struct Type(u32, Option<&'static str>);

impl Type {
    const fn one(kind: u32) -> Type {
        Type(1 << kind, None)
    }

    /// Objects of a class.
    pub const fn class(name: &'static str) -> Type {
        Type(0, Some(name))
    }

    /// This or that; only one of both may be a class.
    pub const fn or(self, other: Type) -> Type {
        let class = match self.1 {
            Some(class) => Some(class),
            None => other.1,
        };
        Type(self.0 | other.0, class)
    }

    /// As the builders can say it; they cannot say a union.
    fn data(self) -> DataType {
        match self {
            Type(_, Some(class)) => DataType::object(class),
            // The engine looks at what some methods return as soon as they are registered.
            Type(mask, None) if mask == INT.0 => DataType::Long,
            Type(mask, None) if mask == BOOL.0 => DataType::Bool,
            Type(mask, None) if mask == ARRAY.0 => DataType::Array,
            Type(mask, None) if mask == VOID.0 => DataType::Void,
            Type(..) => DataType::Mixed,
        }
    }

    fn is_reference(self) -> bool {
        self.0 & REFERENCE.0 != 0
    }

    /// Completes what registration has made of [`Type::data`].
    fn write(self, to: &mut zend_type) {
        match self.1 {
            Some(_) => to.type_mask |= self.0,
            None => to.type_mask = self.0,
        }
    }
}

pub const NULL: Type = Type::one(IS_NULL);
pub const FALSE: Type = Type::one(IS_FALSE);
pub const BOOL: Type = FALSE.or(Type::one(IS_TRUE));
pub const INT: Type = Type::one(IS_LONG);
pub const FLOAT: Type = Type::one(IS_DOUBLE);
pub const STRING: Type = Type::one(IS_STRING);
pub const ARRAY: Type = Type::one(IS_ARRAY);
pub const CALLABLE: Type = Type::one(IS_CALLABLE);
pub const VOID: Type = Type::one(IS_VOID);
pub const MIXED: Type = Type(MAY_BE_ANY, None);
/// `IS_STATIC` of Zend/zend_types.h: an object of the method's own class.
pub const STATIC: Type = Type::one(15);
/// A parameter that is passed by reference.
pub const REFERENCE: Type = Type(1 << _ZEND_SEND_MODE_SHIFT, None);

/// A parameter: its name, its type, and its default if it may be left out.
pub type Param = (&'static str, Type, Option<&'static str>);

/// A method: its name, its handler, its parameters and what it returns.
pub type Method = (&'static str, Handler, &'static [Param], Type);

/// A class of the store's. All are final.
pub trait Described: RegisteredClass {
    /// The constructor's parameters; `None`: only this extension makes objects of it.
    const CONSTRUCTOR: Option<&'static [Param]>;
    /// Its methods.
    const METHODS: &'static [Method];
    /// Those that need no object.
    const STATICS: &'static [Method] = &[];
    /// Its readonly properties, in the order of [`fill`]'s values.
    const PROPERTIES: &'static [(&'static str, Type)] = &[];
}

/// Implements [`RegisteredClass`] for a class's Rust half.
macro_rules! registered {
    ($type:ty, $name:literal, $construct:expr) => {
        impl ext_php_rs::class::RegisteredClass for $type {
            const CLASS_NAME: &'static str = $name;
            const BUILDER_MODIFIER: Option<
                fn(ext_php_rs::builders::ClassBuilder) -> ext_php_rs::builders::ClassBuilder,
            > = None;
            const EXTENDS: Option<(fn() -> &'static ext_php_rs::zend::ClassEntry, &'static str)> =
                None;
            const IMPLEMENTS: &'static [(
                fn() -> &'static ext_php_rs::zend::ClassEntry,
                &'static str,
            )] = &[];

            fn get_metadata() -> &'static ext_php_rs::class::ClassMetadata<Self> {
                static METADATA: ext_php_rs::class::ClassMetadata<$type> =
                    ext_php_rs::class::ClassMetadata::new(&[]);
                &METADATA
            }

            fn method_builders()
            -> Vec<(ext_php_rs::builders::FunctionBuilder<'static>, ext_php_rs::flags::MethodFlags)>
            {
                // `define::register` builds them.
                Vec::new()
            }

            fn constructor() -> Option<ext_php_rs::class::ConstructorMeta<Self>> {
                Some(ext_php_rs::class::ConstructorMeta {
                    constructor: $construct,
                    build_fn: $crate::durable::define::build_constructor::<$type>,
                    flags: Some($crate::durable::define::visibility::<$type>()),
                })
            }

            fn constants() -> &'static [(
                &'static str,
                &'static dyn ext_php_rs::convert::IntoZvalDyn,
                ext_php_rs::describe::DocComments,
                ext_php_rs::flags::ConstantFlags,
            )] {
                &[]
            }
        }
    };
    ($type:ty, $name:literal) => {
        $crate::durable::define::registered!($type, $name, |_| {
            // It is private, and nothing here calls it.
            ext_php_rs::class::ConstructorResult::ArgError
        });
    };
}
pub(super) use registered;

/// Gives a constructor its parameters.
pub fn build_constructor<T: Described>(function: FunctionBuilder<'_>) -> FunctionBuilder<'_> {
    build(function, T::CONSTRUCTOR.unwrap_or_default())
}

/// May PHP code call the constructor?
pub fn visibility<T: Described>() -> MethodFlags {
    match T::CONSTRUCTOR {
        Some(_) => MethodFlags::Public,
        None => MethodFlags::Private,
    }
}

fn build<'a>(mut function: FunctionBuilder<'a>, params: &[Param]) -> FunctionBuilder<'a> {
    for (name, kind, default) in params {
        let mut arg = Arg::new(*name, kind.data());
        if kind.is_reference() {
            arg = arg.as_ref();
        }
        if let Some(default) = default {
            arg = arg.default(*default);
        }
        function = function.arg(arg);
    }
    function.required_args(params.iter().filter(|(_, _, default)| default.is_none()).count())
}

/// Registers a class; `more` adds what not all have.
pub fn register<T: Described>(more: fn(ClassBuilder) -> ClassBuilder) -> Result<()> {
    let mut class = more(ClassBuilder::new(T::CLASS_NAME)).flags(ClassFlags::Final);
    let methods = T::METHODS.iter().map(|method| (method, MethodFlags::Public));
    let statics =
        T::STATICS.iter().map(|method| (method, MethodFlags::Public | MethodFlags::Static));
    for ((name, handler, params, returns), flags) in methods.chain(statics) {
        let function = build(FunctionBuilder::new(*name, *handler), params);
        class = class.method(function.returns(returns.data(), false, false), flags);
    }
    class.object_override::<T>().registration(complete::<T>).register()
}

fn complete<T: Described>(class: &'static mut ClassEntry, tables: ArgInfoTables) {
    for (name, _, params, returns) in T::METHODS.iter().chain(T::STATICS) {
        set_types(class, name, params, Some(*returns));
    }
    set_types(class, "__construct", T::CONSTRUCTOR.unwrap_or_default(), None);
    for (name, kind) in T::PROPERTIES {
        declare(class, name, *kind);
    }
    T::get_metadata().set_ce(class);
    T::get_metadata().set_arg_info(tables);
}

fn set_types(class: &mut ClassEntry, name: &str, params: &[Param], returns: Option<Type>) {
    // SAFETY: the class was just registered, and this thread alone knows of it. Its table holds every one of these
    // methods, each with one `arg_info` for each parameter, and before these that of what it returns; registration put
    // them into memory of their own, because each method has a type.
    unsafe {
        let table = &raw const class.function_table;
        let function = zend_hash_str_find_ptr_lc(table, name.as_ptr().cast(), name.len())
            .cast::<zend_function>();
        if function.is_null() || (*function).internal_function.arg_info.is_null() {
            return;
        }
        let infos = (*function).internal_function.arg_info.cast::<ArgInfo>();
        if let Some(returns) = returns {
            returns.write(&mut (*infos.sub(1)).type_);
        }
        for (index, (_, kind, _)) in params.iter().enumerate() {
            kind.write(&mut (*infos.add(index)).type_);
        }
    }
}

// From Zend/zend_API.h.
unsafe extern "C" {
    fn zend_declare_typed_property(
        class: *mut ClassEntry,
        name: *mut ZendStr,
        default: *mut Zval,
        access: c_int,
        comment: *mut ZendStr,
        kind: zend_type,
    ) -> *mut std::ffi::c_void;
}

/// Declares a property that is public and readonly.
fn declare(class: &mut ClassEntry, name: &str, kind: Type) {
    /// `ZEND_ACC_PUBLIC | ZEND_ACC_READONLY` of Zend/zend_compile.h.
    const ACCESS: c_int = 1 | 1 << 7;
    let name = ZendStr::new_interned(name, true).into_raw();
    // Not yet initialized: `IS_UNDEF`.
    let mut default = Zval::new();
    let kind = zend_type { ptr: std::ptr::null_mut(), type_mask: kind.0 };
    // SAFETY: the class is being registered; the name is interned for good, as the engine asks of internal classes.
    unsafe {
        zend_declare_typed_property(
            class,
            name,
            &raw mut default,
            ACCESS,
            std::ptr::null_mut(),
            kind,
        );
    }
}

/// Runs a method's body, in which [`BailoutGuard`]s may keep what a bailout must not lose.
pub fn method(
    frame: &ExecuteData,
    out: &mut Zval,
    counts: (u32, u32),
    body: impl FnOnce(&Call<'_>, &mut Zval) -> Answer,
) {
    run_handler(AssertUnwindSafe(|| run(frame, out, counts, body)));
}

/// The Rust half of the method's object.
pub fn this<'a, T: Described>(call: &Call<'a>) -> std::result::Result<&'a T, Thrown> {
    call.state::<T>().ok_or_else(|| {
        refuse(format!("this {} is not open: its constructor has failed", T::CLASS_NAME))
    })
}

/// Makes `out` a new object with this Rust half.
pub fn object<T: Described>(half: T, out: &mut Zval) {
    let half = BailoutGuard::new(half);
    // SAFETY: it is initialized before anybody sees it.
    let mut object = unsafe { ZendClassObject::<T>::new_uninit(None) };
    object.initialize(half.into_inner());
    out.set_null();
    out.u1.type_info = ext_php_rs::ffi::IS_OBJECT_EX;
    // SAFETY: the object was just made, and is counted once: for `out`.
    out.value.obj = unsafe { &raw mut (*object.into_raw()).std };
}

/// One of the readonly properties of an object made by [`object`], by its place in the table.
pub fn property<T: Described>(object: &Zval, index: usize) -> &Zval {
    // SAFETY: as in `place`; it was filled when the object was made.
    unsafe { &*place::<T>(object, index) }
}

/// Writes one of them. The engine lets nobody else write it.
pub fn fill<T: Described>(object: &Zval, index: usize, value: Zval) {
    let mut value = std::mem::ManuallyDrop::new(value);
    // No flag of an uninitialized property.
    value.u2.extra = 0;
    // SAFETY: as in `place`; what was there is dropped by its type, and the value is taken over.
    unsafe {
        drop(std::ptr::replace(place::<T>(object, index), std::ptr::read(&raw const *value)))
    };
}

fn place<T: Described>(object: &Zval, index: usize) -> *mut Zval {
    assert!(index < T::PROPERTIES.len());
    // SAFETY: the caller has an object of `T`'s class, which has as many slots as the class has properties, in that order.
    unsafe { (&raw mut (*object.value.obj).properties_table).cast::<Zval>().add(index) }
}
