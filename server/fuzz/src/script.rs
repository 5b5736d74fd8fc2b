//! What a client might say, from bytes: anything at all, or requests that are nearly right, in text or binary.

use crate::bench::ITEM_MAX;
use crate::input::Input;
use nearcached::protocol::token::LINE_MAX;

/// A script is no longer.
const LONGEST: usize = 200 << 10;

const NUMBERS: [&str; 20] = [
    "0",
    "1",
    "-1",
    "+1",
    "5",
    "10",
    "60",
    "007",
    "100",
    "65536",
    "2592000",
    "2592001",
    "2147483645",
    "2147483646",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "x",
];
const CLASSIC: [&str; 7] = ["set", "add", "replace", "append", "prepend", "cas", "set"];
const META: [&str; 5] = ["mg", "md", "ma", "me", "mn"];
const ODD: [&str; 21] = [
    "verbosity 0",
    "flush_all",
    "flush_all 2",
    "flush_all -1 noreply",
    "version",
    "quit",
    "debugtime 1",
    "debugtime 100",
    "cache_memlimit 1",
    "shutdown",
    "slabs reassign 1 2",
    "lru mode flat",
    "lru_crawler enable",
    "extstore free_memchunks 1 2",
    "GET / HTTP/1.1",
    "refresh_certs",
    "",
    "x",
    "get",
    "gat 1",
    "mn",
];
const LETTERS: &[u8] = b"bcfhklqstuvxCDEFIJMNORST!0Z";

/// A client's bytes, and whether the same bytes get the same replies at any time from an empty cache.
pub fn script(data: &[u8]) -> (Vec<u8>, bool) {
    let Some((mode, rest)) = data.split_first() else { return (Vec::new(), true) };
    let mut out = Vec::new();
    match mode % 4 {
        0 => {
            out.extend_from_slice(rest);
            // Statistics tell of times and buffers.
            let tells = rest.first() == Some(&0x80) || rest.windows(4).any(|word| word == b"stat");
            return (out, !tells);
        }
        1 | 2 => {
            let mut input = Input::new(rest);
            while !input.is_empty() && out.len() < LONGEST {
                text(&mut input, &mut out);
            }
        }
        _ => {
            let mut input = Input::new(rest);
            while !input.is_empty() && out.len() < LONGEST {
                binary(&mut input, &mut out);
            }
        }
    }
    (out, true)
}

/// Is one of the lines, if they are lines, longer than one that comes in pieces may be? Such a line is read if it comes
/// with its end, and ends the conversation if it does not.
pub fn has_long_line(said: &[u8]) -> bool {
    said.first() != Some(&0x80)
        && said.split(|&byte| byte == b'\n').any(|line| line.len() > LINE_MAX)
}

fn text(input: &mut Input<'_>, out: &mut Vec<u8>) {
    match input.byte() % 16 {
        0..4 => storing(input, out),
        4 | 5 => {
            word(out, ["get", "gets", "gat 10", "gats -1"][input.below(4)]);
            let many = if input.byte().is_multiple_of(8) { 200 } else { 4 };
            for _ in 0..input.below(many) {
                key(input, out);
            }
        }
        6 | 7 => {
            word(out, input.one_of(&["incr", "decr", "touch", "delete"]));
            key(input, out);
            if !input.byte().is_multiple_of(4) {
                word(out, input.one_of(&NUMBERS));
            }
            noreply(input, out);
        }
        8..11 => {
            word(out, input.one_of(&META));
            key(input, out);
            flags(input, out);
        }
        11 | 12 => {
            word(out, "ms");
            key(input, out);
            let len = length(input, out);
            flags(input, out);
            end(input, out);
            return data(input, len, out);
        }
        13 => word(out, input.one_of(&ODD)),
        14 => {
            for _ in 0..input.below(24) {
                out.push(input.byte());
            }
        }
        // A long line. Rare: what may come of it depends on the cuts.
        _ if input.byte().is_multiple_of(16) => {
            word(out, input.one_of(&["get", "set", "mg"]));
            let len = input.below(6000);
            out.resize(out.len() + len, input.one_of(b"k \0"));
        }
        _ => word(out, "mn"),
    }
    end(input, out);
}

fn storing(input: &mut Input<'_>, out: &mut Vec<u8>) {
    let verb = input.one_of(&CLASSIC);
    word(out, verb);
    key(input, out);
    word(out, input.one_of(&NUMBERS));
    word(out, input.one_of(&["0", "0", "0", "0", "1", "-1", "100", "x"]));
    let len = length(input, out);
    if verb == "cas" {
        word(out, input.one_of(&NUMBERS));
    }
    noreply(input, out);
    end(input, out);
    data(input, len, out);
}

/// A value's length in a line; mostly it is what then comes.
fn length(input: &mut Input<'_>, out: &mut Vec<u8>) -> usize {
    let len = input.length(ITEM_MAX + 1000);
    match input.byte() % 16 {
        0 => word(out, input.one_of(&NUMBERS)),
        1 => word(out, &(len + 1).to_string()),
        _ => word(out, &len.to_string()),
    }
    len
}

fn data(input: &mut Input<'_>, len: usize, out: &mut Vec<u8>) {
    let fill = input.one_of(b"v0 \n");
    // No line in it is overlong, should it be taken for commands.
    out.extend((1..=len).map(|at| if at % 1000 == 0 { b'\n' } else { fill }));
    end(input, out);
}

fn word(out: &mut Vec<u8>, word: &str) {
    if out.last().is_some_and(|&byte| byte != b'\n') {
        out.push(b' ');
    }
    out.extend_from_slice(word.as_bytes());
}

fn key(input: &mut Input<'_>, out: &mut Vec<u8>) {
    match input.byte() % 32 {
        0 => word(out, &"k".repeat(250)),
        1 => word(out, &"k".repeat(251)),
        // Base64, for the flag b.
        2 => word(out, "Zm9v"),
        3 => word(out, "Zg=="),
        number => word(out, &format!("k{}", number % 4)),
    }
}

fn flags(input: &mut Input<'_>, out: &mut Vec<u8>) {
    let many = if input.byte().is_multiple_of(16) { 24 } else { 5 };
    for _ in 0..input.below(many) {
        let letter = char::from(input.one_of(LETTERS));
        let value = match letter {
            'M' => ["S", "A", "I", "D", "+", "x"][input.below(6)],
            'C' | 'D' | 'E' | 'F' | 'J' | 'N' | 'R' | 'T' => input.one_of(&NUMBERS),
            'O' => {
                ["abc", "", "0123456789012345678901234567890", "01234567890123456789012345678901"]
                    [input.below(4)]
            }
            _ => "",
        };
        word(out, &format!("{letter}{value}"));
    }
}

fn noreply(input: &mut Input<'_>, out: &mut Vec<u8>) {
    if input.byte().is_multiple_of(4) {
        word(out, "noreply");
    }
}

fn end(input: &mut Input<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(match input.byte() % 16 {
        0 => b"\n",
        1 => b"",
        2 => b" \r\n",
        _ => b"\r\n",
    });
}

/// A binary request: header, extras, key, value; now and then with a length that is not so.
fn binary(input: &mut Input<'_>, out: &mut Vec<u8>) {
    let opcode = match input.byte() % 64 {
        // Statistics tell of times and buffers.
        0x10 => 0,
        opcode => opcode,
    };
    let extras: usize = match (input.byte() % 16, opcode) {
        (0, _) => input.below(32),
        (_, 0x01..=0x03 | 0x11..=0x13) => 8,
        (_, 0x05 | 0x06 | 0x15 | 0x16) => 20,
        (_, 0x1b..=0x1e | 0x23 | 0x24) => 4,
        _ => 0,
    };
    let mut name = Vec::new();
    if !matches!(opcode, 0x07 | 0x08 | 0x0a | 0x0b | 0x17 | 0x18) {
        key(input, &mut name);
    }
    let value = match opcode {
        0x01..=0x03 | 0x0e | 0x0f | 0x11..=0x13 | 0x19 | 0x1a => input.length(ITEM_MAX + 1000),
        _ => 0,
    };
    let said = match input.byte() % 32 {
        0 => input.word(4) as u32,
        1 => 0x3fff_ffff,
        _ => (extras + name.len() + value) as u32,
    };
    out.extend([if input.byte().is_multiple_of(64) { input.byte() } else { 0x80 }, opcode]);
    out.extend((name.len() as u16).to_be_bytes());
    out.extend([extras as u8, 0, 0, 0]);
    out.extend(said.to_be_bytes());
    out.extend((input.byte() as u32).to_be_bytes());
    out.extend(if input.byte().is_multiple_of(8) { input.word(1) } else { 0 }.to_be_bytes());
    // Most numbers in extras are small.
    out.extend((0..extras).map(|at| if at % 4 == 3 { input.byte() } else { 0 }));
    out.extend(name);
    out.resize(out.len() + value, input.one_of(b"v0 "));
}
