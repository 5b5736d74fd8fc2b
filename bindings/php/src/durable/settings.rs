//! What a `NearCache\Queue` is set to, and what has happened to it, as arrays.

use super::define::{method, this};
use super::error::fail;
use super::queue::Queue;
use super::scan::text;
use crate::zend::array::{answer, insert, push};
use crate::zend::call::{Thrown, refuse};
use ext_php_rs::types::array::Iter;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::Error;
use nearcache_store::queue::Settings;

const KNOWN: &str = "max_messages, max_bytes, max_message, discard_old, lease, max_deliveries, dead_letters, expire, \
                     expired_to, dedup_window, retry_delay";

/// `configure(array $settings): void`: those that are not named stay.
pub extern "C" fn configure(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, _| {
        let queue = this::<Queue>(call)?;
        let durable = &queue.opened.durable;
        let settings = match durable.settings(&queue.name) {
            Ok(settings) => settings,
            Err(Error::NoQueue(_)) => Settings::default(),
            Err(error) => return Err(fail(error)),
        };
        let mut settings = BailoutGuard::new(settings);
        let mut entries = Iter::new(call.array(0)?);
        while let Some((key, value)) = entries.next_zval() {
            let name = key.zend_str().map_or(&b""[..], |name| name.as_bytes());
            set(&mut settings, name, value.dereference())?;
        }
        durable.configure(&queue.name, settings.into_inner()).map_err(fail)
    });
}

fn set(settings: &mut Settings, name: &[u8], value: &Zval) -> Result<(), Thrown> {
    match name {
        b"max_messages" => settings.max_messages = natural(name, value)?,
        b"max_bytes" => settings.max_bytes = natural(name, value)?,
        b"max_message" => settings.max_message = natural(name, value)?,
        b"discard_old" => {
            settings.discard_old = value.bool().ok_or_else(|| wrong(name, "true or false"))?;
        }
        b"lease" => settings.lease = number(name, value)?,
        b"max_deliveries" => settings.max_deliveries = number(name, value)?,
        b"dead_letters" => settings.dead_letters = other(name, value)?,
        b"expire" => settings.expire = number(name, value)?,
        b"expired_to" => settings.expired_to = other(name, value)?,
        b"dedup_window" => settings.dedup_window = number(name, value)?,
        b"retry_delay" => settings.retry_delay = number(name, value)?,
        _ => {
            return Err(refuse(format!(
                "there is no setting \"{}\": the settings are {KNOWN}",
                name.escape_ascii()
            )));
        }
    }
    Ok(())
}

fn wrong(name: &[u8], must: &str) -> Thrown {
    refuse(format!("the setting {} must be {must}", name.escape_ascii()))
}

fn natural(name: &[u8], value: &Zval) -> Result<u64, Thrown> {
    let given = value.long().and_then(|long| u64::try_from(long).ok());
    given.ok_or_else(|| wrong(name, "an int of 0 or more"))
}

fn number(name: &[u8], value: &Zval) -> Result<u32, Thrown> {
    u32::try_from(natural(name, value)?).map_err(|_| wrong(name, "an int between 0 and 4294967295"))
}

fn other(name: &[u8], value: &Zval) -> Result<Vec<u8>, Thrown> {
    match value.zend_str() {
        Some(name) => Ok(name.as_bytes().to_vec()),
        None if value.is_null() => Ok(Vec::new()),
        None => Err(wrong(name, "the name of a queue, or null for the default")),
    }
}

/// The name of another queue, or null.
fn named(name: &[u8]) -> Zval {
    if name.is_empty() { Zval::null() } else { text(name) }
}

/// `settings(): array`
pub extern "C" fn settings(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        let settings = queue.opened.durable.settings(&queue.name).map_err(fail)?;
        let settings = BailoutGuard::new(settings);
        let mut array = ZendHashTable::with_capacity(11);
        insert(&mut array, "max_messages", settings.max_messages as i64)?;
        insert(&mut array, "max_bytes", settings.max_bytes as i64)?;
        insert(&mut array, "max_message", settings.max_message as i64)?;
        insert(&mut array, "discard_old", settings.discard_old)?;
        insert(&mut array, "lease", i64::from(settings.lease))?;
        insert(&mut array, "max_deliveries", i64::from(settings.max_deliveries))?;
        insert(&mut array, "dead_letters", named(&settings.dead_letters))?;
        insert(&mut array, "expire", i64::from(settings.expire))?;
        insert(&mut array, "expired_to", named(&settings.expired_to))?;
        insert(&mut array, "dedup_window", i64::from(settings.dedup_window))?;
        insert(&mut array, "retry_delay", i64::from(settings.retry_delay))?;
        answer(out, array);
        Ok(())
    });
}

/// `stats(): array`
pub extern "C" fn stats(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        let stats = queue.opened.durable.queue_stats(&queue.name).map_err(fail)?;
        let stats = BailoutGuard::new(stats);
        let totals = &stats.totals;
        let mut array = ZendHashTable::with_capacity(19);
        insert(&mut array, "name", text(&stats.name))?;
        for (name, number) in [
            ("messages", stats.messages),
            ("ready", stats.ready),
            ("reserved", stats.reserved),
            ("delayed", stats.delayed),
            ("bytes", stats.bytes),
            ("age", stats.age),
            ("made", stats.made),
            ("pushed", totals.pushed),
            ("delivered", totals.delivered),
            ("acked", totals.acked),
            ("returned", totals.returned),
            ("dead", totals.dead),
            ("expired", totals.expired),
            ("discarded", totals.discarded),
            ("duplicates", totals.duplicates),
        ] {
            insert(&mut array, name, number as i64)?;
        }
        insert(&mut array, "paused", stats.is_paused)?;
        let mut readers = ZendHashTable::new();
        for reader in &stats.readers {
            push(&mut readers, text(reader))?;
        }
        insert(&mut array, "readers", readers)?;
        answer(out, array);
        Ok(())
    });
}

/// What `var_dump()` shows.
pub extern "C" fn debug_info(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        let mut array = ZendHashTable::with_capacity(2);
        insert(&mut array, "place", text(queue.opened.place.as_bytes()))?;
        insert(&mut array, "name", text(&queue.name))?;
        answer(out, array);
        Ok(())
    });
}
