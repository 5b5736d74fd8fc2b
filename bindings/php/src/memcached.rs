//! `\Memcached` and `\MemcachedException`, where php.ini asks for them and php-memcached is not loaded, for code that names
//! these types: `new \Memcached()` is the cache of php.ini.
//!
//! A class of its own, below `NearCache\Cache`, for its constructor takes other arguments.

use crate::class::Php;
use crate::handle::Handle;
use crate::modules::Module;
use crate::options;
use crate::zend::call::{Answer, Call, refuse, run};
use crate::zend::thrown;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::zend_hash_str_find_ptr_lc;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendClassObject, Zval};
use ext_php_rs::zend::{ClassEntry, CompilerGlobals, ExecuteData};
use std::ffi::{c_char, c_int};

/// What PHP is to know of it.
pub fn module() -> Module {
    Module {
        name: c"memcached",
        // The php-memcached whose interface it is.
        version: c"3.2.0",
        functions: std::ptr::null(),
        startup,
        shutdown: None,
    }
}

// From Zend/zend_API.h.
unsafe extern "C" {
    fn zend_register_class_alias_ex(
        name: *const c_char,
        length: usize,
        class: *mut ClassEntry,
        persistent: bool,
    ) -> c_int;
}

unsafe extern "C" fn startup(_kind: c_int, _module: c_int) -> c_int {
    ext_php_rs::internal::startup_guard(|| {
        let text = |name| Arg::new(name, DataType::String).allow_null().default("null");
        let constructor = FunctionBuilder::new("__construct", construct)
            .arg(text("persistent_id"))
            .arg(Arg::new("callback", DataType::Callable).allow_null().default("null"))
            .arg(text("connection_str"))
            .required_args(0);
        ClassBuilder::new("Memcached")
            .extends((|| Php::get_metadata().ce(), "\\NearCache\\Cache"))
            .method(constructor, MethodFlags::Public)
            // The constructor's table stays as long as the class.
            .registration(|_, tables| std::mem::forget(tables))
            .register()?;

        const EXCEPTION: &str = "MemcachedException";
        let known = "NearCache\\Exception";
        // SAFETY: the engine's table of classes, in which this module's own are by now.
        unsafe {
            let class = zend_hash_str_find_ptr_lc(
                CompilerGlobals::get().class_table,
                known.as_ptr().cast(),
                known.len(),
            );
            zend_register_class_alias_ex(
                EXCEPTION.as_ptr().cast(),
                EXCEPTION.len(),
                class.cast(),
                true,
            );
        }
        Ok(())
    })
}

/// `__construct(?string $persistent_id = null, ?callable $callback = null, ?string $connection_str = null)`
///
/// Where php.ini has no cache: one of the object's own, or the process's one of the persistent id.
extern "C" fn construct(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 3), open);
}

fn open(call: &Call<'_>, _out: &mut Zval) -> Answer {
    if call.constructed() {
        return Err(refuse("the cache is open already: __construct() may run once only"));
    }
    let is_given = |index| call.arg(index).is_some_and(|argument| !argument.is_null());
    let persistent = match is_given(0) {
        true => Some(call.string(0)?),
        false => None,
    };
    let callback = call.callback(1)?;
    if is_given(2) {
        call.string(2)?;
    }
    let handle = Handle::new(options::default_cache(persistent)?);
    let mut object = call.object();
    let Some(this) = object.object_mut().and_then(ZendClassObject::<Php>::from_zend_obj_mut) else {
        return Err(refuse("this is no object of \\Memcached"));
    };
    this.initialize(Php(handle));
    if let Some(callback) = callback {
        let id = call.arg(0).map_or_else(Zval::null, Zval::shallow_clone);
        // An exception of its own is under way, and passes.
        let _ = callback.try_call(vec![&object, &id]);
    }
    match thrown() {
        true => Err(crate::zend::call::Thrown),
        false => Ok(()),
    }
}
