//! The files behind shared arenas: made whole before anybody sees them, and looked at before they are believed.

use crate::error::Error;
use crate::memory::fork::file_id;
use crate::memory::region::HUGE;
use crate::types::{Access, Options};
use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// An open file. Closed when dropped, unless it is taken out.
#[derive(Debug)]
pub(crate) struct File(RawFd);

/// A name for the time until a file gets its own; removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is gone if this fails, or the directory is out of reach.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl File {
    pub fn fd(&self) -> RawFd {
        self.0
    }
    pub fn into_fd(self) -> RawFd {
        let fd = self.0;
        std::mem::forget(self);
        fd
    }
    fn of(fd: libc::c_int) -> io::Result<File> {
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(File(fd)) }
    }
    pub fn len(&self) -> u64 {
        self.stat().map_or(0, |stat| stat.st_size as u64)
    }
    pub fn stat(&self) -> Option<libc::stat> {
        // SAFETY: a struct of numbers, which the call fills.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: as above; a wrong descriptor is an error.
        (unsafe { libc::fstat(self.0, &mut stat) } == 0).then_some(stat)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own.
        unsafe { libc::close(self.0) };
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn system(what: String, error: io::Error) -> Error {
    Error::System(what, error)
}

/// Opens what is there at a path. `None`: nothing is.
pub(crate) fn open(path: &Path, access: Access) -> Result<Option<File>, Error> {
    let shown = path.display();
    let c = c_path(path).map_err(|e| system(format!("{shown} is no path"), e))?;
    let write = if access == Access::ReadOnly { libc::O_RDONLY } else { libc::O_RDWR };
    // A FIFO is not waited for.
    let flags = write | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    // SAFETY: the path ends with a NUL.
    let file = match File::of(unsafe { libc::open(c.as_ptr(), flags) }) {
        Ok(file) => file,
        Err(error) => {
            let foreign = |why: &str| Err(Error::ForeignRegion(format!("{shown} {why}")));
            return match error.raw_os_error() {
                Some(libc::ENOENT) => Ok(None),
                Some(libc::ELOOP) => {
                    foreign("is a symbolic link, which is not followed: name what it points to")
                }
                Some(libc::EISDIR | libc::ENXIO | libc::ENODEV) => {
                    foreign("is no regular file, and so no cache")
                }
                Some(libc::EACCES | libc::EROFS | libc::EPERM | libc::ETXTBSY) => {
                    foreign(&format!(
                        "may not be opened ({error}): its owner can give permission, and a cache can be read with \
                     read-only access"
                    ))
                }
                _ => Err(system(format!("cannot open {shown}"), error)),
            };
        }
    };
    trusted(&file, access, &shown.to_string())?;
    Ok(Some(file))
}

/// May what is in this file be believed? Those who may write an arena trust one another.
pub(crate) fn trusted(file: &File, access: Access, shown: &str) -> Result<(), Error> {
    let Some(stat) = file.stat() else {
        return Err(system(format!("cannot look at {shown}"), io::Error::last_os_error()));
    };
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Error::ForeignRegion(format!("{shown} is no regular file, and so no cache")));
    }
    // SAFETY: asks for a number.
    let me = unsafe { libc::geteuid() };
    if stat.st_uid != me && stat.st_uid != 0 && access != Access::ReadOnly {
        return Err(Error::ForeignRegion(format!(
            "{shown} belongs to user {}, and this process runs as user {me}: processes that write a cache must trust \
             one another, so it can only be attached for reading alone",
            stat.st_uid
        )));
    }
    Ok(())
}

/// Duplicates an open file that a caller has.
pub(crate) fn duplicate(fd: RawFd) -> Result<File, Error> {
    // SAFETY: a wrong descriptor is an error.
    File::of(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) })
        .map_err(|e| system(format!("descriptor {fd} cannot be duplicated"), e))
}

/// A file of `len` bytes, of which `size` are to be there, that nobody sees; `None` for the directory: memory. To be
/// followed by [`reserve`].
pub(crate) fn create(
    dir: Option<&Path>,
    len: u64,
    size: u64,
    permissions: u32,
) -> Result<(File, Option<Scratch>), Error> {
    check_file_size(len)?;
    check_limits(dir, size)?;
    let (file, scratch) = match dir {
        None => {
            let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
            // SAFETY: the name ends with a NUL.
            let file = File::of(unsafe { libc::memfd_create(c"nearcache".as_ptr(), flags) })
                .map_err(|e| system("cannot make memory to share (memfd_create)".into(), e))?;
            (file, None)
        }
        Some(dir) => hidden(dir, permissions)?,
    };
    // SAFETY: a wrong descriptor is an error.
    if unsafe { libc::ftruncate(file.fd(), len as libc::off_t) } != 0 {
        return Err(no_room(len, io::Error::last_os_error()));
    }
    if is_memory(&file) {
        // A page of each huge page: the system can then make them whole, faster than all their pages one by one.
        for at in (0..size).step_by(HUGE) {
            fill(&file, at, 4096).map_err(|error| no_room(size, error))?;
        }
    }
    Ok((file, scratch))
}

/// Takes the first `len` of a file's bytes from the system, so that nobody is told later, by a signal, that there are none.
pub(crate) fn reserve(fd: RawFd, len: u64) -> Result<(), Error> {
    let file = std::mem::ManuallyDrop::new(File(fd));
    fill_if_possible(&file, 0, len).map_err(|error| no_room(len, error))?;
    // Nobody can cut it short under us. Where that is refused (on all but memory without a name), nothing is lost.
    // SAFETY: a wrong descriptor is an error.
    unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW) };
    Ok(())
}

/// Takes more of a file's bytes; `total` is what the arena is to have then.
pub(crate) fn reserve_more(fd: RawFd, at: u64, len: u64, total: u64) -> Result<(), Error> {
    let file = std::mem::ManuallyDrop::new(File(fd));
    check_group(total)?;
    fill_if_possible(&file, at, len).map_err(|error| no_room(total, error))
}

/// A file system may not know how to: a full disk then shows only when pages are written.
fn fill_if_possible(file: &File, at: u64, len: u64) -> io::Result<()> {
    match fill(file, at, len) {
        Err(error) if error.raw_os_error() != Some(libc::EOPNOTSUPP) => Err(error),
        _ => Ok(()),
    }
}

fn fill(file: &File, at: u64, len: u64) -> io::Result<()> {
    // SAFETY: a wrong descriptor is an error.
    match unsafe { libc::fallocate(file.fd(), 0, at as libc::off_t, len as libc::off_t) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Is the file on a memory file system?
fn is_memory(file: &File) -> bool {
    // SAFETY: a struct of numbers, which the call fills; a wrong descriptor is an error.
    unsafe {
        let mut stat: libc::statfs = std::mem::zeroed();
        libc::fstatfs(file.fd(), &mut stat) == 0 && stat.f_type == libc::TMPFS_MAGIC
    }
}

fn no_room(len: u64, error: io::Error) -> Error {
    system(format!("cannot reserve {len} bytes of shared memory; {ADVICE}"), error)
}

const ADVICE: &str = "ask for a smaller cache, or make room (a container's /dev/shm is often 64 MiB: \
                      `--shm-size`; else `mount -o remount,size=...`)";

/// A file in a directory that nobody sees: without a name, or where that cannot be had with a hidden one.
fn hidden(dir: &Path, permissions: u32) -> Result<(File, Option<Scratch>), Error> {
    let shown = dir.display();
    let cannot = |e| system(format!("cannot create a file in {shown}"), e);
    let flags = libc::O_RDWR | libc::O_CLOEXEC;
    let c = c_path(dir).map_err(cannot)?;
    // SAFETY: the path ends with a NUL.
    let (file, scratch) = match File::of(unsafe {
        libc::open(c.as_ptr(), flags | libc::O_TMPFILE, 0o600)
    }) {
        Err(e)
            if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL)) =>
        {
            // A number that no other thread, process or namespace draws.
            let number = crate::hash::random_seed()?;
            let path = dir.join(format!(".nearcache.{}.{number:x}", std::process::id()));
            let c = c_path(&path).map_err(cannot)?;
            let flags = flags | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
            // SAFETY: the path ends with a NUL.
            let file = File::of(unsafe { libc::open(c.as_ptr(), flags, 0o600) }).map_err(cannot)?;
            (file, Some(Scratch(path)))
        }
        file => (file.map_err(cannot)?, None),
    };
    // Not by way of the umask: the permissions are what was asked for.
    // SAFETY: a wrong descriptor is an error.
    unsafe { libc::fchmod(file.fd(), permissions & 0o777) };
    Ok((file, scratch))
}

/// Gives a file its name; `false`: something is there already.
pub(crate) fn publish(file: RawFd, scratch: Option<Scratch>, path: &Path) -> Result<bool, Error> {
    let shown = path.display();
    let to = c_path(path).map_err(|e| system(format!("{shown} is no path"), e))?;
    let open = PathBuf::from(format!("/proc/self/fd/{file}"));
    let from = c_path(scratch.as_ref().map_or(&open, |scratch| &scratch.0)).unwrap_or_default();
    let (here, follow) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
    // SAFETY: both paths end with a NUL.
    let linked = unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), follow) };
    match io::Error::last_os_error() {
        _ if linked == 0 => Ok(true),
        e if e.raw_os_error() == Some(libc::EEXIST) => Ok(false),
        e => Err(system(format!("cannot create {shown}"), e)),
    }
}

/// What the system would answer with a signal that ends the process: a file beyond the limit of sizes.
fn check_file_size(len: u64) -> Result<(), Error> {
    // SAFETY: a struct of numbers, which the call fills.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        (libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) == 0).then_some(limit.rlim_cur)
    };
    if let Some(limit) = limit.filter(|&limit| limit < len) {
        let error = io::Error::from_raw_os_error(libc::EFBIG);
        let what = format!(
            "cannot reserve {len} bytes: this process may write files of {limit} bytes at most (RLIMIT_FSIZE, \
             `ulimit -f`); raise that, or ask for a smaller cache"
        );
        return Err(system(what, error));
    }
    Ok(())
}

fn refuse(len: u64, what: String) -> Result<(), Error> {
    let error = io::Error::from_raw_os_error(libc::ENOSPC);
    Err(system(format!("cannot reserve {len} bytes: {what}; {ADVICE}"), error))
}

/// What the control group would answer with the end of a process.
fn check_group(len: u64) -> Result<(), Error> {
    match cgroup_limit().filter(|&most| most < len) {
        Some(most) => {
            refuse(len, format!("its control group may use {most} bytes of memory (memory.max)"))
        }
        None => Ok(()),
    }
}

/// What the system would answer with the end of some process: memory without a file system has no limit but what there is.
fn check_memory(len: u64) -> Result<(), Error> {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    let Some(left) = kib("MemAvailable") else { return Ok(()) };
    let left = (left + kib("SwapFree").unwrap_or(0)) << 10;
    match left < len {
        true => refuse(len, format!("this machine has {left} bytes of memory left")),
        false => Ok(()),
    }
}

/// What the system would refuse later.
fn check_limits(dir: Option<&Path>, len: u64) -> Result<(), Error> {
    check_group(len)?;
    let Some(dir) = dir else { return check_memory(len) };
    let Ok(c) = c_path(dir) else { return Ok(()) };
    // SAFETY: the path ends with a NUL; a struct of numbers, which the call fills.
    let room = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(c.as_ptr(), &mut stat) == 0)
            .then(|| stat.f_bavail.saturating_mul(stat.f_frsize))
    };
    match room.filter(|&room| room < len) {
        Some(room) => refuse(len, format!("{} has {room} left", dir.display())),
        None => Ok(()),
    }
}

/// The least of the memory limits of this process's control group and those above it.
fn cgroup_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut dir = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    let mut least = None;
    while dir.starts_with("/sys/fs/cgroup") {
        let said = std::fs::read_to_string(dir.join("memory.max")).ok();
        let limit = said.and_then(|text| text.trim().parse::<u64>().ok());
        least = least.into_iter().chain(limit).min();
        if !dir.pop() {
            break;
        }
    }
    least
}

/// Does a path still name this open file?
pub(crate) fn is_at(file: RawFd, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let named = std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    named.is_some() && named == file_id(file)
}

/// The size that an arena begins with: whole pages.
pub(crate) fn size_of(options: &Options) -> u64 {
    options.size & !4095
}
