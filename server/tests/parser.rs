//! The grammar under attack: random bytes and random near-commands, fed to the parser by itself and, cut at random, to
//! a whole connection over a socket pair.

use nearcached::protocol::ascii::{self, Command, Request, Write};
use nearcached::protocol::token::{self, GET_LINE_MAX, LINE_MAX, Line};
use proptest::prelude::*;

/// Words that lead deep into the grammar.
fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "get",
            "gets",
            "gat",
            "gats",
            "set",
            "add",
            "cas",
            "append",
            "incr",
            "decr",
            "touch",
            "delete",
            "mg",
            "mn",
            "ms",
            "md",
            "ma",
            "me",
            "flush_all",
            "stats",
            "verbosity",
            "cache_memlimit",
            "shutdown",
            "quit",
            "noreply",
            "HTTP/1.1",
            "0",
            "1",
            "-1",
            "4294967296",
            "18446744073709551616",
            "2147483646",
            "k",
            "v",
            "q",
            "T30",
            "N30",
            "C1",
            "E1",
            "F7",
            "MA",
            "J1",
            "D1",
            "I",
            "k",
            "Ox",
            "b",
            "",
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let separator = prop::sample::select(vec![" ", " ", " ", "  ", "\r\n", "\n", "\t"]);
    prop::collection::vec((word(), separator), 0..40).prop_map(|pairs| {
        let mut text = Vec::new();
        for (word, separator) in pairs {
            text.extend(word);
            text.extend(separator.bytes());
        }
        text
    })
}

/// Is `part` a piece of `whole` (not a copy)?
fn within(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || whole.as_ptr_range().contains(&part.as_ptr())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_line_surprises_the_parser(bytes in text()) {
        let mut rest = bytes.as_slice();
        loop {
            match token::line(rest, 0) {
                Line::Whole { len, next } => {
                    prop_assert!(len < next && next <= rest.len());
                    prop_assert_eq!(rest[next - 1], b'\n');
                    let line = &rest[..len];
                    match ascii::parse(line, next) {
                        Request::Store(write) => {
                            let key = match write {
                                Write::Classic(store) => store.key,
                                Write::Meta(store) => store.head.sent,
                            };
                            prop_assert!((1..=250).contains(&key.len()));
                            prop_assert!(within(key, line));
                            prop_assert!(write.data_len() <= i32::MAX as usize - 2);
                        }
                        Request::Get(get) => prop_assert!(get.keys <= len),
                        Request::Meta(meta) => {
                            let (head, mut room) = (meta.head, [0; 250]);
                            prop_assert!((1..=250).contains(&head.sent.len()));
                            prop_assert!(within(head.sent, line) && within(head.flags, line));
                            // What was promised to be base64 is.
                            prop_assert!(head.key(&mut room).is_some());
                        }
                        Request::Skip { bytes, .. } => prop_assert!(bytes >= 2),
                        Request::Simple { command: Command::Refused(words), .. } => {
                            prop_assert!(words.ends_with(b"\r\n"));
                        }
                        _ => {}
                    }
                    rest = &rest[next..];
                }
                Line::Partial => {
                    prop_assert!(rest.len() <= GET_LINE_MAX && !rest.contains(&b'\n'));
                    break;
                }
                Line::TooLong => {
                    prop_assert!(rest.len() > LINE_MAX);
                    break;
                }
            }
        }
    }

    /// Where a line ends does not depend on how it came.
    #[test]
    fn a_line_that_drips_in_is_the_same_line(bytes in text()) {
        let whole = token::line(&bytes, 0);
        let mut scanned = 0;
        for end in 0..=bytes.len() {
            match token::line(&bytes[..end], scanned) {
                Line::Partial => scanned = end,
                Line::TooLong => break,
                found => {
                    prop_assert_eq!(found, whole);
                    break;
                }
            }
        }
    }
}
