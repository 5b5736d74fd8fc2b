//! `\Memcached` and `\MemcachedException`, where php.ini asks for them and php-memcached is not loaded, for code that names
//! these types: `new \Memcached()` is the cache of php.ini.
//!
//! A class of its own, below `NearCache\Cache`, for its constructor takes other arguments.

use crate::class::{self, Php};
use crate::handle::Handle;
use crate::modules::Module;
use crate::options;
use crate::registry::{self, Wish};
use crate::verbs::server;
use crate::zend::call::{Answer, Call, Thrown, run};
use crate::zend::callback::produce;
use crate::zend::thrown;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ClassEntry, ExecuteData};
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

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

/// The class; null if it is not registered.
static CLASS: AtomicPtr<ClassEntry> = AtomicPtr::new(std::ptr::null_mut());

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
            .registration(|class, tables| {
                // The constructor's table stays as long as the class.
                std::mem::forget(tables);
                CLASS.store(class, Ordering::Release);
            })
            .register()?;

        const EXCEPTION: &str = "MemcachedException";
        let class = std::ptr::from_ref(class::exception_class()).cast_mut();
        // SAFETY: a class of this module's, which lives as long as the alias does.
        unsafe {
            zend_register_class_alias_ex(EXCEPTION.as_ptr().cast(), EXCEPTION.len(), class, true);
        }
        Ok(())
    })
}

/// `__construct(?string $persistent_id = null, ?callable $callback = null, ?string $connection_str = null)`
extern "C" fn construct(frame: &mut ExecuteData, out: &mut Zval) {
    // SAFETY: a class has its constructor as long as it lives; this one is of this module's making, and so its handler
    // takes what this one was given. It calls `open` below.
    unsafe {
        let parent = Php::get_metadata().ce().constructor;
        if let Some(handler) = (*parent).internal_function.handler {
            handler(frame, out);
        }
    }
    if !thrown() {
        run(frame, out, (0, 3), tell);
    }
}

/// Is it the constructor of `\Memcached` that runs in this frame?
pub fn is_constructing(frame: &ExecuteData) -> bool {
    let class = CLASS.load(Ordering::Acquire);
    // SAFETY: a frame of an internal function has that function, and a method its class.
    !class.is_null() && unsafe { (*frame.func).common.scope } == class
}

/// What `new \Memcached(...)` opens: the cache of php.ini, where it has none one of the process's. All objects have the
/// same, whatever their persistent id, as all clients of a server have: that keeps connections, not items.
pub fn open(call: &Call<'_>) -> Result<Handle, Thrown> {
    let is_given = |index| call.arg(index).is_some_and(|argument| !argument.is_null());
    let persistent = match is_given(0) {
        true => Some(call.string(0)?),
        false => None,
    };
    call.callback(1)?;
    let persistent = persistent.filter(|id| !id.is_empty());
    let servers = match is_given(2) {
        true => Some(call.string(2)?),
        false => None,
    };
    let of_process = || registry::of_process(&Wish::new(options::DEFAULT));
    let handle = options::default_cache(of_process).map(Handle::new)?;
    handle.kept().is_persistent.set(persistent.is_some());
    if let Some(servers) = servers {
        server::add_named(&handle, servers)?;
    }
    Ok(handle)
}

/// Calls the callback, with the new object and the persistent id.
fn tell(call: &Call<'_>, _out: &mut Zval) -> Answer {
    let Some(callback) = call.callback(1)? else {
        return Ok(());
    };
    let id = call.arg(0).map_or_else(Zval::null, Zval::shallow_clone);
    produce(callback, &mut [call.object(), id], &mut Zval::new())
}
