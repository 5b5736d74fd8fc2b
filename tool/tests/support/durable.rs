//! Stores for the tests: made by the library, closed, and then the program's; or kept open and served on a socket by the
//! smallest daemon that there can be, a thread for each connection.

#![allow(dead_code)]

use super::Place;
use nearcache::Expiry;
use nearcache_store::wire::{self, Front, HELLO, Reply, Service};
use nearcache_store::{Options, Policy, Store};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

pub const NEVER: Expiry = Expiry::Never;

pub fn options() -> Options {
    let mut options = Options::default();
    options.policy = Policy::Never;
    options.near = 0;
    options
}

/// A directory with a store that nobody has open, and what `fill` does to it.
pub fn store(place: &Place, name: &str, fill: impl FnOnce(&Service)) -> String {
    let path = place.path(name);
    fill(&Service::open(&path, options()).expect("a store"));
    path.to_str().expect("text").to_string()
}

/// Sets so many items, `key:000000` and so on, of this many bytes that no compression shortens; all are stored.
pub fn fill(store: &Store, items: u64, size: usize) {
    let mut number = 88_172_645_463_325_252_u64;
    let mut batch = store.batch();
    for item in 0..items {
        let mut value = Vec::with_capacity(size + 8);
        while value.len() < size {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            value.extend_from_slice(&number.to_le_bytes());
        }
        value.truncate(size);
        let key = format!("key:{item:06}");
        batch.store(nearcache::Verb::Set, key.as_bytes(), &value, 0, NEVER).unwrap();
        if item % 1000 == 999 {
            batch.commit(store.database()).unwrap();
            batch = store.batch();
        }
    }
    batch.commit(store.database()).unwrap();
}

/// Opens a directory and serves it; the place by which it is asked.
pub fn daemon(place: &Place, name: &str, options: Options) -> (Arc<Service>, String) {
    let service = Arc::new(Service::open(&place.path(name), options).expect("a store"));
    let socket = place.path(&format!("{name}.socket"));
    let listener = UnixListener::bind(&socket).expect("a socket");
    let served = Arc::downgrade(&service);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Some(service), Ok(stream)) = (served.upgrade(), stream) else { return };
            // Who hangs up ends the conversation.
            thread::spawn(move || drop(serve(stream, &service)));
        }
    });
    (service, format!("unix:{}", socket.display()))
}

fn serve(mut stream: UnixStream, service: &Service) -> Result<()> {
    let mut hello = [0; HELLO.len()];
    stream.read_exact(&mut hello)?;
    assert_eq!(hello, HELLO);
    let mut input = Vec::new();
    loop {
        let mut chunk = [0; 1 << 16];
        let whole = match wire::front(&input, 64 << 20).expect("a frame") {
            Front::Whole(whole) => whole,
            Front::Part(_) => match stream.read(&mut chunk)? {
                0 => return Ok(()),
                n => {
                    input.extend_from_slice(&chunk[..n]);
                    continue;
                }
            },
        };
        let request = wire::decode(&input[wire::HEAD..whole]).expect("a request");
        input.drain(..whole);
        let mut tell = |progress| {
            let frame = wire::encode(&Reply::Progress(progress)).expect("a frame");
            stream.write_all(&frame).is_ok()
        };
        let reply = service.call(request, &mut tell).unwrap_or_else(Reply::Failed);
        stream.write_all(&wire::encode(&reply).expect("a frame"))?;
    }
}

/// The program with these arguments, in a mount namespace of its own in which a memory file system is over a directory.
/// `None`: there are no such namespaces here.
pub fn mounted(place: &Place, over: &Path, options: &str, arguments: &[&str]) -> Option<Command> {
    let script = r#"mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@""#;
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.args([options.as_ref(), over.as_os_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("left out: no mount namespaces here");
        return None;
    }
    let mut command = unshare();
    command.arg(place.command(arguments).get_program()).args(arguments);
    Some(command)
}

/// Sends a signal.
pub fn signal(child: &Child, signal: Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).expect("a living process");
}

/// Starts the program and sends it a signal at the first line of its progress, by which it is to end with 2; all that it
/// said. A machine that has much to do may let it finish first: then `again` clears up, and it is started once more.
pub fn interrupted(command: impl Fn() -> Command, sent: Signal, again: impl Fn()) -> Vec<String> {
    for _ in 0..20 {
        let mut child = command().spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        signal(&child, sent);
        let said: Vec<String> =
            std::iter::once(first).chain(lines.map(|line| line.expect("text"))).collect();
        match child.wait().expect("it ends").code() {
            Some(0) => again(),
            status => {
                assert_eq!(status, Some(2), "{said:?}");
                return said;
            }
        }
    }
    panic!("it was always done before the signal came");
}
