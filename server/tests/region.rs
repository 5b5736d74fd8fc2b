//! A region served by the daemon and shared with other processes: each sees what the other stores, and it outlives all
//! of them.

mod common;

use common::{Daemon, Place, run};
use nearcache::{Access, Cache, Expiry, Home, Options};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

/// A directory in shared memory for this test's regions alone, and a daemon that looks for names there.
struct Shared {
    regions: Place,
}

impl Shared {
    fn new() -> Shared {
        Shared { regions: Place::within("/dev/shm".as_ref()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.regions.0.join(name)
    }

    fn daemon(&self, arguments: &[&str]) -> Daemon {
        let arguments: Vec<&str> =
            ["-p", "-1", "-l", "127.0.0.1"].iter().chain(arguments).copied().collect();
        Daemon::launch_with(Place::new(), &arguments, &self.environment())
    }

    fn environment(&self) -> [(&'static str, &OsStr); 1] {
        [("NEARCACHE_DIR", self.regions.0.as_os_str())]
    }

    /// The region as another process has it: by the path of its name.
    fn attach(&self, name: &str) -> Cache {
        Options::attach(Home::At(self.path(name))).open().expect("it is there")
    }
}

fn value(cache: &Cache, key: &str) -> Option<Vec<u8>> {
    cache.get(key.as_bytes()).expect("a key").map(|value| value.data)
}

#[test]
fn what_one_side_stores_the_other_sees() {
    let shared = Shared::new();
    let daemon = shared.daemon(&["--region", "app", "-m", "8", "-t", "2"]);
    let mut client = daemon.connect();
    client.expect("set from-client 7 0 3\r\nabc\r\n", "STORED\r\n");

    let cache = shared.attach("app");
    assert_eq!(value(&cache, "from-client").as_deref(), Some(&b"abc"[..]));
    assert_eq!(cache.info().size, 8 << 20);
    cache.set(b"from-here", b"defg", 9, Expiry::Never).expect("room");
    client.expect("get from-here\r\n", "VALUE from-here 9 4\r\ndefg\r\nEND\r\n");

    // Each changes what the other has stored, and compares with the other's uniques.
    client.expect("append from-here 0 0 1\r\nh\r\n", "STORED\r\n");
    assert_eq!(value(&cache, "from-here").as_deref(), Some(&b"defgh"[..]));
    cache.delete(b"from-client").expect("a key");
    client.expect("get from-client\r\n", "END\r\n");
    cache.set(b"n", b"41", 0, Expiry::Never).expect("room");
    client.expect("incr n 1\r\n", "42\r\n");
    let seen = cache.get(b"n").expect("a key").expect("present").cas;
    client.expect(format!("cas n 0 0 1 {seen}\r\n0\r\n"), "STORED\r\n");
    client.expect(format!("cas n 0 0 1 {seen}\r\n0\r\n"), "EXISTS\r\n");

    // A second daemon is another process like any.
    let second = shared.daemon(&["--region", "app", "-m", "8"]);
    assert!(!second.said.contains("has no effect"), "{}", second.said);
    let mut other = second.connect();
    other.expect("get from-here\r\n", "VALUE from-here 9 5\r\ndefgh\r\nEND\r\n");
    other.expect("set from-second 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("get from-second\r\n", "VALUE from-second 0 1\r\nx\r\nEND\r\n");

    assert_eq!(client.stat("curr_items"), cache.stats().curr_items);
    assert!(client.stat("cmd_set") >= 4, "the sets of both sides are counted together");
    let names: Vec<u32> = cache.processes().iter().map(|process| process.pid).collect();
    assert!(names.contains(&daemon.child.id()) && names.contains(&std::process::id()), "{names:?}");
    client.expect("flush_all\r\n", "OK\r\n");
    assert_eq!(value(&cache, "from-here"), None);
    client.expect("stats reset\r\n", "RESET\r\n");
    assert_eq!(cache.stats().cmd_set, 0);
}

#[test]
fn a_region_that_is_there_is_attached_as_it_is() {
    let shared = Shared::new();
    let mut made = Options::new(4 << 20).home(Home::At(shared.path("app"))).access(Access::Create);
    made.item_size_max = 4096;
    let cache = made.open().expect("it is made");
    cache.set(b"before", b"x", 0, Expiry::Never).expect("room");

    let daemon = shared.daemon(&["-o", "region=app", "-m", "64"]);
    for part in ["-m has no effect", "-I has no effect", "serves the region"] {
        assert!(daemon.said.contains(part), "{part} in {}", daemon.said);
    }
    let mut client = daemon.connect();
    client.expect("get before\r\n", "VALUE before 0 1\r\nx\r\nEND\r\n");
    assert_eq!(client.stat("limit_maxbytes"), 4 << 20);
    let large = "v".repeat(5000);
    client.expect(
        format!("set large 0 0 5000\r\n{large}\r\n"),
        "SERVER_ERROR object too large for cache\r\n",
    );
    client.send("stats settings\r\n");
    let settings = String::from_utf8(client.until("END\r\n")).expect("text");
    let path = fs::canonicalize(shared.path("app")).expect("a file");
    for line in [
        "maxbytes 4194304".to_string(),
        "item_size_max 4096".to_string(),
        format!("region {}", path.display()),
    ] {
        assert!(settings.contains(&format!("STAT {line}\r\n")), "{line} in {settings}");
    }
    let daemon = Daemon::start(&[]);
    let mut private = daemon.connect();
    private.send("stats settings\r\n");
    let settings = String::from_utf8(private.until("END\r\n")).expect("text");
    assert!(settings.contains("STAT region NULL\r\n"), "{settings}");
}

#[test]
fn killed_and_started_again_it_is_warm() {
    let shared = Shared::new();
    let by_path = shared.path("by-path");
    for place in ["app", by_path.to_str().expect("a plain path")] {
        let mut daemon = shared.daemon(&["--region", place, "-m", "16"]);
        let mut client = daemon.connect();
        for number in 0..500 {
            client.expect(format!("set k{number} {number} 0 5\r\nv{number:04}\r\n"), "STORED\r\n");
        }
        client.expect("set n 0 0 1\r\n0\r\n", "STORED\r\n");
        // In the middle of something, at a moment that nobody chooses.
        client.send("incr n 1 noreply\r\n".repeat(2000));
        client.send("set torn 0 0 100000\r\nthe beginning of a value");
        daemon.signal("KILL");
        assert!(!daemon.wait().success());

        let daemon = shared.daemon(&["--region", place, "-m", "16"]);
        let mut client = daemon.connect();
        for number in 0..500 {
            let there = format!("VALUE k{number} {number} 5\r\nv{number:04}\r\nEND\r\n");
            client.expect(format!("get k{number}\r\n"), &there);
        }
        client.expect("get torn\r\n", "END\r\n");
        client.expect("set k0 0 0 3\r\nnew\r\n", "STORED\r\n");
        client.send("incr n 1\r\n");
        let count = String::from_utf8(client.until("\r\n")).expect("text");
        let count: u64 = count.trim().parse().expect("a number");
        assert!((1..=2001).contains(&count), "{count}");
    }
}

#[test]
fn what_cannot_be_served_is_said() {
    let shared = Shared::new();
    let region = |name| shared.path(name).to_str().expect("a plain path").to_string();
    fs::write(shared.path("foreign"), b"these bytes are no cache").expect("written");
    fs::write(shared.path("empty"), b"").expect("written");
    std::os::unix::fs::symlink(shared.path("foreign"), shared.path("link")).expect("linked");
    for (place, status, parts) in [
        (region("empty"), 71, ["cannot serve the region", "is empty"]),
        (region("foreign"), 71, ["cannot serve the region", "foreign"]),
        (region("link"), 71, ["cannot serve the region", "link"]),
        (
            "/no/such/directory/app".to_string(),
            71,
            ["cannot serve the region", "/no/such/directory"],
        ),
        ("a b".to_string(), 64, ["--region a b", "cannot name a cache"]),
    ] {
        let (code, _, said) =
            run(&["-u", "root", "-p", "-1", "-l", "127.0.0.1", "--region", &place]);
        assert_eq!(code.code(), Some(status), "{place}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{place}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(fs::read(shared.path("foreign")).expect("there"), b"these bytes are no cache");
}

#[test]
fn where_accesses_are_not_kept_they_are_told_as_0() {
    let shared = Shared::new();
    // Made by somebody else, without `track_access`.
    let cache = Options::new(8 << 20).home(Home::At(shared.path("app"))).open().expect("made");
    cache.set(b"a", b"xy", 5, Expiry::Never).expect("room");
    let daemon = shared.daemon(&["--region", "app", "-m", "8"]);
    let mut client = daemon.connect();
    client.expect("mg a l u\r\n", "HD l0\r\n");
    let unique = cache.get(b"a").expect("a key").expect("present").cas;
    client
        .expect("me a\r\n", &format!("ME a exp=-1 la=0 cas={unique} fetch=yes cls=1 size=66\r\n"));
    client.expect(
        "lru_crawler metadump all\r\n",
        &format!("OK\r\nkey=a exp=-1 la=0 cas={unique} fetch=yes cls=1 size=66 flags=5\nEND\r\n"),
    );
    client.send("stats cachedump 1 0\r\n");
    assert_eq!(client.until("END\r\n"), b"ITEM a [2 b; 0 s]\r\nEND\r\n");
}
