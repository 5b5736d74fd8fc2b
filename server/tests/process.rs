//! The daemon as a process: whom it runs as, whose its files are, its limits, its signals, and what its starter hears.

#[path = "common/certificates.rs"]
mod certificates;
mod common;

use certificates::{Files, connect};
use common::{Daemon, PATIENCE, Place, connect_unix, eventually};
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

fn id(arguments: &[&str]) -> String {
    let output = Command::new("id").args(arguments).output().expect("id runs");
    String::from_utf8(output.stdout).expect("text").trim().to_string()
}

/// Is this root, so that it can become `nobody`?
fn root() -> bool {
    let root = id(&["-u"]) == "0";
    if !root {
        println!("skipped: this is not root");
    }
    root
}

/// A place that `nobody` may write to.
fn open_place() -> Place {
    let place = Place::new();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o777)).expect("open to all");
    place
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

fn proc(pid: u32, file: &str, field: &str) -> String {
    let all = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("it is there");
    let line = all.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap_or_else(|| panic!("{field} in {all}")).trim().to_string()
}

#[test]
fn ports_of_root_are_bound_before_root_is_left() {
    if !root() {
        return;
    }
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let port = (600..1024).find(free).expect("a free port under 1024");
    let daemon =
        Daemon::launch(open_place(), &["-p", &port.to_string(), "-l", "127.0.0.1", "-u", "nobody"]);
    assert_eq!(daemon.port, port);
    daemon.connect().expect("mn\r\n", "MN\r\n");
    let pid = daemon.child.id();
    let nobody = id(&["-u", "nobody"]);
    assert!(proc(pid, "status", "Uid:").split('\t').all(|uid| uid == nobody));
    let group = id(&["-g", "nobody"]);
    assert!(proc(pid, "status", "Gid:").split('\t').all(|gid| gid == group));
    assert_eq!(proc(pid, "status", "Groups:"), id(&["-G", "nobody"]));
}

#[test]
fn its_files_belong_to_whom_it_has_become() {
    if !root() {
        return;
    }
    let place = open_place();
    let [socket, pid, memory] = ["socket", "pid", "memory"].map(|name| place.0.join(name));
    let arguments =
        ["-u", "nobody", "-s", text(&socket), "-P", text(&pid), "-e", text(&memory), "-a", "700"];
    let mut daemon = Daemon::launch(place, &arguments);
    connect_unix(&socket).expect("mn\r\n", "MN\r\n");
    for path in [&socket, &pid, &memory] {
        let owner = fs::metadata(path).expect("it is there").uid();
        assert_eq!(owner.to_string(), id(&["-u", "nobody"]), "{}", path.display());
    }
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    assert!(!socket.exists() && !pid.exists() && memory.exists());
    let daemon = Daemon::launch(open_place(), &["-u", "nobody", "-p", "-1", "-l", "127.0.0.1"]);
    let ports = fs::metadata(daemon.place.0.join("ports")).expect("it is there");
    assert_eq!(ports.uid().to_string(), id(&["-u", "nobody"]));
}

#[test]
fn files_that_root_alone_may_read_serve_until_they_are_to_be_read_again() {
    if !root() {
        return;
    }
    let files = Files::new();
    let users = files.path("users");
    files.write("users", "foo:bar\n");
    fs::set_permissions(files.path("key.pem"), fs::Permissions::from_mode(0o600)).expect("private");
    let options = files.options("");
    let arguments = ["-u", "nobody", "-p", "-1", "-l", "127.0.0.1", "-Y", text(&users), "-Z", "-o"];
    let daemon = Daemon::launch(open_place(), &[&arguments[..], &[&options]].concat());
    let said = daemon.said.matches("it cannot be read again while the server runs").count();
    assert_eq!(said, 2, "{}", daemon.said);
    let mut client = connect(&daemon, &files.client());
    client.expect("set a 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
    client.send("refresh_certs\r\n");
    let said = String::from_utf8(client.until("\r\n")).expect("text");
    assert!(said.contains("Permission denied"), "{said}");
    daemon.hang_up();
    let mut client = connect(&daemon, &files.client());
    client.expect("set a 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
}

#[test]
fn limits_are_raised_while_it_may() {
    let place = open_place();
    let user = if id(&["-u"]) == "0" { "nobody" } else { "root" };
    let arguments =
        ["-u", user, "-p", "-1", "-l", "127.0.0.1", "-r", "-k", "-m", "8", "-c", "1100"];
    let daemon = Daemon::launch(place, &arguments);
    let pid = daemon.child.id();
    let limit = |name: &str| {
        let line = proc(pid, "limits", name);
        let mut words = line.split_whitespace().map(String::from);
        (words.next().expect("soft"), words.next().expect("hard"))
    };
    let (soft, hard) = limit("Max core file size");
    assert_eq!(soft, hard);
    let (files, _) = limit("Max open files");
    assert!(
        files == "unlimited" || files.parse::<u64>().expect("a number") >= 1100 + 64,
        "{files}"
    );
    // A process that has changed its user belongs to root under /proc, unless a core may be written of it.
    let owner = fs::metadata(format!("/proc/{pid}/status")).expect("it runs").uid();
    assert_eq!(owner.to_string(), proc(pid, "status", "Uid:").split('\t').next().expect("a user"));
    let locked = proc(pid, "status", "VmLck:");
    let kilobytes: u64 = locked.trim_end_matches(" kB").parse().expect("a number");
    let warned = daemon.said.contains("-k invalid, mlockall() failed");
    assert!(kilobytes >= 8 << 10 || warned, "{locked}: {}", daemon.said);
    daemon.connect().expect("mn\r\n", "MN\r\n");
}

/// What the memory limit could be raised to is not taken for it.
#[test]
fn locked_memory_is_what_is_used() {
    // Who is not root stays who he is, and may be refused the lock.
    let daemon = Daemon::start(&["-u", "root", "-k", "-m", "64", "-t", "1"]);
    daemon.connect().expect("mn\r\n", "MN\r\n");
    let resident = proc(daemon.child.id(), "status", "VmRSS:");
    let kilobytes: u64 = resident.trim_end_matches(" kB").parse().expect("a number");
    assert!(kilobytes < 96 << 10, "{resident} of 64 MiB");
}

/// Addresses for a limit four times as high are a wish, and no need.
#[test]
fn where_addresses_are_few_it_serves_and_the_limit_stays() {
    let place = Place::new();
    let socket = place.0.join("socket");
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_nearcached")])
        .args(["-u", "root", "-m", "256", "-t", "1", "-s"])
        .arg(&socket)
        .spawn()
        .expect("it starts");
    eventually(|| {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "it serves");
        std::os::unix::net::UnixStream::connect(&socket).ok()
    });
    let mut client = connect_unix(&socket);
    assert_eq!(client.stat("limit_maxbytes"), 256 << 20);
    client.send("cache_memlimit 512\r\ncache_memlimit 200\r\n");
    assert!(client.line().starts_with("MEMLIMIT_ADJUST_FAILED"));
    assert_eq!(client.line(), "OK\r");
    child.kill().expect("it runs");
    child.wait().expect("a child");
}

#[test]
fn in_the_background_it_serves_when_the_starter_ends() {
    let place = Place::new();
    let (socket, pid) = (place.0.join("socket"), place.0.join("pid"));
    let start = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_nearcached"))
            .args(["-u", "root", "-d", "-s", text(&socket), "-P", text(&pid)])
            .args(more)
            .output()
            .expect("starts")
    };
    let output = start(&[]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    connect_unix(&socket).expect("mn\r\n", "MN\r\n");
    let number = fs::read_to_string(&pid).expect("a pid file");
    let number: u32 = number.trim().parse().expect("a number");
    assert_eq!(fs::read_link(format!("/proc/{number}/cwd")).expect("it runs"), Path::new("/"));
    assert_eq!(proc(number, "status", "NSsid:"), number.to_string());
    let streams = ["0", "1", "2"]
        .map(|fd| fs::read_link(format!("/proc/{number}/fd/{fd}")).expect("it is open"));
    assert!(streams.iter().all(|stream| stream == Path::new("/dev/null")), "{streams:?}");
    assert!(Command::new("kill").arg(number.to_string()).status().expect("kill").success());
    eventually(|| (!socket.exists() && !pid.exists()).then_some(()));
    // What goes wrong only in the background is heard, too.
    let output = start(&["-e", "/no/such/directory/memory"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(71), "{said}");
    assert!(said.contains("cannot serve the region /no/such/directory/memory"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    eventually(|| (!socket.exists() && !pid.exists()).then_some(()));
}

#[test]
fn without_its_pid_file_it_serves_and_says_so() {
    let daemon = Daemon::start(&["-P", "/no/such/directory/pid"]);
    assert!(daemon.said.contains("cannot write /no/such/directory/pid"), "{}", daemon.said);
    daemon.connect().expect("mn\r\n", "MN\r\n");
    let place = Place::new();
    let pid = place.0.join("pid");
    fs::write(&pid, format!("{}\n", std::process::id())).expect("written");
    // A link where it writes first leads nowhere else.
    fs::write(place.0.join("precious"), "precious").expect("written");
    std::os::unix::fs::symlink(place.0.join("precious"), place.0.join("pid.tmp")).expect("linked");
    let daemon = Daemon::start(&["-P", text(&pid)]);
    let warning = format!("contained the following (running) pid: {}", std::process::id());
    assert!(daemon.said.contains(&warning), "{}", daemon.said);
    assert_eq!(fs::read_to_string(&pid).expect("there").trim(), daemon.child.id().to_string());
    assert_eq!(fs::read_to_string(place.0.join("precious")).expect("there"), "precious");
}

#[test]
fn signals_it_does_not_end_by_and_one_it_does() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    for signal in ["PIPE", "HUP"] {
        daemon.signal(signal);
        client.expect("mn\r\n", "MN\r\n");
    }
    // Not QUIT: a shell's background command, and what it starts, ignores that.
    daemon.signal("ABRT");
    let status = daemon.wait();
    assert_eq!(status.signal(), Some(6));
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_says() {
    let place = Place::new();
    let socket = place.0.join("socket");
    let mut child = Command::new(env!("CARGO_BIN_EXE_nearcached"))
        .args(["-u", "root", "-vv", "-s", text(&socket)])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let (mut said, mut buffer) = (String::new(), [0; 1024]);
    while !said.contains("nearcached: ready") {
        let count = stderr.read(&mut buffer).expect("words");
        assert!(count > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    drop(stderr);
    for _ in 0..3 {
        connect_unix(&socket).expect("get a\r\nmn\r\n", "END\r\nMN\r\n");
    }
    assert!(child.try_wait().expect("a child").is_none());
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
fn a_stop_is_no_matter_of_who_is_connected() {
    let mut daemon = Daemon::start(&["-t", "2"]);
    let silent: Vec<_> = (0..50)
        .map(|_| TcpStream::connect(("127.0.0.1", daemon.port)).expect("connects"))
        .collect();
    let mut client = daemon.connect();
    client.stat_until("curr_connections", |count| count == 51);
    let start = Instant::now();
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    assert!(start.elapsed() < PATIENCE / 6, "{:?}", start.elapsed());
    for mut stream in silent {
        let _ = stream.read(&mut [0]);
    }
}
