//! The PHP extension `nearcache`: memcached as near as a function call, behind a class shaped like `\Memcached`.
//!
//! This file is what PHP loads: the module, its life (startup, shutdown) and its section in `phpinfo()`.
//! The class lives in `class`, its verbs in `verbs`, and everything that touches the engine's own
//! structures in `zend`.

mod class;
mod handle;
mod ini;
mod lease;
mod number;
mod options;
mod prefix;
mod registry;
mod reply;
mod settings;
mod value;
mod verbs;
mod zend;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::zend::ModuleEntry;
use ext_php_rs::{info_table_end, info_table_row, info_table_start, php_module};

/// The module, as PHP sees it.
#[php_module]
#[php(startup = startup)]
pub fn module(module: ModuleBuilder) -> ModuleBuilder {
    module
        .name("nearcache")
        .version(env!("CARGO_PKG_VERSION"))
        .shutdown_function(shutdown)
        .info_function(info)
}

/// MINIT: registers the classes, and maps the cache that php.ini asks for. A class that cannot be registered is reported
/// and stops PHP, as for any extension; a cache that cannot be mapped does not.
///
/// # Safety
///
/// To be called by the engine alone, while it starts the module.
unsafe extern "C" fn startup(_kind: i32, module: i32) -> i32 {
    ext_php_rs::internal::startup_guard(|| {
        class::register()?;
        ini::start(module);
        Ok(())
    })
}

/// MSHUTDOWN: drops the caches kept for the process. FrankenPHP shuts the module down and starts it again
/// in one process, so this must leave nothing behind.
///
/// # Safety
///
/// To be called by the engine alone, while it stops the module.
unsafe extern "C" fn shutdown(_kind: i32, module: i32) -> i32 {
    registry::clear();
    ini::stop(module);
    0
}

/// The section of `phpinfo()` and of `php --ri nearcache`: the version, and the sums over every cache
/// that is open in this process.
///
/// # Safety
///
/// To be called by the engine alone.
unsafe extern "C" fn info(module: *mut ModuleEntry) {
    let open = registry::totals();
    info_table_start!();
    info_table_row!("NearCache support", "enabled");
    info_table_row!("Version", env!("CARGO_PKG_VERSION"));
    info_table_row!("Serializer", "php");
    info_table_row!("Shared cache", open.shared.clone());
    info_table_row!("Open caches", open.caches.to_string());
    info_table_row!("Persistent caches", open.persistent.to_string());
    for (name, number) in open.rows() {
        info_table_row!(name, number.to_string());
    }
    info_table_end!();
    // SAFETY: the engine's own table of a module's settings, of the module that it gave.
    unsafe { display_ini_entries(module) };
}

// From main/php_ini.h.
unsafe extern "C" {
    fn display_ini_entries(module: *mut ModuleEntry);
}
