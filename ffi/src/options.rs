//! `nearcache_options`: the only struct that grows, and how one of another size is read.

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

use nearcache::Options;

use crate::border;
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

/// How a cache is made. Begin with NEARCACHE_OPTIONS_INIT, then assign what is to differ:
///
///     nearcache_options options = NEARCACHE_OPTIONS_INIT;
///     options.size = 256u << 20;
///
/// 0 means the default in every field but the first. Fields are only ever appended. A library newer than the
/// header takes the missing ones as 0; one older refuses a struct whose unknown fields are not 0.
#[repr(C)]
#[derive(Clone, Copy, Default)]
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
}

/// The size of the struct in its first form, which every form contains.
const FIRST_FORM: usize = offset_of!(nearcache_options, item_size_hint) + size_of::<u64>();
const _: () = assert!(Options::SIZE_MIN == NEARCACHE_SIZE_MIN);

impl nearcache_options {
    /// Reads a struct of any size into this library's form; NULL is all defaults.
    ///
    /// # Safety
    /// `given` is NULL or points to `struct_size` readable bytes that begin with `struct_size`; the caller of
    /// nearcache_open() guarantees it.
    pub(crate) unsafe fn read(given: *const nearcache_options) -> Result<Self, Failure> {
        let mut options = nearcache_options::default();
        if given.is_null() {
            return Ok(options);
        }
        // SAFETY: not NULL, so it begins with `struct_size` by the caller's promise; nothing more is assumed.
        let size = unsafe { (&raw const (*given).struct_size).read() };
        if size < FIRST_FORM {
            return Err(Failure::Invalid(format!(
                "options.struct_size is {size}: it is at least {FIRST_FORM}; \
                 begin with NEARCACHE_OPTIONS_INIT"
            )));
        }
        // SAFETY: `struct_size` bytes are readable by the caller's promise.
        let form = unsafe { border::bytes("options", given.cast::<c_void>(), size)? };
        let known = size.min(size_of::<nearcache_options>());
        if form[known..].iter().any(|&byte| byte != 0) {
            return Err(Failure::Invalid(format!(
                "options has {size} bytes, and this library ({}) knows {known} of them: \
                 a field it does not know is set; use a newer library",
                env!("CARGO_PKG_VERSION")
            )));
        }
        // SAFETY: `known` fits in both, they do not overlap, and any bytes are a valid struct of integers.
        unsafe {
            std::ptr::copy_nonoverlapping(form.as_ptr(), (&raw mut options).cast::<u8>(), known);
        }
        Ok(options)
    }

    /// The core's options, with the defaults filled in.
    pub(crate) fn parse(&self) -> Result<Options, Failure> {
        // Without a struct (a size of 0) there is no header to compare with.
        if self.struct_size != 0 && self.abi_version != NEARCACHE_ABI_VERSION {
            return Err(Failure::Layout(format!(
                "the program was compiled for call ABI {}, and this library has {NEARCACHE_ABI_VERSION}; \
                 compile it with this library's nearcache.h",
                self.abi_version
            )));
        }
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
        Ok(options)
    }
}

fn to_usize(name: &str, value: u64) -> Result<usize, Failure> {
    usize::try_from(value).map_err(|_| {
        Failure::Invalid(format!(
            "options.{name} is {value}: this machine addresses at most {}",
            usize::MAX
        ))
    })
}
