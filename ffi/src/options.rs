//! `nearcache_options`: the only struct that grows, and how one of another size is read.

use std::ffi::{CStr, c_char, c_void};
use std::mem::{offset_of, size_of};

use nearcache::{Access, Home, Options};

use crate::border;
use crate::region;
use crate::status::Failure;
use crate::version::NEARCACHE_ABI_VERSION;

/// The memory limit if none is given: 64 MiB.
pub const NEARCACHE_SIZE_DEFAULT: u64 = 67108864;
/// The smallest memory limit: 1 MiB.
pub const NEARCACHE_SIZE_MIN: u64 = 1048576;
/// A flag of nearcache_options: refuse with NEARCACHE_NOMEM when memory is full, instead of evicting.
pub const NEARCACHE_NO_EVICT: u32 = 1;
/// A flag of nearcache_options: the clock moves by nearcache_advance_clock() alone, for tests.
pub const NEARCACHE_MANUAL_CLOCK: u32 = 2;

/// nearcache_options.access: attach the cache, or create it if it is not there.
pub const NEARCACHE_OPEN_OR_CREATE: u32 = 0;
/// nearcache_options.access: create the cache; NEARCACHE_REGION_EXISTS if it is there.
pub const NEARCACHE_CREATE: u32 = 1;
/// nearcache_options.access: attach the cache; NEARCACHE_NO_REGION if it is not there.
pub const NEARCACHE_EXISTING: u32 = 2;
/// nearcache_options.access: attach the cache for reading alone; NEARCACHE_NO_REGION if it is not there. The
/// memory is mapped so that this process cannot change it, no hits are counted, and a call that writes is
/// NEARCACHE_NOT_WRITABLE.
pub const NEARCACHE_READ_ONLY: u32 = 3;

/// How a cache is made. Begin with NEARCACHE_OPTIONS_INIT, then assign what is to differ:
///
///     nearcache_options options = NEARCACHE_OPTIONS_INIT;
///     options.size = 256u << 20;
///
/// 0 means the default in every field but struct_size, abi_version and descriptor. Fields are only ever appended.
/// A library newer than the header takes the missing ones as NEARCACHE_OPTIONS_INIT sets them; one older refuses
/// a struct whose unknown fields are not 0.
///
/// At most one of `name`, `descriptor` and `shared` says where the memory lives; without any the cache is private
/// to this process. A cache that is attached, not created, has the size and the options it was created with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_options {
    /// sizeof(nearcache_options), set by NEARCACHE_OPTIONS_INIT.
    pub struct_size: usize,
    /// NEARCACHE_ABI_VERSION, set by NEARCACHE_OPTIONS_INIT.
    pub abi_version: u32,
    /// NEARCACHE_NO_EVICT, NEARCACHE_MANUAL_CLOCK, or both with |.
    pub flags: u32,
    /// The memory limit in bytes, exact over everything: items, index and metadata together.
    /// NEARCACHE_SIZE_MIN or more; 0 is NEARCACHE_SIZE_DEFAULT.
    pub size: u64,
    /// The largest item in bytes, as memcached counts it: key, value and about 60 bytes. 1 KiB to 1 GiB;
    /// 0 is 1 MiB.
    pub item_size_max: u64,
    /// The expected average of key and value together in bytes; it sizes the index. 0 is 100.
    pub item_size_hint: u64,
    /// A terminated string: the name by which processes of this user share the cache (1 to 100 letters, digits,
    /// '.', '_' or '-', without a '.' in front), or, with a '/' in it, the path of its file. NULL: none.
    pub name: *const c_char,
    /// The open file that the cache lives in, as nearcache_descriptor() of another process told it; it is
    /// duplicated. -1: none.
    pub descriptor: i32,
    /// 1: the children that this process forks share the cache. 0: they do not, unless it has a name or
    /// descriptor.
    pub shared: u32,
    /// NEARCACHE_OPEN_OR_CREATE, NEARCACHE_CREATE, NEARCACHE_EXISTING or NEARCACHE_READ_ONLY.
    pub access: u32,
    /// The permission bits of a file that is created, as for chmod(); 0 is 0600.
    pub permissions: u32,
}

/// The sizes the struct has had, in their order; a struct larger than the last is of a later release.
const FORMS: [usize; 2] = [offset_of!(nearcache_options, name), size_of::<nearcache_options>()];
const _: () = assert!(Options::SIZE_MIN == NEARCACHE_SIZE_MIN);

impl Default for nearcache_options {
    fn default() -> Self {
        nearcache_options {
            struct_size: 0,
            abi_version: 0,
            flags: 0,
            size: 0,
            item_size_max: 0,
            item_size_hint: 0,
            name: std::ptr::null(),
            descriptor: -1,
            shared: 0,
            access: NEARCACHE_OPEN_OR_CREATE,
            permissions: 0,
        }
    }
}

impl nearcache_options {
    /// # Safety
    /// As [`read_form`]; the caller of nearcache_open() guarantees it.
    pub(crate) unsafe fn read(given: *const nearcache_options) -> Result<Self, Failure> {
        // SAFETY: as above; the struct is of integers and a pointer, and begins with `struct_size`.
        unsafe { read_form(given, Self::default(), &FORMS, "NEARCACHE_OPTIONS_INIT") }
    }

    /// The core's options, with the defaults filled in.
    ///
    /// # Safety
    /// `name` is NULL or a terminated string; the caller of nearcache_open() guarantees it.
    pub(crate) unsafe fn parse(&self) -> Result<Options, Failure> {
        check_abi(self.struct_size, self.abi_version)?;
        let unknown = self.flags & !(NEARCACHE_NO_EVICT | NEARCACHE_MANUAL_CLOCK);
        if unknown != 0 {
            return Err(Failure::Invalid(format!(
                "options.flags has the unknown bits {unknown:#x}; \
                 the known ones are NEARCACHE_NO_EVICT and NEARCACHE_MANUAL_CLOCK"
            )));
        }
        let size = if self.size == 0 { NEARCACHE_SIZE_DEFAULT } else { self.size };
        let mut options = Options::new(size);
        options.evict = self.flags & NEARCACHE_NO_EVICT == 0;
        options.manual_clock = self.flags & NEARCACHE_MANUAL_CLOCK != 0;
        if self.item_size_max != 0 {
            options.item_size_max = to_usize("item_size_max", self.item_size_max)?;
        }
        if self.item_size_hint != 0 {
            options.item_size_hint = to_usize("item_size_hint", self.item_size_hint)?;
        }
        options.access = self.parse_access()?;
        match self.permissions {
            0 => {}
            1..=0o777 => options.permissions = self.permissions,
            unknown => {
                return Err(Failure::Invalid(format!(
                    "options.permissions is {unknown:o} in octal: the bits are 1 to 777, or 0 for 600"
                )));
            }
        }
        // SAFETY: the caller's promise about `name`.
        options.home = unsafe { self.parse_home()? };
        can_be_met(&options)?;
        Ok(options)
    }

    fn parse_access(&self) -> Result<Access, Failure> {
        match self.access {
            NEARCACHE_OPEN_OR_CREATE => Ok(Access::OpenOrCreate),
            NEARCACHE_CREATE => Ok(Access::Create),
            NEARCACHE_EXISTING => Ok(Access::Existing),
            NEARCACHE_READ_ONLY => Ok(Access::ReadOnly),
            unknown => Err(Failure::Invalid(format!(
                "options.access is {unknown}: it is NEARCACHE_OPEN_OR_CREATE, NEARCACHE_CREATE, \
                 NEARCACHE_EXISTING or NEARCACHE_READ_ONLY"
            ))),
        }
    }

    /// # Safety
    /// As [`nearcache_options::parse`].
    unsafe fn parse_home(&self) -> Result<Home, Failure> {
        match (self.name.is_null(), self.descriptor, self.shared) {
            (true, -1, 0) => Ok(Home::Private),
            (true, -1, 1) => Ok(Home::Inherited),
            // SAFETY: not NULL, and terminated by the caller's promise.
            (false, -1, 0) => unsafe { home_of(self.name) },
            (true, descriptor @ 0.., 0) => Ok(Home::Descriptor(descriptor)),
            (_, _, shared @ 2..) => Err(Failure::Invalid(format!(
                "options.shared is {shared}: it is 1 (shared with forked children) or 0"
            ))),
            (_, descriptor @ ..-1, _) => Err(Failure::Invalid(format!(
                "options.descriptor is {descriptor}: it is -1 (none) or that of an open file"
            ))),
            (name, descriptor, _) => {
                let mut given = Vec::new();
                if !name {
                    given.push("a name");
                }
                if descriptor != -1 {
                    given.push("a descriptor");
                }
                if self.shared != 0 {
                    given.push("shared");
                }
                Err(Failure::Invalid(format!(
                    "options says in {} ways where the cache lives ({}): give one of name, descriptor and shared; \
                     what has a name or a descriptor is shared with forked children, too",
                    given.len(),
                    given.join(", ")
                )))
            }
        }
    }
}

/// Reads a struct of any size, which begins with that size, into this library's form; NULL is `defaults`.
///
/// # Safety
/// `given` is NULL or points to `struct_size` readable bytes that begin with `struct_size`, a `usize`; `T` begins with
/// it, too, and is made of integers and pointers alone, any of which are valid.
pub(crate) unsafe fn read_form<T: Copy>(
    given: *const T,
    defaults: T,
    forms: &[usize],
    init: &str,
) -> Result<T, Failure> {
    let mut options = defaults;
    if given.is_null() {
        return Ok(options);
    }
    // SAFETY: not NULL, so it begins with `struct_size` by the caller's promise; nothing more is assumed.
    let size = unsafe { given.cast::<usize>().read() };
    if size < size_of::<T>() && !forms.contains(&size) {
        return Err(Failure::Invalid(format!(
            "options.struct_size is {size}: it is one of {forms:?}, or larger; begin with {init}"
        )));
    }
    // SAFETY: `struct_size` bytes are readable by the caller's promise.
    let form = unsafe { border::bytes("options", given.cast::<c_void>(), size)? };
    let known = size.min(size_of::<T>());
    if form[known..].iter().any(|&byte| byte != 0) {
        return Err(Failure::Invalid(format!(
            "options has {size} bytes, and this library ({}) knows {known} of them: \
             a field it does not know is set; use a newer library",
            env!("CARGO_PKG_VERSION")
        )));
    }
    // SAFETY: `known` fits in both, they do not overlap, and any bytes are valid by the caller's promise; no pointer is
    // followed here.
    unsafe {
        std::ptr::copy_nonoverlapping(form.as_ptr(), (&raw mut options).cast::<u8>(), known);
    }
    Ok(options)
}

/// Was the program compiled with this library's header? Without a struct (a size of 0) there is none to compare with.
pub(crate) fn check_abi(struct_size: usize, abi_version: u32) -> Result<(), Failure> {
    if struct_size == 0 || abi_version == NEARCACHE_ABI_VERSION {
        return Ok(());
    }
    Err(Failure::Layout(format!(
        "the program was compiled for call ABI {abi_version}, and this library has {NEARCACHE_ABI_VERSION}; \
         compile it with this library's nearcache.h"
    )))
}

/// Can what is to be done about the cache be done in its home?
fn can_be_met(options: &Options) -> Result<(), Failure> {
    let why = match (&options.home, options.access) {
        (Home::Private | Home::Inherited, Access::Existing | Access::ReadOnly) => {
            "attaches what is there, and there is neither a name nor a descriptor to say what"
        }
        (Home::Descriptor(_), Access::Create) => {
            "creates a cache, and a descriptor is of one that is there: give a name or a path"
        }
        _ => return Ok(()),
    };
    Err(Failure::Invalid(format!("options.access {why}")))
}

/// The home that a name or a path stands for. A path may have any encoding.
///
/// # Safety
/// `name` is a terminated string; the caller of the C function guarantees it.
pub(crate) unsafe fn home_of(name: *const c_char) -> Result<Home, Failure> {
    // SAFETY: as above.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    match name.contains(&b'/') {
        true => Ok(Home::At(region::path(name).to_owned())),
        false => Ok(Home::of(&String::from_utf8_lossy(name))?),
    }
}

pub(crate) fn to_usize(name: &str, value: u64) -> Result<usize, Failure> {
    usize::try_from(value).map_err(|_| {
        Failure::Invalid(format!(
            "options.{name} is {value}: this machine addresses at most {}",
            usize::MAX
        ))
    })
}
