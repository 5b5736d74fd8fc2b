//! Where a cache's memory lives, and who is attached to it.

use crate::Error;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// The longest name of a cache, in bytes.
const NAME_MAX: usize = 100;

/// Where a cache's memory lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// In this process alone. After a fork the child has a copy of its own.
    #[default]
    Private,
    /// In memory that the children forked from this process share. It goes with the last of them.
    Inherited,
    /// In shared memory under a name: every process of this user that opens the name shares it. It stays when all of
    /// them have ended, until it is unlinked or the machine restarts.
    ///
    /// 1 to 100 bytes: letters, digits, `.`, `_`, `-`, and no `.` in front. The file is
    /// `/dev/shm/nearcache.<uid>/<name>` (`NEARCACHE_DIR` names another directory).
    Named(String),
    /// In a file at a path. On a memory file system it is as [`Home::Named`]; on a disk it, too, starts empty after
    /// the machine has restarted.
    At(PathBuf),
    /// In the open file with this descriptor, which is duplicated: one that a parent left open, or that came over
    /// a socket.
    Descriptor(RawFd),
}

impl Home {
    /// A path if it has a `/` in it, else a name.
    pub fn of(place: &str) -> Result<Home, Error> {
        if place.contains('/') {
            return Ok(Home::At(PathBuf::from(place)));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = (1..=NAME_MAX).contains(&place.len())
            && !place.starts_with('.')
            && place.bytes().all(is_plain);
        match is_name {
            true => Ok(Home::Named(place.to_string())),
            false => Err(Error::InvalidOptions(format!(
                "{place:?} cannot name a cache: a name has 1 to {NAME_MAX} letters, digits, '.', '_' or '-', and no \
                 '.' in front; a path has a '/'"
            ))),
        }
    }

    /// The name or the absolute path by which other processes get to it, as [`Home::of`] takes it, if there is one.
    pub fn place(&self) -> Option<String> {
        match self {
            Home::Named(name) => Some(name.clone()),
            Home::At(path) => std::path::absolute(path).ok()?.to_str().map(str::to_string),
            Home::Private | Home::Inherited | Home::Descriptor(_) => None,
        }
    }

    /// May other processes have it?
    pub fn is_shared(&self) -> bool {
        *self != Home::Private
    }
}

/// What to do about a cache that is there, or is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Attach it, or create it if it is not there. What there is keeps its size and options.
    #[default]
    OpenOrCreate,
    /// Create it; [`Error::RegionExists`] if it is there.
    Create,
    /// Attach it; [`Error::NoRegion`] if it is not there. `size` and the other options are not used.
    Existing,
    /// Attach it for reading alone: the memory is mapped so that this process cannot change it, hits are not
    /// counted, and nobody learns of it. A verb that writes is [`Error::ReadOnly`].
    ReadOnly,
}

/// What a cache is, whatever is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Where it lives.
    pub home: Home,
    /// The file, if it has a path.
    pub path: Option<PathBuf>,
    /// The memory limit in bytes.
    pub size: u64,
    /// The most that the limit may be moved to.
    pub memory_max: u64,
    /// The layout's version.
    pub layout: u64,
    /// When it was created, as a Unix time in seconds.
    pub created: i64,
    /// The user that owns the file.
    pub uid: u32,
    /// The file's permission bits.
    pub permissions: u32,
    /// Are items evicted when memory is full?
    pub evict: bool,
    /// Is it attached for reading alone?
    pub read_only: bool,
    /// Most processes, and most threads, that can be attached at once.
    pub processes_max: usize,
    /// See `processes_max`.
    pub threads_max: usize,
}

/// A process that has used the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its number, in its own namespace.
    pub pid: u32,
    /// Its name, as `/proc/<pid>/comm` told it when it attached.
    pub name: String,
    /// When it first used the cache, as a Unix time in seconds.
    pub since: i64,
    /// Its threads that keep a place of their own.
    pub threads: usize,
    /// Is it there still?
    pub life: Life,
}

/// Is a process there still?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is, or nobody can tell.
    Alive,
    /// It seems not to be, and what it held is given back ten seconds after that was noticed first.
    Suspect,
    /// It is not: what it held is given back by whoever passes by.
    Dead,
}

/// A cache on this machine, as [`regions`](crate::regions) finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// The name to open it by.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The file's length in bytes.
    pub len: u64,
    /// The user that owns it.
    pub uid: u32,
    /// Why it cannot be attached: it is of another layout, damaged, or no cache at all. `None`: it can.
    pub trouble: Option<String>,
}
