//! `NearCache\Store`: its table of methods, its constructor, and the verbs that read. Those that change are in `change`,
//! scans and snapshots in `scan`, and the care of the whole in `upkeep`.

use super::define::{
    ARRAY, BOOL, CALLABLE, Described, FALSE, INT, MIXED, Method, NULL, Param, REFERENCE, STRING,
    Type, VOID, method, registered, this,
};
use super::error::fail;
use super::open::{Opened, expiry, open};
use super::value::show;
use super::{batch, change, queue, scan, upkeep};
use crate::zend::array::{answer, key_in, push, put};
use crate::zend::call::{Answer, Call, Key, Thrown, refuse};
use crate::zend::walk::values;
use ext_php_rs::class::ConstructorResult;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::Value;

/// The Rust half of a `NearCache\Store`.
pub struct Store(pub Opened);

registered!(Store, "NearCache\\Store", construct);

pub const KEY: Param = ("key", STRING, None);
pub const VALUE: Param = ("value", MIXED, None);
pub const EXPIRATION: Param = ("expiration", INT, Some("0"));
const CAS: Param = ("cas", INT.or(NULL).or(REFERENCE), Some("null"));
const DEFAULT: Param = ("default", MIXED, Some("null"));
const PROGRESS: Param = ("progress", CALLABLE.or(NULL), Some("null"));
const DIRECTORY: Param = ("directory", STRING, None);
pub const PREFIX: Param = ("prefix", STRING, Some("''"));
pub const PAGE: Param = ("page", INT, Some("100"));
pub const OPTIONS: Param = ("options", ARRAY, Some("[]"));
pub const PLACE: Param = ("place", STRING, None);
pub const RANGE: &[Param] = &[
    ("start", STRING, Some("''")),
    ("end", STRING, Some("''")),
    ("limit", INT, Some("100")),
    ("after_start", BOOL, Some("false")),
    ("before_end", BOOL, Some("false")),
];
const COUNT: &[Param] =
    &[KEY, ("offset", INT, Some("1")), ("initial_value", INT.or(NULL), Some("null")), EXPIRATION];
const UNIQUE: Type = INT.or(FALSE);

impl Described for Store {
    const CONSTRUCTOR: Option<&'static [Param]> = Some(&[PLACE, OPTIONS]);

    #[rustfmt::skip] // A row each.
    const METHODS: &'static [Method] = &[
        ("get", get, &[KEY, DEFAULT, CAS], MIXED),
        ("getMulti", get_multi, &[("keys", ARRAY, None)], ARRAY),
        ("has", has, &[KEY], BOOL),
        ("getAndTouch", get_and_touch, &[KEY, ("expiration", INT, None), DEFAULT, CAS], MIXED),
        ("getRaw", get_raw, &[KEY], ARRAY.or(NULL)),
        ("set", change::set, &[KEY, VALUE, EXPIRATION], INT),
        ("add", change::add, &[KEY, VALUE, EXPIRATION], UNIQUE),
        ("replace", change::replace, &[KEY, VALUE, EXPIRATION], UNIQUE),
        ("cas", change::cas, &[("cas", INT, None), KEY, VALUE, EXPIRATION], UNIQUE),
        ("append", change::append, &[KEY, ("value", STRING, None)], UNIQUE),
        ("prepend", change::prepend, &[KEY, ("value", STRING, None)], UNIQUE),
        ("storeRaw", change::store_raw, &[("verb", STRING, None), KEY, ("bytes", STRING, None), ("flags", INT, Some("0")), EXPIRATION, ("cas", INT, Some("0"))], UNIQUE),
        ("setMulti", change::set_multi, &[("items", ARRAY, None), EXPIRATION], VOID),
        ("increment", change::increment, COUNT, UNIQUE),
        ("decrement", change::decrement, COUNT, UNIQUE),
        ("touch", change::touch, &[KEY, ("expiration", INT, None)], BOOL),
        ("delete", change::delete, &[KEY, ("cas", INT.or(NULL), Some("null"))], BOOL),
        ("deleteMulti", change::delete_multi, &[("keys", ARRAY, None)], INT),
        ("flush", change::flush, &[("delay", INT, Some("0"))], VOID),
        ("range", scan::range, RANGE, ARRAY),
        ("scan", scan::scan, &[PREFIX, PAGE], Type::class("NearCache\\Scan")),
        ("snapshot", scan::snapshot, &[], Type::class("NearCache\\Snapshot")),
        ("batch", batch::batch, &[("changes", CALLABLE.or(NULL), Some("null"))], Type::class("NearCache\\Batch").or(ARRAY)),
        ("queue", queue::queue, &[("name", STRING, None)], Type::class("NearCache\\Queue")),
        ("queues", upkeep::queues, &[], ARRAY),
        ("stats", upkeep::stats, &[], ARRAY),
        ("backup", upkeep::backup, &[DIRECTORY, PROGRESS], VOID),
        ("verify", upkeep::verify, &[PROGRESS], VOID),
        ("compact", upkeep::compact, &[PROGRESS], VOID),
        ("advanceClock", upkeep::advance_clock, &[("seconds", INT, None)], VOID),
        ("__debugInfo", upkeep::debug_info, &[], ARRAY),
    ];

    const STATICS: &'static [Method] =
        &[("restore", upkeep::restore, &[("backup", STRING, None), DIRECTORY, PROGRESS], VOID)];
}

/// `__construct(string $place, array $options = [])`
fn construct(frame: &mut ExecuteData) -> ConstructorResult<Store> {
    let made = Call::of(frame, (1, 2)).and_then(|call| {
        if call.state::<Store>().is_some() {
            return Err(refuse("the store is open already: __construct() may run once only"));
        }
        let options = match call.given() {
            2 => Some(call.array(1)?),
            _ => None,
        };
        open(call.string(0)?, options)
    });
    match made {
        Ok(opened) => ConstructorResult::Ok(Store(opened)),
        Err(Thrown) => ConstructorResult::ArgError,
    }
}

/// What the object has open.
pub fn opened<'a>(call: &Call<'a>) -> Result<&'a Opened, Thrown> {
    this::<Store>(call).map(|Store(opened)| opened)
}

/// `get(string $key, mixed $default = null, ?int &$cas = null): mixed`
extern "C" fn get(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 3), |call, out| {
        let opened = opened(call)?;
        let key = call.key(0)?;
        let found = opened.durable.get(&key).map_err(fail)?;
        give(call, opened, &key, found, 1, out)
    });
}

/// `getAndTouch(string $key, int $expiration, mixed $default = null, ?int &$cas = null): mixed`
extern "C" fn get_and_touch(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 4), |call, out| {
        let opened = opened(call)?;
        let key = call.key(0)?;
        let expiry = expiry(call.long(1, 0)?);
        let found = opened.durable.gat(&key, expiry).map_err(fail)?;
        give(call, opened, &key, found, 2, out)
    });
}

/// Makes `out` what was found, or the default, which is the argument at `index`; behind it may be a place for the unique.
fn give(
    call: &Call<'_>,
    opened: &Opened,
    key: &Key<'_>,
    found: Option<Value>,
    index: usize,
    out: &mut Zval,
) -> Answer {
    let Some(value) = found else {
        *out = call.arg(index).map_or(Zval::null(), Zval::shallow_clone);
        return Ok(());
    };
    let unique = value.cas;
    show(key, value, opened.writing, out)?;
    call.assign_long(index + 1, unique as i64)
}

/// `getMulti(array $keys): array`: those that are there.
extern "C" fn get_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let opened = opened(call)?;
        let keys = call.array(0)?;
        let mut asked = BailoutGuard::new(Vec::with_capacity(keys.len()));
        for element in values(keys) {
            asked.push(key_in(0, element)?.0.to_vec());
        }
        let found = opened.durable.get_many(&asked).map_err(fail)?;
        let mut found = BailoutGuard::new(found.into_iter());
        let mut array = ZendHashTable::with_capacity(keys.len().min(1024) as u32);
        for element in values(keys) {
            if let Some(Some(value)) = found.next() {
                let (key, element) = key_in(0, element)?;
                let mut shown = Zval::null();
                show(&key, value, opened.writing, &mut shown)?;
                put(&mut array, element, shown);
            }
        }
        answer(out, array);
        Ok(())
    });
}

/// `has(string $key): bool`
extern "C" fn has(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let found = opened(call)?.durable.get(&call.key(0)?).map_err(fail)?;
        out.set_bool(found.is_some());
        Ok(())
    });
}

/// `getRaw(string $key): ?array`: the bytes, the flags, the unique.
extern "C" fn get_raw(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let Some(value) = opened(call)?.durable.get(&call.key(0)?).map_err(fail)? else {
            return Ok(());
        };
        let value = BailoutGuard::new(value);
        let mut bytes = Zval::new();
        bytes.set_zend_string(ZendStr::new(value.data.as_slice(), false));
        let mut array = ZendHashTable::with_capacity(4);
        push(&mut array, bytes)?;
        push(&mut array, i64::from(value.flags))?;
        push(&mut array, value.cas as i64)?;
        answer(out, array);
        Ok(())
    });
}
