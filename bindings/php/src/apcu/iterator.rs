//! APCUIterator: items by a regular expression, by a list of keys, or all; each as an array of what was asked of it.
//!
//! The keys are listed when it is made and when it is rewound; an item that has gone since is passed over.

use super::info::{left, look};
use super::item::{read, remove};
use super::signature::{INT, MIXED, STRING, Signature, UNTYPED, VOID, may, sign};
use super::{face, signature, text};
use crate::zend::array::{answer, insert};
use crate::zend::call::{Answer, Call, Key, Thrown, bad_argument, run, throw};
use crate::zend::callback::produce;
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::{ClassMetadata, ConstructorMeta, ConstructorResult, RegisteredClass};
use ext_php_rs::convert::IntoZvalDyn;
use ext_php_rs::describe::DocComments;
use ext_php_rs::error::Result as Registered;
use ext_php_rs::exception::PhpException;
use ext_php_rs::flags::{ConstantFlags, DataType, MethodFlags};
use ext_php_rs::types::{ZendClassObject, ZendHashTable, Zval};
use ext_php_rs::zend::{ClassEntry, ExecuteData, ce};
use nearcache::MetaHit;
use std::ffi::CStr;

const TYPE: i64 = 1;
const KEY: i64 = 2;
const VALUE: i64 = 4;
const NUM_HITS: i64 = 8;
const MTIME: i64 = 16;
const CTIME: i64 = 32;
const DTIME: i64 = 64;
const ATIME: i64 = 128;
const REFCOUNT: i64 = 256;
const MEM_SIZE: i64 = 512;
const TTL: i64 = 1024;
const ALL: i64 = 0xffff_ffff;

/// What of an item is asked for.
pub const CONSTANTS: [(&CStr, i64); 13] = [
    (c"APC_ITER_TYPE", TYPE),
    (c"APC_ITER_KEY", KEY),
    (c"APC_ITER_VALUE", VALUE),
    (c"APC_ITER_NUM_HITS", NUM_HITS),
    (c"APC_ITER_MTIME", MTIME),
    (c"APC_ITER_CTIME", CTIME),
    (c"APC_ITER_DTIME", DTIME),
    (c"APC_ITER_ATIME", ATIME),
    (c"APC_ITER_REFCOUNT", REFCOUNT),
    (c"APC_ITER_MEM_SIZE", MEM_SIZE),
    (c"APC_ITER_TTL", TTL),
    (c"APC_ITER_NONE", 0),
    (c"APC_ITER_ALL", ALL),
];

const LIST_ACTIVE: i64 = 1;
const LIST_DELETED: i64 = 2;

/// What an object goes through.
pub struct Steps {
    /// The regular expression that keys must match; null for none.
    pattern: Zval,
    /// The keys of a list that was given, instead of all.
    given: Option<Vec<Vec<u8>>>,
    format: i64,
    /// The list asked for is that of what was deleted: there is none here.
    nothing: bool,
    keys: Vec<Vec<u8>>,
    at: usize,
}

impl Steps {
    fn list(&mut self) {
        self.at = 0;
        self.keys = match (&self.given, face()) {
            (_, None) => Vec::new(),
            _ if self.nothing => Vec::new(),
            (Some(given), _) => given.clone(),
            (None, Some(face)) => face.cache().keys(b"").collect(),
        };
    }
}

static METADATA: ClassMetadata<Steps> = ClassMetadata::new(&[]);

const CONSTRUCT: &CStr = c"__construct";

const fn method(name: &'static CStr, handler: signature::Handler, returns: u32) -> Signature {
    Signature { name, handler, params: &[], required: 0, returns }
}

const METHODS: [Signature; 8] = [
    method(c"rewind", rewind, VOID),
    method(c"next", next, VOID),
    method(c"valid", valid, signature::BOOL),
    method(c"key", key, STRING | INT),
    method(c"current", current, MIXED),
    method(c"getTotalHits", total_hits, INT),
    method(c"getTotalSize", total_size, INT),
    method(c"getTotalCount", total_count, INT),
];

const CONSTRUCTOR: Signature = Signature {
    name: CONSTRUCT,
    handler: nothing,
    params: &[
        may(c"search", UNTYPED, c"null"),
        may(c"format", INT, c"APC_ITER_ALL"),
        may(c"chunk_size", INT, c"0"),
        may(c"list", INT, c"APC_LIST_ACTIVE"),
    ],
    required: 0,
    returns: UNTYPED,
};

/// Its signature alone is used: the class has a constructor of its own.
extern "C" fn nothing(_: &mut ExecuteData, _: &mut Zval) {}

/// Makes the class known.
pub fn register() -> Registered<()> {
    let mut class = ClassBuilder::new(Steps::CLASS_NAME)
        .implements((ce::iterator, "\\Iterator"))
        .object_override::<Steps>();
    for signature in &METHODS {
        let name = signature.name.to_string_lossy();
        // Types that `Iterator` may have; `sign` writes the true ones.
        let returns = match signature.returns {
            VOID => DataType::Void,
            signature::BOOL => DataType::Bool,
            _ => DataType::Mixed,
        };
        let function = FunctionBuilder::new(name, signature.handler).returns(returns, false, false);
        class = class.method(function, MethodFlags::Public);
    }
    class
        .registration(|class, tables| {
            sign(class, &METHODS);
            sign(class, &[CONSTRUCTOR]);
            METADATA.set_ce(class);
            METADATA.set_arg_info(tables);
        })
        .register()
}

impl RegisteredClass for Steps {
    const CLASS_NAME: &'static str = "APCUIterator";
    const BUILDER_MODIFIER: Option<fn(ClassBuilder) -> ClassBuilder> = None;
    const EXTENDS: Option<(fn() -> &'static ClassEntry, &'static str)> = None;
    const IMPLEMENTS: &'static [(fn() -> &'static ClassEntry, &'static str)] = &[];

    fn get_metadata() -> &'static ClassMetadata<Self> {
        &METADATA
    }

    fn method_builders() -> Vec<(FunctionBuilder<'static>, MethodFlags)> {
        Vec::new()
    }

    fn constructor() -> Option<ConstructorMeta<Self>> {
        Some(ConstructorMeta {
            constructor: |frame| match construct(frame) {
                Ok(steps) => ConstructorResult::Ok(steps),
                Err(Thrown) => ConstructorResult::ArgError,
            },
            build_fn: |function| function,
            flags: None,
        })
    }

    fn constants() -> &'static [(&'static str, &'static dyn IntoZvalDyn, DocComments, ConstantFlags)]
    {
        &[]
    }
}

fn construct(frame: &ExecuteData) -> Result<Steps, Thrown> {
    let call = Call::of(frame, (0, 4))?;
    let format = call.long(1, ALL)?;
    let chunk = call.long(2, 0)?;
    let list = call.long(3, LIST_ACTIVE)?;
    if !(0..=ALL).contains(&format) {
        return Err(bad_argument(1, "must be made of the constants APC_ITER_*"));
    }
    if chunk < 0 {
        return Err(bad_argument(2, "must be 0 or greater"));
    }
    if list != LIST_ACTIVE && list != LIST_DELETED {
        return Err(bad_argument(3, "must be APC_LIST_ACTIVE or APC_LIST_DELETED"));
    }
    let mut steps = Steps {
        pattern: Zval::null(),
        given: None,
        format,
        nothing: list == LIST_DELETED,
        keys: Vec::new(),
        at: 0,
    };
    match call.arg(0) {
        Some(search) if search.zend_str().is_some_and(|pattern| !pattern.is_empty()) => {
            // A pattern that is none is told of now, by PHP's own warning.
            matches(search, b"")?;
            steps.pattern = search.shallow_clone();
        }
        Some(search) => {
            let keys = |keys: &ZendHashTable| {
                keys.values()
                    .filter_map(|key| Key::of(key.dereference()).map(|key| key.to_vec()))
                    .collect()
            };
            steps.given = search.array().map(keys);
        }
        None => {}
    }
    steps.list();
    Ok(steps)
}

/// Does the key match, by PHP's own `preg_match`?
fn matches(pattern: &Zval, key: &[u8]) -> Result<bool, Thrown> {
    let function = text(b"preg_match");
    let mut said = Zval::new();
    produce(&function, &mut [pattern.shallow_clone(), text(key)], &mut said)?;
    if said.is_false() {
        return Err(throw(PhpException::new(
            "the search of an APCUIterator must be a regular expression, a list of keys, or null"
                .to_owned(),
            0,
            ce::value_error(),
        )));
    }
    Ok(said.long() == Some(1))
}

/// The object's state, for a moment in which no PHP code runs.
fn steps(object: &mut Zval) -> Result<&mut Steps, Thrown> {
    object
        .object_mut()
        .and_then(ZendClassObject::<Steps>::from_zend_obj_mut)
        .and_then(|object| object.obj.as_mut())
        .ok_or_else(|| {
            throw(PhpException::new(
                "the APCUIterator is not made: a subclass with a constructor of its own must call parent::__construct()"
                    .to_owned(),
                0,
                ce::error(),
            ))
        })
}

/// Moves on to the next item that is there and matches, if this one does not; gives its key, as a string of PHP's.
fn settle(object: &mut Zval) -> Result<Option<(Zval, MetaHit)>, Thrown> {
    loop {
        let state = steps(object)?;
        let (Some(key), Some(face)) = (state.keys.get(state.at), face()) else {
            return Ok(None);
        };
        if let Some(hit) = look(face, key) {
            let pattern = state.pattern.shallow_clone();
            let name = text(key);
            // PHP code may run from here on, and use the object.
            let bytes = name.zend_str().map_or(&b""[..], |name| name.as_bytes());
            if pattern.is_null() || matches(&pattern, bytes)? {
                return Ok(Some((name, hit)));
            }
        }
        steps(object)?.at += 1;
    }
}

extern "C" fn rewind(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, _| steps(&mut call.object()).map(Steps::list));
}

extern "C" fn next(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, _| {
        let mut object = call.object();
        // Where it stands now is what is left behind.
        if settle(&mut object)?.is_some() {
            steps(&mut object)?.at += 1;
        }
        Ok(())
    });
}

extern "C" fn valid(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        out.set_bool(settle(&mut call.object())?.is_some());
        Ok(())
    });
}

fn ended(method: &str) -> Thrown {
    throw(PhpException::new(format!("Cannot call {method}() on invalid iterator"), 0, ce::error()))
}

extern "C" fn key(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let (key, _) = settle(&mut call.object())?.ok_or_else(|| ended("key"))?;
        *out = key;
        Ok(())
    });
}

extern "C" fn current(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let mut object = call.object();
        let (key, hit) = settle(&mut object)?.ok_or_else(|| ended("current"))?;
        let format = steps(&mut object)?.format;
        item(format, key, &hit, out)
    });
}

/// Makes `out` the array of what `format` asks of an item.
fn item(format: i64, key: Zval, hit: &MetaHit, out: &mut Zval) -> Answer {
    let mut told = ZendHashTable::with_capacity(16);
    if format & TYPE != 0 {
        insert(&mut told, "type", "user")?;
    }
    if format & KEY != 0 {
        insert(&mut told, "key", key.shallow_clone())?;
    }
    if format & VALUE != 0 {
        let mut value = Zval::null();
        if let (Some(name), Some(face)) = (key.zend_str(), face()) {
            read(face, name.as_bytes(), &mut value)?;
        }
        insert(&mut told, "value", value)?;
    }
    if format & NUM_HITS != 0 {
        insert(&mut told, "num_hits", 0f64)?;
    }
    let unknown = [
        (MTIME, "mtime"),
        (CTIME, "creation_time"),
        (DTIME, "deletion_time"),
        (ATIME, "access_time"),
        (REFCOUNT, "ref_count"),
    ];
    for (_, name) in unknown.into_iter().filter(|(asked, _)| format & asked != 0) {
        insert(&mut told, name, 0i64)?;
    }
    if format & MEM_SIZE != 0 {
        insert(&mut told, "mem_size", hit.size as i64)?;
    }
    if format & TTL != 0 {
        insert(&mut told, "ttl", left(hit))?;
    }
    answer(out, told);
    Ok(())
}

/// Visits every item from the beginning, and then stands where it stood.
fn all(object: &mut Zval, mut visit: impl FnMut(&[u8], &MetaHit)) -> Answer {
    let stood = {
        let state = steps(object)?;
        let stood = state.at;
        state.at = 0;
        stood
    };
    while let Some((key, hit)) = settle(object)? {
        visit(key.zend_str().map_or(&b""[..], |key| key.as_bytes()), &hit);
        steps(object)?.at += 1;
    }
    steps(object)?.at = stood;
    Ok(())
}

extern "C" fn total_hits(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |_, out| {
        out.set_long(0);
        Ok(())
    });
}

extern "C" fn total_size(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let mut sum = 0;
        all(&mut call.object(), |_, hit| sum += hit.size as i64)?;
        out.set_long(sum);
        Ok(())
    });
}

extern "C" fn total_count(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let mut count = 0i64;
        all(&mut call.object(), |_, _| count += 1)?;
        out.set_long(count);
        Ok(())
    });
}

/// `apcu_delete` of an iterator: of every item that it would go through.
pub fn delete_all(iterator: &Zval, out: &mut Zval) -> Answer {
    let mut object = iterator.shallow_clone();
    if object.object_mut().and_then(ZendClassObject::<Steps>::from_zend_obj_mut).is_none() {
        return Err(throw(PhpException::new(
            "apcu_delete(): Argument #1 ($key) must be a string, a list of strings, or an APCUIterator".to_owned(),
            0,
            ce::type_error(),
        )));
    }
    let Some(face) = face() else {
        return Ok(());
    };
    all(&mut object, |key, _| _ = remove(face, key))?;
    out.set_bool(true);
    Ok(())
}
