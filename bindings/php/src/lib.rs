//! The PHP extension `nearcache`: memcached as near as a function call, behind a class shaped like `\Memcached`.
//!
//! This file is what PHP loads: the module and its life (startup, shutdown).
//! The class lives in `class`, its verbs in `verbs`, and everything that touches the engine's own
//! structures in `zend`.

// Nothing else here is public: what `php_module` makes of its function is, in builds with debug assertions.
#![allow(missing_docs)]

mod apcu;
mod class;
mod durable;
mod handle;
mod info;
mod ini;
mod l1;
mod lease;
mod memcached;
mod modules;
mod number;
mod options;
mod prefix;
mod registry;
mod reply;
mod session;
mod settings;
mod shared;
mod value;
mod verbs;
mod zend;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::php_module;

/// The module, as PHP sees it.
#[php_module]
#[php(startup = startup)]
pub fn module(module: ModuleBuilder) -> ModuleBuilder {
    module
        .name("nearcache")
        .version(env!("CARGO_PKG_VERSION"))
        .shutdown_function(shutdown)
        .request_startup_function(request)
        .info_function(info::info)
}

/// MINIT: registers the classes, and maps the cache that php.ini asks for. A class that cannot be registered is reported
/// and stops PHP, as for any extension; a cache that cannot be mapped does not.
///
/// # Safety
///
/// To be called by the engine alone, while it starts the module.
unsafe extern "C" fn startup(kind: i32, module: i32) -> i32 {
    ext_php_rs::internal::startup_guard(|| {
        class::register()?;
        durable::register()?;
        ini::start(module);
        shared::start();
        session::start();
        modules::start(kind);
        Ok(())
    })
}

/// RINIT: the request before is over to its last string.
///
/// # Safety
///
/// To be called by the engine alone, while it begins a request.
unsafe extern "C" fn request(_kind: i32, _module: i32) -> i32 {
    l1::begin_request();
    0
}

/// MSHUTDOWN: drops the caches kept for the process. FrankenPHP shuts the module down and starts it again
/// in one process, so this must leave nothing behind.
///
/// # Safety
///
/// To be called by the engine alone, while it stops the module.
unsafe extern "C" fn shutdown(_kind: i32, module: i32) -> i32 {
    l1::clear();
    registry::clear();
    durable::clear();
    ini::stop(module);
    0
}
