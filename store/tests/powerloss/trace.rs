//! Records what a child does to the files under a directory: every call that changes one, every sync, and what it says
//! on its standard output (marks), in the order in which the calls ended.
//!
//! By ptrace, with a seccomp filter that stops the child at these calls and no others. A preloaded library would miss
//! some: the engine renames through rustix, which makes system calls without the C library. A call on these files that
//! the recorder does not know (a writable shared mapping, say) ends the test with a sentence, and a complete replay is
//! compared with the directory itself: nothing is passed over in silence.

use crate::disk::{Id, Log, Op};
use std::collections::HashMap;
use std::ffi::{OsString, c_long, c_void};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The calls that the child is stopped at.
const CALLS: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_ftruncate,
    libc::SYS_truncate,
    libc::SYS_fallocate,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_mmap,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_sync,
    libc::SYS_syncfs,
    libc::SYS_io_uring_setup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_symlink,
];

/// A call under way.
struct Call {
    nr: c_long,
    args: [u64; 6],
    /// How many operations there were when it began: a sync covers no more.
    since: usize,
}

struct Recorder<'a> {
    root: &'a Path,
    log: Log,
    /// The file or directory that has an inode number now.
    by_inode: HashMap<u64, Id>,
    under_way: HashMap<i32, Call>,
}

/// Runs the command to its end and answers what it did under `root`; `Err`: it cannot be traced here, and why.
pub fn record(root: &Path, mut command: Command) -> Result<Log, String> {
    let filter = filter();
    let log = Log::of(root);
    let by_inode = log.inodes(root);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // SAFETY: the calls are allowed between fork and exec, and the filter was built before.
    unsafe {
        command.pre_exec(move || {
            let program =
                libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
            let is_done = libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0;
            if is_done { Ok(()) } else { Err(io::Error::last_os_error()) }
        });
    }
    let child = command.spawn().map_err(|e| format!("a child cannot be traced here: {e}"))?;
    let pid = child.id() as i32;
    let mut recorder = Recorder { root, log, by_inode, under_way: HashMap::new() };
    recorder.run(pid)?;
    Ok(recorder.log)
}

/// Stops at the calls of the list, lets all others pass.
fn filter() -> Vec<libc::sock_filter> {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    // The number of the call is the first word.
    let mut steps = vec![step(load, 0, 0, 0)];
    for nr in CALLS {
        steps.push(step(is, 0, 1, *nr as u32));
        steps.push(step(answer, 0, 0, libc::SECCOMP_RET_TRACE));
    }
    steps.push(step(answer, 0, 0, libc::SECCOMP_RET_ALLOW));
    steps
}

fn resume(request: libc::c_uint, tid: i32, signal: i32) {
    // SAFETY: no memory is handed over. It fails if the thread was killed, which the next wait tells.
    unsafe { libc::ptrace(request, tid, 0, signal) };
}

impl Recorder<'_> {
    fn run(&mut self, pid: i32) -> Result<(), String> {
        let mut status = 0;
        let options = libc::PTRACE_O_TRACESECCOMP
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_EXITKILL;
        // SAFETY: fills the status; the child is stopped at its exec.
        unsafe {
            if libc::waitpid(pid, &mut status, libc::__WALL) != pid || !libc::WIFSTOPPED(status) {
                return Err(format!("the child did not stop to be traced: {status:#x}"));
            }
            if libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options) != 0 {
                return Err(format!("no tracing here: {}", io::Error::last_os_error()));
            }
        }
        resume(libc::PTRACE_CONT, pid, 0);
        loop {
            // SAFETY: fills the status. Other threads' children are left alone.
            let tid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::__WNOTHREAD) };
            assert!(tid > 0, "waiting for the child: {}", io::Error::last_os_error());
            if !libc::WIFSTOPPED(status) {
                self.under_way.remove(&tid);
                if tid == pid {
                    assert_eq!(status, 0, "the recorded child has failed");
                    return Ok(());
                }
                continue;
            }
            let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
            if event == libc::PTRACE_EVENT_SECCOMP {
                match self.begin(tid) {
                    true => resume(libc::PTRACE_SYSCALL, tid, 0),
                    false => resume(libc::PTRACE_CONT, tid, 0),
                }
            } else if signal == libc::SIGTRAP | 0x80 {
                self.end(tid);
                resume(libc::PTRACE_CONT, tid, 0);
            } else {
                // A new thread begins with a stop of its own; other signals are the child's.
                let is_ours = event != 0 || signal == libc::SIGSTOP;
                resume(libc::PTRACE_CONT, tid, if is_ours { 0 } else { signal });
            }
        }
    }

    /// A call begins; does its end matter?
    fn begin(&mut self, tid: i32) -> bool {
        let info = info(tid);
        // SAFETY: the stop is one of seccomp, which fills this part.
        let (nr, args) = unsafe { (info.u.seccomp.nr as c_long, info.u.seccomp.args) };
        let since = self.log.ops.len();
        let call = Call { nr, args, since };
        if nr == libc::SYS_write && args[0] == 1 {
            // Said as soon as it is begun: what is said then has happened.
            self.log.ops.push(Op::Mark(read(tid, args[1], args[2] as usize)));
            return false;
        }
        self.refuse_unknown(tid, &call);
        self.under_way.insert(tid, call);
        true
    }

    /// Calls that would change files behind the recorder's back.
    fn refuse_unknown(&self, tid: i32, call: &Call) {
        let on = |fd: u64| self.fd_path(tid, fd).is_some();
        let is_bad = match call.nr {
            libc::SYS_mmap => {
                let writes = call.args[2] & libc::PROT_WRITE as u64 != 0;
                writes && call.args[3] & libc::MAP_SHARED as u64 != 0 && on(call.args[4])
            }
            libc::SYS_copy_file_range | libc::SYS_splice => on(call.args[2]),
            libc::SYS_sendfile | libc::SYS_fallocate => on(call.args[0]),
            libc::SYS_linkat => self.path(tid, call.args[2], call.args[3]).is_some(),
            libc::SYS_symlinkat => self.path(tid, call.args[1], call.args[2]).is_some(),
            libc::SYS_truncate => self.path(tid, libc::AT_FDCWD as u64, call.args[0]).is_some(),
            libc::SYS_openat2 => self.path(tid, call.args[0], call.args[1]).is_some(),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_link | libc::SYS_symlink => {
                self.path(tid, libc::AT_FDCWD as u64, call.args[1]).is_some()
            }
            libc::SYS_sync | libc::SYS_syncfs | libc::SYS_io_uring_setup => true,
            _ => false,
        };
        assert!(!is_bad, "the recorder does not know the system call {} on files", call.nr);
    }

    /// A call has ended: if it has changed something, it is noted.
    fn end(&mut self, tid: i32) {
        let info = info(tid);
        // SAFETY: the stop is one at the end of a call, which fills this part.
        let (result, has_failed) = unsafe { (info.u.exit.sval, info.u.exit.is_error != 0) };
        let Some(Call { nr, args, since }) = self.under_way.remove(&tid) else {
            return;
        };
        if has_failed {
            return;
        }
        let here = libc::AT_FDCWD as u64;
        match nr {
            libc::SYS_openat => self.opened(tid, result as u64, args[2] as i32),
            libc::SYS_write => self.written(tid, args[0], None, &[(args[1], result as usize)]),
            libc::SYS_pwrite64 => {
                self.written(tid, args[0], Some(args[3]), &[(args[1], result as usize)]);
            }
            libc::SYS_writev | libc::SYS_pwritev | libc::SYS_pwritev2 => {
                let at = (nr != libc::SYS_writev).then_some(args[3]);
                let parts = parts(tid, args[1], args[2] as usize, result as usize);
                self.written(tid, args[0], at, &parts);
            }
            libc::SYS_ftruncate => {
                if let Some(id) = self.fd_id(tid, args[0]) {
                    self.log.ops.push(Op::SetLen { id, len: args[1] });
                }
            }
            libc::SYS_fsync | libc::SYS_fdatasync => {
                if let Some(id) = self.fd_id(tid, args[0]) {
                    let is_data = nr == libc::SYS_fdatasync;
                    self.log.ops.push(Op::Sync { id, since, is_data });
                }
            }
            libc::SYS_renameat | libc::SYS_renameat2 => {
                self.renamed(self.path(tid, args[0], args[1]), self.path(tid, args[2], args[3]));
            }
            libc::SYS_unlinkat => self.unlinked(self.path(tid, args[0], args[1])),
            libc::SYS_mkdirat => self.made(self.path(tid, args[0], args[1]), true),
            _ => self.end_old(tid, nr, &args, result, here),
        }
    }

    /// Calls that newer machines do not have.
    #[cfg(target_arch = "x86_64")]
    fn end_old(&mut self, tid: i32, nr: c_long, args: &[u64; 6], result: i64, here: u64) {
        match nr {
            libc::SYS_open => self.opened(tid, result as u64, args[1] as i32),
            libc::SYS_creat => self.opened(tid, result as u64, libc::O_CREAT | libc::O_TRUNC),
            libc::SYS_rename => {
                self.renamed(self.path(tid, here, args[0]), self.path(tid, here, args[1]));
            }
            libc::SYS_unlink | libc::SYS_rmdir => self.unlinked(self.path(tid, here, args[0])),
            libc::SYS_mkdir => self.made(self.path(tid, here, args[0]), true),
            _ => {}
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn end_old(&mut self, _: i32, _: c_long, _: &[u64; 6], _: i64, _: u64) {}

    fn opened(&mut self, tid: i32, fd: u64, flags: i32) {
        if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 {
            return;
        }
        let Some(path) = self.fd_path(tid, fd) else {
            return;
        };
        if flags & libc::O_CREAT != 0 && self.log.find(&path).is_none() {
            self.made(Some(path), false);
        } else if flags & libc::O_TRUNC != 0 {
            let id = self.log.find(&path).expect("an open file is known");
            self.log.ops.push(Op::SetLen { id, len: 0 });
        }
    }

    fn made(&mut self, path: Option<PathBuf>, is_dir: bool) {
        let Some(path) = path else {
            return;
        };
        let inode = std::fs::symlink_metadata(self.root.join(&path)).expect("it was made").ino();
        let id = self.log.make(&path, is_dir);
        self.by_inode.insert(inode, id);
    }

    fn renamed(&mut self, from: Option<PathBuf>, to: Option<PathBuf>) {
        match (from, to) {
            (Some(from), Some(to)) => self.log.rename(&from, &to),
            (None, None) => {}
            _ => panic!("a file was moved into the directory, or out of it"),
        }
    }

    fn unlinked(&mut self, path: Option<PathBuf>) {
        if let Some(path) = path {
            self.log.unlink(&path);
        }
    }

    fn written(&mut self, tid: i32, fd: u64, at: Option<u64>, parts: &[(u64, usize)]) {
        let Some(id) = self.fd_id(tid, fd) else {
            return;
        };
        let data: Vec<u8> = parts.iter().flat_map(|(from, len)| read(tid, *from, *len)).collect();
        let at = at.unwrap_or_else(|| position(tid, fd) - data.len() as u64);
        self.log.ops.push(Op::Write { id, at, data });
    }

    /// The path of a descriptor, from the root on; `None`: it is elsewhere.
    fn fd_path(&self, tid: i32, fd: u64) -> Option<PathBuf> {
        let path = std::fs::read_link(format!("/proc/{tid}/fd/{}", fd as i32)).ok()?;
        path.strip_prefix(self.root).ok().map(Path::to_path_buf)
    }

    fn fd_id(&self, tid: i32, fd: u64) -> Option<Id> {
        // A file that was unlinked has no path any more, but an inode.
        let path = std::fs::read_link(format!("/proc/{tid}/fd/{}", fd as i32)).ok()?;
        if !path.starts_with(self.root) {
            return None;
        }
        let inode = std::fs::metadata(format!("/proc/{tid}/fd/{}", fd as i32)).ok()?.ino();
        Some(*self.by_inode.get(&inode).expect("an open file is known"))
    }

    /// The path that a call names, from the root on; `None`: it is elsewhere.
    fn path(&self, tid: i32, dir: u64, name: u64) -> Option<PathBuf> {
        let name = PathBuf::from(OsString::from_vec(read_name(tid, name)));
        let of = |link: String| std::fs::read_link(link).ok();
        let path = match dir as i32 {
            _ if name.is_absolute() => name,
            libc::AT_FDCWD => of(format!("/proc/{tid}/cwd"))?.join(name),
            dir => of(format!("/proc/{tid}/fd/{dir}"))?.join(name),
        };
        path.strip_prefix(self.root).ok().map(Path::to_path_buf)
    }
}

fn info(tid: i32) -> libc::ptrace_syscall_info {
    // SAFETY: the structure is numbers, which zeros are; the kernel is told its size, and fills it.
    unsafe {
        let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        let at: *mut c_void = (&raw mut info).cast();
        let read = libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, size, at);
        assert!(read > 0, "what a thread calls: {}", io::Error::last_os_error());
        info
    }
}

/// Bytes of the child's memory.
fn read(tid: i32, from: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let ours = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: len };
    let theirs = libc::iovec { iov_base: from as *mut c_void, iov_len: len };
    // SAFETY: ours is as long as is said; the kernel checks theirs.
    let read = unsafe { libc::process_vm_readv(tid, &ours, 1, &theirs, 1, 0) };
    assert_eq!(read, len as isize, "the child's memory: {}", io::Error::last_os_error());
    bytes
}

/// A name in the child's memory, up to its NUL; no further than the page in which that is.
fn read_name(tid: i32, from: u64) -> Vec<u8> {
    let mut name = Vec::new();
    loop {
        let at = from + name.len() as u64;
        let page = read(tid, at, 4096 - (at % 4096) as usize);
        match page.iter().position(|byte| *byte == 0) {
            Some(end) => {
                name.extend_from_slice(&page[..end]);
                return name;
            }
            None => name.extend_from_slice(&page),
        }
    }
}

/// The places of a vector of bytes, as far as they were written.
fn parts(tid: i32, from: u64, count: usize, mut written: usize) -> Vec<(u64, usize)> {
    let bytes = read(tid, from, count * 16);
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap());
    let mut parts = Vec::new();
    for part in bytes.chunks_exact(16) {
        let len = written.min(word(&part[8..]) as usize);
        parts.push((word(&part[..8]), len));
        written -= len;
    }
    parts
}

/// Where a descriptor stands.
fn position(tid: i32, fd: u64) -> u64 {
    let info = std::fs::read_to_string(format!("/proc/{tid}/fdinfo/{fd}")).expect("it is open");
    let at = info.lines().find_map(|line| line.strip_prefix("pos:")).expect("a position");
    at.trim().parse().expect("a number")
}
