//! From a home to a region: found and believed, or made. What is made is whole before it has a name, so that nobody
//! ever meets half of it.

use crate::error::Error;
use crate::memory::file::{self, File};
use crate::memory::layout::{FINGERPRINT, Geometry, MAGIC, Superblock, VERSION};
use crate::memory::process::lock_name;
use crate::memory::region::Region;
use crate::sync::Ordering;
use crate::types::{Access, Home, Options};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A region, and what of it is known.
#[derive(Debug)]
pub(crate) struct Found {
    pub region: Region,
    pub geometry: Geometry,
    pub path: Option<PathBuf>,
}

/// What is in a file.
#[derive(Debug)]
enum Trouble {
    /// No arena.
    Foreign(String),
    /// An arena of another layout.
    Layout(String),
    /// An arena whose first words contradict themselves, or that is not as long as they say.
    Damaged(String),
    /// An arena of before the machine's restart: the order in which its pages reached the disk is not known.
    Rebooted,
}

/// Where the caches of this user are.
pub(crate) fn directory() -> PathBuf {
    match std::env::var_os("NEARCACHE_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => dir.into(),
        // SAFETY: asks for a number.
        None => format!("/dev/shm/nearcache.{}", unsafe { libc::geteuid() }).into(),
    }
}

/// The same, made if it is not there, and nobody else's.
fn own_directory() -> Result<(), Error> {
    let dir = directory();
    let made = std::fs::DirBuilder::new().mode(0o700).create(&dir);
    if let Err(error) = made
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        let what = format!("cannot create the directory {} for named caches", dir.display());
        return Err(Error::System(what, error));
    }
    trust(&dir)
}

/// Is the directory one in which nobody else can put files?
fn trust(dir: &Path) -> Result<(), Error> {
    let Ok(meta) = std::fs::symlink_metadata(dir) else { return Ok(()) };
    // SAFETY: asks for a number.
    let me = unsafe { libc::geteuid() };
    let refuse = |why: String| {
        Err(Error::ForeignRegion(format!(
            "the directory for named caches, {}, {why}",
            dir.display()
        )))
    };
    if !meta.is_dir() {
        return refuse("is no directory: remove it, or set NEARCACHE_DIR to another".into());
    }
    if meta.uid() != me {
        let owner = meta.uid();
        return refuse(format!(
            "belongs to user {owner}, not to {me}: set NEARCACHE_DIR to another"
        ));
    }
    match meta.mode() & 0o022 {
        0 => Ok(()),
        _ => refuse("may be written by others: `chmod 700` it".into()),
    }
}

/// The path of a home that has one.
pub(crate) fn path_of(home: &Home) -> Result<Option<PathBuf>, Error> {
    Ok(match home {
        Home::Private | Home::Inherited | Home::Descriptor(_) => None,
        // Parsed again: the name may not have come from `Home::of`.
        Home::Named(name) => match Home::of(name)? {
            Home::Named(name) => Some(directory().join(name)),
            _ => {
                return Err(Error::InvalidOptions(format!(
                    "{name:?} is a path and no name: it has a '/'"
                )));
            }
        },
        Home::At(path) => Some(path.clone()),
    })
}

/// Attaches what is there, or makes a region and has `initialise` fill it before anybody can see it.
pub(crate) fn open(
    options: &Options,
    initialise: impl Fn(&Region, Geometry),
) -> Result<Found, Error> {
    let make = |dir: Option<&Path>| {
        let geometry = Geometry::plan(options)?;
        let (len, size) = (geometry.words * 8, file::size_of(options));
        let (file, scratch) = file::create(dir, len, size, options.permissions)?;
        let region = Region::of_file(file.into_fd(), len as usize, false)?;
        region.gather(size as usize);
        file::reserve(region.file().unwrap_or(-1), size)?;
        initialise(&region, geometry);
        Ok::<_, Error>((region, geometry, scratch))
    };
    check_access(options)?;
    match &options.home {
        Home::Private => {
            let geometry = Geometry::plan(options)?;
            let len = geometry.words * 8;
            let region = Region::private(len as usize, len > file::size_of(options))?;
            initialise(&region, geometry);
            Ok(Found { region, geometry, path: None })
        }
        Home::Inherited => {
            let (region, geometry, _) = make(None)?;
            Ok(Found { region, geometry, path: None })
        }
        Home::Descriptor(fd) => {
            let file = file::duplicate(*fd)?;
            let shown = format!("the file of descriptor {fd}");
            file::trusted(&file, options.access, &shown)?;
            match attach(file, options.access)? {
                Ok((region, geometry)) => Ok(Found { region, geometry, path: None }),
                Err((_, trouble)) => Err(trouble.refused(&shown)),
            }
        }
        Home::Named(_) | Home::At(_) => {
            let creates = matches!(options.access, Access::OpenOrCreate | Access::Create);
            match options.home {
                Home::Named(_) if creates => own_directory()?,
                Home::Named(_) => trust(&directory())?,
                _ => {}
            }
            let path = path_of(&options.home)?.unwrap_or_default();
            open_at(path, options.access, |dir| make(Some(dir)))
        }
    }
}

/// What cannot be there cannot be attached, and what is there cannot be created.
fn check_access(options: &Options) -> Result<(), Error> {
    let refuse = |what: &str| Err(Error::InvalidOptions(what.into()));
    match (&options.home, options.access) {
        (Home::Private | Home::Inherited, Access::Existing | Access::ReadOnly) => refuse(
            "a cache without a name is always a new one: name the one to attach, or its descriptor",
        ),
        (Home::Descriptor(_), Access::Create) => {
            refuse("a descriptor's cache is there already: it can only be attached")
        }
        _ => Ok(()),
    }
}

/// Others may create, replace or remove what is at the path meanwhile: each is a reason to look again, and so many are
/// no coincidence.
const ROUNDS: u32 = 1000;

type Made = (Region, Geometry, Option<file::Scratch>);

fn open_at(
    first: PathBuf,
    access: Access,
    make: impl Fn(&Path) -> Result<Made, Error>,
) -> Result<Found, Error> {
    let mut path = first.clone();
    for _ in 0..ROUNDS {
        let shown = path.display().to_string();
        let Some(file) = file::open(&path, access)? else {
            if matches!(access, Access::Existing | Access::ReadOnly) {
                return Err(Error::NoRegion(format!("there is no cache at {shown}")));
            }
            let dir = path.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new("."));
            let (region, geometry, scratch) = make(dir)?;
            if file::publish(region.file().unwrap_or(-1), scratch, &path)? {
                return Ok(Found { region, geometry, path: Some(path) });
            }
            continue;
        };
        if access == Access::Create {
            return Err(Error::RegionExists(format!(
                "{shown} is there already: attach it, or remove it first"
            )));
        }
        let (file, trouble) = match attach(file, access)? {
            Ok((region, geometry)) => return Ok(Found { region, geometry, path: Some(path) }),
            Err(trouble) => trouble,
        };
        let may_create = access == Access::OpenOrCreate;
        match trouble {
            // Those of the other layout go on with theirs beside it.
            Trouble::Layout(_) if path == first && (may_create || beside(&first).exists()) => {
                path = beside(&first);
            }
            Trouble::Damaged(_) if may_create => set_aside(&file, &path, true)?,
            Trouble::Rebooted if may_create => set_aside(&file, &path, false)?,
            trouble => return Err(trouble.refused(&shown)),
        }
    }
    let error = io::Error::from(io::ErrorKind::ResourceBusy);
    Err(Error::System(format!("what is at {} keeps changing", first.display()), error))
}

/// Where a cache of this layout is, if one of another is at `path`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(format!(".v{VERSION}"));
    name.into()
}

type Attached = Result<(Region, Geometry), (File, Trouble)>;

/// Maps an arena's file, if it is one that can be believed; else gives it back, for whoever replaces it.
fn attach(file: File, access: Access) -> Result<Attached, Error> {
    let len = file.len();
    match read_head(&file, len) {
        Err(trouble) => Ok(Err((file, trouble))),
        Ok(geometry) => {
            let read_only = access == Access::ReadOnly;
            Ok(Ok((Region::of_file(file.into_fd(), len as usize, read_only)?, geometry)))
        }
    }
}

/// Reads the first page into private memory, and judges by that.
fn read_head(file: &File, len: u64) -> Result<Geometry, Trouble> {
    const PAGE: usize = size_of::<Superblock>();
    // SAFETY: a struct of atomic words, for which every bit pattern is valid.
    let head: Superblock = unsafe { std::mem::zeroed() };
    let to = std::ptr::from_ref(&head).cast_mut();
    // SAFETY: at most a page is written, to a struct of that size which nobody else sees; a wrong descriptor is an error.
    let read = unsafe { libc::pread(file.fd(), to.cast(), PAGE, 0) };
    if read < 0 {
        return Err(Trouble::Foreign(format!("cannot be read: {}", io::Error::last_os_error())));
    }
    let word = |word: &crate::sync::AtomicU64| word.load(Ordering::Relaxed);
    if word(&head.magic) != MAGIC {
        return Err(Trouble::Foreign(match len {
            0 => "is empty".into(),
            _ => "does not begin as a cache does".into(),
        }));
    }
    if (read as usize) < PAGE {
        return Err(Trouble::Damaged(format!("it was cut to {len} bytes")));
    }
    let (version, fingerprint) = (word(&head.version), word(&head.fingerprint));
    if (version, fingerprint) != (VERSION, FINGERPRINT) {
        return Err(Trouble::Layout(format!(
            "is a cache of layout {version} ({fingerprint:016x}), and this program's is {VERSION} \
             ({FINGERPRINT:016x})"
        )));
    }
    if word(&head.origin.0.checksum) != head.checksum() {
        return Err(Trouble::Damaged("the checksum over its first words is wrong".into()));
    }
    if word(&head.health.0.poisoned) != 0 {
        return Err(Trouble::Damaged("a process has found it damaged".into()));
    }
    let geometry = head.geometry(len).ok_or_else(|| {
        let bytes = word(&head.geometry[0]).saturating_mul(8);
        Trouble::Damaged(format!("it has {len} bytes, and was made with {bytes}"))
    })?;
    match head.origin.0.boot.each_ref().map(word) == boot() {
        true => Ok(geometry),
        false => Err(Trouble::Rebooted),
    }
}

/// Names this run of the machine.
pub(crate) fn boot() -> [u64; 2] {
    let given = std::env::var("NEARCACHE_BOOT_ID").ok();
    let id = given.or_else(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok());
    let digits: String = id.unwrap_or_default().chars().filter(char::is_ascii_hexdigit).collect();
    let part = |range| digits.get(range).and_then(|hex| u64::from_str_radix(hex, 16).ok());
    [part(0..16).unwrap_or(0), part(16..32).unwrap_or(0)]
}

/// Takes a file that cannot be used out of the way, unless somebody has done so: to `<name>.damaged`, if there is
/// something to be learned from it.
fn set_aside(file: &File, path: &Path, keep: bool) -> Result<(), Error> {
    if !lock_name(file.fd()) {
        // Somebody is just doing it.
        std::thread::yield_now();
        return Ok(());
    }
    if !file::is_at(file.fd(), path) {
        return Ok(());
    }
    let done = if keep {
        let mut aside = path.as_os_str().to_os_string();
        aside.push(".damaged");
        std::fs::rename(path, aside)
    } else {
        std::fs::remove_file(path)
    };
    done.map_err(|e| Error::System(format!("cannot take {} out of the way", path.display()), e))
}

impl Trouble {
    fn refused(self, shown: &str) -> Error {
        match self {
            Trouble::Foreign(why) => Error::ForeignRegion(format!(
                "{shown} {why}: it is left as it is; remove it, or choose another name"
            )),
            Trouble::Layout(why) => Error::LayoutMismatch(format!(
                "{shown} {why}: it is left as it is; use one build for all, or let this one create its own"
            )),
            Trouble::Damaged(why) => Error::Corrupt(format!(
                "{shown}: {why}; open it with leave to create, and a new one takes its place"
            )),
            Trouble::Rebooted => Error::NoRegion(format!(
                "the cache at {shown} was left by a machine that has restarted since: open it with leave to create, \
                 and a new one takes its place"
            )),
        }
    }
}

/// Why the file at a path cannot be attached, if so.
pub(crate) fn trouble_at(path: &Path) -> Option<String> {
    let file = match file::open(path, Access::ReadOnly) {
        Ok(Some(file)) => file,
        Ok(None) => return Some("it is gone".into()),
        Err(error) => return Some(error.to_string()),
    };
    let len = file.len();
    read_head(&file, len)
        .err()
        .map(|trouble| trouble.refused(&path.display().to_string()).to_string())
}

/// Removes a cache's name; `false`: there is none.
pub(crate) fn unlink(path: &Path) -> Result<bool, Error> {
    let Some(file) = file::open(path, Access::OpenOrCreate)? else { return Ok(false) };
    let len = file.len();
    match read_head(&file, len) {
        Err(trouble @ Trouble::Foreign(_)) => {
            return Err(trouble.refused(&path.display().to_string()));
        }
        // The one that a program of this layout opens by the name.
        Err(Trouble::Layout(_)) if beside(path).exists() => return unlink(&beside(path)),
        _ => {}
    }
    // Not what has taken its place meanwhile. Who replaces it has removed it.
    if !lock_name(file.fd()) || !file::is_at(file.fd(), path) {
        return Ok(true);
    }
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::System(format!("cannot remove {}", path.display()), error)),
    }
}
