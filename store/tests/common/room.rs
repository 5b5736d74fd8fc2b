//! A file system of a test's own, small enough to be filled.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `Err`: the scene cannot be played on this machine, and why.
pub type Tried = Result<(), String>;

/// Takes the process into a mount namespace of its own, with a memory file system of this size over a directory.
pub fn mounted(dir: &Path, size: u64) -> Tried {
    let target = CString::new(dir.as_os_str().as_bytes()).unwrap();
    let options = CString::new(format!("size={size},mode=700")).unwrap();
    let refused = || Err(format!("no mount namespace here: {}", io::Error::last_os_error()));
    // SAFETY: asks for a number.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let user = if uid == 0 { 0 } else { libc::CLONE_NEWUSER };
    // SAFETY: this process has one thread; every string ends with a NUL, and what is mounted is seen by nobody else.
    unsafe {
        if libc::unshare(libc::CLONE_NEWNS | user) != 0 {
            return refused();
        }
        if user != 0 {
            let map = |file: &str, text: String| std::fs::write(format!("/proc/self/{file}"), text);
            let mapped = map("uid_map", format!("{uid} {uid} 1"))
                .and_then(|()| map("setgroups", "deny".into()))
                .and_then(|()| map("gid_map", format!("{gid} {gid} 1")));
            mapped.map_err(|error| format!("no user namespace here: {error}"))?;
        }
        let (none, kind) = (c"none".as_ptr(), c"tmpfs".as_ptr());
        let private = libc::MS_REC | libc::MS_PRIVATE;
        if libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()) != 0
            || libc::mount(none, target.as_ptr(), kind, 0, options.as_ptr().cast()) != 0
        {
            return refused();
        }
    }
    Ok(())
}

/// Fills the file system but for `rest` bytes.
pub fn fill(path: &str, rest: u64) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[1; 1 << 16]).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
    let len = file.metadata().unwrap().len();
    file.set_len(len.saturating_sub(rest)).unwrap();
}
