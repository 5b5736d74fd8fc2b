//! `nearcache_store_options`: how a directory is opened.

use std::ffi::c_char;

use ::nearcache_store::{Options, Policy};

use crate::options::{check_abi, home_of, read_form, to_usize};
use crate::status::Failure;

/// A flag of nearcache_store_options: open a store that is there; NEARCACHE_NO_STORE if there is none.
pub const NEARCACHE_STORE_EXISTING: u32 = 1;
/// A flag of nearcache_store_options: no near tier; each read asks the disk's engine.
pub const NEARCACHE_NO_NEAR: u32 = 2;
/// A flag of nearcache_store_options: open the directory although it has lost writes (NEARCACHE_LOST).
pub const NEARCACHE_ACCEPT_LOSS: u32 = 4;

/// nearcache_store_options.sync: a write is answered when the disk has it. One sync serves everybody who writes at
/// the time. Nothing that was answered is lost, whatever happens.
pub const NEARCACHE_SYNC_ALWAYS: u32 = 0;
/// nearcache_store_options.sync: a write is answered when the operating system has it, and a sync follows within
/// sync_millis. A process that is killed loses nothing; a loss of power, what was written in that time.
pub const NEARCACHE_SYNC_EVERY: u32 = 1;
/// nearcache_store_options.sync: as NEARCACHE_SYNC_EVERY, but the operating system syncs when it likes.
pub const NEARCACHE_SYNC_NEVER: u32 = 2;

/// How a directory is opened. Begin with NEARCACHE_STORE_OPTIONS_INIT, then assign what is to differ. 0 means the
/// default in every field but struct_size and abi_version. Fields are only ever appended, as in nearcache_options.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_store_options {
    /// sizeof(nearcache_store_options), set by NEARCACHE_STORE_OPTIONS_INIT.
    pub struct_size: usize,
    /// NEARCACHE_ABI_VERSION, set by NEARCACHE_STORE_OPTIONS_INIT.
    pub abi_version: u32,
    /// NEARCACHE_STORE_EXISTING, NEARCACHE_NO_NEAR, NEARCACHE_ACCEPT_LOSS, with |.
    pub flags: u32,
    /// NEARCACHE_SYNC_ALWAYS, NEARCACHE_SYNC_EVERY or NEARCACHE_SYNC_NEVER.
    pub sync: u32,
    /// The milliseconds of NEARCACHE_SYNC_EVERY, 1 and more; else 0.
    pub sync_millis: u32,
    /// Bytes of the near tier, the cache in front: 1 MiB and more. 0 is 64 MiB.
    pub near_size: u64,
    /// A terminated string: the name, or the path, of a shared cache as which the near tier lives, so that other
    /// processes of this user read hot keys from it; see nearcache_options. NULL: it is private.
    pub near_name: *const c_char,
    /// The largest item or message in bytes; an item's is counted as memcached counts it. 1 KiB to 1 GiB; 0 is 1 MiB.
    pub item_size_max: u64,
    /// Most bytes of keys, values and messages together; beyond them writes are NEARCACHE_OVER_QUOTA. 0: no limit.
    pub quota: u64,
    /// Bytes of the disk engine's block cache, 1 MiB and more. 0 is 64 MiB.
    pub block_cache: u64,
    /// Most bytes of writes that wait for their turn; who comes then waits. 0 is 64 MiB.
    pub queue_bytes: u64,
    /// The Unix time at which a clock stands that nearcache_store_advance_clock() alone moves, for tests. 0: the
    /// clock is the system's.
    pub manual_clock: i64,
    /// Threads of the disk's engine, 1 to 64. 0 is 2.
    pub workers: u32,
    /// 0.
    pub reserved: u32,
}

/// The sizes the struct has had.
const FORMS: [usize; 1] = [size_of::<nearcache_store_options>()];

impl nearcache_store_options {
    fn defaults() -> Self {
        // SAFETY: all of its fields are integers and a pointer, for which zeros are a value.
        unsafe { std::mem::zeroed() }
    }

    /// The store's options; `None` for NULL.
    ///
    /// # Safety
    /// `given` is NULL or as the header demands of the caller of nearcache_store_open(), the string in it included.
    pub(super) unsafe fn parse(given: *const Self) -> Result<Option<Options>, Failure> {
        if given.is_null() {
            return Ok(None);
        }
        let init = "NEARCACHE_STORE_OPTIONS_INIT";
        // SAFETY: as above; the struct begins with `struct_size` and is of integers and a pointer.
        let given = unsafe { read_form(given, Self::defaults(), &FORMS, init)? };
        check_abi(given.struct_size, given.abi_version)?;
        let unknown =
            given.flags & !(NEARCACHE_STORE_EXISTING | NEARCACHE_NO_NEAR | NEARCACHE_ACCEPT_LOSS);
        if unknown != 0 || given.reserved != 0 {
            return Err(Failure::Invalid(format!(
                "options.flags has the unknown bits {unknown:#x} and options.reserved is {}: the known flags are \
                 NEARCACHE_STORE_EXISTING, NEARCACHE_NO_NEAR and NEARCACHE_ACCEPT_LOSS, and the other is 0",
                given.reserved
            )));
        }
        let mut options = Options::default();
        options.create = given.flags & NEARCACHE_STORE_EXISTING == 0;
        options.accept_loss = given.flags & NEARCACHE_ACCEPT_LOSS != 0;
        options.policy = given.policy()?;
        if given.flags & NEARCACHE_NO_NEAR != 0 {
            if given.near_size != 0 || !given.near_name.is_null() {
                return Err(Failure::Invalid(
                    "options.flags has NEARCACHE_NO_NEAR, and near_size or near_name says what it is to be".into(),
                ));
            }
            options.near = 0;
        } else if given.near_size != 0 {
            options.near = given.near_size;
        }
        if !given.near_name.is_null() {
            // SAFETY: not NULL, and terminated by the caller's promise.
            options.near_home = unsafe { home_of(given.near_name)? };
        }
        if given.item_size_max != 0 {
            options.item_size_max = to_usize("item_size_max", given.item_size_max)?;
        }
        options.quota = Some(given.quota).filter(|&quota| quota != 0);
        if given.block_cache != 0 {
            options.block_cache = given.block_cache;
        }
        if given.queue_bytes != 0 {
            options.queue_bytes = to_usize("queue_bytes", given.queue_bytes)?;
        }
        options.manual_clock = Some(given.manual_clock).filter(|&start| start != 0);
        if given.workers != 0 {
            options.workers = given.workers as usize;
        }
        Ok(Some(options))
    }

    fn policy(&self) -> Result<Policy, Failure> {
        match (self.sync, self.sync_millis) {
            (NEARCACHE_SYNC_ALWAYS, 0) => Ok(Policy::Always),
            (NEARCACHE_SYNC_EVERY, millis @ 1..) => Ok(Policy::EveryMillis(millis)),
            (NEARCACHE_SYNC_NEVER, 0) => Ok(Policy::Never),
            (sync, millis) => Err(Failure::Invalid(format!(
                "options.sync is {sync} and sync_millis {millis}: they are NEARCACHE_SYNC_ALWAYS or \
                 NEARCACHE_SYNC_NEVER and 0, or NEARCACHE_SYNC_EVERY and 1 or more"
            ))),
        }
    }
}
