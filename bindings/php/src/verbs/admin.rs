//! Everything that is not a verb of the cache: results, statistics, the version, the clock and the check.

use super::read::insert;
use crate::class;
use crate::handle::Handle;
use crate::l1;
use crate::reply;
use crate::zend::array::answer;
use crate::zend::call::{Answer, bad_value, run, throw};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;

/// `stats(): array`
pub extern "C" fn stats(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let array = counters(call.this()?)?;
        answer(out, array);
        Ok(())
    });
}

/// `getStats(?string $type = null): array`: as `\Memcached`, the statistics of each server; the one is `nearcache`.
pub extern "C" fn get_stats(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 1), |call, out| {
        let this = call.this()?;
        if call.arg(0).is_some_and(|kind| !kind.is_null()) && !call.string(0)?.is_empty() {
            return Err(bad_value(
                "getStats",
                1,
                "type",
                "must be null or empty: there are only the general statistics",
            ));
        }
        let mut servers = ZendHashTable::with_capacity(1);
        insert(&mut servers, "nearcache", counters(this)?)?;
        this.note(reply::SUCCESS);
        answer(out, servers);
        Ok(())
    });
}

fn counters(this: &Handle) -> Result<ZBox<ZendHashTable>, crate::zend::call::Thrown> {
    let stats = this.cache().stats();
    let mut array = ZendHashTable::with_capacity(48);
    insert(&mut array, "pid", i64::from(std::process::id()))?;
    insert(&mut array, "time", this.cache().unix_time())?;
    insert(&mut array, "version", env!("CARGO_PKG_VERSION"))?;
    for (name, number) in stats.pairs().into_iter().chain(l1::counts().pairs()) {
        insert(&mut array, name, i64::try_from(number).unwrap_or(i64::MAX))?;
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

fn text(out: &mut Zval, words: &str) {
    out.set_zend_string(ZendStr::new(words, false));
}

/// `advanceClock(int $seconds): bool`
pub extern "C" fn advance_clock(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let seconds = u32::try_from(call.long(0, 0)?).map_err(|_| {
            bad_value("advanceClock", 1, "seconds", "must be between 0 and 4294967295")
        })?;
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
