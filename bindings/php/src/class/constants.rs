//! The constants of `NearCache\Cache`: those of `\Memcached`, with its numbers, and of later versions of php-memcached.

use super::{GET_EXTENDED, GET_PRESERVE_ORDER};
use crate::reply;
use crate::settings::{Compressor, Serializer};
use crate::verbs::option::{ACTING, KEPT};
use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::error::Result;
use ext_php_rs::ffi::zend_hash_str_find_ptr_lc;
use ext_php_rs::flags::ConstantFlags;
use ext_php_rs::types::ZendHashTable;

/// What the options about servers may be set to; without effect.
const OF_SERVERS: [(&str, i64); 12] = [
    ("HASH_DEFAULT", 0),
    ("HASH_MD5", 1),
    ("HASH_CRC", 2),
    ("HASH_FNV1_64", 3),
    ("HASH_FNV1A_64", 4),
    ("HASH_FNV1_32", 5),
    ("HASH_FNV1A_32", 6),
    ("HASH_HSIEH", 7),
    ("HASH_MURMUR", 8),
    ("DISTRIBUTION_MODULA", 0),
    ("DISTRIBUTION_CONSISTENT", 1),
    ("DISTRIBUTION_VIRTUAL_BUCKET", 6),
];

/// The version whose options these are.
const LIBMEMCACHED: (&str, i64) = ("LIBMEMCACHED_VERSION_HEX", 0x0100_0018);

/// What there is to build on: extensions of PHP, if they are loaded, and what is built in.
const LOADED: [(&str, &str); 4] = [
    ("HAVE_IGBINARY", "igbinary"),
    ("HAVE_MSGPACK", "msgpack"),
    ("HAVE_SESSION", "session"),
    ("HAVE_JSON", "json"),
];
const BUILT: [(&str, bool); 4] = [
    ("HAVE_ZSTD", true),
    // Nothing is encrypted, and nobody is asked for a password.
    ("HAVE_ENCODING", false),
    ("HAVE_SASL", false),
    ("GET_ERROR_RETURN_VALUE", false),
];

/// Adds all of them.
pub fn add(mut class: ClassBuilder) -> Result<ClassBuilder> {
    let numbers = reply::CONSTANTS
        .into_iter()
        .chain(ACTING)
        .chain(KEPT.map(|(name, number, ..)| (name, number)))
        .chain(OF_SERVERS)
        .chain([LIBMEMCACHED])
        .chain([("GET_PRESERVE_ORDER", GET_PRESERVE_ORDER), ("GET_EXTENDED", GET_EXTENDED)]);
    for (name, number) in numbers {
        class = class.constant(name, number, &[], ConstantFlags::Public)?;
    }
    for (name, number, _) in Serializer::NAMES {
        let name = format!("SERIALIZER_{}", name.to_uppercase());
        class = class.constant(name, number, &[], ConstantFlags::Public)?;
    }
    for (name, number, _) in Compressor::NAMES {
        let name = format!("COMPRESSION_{}", name.to_uppercase());
        class = class.constant(name, number, &[], ConstantFlags::Public)?;
    }
    for (name, truth) in
        LOADED.map(|(name, module)| (name, is_loaded(module))).into_iter().chain(BUILT)
    {
        class = class.constant(name, truth, &[], ConstantFlags::Public)?;
    }
    Ok(class)
}

// From Zend/zend_API.h and Zend/zend_modules.h.
unsafe extern "C" {
    static module_registry: ZendHashTable;
}

/// Is this extension of PHP loaded? While PHP starts: is it to be started, before or after this one?
fn is_loaded(name: &str) -> bool {
    // SAFETY: the engine's table of modules, which changes only while a single thread starts or stops them.
    !unsafe {
        zend_hash_str_find_ptr_lc(&raw const module_registry, name.as_ptr().cast(), name.len())
    }
    .is_null()
}
