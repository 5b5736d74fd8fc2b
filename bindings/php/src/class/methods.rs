//! The methods of `NearCache\Cache`: name, handler, parameters, types. Those that `\Memcached` has are declared as it
//! declares them (tests/php/differential.php compares the two), so that classes which extend or mock it fit.

use crate::verbs::{
    admin, change, count, delayed, keys, option, read, remember, server, sharing, store,
};
use ext_php_rs::ffi::{
    IS_ARRAY, IS_CALLABLE, IS_FALSE, IS_LONG, IS_NULL, IS_STRING, IS_TRUE, MAY_BE_ANY,
};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ExecuteData;

type Handler = extern "C" fn(&mut ExecuteData, &mut Zval);

/// A parameter: its name, its types, and its default if it may be left out.
pub type Param = (&'static str, u32, Option<&'static str>);

/// A method: its name, its handler, its parameters, and the types it returns.
pub type Method = (&'static str, Handler, &'static [Param], u32);

const BOOL: u32 = 1 << IS_TRUE | FALSE;
const FALSE: u32 = 1 << IS_FALSE;
pub const INT: u32 = 1 << IS_LONG;
pub const STR: u32 = 1 << IS_STRING;
pub const ARR: u32 = 1 << IS_ARRAY;
const NULL: u32 = 1 << IS_NULL;
const ANY: u32 = MAY_BE_ANY;
/// Not a mask: a `Traversable`, which has a name.
pub const TRAVERSABLE: u32 = 0;

const KEY: Param = ("key", STR, None);
const SERVER_KEY: Param = ("server_key", STR, None);
const KEYS: Param = ("keys", ARR, None);
const VALUE: Param = ("value", ANY, None);
const OPTION: Param = ("option", INT, None);
const CACHE_CB: Param = ("cache_cb", 1 << IS_CALLABLE | NULL, Some("null"));
const EXPIRATION: Param = ("expiration", INT, Some("0"));
const EXPIRY: Param = ("expiry", INT, Some("0"));
const GET_FLAGS: Param = ("get_flags", INT, Some("0"));
const TIME: Param = ("time", INT, Some("0"));

/// The one that needs no object.
pub const UNLINK: &str = "unlink";

#[rustfmt::skip] // A row each.
pub const METHODS: &[Method] = &[
    ("get", read::get::<0>, &[KEY, CACHE_CB, GET_FLAGS], ANY),
    ("getByKey", read::get::<1>, &[SERVER_KEY, KEY, CACHE_CB, GET_FLAGS], ANY),
    ("getMulti", read::get_multi::<0>, &[KEYS, GET_FLAGS], ARR | FALSE),
    ("getMultiByKey", read::get_multi::<1>, &[SERVER_KEY, KEYS, GET_FLAGS], ARR | FALSE),
    ("getDelayed", delayed::get_delayed::<0>, &[KEYS, ("with_cas", BOOL, Some("false")), ("value_cb", 1 << IS_CALLABLE | NULL, Some("null"))], BOOL),
    ("getDelayedByKey", delayed::get_delayed::<1>, &[SERVER_KEY, KEYS, ("with_cas", BOOL, Some("false")), ("value_cb", 1 << IS_CALLABLE | NULL, Some("null"))], BOOL),
    ("fetch", delayed::fetch, &[], ARR | FALSE),
    ("fetchAll", delayed::fetch_all, &[], ARR | FALSE),
    ("getAndTouch", read::get_and_touch, &[KEY, EXPIRATION, GET_FLAGS], ANY),
    ("fetchOr", read::fetch_or, &[KEY, ("default", ANY, Some("null"))], ANY),
    ("has", read::has, &[KEY], BOOL),
    ("remember", remember::remember, &[KEY, ("ttl", INT, None), ("producer", 1 << IS_CALLABLE, None), ("stale", INT, Some("0")), ("lease", INT, Some("30"))], ANY),
    ("getRaw", read::get_raw, &[KEY, ("expiration", INT | NULL, Some("null"))], ARR | NULL),
    ("keys", keys::keys, &[("prefix", STR, Some("''"))], TRAVERSABLE),
    ("getAllKeys", keys::get_all_keys, &[], ARR | FALSE),
    ("set", store::set::<0>, &[KEY, VALUE, EXPIRATION], BOOL),
    ("setByKey", store::set::<1>, &[SERVER_KEY, KEY, VALUE, EXPIRATION], BOOL),
    ("add", store::add::<0>, &[KEY, VALUE, EXPIRATION], BOOL),
    ("addByKey", store::add::<1>, &[SERVER_KEY, KEY, VALUE, EXPIRATION], BOOL),
    ("replace", store::replace::<0>, &[KEY, VALUE, EXPIRATION], BOOL),
    ("replaceByKey", store::replace::<1>, &[SERVER_KEY, KEY, VALUE, EXPIRATION], BOOL),
    ("setMulti", store::set_multi::<0>, &[("items", ARR, None), EXPIRATION], BOOL),
    ("setMultiByKey", store::set_multi::<1>, &[SERVER_KEY, ("items", ARR, None), EXPIRATION], BOOL),
    ("append", store::append::<0>, &[KEY, ("value", STR, None)], BOOL | NULL),
    ("appendByKey", store::append::<1>, &[SERVER_KEY, KEY, ("value", STR, None)], BOOL | NULL),
    ("prepend", store::prepend::<0>, &[KEY, ("value", STR, None)], BOOL | NULL),
    ("prependByKey", store::prepend::<1>, &[SERVER_KEY, KEY, ("value", STR, None)], BOOL | NULL),
    ("cas", store::cas::<0>, &[("cas_token", STR, None), KEY, VALUE, EXPIRATION], BOOL),
    ("casByKey", store::cas::<1>, &[("cas_token", STR, None), SERVER_KEY, KEY, VALUE, EXPIRATION], BOOL),
    ("storeRaw", store::store_raw, &[("verb", STR, None), KEY, ("bytes", STR, None), ("flags", INT, Some("0")), EXPIRATION, ("cas", INT, Some("0"))], BOOL),
    ("increment", count::increment::<0>, &[KEY, ("offset", INT, Some("1")), ("initial_value", INT, Some("0")), EXPIRY], INT | FALSE),
    ("incrementByKey", count::increment::<1>, &[SERVER_KEY, KEY, ("offset", INT, Some("1")), ("initial_value", INT, Some("0")), EXPIRY], INT | FALSE),
    ("decrement", count::decrement::<0>, &[KEY, ("offset", INT, Some("1")), ("initial_value", INT, Some("0")), EXPIRY], INT | FALSE),
    ("decrementByKey", count::decrement::<1>, &[SERVER_KEY, KEY, ("offset", INT, Some("1")), ("initial_value", INT, Some("0")), EXPIRY], INT | FALSE),
    ("incrementRaw", count::increment_raw, &[KEY, ("offset", INT | STR, Some("1")), ("initial_value", INT | STR | NULL, Some("null")), EXPIRY], INT | STR | FALSE),
    ("decrementRaw", count::decrement_raw, &[KEY, ("offset", INT | STR, Some("1")), ("initial_value", INT | STR | NULL, Some("null")), EXPIRY], INT | STR | FALSE),
    ("touch", change::touch::<0>, &[KEY, EXPIRATION], BOOL),
    ("touchByKey", change::touch::<1>, &[SERVER_KEY, KEY, EXPIRATION], BOOL),
    ("delete", change::delete::<0>, &[KEY, TIME], BOOL),
    ("deleteByKey", change::delete::<1>, &[SERVER_KEY, KEY, TIME], BOOL),
    ("deleteMulti", change::delete_multi::<0>, &[KEYS, TIME], ARR),
    ("deleteMultiByKey", change::delete_multi::<1>, &[SERVER_KEY, KEYS, TIME], ARR),
    ("flush", change::flush, &[("delay", INT, Some("0"))], BOOL),
    ("setOption", option::set_option, &[OPTION, VALUE], BOOL),
    ("setOptions", option::set_options, &[("options", ARR, None)], BOOL),
    ("getOption", option::get_option, &[OPTION], ANY),
    ("stats", admin::stats, &[], ARR),
    ("getStats", admin::get_stats, &[("type", STR | NULL, Some("null"))], ARR | FALSE),
    ("getVersion", admin::get_version, &[], ARR | FALSE),
    ("getResultCode", admin::get_result_code, &[], INT),
    ("getResultMessage", admin::get_result_message, &[], STR),
    ("getLastErrorCode", admin::get_last_error_code, &[], INT),
    ("getLastErrorErrno", admin::get_last_error_errno, &[], INT),
    ("getLastErrorMessage", admin::get_last_error_message, &[], STR),
    ("checkKey", server::check_key, &[KEY], BOOL),
    ("addServer", server::add_server, &[("host", STR, None), ("port", INT, None), ("weight", INT, Some("0"))], BOOL),
    ("addServers", server::add_servers, &[("servers", ARR, None)], BOOL),
    ("getServerList", server::get_server_list, &[], ARR),
    ("getServerByKey", server::get_server_by_key, &[SERVER_KEY], ARR | FALSE),
    ("resetServerList", server::reset_server_list, &[], BOOL),
    ("quit", server::nothing, &[], BOOL),
    ("flushBuffers", server::nothing, &[], BOOL),
    ("getLastDisconnectedServer", server::get_last_disconnected_server, &[], ARR | FALSE),
    ("setBucket", server::set_bucket, &[("host_map", ARR, None), ("forward_map", ARR | NULL, None), ("replicas", INT, None)], BOOL),
    ("setSaslAuthData", server::set_sasl_auth_data, &[("username", STR, None), ("password", STR, None)], BOOL),
    ("setEncodingKey", server::set_encoding_key, &[KEY], BOOL),
    ("isPersistent", server::is_persistent, &[], BOOL),
    ("isPristine", server::is_pristine, &[], BOOL),
    ("advanceClock", admin::advance_clock, &[("seconds", INT, None)], BOOL),
    ("check", admin::check, &[], BOOL),
    ("getInfo", sharing::get_info, &[], ARR),
    ("getProcesses", sharing::get_processes, &[], ARR),
    ("__debugInfo", admin::debug_info, &[], ARR),
    (UNLINK, sharing::unlink, &[("name", STR, None)], BOOL),
];
