//! The queues themselves: how they behave, what is in them, and what is done with all of it.

use std::ffi::{CString, c_char, c_void};

use ::nearcache_store::queue::{NAME_MAX, Settings, Stats};

use super::handle::nearcache_store;
use super::message::NEARCACHE_MESSAGES_MAX;
use crate::border::{Out, cross, string};
use crate::region::text;
use crate::stats::nearcache_stat_fn;
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// The longest name of a queue, in bytes; the shortest has 1.
pub const NEARCACHE_QUEUE_NAME_MAX: u32 = 240;
/// Room for a queue's name and its NUL.
pub const NEARCACHE_QUEUE_NAME_SIZE: usize = 248;

const _: () = assert!(NAME_MAX == NEARCACHE_QUEUE_NAME_MAX as usize);

/// How a queue behaves. Begin with NEARCACHE_SETTINGS_INIT, the defaults, or with nearcache_queue_settings().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_settings {
    /// Most messages, delayed and reserved ones included; 0: no limit.
    pub max_messages: u64,
    /// Most bytes of messages; 0: no limit.
    pub max_bytes: u64,
    /// The largest message in bytes; 0: the store's item_size_max.
    pub max_message: u64,
    /// 1: a full queue drops its oldest message that nobody has reserved. 0: it refuses the new one.
    pub discard_old: u32,
    /// Seconds after which a message that was reserved without saying for how long comes back, 1 to 604800.
    pub lease: u32,
    /// How often a message is delivered at most, before it goes to the dead letters; 0: no limit.
    pub max_deliveries: u32,
    /// Seconds after which a message that says nothing else has expired, up to 31536000; 0: never.
    pub expire: u32,
    /// Seconds for which the id of a message is remembered, to drop doubles, up to 31536000; 0: ids are not looked at.
    pub dedup_window: u32,
    /// Seconds that a message which comes back waits before it is delivered again, up to 31536000.
    pub retry_delay: u32,
    /// The queue of the dead letters, terminated; empty: this one's name with ".dead" behind it.
    pub dead_letters: [c_char; NEARCACHE_QUEUE_NAME_SIZE],
    /// The queue that gets what has expired, terminated; empty: it is dropped.
    pub expired_to: [c_char; NEARCACHE_QUEUE_NAME_SIZE],
}

impl nearcache_settings {
    fn of(settings: &Settings) -> Self {
        nearcache_settings {
            max_messages: settings.max_messages,
            max_bytes: settings.max_bytes,
            max_message: settings.max_message,
            discard_old: settings.discard_old.into(),
            lease: settings.lease,
            max_deliveries: settings.max_deliveries,
            expire: settings.expire,
            dedup_window: settings.dedup_window,
            retry_delay: settings.retry_delay,
            dead_letters: name_out(&settings.dead_letters),
            expired_to: name_out(&settings.expired_to),
        }
    }

    fn parse(&self) -> Result<Settings, Failure> {
        if self.discard_old > 1 {
            return Err(Failure::Invalid(format!(
                "settings.discard_old is {}: it is 1 (drop the oldest) or 0 (refuse the new one)",
                self.discard_old
            )));
        }
        let mut settings = Settings::default();
        settings.max_messages = self.max_messages;
        settings.max_bytes = self.max_bytes;
        settings.max_message = self.max_message;
        settings.discard_old = self.discard_old == 1;
        settings.lease = self.lease;
        settings.max_deliveries = self.max_deliveries;
        settings.dead_letters = name_in("dead_letters", &self.dead_letters)?;
        settings.expire = self.expire;
        settings.expired_to = name_in("expired_to", &self.expired_to)?;
        settings.dedup_window = self.dedup_window;
        settings.retry_delay = self.retry_delay;
        Ok(settings)
    }
}

/// Called by nearcache_queue_names() for each queue; `name`, terminated, is lent for the call. It may call any nearcache
/// function. It returns normally: no longjmp, no exception.
pub type nearcache_name_fn = Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char)>;

/// Tells how a queue behaves.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_settings(
    store: *mut nearcache_store,
    queue: *const c_char,
    settings_out: *mut nearcache_settings,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, settings_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                Out::required("settings_out", settings_out)?,
            )
        };
        settings_out.write(nearcache_settings::of(&store.settings(queue)?));
        Ok(NEARCACHE_OK)
    })
}

/// Says how a queue behaves, in everything; it is made if there is none.
///
/// Lifetimes: `queue`, a terminated string, and `settings` are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_configure(
    store: *mut nearcache_store,
    queue: *const c_char,
    settings: *const nearcache_settings,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and the struct.
        let (store, queue, settings) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                settings.as_ref().ok_or(Failure::Null("settings"))?,
            )
        };
        store.configure(queue, settings.parse()?)?;
        Ok(NEARCACHE_OK)
    })
}

/// Hands nothing out until nearcache_queue_resume(); messages are put in as before. It outlives the process.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_pause(
    store: *mut nearcache_store,
    queue: *const c_char,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { pause(store, queue, true) }
}

/// Goes on after nearcache_queue_pause().
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_resume(
    store: *mut nearcache_store,
    queue: *const c_char,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { pause(store, queue, false) }
}

/// # Safety
/// The pointers are as the header demands of the caller of the C function.
unsafe fn pause(
    store: *mut nearcache_store,
    queue: *const c_char,
    is_paused: bool,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, queue) = unsafe { (nearcache_store::borrow(store)?, string("queue", queue)?) };
        store.pause(queue, is_paused)?;
        Ok(NEARCACHE_OK)
    })
}

/// Drops every message of a queue, whoever has it.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call.
/// NULL: `purged_out` may be NULL.
/// Returns: NEARCACHE_OK (writes how many there were); NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_purge(
    store: *mut nearcache_store,
    queue: *const c_char,
    purged_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, purged_out) = unsafe {
            (nearcache_store::borrow(store)?, string("queue", queue)?, Out::nullable(purged_out))
        };
        let purged = store.purge(queue)?;
        if let Some(purged_out) = purged_out {
            purged_out.write(purged);
        }
        Ok(NEARCACHE_OK)
    })
}

/// Removes a queue and its messages.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (there was none); the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_delete(
    store: *mut nearcache_store,
    queue: *const c_char,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, queue) = unsafe { (nearcache_store::borrow(store)?, string("queue", queue)?) };
        Ok(if store.delete_queue(queue)? { NEARCACHE_OK } else { NEARCACHE_MISS })
    })
}

/// Moves up to `max` messages of a queue (of more than NEARCACHE_MESSAGES_MAX, so many) to the end of the queue `to`, or
/// of the queues that they come from, which dead letters know.
///
/// Lifetimes: `queue` and `to`, terminated strings, are borrowed for the call.
/// NULL: `to` may be NULL, for the queues that they come from; `moved_out` may be NULL.
/// Returns: NEARCACHE_OK (writes how many were moved); NEARCACHE_INVALID (also if a message comes from no other queue,
/// and `to` is NULL), NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_requeue(
    store: *mut nearcache_store,
    queue: *const c_char,
    to: *const c_char,
    max: usize,
    moved_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, to, moved_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                if to.is_null() { None } else { Some(string("to", to)?) },
                Out::nullable(moved_out),
            )
        };
        let moved = store.requeue(queue, to, max.min(NEARCACHE_MESSAGES_MAX))?;
        if let Some(moved_out) = moved_out {
            moved_out.write(moved);
        }
        Ok(NEARCACHE_OK)
    })
}

/// Calls `stat` for each number of a queue: what is in it ("messages", "ready", "reserved", "delayed", "bytes", "age" of
/// the first message in seconds, "made" as a Unix time, "is_paused"), and what has happened since it was made
/// ("pushed", "delivered", "acked", "returned", "dead", "expired", "discarded", "duplicates"). More may be added; their
/// order has no meaning.
///
/// Lifetimes: `queue`, a terminated string, is borrowed for the call. The names are static.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
/// Threads: any; `stat` runs in the calling thread. The numbers are of one instant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_stats(
    store: *mut nearcache_store,
    queue: *const c_char,
    stat: nearcache_stat_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, queue) = unsafe { (nearcache_store::borrow(store)?, string("queue", queue)?) };
        let stat = stat.ok_or(Failure::Null("stat"))?;
        for (name, value) in numbers(&store.queue_stats(queue)?) {
            // SAFETY: the caller gives a function of this type, which returns normally; the name is static.
            unsafe { stat(user, name.as_ptr(), value) };
        }
        Ok(NEARCACHE_OK)
    })
}

/// Reads one number of a queue by its name. A name that this library does not know is NEARCACHE_MISS.
///
/// Lifetimes: `queue` and `name`, terminated strings, are borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (no such number); NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_stat(
    store: *mut nearcache_store,
    queue: *const c_char,
    name: *const c_char,
    value_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, queue, name, value_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("queue", queue)?,
                string("name", name)?,
                Out::required("value_out", value_out)?,
            )
        };
        match numbers(&store.queue_stats(queue)?).iter().find(|(known, _)| known.to_bytes() == name)
        {
            Some((_, value)) => {
                value_out.write(*value);
                Ok(NEARCACHE_OK)
            }
            None => Ok(NEARCACHE_MISS),
        }
    })
}

/// Calls `met` for each queue that is there, readers' copies included, in the order of their names.
///
/// Lifetimes: a name is valid until `met` returns.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; the failures of nearcache_store_get().
/// Threads: any; `met` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_queue_names(
    store: *mut nearcache_store,
    met: nearcache_name_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let store = unsafe { nearcache_store::borrow(store)? };
        let met = met.ok_or(Failure::Null("met"))?;
        let names: Vec<CString> = store.queue_names()?.iter().map(|name| text(name)).collect();
        for name in &names {
            // SAFETY: the caller gives a function of this type, which returns normally; the name lives until then.
            unsafe { met(user, name.as_ptr()) };
        }
        Ok(NEARCACHE_OK)
    })
}

fn numbers(stats: &Stats) -> [(&'static std::ffi::CStr, u64); 16] {
    [
        (c"messages", stats.messages),
        (c"ready", stats.ready),
        (c"reserved", stats.reserved),
        (c"delayed", stats.delayed),
        (c"bytes", stats.bytes),
        (c"age", stats.age),
        (c"made", stats.made),
        (c"is_paused", stats.is_paused.into()),
        (c"pushed", stats.totals.pushed),
        (c"delivered", stats.totals.delivered),
        (c"acked", stats.totals.acked),
        (c"returned", stats.totals.returned),
        (c"dead", stats.totals.dead),
        (c"expired", stats.totals.expired),
        (c"discarded", stats.totals.discarded),
        (c"duplicates", stats.totals.duplicates),
    ]
}

/// A name holds no NUL, and is shorter than this.
fn name_out(name: &[u8]) -> [c_char; NEARCACHE_QUEUE_NAME_SIZE] {
    let mut out = [0; NEARCACHE_QUEUE_NAME_SIZE];
    for (to, from) in out[..NEARCACHE_QUEUE_NAME_SIZE - 1].iter_mut().zip(name) {
        *to = *from as c_char;
    }
    out
}

fn name_in(what: &str, name: &[c_char; NEARCACHE_QUEUE_NAME_SIZE]) -> Result<Vec<u8>, Failure> {
    match name.iter().position(|&byte| byte == 0) {
        Some(end) => Ok(name[..end].iter().map(|&byte| byte as u8).collect()),
        None => Err(Failure::Invalid(format!(
            "settings.{what} is not terminated within its {NEARCACHE_QUEUE_NAME_SIZE} bytes"
        ))),
    }
}
