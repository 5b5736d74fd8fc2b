//! The section of `phpinfo()` and of `php --ri nearcache`: the version, how the cache of php.ini stands, its numbers at this
//! moment, and the settings.

use crate::{l1, registry};
use ext_php_rs::zend::ModuleEntry;
use ext_php_rs::{info_table_end, info_table_header, info_table_row, info_table_start};
use nearcache::Stats;

// From main/php_ini.h.
unsafe extern "C" {
    fn display_ini_entries(module: *mut ModuleEntry);
}

/// Writes the section.
///
/// # Safety
///
/// To be called by the engine alone.
pub unsafe extern "C" fn info(module: *mut ModuleEntry) {
    // One that is mapped late is shown as it would be used.
    let shared = registry::shared();
    let (open, persistent) = registry::counts();
    info_table_start!();
    info_table_row!("NearCache support", "enabled");
    info_table_row!("Version", env!("CARGO_PKG_VERSION"));
    info_table_row!("Shared cache", registry::shared_in_words());
    info_table_row!("Open caches", open.to_string());
    info_table_row!("Persistent caches", persistent.to_string());
    info_table_end!();
    info_table_start!();
    info_table_header!("Statistics of this worker", "");
    for (name, number) in l1::counts().rows() {
        info_table_row!(name, number.to_string());
    }
    info_table_end!();
    if let Some(cache) = shared {
        info_table_start!();
        info_table_header!("Statistics of the shared cache", "");
        for (name, figure) in figures(&cache.stats()) {
            info_table_row!(name, figure);
        }
        info_table_end!();
    }
    // SAFETY: the engine's own table of a module's settings, of the module that it gave.
    unsafe { display_ini_entries(module) };
}

fn figures(stats: &Stats) -> [(&'static str, String); 9] {
    let ratio = match stats.cmd_get {
        0 => "no gets yet".to_owned(),
        gets => format!("{:.2} %", 100.0 * stats.get_hits as f64 / gets as f64),
    };
    [
        ("Items", stats.curr_items.to_string()),
        ("Bytes", stats.bytes.to_string()),
        ("Memory limit (bytes)", stats.limit_maxbytes.to_string()),
        ("Gets", stats.cmd_get.to_string()),
        ("Hits", stats.get_hits.to_string()),
        ("Misses", stats.get_misses.to_string()),
        ("Hit ratio", ratio),
        ("Sets", stats.cmd_set.to_string()),
        ("Evictions", stats.evictions.to_string()),
    ]
}
