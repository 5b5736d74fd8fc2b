//! `setOption`, `setOptions`, `getOption`: those about values and keys act, those about servers and sockets are kept and
//! given back.

use super::refused;
use crate::handle::Handle;
use crate::prefix::PREFIX_MAX;
use crate::reply;
use crate::settings::{Compressor, LEVELS, Serializer};
use crate::value;
use crate::zend::call::{Answer, Thrown, run};
use crate::zend::thrown;
use ext_php_rs::types::array::Iter;
use ext_php_rs::types::{ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;

const COMPRESSION: i64 = -1001;
const PREFIX_KEY: i64 = -1002;
const SERIALIZER: i64 = -1003;
const COMPRESSION_TYPE: i64 = -1004;
const STORE_RETRY_COUNT: i64 = -1005;
const USER_FLAGS: i64 = -1006;
const COMPRESSION_LEVEL: i64 = -1007;
const ITEM_SIZE_LIMIT: i64 = -1008;

/// Constants of the class that name an option which acts.
pub const ACTING: [(&str, i64); 8] = [
    ("OPT_COMPRESSION", COMPRESSION),
    ("OPT_PREFIX_KEY", PREFIX_KEY),
    ("OPT_SERIALIZER", SERIALIZER),
    ("OPT_COMPRESSION_TYPE", COMPRESSION_TYPE),
    ("OPT_STORE_RETRY_COUNT", STORE_RETRY_COUNT),
    ("OPT_USER_FLAGS", USER_FLAGS),
    ("OPT_COMPRESSION_LEVEL", COMPRESSION_LEVEL),
    ("OPT_ITEM_SIZE_LIMIT", ITEM_SIZE_LIMIT),
];

/// What a kept option may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1.
    Switch,
    /// Any int.
    Number,
}
use Kind::{Number, Switch};

/// Options that are kept only: the constant's name and number, what it may be, and `\Memcached`'s default.
pub const KEPT: [(&str, i64, Kind, i64); 29] = [
    ("OPT_HASH", 2, Number, 0),
    ("OPT_DISTRIBUTION", 9, Number, 0),
    ("OPT_LIBKETAMA_COMPATIBLE", 16, Switch, 0),
    ("OPT_LIBKETAMA_HASH", 17, Number, 0),
    ("OPT_TCP_KEEPALIVE", 32, Switch, 0),
    ("OPT_BUFFER_WRITES", 10, Switch, 0),
    ("OPT_BINARY_PROTOCOL", 18, Switch, 0),
    ("OPT_NO_BLOCK", 0, Switch, 0),
    ("OPT_TCP_NODELAY", 1, Switch, 0),
    ("OPT_SOCKET_SEND_SIZE", 4, Number, 0),
    ("OPT_SOCKET_RECV_SIZE", 5, Number, 0),
    ("OPT_CONNECT_TIMEOUT", 14, Number, 4000),
    ("OPT_RETRY_TIMEOUT", 15, Number, 2),
    ("OPT_DEAD_TIMEOUT", 36, Number, 0),
    ("OPT_SEND_TIMEOUT", 19, Number, 0),
    ("OPT_RECV_TIMEOUT", 20, Number, 0),
    ("OPT_POLL_TIMEOUT", 8, Number, 5000),
    ("OPT_CACHE_LOOKUPS", 6, Switch, 1),
    ("OPT_SERVER_FAILURE_LIMIT", 21, Number, 5),
    ("OPT_AUTO_EJECT_HOSTS", 28, Switch, 0),
    ("OPT_HASH_WITH_PREFIX_KEY", 25, Switch, 0),
    ("OPT_NOREPLY", 26, Switch, 0),
    ("OPT_SORT_HOSTS", 12, Switch, 0),
    ("OPT_VERIFY_KEY", 13, Switch, 0),
    ("OPT_USE_UDP", 27, Switch, 0),
    ("OPT_NUMBER_OF_REPLICAS", 29, Number, 0),
    ("OPT_RANDOMIZE_REPLICA_READ", 30, Switch, 0),
    ("OPT_REMOVE_FAILED_SERVERS", 35, Switch, 0),
    ("OPT_SERVER_TIMEOUT_LIMIT", 37, Number, 0),
];

/// `setOption(int $option, mixed $value): bool`
pub extern "C" fn set_option(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (2, 2), |call, out| {
        let this = call.this()?;
        let option = call.long(0, 0)?;
        let null = Zval::null();
        set(this, option, call.arg(1).unwrap_or(&null), out)
    });
}

/// `setOptions(array $options): bool`: sets each; false if one could not be set.
pub extern "C" fn set_options(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let mut failed = None;
        this.note(reply::SUCCESS);
        let mut options = Iter::new(call.array(0)?);
        while let Some((name, value)) = options.next_zval() {
            match name.long() {
                Some(option) => set(this, option, value.dereference(), out)?,
                None => refused(
                    this,
                    reply::INVALID_ARGUMENTS,
                    out,
                    "the options are an array by OPT_ constants, which are ints",
                )?,
            }
            if out.is_false() {
                failed = Some(this.code());
            }
        }
        this.note(failed.unwrap_or(reply::SUCCESS));
        out.set_bool(failed.is_none());
        Ok(())
    });
}

/// Sets one option; `out` is true, or false after a warning.
fn set(this: &Handle, option: i64, value: &Zval, out: &mut Zval) -> Answer {
    let wrong = match option {
        PREFIX_KEY => set_prefix(this, value)?,
        COMPRESSION => {
            // As php-memcached reads it: "x" is no number, so it is 0.
            let compress = value.coerce_to_long().unwrap_or(0) != 0;
            this.settings()
                .writing
                .update(|writing| crate::settings::Writing { compress, ..writing });
            None
        }
        _ => set_number(this, option, value.coerce_to_long().unwrap_or(0)),
    };
    match wrong {
        Some((code, sentence)) => refused(this, code, out, sentence),
        None => {
            this.note(reply::SUCCESS);
            out.set_bool(true);
            Ok(())
        }
    }
}

type Wrong = Option<(reply::Code, &'static str)>;

fn set_prefix(this: &Handle, value: &Zval) -> Result<Wrong, Thrown> {
    let taken = match value.zend_str() {
        Some(prefix) => this.prefix().set(prefix.as_bytes()),
        None => match value.coerce_to_string() {
            Some(prefix) => this.prefix().set(prefix.as_bytes()),
            None if thrown() => return Err(Thrown),
            None => return Ok(Some((reply::INVALID_ARGUMENTS, "OPT_PREFIX_KEY is a string"))),
        },
    };
    const { assert!(PREFIX_MAX == 127) };
    Ok(match taken {
        true => None,
        false => Some((
            reply::KEY_TOO_BIG,
            "OPT_PREFIX_KEY has at most 127 bytes; the one there was stays",
        )),
    })
}

fn set_number(this: &Handle, option: i64, number: i64) -> Wrong {
    const INVALID: reply::Code = reply::INVALID_ARGUMENTS;
    let mut writing = this.settings().writing.get();
    match option {
        SERIALIZER => match Serializer::NAMES.iter().find(|(_, known, _)| *known == number) {
            Some((.., serializer)) if serializer.missing().is_none() => {
                writing.serializer = *serializer;
            }
            Some(_) => return Some((INVALID, "the extension of this serializer is not loaded")),
            None => return Some((INVALID, "OPT_SERIALIZER is one of the SERIALIZER_ constants")),
        },
        COMPRESSION_TYPE => match Compressor::NAMES.iter().find(|(_, known, _)| *known == number) {
            Some((.., compressor)) => writing.compressor = *compressor,
            None => {
                return Some((
                    INVALID,
                    "OPT_COMPRESSION_TYPE is one of the COMPRESSION_ constants",
                ));
            }
        },
        COMPRESSION_LEVEL => match i32::try_from(number) {
            Ok(level) if LEVELS.contains(&level) => writing.level = level,
            _ => return Some((INVALID, "OPT_COMPRESSION_LEVEL is an int from -7 to 22")),
        },
        USER_FLAGS => match u16::try_from(number) {
            Ok(flags) if value::user_flags(u32::from(flags) << 16) != flags.into() => {
                return Some((
                    INVALID,
                    "the user flags 0x4e43 (20035) are those of nearcache's portable values: choose others",
                ));
            }
            Ok(flags) => writing.user_flags = Some(flags),
            Err(_) if number < 0 => writing.user_flags = None,
            Err(_) => {
                return Some((INVALID, "OPT_USER_FLAGS is 0 to 65535, or negative for none"));
            }
        },
        ITEM_SIZE_LIMIT => match usize::try_from(number) {
            Ok(0) => this.set_item_size_limit(usize::MAX),
            Ok(bytes) => this.set_item_size_limit(bytes),
            Err(_) => {
                return Some((INVALID, "OPT_ITEM_SIZE_LIMIT is 0 for none, or a number of bytes"));
            }
        },
        _ => return keep(this, option, number),
    }
    this.settings().writing.set(writing);
    None
}

fn keep(this: &Handle, option: i64, number: i64) -> Wrong {
    let Some((default, kind)) = known(option) else {
        return Some((
            reply::INVALID_ARGUMENTS,
            "there is no such option: they are the OPT_ constants",
        ));
    };
    let number = if kind == Switch { (number != 0).into() } else { number };
    let mut options = this.kept().options.borrow_mut();
    options.retain(|(kept, _)| *kept != option);
    if number != default {
        options.push((option, number));
    }
    None
}

/// A kept option's default and kind.
fn known(option: i64) -> Option<(i64, Kind)> {
    if option == STORE_RETRY_COUNT {
        return Some((0, Number));
    }
    KEPT.iter()
        .find(|(_, known, ..)| *known == option)
        .map(|(_, _, kind, default)| (*default, *kind))
}

/// `getOption(int $option): mixed`: null, with a code, for what is no option.
pub extern "C" fn get_option(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        let this = call.this()?;
        let option = call.long(0, 0)?;
        let writing = this.settings().writing.get();
        match option {
            PREFIX_KEY => {
                let prefix = this.prefix().copied();
                out.set_zend_string(ZendStr::new(prefix.bytes(), false));
            }
            COMPRESSION => out.set_bool(writing.compress),
            SERIALIZER => {
                let mut known =
                    Serializer::NAMES.iter().filter(|(.., known)| *known == writing.serializer);
                out.set_long(known.next().map_or(0, |(_, number, _)| *number));
            }
            COMPRESSION_TYPE => {
                let mut known =
                    Compressor::NAMES.iter().filter(|(.., known)| *known == writing.compressor);
                out.set_long(known.next().map_or(0, |(_, number, _)| *number));
            }
            COMPRESSION_LEVEL => out.set_long(i64::from(writing.level)),
            USER_FLAGS => out.set_long(writing.user_flags.map_or(-1, i64::from)),
            ITEM_SIZE_LIMIT => {
                let limit = Some(this.item_size_limit()).filter(|bytes| *bytes != usize::MAX);
                out.set_long(limit.map_or(0, |bytes| bytes as i64));
            }
            _ => match known(option) {
                Some((default, _)) => {
                    let options = this.kept().options.borrow();
                    let kept = options.iter().find(|(kept, _)| *kept == option);
                    out.set_long(kept.map_or(default, |(_, number)| *number));
                }
                None => {
                    this.refuse(
                        reply::INVALID_ARGUMENTS,
                        "there is no such option: they are the OPT_ constants",
                    );
                    out.set_null();
                }
            },
        }
        Ok(())
    });
}
