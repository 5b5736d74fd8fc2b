//! What is known of the cache and of one item: apcu_enabled, apcu_clear_cache, apcu_cache_info, apcu_key_info, apcu_sma_info.
//!
//! memcached does not keep when an item was made or read, nor how often: these are 0. The ttl is what is left of it.

use super::item::{complain, refuse};
use super::{face, text, with};
use crate::handle::Handle;
use crate::value;
use crate::zend::array::{answer, insert, push};
use crate::zend::call::{Answer, Call, Thrown, run};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData, run_handler};
use nearcache::{MetaHit, Stats};
use std::panic::AssertUnwindSafe;

/// `apcu_enabled(): bool`
pub extern "C" fn enabled(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |_, out| {
        out.set_bool(face().is_some());
        Ok(())
    });
}

/// `apcu_clear_cache(): bool`
pub extern "C" fn clear(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (0, 0), None, |_, face, out| {
        let cleared = face.cache().flush_all(0);
        out.set_bool(cleared.is_ok());
        cleared.or_else(|error| refuse(&error))
    });
}

/// What the functions that tell of the cache say without one.
const NONE: &str =
    "No APC info available.  Perhaps APC is not enabled? Check apc.enabled in your ini file";

/// Runs a body that may hold what lies on Rust's heap in a `BailoutGuard`.
fn telling(
    frame: &mut ExecuteData,
    out: &mut Zval,
    body: fn(&Call<'_>, &Handle, &mut Zval) -> Answer,
) {
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 1), |call, out| match face() {
            Some(face) => body(call, face, out),
            None => {
                out.set_bool(false);
                complain(NONE)
            }
        });
    }));
}

/// Is only the summary asked for?
fn is_limited(call: &Call<'_>) -> bool {
    call.arg(0).is_some_and(Zval::coerce_to_bool)
}

/// `apcu_cache_info(bool $limited = false): array|false`
pub extern "C" fn cache(frame: &mut ExecuteData, out: &mut Zval) {
    telling(frame, out, |call, face, out| {
        let stats = face.cache().stats();
        let mut told = summary(&stats, face.cache().info().created)?;
        if !is_limited(call) {
            insert(&mut told, "cache_list", list(face)?)?;
            insert(&mut told, "deleted_list", ZendHashTable::new())?;
            insert(&mut told, "slot_distribution", ZendHashTable::new())?;
        }
        answer(out, told);
        Ok(())
    });
}

fn summary(stats: &Stats, created: i64) -> Result<ZBox<ZendHashTable>, Thrown> {
    let mut told = ZendHashTable::with_capacity(16);
    insert(&mut told, "num_slots", 0i64)?;
    insert(&mut told, "ttl", 0i64)?;
    insert(&mut told, "num_hits", stats.get_hits as f64)?;
    insert(&mut told, "num_misses", stats.get_misses as f64)?;
    insert(&mut told, "num_inserts", stats.cmd_set as f64)?;
    insert(&mut told, "num_entries", i64::try_from(stats.curr_items).unwrap_or(i64::MAX))?;
    insert(&mut told, "expunges", stats.evictions as f64)?;
    insert(&mut told, "start_time", created)?;
    insert(&mut told, "mem_size", stats.bytes as f64)?;
    insert(&mut told, "memory_type", "mmap")?;
    Ok(told)
}

fn list(face: &Handle) -> Result<ZBox<ZendHashTable>, Thrown> {
    let keys = BailoutGuard::new(face.cache().keys(b"").collect::<Vec<Vec<u8>>>());
    let mut list = ZendHashTable::new();
    for key in keys.iter() {
        let Some(hit) = look(face, key) else {
            continue;
        };
        let mut item = ZendHashTable::with_capacity(16);
        insert(&mut item, "info", text(key))?;
        insert(&mut item, "ttl", left(&hit))?;
        insert(&mut item, "num_hits", 0f64)?;
        for name in ["mtime", "creation_time", "deletion_time", "access_time", "ref_count"] {
            insert(&mut item, name, 0i64)?;
        }
        insert(&mut item, "mem_size", hit.size as i64)?;
        push(&mut list, item)?;
    }
    Ok(list)
}

/// What is known of an item that is there.
pub(super) fn look(face: &Handle, key: &[u8]) -> Option<MetaHit> {
    face.cache().inspect(key).unwrap_or(None).filter(|hit| !value::is_lease(hit.meta.flags))
}

/// Seconds left to live; 0 is for ever, as APCu has it.
pub(super) fn left(hit: &MetaHit) -> i64 {
    hit.meta.ttl.map_or(0, |seconds| i64::from(seconds.max(1)))
}

/// `apcu_key_info(string $key): ?array`
pub extern "C" fn key(frame: &mut ExecuteData, out: &mut Zval) {
    with(frame, out, (1, 1), None, |call, face, out| {
        out.set_null();
        let Some(hit) = look(face, call.string(0)?) else {
            return Ok(());
        };
        let mut told = ZendHashTable::with_capacity(8);
        insert(&mut told, "hits", 0f64)?;
        for name in ["access_time", "mtime", "creation_time", "deletion_time"] {
            insert(&mut told, name, 0i64)?;
        }
        insert(&mut told, "ttl", left(&hit))?;
        insert(&mut told, "refs", 0i64)?;
        answer(out, told);
        Ok(())
    });
}

/// `apcu_sma_info(bool $limited = false): array|false`
pub extern "C" fn memory(frame: &mut ExecuteData, out: &mut Zval) {
    telling(frame, out, |call, face, out| {
        let stats = face.cache().stats();
        let free = stats.limit_maxbytes.saturating_sub(stats.bytes) as f64;
        let mut told = ZendHashTable::with_capacity(4);
        insert(&mut told, "num_seg", 1i64)?;
        insert(&mut told, "seg_size", stats.limit_maxbytes as f64)?;
        insert(&mut told, "avail_mem", free)?;
        if !is_limited(call) {
            // One segment, with one block free: it does not fragment.
            let mut block = ZendHashTable::with_capacity(2);
            insert(&mut block, "size", free)?;
            insert(&mut block, "offset", 0i64)?;
            let (mut blocks, mut segments) = (ZendHashTable::new(), ZendHashTable::new());
            push(&mut blocks, block)?;
            push(&mut segments, blocks)?;
            insert(&mut told, "block_lists", segments)?;
        }
        answer(out, told);
        Ok(())
    });
}
