//! `-e`: the cache in a file, found there again after every kind of end.

mod common;

use common::{Client, Daemon, Place, run};
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

struct Kept(Place);

impl Kept {
    fn new() -> Kept {
        Kept(Place::new())
    }

    fn file(&self) -> PathBuf {
        self.0.0.join("memory")
    }

    fn start(&self, arguments: &[&str]) -> Daemon {
        let file = self.file();
        Daemon::start(&[&["-e", file.to_str().expect("a path")], arguments].concat())
    }
}

fn uniques(client: &mut Client, keys: &str) -> String {
    client.send(format!("gets {keys}\r\n"));
    String::from_utf8(client.until("END\r\n")).expect("text")
}

fn setting(client: &mut Client, name: &str) -> String {
    client.send("stats settings\r\n");
    let text = String::from_utf8(client.until("END\r\n")).expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
    line.expect("the setting").to_string()
}

#[test]
fn every_end_leaves_the_items() {
    let kept = Kept::new();
    let mut daemon = kept.start(&["-m", "16"]);
    let mut client = daemon.connect();
    for number in 0..1000 {
        client.expect(format!("set k{number} {number} 0 5\r\nv{number:04}\r\n"), "STORED\r\n");
    }
    client.expect("set long 7 1000 1\r\nx\r\n", "STORED\r\n");
    assert_eq!(setting(&mut client, "memory_file"), kept.file().display().to_string());
    let before = uniques(&mut client, "k0 k1 k999 long");
    for (signal, well) in [("TERM", true), ("INT", true), ("USR1", true), ("KILL", false)] {
        daemon.signal(signal);
        assert_eq!(daemon.wait().success(), well, "{signal}");
        daemon = kept.start(&["-m", "16"]);
        client = daemon.connect();
        for number in 0..1000 {
            let there = format!("VALUE k{number} {number} 5\r\nv{number:04}\r\nEND\r\n");
            client.expect(format!("get k{number}\r\n"), &there);
        }
        assert_eq!(uniques(&mut client, "k0 k1 k999 long"), before, "{signal}");
        client.send("mg long t\r\n");
        let left = String::from_utf8(client.until("\r\n")).expect("text");
        let left: u32 =
            left.trim().strip_prefix("HD t").expect("a time").parse().expect("a number");
        assert!((900..=1000).contains(&left), "{left}");
        // And a new item gets a unique that no other has.
        client.expect("set new 0 0 1\r\nx\r\n", "STORED\r\n");
        let unique = uniques(&mut client, "new");
        let unique = unique.lines().next().and_then(|line| line.rsplit(' ').next());
        assert!(!before.contains(&format!(" {}\r\n", unique.expect("a unique"))), "{before}");
    }
}

/// The clock of a restarted server begins anew under `--debug-clock`, so what is to expire while nobody serves is given
/// an absolute time that has not come yet, which passes meanwhile.
#[test]
fn time_that_passes_while_it_is_down_counts() {
    let kept = Kept::new();
    let mut daemon = kept.start(&[]);
    let mut client = daemon.connect();
    let time = client.stat("time");
    client.expect(format!("set soon 0 {} 1\r\nx\r\n", time + 3), "STORED\r\n");
    client.expect(format!("set later 0 {} 1\r\nx\r\n", time + 3000), "STORED\r\n");
    client.expect("get soon\r\n", "VALUE soon 0 1\r\nx\r\nEND\r\n");
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("after 1970").as_secs()
    };
    common::eventually(|| (now() > time + 3).then_some(()));
    let daemon = kept.start(&[]);
    daemon.connect().expect("get soon later\r\n", "VALUE later 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn another_limit_changes_nothing_and_is_said() {
    let kept = Kept::new();
    let mut daemon = kept.start(&["-m", "16"]);
    daemon.connect().expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    daemon.signal("TERM");
    daemon.wait();
    let daemon = kept.start(&["-m", "32", "-I", "2m"]);
    for part in ["-m has no effect", "-I has no effect", "16777216", "1048576"] {
        assert!(daemon.said.contains(part), "{part} in {}", daemon.said);
    }
    let mut client = daemon.connect();
    client.expect("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    assert_eq!(client.stat("limit_maxbytes"), 16 << 20);
}

#[test]
fn a_start_of_the_machine_ends_it_and_that_is_said() {
    let kept = Kept::new();
    let file = kept.file();
    let arguments = ["-p", "-1", "-l", "127.0.0.1", "-e", file.to_str().expect("a path")];
    let words = "was of before the machine's start";
    for (boot, there, said) in [("1", false, false), ("1", true, false), ("2", false, true)] {
        let boot = boot.repeat(32);
        let boot = [("NEARCACHE_BOOT_ID", std::ffi::OsStr::new(&boot))];
        let daemon = Daemon::launch_with(Place::new(), &arguments, &boot);
        let mut client = daemon.connect();
        client.expect("get a\r\n", if there { "VALUE a 0 1\r\nx\r\nEND\r\n" } else { "END\r\n" });
        client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
        assert_eq!(daemon.said.contains(words), said, "{}", daemon.said);
    }
}

/// It is a shared region like any other: a second server on the file serves the same items, and neither harms them.
#[test]
fn two_servers_on_one_file_share_it() {
    let kept = Kept::new();
    let (mut first, second) = (kept.start(&["-m", "16"]), kept.start(&["-m", "16"]));
    let (mut one, mut other) = (first.connect(), second.connect());
    one.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    other.expect("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    first.signal("KILL");
    first.wait();
    other.expect("append a 0 0 1\r\ny\r\n", "STORED\r\n");
    kept.start(&[]).connect().expect("get a\r\n", "VALUE a 0 2\r\nxy\r\nEND\r\n");
}

/// The core puts a damaged cache aside and begins anew; that is said, and nothing of it is lost.
#[test]
fn a_damaged_cache_is_kept_aside_and_that_is_said() {
    let kept = Kept::new();
    let stop = |mut daemon: Daemon| {
        daemon.signal("TERM");
        assert!(daemon.wait().success());
    };
    for damage in ["cut", "changed"] {
        let daemon = kept.start(&["-m", "16"]);
        daemon.connect().expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
        assert!(!daemon.said.contains("damaged"), "{}", daemon.said);
        stop(daemon);
        let file = fs::OpenOptions::new().write(true).open(kept.file()).expect("it is there");
        match damage {
            "cut" => file.set_len(8 << 20).expect("cut"),
            _ => file.write_all_at(&[0xa5; 8], 24).expect("written"),
        }
        let before = fs::read(kept.file()).expect("read");
        let daemon = kept.start(&["-m", "16"]);
        let aside = format!("{}.damaged", kept.file().display());
        let sentence = format!("was damaged: it is kept as {aside}, and the cache starts empty");
        assert!(daemon.said.contains(&sentence), "{}", daemon.said);
        assert!(fs::read(aside).expect("kept") == before);
        daemon.connect().expect("get a\r\n", "END\r\n");
        stop(daemon);
        fs::remove_file(kept.file()).expect("removed");
    }
}

#[test]
fn what_cannot_be_kept_is_said() {
    let kept = Kept::new();
    let path = |name: &str| kept.0.0.join(name);
    // Other people's files, and places where there can be none.
    fs::write(path("text"), "a file of somebody's\n").expect("written");
    fs::write(path("empty"), "").expect("written");
    fs::create_dir(path("directory")).expect("made");
    for name in ["text", "empty"] {
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).expect("permitted");
    }
    let place = |name: &str| path(name).display().to_string();
    for file in [
        place("text"),
        place("empty"),
        place("directory"),
        place("none/memory"),
        "/proc/memory".to_string(),
    ] {
        let before = fs::read(&file).ok();
        let (code, _, said) =
            run(&["-u", "root", "-p", "-1", "-l", "127.0.0.1", "-m", "16", "-e", &file]);
        assert_eq!(code.code(), Some(71), "{file}: {said}");
        assert!(said.contains("cannot serve the region") && said.contains(&file), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(fs::read(&file).ok(), before, "{file} is as it was");
    }
    let region = ["-u", "root", "-p", "-1", "-e", "a", "--region", "b"];
    let (code, _, said) = run(&region);
    assert_eq!(code.code(), Some(64), "{said}");
    assert!(said.contains("-e and --region"), "{said}");
}

/// A file system of one megabyte, and one that may not be written, if this process may mount them.
#[test]
fn a_full_and_a_read_only_file_system_are_named() {
    let place = Place::new();
    let script = r#"
        set -e
        mount -t tmpfs -o size=1m none "$1"
        ! "$0" -u root -p -1 -l 127.0.0.1 -m 16 -e "$1/memory" || exit 3
        test -z "$(ls "$1")" || exit 4
        mount -o remount,size=64m "$1"
        mount -o remount,ro "$1"
        ! "$0" -u root -p -1 -l 127.0.0.1 -m 16 -e "$1/memory" || exit 3
    "#;
    let output = std::process::Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .arg(Path::new(env!("CARGO_BIN_EXE_nearcached")))
        .arg(&place.0)
        .output();
    let Some(output) = output.ok().filter(|output| output.status.code() != Some(1)) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("mount:") || said.contains("unshare:") {
        println!("skipped: {said}");
        return;
    }
    assert!(output.status.success(), "{:?}: {said}", output.status);
    let lines: Vec<&str> = said.lines().collect();
    let [full, read_only] = lines[..] else { panic!("{said}") };
    assert!(full.contains("cannot serve the region") && full.contains("space"), "{full}");
    assert!(read_only.to_lowercase().contains("read-only"), "{read_only}");
}
