//! Clients that mean harm, or might as well: the daemon stays up, its memory stays bounded, and others are served
//! meanwhile. What single slow or broken clients see is in `daemon.rs`, datagrams are in `udp.rs`.

mod common;

use common::{Client, Daemon, PATIENCE, Random, eventually};
use rustix::net::sockopt;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

/// How long a well-behaved client may wait for an answer while others misbehave: a busy machine is no fault of ours.
const DELAY_MOST: Duration = Duration::from_secs(10);

const MIB: u64 = 1 << 20;

/// A line of a file of `/proc/<pid>`: the number behind its name.
fn proc(daemon: &Daemon, name: &str) -> u64 {
    let path = format!("/proc/{}/status", daemon.child.id());
    let text = fs::read_to_string(path).expect("the daemon is alive");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Resident memory in bytes.
fn resident(daemon: &Daemon) -> u64 {
    proc(daemon, "VmRSS") << 10
}

/// The processor time of the main thread, in clock ticks (100 a second).
fn main_thread_ticks(daemon: &Daemon) -> u64 {
    let pid = daemon.child.id();
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat")).expect("alive");
    let behind_name = text.rsplit(')').next().expect("a name in parentheses");
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    // user and system time are the 14th and 15th fields of all, the 12th and 13th behind the name.
    fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
}

/// A daemon whose memory for items has been written to from end to end, so that whatever it grows by is something else;
/// and a well-behaved client.
fn start(arguments: &[&str]) -> (Daemon, Client) {
    let daemon = Daemon::start(&[&["-m", "16"], arguments].concat());
    let mut client = daemon.connect();
    let value = "v".repeat(100_000);
    for number in 0.. {
        client.expect(format!("set fill{number} 0 0 100000\r\n{value}\r\n"), "STORED\r\n");
        if number % 20 == 0 && client.stat("evictions") > 20 {
            break;
        }
    }
    client.expect("flush_all\r\n", "OK\r\n");
    serves(&mut client);
    (daemon, client)
}

/// Is a well-behaved client served, and soon?
#[track_caller]
fn serves(client: &mut Client) {
    let begin = Instant::now();
    client.expect("set good 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("get good\r\n", "VALUE good 0 1\r\nx\r\nEND\r\n");
    assert!(begin.elapsed() < DELAY_MOST, "answered after {:?}", begin.elapsed());
}

/// A bare connection, for what the tests' client is too polite to do.
fn connect(daemon: &Daemon) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", daemon.port)).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Lets this process have many descriptors; answers how many connections it may keep of the `wanted`.
fn room_for(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile);
    let most = files.maximum.unwrap_or(1 << 20).min(1 << 20);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: files.maximum });
    let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20) as usize;
    // The other tests of this file have some open, too.
    wanted.min(most / 2)
}

#[test]
fn clients_that_send_byte_by_byte_are_served() {
    let daemon = Daemon::start(&["-t", "1"]);
    let request = b"set a 5 0 3\r\nabc\r\nget a\r\nmg a v\r\ngets nothing\r\nincr n 1\r\nfoo\r\n";
    let reply =
        "STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\nVA 3\r\nabc\r\nEND\r\nNOT_FOUND\r\nERROR\r\n";
    let mut clients: Vec<Client> = (0..50).map(|_| daemon.connect()).collect();
    let mut other = daemon.connect();
    for (at, byte) in request.iter().enumerate() {
        for client in &mut clients {
            client.send([*byte]);
        }
        if at % 10 == 0 {
            serves(&mut other);
        }
    }
    for client in &mut clients {
        assert_eq!(String::from_utf8_lossy(&client.take(reply.len())), reply);
    }
}

#[test]
fn a_reply_read_byte_by_byte_comes_whole() {
    let daemon = Daemon::start(&["-t", "1"]);
    let value: Vec<u8> = (0..1_000_000u32).map(|at| (at % 251) as u8).collect();
    let mut other = daemon.connect();
    other.send("set big 0 0 1000000\r\n");
    other.send(&value);
    other.expect("\r\n", "STORED\r\n");
    let mut slow = connect(&daemon);
    sockopt::set_socket_recv_buffer_size(&slow, 32 << 10).expect("a small queue");
    slow.write_all(b"get big\r\n").expect("sends");
    let mut expected = b"VALUE big 0 1000000\r\n".to_vec();
    expected.extend(&value);
    expected.extend(b"\r\nEND\r\n");
    let mut byte = [0];
    for (at, wanted) in expected.iter().enumerate() {
        slow.read_exact(&mut byte).expect("a byte");
        assert_eq!(byte[0], *wanted, "byte {at}");
        if at % 50_000 == 0 {
            serves(&mut other);
        }
    }
}

#[test]
fn a_million_commands_and_no_reply_read() {
    let (daemon, mut other) = start(&["-t", "1"]);
    let value = "v".repeat(100);
    other.expect(format!("set a 0 0 100\r\n{value}\r\n"), "STORED\r\n");
    let before = resident(&daemon);
    // One that stores and one that fetches; both wait for the server, which waits for them to read.
    for request in ["get a\r\n", "set b 0 0 1\r\nx\r\n"] {
        let reader = connect(&daemon);
        let mut writer = reader.try_clone().expect("a second handle");
        let sender = thread::spawn(move || {
            let some = request.repeat(10_000);
            for _ in 0..100 {
                writer.write_all(some.as_bytes()).expect("all are taken in the end");
            }
        });
        eventually(|| {
            other.send("stats conns\r\n");
            let conns = other.until("END\r\n");
            String::from_utf8_lossy(&conns).contains("conn_mwrite").then_some(())
        });
        for _ in 0..200 {
            serves(&mut other);
            let grown = resident(&daemon).saturating_sub(before);
            assert!(grown < 8 * MIB, "{grown} bytes more are held");
        }
        // Now somebody reads, and a million replies come.
        let reply = match request.starts_with("get") {
            true => format!("VALUE a 0 100\r\n{value}\r\nEND\r\n"),
            false => "STORED\r\n".to_string(),
        };
        let (mut reader, mut block) = (reader, vec![0; reply.len() * 1000]);
        let expected = reply.repeat(1000);
        for turn in 0..1000 {
            reader.read_exact(&mut block).expect("replies");
            assert!(block == expected.as_bytes(), "the replies of turn {turn}");
            if turn % 100 == 0 {
                serves(&mut other);
            }
        }
        sender.join().expect("all sent");
        let grown = resident(&daemon).saturating_sub(before);
        assert!(grown < 8 * MIB, "{grown} bytes more are held");
    }
}

#[test]
fn huge_multigets_let_others_in() {
    let (daemon, mut other) = start(&["-t", "1"]);
    let value = "v".repeat(10_000);
    other.expect(format!("set k 0 0 10000\r\n{value}\r\n"), "STORED\r\n");
    // Two million keys that are not there, and 100 thousand that are: a gigabyte of replies, read as fast as they come.
    let missing = format!("get{}\r\n", " m".repeat(2_000_000));
    let there = format!("get{}\r\n", " k".repeat(100_000));
    let one = format!("VALUE k 0 10000\r\n{value}\r\n").len() as u64;
    let greedy = connect(&daemon);
    let mut writer = greedy.try_clone().expect("a second handle");
    let reader = thread::spawn(move || {
        let mut greedy = greedy;
        let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
        while total < 5 + one * 100_000 + 5 {
            total += greedy.read(&mut buffer).expect("replies") as u64;
        }
        total
    });
    let before = resident(&daemon);
    let writing = thread::spawn(move || {
        writer.write_all(missing.as_bytes()).expect("sends");
        writer.write_all(there.as_bytes()).expect("sends");
    });
    let mut turns = 0;
    while !reader.is_finished() {
        serves(&mut other);
        turns += 1;
        let grown = resident(&daemon).saturating_sub(before);
        assert!(grown < 24 * MIB, "{grown} bytes more are held");
    }
    writing.join().expect("sent");
    assert_eq!(reader.join().expect("read"), 5 + one * 100_000 + 5);
    assert!(turns > 20, "others had {turns} turns");
}

#[test]
fn a_gigabyte_announced_and_not_sent_costs_nothing() {
    let daemon = Daemon::start(&["-m", "2100", "-I", "1g", "-t", "1"]);
    let mut other = daemon.connect();
    serves(&mut other);
    let before = resident(&daemon);
    // A binary set: 24 bytes of header, of which 4 are the length of what follows; 8 of extras; the key.
    let mut binary = vec![0x80, 1, 0, 1, 8, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff];
    binary.extend([0; 12]);
    binary.extend([0; 8]);
    binary.push(b'k');
    let classic = b"set k 0 0 1073741000\r\nthe first bytes".to_vec();
    let meta = b"ms k 1073741000 T0\r\nthe first bytes".to_vec();
    let mut waiting = Vec::new();
    for request in [classic, meta, binary] {
        for _ in 0..50 {
            let mut stream = connect(&daemon);
            stream.write_all(&request).expect("sends");
            waiting.push(stream);
        }
    }
    for _ in 0..50 {
        serves(&mut other);
    }
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 48 * MIB, "{grown} bytes more are held for 150 GB announced");
    drop(waiting);
    other.stat_until("curr_connections", |count| count == 1);
    other.expect("get k\r\n", "END\r\n");
}

#[test]
fn endless_lines_stay_below_the_limit_of_what_is_read() {
    let (daemon, mut other) = start(&["-t", "1", "-o", "read_buf_mem_limit=32"]);
    let before = resident(&daemon);
    // Each may be 8 MiB long, and has no end.
    let line = format!("get {}", "k".repeat(6 << 20));
    let mut open = Vec::new();
    let mut told = 0;
    for _ in 0..40 {
        let mut stream = connect(&daemon);
        // Its turn to be closed may come while it still sends.
        let _ = stream.write_all(line.as_bytes());
        open.push(stream);
        serves(&mut other);
        let grown = resident(&daemon).saturating_sub(before);
        assert!(grown < 64 * MIB, "{grown} bytes more are held");
        assert!(other.stat("read_buf_bytes") < 64 * MIB);
    }
    other.stat_until("read_buf_oom", |count| count >= 20);
    for stream in &mut open {
        stream.set_nonblocking(true).expect("a mode");
        let mut words = [0; 100];
        // Some are still open, and a reset may have taken the words away.
        if let Ok(count @ 1..) = stream.read(&mut words) {
            assert_eq!(words[..count], *b"SERVER_ERROR out of memory reading request\r\n");
            told += 1;
        }
    }
    assert!(told > 0, "nobody is told why");
    drop(open);
    other.stat_until("curr_connections", |count| count == 1);
    // A value that comes in pieces has its place again.
    other.expect(format!("set v 0 0 900000\r\n{}\r\n", "v".repeat(900_000)), "STORED\r\n");
}

#[test]
fn replies_nobody_reads_stay_below_their_limit() {
    let (daemon, mut other) = start(&["-t", "1", "-o", "resp_obj_mem_limit=16"]);
    let value = "v".repeat(1_000_000);
    other.expect(format!("set big 0 0 1000000\r\n{value}\r\n"), "STORED\r\n");
    let before = resident(&daemon);
    let mut silent: Vec<TcpStream> = Vec::new();
    for _ in 0..60 {
        let mut stream = connect(&daemon);
        let _ = stream.write_all("get big\r\n".repeat(20).as_bytes());
        silent.push(stream);
        serves(&mut other);
        let held = other.stat("response_obj_bytes");
        assert!(held <= 16 * MIB + 4 * MIB, "{held} bytes held");
    }
    other.stat_until("response_obj_oom", |count| count > 10);
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 40 * MIB, "{grown} bytes more are held");
    // Whoever reads is served.
    let mut reader = daemon.connect();
    for _ in 0..5 {
        reader.expect("get big\r\n", &format!("VALUE big 0 1000000\r\n{value}\r\nEND\r\n"));
    }
}

#[test]
fn a_flood_of_connections_past_the_limit_is_told_and_closed() {
    let (daemon, mut other) = start(&["-c", "50", "-t", "2"]);
    let before = resident(&daemon);
    let mut inside: Vec<Client> = (0..49).map(|_| daemon.connect()).collect();
    for client in &mut inside {
        client.expect("mn\r\n", "MN\r\n");
    }
    let (at_once, mut told) = (room_for(500), 0);
    for _ in 0..3000usize.div_ceil(at_once) {
        let mut crowd: Vec<TcpStream> = (0..at_once).map(|_| connect(&daemon)).collect();
        serves(&mut other);
        for stream in &mut crowd {
            let mut words = String::new();
            stream.read_to_string(&mut words).expect("words and the end");
            assert_eq!(words, "ERROR Too many open connections\r\n");
            told += 1;
        }
    }
    assert_eq!(other.stat("rejected_connections"), told);
    assert_eq!(other.stat("curr_connections"), 50);
    for client in &mut inside {
        client.expect("mn\r\n", "MN\r\n");
    }
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 8 * MIB, "{grown} bytes more are held");
    drop(inside);
    other.stat_until("curr_connections", |count| count == 1);
    serves(&mut daemon.connect());
}

#[test]
fn thousands_of_idle_connections_cost_little() {
    let (daemon, mut other) = start(&["-c", "10000", "-t", "2"]);
    let count = room_for(4000);
    let before = resident(&daemon);
    let mut idle: Vec<Client> = (0..count).map(|_| daemon.connect()).collect();
    other.stat_until("curr_connections", |open| open == count as u64 + 1);
    for client in &mut idle {
        client.expect("mn\r\n", "MN\r\n");
    }
    let each = resident(&daemon).saturating_sub(before) / count as u64;
    assert!(each < 2048, "{each} bytes for each idle connection");
    serves(&mut other);
    drop(idle);
    other.stat_until("curr_connections", |open| open == 1);
}

#[test]
fn without_descriptors_it_tells_clients_and_does_not_spin() {
    for (fast, told) in [("maxconns_fast", true), ("no_maxconns_fast", false)] {
        let daemon = Daemon::start(&["-t", "1", "-o", fast]);
        let mut other = daemon.connect();
        serves(&mut other);
        let pid = daemon.child.id();
        let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("alive").count() as u64;
        let limit =
            Rlimit { current: Some(open + 3), maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(Pid::from_raw(pid as i32), Resource::Nofile, limit).expect("a lower limit");
        let mut crowd: Vec<TcpStream> = (0..40).map(|_| connect(&daemon)).collect();
        if told {
            for stream in &mut crowd[10..] {
                let mut words = String::new();
                stream.read_to_string(&mut words).expect("words and the end");
                assert_eq!(words, "ERROR Too many open connections\r\n");
            }
        } else {
            other.stat_until("listen_disabled_num", |count| count > 0);
            // They wait, and waiting costs next to nothing: a loop that spun would use a second of each second.
            let (begin, ticks) = (Instant::now(), main_thread_ticks(&daemon));
            while begin.elapsed() < Duration::from_secs(1) {
                serves(&mut other);
            }
            let used = main_thread_ticks(&daemon) - ticks;
            assert!(used < 50, "{used} hundredths of a second of processor time to wait");
        }
        serves(&mut other);
        // Some go, and others come in.
        drop(crowd);
        other.stat_until("curr_connections", |count| count == 1);
        serves(&mut daemon.connect());
    }
}

#[test]
fn resets_in_the_middle_leave_nothing_behind() {
    let (daemon, mut other) = start(&["-t", "2"]);
    let value = "v".repeat(500_000);
    other.expect(format!("set big 0 0 500000\r\n{value}\r\n"), "STORED\r\n");
    let before = resident(&daemon);
    for turn in 0..300 {
        let mut stream = connect(&daemon);
        let request = match turn % 4 {
            0 => "get big big big\r\n".repeat(10),
            1 => "set half 0 0 900000\r\nthe beginning".to_string(),
            2 => "set half 0 0 9000000\r\nto be swallowed".to_string(),
            _ => format!("get {}", "k".repeat(3000)),
        };
        stream.write_all(request.as_bytes()).expect("sends");
        if turn % 4 == 0 {
            let mut some = [0; 1000];
            stream.read_exact(&mut some).expect("the beginning");
        }
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("a reset at the end");
        drop(stream);
        if turn % 50 == 0 {
            serves(&mut other);
        }
    }
    other.stat_until("curr_connections", |count| count == 1);
    other.stat_until("read_buf_count", |count| count == 0);
    other.stat_until("response_obj_count", |count| count == 0);
    let grown = resident(&daemon).saturating_sub(before);
    assert!(grown < 24 * MIB, "{grown} bytes more are held");
}

#[test]
fn nul_bytes_are_bytes() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    client.expect("set a\0b 0 0 3\r\n\0\0\0\r\n", "STORED\r\n");
    client.expect("get a\0b a\r\n", "VALUE a\0b 0 3\r\n\0\0\0\r\nEND\r\n");
    client.expect("get\0a\r\nmg a\0b v\r\n", "ERROR\r\nVA 3\r\n\0\0\0\r\n");
    client.expect("\0\0\0\0\r\n", "ERROR\r\n");
    client.expect(
        "set a 0 0 1\0\r\nincr a\0b 1\r\n",
        "CLIENT_ERROR bad command line format\r\n\
        CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
    );
}

/// Bytes that lead somewhere, now and then.
fn garbage(random: &mut Random) -> Vec<u8> {
    let words: [&[u8]; 14] = [
        b"get ",
        b"set a 0 0 ",
        b"\r\n",
        b"\n",
        b"mg a ",
        b"ms a 5 ",
        b"\x80\x01",
        b"\x80",
        b"\x81",
        b"999999999",
        b" ",
        b"\0\0\0\0",
        b"ma n N0 ",
        b"stats ",
    ];
    let mut bytes = Vec::new();
    for _ in 0..random.below(80) {
        match random.below(3) {
            0 => bytes.extend(random.next().to_le_bytes()),
            _ => bytes.extend(words[random.below(14) as usize]),
        }
    }
    bytes
}

#[test]
fn garbage_on_every_kind_of_socket() {
    let mut random = Random::new();
    for protocol in ["auto", "ascii", "binary"] {
        let tcp = Daemon::start(&["-t", "2", "-U", "-1", "-B", protocol]);
        let unix = Daemon::start_unix(&["-t", "1", "-B", protocol]);
        let ports = fs::read_to_string(tcp.place.0.join("ports")).expect("ports");
        let port = ports.lines().find_map(|line| line.strip_prefix("UDP INET: ")).expect("a port");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        sender.connect(("127.0.0.1", port.parse().expect("a port"))).expect("an address");
        let before = resident(&tcp) + resident(&unix);
        for _ in 0..150 {
            // The server may close in the middle of it.
            let _ = tcp.connect().try_send(&garbage(&mut random));
            let _ = unix.connect_unix().try_send(&garbage(&mut random));
            // With a frame around it or not, with forged numbers or not.
            let mut datagram = match random.below(4) {
                0 => Vec::new(),
                1 => vec![0, 1, 0, 0, 0, 1, 0, 0],
                2 => vec![0xff, 0xff, 0xff, 0xff, 0, 1, 0xff, 0xff],
                _ => random.next().to_be_bytes().to_vec(),
            };
            datagram.extend(garbage(&mut random));
            let _ = sender.send(&datagram);
        }
        for daemon in [&tcp, &unix] {
            assert!(proc(daemon, "Threads") >= 2, "it is up");
        }
        if protocol != "binary" {
            serves(&mut tcp.connect());
            serves(&mut unix.connect_unix());
            let mut buffer = [0; 70_000];
            sender.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
            eventually(|| {
                sender.send(b"\x12\x34\0\0\0\x01\0\0mn\r\n").ok()?;
                let count = sender.recv(&mut buffer).ok()?;
                (buffer[..count] == *b"\x12\x34\0\0\0\x01\0\0MN\r\n").then_some(())
            });
        }
        let grown = (resident(&tcp) + resident(&unix)).saturating_sub(before);
        assert!(grown < 32 * MIB, "{grown} bytes more are held");
    }
}
