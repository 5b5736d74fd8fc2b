//! UDP: frames, replies in pieces, what is dropped, and that a flood of datagrams leaves the connections their turns.

mod common;

use common::{Daemon, PATIENCE, Place, eventually, run};
use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

const HEADER: usize = 8;

/// A client without a connection.
struct Sender {
    socket: UdpSocket,
    number: u16,
}

/// The ports of the port file, under their names.
fn ports(daemon: &Daemon) -> BTreeMap<String, u16> {
    let text = fs::read_to_string(daemon.place.0.join("ports")).expect("ports");
    let line = |line: &str| {
        let (name, port) = line.split_once(": ").expect("name: port");
        (name.to_string(), port.parse().expect("a port"))
    };
    text.lines().map(line).collect()
}

fn start(arguments: &[&str]) -> Daemon {
    let arguments: Vec<&str> = ["-U", "-1"].iter().chain(arguments).copied().collect();
    Daemon::start(&arguments)
}

impl Sender {
    fn new(daemon: &Daemon) -> Sender {
        Sender::to(ports(daemon)["UDP INET"])
    }

    fn to(port: u16) -> Sender {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(("127.0.0.1", port)).expect("an address");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Sender { socket, number: 0 }
    }

    fn send(&mut self, request: impl AsRef<[u8]>) {
        self.number = self.number.wrapping_add(257);
        let mut datagram = self.number.to_be_bytes().to_vec();
        datagram.extend([0, 0, 0, 1, 0, 0]);
        datagram.extend(request.as_ref());
        self.socket.send(&datagram).expect("sent");
    }

    /// One whole reply, put together from its pieces.
    fn reply(&mut self) -> Vec<u8> {
        let (mut reply, mut buffer) = (Vec::new(), [0; 65536]);
        let mut expected = 0;
        loop {
            let count = self.socket.recv(&mut buffer).expect("a reply");
            let word = |at: usize| u16::from_be_bytes([buffer[at], buffer[at + 1]]);
            assert_eq!((word(0), word(2), word(6)), (self.number, expected, 0));
            expected += 1;
            reply.extend(&buffer[HEADER..count]);
            assert!(count <= 1400, "a datagram of {count} bytes");
            if expected == word(4) {
                return reply;
            }
            assert_eq!(count, 1400, "all but the last are full");
        }
    }

    #[track_caller]
    fn expect(&mut self, request: impl AsRef<[u8]>, replies: &[&str]) {
        self.send(&request);
        for reply in replies {
            let got = self.reply();
            assert_eq!(String::from_utf8_lossy(&got), *reply);
        }
    }

    /// Nothing has come that was not asked for: the reply to this comes next.
    #[track_caller]
    fn silent(&mut self) {
        self.expect("mn\r\n", &["MN\r\n"]);
    }
}

#[test]
fn each_command_of_a_datagram_has_its_reply() {
    let daemon = start(&["-t", "1"]);
    let mut sender = Sender::new(&daemon);
    sender.expect("version\r\n", &["VERSION 1.6.45\r\n"]);
    let value = "VALUE a 7 3\r\nabc\r\nEND\r\n";
    sender.expect("set a 7 0 3\r\nabc\r\nget a\r\nget b\r\n", &["STORED\r\n", value, "END\r\n"]);
    sender.expect("mg a v f\r\nmg b v\r\nmn\r\n", &["VA 3 f7\r\nabc\r\n", "EN\r\n", "MN\r\n"]);
    // A get of several keys is one reply.
    sender.expect("get a b a\r\n", &["VALUE a 7 3\r\nabc\r\nVALUE a 7 3\r\nabc\r\nEND\r\n"]);
    sender.expect(
        format!("get a {}\r\n", "k".repeat(251)),
        &["CLIENT_ERROR bad command line format\r\n"],
    );
    // What says nothing sends nothing, and quit is about the datagram alone.
    sender.send("set a 0 0 1 noreply\r\nx\r\n");
    sender.send("ms a 1 q\r\ny\r\n");
    sender.send("quit\r\nversion\r\n");
    sender.expect("get a\r\n", &["VALUE a 0 1\r\ny\r\nEND\r\n"]);
    // The connections see the same cache.
    daemon.connect().expect("get a\r\n", "VALUE a 0 1\r\ny\r\nEND\r\n");
}

#[test]
fn unfinished_requests_and_foreign_frames_are_dropped() {
    let daemon = start(&["-t", "1"]);
    let mut sender = Sender::new(&daemon);
    sender.send("get a");
    sender.send("set a 0 0 10\r\nhalf");
    sender.send(" of it\r\n");
    assert_eq!(sender.reply(), b"ERROR\r\n");
    sender.send("set b 0 0 60000\r\nhalf");
    sender.send("set c 0 0 2000000\r\nhalf");
    assert_eq!(sender.reply(), b"SERVER_ERROR object too large for cache\r\n");
    sender.expect("get a b c\r\n", &["END\r\n"]);
    // Too short for a frame; of more than one; of none; nothing but a frame.
    for datagram in [
        &b""[..],
        b"version",
        b"\0\x01\0\0\0\x02\0\0version\r\n",
        b"\0\x01\0\0\0\0\0\0version\r\n",
        b"\0\x01\0\0\x01\x01\0\0version\r\n",
        b"\0\x01\0\0\0\x01\0\0",
    ] {
        sender.socket.send(datagram).expect("sent");
    }
    sender.silent();
    // The sequence number and the reserved word of a request mean nothing, as in memcached.
    sender.number = 0x0102;
    sender.socket.send(b"\x01\x02\0\x09\0\x01\xff\xffversion\r\n").expect("sent");
    assert_eq!(sender.reply(), b"VERSION 1.6.45\r\n");
    // Complaints are not answered: that could go on for ever between two servers.
    sender.send("ERROR\r\n");
    sender.send("ERROR Too many open connections\r\n");
    sender.silent();
}

#[test]
fn long_replies_come_in_numbered_pieces() {
    let daemon = start(&["-t", "1"]);
    let mut sender = Sender::new(&daemon);
    for len in [1350, 1360, 1365, 1370, 1392, 1393, 60_000] {
        let value = "v".repeat(len);
        sender.expect(format!("set a 0 0 {len}\r\n{value}\r\n"), &["STORED\r\n"]);
        sender.expect("get a\r\n", &[&format!("VALUE a 0 {len}\r\n{value}\r\nEND\r\n")]);
    }
    // Longer than the output holds at a time, and between two short ones.
    let value = "v".repeat(40_000);
    sender.expect(format!("set a 0 0 40000\r\n{value}\r\n"), &["STORED\r\n"]);
    let two = format!("{}END\r\n", format!("VALUE a 0 40000\r\n{value}\r\n").repeat(2));
    sender.expect("mn\r\nget a a\r\nmn\r\n", &["MN\r\n", &two, "MN\r\n"]);
    sender.send("stats\r\n");
    let stats = String::from_utf8(sender.reply()).expect("text");
    assert!(stats.starts_with("STAT pid ") && stats.ends_with("END\r\n"), "{stats}");
}

#[test]
fn replies_that_would_be_too_long_are_refused() {
    let daemon = start(&["-t", "1"]);
    let mut sender = Sender::new(&daemon);
    let value = "v".repeat(60_000);
    sender.expect(format!("set a 0 0 60000\r\n{value}\r\n"), &["STORED\r\n"]);
    let words = "SERVER_ERROR the reply is too large for UDP; ask over TCP\r\n";
    sender.expect(format!("mn\r\nget{}\r\nmn\r\n", " a".repeat(10_000)), &["MN\r\n", words]);
    sender.expect(format!("get{}\r\n", " none".repeat(10_000)), &["END\r\n"]);
    let mut client = daemon.connect();
    let held = client.stat("response_obj_bytes");
    assert!(held < 64 << 10, "{held} bytes are kept");
}

#[test]
fn one_datagram_brings_no_more_than_the_longest_reply() {
    // (1 KiB + 128 KiB) / 1392, rounded up.
    let daemon = start(&["-t", "1", "-I", "1k"]);
    let mut sender = Sender::new(&daemon);
    let words = "SERVER_ERROR the reply is too large for UDP; ask over TCP\r\n";
    let replies = [&["MN\r\n"; 95][..], &[words]].concat();
    sender.expect("mn\r\n".repeat(1000), &replies);
    sender.silent();
    // Otherwise one datagram could ask for some hundred megabytes, and everybody else would wait.
    let daemon = start(&["-t", "1"]);
    let mut client = daemon.connect();
    client.expect(format!("set a 0 0 60000\r\n{}\r\n", "v".repeat(60_000)), "STORED\r\n");
    Sender::new(&daemon).send("get a\r\n".repeat(9000));
    client.stat_until("get_hits", |hits| hits > 0);
    let written = client.stat("bytes_written");
    assert!(written < 2_000_000, "{written} bytes for one datagram");
}

#[test]
fn a_flood_of_datagrams_leaves_connections_their_turns() {
    let daemon = start(&["-t", "1"]);
    let port = ports(&daemon)["UDP INET"];
    let mut client = daemon.connect();
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut sender = Sender::to(port);
                let many = "get a\r\n".repeat(100);
                while !stop.load(Relaxed) {
                    sender.send("get a\r\n");
                    sender.send(&many);
                }
            });
        }
        client.stat_until("conn_yields", |yields| yields > 100);
        for _ in 0..200 {
            client.expect("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
        }
        daemon.connect().expect("mn\r\n", "MN\r\n");
        stop.store(true, Relaxed);
    });
    // The other side of fairness: datagrams are answered while the connections are busy.
    let mut sender = Sender::to(port);
    sender.socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let flood = daemon.connect();
    thread::scope(|scope| {
        let mut flood = flood;
        scope.spawn(move || {
            for _ in 0..200 {
                flood.send("get a\r\n".repeat(1000));
                flood.take(1000 * "VALUE a 0 1\r\nx\r\nEND\r\n".len());
            }
        });
        let mut buffer = [0; 2000];
        eventually(|| {
            sender.send("mn\r\n");
            sender.socket.recv(&mut buffer).ok()
        });
    });
}

#[test]
fn it_is_off_unless_asked_for() {
    let daemon = Daemon::start(&[]);
    assert_eq!(ports(&daemon).keys().map(String::as_str).collect::<Vec<_>>(), ["TCP INET"]);
    let mut client = daemon.connect();
    client.send("stats settings\r\n");
    let settings = String::from_utf8(client.until("END\r\n")).expect("text");
    assert!(settings.contains("STAT udpport 0\r\nSTAT inter"), "{settings}");
}

#[test]
fn statistics_and_the_port_file_name_it() {
    let daemon = start(&["-t", "3"]);
    let ports = ports(&daemon);
    assert_eq!(ports.keys().map(String::as_str).collect::<Vec<_>>(), ["TCP INET", "UDP INET"]);
    let port = ports["UDP INET"];
    let mut client = daemon.connect();
    client.send("stats settings\r\n");
    let settings = String::from_utf8(client.until("END\r\n")).expect("text");
    for line in [format!("STAT udpport {port}\r\n"), "STAT num_threads_per_udp 3\r\n".into()] {
        assert!(settings.contains(&line), "{line} in {settings}");
    }
    client.send("stats conns\r\n");
    let conns = String::from_utf8(client.until("END\r\n")).expect("text");
    assert_eq!(conns.matches(":UDP UDP\r\n").count(), 3, "{conns}");
    assert_eq!(conns.matches(&format!(":addr udp:127.0.0.1:{port}\r\n")).count(), 3, "{conns}");
    assert_eq!(client.stat("curr_connections"), 1);
    let read = client.stat("bytes_read");
    Sender::to(port).expect("mn\r\n", &["MN\r\n"]);
    assert!(client.stat("bytes_read") >= read + HEADER as u64 + 4);
}

#[test]
fn udp_alone_on_every_address_and_the_other_way_round() {
    let daemon = Daemon::launch(Place::new(), &["-p", "0", "-U", "-1"]);
    assert_eq!(daemon.port, 0);
    Sender::new(&daemon).expect("mn\r\n", &["MN\r\n"]);
    // As in memcached, -U alone names the TCP port, too; any free one is another one for each.
    let daemon = Daemon::launch(Place::new(), &["-l", "127.0.0.1", "-U", "-1"]);
    daemon.connect().expect("mn\r\n", "MN\r\n");
    Sender::new(&daemon).expect("mn\r\n", &["MN\r\n"]);
    // The port is taken.
    let port = ports(&daemon)["UDP INET"].to_string();
    let (status, _, said) = run(&["-u", "root", "-l", "127.0.0.1", "-p", "-1", "-U", &port]);
    assert_eq!(status.code(), Some(71), "{said}");
    assert!(said.contains(&format!("failed to listen on UDP 127.0.0.1:{port}")), "{said}");
}

#[test]
fn who_must_say_who_he_is_cannot_by_datagram() {
    for arguments in [&["-U", "-1", "-Y", "file"][..], &["-U", "-1", "-S"]] {
        let (status, _, said) = run(arguments);
        assert_eq!(status.code(), Some(64), "{said}");
        assert!(said.contains("-U"), "{said}");
    }
    // Nor can he show his certificate.
    let files = "ssl_chain_cert=/none,ssl_ca_cert=/none";
    for (place, more, refused) in [
        ("127.0.0.1", ",ssl_verify_mode=2", true),
        ("127.0.0.1", ",ssl_verify_mode=3", true),
        ("mtls:127.0.0.1", "", true),
        ("mtls:127.0.0.1", ",ssl_verify_mode=1", true),
        ("notls:127.0.0.1", ",ssl_verify_mode=2", false),
        ("127.0.0.1", ",ssl_verify_mode=1", false),
    ] {
        let options = format!("{files}{more}");
        let arguments = ["-p", "-1", "-U", "-1", "-l", place, "-Z", "-o", &options];
        let (status, _, said) = run(&[&["-u", "root"], &arguments[..]].concat());
        assert_eq!(said.contains("shows no certificate"), refused, "{place} {more}: {said}");
        assert_eq!(status.code(), Some(if refused { 71 } else { 64 }), "{said}");
    }
    let daemon = Daemon::start_unix(&["-U", "-1"]);
    assert!(daemon.said.contains("-U has no effect"), "{}", daemon.said);
}
