//! The state behind one PHP object: the cache it speaks to, and how its last verb went.
//!
//! One object belongs to one PHP thread, so cells are enough here; the cache itself may be shared by many objects.

use crate::prefix::{Prefix, Room};
use crate::reply::{self, Code};
use crate::settings::Settings;
use nearcache::{Cache, Error};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The Rust half of a `NearCache\Cache` object.
pub struct Handle {
    cache: Arc<Cache>,
    settings: Settings,
    prefix: Prefix,
    code: Cell<Code>,
    /// The last failure with the code it gave; shown only while that code still stands.
    failure: RefCell<Option<(Code, Error)>>,
}

impl Handle {
    /// A handle whose last verb went well.
    pub fn new(cache: Arc<Cache>) -> Handle {
        Handle {
            cache,
            settings: Settings::default(),
            prefix: Prefix::new(),
            code: Cell::new(reply::SUCCESS),
            failure: RefCell::new(None),
        }
    }

    /// The cache.
    #[inline]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The cache, to be held longer than the object, or to be known again by its address.
    #[inline]
    pub fn shared(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The key under which the cache has what this object calls `key`: with `OPT_PREFIX_KEY` before it.
    #[inline]
    pub fn place<'a>(&self, key: &'a [u8], room: &'a mut Room) -> &'a [u8] {
        match self.prefix.is_empty() {
            true => key,
            false => self.prefix.before(key, room),
        }
    }

    /// What this object puts before every key.
    #[inline]
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// How this object writes values.
    #[inline]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The last verb's result code.
    pub fn code(&self) -> Code {
        self.code.get()
    }

    /// Notes how a verb went.
    #[inline]
    pub fn note(&self, code: Code) {
        self.code.set(code);
    }

    /// Notes a failure, and gives its code.
    #[cold]
    pub fn fail(&self, error: Error) -> Code {
        let code = reply::code_of(&error);
        self.code.set(code);
        *self.failure.borrow_mut() = Some((code, error));
        code
    }

    /// What the last verb's code means; of a failure what was wrong, with its numbers and the limit.
    pub fn explanation(&self) -> String {
        match &*self.failure.borrow() {
            Some((code, error)) if *code == self.code.get() => error.to_string(),
            _ => reply::message(self.code.get()).to_owned(),
        }
    }
}
