//! The embedded engine: fjall 3, a log-structured tree.
//!
//! How it is used, and why so:
//!
//! * A batch is one record of the journal, checksummed, written and (if asked) synced before it can be read.
//! * It poisons itself at the first failed write, for good. So after a failure everything of it is dropped and it is
//!   opened anew (`recover`), which reads the journal back: what was written is there, a torn record is cut off.
//!   Whatever is held of it meanwhile would keep its lock, so handles live behind one lock here, iterators end with
//!   the call, and snapshots are numbers.
//! * It waits without end for its own workers when too much is unflushed, and a worker that failed is gone. So the
//!   waiting is done here, where a failure ends it (`wait_for_workers`).
//! * It begins a new journal at 64 MB, and removes the old one when every keyspace has written out what it has in memory
//!   of it. Small ones would not for a long time, and a journal is read back after a crash, at 2 microseconds an entry.
//!   So they are told to when a journal has been begun (`let_go_of_journals`).
//! * It does not sync the directory in which it makes those of its keyspaces: a loss of power might leave a database
//!   without them, which it takes for an empty one. So that is done here.
//! * It refuses, or panics on, some journals whose end was torn by a loss of power. So that is cut off before it looks
//!   (`journal.rs`).
//! * It does not sync the directory of large values when it makes a file there, but the file: file systems with a
//!   journal keep its name with it.
//! * It panics on some damage of its files; that is caught here, and is an error.
//! * Its compaction filters see versions, not items, so that no exact count survives them: lifetimes are ended by the
//!   committer (`sweep.rs`), and by a look at the clock on each read.

use crate::Error;
use crate::engine::{Change, Durability, Engine, Range, Space, View};
use ::fjall::config::CompressionPolicy;
use ::fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};
use ::fjall::{PersistMode, Readable};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Values from here up are kept apart from their keys, and not rewritten with them.
const SEPARATE_FROM: u32 = 8 << 10;
const MEMTABLE: u64 = 16 << 20;
/// The least that fjall takes.
const JOURNALS: u64 = 64 << 20;
/// fjall halts at 4 unflushed tables, and at 30 runs in level 0. One more may come up while a batch is applied.
const UNFLUSHED_MAX: usize = 2;
const LEVEL_0_MAX: usize = 19;

/// fjall on one directory.
pub struct Fjall {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    block_cache: u64,
    workers: usize,
    /// What must be let go of before the database can be opened anew: this, and the snapshots.
    open: RwLock<Option<Open>>,
    /// Taken after `open`, if both are.
    snapshots: Mutex<HashMap<u64, Arc<::fjall::Snapshot>>>,
    next_snapshot: AtomicU64,
}

struct Open {
    // Before the database: they go first.
    spaces: Vec<Keyspace>,
    db: Database,
    /// How many journals there were at the last commit.
    journals: AtomicUsize,
}

impl Open {
    fn space(&self, space: Space) -> &Keyspace {
        &self.spaces[space as usize]
    }
}

impl Fjall {
    /// Opens the database in a directory, or makes it.
    pub fn open(dir: &Path, block_cache: u64, workers: usize) -> Result<Fjall, Error> {
        let shared = Shared {
            dir: dir.to_path_buf(),
            block_cache,
            workers,
            open: RwLock::new(None),
            snapshots: Mutex::new(HashMap::new()),
            next_snapshot: AtomicU64::new(0),
        };
        *shared.open.write() = Some(shared.open()?);
        Ok(Fjall { shared: Arc::new(shared) })
    }
}

impl Shared {
    fn open(&self) -> Result<Open, Error> {
        self.unharmed(|| self.open_all())
    }

    fn open_all(&self) -> Result<Open, Error> {
        super::journal::cut_torn(&self.dir).map_err(|e| Error::system("read", &self.dir, e))?;
        let db = Database::builder(&self.dir)
            .cache_size(self.block_cache)
            .worker_threads(self.workers)
            .max_journaling_size(JOURNALS)
            .manual_journal_persist(true)
            .open()
            .map_err(|e| self.error("open", e))?;
        let is_new = Space::ALL.iter().any(|space| !db.keyspace_exists(space.name()));
        let spaces = Space::ALL
            .iter()
            .map(|space| db.keyspace(space.name(), || options(*space)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| self.error("open a keyspace of", e))?;
        if is_new {
            let at = self.dir.join("keyspaces");
            sync_dirs(&at).map_err(|e| Error::system("sync", &at, e))?;
        }
        Ok(Open { spaces, db, journals: AtomicUsize::new(1) })
    }

    /// fjall asserts of what it reads that it is as it was written.
    fn unharmed<R>(&self, call: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
            Err(Error::Damaged(format!(
                "the engine has panicked on the files in {}: they are damaged; restore a backup",
                self.dir.display()
            )))
        })
    }

    fn error(&self, what: &str, e: ::fjall::Error) -> Error {
        if let Some(io) = io_error(&e) {
            return Error::system(what, &self.dir, io);
        }
        let at = self.dir.display();
        match e {
            ::fjall::Error::Poisoned => Error::System(
                format!("cannot {what} {at}"),
                Arc::new(std::io::Error::other("an earlier write failed")),
            ),
            ::fjall::Error::Locked => Error::InUse {
                dir: self.dir.clone(),
                by: "a snapshot that is kept, or a child that was forked while it was open".into(),
            },
            other => Error::Damaged(format!(
                "cannot {what} {at}: {other:?}; the files are damaged or not the engine's: restore a backup"
            )),
        }
    }

    /// Calls `with` on what is open. A scan may call it again from within.
    fn with<R>(&self, with: impl FnOnce(&Open) -> Result<R, Error>) -> Result<R, Error> {
        match &*self.open.read_recursive() {
            Some(open) => with(open),
            None => Err(Error::System(
                format!("{} is not open", self.dir.display()),
                Arc::new(std::io::Error::other("it could not be opened anew after a failure")),
            )),
        }
    }

    fn read_in(
        &self,
        open: &Open,
        from: Option<&::fjall::Snapshot>,
        space: Space,
        key: &[u8],
        seen: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, Error> {
        let keyspace = open.space(space);
        let value = self.unharmed(|| {
            let value = match from {
                Some(snapshot) => snapshot.get(keyspace, key),
                None => keyspace.get(key),
            };
            value.map_err(|e| self.error("read from", e))
        })?;
        if let Some(value) = &value {
            seen(value);
        }
        Ok(value.is_some())
    }

    fn scan_in(
        &self,
        open: &Open,
        from: &::fjall::Snapshot,
        space: Space,
        range: Range<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error> {
        if range.is_empty() {
            return Ok(());
        }
        let keyspace = open.space(space);
        let entries = || Ok(from.range::<&[u8], _>(keyspace, (range.from, range.to)));
        let mut entries = self.unharmed(entries)?;
        let mut next = || {
            self.unharmed(|| {
                let entry = entries.next().map(::fjall::Guard::into_inner);
                entry.transpose().map_err(|e| self.error("scan", e))
            })
        };
        while let Some((key, value)) = next()? {
            if !visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the workers have caught up, and fails if they never will.
    fn wait_for_workers(&self, open: &Open) -> Result<(), Error> {
        let behind = |space: &Keyspace| {
            space.sealed_memtable_count() > UNFLUSHED_MAX || space.l0_table_count() > LEVEL_0_MAX
        };
        while open.spaces.iter().any(behind) {
            // Writes nothing: it fails if a worker has.
            open.db.persist(PersistMode::Buffer).map_err(|e| self.error("write to", e))?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Has everything written out that keeps an old journal, once for each that was begun.
    fn let_go_of_journals(&self, open: &Open) {
        let journals = open.db.journal_count();
        // Relaxed: the committer's own.
        if open.journals.swap(journals, Ordering::Relaxed) < journals {
            // Who is writing out already has nothing else in the old journal.
            for space in open.spaces.iter().filter(|space| space.sealed_memtable_count() == 0) {
                // A failure of the engine's is met by the next commit.
                let _ = space.rotate_memtable();
            }
        }
    }
}

/// Syncs a directory and those in it.
fn sync_dirs(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_dirs(&entry.path())?;
        }
    }
    std::fs::File::open(dir)?.sync_all()
}

/// How a keyspace is kept.
fn options(space: Space) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE)
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4));
    match space {
        Space::Items | Space::Messages => options.with_kv_separation(Some(
            KvSeparationOptions::default().separation_threshold(SEPARATE_FROM),
        )),
        _ => options,
    }
}

/// The operating system's own error in one of fjall's.
fn io_error(e: &::fjall::Error) -> Option<std::io::Error> {
    let io = match e {
        ::fjall::Error::Io(io) => io,
        ::fjall::Error::Storage(::fjall::LsmError::Io(io)) => io,
        _ => return None,
    };
    // Only what has a number comes from the system: the rest is fjall's word for damage.
    io.raw_os_error().map(std::io::Error::from_raw_os_error)
}

impl View for Fjall {
    fn read(&self, space: Space, key: &[u8], seen: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        self.shared.with(|open| self.shared.read_in(open, None, space, key, seen))
    }

    fn scan(
        &self,
        space: Space,
        range: Range<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error> {
        self.shared.with(|open| self.shared.scan_in(open, &open.db.snapshot(), space, range, visit))
    }
}

impl Engine for Fjall {
    fn commit(
        &self,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        durability: Durability,
    ) -> Result<(), Error> {
        self.shared.with(|open| {
            self.shared.wait_for_workers(open)?;
            let mut batch = open.db.batch().durability(Some(match durability {
                Durability::Written => PersistMode::Buffer,
                Durability::Synced => PersistMode::SyncData,
            }));
            for (space, key, value) in changes {
                match value {
                    Some(value) => batch.insert(open.space(space), key, value),
                    None => batch.remove(open.space(space), key),
                }
            }
            self.shared
                .unharmed(|| batch.commit().map_err(|e| self.shared.error("write to", e)))?;
            self.shared.let_go_of_journals(open);
            Ok(())
        })
    }

    fn sync(&self) -> Result<(), Error> {
        self.shared.with(|open| {
            open.db.persist(PersistMode::SyncData).map_err(|e| self.shared.error("sync", e))
        })
    }

    fn recover(&self) -> Result<(), Error> {
        let mut open = self.shared.open.write();
        self.shared.snapshots.lock().clear();
        *open = None;
        *open = Some(self.shared.open()?);
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn View>, Error> {
        self.shared.with(|open| {
            // Relaxed: only that each number is another matters.
            let number = self.shared.next_snapshot.fetch_add(1, Ordering::Relaxed);
            self.shared.snapshots.lock().insert(number, Arc::new(open.db.snapshot()));
            Ok(Box::new(Snapshot { shared: self.shared.clone(), number }) as Box<dyn View>)
        })
    }

    fn disk_space(&self, space: Option<Space>) -> Result<u64, Error> {
        self.shared.with(|open| match space {
            Some(space) => Ok(open.space(space).disk_space()),
            None => open.db.disk_space().map_err(|e| self.shared.error("measure", e)),
        })
    }

    fn compact(&self, space: Space) -> Result<(), Error> {
        self.shared.with(|open| {
            let keyspace = open.space(space);
            let done = keyspace.rotate_memtable().map(|_| ());
            done.map_err(|e| self.shared.error("compact", e))?;
            while keyspace.sealed_memtable_count() > 0 {
                open.db
                    .persist(PersistMode::Buffer)
                    .map_err(|e| self.shared.error("compact", e))?;
                std::thread::sleep(Duration::from_millis(1));
            }
            keyspace.major_compact().map_err(|e| self.shared.error("compact", e))
        })
    }

    fn numbers(&self) -> Vec<(&'static str, u64)> {
        let numbers = self.shared.with(|open| {
            Ok(vec![
                ("engine_journals", open.db.journal_count() as u64),
                ("engine_unflushed_bytes", open.db.write_buffer_size()),
                ("engine_flushes_waiting", open.db.outstanding_flushes() as u64),
                ("engine_compactions_running", open.db.active_compactions() as u64),
                ("engine_compactions", open.db.compactions_completed() as u64),
                ("engine_block_cache_bytes", open.db.cache_size()),
            ])
        });
        numbers.unwrap_or_default()
    }
}

/// A snapshot is a number, so that the database can be let go of while somebody keeps it.
struct Snapshot {
    shared: Arc<Shared>,
    number: u64,
}

impl Snapshot {
    fn with<R>(
        &self,
        with: impl FnOnce(&Open, &::fjall::Snapshot) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.shared.with(|open| {
            // Let go of before `open` is.
            let snapshot = self.shared.snapshots.lock().get(&self.number).cloned();
            with(open, snapshot.ok_or(Error::SnapshotGone)?.as_ref())
        })
    }
}

impl View for Snapshot {
    fn read(&self, space: Space, key: &[u8], seen: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        self.with(|open, snapshot| self.shared.read_in(open, Some(snapshot), space, key, seen))
    }

    fn scan(
        &self,
        space: Space,
        range: Range<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error> {
        self.with(|open, snapshot| self.shared.scan_in(open, snapshot, space, range, visit))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.shared.snapshots.lock().remove(&self.number);
    }
}
