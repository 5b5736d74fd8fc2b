//! The daemon under clients that are many, slow, silent, half gone or hostile.

mod common;

use common::{Daemon, Random};
use std::thread;

#[test]
fn tcp_and_unix_sockets_serve_alike() {
    let (tcp, unix) = (Daemon::start(&[]), Daemon::start_unix(&[]));
    for mut client in [tcp.connect(), unix.connect_unix()] {
        client.expect("set a 1 0 3\r\nabc\r\n", "STORED\r\n");
        client.expect("get a\r\n", "VALUE a 1 3\r\nabc\r\nEND\r\n");
        client.expect("version\r\n", "VERSION 1.6.45\r\n");
        client.send("quit\r\n");
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn a_half_closed_client_gets_its_replies() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    client.send("set a 0 0 1\r\nx\r\nget a\r\nget");
    assert_eq!(client.finish(), b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    // The other half: gone in the middle of a value.
    let mut client = daemon.connect();
    client.send("set b 0 0 100000\r\nonly the beginning");
    assert_eq!(client.finish(), b"");
    daemon.connect().expect("get b\r\n", "END\r\n");
}

#[test]
fn quit_sends_what_was_answered_before_it() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let value = "v".repeat(900_000);
    client.send(format!(
        "set a 0 0 {}\r\n{value}\r\nget a a a a a a a a\r\nquit\r\nget a\r\n",
        value.len()
    ));
    let mut expected = "STORED\r\n".to_string();
    for _ in 0..8 {
        expected.push_str(&format!("VALUE a 0 {}\r\n{value}\r\n", value.len()));
    }
    expected.push_str("END\r\n");
    assert!(client.rest() == expected.as_bytes());
}

#[test]
fn over_the_connection_limit_a_client_is_told_and_closed() {
    let daemon = Daemon::start(&["-c", "3", "-t", "2"]);
    let mut first = daemon.connect();
    let mut others = [daemon.connect(), daemon.connect()];
    first.expect("mn\r\n", "MN\r\n");
    for other in &mut others {
        other.expect("mn\r\n", "MN\r\n");
    }
    for _ in 0..3 {
        let refused = daemon.connect();
        assert_eq!(refused.rest(), b"ERROR Too many open connections\r\n");
    }
    assert_eq!(first.stat("rejected_connections"), 3);
    assert_eq!(first.stat("curr_connections"), 3);
    drop(others);
    first.stat_until("curr_connections", |count| count == 1);
    daemon.connect().expect("mn\r\n", "MN\r\n");
}

#[test]
fn without_maxconns_fast_clients_wait_for_room() {
    let daemon = Daemon::start(&["-c", "1", "-o", "no_maxconns_fast"]);
    let mut first = daemon.connect();
    first.expect("mn\r\n", "MN\r\n");
    let mut second = daemon.connect();
    second.send("version\r\n");
    first.stat_until("listen_disabled_num", |count| count > 0);
    drop(first);
    assert_eq!(second.take(16), b"VERSION 1.6.45\r\n");
}

/// The most a connection that does not read may hold: what may be unsent before the next request waits, one item, and
/// the doubling of the buffer.
const HELD_MOST: u64 = 2 * (64 * 1024 + 500_000 + 1024);

#[test]
fn a_client_that_does_not_read_costs_little_and_blocks_nobody() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut slow = daemon.connect();
    let mut other = daemon.connect();
    let value = "v".repeat(500_000);
    slow.expect(format!("set big 0 0 500000\r\n{value}\r\n"), "STORED\r\n");
    // 500 MB of replies, one by one and in multigets, and none of them read.
    let request = "get big\r\n".repeat(500) + &format!("get{}\r\n", " big".repeat(500)) + "mn\r\n";
    slow.send(&request);
    let mut asked = 0;
    loop {
        let held = other.stat("response_obj_bytes");
        assert!(held <= HELD_MOST, "{held} bytes held for one client");
        other.send("stats conns\r\n");
        let conns = other.until("END\r\n");
        asked += 1;
        if String::from_utf8_lossy(&conns).contains("conn_mwrite") {
            break;
        }
        assert!(asked < 1_000_000, "the slow client never blocks");
    }
    for _ in 0..100 {
        other.expect("get none\r\n", "END\r\n");
        assert!(other.stat("response_obj_bytes") <= HELD_MOST);
    }
    // Now it reads, and nothing is missing.
    let one = format!("VALUE big 0 500000\r\n{value}\r\n");
    for _ in 0..500 {
        assert!(slow.take(one.len()) == one.as_bytes());
        assert_eq!(slow.take(5), b"END\r\n");
    }
    for _ in 0..500 {
        assert!(slow.take(one.len()) == one.as_bytes());
    }
    assert_eq!(slow.take(9), b"END\r\nMN\r\n");
    other.stat_until("response_obj_bytes", |held| held <= 64 * 1024);
}

#[test]
fn a_value_announced_and_not_sent_costs_nothing() {
    let daemon = Daemon::start(&["-m", "2100", "-I", "1g", "-t", "1"]);
    let mut clients: Vec<_> = (0..20).map(|_| daemon.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("set k{number} 0 0 1000000000\r\nthe first bytes"));
    }
    let mut other = daemon.connect();
    other.stat_until("read_buf_count", |count| count == 20);
    let held = other.stat("read_buf_bytes");
    assert!(held < 4 << 20, "{held} bytes held for 20 GB announced");
}

#[test]
fn a_large_value_is_read_without_moving_it_again_and_again() {
    let daemon = Daemon::start(&["-m", "256", "-I", "64m"]);
    let mut client = daemon.connect();
    let value: Vec<u8> = (0..60_000_000u32).map(|index| (index >> 7) as u8).collect();
    client.send(format!("set a 0 0 {}\r\n", value.len()));
    client.send(&value);
    let reply = client_line(&mut client, b"\r\n");
    assert_eq!(reply, "STORED\r\n");
    client.send("get a\r\n");
    let head = format!("VALUE a 0 {}\r\n", value.len());
    assert_eq!(client.take(head.len()), head.as_bytes());
    assert!(client.take(value.len()) == value);
    assert_eq!(client.take(7), b"\r\nEND\r\n");
}

fn client_line(client: &mut common::Client, end: &[u8]) -> String {
    client.send(end);
    String::from_utf8(client.until("\r\n")).expect("text")
}

#[test]
fn many_clients_on_many_threads_count_together() {
    let daemon = Daemon::start(&["-t", "4"]);
    daemon.connect().expect("set n 0 0 1\r\n0\r\n", "STORED\r\n");
    thread::scope(|scope| {
        for number in 0..16 {
            let mut client = daemon.connect();
            scope.spawn(move || {
                let own = format!("own{number}");
                for turn in 0..200 {
                    client.send("incr n 1 noreply\r\n".repeat(5));
                    client.expect(format!("set {own} {turn} 0 3\r\nabc\r\n"), "STORED\r\n");
                    client.expect(
                        format!("get {own}\r\n"),
                        &format!("VALUE {own} {turn} 3\r\nabc\r\nEND\r\n"),
                    );
                }
            });
        }
    });
    let mut client = daemon.connect();
    client.expect("get n\r\n", "VALUE n 0 5\r\n16000\r\nEND\r\n");
    assert_eq!(client.stat("threads"), 4);
    assert_eq!(client.stat("incr_hits"), 16_000);
    assert_eq!(client.stat("total_connections"), 18);
}

#[test]
fn garbage_never_ends_the_server() {
    let daemon = Daemon::start(&["-t", "2"]);
    let mut random = Random::new();
    for round in 0..200 {
        let mut bytes = Vec::new();
        let words: [&[u8]; 12] = [
            b"get ",
            b"set a 0 0 ",
            b"\r\n",
            b"\n",
            b"mg a ",
            b"\x80",
            b"999999",
            b" ",
            b"incr ",
            b"\0",
            b"gat 0 ",
            b"stats ",
        ];
        for _ in 0..random.below(60) {
            match random.below(3) {
                0 => bytes.extend(random.next().to_le_bytes()),
                _ => bytes.extend(words[random.below(12) as usize]),
            }
        }
        let mut client = daemon.connect();
        // The server may close in the middle of it.
        if client.try_send(&bytes).is_ok() {
            drop(client);
        }
        if round % 20 == 0 {
            daemon.connect().expect("version\r\n", "VERSION 1.6.45\r\n");
        }
    }
    daemon.connect().expect("version\r\n", "VERSION 1.6.45\r\n");
}

#[test]
fn endless_lines_and_binary_requests_are_closed() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    client.send(vec![b'x'; 4000]);
    assert_eq!(client.rest(), b"");
    let mut client = daemon.connect();
    client.send([0x80, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(client.rest(), b"");
    // A get may be long, but not endless.
    let mut client = daemon.connect();
    let mut line = b"get ".to_vec();
    line.resize(9 << 20, b'k');
    let _ = client.try_send(&line);
    assert_eq!(client.rest(), b"");
}

#[test]
fn idle_clients_are_closed_if_asked() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "1", "-o", "idle_timeout=10"]);
    let idle = daemon.connect();
    let mut busy = daemon.connect();
    for _ in 0..4 {
        busy.expect("debugtime 5\r\n", "OK\r\n");
    }
    assert_eq!(idle.rest(), b"");
    busy.expect("mn\r\n", "MN\r\n");
    assert_eq!(busy.stat("idle_kicks"), 1);
}

#[test]
fn statistics_add_up() {
    let daemon = Daemon::start(&["-m", "128", "-t", "3", "-c", "77"]);
    let mut client = daemon.connect();
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("get a b\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n");
    client.expect("delete a\r\ndelete a\r\n", "DELETED\r\nNOT_FOUND\r\n");
    client.send("set a 0 0 2000000\r\n");
    client.send(vec![b'x'; 2_000_000]);
    client.expect("\r\n", "SERVER_ERROR object too large for cache\r\n");
    for (name, value) in [
        ("cmd_get", 2),
        ("cmd_set", 1),
        ("get_hits", 1),
        ("get_misses", 1),
        ("delete_hits", 1),
        ("delete_misses", 1),
        ("store_too_large", 1),
        ("curr_connections", 1),
        ("max_connections", 77),
        ("threads", 3),
        ("curr_items", 0),
        ("total_items", 1),
        ("limit_maxbytes", 128 << 20),
        ("pointer_size", 64),
        ("pid", u64::from(daemon.child.id())),
    ] {
        assert_eq!(client.stat(name), value, "{name}");
    }
    assert!(client.stat("bytes_read") > 2_000_000);
    assert!(client.stat("bytes_written") > 0);
    client.expect("stats reset\r\n", "RESET\r\n");
    for name in ["cmd_get", "get_hits", "delete_hits", "delete_misses", "store_too_large"] {
        assert_eq!(client.stat(name), 0, "{name}");
    }
    assert_eq!(client.stat("limit_maxbytes"), 128 << 20);
    client.send("stats settings\r\n");
    let settings = String::from_utf8(client.until("END\r\n")).expect("text");
    for line in [
        "maxbytes 134217728",
        "maxconns 77",
        "num_threads 3",
        "item_size_max 1048576",
        "cas_enabled yes",
    ] {
        assert!(settings.contains(&format!("STAT {line}\r\n")), "{line} in {settings}");
    }
    client.send("stats conns\r\n");
    let conns = String::from_utf8(client.until("END\r\n")).expect("text");
    assert!(conns.contains(":listen_addr tcp:127.0.0.1:"), "{conns}");
    assert!(conns.contains(":state conn_listening"), "{conns}");
}

#[test]
fn options_change_the_answers() {
    let daemon = Daemon::start(&["-F", "-C", "-I", "2k", "-M", "-A", "-R", "1"]);
    let mut client = daemon.connect();
    client.expect("flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n");
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("gets a\r\n", "VALUE a 0 1 0\r\nx\r\nEND\r\n");
    client.expect("cas a 0 0 1 0\r\ny\r\n", "EXISTS\r\n");
    client.expect("cas b 0 0 1 0\r\ny\r\n", "NOT_FOUND\r\n");
    client.send("set a 0 0 2000\r\n");
    client.send(vec![b'x'; 2000]);
    client.expect("\r\n", "SERVER_ERROR object too large for cache\r\n");
    client.expect("shutdown later\r\n", "CLIENT_ERROR invalid shutdown mode\r\n");
    client.expect("debugtime 1\r\n", "ERROR\r\n");
}

#[test]
fn without_evictions_a_full_cache_says_so() {
    let daemon = Daemon::start(&["-m", "4", "-M"]);
    let mut client = daemon.connect();
    let value = "v".repeat(100_000);
    let mut stored = 0;
    loop {
        client.send(format!("set k{stored} 0 0 100000\r\n{value}\r\n"));
        match client.until("\r\n").as_slice() {
            b"STORED\r\n" => stored += 1,
            other => {
                assert_eq!(other, b"SERVER_ERROR out of memory storing object\r\n");
                break;
            }
        }
        assert!(stored < 100, "more than the limit was stored");
    }
    assert!(stored > 10, "only {stored} values fit in 4 MB");
    let one = format!("VALUE k0 0 100000\r\n{value}\r\nEND\r\n");
    client.expect("get k0\r\n", &one);
}
