//! A directory on a memory file system for the caches of a test, removed with all that is in it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

pub struct Scratch {
    path: PathBuf,
    /// Who made it: a forked child does not remove it.
    pid: u32,
}

impl Scratch {
    pub fn new() -> Scratch {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let shm = Path::new("/dev/shm");
        let base = if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() };
        let (pid, number) = (std::process::id(), MADE.fetch_add(1, SeqCst));
        let path = base.join(format!("nearcache-test.{pid}.{number}"));
        std::fs::create_dir(&path).expect("a directory for the test");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .expect("it is ours");
        Scratch { path, pid }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // What cannot be removed is left for whoever looks.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
