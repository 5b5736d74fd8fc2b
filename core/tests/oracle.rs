//! The oracle itself: what it must say where memcached 1.6.45 was asked (the cases are probes of the real server),
//! and that a wrong engine's answers would not pass for right ones.

mod support;

use support::answer::{Answer, Bytes, Hit, Marks};
use support::number::{self, Way};
use support::ops::{Ask, Body, Life, Op, Storing, Token};
use support::oracle::{Oracle, item_size};

const K: u8 = 3;

fn oracle() -> Oracle {
    Oracle::new(1_700_000_000, 1 << 20)
}

fn store(verb: Storing, text: &'static str, flags: u32, life: Life) -> Op {
    Op::Store(verb, K, Body::Text(text), flags, life)
}

fn hit(text: &str, flags: u32, ttl: Option<u32>) -> Answer {
    Answer::Hit(Hit { data: Bytes::new(text.as_bytes()), flags, ttl })
}

/// Runs a conversation.
#[track_caller]
fn says(oracle: &mut Oracle, talk: &[(Op, Answer)]) {
    for (at, (op, expected)) in talk.iter().enumerate() {
        assert_eq!(oracle.apply(op), *expected, "step {at}, {op:?}");
    }
}

#[test]
fn a_decrement_keeps_the_width() {
    says(
        &mut oracle(),
        &[
            (store(Storing::Set, "10", 3, Life::After(100)), Answer::Stored),
            (Op::Move(Way::Up, K, 5), Answer::Number(15)),
            (Op::Get(K), hit("15", 3, Some(100))),
            (Op::Move(Way::Down, K, 6), Answer::Number(9)),
            (Op::Get(K), hit("9 ", 3, Some(100))),
            (Op::Move(Way::Up, K, 99_999), Answer::Number(100_008)),
            (Op::Get(K), hit("100008", 3, Some(100))),
            (Op::Move(Way::Down, K, u64::MAX), Answer::Number(0)),
            (Op::Get(K), hit("0     ", 3, Some(100))),
        ],
    );
}

#[test]
fn numbers_are_read_as_memcached_reads_them() {
    for (text, number) in [
        ("0", Some(0)),
        ("00042", Some(42)),
        (" 7", Some(7)),
        ("+8", Some(8)),
        ("9  ", Some(9)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-5", None),
        ("12abc", None),
        ("", None),
        ("   ", None),
        ("+", None),
    ] {
        assert_eq!(number::parse(text.as_bytes()), number, "{text:?}");
    }
    assert_eq!(number::moved(u64::MAX, Way::Up, 2), 1);
    assert_eq!(number::moved(3, Way::Down, 4), 0);
}

#[test]
fn growing_keeps_flags_and_lifetime() {
    says(
        &mut oracle(),
        &[
            (store(Storing::Set, "x", 7, Life::After(100)), Answer::Stored),
            (Op::Touch(K, Life::Never), Answer::Touched),
            (store(Storing::Append, "y", 0, Life::After(5)), Answer::Stored),
            (store(Storing::Prepend, "w", 9, Life::Past), Answer::Stored),
            (Op::Get(K), hit("wxy", 7, None)),
            (Op::Delete(K), Answer::Deleted),
            (store(Storing::Append, "y", 0, Life::Never), Answer::NotStored),
        ],
    );
}

#[test]
fn a_compare_follows_the_unique() {
    let mut oracle = oracle();
    let cas = |token| store(Storing::Cas(token), "new", 0, Life::Never);
    says(&mut oracle, &[(cas(Token::Zero), Answer::Missing)]);
    says(&mut oracle, &[(store(Storing::Set, "a", 0, Life::Never), Answer::Stored)]);
    oracle.learn(K, 11).expect("a first unique");
    says(
        &mut oracle,
        &[
            (Op::Touch(K, Life::After(9)), Answer::Touched),
            (cas(Token::Zero), Answer::Exists),
            (cas(Token::Current), Answer::Stored),
        ],
    );
    oracle.learn(K, 11).expect_err("the same unique for another item");
    oracle.learn(K, 12).expect("a second unique");
    oracle.learn(K, 13).expect_err("another unique without a store");
    says(
        &mut oracle,
        &[
            (cas(Token::Old), Answer::Exists),
            (Op::DeleteCas(K, Token::Old), Answer::Exists),
            (Op::DeleteCas(K, Token::Current), Answer::Deleted),
            (Op::DeleteCas(K, Token::Current), Answer::Missing),
        ],
    );
}

#[test]
fn the_size_limit_is_the_whole_items() {
    let mut oracle = oracle();
    assert_eq!(item_size(1, 1_048_476, 0), 1_048_536);
    let limit = 1 << 20;
    let fits = limit - item_size(0, 0, 0) - support::ops::key(K).len();
    let store = |verb, len| Op::Store(verb, K, Body::Pattern(len, 0), 0, Life::Never);
    let too_large = |size| Answer::TooLarge { size, limit };
    says(
        &mut oracle,
        &[
            (store(Storing::Set, fits), Answer::Stored),
            (store(Storing::Append, 1), Answer::NotStored),
            (store(Storing::Replace, fits + 1), too_large(limit + 1)),
            (Op::Contains(K), Answer::Present(true)),
            (store(Storing::Set, fits + 1), too_large(limit + 1)),
            (Op::Contains(K), Answer::Present(false)),
        ],
    );
}

#[test]
fn lifetimes_end_on_the_second() {
    says(
        &mut oracle(),
        &[
            (store(Storing::Set, "x", 0, Life::After(2)), Answer::Stored),
            (Op::Advance(1), Answer::Done),
            (Op::Get(K), hit("x", 0, Some(1))),
            (Op::Advance(1), Answer::Done),
            (Op::Get(K), Answer::Miss),
            (store(Storing::Set, "x", 0, Life::Never), Answer::Stored),
            (store(Storing::Set, "y", 0, Life::Past), Answer::Stored),
            (Op::Get(K), Answer::Miss),
            (store(Storing::Set, "z", 0, Life::Date(1)), Answer::Stored),
            (Op::Gat(K, Life::After(50)), hit("z", 0, Some(50))),
        ],
    );
}

#[test]
fn a_flush_to_come_takes_what_is_stored_until_then() {
    let set = |text| store(Storing::Set, text, 0, Life::Never);
    says(
        &mut oracle(),
        &[
            // Of 4 seconds: 3 pass, in the next one all is hidden, then what was stored before is dead.
            (Op::Flush(4), Answer::Done),
            (Op::Advance(2), Answer::Done),
            (set("x"), Answer::Stored),
            (Op::Get(K), hit("x", 0, None)),
            (Op::Advance(1), Answer::Done),
            (Op::Get(K), Answer::Miss),
            (store(Storing::Add, "y", 0, Life::Never), Answer::Stored),
            (Op::Get(K), Answer::Miss),
            (store(Storing::Replace, "z", 0, Life::Never), Answer::NotStored),
            (Op::Advance(1), Answer::Done),
            (Op::Get(K), Answer::Miss),
            (set("z"), Answer::Stored),
            (Op::Get(K), hit("z", 0, None)),
            // Of 1 second: at once.
            (Op::Flush(1), Answer::Done),
            (Op::Get(K), Answer::Miss),
            // Another flush does not bring it back; one to come is replaced.
            (Op::Flush(5), Answer::Done),
            (Op::Get(K), Answer::Miss),
            (set("z"), Answer::Stored),
            (Op::Flush(60), Answer::Done),
            (Op::Advance(5), Answer::Done),
            (Op::Get(K), hit("z", 0, None)),
            (Op::Flush(0), Answer::Done),
            (set("y"), Answer::Stored),
            (Op::Advance(60), Answer::Done),
            (Op::Get(K), hit("y", 0, None)),
        ],
    );
}

#[test]
fn a_stale_item_is_won_once() {
    let marks = |won, stale, sent, hit_before| Marks { won, stale, sent, hit_before };
    let met = |text: &str, ttl, marks| {
        let Answer::Hit(hit) = hit(text, 0, ttl) else { unreachable!("hit makes hits") };
        Answer::MetaHit(hit, marks)
    };
    let mg = |ask| Op::MetaGet(K, ask);
    let (yes, no) = (Some(true), Some(false));
    says(
        &mut oracle(),
        &[
            // md I T30, then mg: X W, then Z X; a store clears all.
            (store(Storing::Set, "x", 0, Life::Never), Answer::Stored),
            (Op::Invalidate(K, Some(Life::After(30))), Answer::Touched),
            (mg(Ask::Plain), met("x", Some(30), marks(true, true, false, None))),
            (mg(Ask::Plain), met("x", Some(30), marks(false, true, true, yes))),
            (store(Storing::Set, "y", 0, Life::After(20)), Answer::Stored),
            (mg(Ask::Plain), met("y", Some(20), marks(false, false, false, no))),
            // mg R30 of an item with 20 left: W, then Z.
            (mg(Ask::Recache(20)), met("y", Some(20), marks(false, false, false, yes))),
            (mg(Ask::Recache(30)), met("y", Some(20), marks(true, false, false, yes))),
            (mg(Ask::Recache(30)), met("y", Some(20), marks(false, false, true, yes))),
            // mg N30 of a missing key: W, then Z; a get sees an empty value, an add is refused.
            (Op::Delete(K), Answer::Deleted),
            (mg(Ask::Plain), Answer::Miss),
            (mg(Ask::Vivify(Life::After(30))), met("", Some(30), marks(true, false, false, no))),
            (mg(Ask::Vivify(Life::After(30))), met("", Some(30), marks(false, false, true, None))),
            (Op::Get(K), hit("", 0, Some(30))),
            (store(Storing::Add, "x", 0, Life::Never), Answer::NotStored),
        ],
    );
}

#[test]
fn a_number_is_made_where_there_is_none() {
    says(
        &mut oracle(),
        &[
            (Op::MoveOr(Way::Up, K, 10, 13, Life::After(60)), Answer::Number(13)),
            (Op::MoveOr(Way::Up, K, 1, 13, Life::After(60)), Answer::Number(14)),
            (Op::Get(K), hit("14", 0, Some(60))),
            (Op::Move(Way::Down, K, 99), Answer::Number(0)),
            (Op::Get(K), hit("0 ", 0, Some(60))),
        ],
    );
}
