//! Reads operations of the oracle's language from bytes.

use crate::input::Input;
use crate::support::number::Way;
use crate::support::ops::{Ask, Body, Life, Op, Shape, Storing, Token};

/// Numbers as people and machines write them, and what is none.
const NUMBERS: [&str; 16] = [
    "0",
    "9",
    "10",
    " 7",
    "+8",
    "9  ",
    "00042",
    "-5",
    "12abc",
    "1 2",
    "     ",
    "99999999999999999999",
    "18446744073709551615",
    "18446744073709551616",
    "00000000000000000000000000000000000000000000000001",
    "281474976710656",
];

/// One operation.
pub fn operation(input: &mut Input<'_>, shape: &Shape) -> Op {
    let kind = input.byte() % 64;
    let k = input.below(usize::from(shape.keys)) as u8;
    match kind {
        0..20 => store(input, shape, k),
        20..24 => Op::Get(k),
        24 | 25 => Op::GetTo(k),
        26 => Op::Measure(k),
        27 => Op::Pin(k),
        28 => Op::Contains(k),
        29 => {
            let count = input.byte() % 40;
            Op::GetMany((0..count).map(|at| k.wrapping_add(at * 3) % shape.keys).collect())
        }
        30 | 31 => Op::Gat(k, life(input)),
        32 => Op::GatTo(k, life(input)),
        33..37 => Op::MetaGet(k, ask(input)),
        37..43 => Op::Move(way(input), k, delta(input)),
        43 | 44 => Op::MoveOr(way(input), k, delta(input), delta(input), life(input)),
        45..48 => Op::Touch(k, life(input)),
        48..51 => Op::Delete(k),
        51 => Op::DeleteCas(k, token(input)),
        52 | 53 => Op::Invalidate(k, (input.byte() & 1 == 1).then(|| life(input))),
        54 => Op::Flush(input.one_of(&[0, 1, 2, 5, 60])),
        55 => Op::Iterate,
        56 => Op::Keys(k),
        57..60 => Op::Advance(input.one_of(&[1, 1, 1, 2, 5, 100, 2_592_000])),
        // The verbs that compare are given their weight here, after what they compare with.
        60 | 61 => Op::Store(Storing::Cas(token(input)), k, number(input), 0, Life::Never),
        _ => Op::Store(Storing::Set, k, number(input), u32::from(input.byte() % 2), life(input)),
    }
}

fn store(input: &mut Input<'_>, shape: &Shape, k: u8) -> Op {
    let verb = match input.byte() % 16 {
        0..6 => Storing::Set,
        6..8 => Storing::Add,
        8..10 => Storing::Replace,
        10 | 11 => Storing::Append,
        12 | 13 => Storing::Prepend,
        _ => Storing::Cas(token(input)),
    };
    let most = if k < shape.large_keys { shape.large } else { shape.small };
    let body = match input.byte() % 8 {
        0 => number(input),
        _ => Body::Pattern(input.length(most), input.byte()),
    };
    let flags = input.one_of(&[0, 0, 0, 1, u32::MAX, 0x0102_0304]);
    Op::Store(verb, k, body, flags, life(input))
}

fn number(input: &mut Input<'_>) -> Body {
    match input.byte() % 4 {
        0 => Body::Number(delta(input)),
        _ => Body::Text(input.one_of(&NUMBERS)),
    }
}

fn delta(input: &mut Input<'_>) -> u64 {
    match input.byte() % 8 {
        0..4 => input.word(1) % 20,
        4 | 5 => input.word(2),
        6 => input.word(8),
        // The edges where an engine may change how it keeps a number.
        _ => input.one_of(&[u64::MAX, 1 << 47, (1 << 47) - 1, 1 << 48, (1 << 48) - 1, 1 << 63]),
    }
}

fn way(input: &mut Input<'_>) -> Way {
    input.one_of(&[Way::Up, Way::Down])
}

fn token(input: &mut Input<'_>) -> Token {
    input.one_of(&[Token::Current, Token::Current, Token::Old, Token::Zero])
}

fn ask(input: &mut Input<'_>) -> Ask {
    match input.byte() % 6 {
        0 | 1 => Ask::Plain,
        2 | 3 => Ask::Vivify(life(input)),
        4 => Ask::Recache(input.one_of(&[0, 1, 2, 4, 100, 1000])),
        _ => Ask::Touch(life(input)),
    }
}

fn life(input: &mut Input<'_>) -> Life {
    match input.byte() % 16 {
        0..8 => Life::Never,
        8..12 => Life::After(1 + u32::from(input.byte() % 5)),
        12 => Life::After(input.one_of(&[0, 100, 1000, 2_592_000])),
        13 => Life::Past,
        _ => Life::Date(input.one_of(&[-1_000_000_000, -1, 0, 1, 2, 3, 1000, 400_000_000])),
    }
}
