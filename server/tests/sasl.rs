//! SASL PLAIN: who may come in with `-S`, what anybody may ask, and what failures say.

mod common;

use common::packets::{FLAGS_5, answers, lines, packet, with_cas};
use common::{Daemon, Place, eventually, run};
use std::ffi::OsStr;
use std::fs;

const AUTHENTICATED: &str = "21 0 v:Authenticated";
const FAILURE: &str = "v:Auth failure.";

fn users(place: &Place, text: &str) -> String {
    let path = place.0.join("users");
    fs::write(&path, text).expect("a file");
    path.to_str().expect("a plain path").to_string()
}

/// Two users, in a file given with `-Y`.
fn start() -> Daemon {
    let place = Place::new();
    let users = users(&place, "foo:bar\nbaz:with:colon\n");
    Daemon::launch(place, &["-p", "-1", "-l", "127.0.0.1", "-S", "-Y", &users])
}

fn auth(mechanism: &str, message: &str) -> Vec<u8> {
    packet(0x21, b"", mechanism.as_bytes(), message.as_bytes())
}

fn step(message: &str) -> Vec<u8> {
    packet(0x22, b"", b"PLAIN", message.as_bytes())
}

fn bare(opcode: u8) -> Vec<u8> {
    packet(opcode, b"", b"", b"")
}

fn converse(daemon: &Daemon, requests: &[Vec<u8>], expected: &[&str]) {
    let mut client = daemon.connect();
    client.send(requests.concat());
    assert_eq!(lines(&client.finish()), expected);
}

#[test]
fn the_right_password_opens_everything() {
    let daemon = start();
    let set = packet(0x01, FLAGS_5, b"k", b"v");
    for message in ["\0foo\0bar", "foo\0foo\0bar", "\0baz\0with:colon"] {
        converse(
            &daemon,
            &[bare(0x20), auth("PLAIN", message), set.clone(), bare(0x0a)],
            &["20 0 v:PLAIN", AUTHENTICATED, "01 0 c", "0a 0"],
        );
    }
    // In two messages.
    converse(
        &daemon,
        &[auth("PLAIN", ""), step("\0foo\0bar"), bare(0x0a)],
        &["21 21", "22 0 v:Authenticated", "0a 0"],
    );
}

#[test]
fn anything_else_is_refused_in_the_same_words() {
    let daemon = start();
    let failure = format!("21 20 {FAILURE}");
    for (mechanism, message) in [
        ("PLAIN", "\0foo\0baz"),
        ("PLAIN", "\0foo\0ba"),
        ("PLAIN", "\0foo\0"),
        ("PLAIN", "\0foo\0bar\0"),
        ("PLAIN", "\0nobody\0bar"),
        ("PLAIN", "\0\0"),
        ("PLAIN", "joe\0foo\0bar"),
        ("PLAIN", "foo"),
        ("CRAM-MD5", "\0foo\0bar"),
        ("CRAM-MD5", ""),
    ] {
        // The attempt leaves the connection open for another, and for nothing else.
        converse(
            &daemon,
            &[auth(mechanism, message), bare(0x0b), auth("PLAIN", "\0foo\0bar"), bare(0x0a)],
            &[&failure, "0b 0 v:1.6.45", AUTHENTICATED, "0a 0"],
        );
        converse(
            &daemon,
            &[auth(mechanism, message), bare(0x0a), bare(0x0b)],
            &[&failure, &format!("0a 20 {FAILURE}")],
        );
    }
    // A step without a beginning, and one behind a failure.
    let failed = format!("22 20 {FAILURE}");
    converse(&daemon, &[step("\0foo\0bar"), bare(0x0b)], &[&failed, "0b 0 v:1.6.45"]);
    converse(
        &daemon,
        &[auth("PLAIN", ""), step("\0foo\0no"), step("\0foo\0bar")],
        &["21 21", &failed, &failed],
    );
    // Who fails after having been admitted is not admitted any more.
    converse(
        &daemon,
        &[auth("PLAIN", "\0foo\0bar"), bare(0x0a), auth("PLAIN", "\0foo\0no"), bare(0x0a)],
        &[AUTHENTICATED, "0a 0", &failure, &format!("0a 20 {FAILURE}")],
    );
    // Names and messages of absurd length.
    converse(
        &daemon,
        &[auth("PLAIN", &"x".repeat(1024)), auth("PLAIN", "\0foo\0bar"), bare(0x0a)],
        &[&failure, AUTHENTICATED, "0a 0"],
    );
    let long = "\0foo\0".to_string() + &"x".repeat(2 << 20);
    for request in [auth(&"P".repeat(33), "\0foo\0bar"), auth("PLAIN", &long)] {
        let mut client = daemon.connect();
        let _ = client.try_send(&request);
        let got = answers(&client.rest());
        assert_eq!(got.first().map(|answer| answer.status), Some(0x20));
    }
}

#[test]
fn nothing_is_done_for_a_stranger() {
    let daemon = start();
    let mut known = daemon.connect();
    known.send([auth("PLAIN", "\0foo\0bar"), packet(0x01, FLAGS_5, b"k", b"v")].concat());
    assert_eq!(lines(&known.take(24 + 13 + 24)), [AUTHENTICATED, "01 0 c"]);
    for request in [
        packet(0x00, b"", b"k", b""),
        packet(0x0d, b"", b"k", b""),
        packet(0x01, FLAGS_5, b"k", b"other"),
        packet(0x11, FLAGS_5, b"k", b"other"),
        packet(0x04, b"", b"k", b""),
        with_cas(0x14, 1, b"", b"k", b""),
        packet(0x1c, &[0; 4], b"k", b""),
        packet(0x10, b"", b"", b""),
        bare(0x08),
        bare(0x18),
        bare(0x0a),
        bare(0x07),
        bare(0x17),
        bare(0x50),
    ] {
        let expected = format!("{:02x} 20 {FAILURE}", request[1]);
        let mut client = daemon.connect();
        client.send(&request);
        assert_eq!(lines(&client.rest()), [expected]);
    }
    // A value that is only announced is not waited for.
    let mut client = daemon.connect();
    client.send(common::packets::header(0x01, 8, 1, 1 << 29));
    client.send([FLAGS_5, b"k"].concat());
    assert_eq!(lines(&client.rest()), [format!("01 20 {FAILURE}")]);
    // Text is not spoken at all.
    let mut text = daemon.connect();
    text.send("version\r\n");
    assert_eq!(text.rest(), b"");
    known.send(packet(0x00, b"", b"k", b""));
    assert_eq!(lines(&known.finish()), ["00 0 c e:\\x00\\x00\\x00\\x05 v:v"]);
}

#[test]
fn attempts_are_counted() {
    let daemon = start();
    let mut client = daemon.connect();
    let (good, bad) = (auth("PLAIN", "\0foo\0bar"), auth("PLAIN", "\0foo\0no"));
    client.send([bad.clone(), bad, auth("PLAIN", ""), good, packet(0x10, b"", b"", b"")].concat());
    let got = answers(&client.finish());
    for (name, value) in [("auth_cmds", "3"), ("auth_errors", "2")] {
        let found = got.iter().find(|answer| answer.key == name.as_bytes());
        assert_eq!(found.expect(name).value, value.as_bytes(), "{name}");
    }
}

#[test]
fn users_come_from_the_environment_too_and_are_read_again_on_sighup() {
    let place = Place::new();
    let file = users(&place, "foo:bar\n");
    let variables = [("MEMCACHED_SASL_PWDB", OsStr::new(&file))];
    let daemon =
        Daemon::launch_with(place, &["-p", "-1", "-l", "127.0.0.1", "-S", "-t", "1"], &variables);
    converse(&daemon, &[auth("PLAIN", "\0foo\0bar")], &[AUTHENTICATED]);
    let admitted = |message: &str| {
        let mut client = daemon.connect();
        client.send(auth("PLAIN", message));
        lines(&client.finish()) == [AUTHENTICATED]
    };
    fs::write(&file, "foo:new\n").expect("a file");
    daemon.signal("HUP");
    eventually(|| admitted("\0foo\0new").then_some(()));
    assert!(!admitted("\0foo\0bar"), "the old password");
}

#[test]
fn without_users_the_server_does_not_start() {
    let place = Place::new();
    let users = users(&place, "foo:bar\n");
    let ascii = ["-S", "-u", "root", "-p", "-1", "-Y", &users, "-l", "proto[ascii]:127.0.0.1"];
    for (arguments, part) in [
        (&ascii[..], "the binary protocol alone"),
        (&["-S", "-p", "-1"], "MEMCACHED_SASL_PWDB"),
        (&["-S", "-B", "ascii", "-Y", "users"], "binary protocol only"),
        (&["-S", "-u", "root", "-p", "-1", "-Y", "/nonexistent/users"], "/nonexistent/users"),
    ] {
        let (status, _, said) = run(arguments);
        assert!(!status.success(), "{arguments:?}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}
