//! Everything that is not a verb of the cache: results, statistics, the version, the clock and the check.

use super::settle;
use crate::class;
use crate::handle::Handle;
use crate::l1;
use crate::reply;
use crate::zend::array::{answer, insert};
use crate::zend::call::{Answer, Thrown, bad_argument, run, throw};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData, run_handler};
use nearcache::Cache;
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// `stats(): array`
pub extern "C" fn stats(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let array = counters(call.this()?)?;
        answer(out, array);
        Ok(())
    });
}

/// `getStats(?string $type = null): array|false`: as `\Memcached`, the statistics of each server; the one is `nearcache`.
pub extern "C" fn get_stats(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 1), |call, out| {
        let this = call.this()?;
        let part = match call.string_or_null(0)?.unwrap_or(b"") {
            b"" => counters(this)?,
            b"settings" => limits(this)?,
            // There are no classes of sizes, and nobody is connected.
            b"items" | b"slabs" | b"sizes" | b"conns" => ZendHashTable::new(),
            b"reset" => {
                let reset = settle(this, this.cache().reset_stats(), |()| reply::SUCCESS);
                match reset {
                    true => answer(out, ZendHashTable::new()),
                    false => out.set_bool(false),
                }
                return Ok(());
            }
            _ => {
                out.set_bool(false);
                this.refuse(
                    reply::INVALID_ARGUMENTS,
                    "there are no such statistics: $type is null, settings, items, slabs, sizes, conns or reset",
                );
                return Ok(());
            }
        };
        let mut servers = ZendHashTable::with_capacity(1);
        insert(&mut servers, "nearcache", part)?;
        this.note(reply::SUCCESS);
        answer(out, servers);
        Ok(())
    });
}

/// The limits under memcached's names.
fn limits(this: &Handle) -> Result<ZBox<ZendHashTable>, Thrown> {
    let cache = this.cache();
    let mut array = ZendHashTable::with_capacity(3);
    insert(&mut array, "maxbytes", whole(cache.stats().limit_maxbytes))?;
    insert(&mut array, "item_size_max", whole(cache.item_size_max() as u64))?;
    insert(&mut array, "evictions", if evicts(cache) { "on" } else { "off" })?;
    Ok(array)
}

fn evicts(cache: &Cache) -> bool {
    cache.info().evict
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn counters(this: &Handle) -> Result<ZBox<ZendHashTable>, Thrown> {
    let stats = this.cache().stats();
    let mut array = ZendHashTable::with_capacity(48);
    insert(&mut array, "pid", i64::from(std::process::id()))?;
    insert(&mut array, "time", this.cache().unix_time())?;
    insert(&mut array, "version", env!("CARGO_PKG_VERSION"))?;
    for (name, number) in stats.pairs().chain(l1::counts().pairs()) {
        insert(&mut array, name, whole(number))?;
    }
    Ok(array)
}

/// `getVersion(): array`
pub extern "C" fn get_version(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        call.this()?.note(reply::SUCCESS);
        let mut servers = ZendHashTable::with_capacity(1);
        insert(&mut servers, "nearcache", env!("CARGO_PKG_VERSION"))?;
        answer(out, servers);
        Ok(())
    });
}

/// `getResultCode(): int`
pub extern "C" fn get_result_code(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        out.set_long(call.this()?.code());
        Ok(())
    });
}

/// `getResultMessage(): string`
pub extern "C" fn get_result_message(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        text(out, reply::message(call.this()?.code()));
        Ok(())
    });
}

/// `getLastErrorMessage(): string`
pub extern "C" fn get_last_error_message(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        text(out, &call.this()?.explanation());
        Ok(())
    });
}

/// `getLastErrorCode(): int`
pub extern "C" fn get_last_error_code(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        out.set_long(call.this()?.failure().0);
        Ok(())
    });
}

/// `getLastErrorErrno(): int`
pub extern "C" fn get_last_error_errno(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        out.set_long(call.this()?.failure().1);
        Ok(())
    });
}

/// `__debugInfo(): array`: what `var_dump` shows.
pub extern "C" fn debug_info(frame: &mut ExecuteData, out: &mut Zval) {
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 0), |call, out| {
            let mut array = ZendHashTable::with_capacity(6);
            if call.constructed() {
                let this = call.this()?;
                let info = BailoutGuard::new(this.cache().info());
                let stats = this.cache().stats();
                let prefix = this.prefix().copied();
                let mut before = Zval::new();
                before.set_zend_string(ZendStr::new(prefix.bytes(), false));
                insert(&mut array, "path", info.path.as_deref().and_then(Path::to_str))?;
                insert(&mut array, "size", whole(stats.limit_maxbytes))?;
                insert(&mut array, "items", whole(stats.curr_items))?;
                insert(&mut array, "prefix", before)?;
                insert(&mut array, "result_code", this.code())?;
                insert(&mut array, "result_message", reply::message(this.code()))?;
            }
            answer(out, array);
            Ok(())
        });
    }));
}

fn text(out: &mut Zval, words: &str) {
    out.set_zend_string(ZendStr::new(words, false));
}

/// `advanceClock(int $seconds): bool`
pub extern "C" fn advance_clock(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let seconds = u32::try_from(call.long(0, 0)?)
            .map_err(|_| bad_argument(0, "must be between 0 and 4294967295"))?;
        done(this.cache().advance_clock(seconds), out)
    });
}

/// `check(): bool`
pub extern "C" fn check(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| done(call.this()?.cache().check(), out));
}

/// True, or a `NearCache\Exception` with the core's own sentence.
fn done(result: Result<(), nearcache::Error>, out: &mut Zval) -> Answer {
    result.map_err(|error| throw(class::exception(error.to_string())))?;
    out.set_bool(true);
    Ok(())
}
