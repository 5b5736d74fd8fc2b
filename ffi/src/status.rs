//! `nearcache_status`: what each call returns, what it means in words, and the sentence kept for each thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

use nearcache::Error;

/// What a call returns. The sign has meaning: 0 is done; above 0 is an answer a cache is expected to give;
/// below 0 is a failure, of which nearcache_last_error() has the sentence. The values are permanent.
pub type nearcache_status = i32;

/// Done.
pub const NEARCACHE_OK: nearcache_status = 0;
/// There is no such item.
pub const NEARCACHE_MISS: nearcache_status = 1;
/// The item was changed since its unique was read.
pub const NEARCACHE_EXISTS: nearcache_status = 2;
/// The condition of the storing verb did not hold, or an append or prepend would outgrow the limit.
pub const NEARCACHE_NOT_STORED: nearcache_status = 3;
/// A hit, but the value is longer than the buffer; the length needed is in the output, the buffer's
/// content is unspecified.
pub const NEARCACHE_SHORT_BUFFER: nearcache_status = 4;
/// nearcache_lease(): this caller has won the right, and the duty, to fill the item.
pub const NEARCACHE_WON: nearcache_status = 5;
/// nearcache_lease(): another caller is filling the item.
pub const NEARCACHE_WAIT: nearcache_status = 6;
/// nearcache_iter_next(): there is nothing more.
pub const NEARCACHE_END: nearcache_status = 7;
/// nearcache_queue_push(): a message with this id is known; nothing was put in.
pub const NEARCACHE_DUPLICATE: nearcache_status = 8;
/// nearcache_queue_nak(): the message was delivered too often, or has expired; it is where such messages go.
pub const NEARCACHE_OVER: nearcache_status = 9;
/// An argument is wrong: NULL, an empty or too long key, an option out of range.
pub const NEARCACHE_INVALID: nearcache_status = -1;
/// The item, or the message, is larger than item_size_max.
pub const NEARCACHE_TOO_BIG: nearcache_status = -2;
/// No memory could be freed for the item: evictions are off, or everything is pinned.
pub const NEARCACHE_NOMEM: nearcache_status = -3;
/// incr or decr of a value that is not a decimal number of 64 bits.
pub const NEARCACHE_NOT_NUMERIC: nearcache_status = -4;
/// The operating system refused something.
pub const NEARCACHE_SYSTEM: nearcache_status = -5;
/// The program was compiled for another call ABI, or the region was made with another layout.
pub const NEARCACHE_LAYOUT: nearcache_status = -6;
/// The cache's memory, or what is in a store, contradicts itself.
pub const NEARCACHE_CORRUPT: nearcache_status = -7;
/// A defect of this library, stopped at its border. The cache may be closed and must not be trusted further.
pub const NEARCACHE_PANIC: nearcache_status = -8;

/// There is no cache of this name to attach.
pub const NEARCACHE_NO_REGION: nearcache_status = -9;
/// The cache that was to be created is there already.
pub const NEARCACHE_REGION_EXISTS: nearcache_status = -10;
/// What is there is no cache, or none that this user may attach; or a directory of something else than a store.
pub const NEARCACHE_FOREIGN: nearcache_status = -11;
/// The cache is attached for reading alone, and the call writes; or a store's directory may not be written.
pub const NEARCACHE_NOT_WRITABLE: nearcache_status = -12;
/// Every place for a process or a thread in a shared cache is taken.
pub const NEARCACHE_TOO_MANY: nearcache_status = -13;

/// The store is open in another process: reach it through the daemon.
pub const NEARCACHE_IN_USE: nearcache_status = -14;
/// There is no store in this directory, and none was to be made.
pub const NEARCACHE_NO_STORE: nearcache_status = -15;
/// The store was written by a later version.
pub const NEARCACHE_NEWER: nearcache_status = -16;
/// Less is there than was once safely written. Nothing was opened; see NEARCACHE_ACCEPT_LOSS.
pub const NEARCACHE_LOST: nearcache_status = -17;
/// The disk is full. Writes work again when there is room.
pub const NEARCACHE_DISK_FULL: nearcache_status = -18;
/// The write would make the store larger than its quota.
pub const NEARCACHE_OVER_QUOTA: nearcache_status = -19;
/// The store has ended, or the snapshot that an iterator walks over: open it again.
pub const NEARCACHE_CLOSED: nearcache_status = -20;
/// The store was opened before a fork, and belongs to the parent.
pub const NEARCACHE_FORKED: nearcache_status = -21;
/// The condition of a change of the batch did not hold; nothing of it was done.
pub const NEARCACHE_REFUSED: nearcache_status = -22;
/// The callback has stopped the work.
pub const NEARCACHE_STOPPED: nearcache_status = -23;
/// There is no queue of this name.
pub const NEARCACHE_NO_QUEUE: nearcache_status = -24;
/// The queue has as many messages, or bytes, as it may.
pub const NEARCACHE_QUEUE_FULL: nearcache_status = -25;
/// The daemon cannot be reached, or went away; the sentence says whether a write may have been done.
pub const NEARCACHE_CONNECTION: nearcache_status = -26;
/// What was asked for is not to be had here; the sentence says where it is.
pub const NEARCACHE_UNSUPPORTED: nearcache_status = -27;

/// Why a call failed, before it becomes a number and a sentence.
pub(crate) enum Failure {
    /// The named argument is NULL and must not be.
    Null(&'static str),
    /// The caller's mistake, in words.
    Invalid(String),
    /// The caller was compiled against another header.
    Layout(String),
    /// The core's failure.
    Core(Error),
    /// The durable store's failure, as `durable::error` words it.
    #[cfg(feature = "store")]
    Store(nearcache_status, String),
    /// A panic's message.
    Panic(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Core(error)
    }
}

impl Failure {
    /// Keeps the sentence for this thread and gives the number.
    #[cold]
    pub(crate) fn record(self) -> nearcache_status {
        let (status, sentence) = match self {
            Failure::Null(name) => {
                (NEARCACHE_INVALID, format!("the argument `{name}` is NULL and must not be"))
            }
            Failure::Invalid(why) => (NEARCACHE_INVALID, why),
            Failure::Layout(why) => (NEARCACHE_LAYOUT, why),
            Failure::Core(error) => (status_of(&error), error.to_string()),
            #[cfg(feature = "store")]
            Failure::Store(status, why) => (status, why),
            Failure::Panic(what) => (
                NEARCACHE_PANIC,
                format!("a defect of nearcache was stopped at its border: {what}"),
            ),
        };
        remember(sentence);
        status
    }
}

fn status_of(error: &Error) -> nearcache_status {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } | Error::InvalidOptions(_) => NEARCACHE_INVALID,
        Error::ValueTooLarge { .. } => NEARCACHE_TOO_BIG,
        Error::OutOfMemory => NEARCACHE_NOMEM,
        Error::NotNumeric => NEARCACHE_NOT_NUMERIC,
        Error::System(..) => NEARCACHE_SYSTEM,
        Error::Corrupt(_) => NEARCACHE_CORRUPT,
        Error::LayoutMismatch(_) => NEARCACHE_LAYOUT,
        Error::NoRegion(_) => NEARCACHE_NO_REGION,
        Error::RegionExists(_) => NEARCACHE_REGION_EXISTS,
        Error::ForeignRegion(_) => NEARCACHE_FOREIGN,
        Error::ReadOnly => NEARCACHE_NOT_WRITABLE,
        Error::TooManyThreads(_) => NEARCACHE_TOO_MANY,
        // The core's list may grow before this one does; the sentence still says what happened.
        _ => NEARCACHE_SYSTEM,
    }
}

thread_local! {
    static LAST: RefCell<Option<CString>> = const { RefCell::new(None) };
}

fn remember(sentence: String) {
    let mut bytes = sentence.into_bytes();
    bytes.retain(|&byte| byte != 0);
    let sentence = CString::new(bytes).unwrap_or_default();
    // A thread that is being torn down has lost its sentence already: the status alone must do.
    let _ = LAST.try_with(|last| *last.borrow_mut() = Some(sentence));
}

/// What a status means, in a few words: "no such item".
///
/// Lifetimes: the text is static.
/// NULL: no pointers are taken; NULL is never given back, an unknown number is "unknown status".
/// Returns: the text.
/// Threads: any; also in a forked child and in a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_status_text(status: nearcache_status) -> *const c_char {
    let text = match status {
        NEARCACHE_OK => c"done",
        NEARCACHE_MISS => c"no such item",
        NEARCACHE_EXISTS => c"the item was changed meanwhile",
        NEARCACHE_NOT_STORED => c"not stored: the condition did not hold",
        NEARCACHE_SHORT_BUFFER => c"the buffer is too short for the value",
        NEARCACHE_WON => c"this caller is to fill the item",
        NEARCACHE_WAIT => c"another caller is filling the item",
        NEARCACHE_END => c"nothing more",
        NEARCACHE_INVALID => c"invalid argument",
        NEARCACHE_TOO_BIG => c"the item is too large",
        NEARCACHE_NOMEM => c"out of memory",
        NEARCACHE_NOT_NUMERIC => c"not a number",
        NEARCACHE_SYSTEM => c"the operating system refused",
        NEARCACHE_LAYOUT => c"made for another version",
        NEARCACHE_CORRUPT => c"the cache or the store is damaged",
        NEARCACHE_PANIC => c"a defect of nearcache",
        NEARCACHE_NO_REGION => c"no such cache",
        NEARCACHE_REGION_EXISTS => c"the cache exists already",
        NEARCACHE_FOREIGN => c"not a cache of this user, or not a store",
        NEARCACHE_NOT_WRITABLE => c"it may be read alone",
        NEARCACHE_TOO_MANY => c"too many processes or threads",
        NEARCACHE_DUPLICATE => c"a message with this id is known",
        NEARCACHE_OVER => c"the message was delivered too often, or has expired",
        NEARCACHE_IN_USE => c"the store is in use",
        NEARCACHE_NO_STORE => c"no such store",
        NEARCACHE_NEWER => c"the store is of a later version",
        NEARCACHE_LOST => c"the store has lost writes",
        NEARCACHE_DISK_FULL => c"the disk is full",
        NEARCACHE_OVER_QUOTA => c"over quota",
        NEARCACHE_CLOSED => c"the store is closed",
        NEARCACHE_FORKED => c"the store belongs to the parent",
        NEARCACHE_REFUSED => c"the batch was refused",
        NEARCACHE_STOPPED => c"stopped by the callback",
        NEARCACHE_NO_QUEUE => c"no such queue",
        NEARCACHE_QUEUE_FULL => c"the queue is full",
        NEARCACHE_CONNECTION => c"no connection to the daemon",
        NEARCACHE_UNSUPPORTED => c"not to be had here",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// The sentence of this thread's last failure: what was wrong, the limit, what to do. It is set by failures
/// alone (a status below 0); a call that succeeds leaves it as it was.
///
/// Lifetimes: the text is valid until this thread's next failure, or its end.
/// NULL: no pointers are taken; NULL is never given back, before the first failure the text is "".
/// Returns: the text.
/// Threads: each has its own. A forked child inherits its forking thread's.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_deref().map_or(c"".as_ptr(), |s| s.as_ptr()))
        .unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn last() -> String {
        // SAFETY: the text is terminated and this thread fails nothing until it is copied.
        unsafe { CStr::from_ptr(nearcache_last_error()) }.to_string_lossy().into_owned()
    }

    #[test]
    fn a_nul_in_a_sentence_does_not_cut_it() {
        assert_eq!(Failure::Invalid("a\0b".into()).record(), NEARCACHE_INVALID);
        assert_eq!(last(), "ab");
    }

    #[test]
    fn each_error_of_the_core_has_its_status() {
        let table = [
            (Error::KeyEmpty, NEARCACHE_INVALID),
            (Error::KeyTooLong { len: 251 }, NEARCACHE_INVALID),
            (Error::ValueTooLarge { size: 2, limit: 1 }, NEARCACHE_TOO_BIG),
            (Error::OutOfMemory, NEARCACHE_NOMEM),
            (Error::NotNumeric, NEARCACHE_NOT_NUMERIC),
            (Error::InvalidOptions("o".into()), NEARCACHE_INVALID),
            (Error::System("s".into(), std::io::Error::other("e")), NEARCACHE_SYSTEM),
            (Error::Corrupt("c".into()), NEARCACHE_CORRUPT),
            (Error::LayoutMismatch("l".into()), NEARCACHE_LAYOUT),
            (Error::NoRegion("n".into()), NEARCACHE_NO_REGION),
            (Error::RegionExists("r".into()), NEARCACHE_REGION_EXISTS),
            (Error::ForeignRegion("f".into()), NEARCACHE_FOREIGN),
            (Error::ReadOnly, NEARCACHE_NOT_WRITABLE),
            (Error::TooManyThreads("t".into()), NEARCACHE_TOO_MANY),
        ];
        for (error, status) in table {
            let sentence = error.to_string();
            assert_eq!(Failure::Core(error).record(), status);
            assert_eq!(last(), sentence);
        }
    }
}
