//! Where a cache comes from, and who shares it.

use super::Cache;
use crate::Error;
use crate::memory::Arena;
use crate::sync::{AtomicU64, Ordering};
use crate::types::{Home, Info, Options, Process, Region};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

impl Options {
    /// Makes the cache, or attaches the one that is there.
    ///
    /// ```
    /// use nearcache::{Access, Error, Home, Options};
    ///
    /// let cache = Options::new(1 << 20).home(Home::Inherited).open()?;
    /// assert!(cache.info().home.is_shared());
    /// let missing = Options::attach(Home::Named("no-such-cache".into())).open();
    /// assert!(matches!(missing, Err(Error::NoRegion(_))));
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn open(&self) -> Result<Cache, Error> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only that it differs matters.
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Ok(Cache { arena: Arc::new(Arena::create(self, id, crate::hash::random_seed()?)?) })
    }
}

impl Cache {
    /// What the cache is, whatever is in it.
    pub fn info(&self) -> Info {
        todo!()
    }
    /// The processes that have used the cache and whose places were not given back yet.
    pub fn processes(&self) -> Vec<Process> {
        todo!()
    }
    /// Gives back what processes held that are not there any more; how many were met. Nobody needs to call it: whoever
    /// takes a place, or runs short of memory, does.
    pub fn reap(&self) -> Result<usize, Error> {
        todo!()
    }
    /// The open file of a shared cache, to be passed to another process. `None` for a private one, and after a
    /// host has closed all descriptors.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        todo!()
    }
}

/// The caches of this user in the directory where names are looked for, in the order of their names. What is there and
/// cannot be attached is told with the reason.
pub fn regions() -> Result<Vec<Region>, Error> {
    todo!()
}

/// Removes a cache's name: `true` if it was there. Whoever is attached goes on with what he has; the next to open the
/// name creates a new one. What is there and is no cache stays, and is an error.
pub fn unlink(home: &Home) -> Result<bool, Error> {
    todo!("{home:?}")
}
