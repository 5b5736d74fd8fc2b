//! The same random binary requests to nearcached and to the machine's own memcached, and the answers compared. What the
//! two may say differently: uniques (they are compared by what they do), and what memcached 1.6.18 does about bodies that
//! are not as they should be (it takes bytes of the next request for theirs), which is why those are left to `binary.rs`.

mod common;

use common::memcached::Memcached;
use common::packets::{Answer, answers, count, header, packet, with_cas};
use common::{Client, Daemon, Random, connect_unix};
use std::path::PathBuf;

/// Requests a run.
const REQUESTS: usize = 30_000;

const KEYS: usize = 12;

/// These keys are counted with; to the others bytes are appended. A number with a space and then anything else behind
/// it (`12 abc`) is 12 to memcached and no number to the cache core: the two never meet here.
const NUMBERS: usize = 6;

/// Which unique a request carries.
#[derive(Clone, Copy, Debug)]
enum Unique {
    None,
    /// The last one seen of its key.
    Own,
    /// One that neither side ever comes to.
    Wrong,
}

/// A request, but for its unique.
#[derive(Debug)]
struct Asked {
    opcode: u8,
    extras: Vec<u8>,
    key: usize,
    value: Vec<u8>,
    unique: Unique,
}

/// What is sent.
enum Sent {
    Request(Asked),
    /// Malformed: the server answers and closes.
    Wrong(Vec<u8>),
}

/// One side of the comparison.
struct Side {
    socket: PathBuf,
    client: Client,
    uniques: [u64; KEYS],
}

impl Side {
    fn new(socket: PathBuf) -> Side {
        Side { client: connect_unix(&socket), socket, uniques: [0; KEYS] }
    }

    fn answer(&mut self) -> Answer {
        let mut bytes = self.client.take(24);
        let len = Answer::len(&bytes).expect("a header");
        bytes.extend(self.client.take(len - 24));
        Answer::read(&bytes)
    }

    /// The answers to a request, up to that of a NOOP behind it.
    fn ask(&mut self, sent: &Sent) -> String {
        let asked = match sent {
            Sent::Request(asked) => asked,
            Sent::Wrong(bytes) => {
                let client = std::mem::replace(&mut self.client, connect_unix(&self.socket));
                return said(client, bytes);
            }
        };
        let unique = match asked.unique {
            Unique::None => 0,
            Unique::Own => self.uniques[asked.key],
            Unique::Wrong => u64::MAX >> 1,
        };
        let key = format!("key{}", asked.key);
        let key = if is_keyless(asked.opcode) { "" } else { &key };
        self.client.send(with_cas(
            asked.opcode,
            unique,
            &asked.extras,
            key.as_bytes(),
            &asked.value,
        ));
        self.client.send(packet(0x0a, b"", b"", b""));
        let mut shown = Vec::new();
        loop {
            let mut answer = self.answer();
            if answer.opcode == 0x0a {
                return shown.join("\n");
            }
            if answer.cas != 0 {
                self.uniques[asked.key] = answer.cas;
            }
            // Whether memcached writes a shorter number over the old one (with spaces behind it) or anew depends on
            // who else holds the item at that moment.
            if asked.key < NUMBERS && answer.extras.len() == 4 {
                answer.value = answer.value.trim_ascii_end().to_vec();
            }
            if answer.opcode == 0x0b {
                answer.value.clear();
            }
            shown.push(answer.line());
        }
    }

    fn stat(&mut self, name: &str) -> String {
        self.client.send(packet(0x10, b"", b"", b""));
        let mut found = None;
        loop {
            let answer = self.answer();
            if answer.key.is_empty() {
                return found.unwrap_or_else(|| panic!("no {name}"));
            }
            if answer.key == name.as_bytes() {
                found = Some(String::from_utf8(answer.value).expect("text"));
            }
        }
    }
}

fn said(mut client: Client, bytes: &[u8]) -> String {
    client.send(bytes);
    answers(&client.rest()).iter().map(Answer::line).collect::<Vec<_>>().join("\n")
}

fn is_keyless(opcode: u8) -> bool {
    matches!(opcode, 0x08 | 0x18 | 0x0b | 0x1b..) && !matches!(opcode, 0x1c..=0x1e | 0x23 | 0x24)
}

/// No number of 2^63 and more: of those 1.6.18 looks for a minus sign far behind the value, and may find one.
fn value(random: &mut Random, key: usize) -> Vec<u8> {
    match random.below(12) {
        0 => Vec::new(),
        1 => (random.next() >> 1).to_string().into_bytes(),
        2 => format!("{}  ", random.below(1000)).into_bytes(),
        3 => format!("  {}", random.below(1000)).into_bytes(),
        4 => b"9223372036854775807".to_vec(),
        5 => b"99999999999999999999".to_vec(),
        6 => vec![b'v'; random.below(200_000) as usize],
        7 => vec![0x80; 20_000],
        8 if key >= NUMBERS && random.below(4) == 0 => {
            vec![b'x'; 1_048_300 + random.below(300) as usize]
        }
        _ => random.below(1 << 20).to_string().into_bytes(),
    }
}

fn exptime(random: &mut Random) -> [u8; 4] {
    let times = [0, 0, 0, 1000, 2_592_000, 2_592_001, 1_900_000_000, 1 << 31, u32::MAX];
    times[random.below(times.len() as u64) as usize].to_be_bytes()
}

fn one_of(random: &mut Random, opcodes: &[u8]) -> u8 {
    opcodes[random.below(opcodes.len() as u64) as usize]
}

fn request(random: &mut Random) -> Sent {
    let mut key = random.below(KEYS as u64) as usize;
    let mut unique = match random.below(10) {
        0..6 => Unique::None,
        6..9 => Unique::Own,
        _ => Unique::Wrong,
    };
    let (mut extras, mut body) = (Vec::new(), Vec::new());
    let opcode = match random.below(100) {
        0..30 => {
            let flags = [0, 0, 1, 65_535, u32::MAX][random.below(5) as usize];
            extras.extend(u32::to_be_bytes(flags));
            extras.extend(exptime(random));
            body = value(random, key);
            one_of(random, &[0x01, 0x01, 0x01, 0x11, 0x02, 0x12, 0x03, 0x13])
        }
        30..40 => {
            key = NUMBERS + random.below((KEYS - NUMBERS) as u64) as usize;
            body = value(random, key);
            body.truncate(1000);
            one_of(random, &[0x0e, 0x0f, 0x19, 0x1a])
        }
        40..60 => one_of(random, &[0x00, 0x09, 0x0c, 0x0d]),
        60..70 => {
            extras.extend(exptime(random));
            one_of(random, &[0x1c, 0x1d, 0x1e, 0x23, 0x24])
        }
        70..85 => {
            key = random.below(NUMBERS as u64) as usize;
            let delta = [1, 7, 0, 1 << 40][random.below(4) as usize];
            let make = [0, 1000, u32::MAX, u32::MAX, 2_592_001][random.below(5) as usize];
            extras = count(delta, random.below(100), make);
            one_of(random, &[0x05, 0x06, 0x15, 0x16])
        }
        85..95 => one_of(random, &[0x04, 0x14]),
        95 | 96 => {
            unique = Unique::None;
            // An operation that there is not, and nothing behind it.
            one_of(random, &[0x0b, 0x1b, 0x1f, 0x20, 0x30, 0x50, 0xff])
        }
        97 if random.below(4) == 0 => one_of(random, &[0x08, 0x18]),
        _ => return Sent::Wrong(malformed(random)),
    };
    Sent::Request(Asked { opcode, extras, key, value: body, unique })
}

fn malformed(random: &mut Random) -> Vec<u8> {
    let opcode = one_of(
        random,
        &[0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x09, 0x0c, 0x0e, 0x11, 0x14, 0x16, 0x19, 0x1c, 0x1d],
    );
    match random.below(4) {
        // No key, a key too long, extras of a strange length, lengths that do not add up.
        0 => packet(opcode, b"", b"", b""),
        1 => packet(opcode, b"", &[b'k'; 251], b""),
        2 => packet(opcode, b"strange", b"k", b""),
        // (memcached waits for the parts before it looks at their lengths.)
        _ => [header(opcode, 8, 5, 12), vec![b'k'; 13]].concat(),
    }
}

#[test]
fn random_requests_have_memcacheds_answers() {
    let Some(peer) = Memcached::start() else {
        println!("skipped: no memcached is installed");
        return;
    };
    let daemon = Daemon::start_unix(&["-t", "1"]);
    let mut random = Random::new();
    let mut us = Side::new(daemon.socket());
    let mut them = Side::new(peer.place.0.join("socket"));
    let mut before: Vec<String> = Vec::new();
    for number in 0..REQUESTS {
        let sent = request(&mut random);
        let (ours, theirs) = (us.ask(&sent), them.ask(&sent));
        let shown = shown(&sent);
        let recent = &before[before.len().saturating_sub(40)..];
        assert!(
            ours == theirs,
            "request {number} under NEARCACHED_SEED={}: {shown}\n ours   {}\n theirs {}\nbefore it:\n{}",
            random.seed,
            shortened(&ours),
            shortened(&theirs),
            recent.join("\n")
        );
        before.push(format!("{shown} => {}", shortened(&ours)));
    }
    for name in [
        "cmd_get",
        "get_hits",
        "get_misses",
        "cmd_set",
        "cmd_touch",
        "touch_hits",
        "touch_misses",
        "incr_hits",
        "decr_hits",
        "delete_hits",
        "cas_hits",
        "cas_badval",
        "cas_misses",
        "cmd_flush",
    ] {
        assert_eq!(us.stat(name), them.stat(name), "{name} under NEARCACHED_SEED={}", random.seed);
    }
}

fn shown(sent: &Sent) -> String {
    match sent {
        Sent::Wrong(bytes) => format!("malformed {}", shortened(&bytes.escape_ascii().to_string())),
        Sent::Request(Asked { opcode, extras, key, value, unique }) => {
            let extras = extras.escape_ascii();
            let value = shortened(&value.escape_ascii().to_string());
            format!("{opcode:02x} key{key} {unique:?} {extras} {value}")
        }
    }
}

fn shortened(text: &str) -> String {
    let start: String = text.chars().take(120).collect();
    format!("{start} ({} bytes)", text.len())
}
