//! A cache as a thing on this machine: what it is, the open file it lives in, the caches there are, and their removal.

use std::ffi::{CString, OsStr, c_char, c_void};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nearcache::{Home, Info, Sink};

use crate::border::{Buffer, Out, cross};
use crate::cache::nearcache_cache;
use crate::options::home_of;
use crate::status::{
    Failure, NEARCACHE_MISS, NEARCACHE_OK, NEARCACHE_SHORT_BUFFER, nearcache_status,
};

/// nearcache_about.home: in this process alone.
pub const NEARCACHE_HOME_PRIVATE: u32 = 0;
/// nearcache_about.home: shared with the children forked from this process.
pub const NEARCACHE_HOME_INHERITED: u32 = 1;
/// nearcache_about.home: shared by all who open its name.
pub const NEARCACHE_HOME_NAMED: u32 = 2;
/// nearcache_about.home: in a file that was named by its path.
pub const NEARCACHE_HOME_PATH: u32 = 3;
/// nearcache_about.home: in a file that was open already.
pub const NEARCACHE_HOME_DESCRIPTOR: u32 = 4;

/// What a cache is, whatever is in it; told by nearcache_info().
#[repr(C)]
pub struct nearcache_about {
    /// The memory limit in bytes.
    pub size: u64,
    /// The layout of its memory; see NEARCACHE_LAYOUT_VERSION.
    pub layout: u64,
    /// When it was created, as a Unix time in seconds.
    pub created: i64,
    /// The length of its file's path in bytes, without the terminating NUL; 0: it has none.
    pub path_len: usize,
    /// The most processes that can be attached at once.
    pub processes_max: u64,
    /// The most threads of all of them that can be attached at once.
    pub threads_max: u64,
    /// A NEARCACHE_HOME_ value.
    pub home: u32,
    /// The user id that owns its file.
    pub uid: u32,
    /// Its file's permission bits.
    pub permissions: u32,
    /// 1 if it is attached for reading alone, else 0.
    pub read_only: u32,
}

/// A cache on this machine, as nearcache_regions() finds it. The strings are terminated, never NULL, and lent
/// for the callback's call.
#[repr(C)]
pub struct nearcache_region {
    /// The name to open it by.
    pub name: *const c_char,
    /// Its file.
    pub path: *const c_char,
    /// Why it cannot be attached: of another layout, damaged, or no cache at all. "" if it can.
    pub trouble: *const c_char,
    /// The file's length in bytes.
    pub len: u64,
    /// The user id that owns the file.
    pub uid: u32,
}

/// Called by nearcache_regions() for each cache; what the pointer points to is gone when it returns. It may call
/// any nearcache function. It returns normally: no longjmp, no exception.
pub type nearcache_region_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, region: *const nearcache_region)>;

/// Tells what a cache is: its size, layout, age, owner, and the path of its file, which is written to `path`
/// with a terminating NUL. A cache without a path (a private one, one shared over fork, one opened by a descriptor)
/// has the path "".
///
/// Lifetimes: `path` is borrowed for the call.
/// NULL: `path` may be NULL if `path_capacity` is 0; the path is then not asked for.
/// Returns: NEARCACHE_OK, NEARCACHE_SHORT_BUFFER (writes about_out too; the path takes about_out->path_len + 1
/// bytes); NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_info(
    cache: *mut nearcache_cache,
    path: *mut c_char,
    path_capacity: usize,
    about_out: *mut nearcache_about,
) -> nearcache_status {
    cross(|| {
        if path.is_null() && path_capacity > 0 {
            return Err(Failure::Null("path"));
        }
        // SAFETY: the caller's promises about handles, bytes out and outputs.
        let (cache, mut buffer, about_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                Buffer::new(path.cast(), path_capacity)?,
                Out::required("about_out", about_out)?,
            )
        };
        let info = cache.info();
        let text = text(info.path.as_deref().map_or(&[][..], |path| path.as_os_str().as_bytes()));
        about_out.write(about(&info, text.as_bytes().len()));
        if path.is_null() {
            return Ok(NEARCACHE_OK);
        }
        let bytes = text.as_bytes_with_nul();
        Ok(match buffer.room(bytes.len()) {
            Some(room) => {
                room.write_copy_of_slice(bytes);
                NEARCACHE_OK
            }
            None => NEARCACHE_SHORT_BUFFER,
        })
    })
}

/// The descriptor of the open file that a shared cache lives in, for passing it to another process: over a
/// socket, or over exec, for which it is duplicated first (it is closed by exec, a duplicate made with dup() is
/// not). The other process opens it with nearcache_options.descriptor.
///
/// Lifetimes: the descriptor is the library's and valid until nearcache_close(); the caller must not close it.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (it has none: it is private, or the program has closed descriptors that
/// were not its own); NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_descriptor(
    cache: *mut nearcache_cache,
    descriptor_out: *mut i32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (cache, descriptor_out) = unsafe {
            (nearcache_cache::borrow(cache)?, Out::required("descriptor_out", descriptor_out)?)
        };
        match cache.descriptor() {
            Some(descriptor) => {
                descriptor_out.write(descriptor.as_raw_fd());
                Ok(NEARCACHE_OK)
            }
            None => Ok(NEARCACHE_MISS),
        }
    })
}

/// Removes the name, or the path, of a shared cache. Whoever has it open goes on with it; who opens the name next
/// creates a new one. What is there and is no cache stays.
///
/// Lifetimes: `name`, a terminated string as in nearcache_options, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (there was none); NEARCACHE_INVALID (no possible name),
/// NEARCACHE_FOREIGN, NEARCACHE_SYSTEM, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_unlink(name: *const c_char) -> nearcache_status {
    cross(|| {
        if name.is_null() {
            return Err(Failure::Null("name"));
        }
        // SAFETY: not NULL, and terminated by the caller's promise.
        let home = unsafe { home_of(name)? };
        Ok(if nearcache::unlink(&home)? { NEARCACHE_OK } else { NEARCACHE_MISS })
    })
}

/// Calls `found` for each cache of this user in the directory where names are looked for, in the order of their
/// names; also for what lies there and cannot be attached, with the reason.
///
/// Lifetimes: what `found` is given is valid until it returns.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_SYSTEM (the directory cannot be listed), NEARCACHE_PANIC.
/// Threads: any; `found` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_regions(
    found: nearcache_region_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        let found = found.ok_or(Failure::Null("found"))?;
        for region in nearcache::regions()? {
            let name = text(region.name.as_bytes());
            let path = text(region.path.as_os_str().as_bytes());
            let trouble = text(region.trouble.as_deref().unwrap_or_default().as_bytes());
            let lent = nearcache_region {
                name: name.as_ptr(),
                path: path.as_ptr(),
                trouble: trouble.as_ptr(),
                len: region.len,
                uid: region.uid,
            };
            // SAFETY: the caller gives a function of this type, which returns normally; what it is lent lives on
            // until the next turn of the loop.
            unsafe { found(user, &raw const lent) };
        }
        Ok(NEARCACHE_OK)
    })
}

fn about(info: &Info, path_len: usize) -> nearcache_about {
    nearcache_about {
        size: info.size,
        layout: info.layout,
        created: info.created,
        path_len,
        processes_max: info.processes_max as u64,
        threads_max: info.threads_max as u64,
        home: match info.home {
            Home::Private => NEARCACHE_HOME_PRIVATE,
            Home::Inherited => NEARCACHE_HOME_INHERITED,
            Home::Named(_) => NEARCACHE_HOME_NAMED,
            Home::At(_) => NEARCACHE_HOME_PATH,
            Home::Descriptor(_) => NEARCACHE_HOME_DESCRIPTOR,
        },
        uid: info.uid,
        permissions: info.permissions,
        read_only: info.read_only.into(),
    }
}

/// A terminated copy; a NUL, which neither a path nor a name can hold, is left out.
pub(crate) fn text(bytes: &[u8]) -> CString {
    let bytes: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    CString::new(bytes).unwrap_or_default()
}

/// The path that these bytes are, whatever their encoding.
pub(crate) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
