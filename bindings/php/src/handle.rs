//! The state behind one PHP object: the cache it speaks to, its settings, and how its last verb went.
//!
//! One object belongs to one PHP thread, so cells are enough here; the cache itself may be shared by many objects.

use crate::prefix::{Prefix, Room};
use crate::reply::{self, Code};
use crate::settings::Settings;
use ext_php_rs::types::Zval;
use nearcache::{Cache, Error, Expiry};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The Rust half of a `NearCache\Cache` object.
pub struct Handle {
    cache: Arc<Cache>,
    settings: Settings,
    prefix: Prefix,
    item_size_limit: Cell<usize>,
    code: Cell<Code>,
    /// The last failure with the code it gave; shown only while that code still stands.
    failure: RefCell<Option<(Code, Error)>>,
    kept: Kept,
}

/// What an object keeps only to give it back. PHP's arrays, so that a bailout while one is made loses nothing of Rust's.
#[derive(Default)]
pub struct Kept {
    /// The servers added: what `getServerList` gives.
    pub servers: Cell<Option<Zval>>,
    /// The results of `getDelayed` that are still to be fetched.
    pub delayed: Cell<Option<Zval>>,
    /// How many of them were fetched.
    pub fetched: Cell<u64>,
    /// Options of `\Memcached` that have no effect here, in the order of `verbs::option`'s table.
    pub options: RefCell<Vec<(i64, i64)>>,
    /// `new Memcached('a name')`, or the option `persistent_id`.
    pub is_persistent: Cell<bool>,
}

impl Handle {
    /// A handle whose last verb went well.
    pub fn new(cache: Arc<Cache>) -> Handle {
        Handle {
            cache,
            settings: Settings::default(),
            prefix: Prefix::new(),
            item_size_limit: Cell::new(usize::MAX),
            code: Cell::new(reply::SUCCESS),
            failure: RefCell::new(None),
            kept: Kept::default(),
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
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// When what is given this expiration dies: by memcached's rule, but that 0 is the time that php.ini has for it.
    #[inline]
    pub fn expiry(&self, expiration: i64) -> Expiry {
        match expiration {
            0 => self.settings.default_expiry,
            given => Expiry::from_exptime(given),
        }
    }

    /// How this object writes values.
    #[inline]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `OPT_ITEM_SIZE_LIMIT`: the longest value in bytes.
    #[inline]
    pub fn item_size_limit(&self) -> usize {
        self.item_size_limit.get()
    }

    /// Takes another limit.
    pub fn set_item_size_limit(&self, bytes: usize) {
        self.item_size_limit.set(bytes);
    }

    /// What is kept to be given back.
    pub fn kept(&self) -> &Kept {
        &self.kept
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

    /// Notes what cannot be done, and why.
    #[cold]
    pub fn refuse(&self, code: Code, sentence: &str) {
        self.code.set(code);
        *self.failure.borrow_mut() = Some((code, Error::InvalidOptions(sentence.to_owned())));
    }

    /// The code of the last verb if it failed, and the system's own number for the reason if it has one; else zeros. That a
    /// key is missing, or a condition did not hold, is no failure.
    pub fn failure(&self) -> (Code, i64) {
        match &*self.failure.borrow() {
            Some((code, error)) if *code == self.code.get() => {
                let number = match error {
                    Error::System(_, source) => source.raw_os_error().unwrap_or(0),
                    _ => 0,
                };
                (*code, number.into())
            }
            _ => (reply::SUCCESS, 0),
        }
    }

    /// What the last verb's code means; of a failure what was wrong, with its numbers and the limit.
    pub fn explanation(&self) -> String {
        match &*self.failure.borrow() {
            Some((code, error)) if *code == self.code.get() => error.to_string(),
            _ => reply::message(self.code.get()).to_owned(),
        }
    }
}
