//! A binary conversation without a socket: what a request is must not depend on where the network cuts it, and no bytes
//! make the server fail.

mod common;

use common::packets::{Answer, FLAGS_5, count, packet, with_cas};
use nearcached::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use nearcached::classes::Classes;
use nearcached::conversation::{Conversation, Step};
use nearcached::dispatch::Desk;
use nearcached::listener::Doors;
use nearcached::options::{Options, Protocol};
use nearcached::protocol::binary::{self, Parsed, Request};
use nearcached::server::{Peer, Server};
use nearcached::stats::Departures;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

fn server() -> Server {
    let options =
        Options { port: -1, listen: vec!["127.0.0.1".into()], threads: 1, ..Options::default() };
    let doors = Doors::open(&options).expect("a port");
    let mut cache = nearcache::Options::new(options.memory);
    cache.manual_clock = true;
    let departures = Departures::new(Arc::new(Classes::new(&options.knobs.classes)));
    let cache = cache.open().expect("a cache");
    Server::new(cache, options, None, &doors, Arc::new(departures))
}

/// What came of a conversation.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    replies: Vec<u8>,
    closed: bool,
}

/// Says the pieces one after the other, each understood as far as it can be before the next comes.
fn talk<'a>(server: &Server, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    server.cache.flush_all(0).expect("it may be written");
    let peer = Arc::new(Peer::new(0, String::new(), String::new(), 0));
    let mut conversation = Conversation::new(peer, Protocol::Binary);
    let desk = Desk { server, counters: &server.counters[0], fd: 0 };
    let (mut pool, mut input, mut out) = (Pool::default(), Input::default(), Output::default());
    let mut heard = Heard::default();
    for piece in pieces {
        let mut left = piece;
        while !left.is_empty() {
            let room = match conversation.room() {
                Some(room) => room,
                None => input.make_room(&mut pool),
            };
            let (now, later) = left.split_at(left.len().min(room.capacity() - room.len()));
            room.extend_from_slice(now);
            left = later;
            loop {
                let step = conversation.step(desk, &mut pool, &mut input, &mut out);
                assert!(out.unsent().len() < OUTPUT_HIGH + (2 << 20), "an item over the mark");
                heard.replies.extend(out.unsent());
                out.advance(out.unsent().len());
                match step {
                    Step::Done | Step::Full => {}
                    Step::Starved | Step::Wait => break,
                    Step::Close => {
                        heard.closed = true;
                        return heard;
                    }
                    Step::Stop(_) => panic!("nobody asked the server to end"),
                    Step::Watch(_) => panic!("nobody asked to watch"),
                }
            }
            let (reading, writing) = conversation.held();
            assert!(input.capacity() + reading + writing < 4 << 20, "what is held is bounded");
        }
    }
    heard
}

/// The uniques grow from talk to talk: any is 1.
fn uniques_away(mut heard: Heard) -> Heard {
    let mut at = 0;
    while let Some(len) = Answer::len(&heard.replies[at..]) {
        let unique = &mut heard.replies[at + 16..at + 24];
        if unique.iter().any(|&byte| byte != 0) {
            unique.copy_from_slice(&1_u64.to_be_bytes());
        }
        at += len;
    }
    heard
}

fn conversation() -> Vec<u8> {
    let touch = |op, key: &[u8]| packet(op, &[0, 0, 0, 9], key, b"");
    [
        packet(0x01, FLAGS_5, b"a", b"hello"),
        packet(0x00, b"", b"a", b""),
        packet(0x0d, b"", b"b", b""),
        packet(0x0c, b"", b"b", b""),
        packet(0x11, FLAGS_5, b"b", b""),
        packet(0x0e, b"", b"b", b"\x80\x00end"),
        packet(0x02, FLAGS_5, b"b", b"x"),
        packet(0x05, &count(1, 7, 0), b"n", b""),
        packet(0x16, &count(1, 7, 0), b"n", b""),
        touch(0x1c, b"n"),
        touch(0x23, b"n"),
        touch(0x24, b"none"),
        with_cas(0x01, 3, FLAGS_5, b"a", b"no"),
        packet(0x50, b"extr", b"key", b"skipped"),
        packet(0x10, b"", b"detail dump", b""),
        packet(0x04, b"", b"a", b""),
        packet(0x14, b"", b"a", b""),
        packet(0x0a, b"", b"", b""),
        packet(0x07, b"", b"", b""),
        packet(0x0a, b"", b"", b""),
    ]
    .concat()
}

#[test]
fn every_cut_gives_the_same_replies() {
    let server = server();
    let all = conversation();
    let whole = uniques_away(talk(&server, [all.as_slice()]));
    assert!(whole.closed && common::packets::answers(&whole.replies).len() == 16);
    for cut in 1..all.len() {
        let (first, second) = all.split_at(cut);
        assert_eq!(uniques_away(talk(&server, [first, second])), whole, "cut at {cut}");
    }
    for size in [1, 2, 7, 25, 64] {
        assert_eq!(uniques_away(talk(&server, all.chunks(size))), whole, "in pieces of {size}");
    }
}

#[test]
fn large_values_arrive_whole_from_any_pieces() {
    let server = server();
    for len in [16_000, 16_351, 16_384, 32_768, 100_000, 1_000_000, 2_000_000] {
        let value: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
        let request = [
            packet(0x01, FLAGS_5, b"large", &value),
            // What follows in the same read belongs to the next request.
            packet(0x0c, b"", b"large", b""),
            packet(0x0f, b"", b"large", b"<"),
            packet(0x0a, b"", b"", b""),
        ]
        .concat();
        let whole = uniques_away(talk(&server, [request.as_slice()]));
        let answers = common::packets::answers(&whole.replies);
        if len < 1 << 20 {
            assert!(answers[1].value == value && answers[2].status == 0, "{len}");
        } else {
            assert_eq!((answers[0].status, answers[1].status, answers[2].status), (3, 1, 5));
        }
        for size in [777, 4096, 65_537] {
            let heard = uniques_away(talk(&server, request.chunks(size)));
            assert!(heard == whole, "{len} in pieces of {size}");
        }
    }
}

/// Packets that lead deep, some of them damaged.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![9 => 0..0x26_u8, 1 => any::<u8>()];
    let extras = prop_oneof![
        Just(vec![]),
        Just(vec![0; 4]),
        Just(FLAGS_5.to_vec()),
        any::<[u8; 4]>().prop_map(|bytes| bytes.to_vec()),
        (0..3_u64, any::<u64>()).prop_map(|(delta, initial)| count(delta, initial, 0)),
        prop::collection::vec(any::<u8>(), 0..30),
    ];
    let key = prop_oneof![
        4 => prop::sample::select(vec!["", "a", "b", "settings", "detail dump", "PLAIN"])
            .prop_map(|key| key.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..260),
    ];
    let value = prop_oneof![
        4 => Just(vec![]),
        2 => Just(b"10".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (0..60_000_usize).prop_map(|len| vec![0x80; len]),
    ];
    let cas = prop::sample::select(vec![0, 0, 0, 1, u64::MAX]);
    // A byte of the header that says something else.
    let damage = prop::option::weighted(0.05, (0..24_usize, any::<u8>()));
    let one = (opcode, cas, extras, key, value, damage).prop_map(
        |(opcode, cas, extras, key, value, damage)| {
            let mut packet = with_cas(opcode, cas, &extras, &key, &value);
            if let Some((at, byte)) = damage {
                packet[at] = byte;
            }
            packet
        },
    );
    prop::collection::vec(one, 0..20).prop_map(|packets| packets.concat())
}

/// The property's alone: each talk begins with an empty cache.
static SERVER: LazyLock<Server> = LazyLock::new(server);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_surprise_the_parser(
        mut bytes in prop_oneof![packets(), prop::collection::vec(any::<u8>(), 0..400)],
        honest in any::<bool>(),
    ) {
        if honest && let Some(first) = bytes.first_mut() {
            *first = 0x80;
        }
        let mut rest = bytes.as_slice();
        while let Parsed::Request { request, next, .. } = binary::parse(rest) {
            prop_assert!(24 <= next && next <= rest.len());
            match request {
                Request::Get(binary::Get { key, .. })
                | Request::Store(binary::Store { key, .. })
                | Request::Delete { key, .. }
                | Request::Arith(binary::Arith { key, .. }) => {
                    prop_assert!((1..=250).contains(&key.len()));
                    prop_assert!(rest[..next].as_ptr_range().contains(&key.as_ptr()));
                }
                Request::Stat(words) => prop_assert!(words.len() <= 250),
                Request::Refused { skip, .. } => {
                    prop_assert!(skip.is_none_or(|bytes| bytes <= 1 << 30));
                    prop_assert_eq!(next, 24, "nothing of its body is used up");
                }
                _ => {}
            }
            rest = &rest[next..];
        }
    }

    /// A request is the same however it comes, from its first byte on.
    #[test]
    fn a_request_that_drips_in_is_the_same_request(bytes in packets()) {
        let whole = binary::parse(&bytes);
        for end in 0..bytes.len() {
            match binary::parse(&bytes[..end]) {
                Parsed::Partial => {}
                found => {
                    prop_assert_eq!(found, whole);
                    break;
                }
            }
        }
    }

    #[test]
    fn random_packets_in_any_pieces(bytes in packets(), size in 1..5000_usize) {
        let whole = without_stats(uniques_away(talk(&SERVER, [bytes.as_slice()])));
        let pieces = without_stats(uniques_away(talk(&SERVER, bytes.chunks(size))));
        prop_assert!(pieces == whole, "in pieces of {}", size);
    }
}

/// Statistics are other numbers each time.
fn without_stats(heard: Heard) -> (Vec<Answer>, bool) {
    let mut answers = common::packets::answers(&heard.replies);
    answers.retain(|answer| answer.opcode != 0x10);
    (answers, heard.closed)
}
