//! What is bounded: the quota, a line, what is on its way for one connection; and who may speak at all.

use crate::Queues;
use crate::common::{Place, eventually};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn over_quota_nothing_is_stored_and_nothing_is_lost() {
    let queues = Queues::on(Place::new(), &["--queue-quota", "1m"]);
    let mut client = queues.connect();
    let body = "x".repeat(100_000);
    let set = format!("set q 0 0 100000\r\n{body}\r\n");
    let mut stored = 0;
    let refusal = loop {
        client.send(&set);
        match client.line().trim_end() {
            "STORED" => stored += 1,
            refusal => break refusal.to_string(),
        }
    };
    assert!(refusal.starts_with("SERVER_ERROR ") && refusal.contains("1048576"), "{refusal}");
    assert_eq!(stored, 10);
    for _ in 0..2 {
        let value = format!("VALUE q 0 100000\r\n{body}\r\nEND\r\n");
        client.expect("get q\r\n", &value);
        client.expect(&set, "STORED\r\n");
    }
    client.expect("stats queue\r\n", "STAT q 12/2\r\nEND\r\n");
}

#[test]
fn a_line_without_end_is_refused() {
    let queues = Queues::start();
    let mut client = queues.connect();
    // What the daemon leaves unread when it closes may cost the client its last words.
    client.send("x".repeat(2049));
    assert_eq!(client.rest(), b"CLIENT_ERROR the line is too long\r\n");
}

#[test]
fn who_sends_without_reading_waits() {
    let queues = Queues::start();
    let mut client = queues.connect();
    const COUNT: usize = 10_000;
    let (sent, mut reader) = (queues.connect(), queues.connect());
    let sender = std::thread::spawn(move || {
        let mut sent = sent;
        for number in 0..COUNT {
            sent.send(format!("set q 0 0 6\r\n{number:06}\r\n"));
        }
        sent
    });
    // Somebody else is served meanwhile.
    for _ in 0..100 {
        client.expect("set other 0 0 1\r\nx\r\n", "STORED\r\n");
    }
    let mut sent = sender.join().expect("it sends");
    assert_eq!(sent.take(COUNT * 8), "STORED\r\n".repeat(COUNT).into_bytes());
    for number in 0..COUNT {
        if number % 1000 == 0 {
            reader.send("get q\r\n".repeat(1000));
        }
        reader.expect("", &format!("VALUE q 0 6\r\n{number:06}\r\nEND\r\n"));
    }
}

#[test]
fn who_must_say_who_he_is() {
    let place = Place::new();
    let users = place.0.join("users");
    fs::write(&users, "worker:secret\n").expect("a file");
    fs::set_permissions(&users, fs::Permissions::from_mode(0o600)).expect("its mode");
    let queues = Queues::on(place, &["-Y", users.to_str().expect("a plain path")]);
    let mut client = queues.connect();
    client.expect("get q\r\n", "CLIENT_ERROR unauthenticated\r\n");
    let mut client = queues.connect();
    client.expect("set auth 0 0 13\r\nworker secret\r\n", "STORED\r\n");
    client.expect("set q 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("get q auth\r\n", "VALUE q 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn a_clock_that_is_not_by_hand_is_not_moved() {
    let queues = Queues::on(Place::new(), &[]);
    queues.connect().expect("debugtime 1\r\n", "ERROR\r\n");
}

#[test]
fn shutdown_ends_the_daemon_where_it_may() {
    let mut queues = Queues::on(Place::new(), &["-A"]);
    let mut client = queues.connect();
    client.expect("set q 0 0 1\r\nx\r\n", "STORED\r\n");
    client.send("shutdown\r\n");
    let status = eventually(|| queues.daemon.child.try_wait().expect("a child"));
    assert!(status.success());
    queues.crash(&[]).connect().expect("get q\r\n", "VALUE q 0 1\r\nx\r\nEND\r\n");
}
