//! The daemon as a program: how it starts, refuses to start, and ends.

mod common;

use common::{Daemon, Place, connect_unix, run};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

fn root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout == b"0\n"
}

#[test]
fn signals_end_it_and_leave_nothing_behind() {
    for (signal, shown) in [("INT", "int"), ("TERM", "term"), ("USR1", "usr1")] {
        let place = Place::new();
        let (socket, pid) = (place.0.join("socket"), place.0.join("pid"));
        let arguments =
            ["-s", socket.to_str().expect("path"), "-P", pid.to_str().expect("path"), "-a", "750"];
        let mut daemon = Daemon::launch(place, &arguments);
        let mode = fs::metadata(&socket).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o750, "{shown}");
        let written = fs::read_to_string(&pid).expect("a pid file");
        assert_eq!(written.trim(), daemon.child.id().to_string());
        let mut client = connect_unix(&socket);
        client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
        // SIGHUP has nothing to reload, and ends nothing.
        daemon.signal("HUP");
        client.expect("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
        client.send("set half 0 0 100\r\nin the middle of a value");
        daemon.signal(signal);
        assert!(daemon.wait().success(), "{shown}");
        assert_eq!(client.rest(), b"");
        assert!(!socket.exists() && !pid.exists(), "{shown}");
    }
}

#[test]
fn the_shutdown_command_ends_it() {
    for command in ["shutdown\r\n", "shutdown graceful\r\n"] {
        let mut daemon = Daemon::start(&["-A"]);
        let mut client = daemon.connect();
        client.send(command);
        assert_eq!(client.rest(), b"");
        assert!(daemon.wait().success());
    }
}

#[test]
fn a_socket_left_behind_is_replaced_and_a_file_is_not() {
    let mut daemon = Daemon::start_unix(&[]);
    daemon.child.kill().expect("killed");
    daemon.wait();
    let socket = daemon.socket();
    assert!(socket.exists());
    let place = std::mem::replace(&mut daemon.place, Place::new());
    let again = Daemon::launch(place, &["-s", socket.to_str().expect("path")]);
    again.connect_unix().expect("mn\r\n", "MN\r\n");
    let place = Place::new();
    let file = place.0.join("file");
    fs::write(&file, "precious").expect("written");
    let (status, _, said) = run(&["-u", "root", "-s", file.to_str().expect("path")]);
    assert!(!status.success());
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("still there"), "precious");
}

#[test]
fn root_must_say_who_to_be() {
    if !root() {
        println!("skipped: this is not root");
        return;
    }
    let (status, _, said) = run(&["-p", "-1"]);
    assert_eq!(status.code(), Some(64));
    assert!(said.contains("can't run as root without the -u switch"), "{said}");
    let (status, _, said) = run(&["-p", "-1", "-u", "no such user"]);
    assert_eq!(status.code(), Some(67));
    assert!(said.contains("can't find the user no such user"), "{said}");
    let place = Place::new();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).expect("open to all");
    let daemon = Daemon::launch(place, &["-p", "-1", "-l", "127.0.0.1", "-u", "nobody"]);
    let text = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).expect("status");
    let uids = text.lines().find_map(|line| line.strip_prefix("Uid:\t")).expect("uids");
    assert!(uids.split('\t').all(|uid| uid != "0"), "{uids}");
    daemon.connect().expect("mn\r\n", "MN\r\n");
}

#[test]
fn what_cannot_be_obeyed_ends_it_at_once_with_a_sentence() {
    for (arguments, status, part) in [
        (&["-c", "0"][..], 64, "-c 0: wants a number of connections"),
        (&["-m", "x"], 64, "-m x: wants a limit in megabytes"),
        (&["-o", "nonsense"], 1, "Illegal suboption \"nonsense\""),
        (&["-l", "no.such.host.invalid", "-p", "-1"], 71, "no.such.host.invalid"),
        (&["-l", "btls:127.0.0.1"], 71, "TLS is served with -Z only"),
        (&["-s", "/no/such/directory/socket"], 71, "/no/such/directory/socket"),
    ] {
        let arguments: Vec<&str> = ["-u", "root"].iter().chain(arguments).copied().collect();
        let (code, _, said) = run(&arguments);
        assert_eq!(code.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let daemon = Daemon::start(&[]);
    let place = format!("127.0.0.1:{}", daemon.port);
    let (code, _, said) = run(&["-u", "root", "-l", &place]);
    assert_eq!(code.code(), Some(71));
    assert!(said.contains(&format!("failed to listen on TCP {place}")), "{said}");
}

#[test]
fn help_version_and_licence() {
    let (status, version, _) = run(&["-V"]);
    assert!(status.success() && version.starts_with("memcached 1.6.45"), "{version}");
    let (status, help, _) = run(&["--help"]);
    assert!(status.success());
    for part in [
        "-p, --port=<num>",
        "-s, --unix-socket=<file>",
        "-c, --conn-limit=<num>",
        "-o, --extended=<list>",
    ] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(!help.contains("debug-clock"));
    let (status, licence, _) = run(&["-i"]);
    assert!(status.success() && licence.contains("MIT OR Apache-2.0"));
}

#[test]
fn the_port_file_names_every_family() {
    let place = Place::new();
    let daemon = Daemon::launch(place, &["-p", "-1"]);
    let text = fs::read_to_string(daemon.place.0.join("ports")).expect("ports");
    assert!(text.starts_with("TCP INET: "), "{text}");
    assert!(!daemon.place.0.join("ports.lck").exists());
    daemon.connect().expect("mn\r\n", "MN\r\n");
}

#[test]
fn options_without_effect_are_named_under_v() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nearcached"))
        .args(["-u", "root", "-v", "-s"])
        .arg(place.0.join("socket"))
        .args(["-f", "1.5", "-L", "-o", "hashpower=20", "-k"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let mut said = String::new();
    let mut buffer = [0; 1024];
    while !said.contains("nearcached: ready") {
        let count = stderr.read(&mut buffer).expect("words");
        assert!(count > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    for part in ["-f has no effect", "-L has no effect", "-o hashpower has no effect"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn in_the_background_it_goes_on_alone() {
    let place = Place::new();
    let (socket, pid) = (place.0.join("socket"), place.0.join("pid"));
    let status = Command::new(env!("CARGO_BIN_EXE_nearcached"))
        .args(["-u", "root", "-d", "-s"])
        .arg(&socket)
        .arg("-P")
        .arg(&pid)
        .status()
        .expect("starts");
    assert!(status.success());
    let number = common::eventually(|| {
        let text = fs::read_to_string(&pid).ok()?;
        text.trim().parse::<u32>().ok()
    });
    connect_unix(&socket).expect("mn\r\n", "MN\r\n");
    assert!(Command::new("kill").arg(number.to_string()).status().expect("kill").success());
    common::eventually(|| (!socket.exists() && !pid.exists()).then_some(()));
}
