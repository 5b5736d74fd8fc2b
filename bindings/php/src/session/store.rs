//! One open session: its value in the cache, and its lock.
//!
//! Keys, bytes and flags are those of php-memcached's handler: `<prefix><id>` and `<prefix>lock.<id>`, the session as PHP
//! encodes it, flags 0.

use super::lock::{self, Locking};
use super::{Complained, complain};
use crate::ini;
use crate::zend::landing::Landing;
use crate::zend::warn;
use ext_php_rs::types::{ZendStr, Zval};
use nearcache::{Cache, Error, Expiry, KEY_MAX, Outcome, Touch, Verb};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// What stands before the id in a lock's key.
const LOCK: &[u8] = b"lock.";

/// What `open` opens and `close` closes.
pub struct Session {
    cache: Arc<Cache>,
    prefix: Vec<u8>,
    locking: Option<Locking>,
    held: Option<Held>,
}

/// A lock that is held.
struct Held {
    key: Vec<u8>,
    unique: u64,
}

impl Session {
    /// Sessions in this cache, by the settings of this moment.
    pub fn new(cache: Arc<Cache>) -> Session {
        Session {
            cache,
            prefix: ini::value(ini::SESS_PREFIX),
            locking: Locking::asked(),
            held: None,
        }
    }

    /// The session's value, which is its caller's; it is locked from now on.
    pub fn read(&mut self, id: &[u8]) -> Result<*mut ZendStr, Complained> {
        let key = self.key(id)?;
        self.lock(id)?;
        let mut landing = Landing::new();
        let found = self.cache.get_to(&key, &mut landing);
        // What follows allocates, and may never come back.
        drop(key);
        match found {
            Ok(Some(_)) => {
                let mut value = ManuallyDrop::new(Zval::new());
                // SAFETY: a hit, so the core has filled the landing.
                unsafe { landing.give_string(&mut value) };
                // SAFETY: it was just made a string, whose one reference goes to the caller.
                Ok(unsafe { value.value.str_ })
            }
            Ok(None) => Ok(ZendStr::new(b"", false).into_raw()),
            Err(error) => Err(complain(&format!("the session cannot be read: {error}"))),
        }
    }

    /// Stores the session; if that fails, the one that is there stays.
    pub fn write(&mut self, id: &[u8], value: &[u8], lifetime: i64) -> Result<(), Complained> {
        let key = self.key(id)?;
        self.lock(id)?;
        self.warn_if_the_lock_is_lost();
        match self.put(&key, value, expiry(lifetime)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(complain(
                "the session was not written: others wrote and removed it all the while; the one that is there stays",
            )),
            Err(error) => Err(complain(&format!(
                "the session of {} bytes was not written, and the one before it stays: {error}",
                value.len()
            ))),
        }
    }

    /// A plain set that is too large would remove the value that is there; these two do not.
    fn put(&self, key: &[u8], value: &[u8], expiry: Expiry) -> Result<bool, Error> {
        /// Without a lock another may come in between, but hardly so often.
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            for verb in [Verb::Replace, Verb::Add] {
                if let Outcome::Stored(_) = self.cache.store(verb, key, value, 0, expiry)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Lets the session live on; stores it if it is gone.
    pub fn touch(&mut self, id: &[u8], value: &[u8], lifetime: i64) -> Result<(), Complained> {
        let key = self.key(id)?;
        match self.cache.touch(&key, expiry(lifetime)) {
            Ok(Touch::Touched) => Ok(()),
            Ok(Touch::Missing) => self.write(id, value, lifetime),
            Err(error) => Err(complain(&format!("the session cannot be kept alive: {error}"))),
        }
    }

    /// Removes the session, and its lock.
    pub fn destroy(&mut self, id: &[u8]) -> Result<(), Complained> {
        let key = self.key(id)?;
        let deleted = self.cache.delete(&key);
        self.unlock();
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => Err(complain(&format!("the session cannot be removed: {error}"))),
        }
    }

    /// Is there such a session?
    pub fn exists(&self, id: &[u8]) -> bool {
        match self.plain_key(id) {
            Ok(key) => self.cache.contains(&key).unwrap_or(false),
            Err(_) => false,
        }
    }

    fn key(&self, id: &[u8]) -> Result<Vec<u8>, Complained> {
        self.plain_key(id).map_err(|why| complain(&why))
    }

    fn plain_key(&self, id: &[u8]) -> Result<Vec<u8>, String> {
        let most = KEY_MAX - self.prefix.len() - LOCK.len();
        if id.is_empty() || id.len() > most {
            return Err(format!(
                "the session's id has {} bytes: it may have 1 to {most}, which is what nearcache.sess_prefix leaves of a \
                 key's {KEY_MAX}",
                id.len()
            ));
        }
        // It comes from the visitor, and would lead to the lock of another's session.
        if id.starts_with(LOCK) {
            return Err("the session's id begins with \"lock.\", as only locks' keys do".to_owned());
        }
        Ok([self.prefix.as_slice(), id].concat())
    }

    fn lock(&mut self, id: &[u8]) -> Result<(), Complained> {
        let Some(locking) = &self.locking else {
            return Ok(());
        };
        let key = [self.prefix.as_slice(), LOCK, id].concat();
        if self.held.as_ref().is_some_and(|held| held.key == key) {
            return Ok(());
        }
        let wait = locking.wait().as_millis();
        // Of two who each hold one session and want the other's none would get any.
        if let Some(held) = self.held.take() {
            lock::release(&self.cache, &held.key, held.unique);
        }
        match locking.take(&self.cache, &key) {
            Ok(Some(unique)) => {
                self.held = Some(Held { key, unique });
                Ok(())
            }
            Ok(None) => Err(complain(&format!(
                "another request has had this session for the {wait} ms that nearcache.sess_lock_retries and \
                 nearcache.sess_lock_wait_max allow to wait for it: let them allow more, or have scripts call \
                 session_write_close() when they are done with it"
            ))),
            Err(error) => Err(complain(&format!("the session cannot be locked: {error}"))),
        }
    }

    /// It is written all the same, as php-memcached does: the visitor's last request counts.
    fn warn_if_the_lock_is_lost(&self) {
        if let Some(held) = &self.held
            && !lock::is_held(&self.cache, &held.key, held.unique)
        {
            warn(
                "the session's lock ended before the script did, so another request may have changed the session \
                 meanwhile: raise nearcache.sess_lock_expire",
            );
        }
    }

    fn unlock(&mut self) {
        if let Some(held) = self.held.take() {
            lock::release(&self.cache, &held.key, held.unique);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.unlock();
    }
}

/// `session.gc_maxlifetime`, in seconds; 0 is for ever, as php-memcached has it.
fn expiry(lifetime: i64) -> Expiry {
    match lifetime {
        i64::MIN..=0 => Expiry::Never,
        seconds => Expiry::After(u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}
