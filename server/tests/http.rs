//! `--http`: who is answered and how, that the metrics and the live numbers are those of the cache, and that visitors
//! who are slow, many or wrong bother nobody.

mod common;

use common::{Client, Daemon, Place, eventually};
use serde_json::Value;
use std::fs;
use std::net::TcpStream;

/// The port that the daemon said.
fn port(daemon: &Daemon) -> u16 {
    let start = "nearcached: serves http://127.0.0.1:";
    let line = daemon.said.lines().find_map(|line| line.strip_prefix(start));
    line.and_then(|line| line.trim_end_matches('/').parse().ok()).expect("a port was said")
}

fn visitor(port: u16) -> Client {
    Client::new(Box::new(TcpStream::connect(("127.0.0.1", port)).expect("connects")))
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn line(&self, name: &str) -> Option<&str> {
        let found = |line: &'_ &str| {
            line.split_once(": ").is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        self.head.lines().find(found).map(|line| line.split_once(": ").expect("a colon").1)
    }
}

fn answer(client: &mut Client, with_body: bool) -> Answer {
    let head = client.head();
    let mut answer =
        Answer { status: head[9..12].parse().expect("a number"), head, body: String::new() };
    if with_body {
        let len = answer.line("Content-Length").expect("a length").parse().expect("a number");
        answer.body = String::from_utf8(client.take(len)).expect("text");
    }
    answer
}

fn get(client: &mut Client, path: &str) -> Answer {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    answer(client, true)
}

fn live(client: &mut Client) -> Value {
    serde_json::from_str(&get(client, "/api/live").body).expect("JSON")
}

/// The metrics by name and labels.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().expect("a number")
}

#[test]
fn answers_and_what_goes_before_them() {
    let daemon = Daemon::start(&["--http", "0"]);
    let mut client = visitor(port(&daemon));
    let page = get(&mut client, "/");
    assert_eq!((page.status, page.line("Content-Type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.line("Content-Security-Policy").expect("a policy").to_string();
    let nonce = policy.split("'nonce-").nth(1).expect("a nonce").split('\'').next().expect("it");
    assert!(nonce.len() == 32 && page.body.matches(nonce).count() == 2, "{policy}");
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    // Nothing is loaded from anywhere else.
    for word in ["http:", "https:", "//cdn", "src=", "@import", "url(", "NONCE"] {
        let found = page.body.lines().find(|line| line.contains(word) && !line.starts_with("<!--"));
        assert_eq!(found, None, "{word}");
    }
    let again = get(&mut client, "/");
    assert!(!again.body.contains(nonce), "a number of each answer's own");
    for (name, value) in [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ] {
        assert_eq!(again.line(name), Some(value), "{name}");
    }
    client.send("HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n");
    let head = answer(&mut client, false);
    assert_eq!(head.status, 200);
    assert_eq!(head.line("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    // The connection goes on behind it, and behind what is not there.
    assert_eq!(get(&mut client, "/nothing").status, 404);
    assert_eq!(get(&mut client, "/?x=1").status, 200);
    // Two at once are answered in turn.
    client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(answer(&mut client, true).status, 404);
    let last = answer(&mut client, true);
    assert_eq!((last.status, last.line("Connection")), (200, Some("close")));
    assert_eq!(client.rest(), b"");
}

#[test]
fn what_is_wrong_is_refused_and_the_connection_closed() {
    let daemon = Daemon::start(&["--http", "0"]);
    let port = port(&daemon);
    let host = "Host: localhost\r\n";
    for (request, status) in [
        (format!("POST / HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc"), 405),
        (format!("GET / HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc"), 413),
        (format!("GET / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 413),
        ("GET / HTTP/1.1\r\n\r\n".into(), 400),
        (format!("GET / HTTP/1.1\r\n{host}{host}\r\n"), 400),
        (format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(9000)), 431),
        ("\u{1}\u{2}nonsense\r\n\r\n".into(), 400),
        ("get a\r\n".into(), 400),
    ] {
        let mut client = visitor(port);
        client.send(&request);
        let refused = answer(&mut client, true);
        assert_eq!(refused.status, status, "{request:?}");
        assert!(refused.body.ends_with('\n') && refused.body.len() > 20, "{request:?} says why");
        assert_eq!(client.rest(), b"", "{request:?}");
    }
    // DNS rebinding: another's name for this machine.
    for host in ["evil.example", "evil.example:80", "localhost.evil.example"] {
        let mut client = visitor(port);
        client.send(format!("GET /api/live HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer(&mut client, true).status, 403, "{host}");
    }
    // An old one names no host, and is let go after its answer.
    let mut client = visitor(port);
    client.send("GET /metrics HTTP/1.0\r\n\r\n");
    assert_eq!(answer(&mut client, true).status, 200);
    assert_eq!(client.rest(), b"");
}

#[test]
fn metrics_are_the_caches_numbers() {
    let daemon = Daemon::start(&["--http", "0", "-m", "100"]);
    let mut client = daemon.connect();
    client.expect(
        "set a 0 0 1\r\nx\r\nget a b\r\nget c\r\ndelete a\r\n",
        "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nEND\r\nDELETED\r\n",
    );
    client.expect(
        "set n 0 0 1\r\n5\r\nincr n 1\r\ncas n 0 0 1 1\r\n5\r\n",
        "STORED\r\n6\r\nEXISTS\r\n",
    );
    let text = get(&mut visitor(port(&daemon)), "/metrics").body;
    for (name, value) in [
        ("memcached_up", 1.0),
        ("memcached_version{version=\"1.6.45\"}", 1.0),
        ("memcached_limit_bytes", 104_857_600.0),
        ("memcached_current_items", 1.0),
        ("memcached_current_connections", 1.0),
        ("memcached_commands_total{command=\"get\",status=\"hit\"}", 1.0),
        ("memcached_commands_total{command=\"get\",status=\"miss\"}", 2.0),
        ("memcached_commands_total{command=\"set\",status=\"hit\"}", 2.0),
        ("memcached_commands_total{command=\"cas\",status=\"badval\"}", 1.0),
        ("memcached_commands_total{command=\"delete\",status=\"hit\"}", 1.0),
        ("memcached_items_evicted_total", 0.0),
        ("nearcached_get_hits_total", 1.0),
        ("nearcached_incr_hits_total", 1.0),
        ("nearcached_items", 1.0),
    ] {
        assert_eq!(metric(&text, name), value, "{name}");
    }
}

#[test]
fn the_page_is_told_what_is_in_the_cache_and_what_is_asked_for() {
    let daemon = Daemon::start(&["--http", "0", "-t", "2"]);
    let mut client = daemon.connect();
    for number in 0..500 {
        let ttl = if number % 5 == 0 { 0 } else { 1800 };
        client.send(format!("set key{number} 0 {ttl} 30 noreply\r\n{:030}\r\n", number));
    }
    let evil = "<img/src=x\u{a0}onerror=alert(1)>";
    client.expect(
        format!("set {evil} 0 0 50000\r\n{}\r\nmn\r\n", "x".repeat(50_000)),
        "STORED\r\nMN\r\n",
    );
    let mut page = visitor(port(&daemon));
    // One key is read ten times as often as any other.
    let busy = format!(
        "get key7{}\r\nmn\r\n",
        " key1 key7 key7 key2 key7 key7 key7 key3 key7 key7 key4".repeat(20)
    );
    let told = eventually(|| {
        client.send(&busy);
        client.until("MN\r\n");
        let told = live(&mut page);
        let rate = |number: usize| told["hottest"][number]["rate"].as_f64().unwrap_or(0.0);
        (told["survey"]["whole"] == true && rate(1) > 0.0 && rate(0) > 3.0 * rate(1))
            .then_some(told)
    });
    assert_eq!(told["hottest"][0]["key"], "key7", "{told}");
    let survey = &told["survey"];
    assert_eq!(survey["items"], 501);
    let band = |list: &str, label: &str| -> u64 {
        let bands = survey[list].as_array().expect("a list");
        let found = bands.iter().find(|band| band["label"] == label).expect(label);
        found["items"].as_u64().expect("a number")
    };
    assert_eq!((band("left", "up to 1 h"), band("left", "for ever")), (400, 101));
    assert_eq!(band("sizes", "up to 128 B"), 500);
    assert_eq!(band("sizes", "up to 64 KiB"), 1);
    assert_eq!(survey["largest"][0]["key"], evil);
    assert_eq!(told["stats"]["curr_items"], 501);
    assert_eq!(told["stats"]["cmd_set"], 501);
    // What is a tag in a key is none in the answer.
    assert!(!get(&mut page, "/api/live").body.contains('<'));
}

#[test]
fn visitors_who_only_sit_there_keep_nobody_out() {
    let daemon = Daemon::start(&["--http", "0"]);
    let port = port(&daemon);
    let mut sitting: Vec<Client> = (0..100).map(|_| visitor(port)).collect();
    for client in &mut sitting {
        // Some were shown out already.
        let _ = client.try_send(b"GET / HTTP/1.1\r\nHost: ");
    }
    assert_eq!(get(&mut visitor(port), "/metrics").status, 200);
    // The cache's clients notice nothing, and visitors do not count as such.
    let mut client = daemon.connect();
    assert_eq!(client.stat("curr_connections"), 1);
}

#[test]
fn a_place_that_is_taken_is_said() {
    let daemon = Daemon::start(&["--http", "0"]);
    let place = port(&daemon).to_string();
    let (status, _, said) =
        common::run(&["-u", "root", "-p", "-1", "-l", "127.0.0.1", "--http", &place]);
    assert_eq!(status.code(), Some(71));
    assert!(said.contains(&format!("--http {place}: cannot listen")), "{said}");
}

#[test]
fn what_it_shows_to_anybody_is_said() {
    let place = Place::new();
    let users = place.0.join("users");
    fs::write(&users, "a:b\n").expect("written");
    let users = users.to_str().expect("a path").to_string();
    for (arguments, shown) in [
        (&["--http", "0"][..], None),
        (&["--http", "0", "-Y", &users], Some("it shows keys and asks for no password")),
        (&["--http", "0", "-Y", &users, "-X"], Some("it asks for no password")),
        (&["--http", "0.0.0.0:0"], Some("it shows keys and asks for no password")),
    ] {
        let said = Daemon::start(arguments).said.clone();
        match shown {
            Some(words) => assert!(said.contains(words), "{arguments:?}: {said}"),
            None => assert!(!said.contains("no password"), "{arguments:?}: {said}"),
        }
    }
}

#[test]
fn keys_are_not_shown_where_dumps_are_forbidden() {
    let daemon = Daemon::start(&["--http", "0", "-X", "-t", "1"]);
    let (mut client, mut visitor) = (daemon.connect(), visitor(port(&daemon)));
    client.expect("set secret 0 0 1\r\nx\r\n", "STORED\r\n");
    eventually(|| {
        client
            .expect("get secret\r\n".repeat(100), &"VALUE secret 0 1\r\nx\r\nEND\r\n".repeat(100));
        let seen = live(&mut visitor);
        assert!(!seen.to_string().contains("secret"), "{seen}");
        // It has been all through the cache by then, and heard of some of the reads.
        let written = client.stat("log_worker_written");
        (seen["survey"]["items"] == 1 && written > 10).then_some(())
    });
}
