//! apcu_entry: of all who ask for a missing key one calls the callback. APCu locks the whole cache meanwhile; here it is a
//! lease on the one key (`core/src/docs/values.md`), so that others go on, and a killed maker delays nobody for long.

use super::item::{complain, expiry};
use super::{face, text};
use crate::verbs::remember::Ask;
use crate::zend::call::run;
use crate::zend::callback::produce;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ExecuteData;
use nearcache::KEY_MAX;

/// How many seconds a callback may take before another is called.
const LEASE: u32 = 30;

/// `apcu_entry(string $key, callable $callback, int $ttl = 0): mixed`
pub extern "C" fn entry(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (2, 3), |call, out| {
        let key = call.string(0)?;
        let callback = call.callable(1)?;
        let ttl = call.long(2, 0)?;
        let make = |out: &mut Zval| produce(callback, &mut [text(key)], out);
        match face() {
            Some(_) if !(1..=KEY_MAX).contains(&key.len()) => {
                complain(&format!(
                    "what is made for a key of {} bytes is not kept: a key has 1 to {KEY_MAX}",
                    key.len()
                ))?;
                make(out)
            }
            Some(this) => {
                Ask { this, key, stale: 0, lease: LEASE }.answer(expiry(this, ttl), make, out)
            }
            // Nothing can be kept.
            None => make(out),
        }
    });
}
