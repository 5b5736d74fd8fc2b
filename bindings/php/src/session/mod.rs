//! `session.save_handler=nearcache`: sessions in a cache, as php-memcached's handler keeps them, so that either finds what
//! the other wrote.
//!
//! The engine of sessions may be part of PHP, a module that is loaded before or after this one, or absent; so its
//! functions are looked for when this module starts.

mod lock;
mod store;

use crate::options;
use crate::registry;
use crate::shared;
use crate::zend::warn;
use ext_php_rs::types::ZendStr;
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use store::Session;

/// `zend_result`.
type Outcome = c_int;
const SUCCESS: Outcome = 0;
const FAILURE: Outcome = -1;

/// `void **mod_data`: where the handler keeps what it has open.
type Data = *mut *mut c_void;

/// `ps_module` of ext/session/php_session.h, the same since PHP 7.1.
#[repr(C)]
struct Module {
    name: *const c_char,
    open: unsafe extern "C" fn(Data, *const c_char, *const c_char) -> Outcome,
    close: unsafe extern "C" fn(Data) -> Outcome,
    read: unsafe extern "C" fn(Data, *mut ZendStr, *mut *mut ZendStr, c_long) -> Outcome,
    write: unsafe extern "C" fn(Data, *mut ZendStr, *mut ZendStr, c_long) -> Outcome,
    destroy: unsafe extern "C" fn(Data, *mut ZendStr) -> Outcome,
    gc: unsafe extern "C" fn(Data, c_long, *mut c_long) -> c_long,
    create_sid: unsafe extern "C" fn(Data) -> *mut ZendStr,
    validate_sid: unsafe extern "C" fn(Data, *mut ZendStr) -> Outcome,
    update_timestamp: unsafe extern "C" fn(Data, *mut ZendStr, *mut ZendStr, c_long) -> Outcome,
}

// SAFETY: its one pointer is of a static text; nobody writes it.
unsafe impl Sync for Module {}

static MODULE: Module = Module {
    name: c"nearcache".as_ptr(),
    open,
    close,
    read,
    write,
    destroy,
    gc,
    create_sid,
    validate_sid,
    update_timestamp: write_if_gone,
};

// From the C library. A null handle is RTLD_DEFAULT: whatever this process has loaded for all to see.
unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// A function of the engine of sessions, if that is here.
fn symbol(name: &CStr) -> Option<ptr::NonNull<c_void>> {
    // SAFETY: looks a name up.
    ptr::NonNull::new(unsafe { dlsym(ptr::null_mut(), name.as_ptr()) })
}

/// MINIT: makes the handler known, if there are sessions.
pub fn start() {
    if let Some(register) = symbol(c"php_session_register_module") {
        // SAFETY: the function of this name takes a handler's table, which must stay, and does.
        unsafe {
            let register: unsafe extern "C" fn(*const Module) -> Outcome =
                std::mem::transmute(register.as_ptr());
            register(&raw const MODULE);
        }
    }
}

/// Runs one of the handler's functions; a panic is a failure of that function.
fn guard(body: impl FnOnce() -> Result<(), Complained>) -> Outcome {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(Complained)) => FAILURE,
        Err(_) => {
            warn("the session cannot be kept: nearcache failed inside");
            FAILURE
        }
    }
}

/// A warning has said why the session cannot be had.
struct Complained;

/// Warns, and gives what stands for having done so.
fn complain(sentence: &str) -> Complained {
    warn(sentence);
    Complained
}

/// The open session.
///
/// # Safety
///
/// `data` must be what the engine of sessions gave, and the session not used through another reference.
unsafe fn session<'a>(data: Data) -> Result<&'a mut Session, Complained> {
    // SAFETY: null before `open` and after `close`, else the box that `open` made.
    unsafe { (*data).cast::<Session>().as_mut() }
        .ok_or_else(|| complain("the session is not open: its handler's open() has failed"))
}

/// The bytes of a string of the engine's.
///
/// # Safety
///
/// `string` must be one that the engine holds during the call.
unsafe fn bytes<'a>(string: *mut ZendStr) -> &'a [u8] {
    // SAFETY: the caller's.
    unsafe { string.as_ref() }.map_or(b"", |string| string.as_bytes())
}

unsafe extern "C" fn open(data: Data, path: *const c_char, _name: *const c_char) -> Outcome {
    guard(|| {
        let place = match path.is_null() {
            true => &b""[..],
            // SAFETY: the engine's own text, closed by a zero.
            false => unsafe { CStr::from_ptr(path) }.to_bytes(),
        };
        // session_reset() opens without having closed: what is locked stays locked.
        // SAFETY: the engine's pointer, null or from here.
        if unsafe { (*data).is_null() } {
            let session = Box::new(Session::new(cache(place)?));
            // SAFETY: as above.
            unsafe { *data = Box::into_raw(session).cast() };
        }
        Ok(())
    })
}

/// The cache of php.ini, or the one that `session.save_path` names.
fn cache(place: &[u8]) -> Result<std::sync::Arc<nearcache::Cache>, Complained> {
    if place.is_empty() {
        return registry::shared().ok_or_else(|| {
            complain(&format!(
                "sessions have no cache, for php.ini's is \"{}\": see nearcache.enabled, nearcache.memory_size and, on \
                 the command line, nearcache.enable_cli, or name a cache in session.save_path",
                registry::shared_in_words()
            ))
        });
    }
    // What distributions have in php.ini, or in PHP itself, is meant for the handler "files".
    if std::path::Path::new(std::ffi::OsStr::from_bytes(place)).is_dir() {
        return Err(complain(&format!(
            "session.save_path is the directory \"{}\": with session.save_handler=nearcache it must be empty for php.ini's \
             cache, or the name or path of one",
            String::from_utf8_lossy(place)
        )));
    }
    let home =
        options::home(place).map_err(|why| complain(&format!("session.save_path: {why}")))?;
    registry::named(&shared::at(home))
        .map_err(|error| complain(&format!("session.save_path: {error}")))
}

unsafe extern "C" fn close(data: Data) -> Outcome {
    guard(|| {
        // SAFETY: the engine's pointer; null, or the box that `open` made, which nothing has after this.
        unsafe {
            let session = std::mem::replace(&mut *data, ptr::null_mut()).cast::<Session>();
            if !session.is_null() {
                drop(Box::from_raw(session));
            }
        }
        Ok(())
    })
}

unsafe extern "C" fn read(
    data: Data,
    id: *mut ZendStr,
    value: *mut *mut ZendStr,
    _lifetime: c_long,
) -> Outcome {
    guard(|| {
        // SAFETY: the engine's arguments; it waits for one string, which it will release.
        unsafe {
            *value = session(data)?.read(bytes(id))?;
        }
        Ok(())
    })
}

unsafe extern "C" fn write(
    data: Data,
    id: *mut ZendStr,
    value: *mut ZendStr,
    lifetime: c_long,
) -> Outcome {
    // SAFETY: the engine's arguments.
    guard(|| unsafe { session(data)?.write(bytes(id), bytes(value), lifetime) })
}

/// With `session.lazy_write`, of a session that the script has not changed.
unsafe extern "C" fn write_if_gone(
    data: Data,
    id: *mut ZendStr,
    value: *mut ZendStr,
    lifetime: c_long,
) -> Outcome {
    // SAFETY: the engine's arguments.
    guard(|| unsafe { session(data)?.touch(bytes(id), bytes(value), lifetime) })
}

unsafe extern "C" fn destroy(data: Data, id: *mut ZendStr) -> Outcome {
    // SAFETY: the engine's arguments.
    guard(|| unsafe { session(data)?.destroy(bytes(id)) })
}

/// The cache forgets sessions by itself.
unsafe extern "C" fn gc(_data: Data, _lifetime: c_long, removed: *mut c_long) -> c_long {
    // SAFETY: the engine's place for a number.
    unsafe { *removed = 0 };
    0
}

unsafe extern "C" fn create_sid(data: Data) -> *mut ZendStr {
    /// It takes a broken source of random numbers to need a second one.
    const TRIES: usize = 3;
    let Some(create) = symbol(c"php_session_create_id") else {
        return ptr::null_mut();
    };
    for _ in 0..TRIES {
        // SAFETY: the engine's own maker of ids, which takes the handler's data and leaves it alone.
        let id = unsafe {
            let create: unsafe extern "C" fn(Data) -> *mut ZendStr =
                std::mem::transmute(create.as_ptr());
            create(data)
        };
        // SAFETY: as in `session`; the string was just made.
        let is_taken = unsafe {
            !id.is_null()
                && !(*data).is_null()
                && session(data).is_ok_and(|session| session.exists(bytes(id)))
        };
        if !is_taken {
            return id;
        }
        // SAFETY: nobody else has it.
        drop(unsafe { ext_php_rs::boxed::ZBox::from_raw(id) });
    }
    warn(
        "three new session ids in a row were of sessions that exist: the source of random numbers is broken",
    );
    ptr::null_mut()
}

/// With `session.use_strict_mode`: an id that nobody was given is not taken.
unsafe extern "C" fn validate_sid(data: Data, id: *mut ZendStr) -> Outcome {
    // SAFETY: the engine's arguments.
    guard(|| match unsafe { session(data)?.exists(bytes(id)) } {
        true => Ok(()),
        false => Err(Complained),
    })
}
