//! The exceptions of the store and the queues, all below `NearCache\Exception`, and which failure is which.

use crate::class::exception_class;
use crate::zend::call::{Thrown, throw};
use ext_php_rs::args::ArgInfoTables;
use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpException;
use ext_php_rs::zend::ClassEntry;
use nearcache_store::Error;
use std::sync::atomic::{AtomicPtr, Ordering};

const IN_USE: usize = 0;
const DAMAGED: usize = 1;
const DISK_FULL: usize = 2;
const QUOTA: usize = 3;
const QUEUE_FULL: usize = 4;
const NO_QUEUE: usize = 5;
const REFUSED: usize = 6;
const CONNECTION: usize = 7;

type Known = fn(&'static mut ClassEntry, ArgInfoTables);

const CLASSES: [(&str, Known); 8] = [
    ("NearCache\\InUseException", keep::<IN_USE>),
    ("NearCache\\DamagedException", keep::<DAMAGED>),
    ("NearCache\\DiskFullException", keep::<DISK_FULL>),
    ("NearCache\\QuotaException", keep::<QUOTA>),
    ("NearCache\\QueueFullException", keep::<QUEUE_FULL>),
    ("NearCache\\NoQueueException", keep::<NO_QUEUE>),
    ("NearCache\\BatchRefusedException", keep::<REFUSED>),
    ("NearCache\\ConnectionException", keep::<CONNECTION>),
];

static KNOWN: [AtomicPtr<ClassEntry>; CLASSES.len()] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; CLASSES.len()];

fn keep<const WHICH: usize>(class: &'static mut ClassEntry, tables: ArgInfoTables) {
    // No methods of its own, so no tables to keep.
    drop(tables);
    // Release: pairs with the Acquire load of `class`.
    KNOWN[WHICH].store(class, Ordering::Release);
}

/// Registers the classes.
pub fn register() -> Result<()> {
    for (name, known) in CLASSES {
        ClassBuilder::new(name)
            .extends((exception_class, "\\NearCache\\Exception"))
            .registration(known)
            .register()?;
    }
    Ok(())
}

fn class(which: usize) -> &'static ClassEntry {
    // SAFETY: null or a class of this module's, which lives until the module stops.
    // Acquire: pairs with the Release store of `keep`.
    unsafe { KNOWN[which].load(Ordering::Acquire).as_ref() }.unwrap_or_else(|| exception_class())
}

/// Throws what a failure is in PHP.
#[cold]
pub fn fail(error: Error) -> Thrown {
    let mut code = 0;
    let which = match &error {
        Error::InUse { .. } => IN_USE,
        Error::Damaged(_) | Error::Lost { .. } | Error::Foreign(_) | Error::Newer(_) => DAMAGED,
        Error::DiskFull(_) => DISK_FULL,
        Error::OverQuota { .. } => QUOTA,
        Error::QueueFull { .. } => QUEUE_FULL,
        Error::NoQueue(_) => NO_QUEUE,
        Error::Refused { step, .. } => {
            code = i32::try_from(*step).unwrap_or(i32::MAX);
            REFUSED
        }
        Error::Connection(_) => CONNECTION,
        _ => return throw(PhpException::new(error.to_string(), 0, exception_class())),
    };
    throw(PhpException::new(error.to_string(), code, class(which)))
}

/// Throws because of stored bytes that cannot be read.
#[cold]
pub fn damaged(sentence: String) -> Thrown {
    throw(PhpException::new(sentence, 0, class(DAMAGED)))
}
