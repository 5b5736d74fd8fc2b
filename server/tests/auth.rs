//! `-Y`: who a client is, said in text before anything else.

mod common;

use common::{Daemon, Place, run};
use std::fs;

const UNKNOWN: &str = "CLIENT_ERROR unauthenticated\r\n";
const WRONG: &str = "CLIENT_ERROR authentication failure\r\n";
const NO_WORDS: &str = "CLIENT_ERROR bad authentication token format\r\n";
const NO_END: &str = "CLIENT_ERROR bad command line termination\r\n";

struct Guarded {
    daemon: Daemon,
    place: Place,
}

fn guarded(arguments: &[&str]) -> Guarded {
    let place = Place::new();
    let users = place.0.join("users");
    fs::write(&users, "foo:bar\nbaz:qux\n").expect("written");
    let mut all = vec!["-Y", users.to_str().expect("a path")];
    all.extend(arguments);
    Guarded { daemon: Daemon::start(&all), place }
}

#[test]
fn the_first_word_is_who_one_is() {
    let guarded = guarded(&[]);
    let x = |count| "x".repeat(count);
    for (request, reply) in [
        // Everything else is refused, and one may try again.
        ("get a\r\n".to_string(), UNKNOWN.to_string()),
        ("version\r\nquit\r\nmn\r\n\r\nx\r\n".into(), UNKNOWN.repeat(5)),
        ("GET / HTTP/1.1\r\nshutdown\r\nadd a 0 0 7\r\n".into(), UNKNOWN.repeat(3)),
        (
            "ms a 7\r\nset\r\nset a\r\nset a 0 0\r\nset a 0 0 x\r\nset a 0 0 -1\r\n".into(),
            UNKNOWN.repeat(6),
        ),
        (
            "get a\r\nset a 0 0 7\r\nfoo bar\r\nget a\r\n".into(),
            format!("{UNKNOWN}STORED\r\nEND\r\n"),
        ),
        (
            "set a 0 0 7\r\nfoo baz\r\nget a\r\nset a 0 0 7\r\nfoo bar\r\nmn\r\n".into(),
            format!("{WRONG}{UNKNOWN}STORED\r\nMN\r\n"),
        ),
        // The right words, and what does not matter beside them.
        ("set a 0 0 7\r\nbaz qux\r\nget a\r\n".into(), "STORED\r\nEND\r\n".into()),
        ("set a x y 7 noreply\r\nfoo bar\r\nmn\r\n".into(), "STORED\r\nMN\r\n".into()),
        (format!("set {} 0 0 7\nfoo bar\r\nmn\r\n", x(300)), "STORED\r\nMN\r\n".into()),
        ("set a 0 0 9\r\nfoo  bar \r\nmn\r\n".into(), "STORED\r\nMN\r\n".into()),
        // Words that are wrong.
        ("set a 0 0 7\r\nfoo qux\r\n".into(), WRONG.into()),
        ("set a 0 0 8\r\nfoo barx\r\n".into(), WRONG.into()),
        ("set a 0 0 7\r\nFoo bar\r\n".into(), WRONG.into()),
        ("set a 0 0 8\r\nfoo bar\0\r\n".into(), WRONG.into()),
        ("set a 0 0 6\r\nfoobar\r\n".into(), NO_WORDS.into()),
        ("set a 0 0 4\r\nfoo \r\n".into(), NO_WORDS.into()),
        ("set a 0 0 0\r\n\r\n".into(), NO_WORDS.into()),
        (format!("set a 0 0 3000\r\n{}\r\n", x(3000)), NO_WORDS.into()),
        (format!("set a 0 0 600\r\nfoo {}\r\n", x(596)), WRONG.into()),
        // So long that nobody waits for it; what comes behind it is heard again.
        (
            format!("set a 0 0 100000\r\nfoo {}\r\nset a 0 0 7\r\nfoo bar\r\nmn\r\n", x(99_996)),
            format!("{WRONG}STORED\r\nMN\r\n"),
        ),
        // Words that do not end where they should.
        ("set a 0 0 6\r\nfoo bar\r\n".into(), format!("{NO_END}{UNKNOWN}")),
        ("set a 0 0 7\r\nfoo bar\n\n".into(), NO_END.into()),
        // A line that does not end.
        (x(3000), String::new()),
        (format!("get {}", x(3000)), String::new()),
    ] {
        let mut client = guarded.daemon.connect();
        client.send(&request);
        let got = client.finish();
        assert_eq!(
            got.escape_ascii().to_string(),
            reply.as_bytes().escape_ascii().to_string(),
            "{request}"
        );
    }
}

#[test]
fn it_may_drip_in() {
    let guarded = guarded(&[]);
    let mut client = guarded.daemon.connect();
    for byte in b"set a 0 0 7\r\nfoo bar\r\nset a 0 0 1\r\nx\r\nget a\r\n" {
        client.send([*byte]);
    }
    client.expect("", "STORED\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
}

#[test]
fn attempts_are_counted_and_settings_tell_the_file() {
    let guarded = guarded(&["-t", "1"]);
    let mut client = guarded.daemon.connect();
    client.expect("set a 0 0 7\r\nfoo baz\r\n", WRONG);
    client.expect("set a 0 0 3\r\nfoo\r\n", NO_WORDS);
    client.expect("get a\r\n", UNKNOWN);
    client.expect("set a 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
    assert_eq!(client.stat("auth_cmds"), 2);
    assert_eq!(client.stat("auth_errors"), 1);
    client.send("stats settings\r\n");
    let settings = String::from_utf8(client.until("END\r\n")).expect("text");
    for line in [
        format!("auth_enabled_ascii {}", guarded.place.0.join("users").display()),
        "auth_enabled_sasl no".into(),
        "binding_protocol ascii".into(),
    ] {
        assert!(settings.contains(&format!("STAT {line}\r\n")), "{line} in {settings}");
    }
}

#[test]
fn binary_requests_are_no_way_around_it() {
    let guarded = guarded(&["-l", "proto[negotiating]:127.0.0.1"]);
    let mut noop = vec![0x80, 0x0a];
    noop.resize(24, 0);
    for port in [&guarded.daemon].iter().flat_map(|daemon| {
        let text = fs::read_to_string(daemon.place.0.join("ports")).expect("ports");
        let port = |line: &str| line.rsplit(' ').next().and_then(|port| port.parse::<u16>().ok());
        text.lines().filter_map(port).collect::<Vec<_>>()
    }) {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
        let mut client = common::Client::new(Box::new(stream));
        client.send(&noop);
        client.send("\r\n");
        client.expect("", UNKNOWN);
    }
}

#[test]
fn users_are_read_again_when_told_to() {
    let guarded = guarded(&[]);
    let users = guarded.place.0.join("users");
    let login = |user: &str, password: &str| {
        let mut client = guarded.daemon.connect();
        let len = user.len() + password.len() + 1;
        client.send(format!("set a 0 0 {len}\r\n{user} {password}\r\n"));
        client.until("\r\n") == b"STORED\r\n"
    };
    let mut inside = guarded.daemon.connect();
    inside.expect("set a 0 0 7\r\nfoo bar\r\n", "STORED\r\n");
    fs::write(&users, "foo:new\n").expect("written");
    assert!(login("foo", "bar") && !login("foo", "new"));
    guarded.daemon.hang_up();
    assert!(login("foo", "new"));
    assert!(!login("foo", "bar") && !login("baz", "qux"));
    // Who is in stays in; and a file that is not good changes nothing.
    inside.expect("mn\r\n", "MN\r\n");
    for damage in ["no colon\n", ""] {
        fs::write(&users, damage).expect("written");
        guarded.daemon.hang_up();
        assert!(login("foo", "new"));
    }
    fs::remove_file(&users).expect("removed");
    guarded.daemon.hang_up();
    assert!(login("foo", "new"));
    fs::write(&users, "third:time\n").expect("written");
    guarded.daemon.hang_up();
    assert!(login("third", "time") && !login("foo", "new"));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let place = Place::new();
    let path = |name: &str| place.0.join(name).to_str().expect("a path").to_string();
    fs::write(path("users"), "foo:bar\n").expect("written");
    fs::write(path("bad"), "foo\n").expect("written");
    let (users, bad, none) = (path("users"), path("bad"), path("none"));
    for (arguments, status, part) in [
        (&["-Y", &users, "-B", "binary"][..], 64, "neither -B binary"),
        (&["-Y", &users, "-S"], 64, "nor -S"),
        (&["-Y", &users, "-U", "-1"], 64, "datagram"),
        (&["-Y", &users, "-l", "proto[binary]:127.0.0.1"], 71, "in text"),
        (&["-Y", &bad], 71, "line 1: wants user:password"),
        (&["-Y", &none], 71, "No such file"),
    ] {
        let arguments = [&["-u", "root", "-p", "-1", "-l", "127.0.0.1"], arguments].concat();
        let (code, _, said) = run(&arguments);
        assert_eq!(code.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
