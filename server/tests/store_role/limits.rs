//! What is refused, and how: by limits, by options, by directories, by the disk. And what outlives the process.

use crate::common::{Daemon, Place, eventually, run};
use crate::{connect, end, start, start_in};
use std::path::Path;
use std::process::Command;

#[test]
fn what_is_too_large_is_refused_and_loses_nothing() {
    let daemon = start(&["-I", "2k", "--store-quota", "20k"]);
    let mut client = connect(&daemon);
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let large = "v".repeat(3000);
    client.expect(
        format!("set a 0 0 3000\r\n{large}\r\nget a\r\n"),
        "SERVER_ERROR object too large for cache\r\nVALUE a 0 1\r\nx\r\nEND\r\n",
    );
    let larger = "v".repeat(100_000);
    client.expect(format!("set a 0 0 100000 noreply\r\n{larger}\r\nmn\r\n"), "MN\r\n");
    client.expect("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    let value = "v".repeat(1500);
    let mut refused = String::new();
    for number in 0..20 {
        client.send(format!("set k{number} 0 0 1500\r\n{value}\r\n"));
        let line = client.line();
        if line != "STORED\r" {
            refused = line;
        }
    }
    assert!(refused.starts_with("SERVER_ERROR over quota: "), "{refused}");
    assert_eq!(client.stat("store_too_large"), 2);
    assert!(client.stat("store_over_quota") > 0);
    client.expect("delete k0\r\n", "DELETED\r\n");
    client.expect(format!("set k0 0 0 1500\r\n{value}\r\n"), "STORED\r\n");
}

#[test]
fn lifetimes_outlive_the_process() {
    let daemon = start(&[]);
    connect(&daemon).expect(
        "set kept 5 0 2\r\nhi\r\nset past 0 -1 1\r\nx\r\nset soon 0 1000 1\r\ny\r\n",
        "STORED\r\nSTORED\r\nSTORED\r\n",
    );
    let place = end(daemon);
    let daemon = start_in(place, &[]);
    let mut client = connect(&daemon);
    client.expect("get kept past\r\n", "VALUE kept 5 2\r\nhi\r\nEND\r\n");
    client.send("mg soon t\r\n");
    let line = client.line();
    let left: u32 = line.trim_start_matches("HD t").trim().parse().expect("seconds");
    assert!((900..=1000).contains(&left), "{left}");
}

#[test]
fn a_clock_by_hand_ends_lifetimes() {
    let daemon = start(&["--debug-clock"]);
    let mut client = connect(&daemon);
    client.expect(
        "set a 0 10 1\r\nx\r\nset b 0 0 1\r\ny\r\nflush_all 20\r\n",
        "STORED\r\nSTORED\r\nOK\r\n",
    );
    client.expect("debugtime 11\r\nget a b\r\n", "OK\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
    client.expect("debugtime 10\r\nget a b\r\n", "OK\r\nEND\r\n");
}

#[test]
fn options_that_disable_and_authenticate_hold_here_too() {
    let daemon = start(&["-F"]);
    connect(&daemon).expect("flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n");
    connect(&daemon).expect("shutdown\r\n", "SERVER_ERROR: shutdown not enabled\r\n");
    drop(daemon);
    let place = Place::new();
    let users = place.0.join("users");
    std::fs::write(&users, "ann:secret\n").expect("a file");
    let daemon = start_in(place, &["-Y", users.to_str().expect("a plain path")]);
    let mut client = connect(&daemon);
    client.expect("get a\r\n", "CLIENT_ERROR unauthenticated\r\n");
    client.expect("set u 0 0 10\r\nann secret\r\nget a\r\n", "STORED\r\nEND\r\n");
    client.expect("set a 0 0 1\r\nx\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn a_directory_that_cannot_be_served_ends_the_program_with_a_sentence() {
    let daemon = start(&[]);
    let dir = daemon.place.0.join("db");
    let ends = |arguments: &[&str], parts: &[&str]| {
        let all: Vec<&str> = ["-u", "root", "-p", "0"].iter().chain(arguments).copied().collect();
        let (status, _, said) = run(&all);
        assert!(!status.success(), "{arguments:?}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: no {part:?} in {said}");
        }
        status.code()
    };
    let text = |path: &Path| path.to_str().expect("a plain path").to_string();
    let pid = daemon.child.id().to_string();
    let in_use = ends(
        &["--store", &text(&dir), "--store-port", "-1"],
        &["is in use by", &pid, "nearcached"],
    );
    assert_eq!(in_use, Some(71));
    let other = Place::new();
    std::fs::write(other.0.join("somebody's"), "file").expect("a file");
    ends(&["--store", &text(&other.0), "--store-port", "-1"], &[&text(&other.0)]);
    let file = other.0.join("somebody's");
    ends(&["--store", &text(&file), "--store-port", "-1"], &["somebody's"]);
    let usage = ends(&["--store", "x", "--store-near", "1k"], &["near is 1024 bytes"]);
    assert_eq!(usage, Some(64));
    for (arguments, part) in [
        (&["--store-port", "5"][..], "there is no --store"),
        (&["--store", "x", "--store-port", "0"], "nothing to listen on"),
        (&["--store", "x", "--store-sync", "soon"], "always, never or a number of milliseconds"),
        (&["--store", "x", "--store-quota", "lots"], "--store-quota lots"),
        (&["--store", "x", "--store-near", "0", "--store-near-name", "y"], "nothing to share"),
    ] {
        assert_eq!(ends(arguments, &[part]), Some(64));
    }
    // What was refused has harmed nobody.
    connect(&daemon).expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
}

#[test]
fn a_shared_near_tier_is_read_without_a_socket() {
    let place = Place::new();
    let file = place.0.join("near");
    let daemon = start_in(place, &["--store-near-name", file.to_str().expect("a plain path")]);
    connect(&daemon).expect("set a 9 0 5\r\nhello\r\n", "STORED\r\n");
    let cache = nearcache::Options::new(64 << 20)
        .home(nearcache::Home::At(file))
        .open()
        .expect("the near tier can be attached");
    let found = cache.get(b"a").expect("a read").expect("it is there");
    assert_eq!((found.data, found.flags), (b"hello".to_vec(), 9));
}

#[test]
fn a_unix_socket_in_stead_of_the_port_with_its_mask() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let (dir, socket) = (place.0.join("db"), place.0.join("socket"));
    let text = |path: &Path| path.to_str().expect("a plain path").to_string();
    let daemon = Daemon::launch(
        place,
        &["-p", "0", "-a", "770", "--store", &text(&dir), "--store-socket", &text(&socket)],
    );
    daemon.connect_unix().expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    // Who goes at once has asked all the same, also for what stands behind a read.
    for number in 0..20 {
        let mut client = daemon.connect_unix();
        let request = "set one# 0 0 1\r\nx\r\nget one#\r\nset two# 0 0 1\r\ny\r\n";
        client.send(request.replace('#', &number.to_string()));
        drop(client);
    }
    let mut client = daemon.connect_unix();
    eventually(|| {
        client.send("rget one two99 0 0 100\r\n");
        let found = client.until("END\r\n").windows(5).filter(|bytes| bytes == b"VALUE").count();
        (found == 40).then_some(())
    });
    let mode = std::fs::metadata(&socket).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o770);
    assert!(!daemon.said.contains("tcp:"), "{}", daemon.said);
    let place = end(daemon);
    assert!(!socket.exists(), "the socket is left in {}", place.0.display());
}

/// With the cache beside it, and queues in the same directory.
#[test]
fn roles_stand_beside_each_other() {
    let place = Place::new();
    let dir = place.0.join("db");
    let dir = dir.to_str().expect("a plain path").to_string();
    let both = ["--store", &dir, "--store-port", "-1", "--queue", &dir, "--queue-port", "-1"];
    let all: Vec<&str> = ["-p", "-1", "-l", "127.0.0.1"].iter().chain(&both).copied().collect();
    let daemon = Daemon::launch(place, &all);
    daemon.connect().expect("set a 0 0 5\r\ncache\r\n", "STORED\r\n");
    let mut store = connect(&daemon);
    store.expect("get a\r\n", "END\r\n");
    store.expect("set a 0 0 5\r\nstore\r\n", "STORED\r\n");
    daemon.connect().expect("get a\r\n", "VALUE a 0 5\r\ncache\r\nEND\r\n");
    assert!(daemon.port_of("QUEUE") > 0);
    // One database: what belongs to it is said of the store alone.
    let apart: Vec<&str> = ["-u", "root", "-p", "0"]
        .iter()
        .chain(&both)
        .chain(&["--queue-sync", "never"])
        .copied()
        .collect();
    drop(daemon);
    let (status, _, said) = run(&apart);
    assert!(said.contains("one database with it: give --store-sync"), "{said}");
    assert_eq!(status.code(), Some(64));
}

#[test]
fn a_full_disk_is_said_and_passes() {
    // A file system of its own, where this may be made.
    let place = Place::new();
    let disk = place.0.join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let mount = |arguments: &[&str]| {
        let done = Command::new("mount").args(arguments).arg(&disk).output();
        done.is_ok_and(|output| output.status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=100m", "none"]) {
        println!("left out: this user may not mount a file system");
        return;
    }
    let _unmounted = Unmounted(disk.clone());
    let filler = disk.join("filler");
    let dir = disk.join("db");
    let daemon = Daemon::launch(
        place,
        &[
            "-p",
            "0",
            "-l",
            "127.0.0.1",
            "--store-port",
            "-1",
            "--store",
            dir.to_str().expect("a plain path"),
        ],
    );
    let mut client = connect(&daemon);
    client.expect("set before 0 0 1\r\nx\r\n", "STORED\r\n");
    let filled = std::fs::File::create(&filler).and_then(|mut file| {
        std::io::copy(&mut std::io::Read::take(std::io::repeat(1), 200 << 20), &mut file)
    });
    filled.expect_err("the disk is smaller");
    let value = "v".repeat(500_000);
    let refused = eventually(|| {
        client.send(format!("set large 0 0 500000\r\n{value}\r\n"));
        let line = client.line();
        line.starts_with("SERVER_ERROR").then_some(line)
    });
    assert!(refused.contains("No space left"), "{refused}");
    client.expect("get before\r\n", "VALUE before 0 1\r\nx\r\nEND\r\n");
    std::fs::remove_file(&filler).expect("room again");
    eventually(|| {
        client.send("set after 0 0 1\r\ny\r\n");
        (client.line() == "STORED\r").then_some(())
    });
    client
        .expect("get before after\r\n", "VALUE before 0 1\r\nx\r\nVALUE after 0 1\r\ny\r\nEND\r\n");
}

/// A mount that goes with the test.
struct Unmounted(std::path::PathBuf);

impl Drop for Unmounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
