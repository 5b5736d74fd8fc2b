//! Opening what is at a place: the options of a directory, and the daemons' sockets that this process stays connected to
//! from request to request.
//!
//! A directory is closed with the last object that uses it, for one process at a time has it. A connection is kept: what
//! it leads to is the daemon's.

use super::error::fail;
use super::interrupt::Quiet;
use crate::options::{bytes, home, size, truth};
use crate::settings::{Compressor, Serializer, Settings, Writing};
use crate::zend::call::{Thrown, refuse};
use crate::zend::is_within_basedir;
use ext_php_rs::types::array::Iter;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::BailoutGuard;
use nearcache_store::{Durable, Error, Options, Place, Policy};
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// A store that is open, as an object has it.
#[derive(Clone)]
pub struct Opened {
    /// The store and its queues.
    pub durable: Durable,
    /// How this object writes values.
    pub writing: Writing,
    /// Where it is, without a password.
    pub place: String,
}

const KNOWN: &str = "policy, near, near_name, item_size_max, quota, create, accept_loss, block_cache, workers, \
                     manual_clock, serializer, compression";

/// Opens what a constructor was given.
pub fn open(place: &[u8], options: Option<&ZendHashTable>) -> Result<Opened, Thrown> {
    let (directory, writing) = read_options(options)?;
    let directory = BailoutGuard::new(directory);
    let text = std::str::from_utf8(place).map_err(|_| {
        refuse("the place of a store must be UTF-8: a directory, or a daemon's socket")
    })?;
    let parsed = BailoutGuard::new(Place::parse(text).map_err(fail)?);
    let place = match &*parsed {
        Place::Directory(path) => Place::Directory(within(path)?),
        Place::Unix(path, login) => Place::Unix(within(path)?, login.clone()),
        tcp @ Place::Tcp(..) => tcp.clone(),
    };
    let directory = directory.into_inner();
    let durable = match (&place, &directory) {
        (Place::Directory(_), _) => {
            pin();
            let _quiet = Quiet::begin();
            Durable::open(&place, directory)
        }
        // A login may differ, so it is part of what tells connections apart.
        (_, None) => connected(&place, text),
        (_, Some(_)) => Durable::open(&place, directory),
    };
    Ok(Opened { durable: durable.map_err(fail)?, writing, place: place.to_string() })
}

/// The absolute path, if `open_basedir` lets the script go there.
pub fn within(path: &Path) -> Result<PathBuf, Thrown> {
    // From main/fopen_wrappers.h.
    unsafe extern "C" {
        fn expand_filepath(path: *const c_char, real: *mut c_char) -> *mut c_char;
    }
    /// `MAXPATHLEN`.
    const ROOM: usize = 4096;
    let given = ZendStr::new(path.as_os_str().as_encoded_bytes(), false);
    let mut real = [0_u8; ROOM];
    // SAFETY: a Zend string is closed by a zero; the engine writes at most MAXPATHLEN bytes, closed by one, too.
    let found =
        unsafe { expand_filepath(given.as_bytes().as_ptr().cast(), real.as_mut_ptr().cast()) };
    let len = real.iter().position(|byte| *byte == 0).unwrap_or(0);
    if found.is_null() || len == 0 {
        // Something on the way is no directory, or it is too long: opening it will say so.
        return match path.is_absolute() && is_within_basedir(&given) {
            true => Ok(path.to_path_buf()),
            false => Err(refuse("the path of the store leads nowhere, or open_basedir forbids it")),
        };
    }
    let whole = ZendStr::new(&real[..len], false);
    if !is_within_basedir(&whole) {
        return Err(refuse("open_basedir does not allow the path of this store"));
    }
    // It began as UTF-8; the working directory before it may be anything.
    Ok(String::from_utf8_lossy(&real[..len]).into_owned().into())
}

/// The daemons that this process is connected to, by the places that scripts gave.
static CONNECTED: Mutex<BTreeMap<String, Durable>> = Mutex::new(BTreeMap::new());

fn connections() -> MutexGuard<'static, BTreeMap<String, Durable>> {
    // Nothing in it can be left half done by a panic.
    CONNECTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connected(place: &Place, text: &str) -> Result<Durable, Error> {
    // A relative path means another place when the working directory is another.
    let key = format!("{text} {place}");
    if let Some(durable) = connections().get(&key) {
        return Ok(durable.clone());
    }
    let durable = Durable::open(place, None)?;
    connections().insert(key, durable.clone());
    Ok(durable)
}

/// MSHUTDOWN: closes the connections.
pub fn clear() {
    connections().clear();
}

/// Keeps this library loaded to the process's end: PHP unloads it when it stops, and a thread of the engine's that has just
/// been told to end may still be in it.
pub fn pin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: asks which library this function is in, and counts one use of it that nobody gives back.
        unsafe {
            if libc::dladdr(pin as *const () as *const c_void, found.as_mut_ptr()) != 0 {
                let mode: c_int = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
                libc::dlopen(found.assume_init().dli_fname, mode);
            }
        }
    });
}

/// The options of a directory, if any was given; and how values are written.
fn read_options(given: Option<&ZendHashTable>) -> Result<(Option<Options>, Writing), Thrown> {
    let mut writing = Settings::default().writing.get();
    let mut directory = None;
    let Some(given) = given else {
        return Ok((None, writing));
    };
    let mut entries = Iter::new(given);
    while let Some((key, value)) = entries.next_zval() {
        let value = value.dereference();
        let name = key.zend_str().map_or(&b""[..], |name| name.as_bytes());
        match name {
            b"serializer" => writing.serializer = serializer(value)?,
            b"compression" => compression(value, &mut writing)?,
            _ => {
                let options: &mut Options = directory.get_or_insert_default();
                match name {
                    b"policy" => options.policy = policy(value)?,
                    b"near" => options.near = size("near", value)?,
                    b"near_name" => options.near_home = near_home(value)?,
                    b"item_size_max" => options.item_size_max = bytes("item_size_max", value)?,
                    b"quota" if value.is_null() => options.quota = None,
                    b"quota" => options.quota = Some(size("quota", value)?),
                    b"create" => options.create = truth("create", value)?,
                    b"accept_loss" => options.accept_loss = truth("accept_loss", value)?,
                    b"block_cache" => options.block_cache = size("block_cache", value)?,
                    b"workers" => options.workers = bytes("workers", value)?,
                    b"manual_clock" => options.manual_clock = Some(start(value)?),
                    _ => {
                        return Err(refuse(format!(
                            "there is no option \"{}\": the options are {KNOWN}",
                            key.coerce_to_string().unwrap_or_default()
                        )));
                    }
                }
            }
        }
    }
    Ok((directory, writing))
}

fn policy(value: &Zval) -> Result<Policy, Thrown> {
    match (value.zend_str().map(|name| name.as_bytes()), value.double()) {
        (Some(b"always"), _) => Ok(Policy::Always),
        (Some(b"never"), _) => Ok(Policy::Never),
        (None, Some(seconds)) if (0.001..=3600.0).contains(&seconds) => {
            Ok(Policy::EveryMillis((seconds * 1000.0).round() as u32))
        }
        _ => Err(refuse(
            "the option policy must be 'always', 'never', or the seconds between two syncs: 0.001 to 3600",
        )),
    }
}

fn near_home(value: &Zval) -> Result<nearcache::Home, Thrown> {
    let name = value.zend_str().map(|name| name.as_bytes()).filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| refuse("the option near_name must be a name, or an absolute path"))?;
    home(name).map_err(refuse)
}

fn start(value: &Zval) -> Result<i64, Thrown> {
    value.long().filter(|time| *time >= 0).ok_or_else(|| {
        refuse("the option manual_clock must be the Unix time at which the clock stands, an int")
    })
}

fn serializer(value: &Zval) -> Result<Serializer, Thrown> {
    let name = value.zend_str().map(|name| name.as_bytes());
    let found = Serializer::NAMES.into_iter().find(|(known, number, _)| {
        name == Some(known.as_bytes()) || (name.is_none() && value.long() == Some(*number))
    });
    match found.map(|(name, _, one)| (name, one, one.missing())) {
        Some((_, one, None)) => Ok(one),
        Some((name, _, Some(_))) => Err(refuse(format!(
            "the option serializer is {name}, and that extension is not loaded"
        ))),
        None => Err(refuse(
            "the option serializer must be php, igbinary, json, json_array, msgpack or portable, or its number \
             (Cache::SERIALIZER_*)",
        )),
    }
}

fn compression(value: &Zval, writing: &mut Writing) -> Result<(), Thrown> {
    if let Some(on) = value.bool() {
        writing.compress = on;
        return Ok(());
    }
    let name = value.zend_str().map(|name| name.as_bytes());
    let found = Compressor::NAMES.into_iter().find(|(known, ..)| name == Some(known.as_bytes()));
    match found {
        Some((.., compressor)) => (writing.compress, writing.compressor) = (true, compressor),
        None => {
            return Err(refuse(
                "the option compression must be true, false, or one of zlib, fastlz and zstd",
            ));
        }
    }
    Ok(())
}

/// When an item that is given this expiration ends: as for `NearCache\Cache`, but that what is stored for good is not given
/// a time by php.ini.
pub fn expiry(expiration: i64) -> nearcache::Expiry {
    nearcache::Expiry::from_exptime(expiration)
}
