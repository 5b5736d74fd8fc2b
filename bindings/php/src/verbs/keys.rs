//! Lists of keys: `keys` and `getAllKeys`.
//!
//! The keys are gathered on Rust's heap, for no iterator of the cache may be held while PHP allocates: so a bailout point
//! frees them if PHP runs out of memory while it takes them over.

use crate::handle::Handle;
use crate::reply;
use crate::zend::array::{answer, push};
use crate::zend::call::{Answer, Call, Thrown, bad_argument, refuse, run};
use crate::zend::memory_left;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendObject, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ClassEntry, ExecuteData, run_handler};
use nearcache::KEY_MAX;
use std::panic::AssertUnwindSafe;

/// `keys(string $prefix = ''): Traversable`
pub extern "C" fn keys(frame: &mut ExecuteData, out: &mut Zval) {
    run_handler(AssertUnwindSafe(|| run(frame, out, (0, 1), iterate)));
}

/// `getAllKeys(): array|false`: every key of the cache, whatever the object's prefix, as `\Memcached` gives them.
pub extern "C" fn get_all_keys(frame: &mut ExecuteData, out: &mut Zval) {
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 0), |call, out| {
            let array = gather(call.this()?, b"", 0)?;
            answer(out, array);
            Ok(())
        });
    }));
}

fn iterate(call: &Call<'_>, out: &mut Zval) -> Answer {
    let this = call.this()?;
    let prefix = call.string(0)?;
    if prefix.len() > KEY_MAX {
        return Err(bad_argument(0, "must have at most 250 bytes"));
    }
    // Those of this object, as it calls them.
    let own = this.prefix().copied();
    let mut whole = [0; crate::prefix::PREFIX_MAX + KEY_MAX];
    let len = own.bytes().len() + prefix.len();
    for (place, byte) in whole.iter_mut().zip(own.bytes().iter().chain(prefix)) {
        *place = *byte;
    }
    let array = gather(this, &whole[..len], own.bytes().len())?;
    let mut keys = Zval::new();
    answer(&mut keys, array);
    let iterator = ClassEntry::try_find("ArrayIterator")
        .ok_or_else(|| refuse("SPL's ArrayIterator is missing"))?;
    let object = ZendObject::new(iterator);
    object
        .try_call_method("__construct", vec![&keys])
        .map_err(|error| refuse(format!("the list of keys cannot be built: {error}")))?;
    ext_php_rs::convert::IntoZval::set_zval(object, out, false)
        .map_err(|error| refuse(format!("the list of keys cannot be built: {error}")))
}

/// The keys that begin with `prefix`, without their first `cut` bytes.
fn gather(this: &Handle, prefix: &[u8], cut: usize) -> Result<ZBox<ZendHashTable>, Thrown> {
    let found = BailoutGuard::new(this.cache().keys(prefix).collect::<Vec<Vec<u8>>>());
    let need = list_size(&found);
    if let Some(left) = memory_left().filter(|left| need > *left) {
        return Err(refuse(format!(
            "a list of {} keys takes about {need} bytes, and memory_limit leaves {left}: ask for a narrower prefix, \
             or raise memory_limit",
            found.len()
        )));
    }
    let mut array = ZendHashTable::with_capacity(u32::try_from(found.len()).unwrap_or(0));
    for key in found.iter() {
        let mut zval = Zval::new();
        zval.set_zend_string(ZendStr::new(&key[cut..], false));
        push(&mut array, zval)?;
    }
    this.note(reply::SUCCESS);
    Ok(array)
}

/// About what PHP will take for a list of these: its strings in the allocator's size classes, and a table that doubles.
fn list_size(keys: &[Vec<u8>]) -> usize {
    const STRING: usize = 32;
    const SLOT: usize = 16;
    let strings: usize = keys.iter().map(|key| (key.len() + STRING) * 5 / 4).sum();
    strings + keys.len().next_power_of_two() * SLOT
}
