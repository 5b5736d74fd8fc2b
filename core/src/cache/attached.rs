//! Where a cache comes from, and who shares it.

use super::Cache;
use crate::memory::{Arena, ProcessId, directory, path_of, trouble_at};
use crate::sync::{AtomicU64, Ordering};
use crate::types::{Home, Info, Options, Process, Region};
use crate::{Error, memory, reap};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

impl Options {
    /// Makes the cache, or attaches the one that is there.
    ///
    /// ```
    /// use nearcache::{Error, Expiry, Home, Options};
    ///
    /// let cache = Options::new(1 << 20).home(Home::Inherited).open()?;
    /// cache.set(b"user:1", b"Ada", 0, Expiry::Never)?; // every child forked from now on finds it
    /// let missing = Options::attach(Home::Named("no-such-cache".into())).open();
    /// assert!(matches!(missing, Err(Error::NoRegion(_))));
    /// # Ok::<(), nearcache::Error>(())
    /// ```
    pub fn open(&self) -> Result<Cache, Error> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only that it differs matters.
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Ok(Cache { arena: Arc::new(Arena::open(self, id, crate::hash::random_seed()?)?) })
    }
}

impl Cache {
    /// What the cache is, whatever is in it.
    pub fn info(&self) -> Info {
        let (arena, geometry) = (&self.arena, self.arena.geometry());
        let origin = &arena.superblock().origin.0;
        let (uid, permissions) = arena.region().owner();
        Info {
            home: arena.home.clone(),
            path: arena.path.clone(),
            size: arena.limit(),
            memory_max: geometry.words * 8,
            layout: crate::LAYOUT,
            created: origin.created.load(Ordering::Relaxed) as i64,
            uid,
            permissions,
            evict: geometry.evict,
            read_only: arena.is_read_only(),
            processes_max: geometry.processes as usize,
            threads_max: geometry.seats as usize,
        }
    }

    /// The processes that have used the cache and whose places were not given back yet, in the order of their numbers. A
    /// process that has attached it twice is told twice; one that only reads is not.
    pub fn processes(&self) -> Vec<Process> {
        let (arena, clock) = (&self.arena, &self.arena.superblock().clock.0);
        let (asker, now) = (arena.asker(), clock.now());
        let mut all = Vec::new();
        for (place, process) in arena.processes().iter().enumerate() {
            let Some(id) = process.taker(place) else { continue };
            let (name, since) = process.known_as();
            let is_its = |taker: Option<(u64, u64)>| taker.is_some_and(|(_, p)| ProcessId(p) == id);
            all.push(Process {
                pid: process.pid(),
                name,
                since: clock.unix_time() - i64::from(now.saturating_sub(since)),
                threads: arena.seats().iter().filter(|seat| is_its(seat.taker())).count(),
                life: process.life(id, now, &asker),
            });
        }
        all.sort_by_key(|process| process.pid);
        all
    }

    /// Gives back what processes held that are not there any more; how many of them were met. Nobody needs to call it:
    /// whoever begins to use the cache, or runs short of memory, does.
    pub fn reap(&self) -> Result<usize, Error> {
        match self.arena.is_read_only() {
            true => Err(Error::ReadOnly),
            false => Ok(reap::reap(&self.arena)),
        }
    }

    /// The open file of a shared cache, to be passed to another process ([`Home::Descriptor`]). `None` for a private
    /// one, and after the host has closed all descriptors.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the region keeps the file open, and is borrowed as long as the descriptor is.
        self.arena.region().file().map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// Is the cache shared with other processes?
    pub fn is_shared(&self) -> bool {
        self.arena.region().is_shared()
    }
}

/// The caches of this user in the directory where names are looked for, in the order of their names. What is there and
/// cannot be attached is told with the reason.
pub fn regions() -> Result<Vec<Region>, Error> {
    let dir = directory();
    let failed = |e| Error::System(format!("cannot list the directory {}", dir.display()), e);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        // What is being made, or gone by now.
        let Some(meta) = std::fs::symlink_metadata(&path).ok().filter(|_| !name.starts_with('.'))
        else {
            continue;
        };
        let (len, uid, trouble) = (meta.len(), meta.uid(), trouble_at(&path));
        all.push(Region { name, path, len, uid, trouble });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Removes a cache's name: `true` if it was there. Whoever is attached goes on with what he has; the next to open the
/// name creates a new one. What is there and is no cache stays, and is an error.
pub fn unlink(home: &Home) -> Result<bool, Error> {
    match path_of(home)? {
        Some(path) => memory::unlink(&path),
        None => Err(Error::InvalidOptions(
            "only a cache with a name or a path can be unlinked: the others go with their last process".into(),
        )),
    }
}
