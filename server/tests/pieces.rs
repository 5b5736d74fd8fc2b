//! A connection fed by hand over a socket pair: what a request is must not depend on where the network cuts it.

use nearcached::buffer::{BUFFER_SIZE, Pool};
use nearcached::classes::Classes;
use nearcached::connection::{Connection, Shop, Turn};
use nearcached::conversation::Conversation;
use nearcached::counters::Count;
use nearcached::dispatch::Desk;
use nearcached::listener::Doors;
use nearcached::options::{Options, Protocol};
use nearcached::server::{Peer, Server};
use nearcached::stats::Departures;
use nearcached::transport::Transport;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// A server without threads, and one connection to it.
struct Bench {
    server: Server,
}

impl Bench {
    fn new(requests_per_turn: u32) -> Bench {
        let options = Options {
            port: -1,
            listen: vec!["127.0.0.1".into()],
            threads: 1,
            requests_per_turn,
            ..Options::default()
        };
        let doors = Doors::open(&options).expect("a port");
        let mut cache = nearcache::Options::new(options.memory);
        cache.manual_clock = true;
        cache.track_access = true;
        let cache = cache.open().expect("a cache");
        let departures = Departures::new(Arc::new(Classes::new(&options.knobs.classes)));
        Bench { server: Server::new(cache, options, None, &doors, Arc::new(departures)) }
    }

    /// Sends the pieces one after the other, each executed before the next is sent, and answers all replies.
    fn talk<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        self.server.cache.flush_all(0).expect("it may be written");
        let (mut ours, mut connection) = connect();
        let (mut pool, mut replies) = (Default::default(), Vec::new());
        let mut shop = self.shop(&mut pool);
        for piece in pieces {
            let mut left = piece;
            while !left.is_empty() {
                match ours.write(left) {
                    Ok(count) => left = &left[count..],
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
                let mut turn = connection.readable(&mut shop);
                loop {
                    drain(&mut ours, &mut replies);
                    turn = match turn {
                        Turn::Again => connection.again(&mut shop),
                        Turn::Write => connection.writable(&mut shop),
                        Turn::Send => connection.deliver(&mut shop),
                        _ => break,
                    };
                }
                assert_eq!(turn, Turn::Read, "after {}", replies.escape_ascii());
            }
        }
        replies
    }

    fn shop<'a>(&'a self, pool: &'a mut Pool) -> Shop<'a> {
        let desk = Desk { server: &self.server, counters: &self.server.counters[0], fd: 0 };
        Shop { desk, pool, others_wait: true, now: 0 }
    }
}

/// Our end, and the connection on the other.
fn connect() -> (UnixStream, Connection) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    ours.set_nonblocking(true).expect("a mode");
    theirs.set_nonblocking(true).expect("a mode");
    let peer = Arc::new(Peer::new(0, String::new(), String::new(), 0));
    let transport = Transport::Plain(OwnedFd::from(theirs));
    (ours, Connection::new(transport, Conversation::new(peer, Protocol::Negotiated)))
}

fn drain(stream: &mut UnixStream, into: &mut Vec<u8>) {
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => into.extend(&buffer[..count]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return;
            }
        }
    }
}

const CONVERSATION: &[u8] = b"set a 0 0 5\r\nhello\r\nget a\r\nget a b\r\nset b 7 0 0\r\n\r\ngets b nothing\r\n\
    set bad 0 0 3\r\ntoolong\r\nget bad\r\nset a 0 0 x\r\nset a x 0 4\r\nskip\r\nset n 0 0 2 noreply\r\n10\r\n\
    incr n 5\r\ndecr n 100 noreply\r\nget n\r\ntouch n 0\r\ngat 0 n a\r\ndelete a\r\nmg b v k Oq\r\nmn\r\nfoo\r\n\
    ms m 5 q F3\r\nhello\r\nms m 2 MA s k Oa\r\n\r\n\r\nmg m v f q\r\nms m 4 y q\r\nmn\r\n\r\nms m 1 q\r\nxyz\r\n\
    ma c N0 J7 v\r\nma c q\r\nma c v O1\r\nms Zm9v 3 b k\r\nbar\r\nmd Zm9v b k q\r\nmd Zm9v b k q\r\nme m x\r\nme z\r\n\
    append b 0 0 6\r\nquit\r\n\r\nget b\r\nset k 0 0 2000000 noreply\r\n";

fn conversation() -> Vec<u8> {
    let mut all = CONVERSATION.to_vec();
    // The last line announces a value that is too large; it is swallowed, and the talk goes on.
    all.extend(vec![b'\n'; 2_000_002]);
    all.extend(b"get b n\r\n");
    all
}

#[test]
fn every_cut_gives_the_same_replies() {
    let bench = Bench::new(20);
    let whole = bench.talk([CONVERSATION]);
    let shown = String::from_utf8_lossy(&whole);
    assert!(shown.starts_with("STORED\r\nVALUE a 0 5\r\nhello\r\nEND\r\n"), "{shown}");
    assert!(shown.ends_with("VALUE b 7 6\r\nquit\r\n\r\nEND\r\n"), "{shown}");
    let strip = |bytes: &[u8]| uniques_away(bytes);
    for cut in 1..CONVERSATION.len() {
        let (first, second) = CONVERSATION.split_at(cut);
        let replies = bench.talk([first, second]);
        assert_eq!(strip(&replies), strip(&whole), "cut at {cut}");
    }
    let bytes = bench.talk(CONVERSATION.chunks(1));
    assert_eq!(strip(&bytes), strip(&whole), "byte by byte");
    for size in [2, 3, 7, 64] {
        let replies = bench.talk(CONVERSATION.chunks(size));
        assert_eq!(strip(&replies), strip(&whole), "in pieces of {size}");
    }
}

/// Uniques grow from talk to talk: the fifth word of a VALUE or ME line becomes `#`.
fn uniques_away(replies: &[u8]) -> String {
    let text = String::from_utf8_lossy(replies);
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["VALUE", key, flags, len, _] => format!("VALUE {key} {flags} {len} #"),
            ["ME", key, exp, la, _, rest @ ..] => format!("ME {key} {exp} {la} # {rest:?}"),
            _ => line.to_string(),
        }
    };
    text.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n")
}

#[test]
fn a_swallowed_value_may_come_in_any_pieces() {
    let bench = Bench::new(20);
    let all = conversation();
    let whole = bench.talk([all.as_slice()]);
    assert!(whole.ends_with(b"VALUE b 7 6\r\nquit\r\n\r\nVALUE n 0 2\r\n0 \r\nEND\r\n"));
    for size in [999, 16_384, 100_000] {
        let replies = bench.talk(all.chunks(size));
        assert_eq!(uniques_away(&replies), uniques_away(&whole), "in pieces of {size}");
    }
}

#[test]
fn large_values_arrive_whole_from_any_pieces() {
    let bench = Bench::new(20);
    for len in [16_000, 16_384, 32_768, 65_536, 100_000, 1_000_000] {
        let value: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
        let mut request = format!("set large 9 0 {len}\r\n").into_bytes();
        request.extend(&value);
        // What follows in the same read belongs to the next request.
        request.extend(b"\r\nget large\r\nget none\r\n");
        let mut expected = format!("STORED\r\nVALUE large 9 {len}\r\n").into_bytes();
        expected.extend(&value);
        expected.extend(b"\r\nEND\r\nEND\r\n");
        for size in [777, 4096, 65_537, request.len()] {
            assert!(bench.talk(request.chunks(size)) == expected, "{len} in pieces of {size}");
        }
    }
}

#[test]
fn meta_sets_arrive_whole_from_any_pieces() {
    let bench = Bench::new(20);
    for len in [10, 16_000, 32_768, 100_000, 1_000_000] {
        let value: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
        let mut request = format!("ms bGFyZ2U= {len} b F9 q\r\n").into_bytes();
        request.extend(&value);
        // Replaced; then a value with a wrong end, and one that is too large.
        request.extend(format!("\r\nms large {len} MR T0 k Oabc s F8\r\n").bytes());
        request.extend(&value);
        request.extend(format!("\r\nms large {len} q\r\n").bytes());
        request.extend(&value);
        request.extend(b"!!mg large v f\r\nms large 1100000 q\r\n");
        request.extend(vec![b'\n'; 1_100_002]);
        request.extend(b"mg large k q\r\nmn\r\n");
        let mut expected =
            format!("HD klarge Oabc s{len}\r\nCLIENT_ERROR bad data chunk\r\n").into_bytes();
        expected.extend(format!("VA {len} f8\r\n").bytes());
        expected.extend(&value);
        expected.extend(b"\r\nSERVER_ERROR object too large for cache\r\nMN\r\n");
        for size in [777, 4096, 65_537, request.len()] {
            assert!(bench.talk(request.chunks(size)) == expected, "{len} in pieces of {size}");
        }
    }
}

#[test]
fn a_multiget_larger_than_its_buffer_is_answered_in_order() {
    let bench = Bench::new(20);
    let value = vec![b'v'; 50_000];
    let mut request = Vec::new();
    let mut expected = Vec::new();
    for key in 0..20 {
        request.extend(format!("set key{key} {key} 0 {}\r\n", value.len()).bytes());
        request.extend(&value);
        request.extend(b"\r\n");
        expected.extend(b"STORED\r\n");
    }
    request.extend(b"get");
    for key in (0..20).chain(0..20) {
        request.extend(format!(" key{key} missing").bytes());
        expected.extend(format!("VALUE key{key} {key} {}\r\n", value.len()).bytes());
        expected.extend(&value);
        expected.extend(b"\r\n");
    }
    request.extend(b"\r\nversion\r\n");
    expected.extend(b"END\r\nVERSION 1.6.45\r\n");
    assert!(bench.talk([request.as_slice()]) == expected);
    // A key too long at the very end takes everything back, though much more than a buffer had been answered.
    let end = request.len() - b"\r\nversion\r\n".len();
    request.truncate(end);
    request.extend(format!(" {}\r\n", "k".repeat(251)).bytes());
    let replies = bench.talk([request.as_slice()]);
    let expected = "STORED\r\n".repeat(20) + "CLIENT_ERROR bad command line format\r\n";
    assert_eq!(String::from_utf8_lossy(&replies), expected);
}

#[test]
fn keys_asked_for_again_are_counted_once() {
    let bench = Bench::new(20);
    let large = "v".repeat(50_000);
    let mut request = format!("set s 0 0 1\r\nx\r\nset l 0 0 50000\r\n{large}\r\nget s\r\nget");
    let mut expected = "STORED\r\nSTORED\r\nVALUE s 0 1\r\nx\r\nEND\r\n".to_string();
    // Small values first, so that several keys are asked for together; then more than the output takes.
    for _ in 0..3 {
        request.push_str(" s l missing l l missing l l missing");
        expected.push_str("VALUE s 0 1\r\nx\r\n");
        expected.push_str(&format!("VALUE l 0 50000\r\n{large}\r\n").repeat(5));
    }
    request.push_str("\r\n");
    expected.push_str("END\r\n");
    assert!(bench.talk([request.as_bytes()]) == expected.as_bytes());
    let again = bench.server.counts()[Count::AskedAgain as usize];
    assert!(again > 0, "the output was never full in the middle of a batch");
    let stats = String::from_utf8(bench.talk([&b"stats\r\n"[..]])).expect("text");
    for line in ["cmd_get 28", "get_hits 19", "get_misses 9"] {
        assert!(stats.contains(&format!("STAT {line}\r\n")), "{line} in {stats}");
    }
}

#[test]
fn long_pipelines_give_way_and_lose_nothing() {
    for requests_per_turn in [1, 3, 20] {
        let bench = Bench::new(requests_per_turn);
        let request = b"incr n 1\r\n".repeat(500);
        let mut all = b"set n 0 0 1\r\n0\r\n".to_vec();
        all.extend(request);
        let mut expected = "STORED\r\n".to_string();
        for number in 1..=500 {
            expected.push_str(&format!("{number}\r\n"));
        }
        let replies = bench.talk([all.as_slice()]);
        assert_eq!(String::from_utf8_lossy(&replies), expected);
        assert!(bench.server.counts()[Count::Yields as usize] > 0, "conn_yields");
    }
}

#[test]
fn gets_of_many_keys_give_way_whether_the_keys_are_there_or_not() {
    for (key, reply) in [("none", ""), ("a", "VALUE a 0 1\r\nx\r\n")] {
        let bench = Bench::new(1);
        let request = format!("set a 0 0 1\r\nx\r\nget{}\r\n", format!(" {key}").repeat(100_000));
        let expected = format!("STORED\r\n{}END\r\n", reply.repeat(100_000));
        assert!(bench.talk(request.as_bytes().chunks(20_000)) == expected.as_bytes(), "{key}");
        let yields = bench.server.counts()[Count::Yields as usize];
        assert!(yields > 10, "others had {yields} turns meanwhile");
    }
}

#[test]
fn who_says_no_more_is_still_answered() {
    let bench = Bench::new(20);
    let (mut ours, mut connection) = connect();
    // A read that fills the buffer is followed by another, and that finds the end; or nothing yet.
    let line = format!("get {}\r\n", "k ".repeat(BUFFER_SIZE / 16 / 2 - 3));
    let request = line.repeat(16);
    assert_eq!(request.len(), BUFFER_SIZE);
    let (mut pool, mut replies) = (Pool::default(), Vec::new());
    let mut shop = bench.shop(&mut pool);
    for ends in [false, true] {
        ours.write_all(request.as_bytes()).expect("room");
        if ends {
            ours.shutdown(Shutdown::Write).expect("an end");
        }
        let turn = connection.readable(&mut shop);
        assert_eq!(turn, if ends { Turn::Close } else { Turn::Read });
        drain(&mut ours, &mut replies);
        assert_eq!(String::from_utf8_lossy(&replies), "END\r\n".repeat(16));
        replies.clear();
    }
}
