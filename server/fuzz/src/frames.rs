//! The target `frames`: datagrams. Each piece of a reply has its number and its bounds, the pieces together are what a
//! connection would have been told, and nothing but a request in one datagram is answered.

use crate::bench::{Bench, ITEM_MAX};
use crate::input::Input;
use crate::script::{has_long_line, script};
use crate::shown::{parting, shown};
use nearcached::buffer::{OUTPUT_HIGH, Pool};
use nearcached::options::Protocol;
use nearcached::udp::{DATAGRAM_MAX, Exchange, HEADER};

/// The most that a UDP datagram carries over IPv4.
const RECEIVED_MAX: usize = 65_507;

/// The longest reply.
const REPLY_MAX: usize = ITEM_MAX + 2 * OUTPUT_HIGH;

/// Runs a case; panics when it goes wrong.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut datagram: Vec<u8> = match input.byte() % 8 {
        // As it is.
        0 => return answer(data.get(1..).unwrap_or_default(), None),
        1 => (0..input.below(HEADER)).map(|_| input.byte()).collect(),
        2 => (0..HEADER).map(|_| input.byte() % 3).collect(),
        _ => vec![input.byte(), input.byte(), input.byte(), input.byte(), 0, 1, input.byte(), 0],
    };
    let used = data.len().min(HEADER);
    let (mut said, same) = script(&data[used..]);
    said.truncate(RECEIVED_MAX - HEADER);
    datagram.extend_from_slice(&said);
    let framed = datagram.len() >= HEADER && datagram[4..6] == [0, 1];
    let comparable = framed && same && datagram[HEADER..] == said;
    answer(&datagram, comparable.then_some(&said));
}

/// Answers a datagram; with `said` the replies are compared with those of a connection.
fn answer(datagram: &[u8], said: Option<&Vec<u8>>) {
    let bench = Bench::new();
    let (mut exchange, mut pool) = (Exchange::default(), Pool::default());
    // Two times, for what the first one left behind.
    exchange.room(&mut pool).extend_from_slice(b"\0\0\0\0\0\x01\0\0get half");
    let peer = Bench::peer();
    let whom = (&peer, Protocol::Negotiated);
    exchange
        .answer(whom, bench.desk(), &mut pool, &mut |_, _| panic!("half a request is answered"));
    let (mut replies, mut expected, mut pieces, mut len) = (Vec::new(), 0, 0, 0);
    exchange.room(&mut pool).extend_from_slice(datagram);
    let mut send = |header: &[u8; HEADER], bytes: &[u8]| {
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        assert_eq!(header[..2], datagram[..2], "the request's number");
        assert_eq!((word(2), word(6)), (expected, 0), "the piece's number");
        if expected == 0 {
            (pieces, len) = (word(4), 0);
        }
        assert_eq!(word(4), pieces, "how many pieces there are");
        assert!(!bytes.is_empty() && HEADER + bytes.len() <= DATAGRAM_MAX);
        assert!(
            HEADER + bytes.len() == DATAGRAM_MAX || expected + 1 == pieces,
            "a piece is not full"
        );
        len += bytes.len();
        assert!(len <= REPLY_MAX, "a reply of {len} bytes");
        expected = (expected + 1) % pieces;
        replies.extend_from_slice(bytes);
        true
    };
    exchange.answer(whom, bench.desk(), &mut pool, &mut send);
    assert_eq!(expected, 0, "pieces are missing");
    if let Err(error) = bench.check() {
        panic!("the cache is not sound: {error}\nafter {}", shown(datagram));
    }
    if datagram.len() < HEADER || datagram[4..6] != [0, 1] {
        assert!(replies.is_empty(), "what is no request is answered");
    }
    let Some(said) = said.filter(|said| !said.starts_with(b"ERROR")) else { return };
    let talked = Bench::new().talk([said.as_slice()]);
    let refused = [&b"too large for UDP"[..], b"not served over UDP"];
    let refused =
        refused.iter().any(|words| replies.windows(words.len()).any(|some| some == *words));
    // A connection may get to see an overlong line before its end, and is then ended.
    let fits = match has_long_line(said) {
        true => replies == talked.replies || talked.closed && replies.starts_with(&talked.replies),
        false => replies == talked.replies,
    };
    assert!(
        refused || fits,
        "by datagrams and by a connection: {}\nafter {}",
        parting(&replies, &talked.replies),
        shown(said)
    );
}
