//! The care of a whole store: statistics, the names of its queues, backup, verification, compaction.

use super::define::method;
use super::error::fail;
use super::interrupt::long;
use super::open::{pin, within};
use super::scan::text;
use super::store::opened;
use crate::zend::array::{answer, insert, push};
use crate::zend::call::{Call, Thrown, bad_argument, refuse};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use std::path::{Path, PathBuf};

/// `stats(): array`
pub extern "C" fn stats(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let facts = BailoutGuard::new(opened(call)?.durable.stats().map_err(fail)?);
        let mut array = ZendHashTable::with_capacity(facts.len() as u32);
        for (name, number) in facts.iter() {
            array
                .insert(name.as_str(), *number as i64)
                .map_err(|error| refuse(format!("the answer cannot be built: {error}")))?;
        }
        answer(out, array);
        Ok(())
    });
}

/// `queues(): array`
pub extern "C" fn queues(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let names = BailoutGuard::new(opened(call)?.durable.queue_names().map_err(fail)?);
        let mut list = ZendHashTable::with_capacity(names.len() as u32);
        for name in names.iter() {
            push(&mut list, text(name))?;
        }
        answer(out, list);
        Ok(())
    });
}

fn path(call: &Call<'_>, index: usize) -> Result<PathBuf, Thrown> {
    let text = std::str::from_utf8(call.string(index)?).ok();
    let text = text.filter(|text| !text.is_empty() && !text.contains('\0'));
    match text {
        Some(text) => within(Path::new(text)),
        None => Err(bad_argument(index, "must be the path of a directory, in UTF-8")),
    }
}

/// `backup(string $directory, ?callable $progress = null): void`
pub extern "C" fn backup(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, _| {
        let opened = opened(call)?;
        let to = path(call, 0)?;
        long(call, 1, |go_on| opened.durable.backup(to, go_on))
    });
}

/// `restore(string $backup, string $directory, ?callable $progress = null): void`
pub extern "C" fn restore(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 3), |call, _| {
        let from = BailoutGuard::new(path(call, 0)?);
        let to = path(call, 1)?;
        let from = from.into_inner();
        pin();
        long(call, 2, |go_on| nearcache_store::restore(&from, &to, go_on))
    });
}

/// `verify(?callable $progress = null): void`
pub extern "C" fn verify(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, _| {
        let opened = opened(call)?;
        long(call, 0, |go_on| opened.durable.verify(go_on))
    });
}

/// `compact(?callable $progress = null): void`
pub extern "C" fn compact(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, _| {
        let opened = opened(call)?;
        long(call, 0, |go_on| opened.durable.compact(go_on))
    });
}

/// `advanceClock(int $seconds): void`
pub extern "C" fn advance_clock(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, _| {
        let seconds = u32::try_from(call.long(0, 0)?)
            .map_err(|_| bad_argument(0, "must be between 0 and 4294967295"))?;
        match opened(call)?.durable.local() {
            Some(service) => service.store.advance_clock(seconds).map_err(fail),
            None => Err(refuse("the clock of a daemon is the system's")),
        }
    });
}

/// What `var_dump()` shows.
pub extern "C" fn debug_info(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let opened = opened(call)?;
        let mut array = ZendHashTable::with_capacity(2);
        insert(&mut array, "place", text(opened.place.as_bytes()))?;
        insert(&mut array, "serializer", text(opened.writing.serializer.name().as_bytes()))?;
        answer(out, array);
        Ok(())
    });
}
