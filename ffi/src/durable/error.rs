//! What a failure of the store is called in C.

use ::nearcache_store::Error;

use crate::status::{
    Failure, NEARCACHE_CLOSED, NEARCACHE_CONNECTION, NEARCACHE_CORRUPT, NEARCACHE_DISK_FULL,
    NEARCACHE_FOREIGN, NEARCACHE_FORKED, NEARCACHE_IN_USE, NEARCACHE_INVALID, NEARCACHE_LOST,
    NEARCACHE_NEWER, NEARCACHE_NO_QUEUE, NEARCACHE_NO_STORE, NEARCACHE_NOT_NUMERIC,
    NEARCACHE_NOT_WRITABLE, NEARCACHE_OVER_QUOTA, NEARCACHE_PANIC, NEARCACHE_QUEUE_FULL,
    NEARCACHE_REFUSED, NEARCACHE_STOPPED, NEARCACHE_SYSTEM, NEARCACHE_TOO_BIG,
    NEARCACHE_UNSUPPORTED, nearcache_status,
};

impl From<Error> for Failure {
    #[cold]
    fn from(error: Error) -> Failure {
        Failure::Store(status_of(&error), error.to_string())
    }
}

fn status_of(error: &Error) -> nearcache_status {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } | Error::InvalidOptions(_) => NEARCACHE_INVALID,
        Error::ValueTooLarge { .. } => NEARCACHE_TOO_BIG,
        Error::NotNumeric => NEARCACHE_NOT_NUMERIC,
        Error::InUse { .. } => NEARCACHE_IN_USE,
        Error::Missing(_) => NEARCACHE_NO_STORE,
        Error::Foreign(_) => NEARCACHE_FOREIGN,
        Error::Newer(_) => NEARCACHE_NEWER,
        Error::Damaged(_) => NEARCACHE_CORRUPT,
        Error::Lost { .. } => NEARCACHE_LOST,
        Error::DiskFull(_) => NEARCACHE_DISK_FULL,
        Error::ReadOnly(_) => NEARCACHE_NOT_WRITABLE,
        Error::System(..) | Error::Near(_) => NEARCACHE_SYSTEM,
        Error::OverQuota { .. } => NEARCACHE_OVER_QUOTA,
        Error::Closed | Error::SnapshotGone => NEARCACHE_CLOSED,
        Error::Forked => NEARCACHE_FORKED,
        Error::Panicked(_) => NEARCACHE_PANIC,
        Error::Refused { .. } => NEARCACHE_REFUSED,
        Error::Stopped => NEARCACHE_STOPPED,
        Error::NoQueue(_) => NEARCACHE_NO_QUEUE,
        Error::QueueFull { .. } => NEARCACHE_QUEUE_FULL,
        Error::Connection(_) => NEARCACHE_CONNECTION,
        Error::Unsupported(_) => NEARCACHE_UNSUPPORTED,
        // The store's list may grow before this one does; the sentence still says what happened.
        _ => NEARCACHE_SYSTEM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::nearcache_last_error;
    use std::ffi::CStr;
    use std::sync::Arc;

    #[test]
    fn each_error_of_the_store_has_its_status_and_keeps_its_sentence() {
        let s = String::from;
        let io = Arc::new(std::io::Error::other("e"));
        let full = Error::QueueFull {
            queue: s("q"),
            messages: 1,
            bytes: 2,
            max_messages: 1,
            max_bytes: 0,
        };
        let table = [
            (Error::KeyEmpty, NEARCACHE_INVALID),
            (Error::KeyTooLong { len: 251 }, NEARCACHE_INVALID),
            (Error::ValueTooLarge { size: 2, limit: 1 }, NEARCACHE_TOO_BIG),
            (Error::NotNumeric, NEARCACHE_NOT_NUMERIC),
            (Error::InvalidOptions(s("o")), NEARCACHE_INVALID),
            (Error::InUse { dir: "d".into(), by: s("b") }, NEARCACHE_IN_USE),
            (Error::Missing(s("m")), NEARCACHE_NO_STORE),
            (Error::Foreign(s("f")), NEARCACHE_FOREIGN),
            (Error::Newer(s("n")), NEARCACHE_NEWER),
            (Error::Damaged(s("d")), NEARCACHE_CORRUPT),
            (Error::Lost { dir: "d".into(), recovered: 1, synced: 2 }, NEARCACHE_LOST),
            (Error::DiskFull(s("d")), NEARCACHE_DISK_FULL),
            (Error::ReadOnly(s("r")), NEARCACHE_NOT_WRITABLE),
            (Error::System(s("s"), io), NEARCACHE_SYSTEM),
            (Error::OverQuota { used: 1, wanted: 2, quota: 2 }, NEARCACHE_OVER_QUOTA),
            (Error::Closed, NEARCACHE_CLOSED),
            (Error::Forked, NEARCACHE_FORKED),
            (Error::Panicked(s("p")), NEARCACHE_PANIC),
            (Error::SnapshotGone, NEARCACHE_CLOSED),
            (Error::Refused { step: 1, why: s("r") }, NEARCACHE_REFUSED),
            (Error::Stopped, NEARCACHE_STOPPED),
            (Error::NoQueue(s("q")), NEARCACHE_NO_QUEUE),
            (full, NEARCACHE_QUEUE_FULL),
            (Error::Near(s("n")), NEARCACHE_SYSTEM),
            (Error::Connection(s("c")), NEARCACHE_CONNECTION),
            (Error::Unsupported(s("u")), NEARCACHE_UNSUPPORTED),
        ];
        for (error, status) in table {
            let sentence = error.to_string();
            assert_eq!(Failure::from(error).record(), status, "{sentence}");
            // SAFETY: the text is terminated and this thread fails nothing until it is compared.
            let last = unsafe { CStr::from_ptr(nearcache_last_error()) };
            assert_eq!(last.to_string_lossy(), sentence);
        }
    }
}
