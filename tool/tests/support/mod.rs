//! What the tests of the program share: a directory of their own for caches, and runs of the program in it.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub mod durable;

use nearcache::{Cache, Home, Options};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A directory for caches, away from those of the user.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        let dir = tempfile::Builder::new().prefix("nearcache-tool-").tempdir_in("/dev/shm");
        Place(dir.expect("a directory in /dev/shm"))
    }

    /// Where a cache, or any other file, is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Creates a cache of 4 MiB for this process, too.
    pub fn create(&self, name: &str) -> Cache {
        Options::new(4 << 20).home(Home::At(self.path(name))).open().expect("a new cache")
    }

    /// The program with these arguments, not yet started.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nearcache"));
        command.args(arguments).env("NEARCACHE_DIR", self.0.path());
        command.env_remove("NO_COLOR").env("TERM", "xterm");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the program starts"))
    }

    /// The same, with something on its standard input, which is a pipe.
    pub fn run_with<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        std::thread::scope(|scope| {
            // A program that does not read it all is no failure of the test.
            scope.spawn(move || drop(pipe.write_all(input)));
            Ran::of(child.wait_with_output().expect("the program ends"))
        })
    }

    /// Runs it, expects success, and reads its output as JSON.
    pub fn json<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Value {
        let ran = self.run(arguments);
        ran.expect(0);
        ran.json()
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    /// The exit status, or the signal that ended it, negative.
    pub status: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            status: output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0)),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text")
    }

    /// The output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the exit status is this.
    #[track_caller]
    pub fn expect(&self, status: i32) -> &Ran {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless the exit status is this and the complaint has these words in it.
    #[track_caller]
    pub fn complains(&self, status: i32, words: &str) -> &Ran {
        assert!(self.err.contains(words), "{words:?} is not in {self:?}");
        self.expect(status)
    }
}
