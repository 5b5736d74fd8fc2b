//! TLS: what a client sees of it, when all goes well and when its end or ours is wrong.

#[path = "common/certificates.rs"]
mod certificates;
mod common;

use certificates::{Authority, Drip, Files, VERSIONS, attempt, connect, ports, session, tcp};
use common::{Client, Daemon, Random, run};
use rustls::StreamOwned;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;

fn settings(client: &mut Client) -> String {
    client.send("stats settings\r\n");
    String::from_utf8(client.until("END\r\n")).expect("text")
}

#[test]
fn both_versions_serve() {
    let files = Files::new();
    let daemon = files.daemon("", &[]);
    for version in VERSIONS {
        let config = files.authority.client(None, &[version]);
        let mut client = connect(&daemon, &config);
        client.expect("set a 1 0 3\r\nabc\r\n", "STORED\r\n");
        client.expect("get a\r\n", "VALUE a 1 3\r\nabc\r\nEND\r\n");
        let settings = settings(&mut client);
        for line in [
            "ssl_enabled yes".to_string(),
            format!("ssl_chain_cert {}", files.path("chain.pem").display()),
            "ssl_verify_mode 0".to_string(),
            "ssl_ciphers NULL".to_string(),
            "ssl_session_cache no".to_string(),
            "ssl_min_version tlsv1.2".to_string(),
        ] {
            assert!(settings.contains(&format!("STAT {line}\r\n")), "{line} in {settings}");
        }
        // What was asked is answered though the client has said that it ends; and the server says that it ends.
        client.send("get a\r\nget");
        assert_eq!(client.finish(), b"VALUE a 1 3\r\nabc\r\nEND\r\n");
        let mut client = connect(&daemon, &config);
        client.send("get a\r\nquit\r\n");
        assert_eq!(client.rest(), b"VALUE a 1 3\r\nabc\r\nEND\r\n");
    }
    let mut client = connect(&daemon, &files.client());
    assert_eq!(client.stat("ssl_handshake_errors"), 0);
    assert_eq!(client.stat("ssl_proto_errors"), 0);
}

#[test]
fn the_newest_version_alone_and_chosen_ciphers() {
    let files = Files::new();
    let [old, new] = VERSIONS.map(|version| files.authority.client(None, &[version]));
    let daemon = files.daemon("ssl_min_version=3", &[]);
    let why = attempt(daemon.port, &old).expect_err("too old");
    assert!(why.contains("ProtocolVersion"), "{why}");
    assert_eq!(attempt(daemon.port, &new).as_deref(), Ok("MN\r\n"));
    let daemon = files.daemon("ssl_ciphers=ECDHE+CHACHA20:!RSA,ssl_min_version=2", &[]);
    let mut stream = StreamOwned::new(session(&old), tcp(daemon.port));
    stream.write_all(b"mn\r\n").expect("sends");
    stream.read_exact(&mut [0; 4]).expect("answers");
    let suite = stream.conn.negotiated_cipher_suite().expect("a cipher").suite();
    assert_eq!(suite.as_str(), Some("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"));
}

#[test]
fn large_values_and_long_pipelines_go_both_ways() {
    let files = Files::new();
    let daemon = files.daemon("", &["-m", "128", "-I", "16m", "-t", "2"]);
    for version in VERSIONS {
        let mut client = connect(&daemon, &files.authority.client(None, &[version]));
        let value: Vec<u8> = (0..9_000_000u32).map(|index| (index >> 5) as u8).collect();
        client.send(format!("set a 0 0 {}\r\n", value.len()));
        client.send(&value);
        client.expect("\r\n", "STORED\r\n");
        client.send("get a a a\r\n");
        let head = format!("VALUE a 0 {}\r\n", value.len());
        for _ in 0..3 {
            assert_eq!(client.take(head.len()), head.as_bytes());
            assert!(client.take(value.len()) == value);
            assert_eq!(client.take(2), b"\r\n");
        }
        assert_eq!(client.take(5), b"END\r\n");
        let mut request = String::new();
        let mut reply = String::new();
        for number in 0..5000 {
            request += &format!("set k{number} 0 0 9\r\nv{number:08}\r\nget k{number}\r\n");
            reply += &format!("STORED\r\nVALUE k{number} 0 9\r\nv{number:08}\r\nEND\r\n");
        }
        client.expect(request, &reply);
    }
}

/// Every cut of what is sent into records, and of records into reads, gives the same.
#[test]
fn records_of_any_size_in_pieces_of_any_size() {
    let files = Files::new();
    let daemon = files.daemon("ssl_wbuf_size=1", &["-t", "1"]);
    let value = "v".repeat(60_000);
    let mut random = Random::new();
    for version in VERSIONS {
        let config = files.authority.client(None, &[version]);
        let mut drip =
            Client::new(Box::new(StreamOwned::new(session(&config), Drip(tcp(daemon.port)))));
        drip.expect("set a 0 0 3\r\nabc\r\nget a\r\n", "STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\n");
        let mut client = connect(&daemon, &config);
        let mut request = format!("set b 0 0 {}\r\n{value}\r\nget b b\r\nmn\r\n", value.len());
        let one = format!("VALUE b 0 {}\r\n{value}\r\n", value.len());
        while !request.is_empty() {
            let most = [3, 100, 5000, 40_000][random.below(4) as usize];
            let rest = request.split_off(random.below(most).min(request.len() as u64) as usize);
            client.send(std::mem::replace(&mut request, rest));
        }
        client.expect("", &format!("STORED\r\n{one}{one}END\r\nMN\r\n"));
    }
}

#[test]
fn certificates_of_clients_in_every_mode() {
    let (files, stranger) = (Files::new(), Authority::new("stranger"));
    let ca = format!("ssl_ca_cert={}", files.path("ca.pem").display());
    let identities = [
        None,
        Some(files.authority.identity()),
        Some(stranger.identity()),
        Some(files.authority.expired()),
    ];
    // With no certificate, a good one, one signed by somebody else, one that is over.
    for (mode, expected) in [
        (0, [true, true, true, true]),
        (1, [true, true, false, false]),
        (2, [false, true, false, false]),
        (3, [false, true, false, false]),
    ] {
        let daemon = files.daemon(&format!("{ca},ssl_verify_mode={mode}"), &[]);
        let mut failed = 0;
        for version in VERSIONS {
            for (number, identity) in identities.iter().enumerate() {
                let config = files.authority.client(identity.as_ref(), &[version]);
                let came = attempt(daemon.port, &config);
                assert_eq!(came.is_ok(), expected[number], "{mode} {number} {came:?}");
                failed += u64::from(came.is_err());
            }
        }
        let good = files.authority.client(identities[1].as_ref(), &VERSIONS);
        // In TLS 1.3 a client is done before the server has looked at its certificate.
        connect(&daemon, &good).stat_until("ssl_handshake_errors", |count| count == failed);
        // Nor does a client trust a server whose certificate somebody else has signed.
        let why = attempt(daemon.port, &stranger.client(None, &VERSIONS)).expect_err("no trust");
        assert!(why.contains("UnknownIssuer"), "{why}");
    }
}

#[test]
fn each_listener_has_its_own_protection() {
    let files = Files::new();
    let ca = format!("ssl_ca_cert={},ssl_verify_mode=1", files.path("ca.pem").display());
    let listen =
        ["-l", "notls:127.0.0.1,btls:127.0.0.1,mtls:127.0.0.1,proto[ascii]:mtls:127.0.0.1"];
    let daemon = files.daemon(&ca, &listen);
    let ports = ports(&daemon);
    assert_eq!(ports.len(), 5);
    let none = files.client();
    let good = files.authority.client(Some(&files.authority.identity()), &VERSIONS);
    let bad = files.authority.client(Some(&files.authority.expired()), &VERSIONS);
    for (port, expected) in ports.iter().zip([
        [true, true, false],
        [false; 3],
        [true; 3],
        [false, true, false],
        [false, true, false],
    ]) {
        let came = [&none, &good, &bad].map(|config| attempt(*port, config).is_ok());
        assert_eq!(came, expected);
    }
    Client::new(Box::new(tcp(ports[1]))).expect("mn\r\n", "MN\r\n");
}

#[test]
fn certificates_are_changed_while_it_runs() {
    let files = Files::new();
    let daemon = files.daemon("", &["--debug-clock"]);
    let first = files.client();
    let mut old = connect(&daemon, &first);
    old.expect("debugtime 100\r\n", "OK\r\n");
    assert!(old.stat("time_since_server_cert_refresh") >= 100);
    let second = Authority::new("second");
    let trusts_second = second.client(None, &VERSIONS);
    files.put(&second.identity());
    // Nothing happens before it is asked for.
    assert!(attempt(daemon.port, &trusts_second).is_err());
    old.expect("refresh_certs\r\n", "OK\r\n");
    assert!(old.stat("time_since_server_cert_refresh") < 100);
    assert_eq!(attempt(daemon.port, &trusts_second).as_deref(), Ok("MN\r\n"));
    assert!(attempt(daemon.port, &first).is_err());
    old.expect("mn\r\n", "MN\r\n");
    // What is not good changes nothing.
    let (chain, key) = (files.path("chain.pem"), files.path("key.pem"));
    files.write("key.pem", &Authority::new("third").identity().key);
    old.send("refresh_certs\r\n");
    let said = String::from_utf8(old.until("\r\n")).expect("text");
    assert!(said.starts_with("Error validating the certificate: "), "{said}");
    for (path, begins) in
        [(&chain, "Error loading the certificate chain: "), (&key, "Error loading the key: ")]
    {
        files.put(&second.identity());
        for damage in
            ["", "nonsense", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"]
        {
            std::fs::write(path, damage).expect("written");
            old.send("refresh_certs\r\n");
            let said = String::from_utf8(old.until("\r\n")).expect("text");
            assert!(said.starts_with(&format!("{begins}{}", path.display())), "{said}");
        }
        std::fs::remove_file(path).expect("removed");
        old.send("refresh_certs\r\n");
        let said = String::from_utf8(old.until("\r\n")).expect("text");
        assert!(said.contains("No such file"), "{said}");
    }
    // SIGHUP with a file missing: all stays; then with good files: they are taken.
    daemon.hang_up();
    assert_eq!(attempt(daemon.port, &trusts_second).as_deref(), Ok("MN\r\n"));
    files.put(&files.authority.identity());
    daemon.hang_up();
    assert_eq!(attempt(daemon.port, &first).as_deref(), Ok("MN\r\n"));
    old.expect("mn\r\n", "MN\r\n");
    Daemon::start(&[]).connect().expect("refresh_certs\r\n", "Error TLS not enabled\r\n");
}

#[test]
fn sessions_go_on_if_wanted() {
    let files = Files::new();
    for version in VERSIONS {
        for (more, fresh) in [("ssl_session_cache", 1), ("", 0)] {
            let daemon = files.daemon(more, &[]);
            let config = files.authority.client(None, &[version]);
            for _ in 0..4 {
                connect(&daemon, &config).expect("mn\r\n", "MN\r\n");
            }
            let mut client = connect(&daemon, &config);
            if fresh > 0 {
                assert_eq!(client.stat("ssl_new_sessions"), fresh);
            } else {
                client.send("stats\r\n");
                let text = String::from_utf8(client.until("END\r\n")).expect("text");
                assert!(!text.contains("ssl_new_sessions"), "{text}");
            }
        }
    }
}

#[test]
fn what_is_no_tls_is_answered_with_an_alert() {
    let files = Files::new();
    let daemon = files.daemon("", &["-t", "2"]);
    let mut random = Random::new();
    let mut garbage =
        vec![b"version\r\n".to_vec(), b"GET / HTTP/1.1\r\n\r\n".repeat(1000), vec![0x80; 24]];
    for _ in 0..100 {
        let mut bytes: Vec<u8> = (0..random.below(300)).map(|_| random.next() as u8).collect();
        // Some of them begin as a handshake does.
        if random.below(2) == 0 {
            bytes.splice(..0, [22, 3, 1, 0, random.next() as u8]);
        }
        garbage.push(bytes);
    }
    for bytes in &garbage {
        let mut client = Client::new(Box::new(tcp(daemon.port)));
        let _ = client.try_send(bytes);
        let got = client.finish();
        // An alert, if enough was sent to be sure; and no reply.
        assert!(
            got.is_empty() || got[0] == 21,
            "{} to {}",
            got.escape_ascii(),
            bytes.escape_ascii()
        );
    }
    let mut client = Client::new(Box::new(tcp(daemon.port)));
    client.send("version\r\n");
    assert_eq!(client.rest()[..1], [21]);
    let config = files.client();
    let mut other = connect(&daemon, &config);
    other.stat_until("ssl_handshake_errors", |count| count == garbage.len() as u64 + 1);
    // Garbage behind a good handshake.
    let mut stream = StreamOwned::new(session(&config), tcp(daemon.port));
    stream.write_all(b"mn\r\n").expect("sends");
    stream.read_exact(&mut [0; 4]).expect("answers");
    stream.sock.write_all(&[23, 3, 3, 0, 40]).expect("sends");
    stream.sock.write_all(&[7; 40]).expect("sends");
    let why = stream.read(&mut [0; 4]).expect_err("an alert");
    assert!(why.to_string().contains("BadRecordMac"), "{why}");
    other.stat_until("ssl_proto_errors", |count| count == 1);
}

#[test]
fn who_does_not_get_done_with_the_handshake_is_closed() {
    let files = Files::new();
    let daemon = files.daemon("", &["--debug-clock", "-t", "1"]);
    let config = files.client();
    let mut admin = connect(&daemon, &config);
    let silent: Vec<_> = (0..5).map(|_| tcp(daemon.port)).collect();
    let mut halfway = tcp(daemon.port);
    let mut hello = Vec::new();
    session(&config).write_tls(&mut hello).expect("a hello");
    halfway.write_all(&hello[..hello.len() / 2]).expect("sends");
    let mut talker = connect(&daemon, &config);
    talker.expect("mn\r\n", "MN\r\n");
    admin.stat_until("curr_connections", |count| count == 8);
    admin.expect("debugtime 25\r\n", "OK\r\n");
    halfway.write_all(&hello[hello.len() / 2..hello.len() - 1]).expect("sends");
    assert_eq!(admin.stat("curr_connections"), 8);
    admin.expect("debugtime 25\r\n", "OK\r\n");
    // A second of its own clock and of the server's may pass between.
    for stream in silent.iter().chain([&halfway]) {
        let mut rest = Vec::new();
        let mut stream = stream;
        let _ = stream.read_to_end(&mut rest);
    }
    admin.stat_until("curr_connections", |count| count == 2);
    assert_eq!(admin.stat("ssl_handshake_errors"), 6);
    // Who has said who it is may be silent.
    talker.expect("mn\r\n", "MN\r\n");
}

#[test]
fn one_that_does_not_read_is_bounded() {
    let files = Files::new();
    let daemon = files.daemon("", &["-t", "1"]);
    let config = files.client();
    let (mut slow, mut other) = (connect(&daemon, &config), connect(&daemon, &config));
    let value = "v".repeat(500_000);
    slow.expect(format!("set big 0 0 500000\r\n{value}\r\n"), "STORED\r\n");
    slow.send("get big\r\n".repeat(200));
    // What is unsent before the next request waits, one item, the buffer's doubling, and what is encrypted.
    let most = 2 * (64 * 1024 + 500_000 + 1024) + 2 * 64 * 1024;
    common::eventually(|| {
        let held = other.stat("response_obj_bytes");
        assert!(held <= most, "{held} bytes held for one client");
        other.send("stats conns\r\n");
        String::from_utf8_lossy(&other.until("END\r\n")).contains("conn_mwrite").then_some(())
    });
    let one = format!("VALUE big 0 500000\r\n{value}\r\nEND\r\n");
    for _ in 0..200 {
        assert!(slow.take(one.len()) == one.as_bytes());
    }
    other.stat_until("response_obj_bytes", |held| held <= 64 * 1024);
}

/// A reply is encrypted whole, and the rest of it cannot be sent yet: it is counted, and sent when the client reads.
#[test]
fn what_is_encrypted_waits_for_its_reader() {
    let files = Files::new();
    let daemon = files.daemon("ssl_wbuf_size=65536", &["-t", "1", "-m", "256", "-I", "64m"]);
    let config = files.client();
    let (mut slow, mut other) = (connect(&daemon, &config), connect(&daemon, &config));
    // More than the system's buffers take.
    let value = "v".repeat(40_000_000);
    slow.expect(format!("set big 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    // Its reply is written at once; of a get's, the last line would be left, and keep the connection waiting.
    slow.send("mg big v\r\n");
    common::eventually(|| {
        other.send("stats conns\r\n");
        String::from_utf8_lossy(&other.until("END\r\n")).contains("conn_mwrite").then_some(())
    });
    assert!(other.stat("response_obj_bytes") > 10_000_000);
    let reply = format!("VA {}\r\n{value}\r\n", value.len());
    assert!(slow.take(reply.len()) == reply.as_bytes());
    slow.expect("mn\r\n", "MN\r\n");
}

#[test]
fn a_hundred_at_once() {
    let files = Files::new();
    let daemon = files.daemon("", &["-t", "4"]);
    let config = files.client();
    connect(&daemon, &config).expect("set n 0 0 1\r\n0\r\n", "STORED\r\n");
    let clients: Vec<_> = (0..100).map(|_| connect(&daemon, &config)).collect();
    thread::scope(|scope| {
        for (number, mut client) in clients.into_iter().enumerate() {
            scope.spawn(move || {
                for turn in 0..20 {
                    let (len, pad) = (number * 50 + turn, "p".repeat(number * 50));
                    client.send("incr n 1 noreply\r\n".repeat(3));
                    let value = format!("{pad}{}", "t".repeat(turn));
                    client.expect(format!("set k{number} 0 0 {len}\r\n{value}\r\n"), "STORED\r\n");
                    client.expect(
                        format!("get k{number}\r\n"),
                        &format!("VALUE k{number} 0 {len}\r\n{value}\r\nEND\r\n"),
                    );
                }
            });
        }
    });
    let mut client = connect(&daemon, &config);
    client.expect("get n\r\n", "VALUE n 0 4\r\n6000\r\nEND\r\n");
    assert_eq!(client.stat("total_connections"), 102);
}

/// The limit is about what clients send; those who are silent are not to make room for those who are not.
#[test]
fn idle_connections_are_not_closed_for_what_they_cost() {
    let files = Files::new();
    let daemon = files.daemon("read_buf_mem_limit=1", &["-t", "1", "-I", "1k"]);
    let config = files.client();
    let mut idle: Vec<_> = (0..300).map(|_| connect(&daemon, &config)).collect();
    for client in &mut idle {
        client.expect("mn\r\n", "MN\r\n");
    }
    for client in &mut idle {
        client.expect("mn\r\n", "MN\r\n");
    }
    assert_eq!(idle[0].stat("read_buf_oom"), 0);
}

#[test]
fn over_the_limit_a_client_learns_it_by_an_alert() {
    let files = Files::new();
    let daemon = files.daemon("", &["-c", "1"]);
    let config = files.client();
    let mut first = connect(&daemon, &config);
    first.expect("mn\r\n", "MN\r\n");
    let why = attempt(daemon.port, &config).expect_err("one too many");
    assert!(why.contains("InternalError"), "{why}");
    assert_eq!(first.stat("rejected_connections"), 1);
}

#[test]
fn files_that_are_wrong_end_it_at_once() {
    let files = Files::new();
    files.write("foreign.pem", &Authority::new("another").identity().key);
    files.write("empty.pem", "");
    let place = |name: &str| files.path(name).display().to_string();
    for (options, part) in [
        ("ssl_key=x".to_string(), "ssl_chain_cert"),
        ("ssl_chain_cert=/no/such/file".to_string(), "/no/such/file"),
        (files.options("ssl_key=/no/such/key"), "Error loading the key: /no/such/key"),
        (format!("ssl_chain_cert={}", place("chain.pem")), "no private key in PEM"),
        (files.options(&format!("ssl_key={}", place("foreign.pem"))), "is not that of the first"),
        (files.options(&format!("ssl_key={}", place("empty.pem"))), "no private key in PEM"),
        (files.options("ssl_keyformat=2"), "Error loading the key"),
        (files.options("ssl_ca_cert=/no/ca"), "Error loading the CA certificate: /no/ca"),
        (files.options(&format!("ssl_ca_cert={}", place("key.pem"))), "no certificate in PEM"),
        (files.options("ssl_verify_mode=1"), "ssl_ca_cert"),
        (files.options("ssl_ciphers=RC4-MD5"), "RC4-MD5"),
    ] {
        let (code, _, said) =
            run(&["-u", "root", "-p", "-1", "-l", "127.0.0.1", "-Z", "-o", &options]);
        assert_eq!(code.code(), Some(64), "{options}: {said}");
        assert!(said.contains(part), "{options}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for (listen, part) in [("btls:127.0.0.1", "with -Z only"), ("mtls:127.0.0.1", "with -Z only")] {
        let (code, _, said) = run(&["-u", "root", "-p", "-1", "-l", listen]);
        assert_eq!(code.code(), Some(71), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let options = files.options("");
    let (_, _, said) =
        run(&["-u", "root", "-p", "-1", "-l", "mtls:127.0.0.1", "-Z", "-o", &options]);
    assert!(said.contains("mtls wants -o ssl_ca_cert"), "{said}");
}

/// Another implementation than ours as client and as maker of certificates: one file for certificate and key, and a
/// certificate of the first version.
#[test]
fn openssl_is_served() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    let files = Files::new();
    let openssl = |arguments: &[&str]| {
        let done = Command::new("openssl").args(arguments).output().expect("openssl runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let path = |name: &str| files.path(name).display().to_string();
    let [key, request, chain] = ["own.key", "own.csr", "own.pem"].map(path);
    openssl(&[
        "req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", "/CN=x",
    ]);
    openssl(&["x509", "-req", "-in", &request, "-signkey", &key, "-out", &chain, "-days", "2"]);
    let both = std::fs::read_to_string(&chain).expect("chain")
        + &std::fs::read_to_string(&key).expect("key");
    files.write("both.pem", &both);
    let options = format!("ssl_chain_cert={}", path("both.pem"));
    let daemon = Daemon::start(&["-Z", "-o", &options]);
    for version in ["-tls1_2", "-tls1_3"] {
        let place = format!("127.0.0.1:{}", daemon.port);
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-CAfile", &chain])
            .args([version, "-connect", &place])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut input = client.stdin.take().expect("a pipe");
        input.write_all(b"set a 0 0 3\r\nabc\r\nget a\r\nquit\r\n").expect("sends");
        let output = client.wait_with_output().expect("ends");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, "STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\n", "{version}");
    }
}
