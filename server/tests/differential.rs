//! The same random commands to nearcached and to the machine's own memcached, and the replies compared. What the two
//! may say differently: uniques (they are compared by what `cas` does with them), and the wording that changed between
//! memcached 1.6.18 and 1.6.45, which is why malformed lines are left to `replies.rs`.

mod common;

use common::{Client, Daemon, Place, Random, connect_unix, eventually};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

/// Commands a run.
const COMMANDS: usize = 20_000;

struct Memcached {
    child: Child,
    place: Place,
}

impl Memcached {
    fn start() -> Option<Memcached> {
        let place = Place::new();
        let socket = place.0.join("socket");
        let child = Command::new("memcached")
            .args(["-u", "root", "-t", "1", "-s"])
            .arg(&socket)
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        eventually(|| UnixStream::connect(&socket).ok());
        Some(Memcached { child, place })
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One side of the comparison.
struct Side {
    client: Client,
    /// The last unique seen of each key.
    uniques: [u64; KEYS],
}

const KEYS: usize = 12;

/// These keys are counted with; to the others bytes are appended. A number with a space and then anything else behind
/// it (`12 abc`) is 12 to memcached and no number to the cache core: the two never meet here.
const NUMBERS: usize = 6;

impl Side {
    /// Sends a command (with `#` for this side's unique) and reads its reply, the uniques in it put away.
    fn ask(&mut self, command: &str, key: usize) -> String {
        let unique = self.uniques[key].to_string();
        self.client.send(command.replace('#', &unique));
        self.client.send("mn\r\n");
        let reply = self.client.until("MN\r\n");
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let mut shown = Vec::new();
        let mut lines = reply.split("\r\n");
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split(' ').collect();
            let ["VALUE", name, flags, len, rest @ ..] = words.as_slice() else {
                shown.push(line.to_string());
                continue;
            };
            let number: usize = name[3..].parse().expect("our key");
            if let [unique] = rest {
                self.uniques[number] = unique.parse().expect("a unique");
            }
            let data = lines.next().unwrap_or_default();
            // Whether memcached writes a shorter number over the old one (with spaces behind it) or anew depends on
            // who else holds the item at that moment.
            let (len, data) = match number < NUMBERS {
                true => ("_", data.trim_end_matches(' ')),
                false => (*len, data),
            };
            let unique = if rest.is_empty() { "" } else { " #" };
            shown.push(format!("VALUE {name} {flags} {len}{unique}\r\n{data}"));
        }
        shown.join("\r\n")
    }
}

fn value(random: &mut Random) -> String {
    match random.below(12) {
        0 => String::new(),
        1 => random.next().to_string(),
        2 => format!("{}  ", random.below(1000)),
        3 => format!("  {}", random.below(1000)),
        4 => "18446744073709551615".to_string(),
        5 => "99999999999999999999".to_string(),
        6 => "v".repeat(random.below(200_000) as usize),
        7 => "w".repeat(20_000),
        8 if random.below(4) == 0 => "x".repeat(1_048_300 + random.below(300) as usize),
        _ => random.below(1 << 20).to_string(),
    }
}

fn store(random: &mut Random, key: usize) -> String {
    let verbs = match key < NUMBERS {
        true => &["set", "set", "set", "add", "replace", "cas"][..],
        false => &["set", "set", "add", "replace", "append", "prepend", "cas"],
    };
    let verb = random.pick(verbs);
    let flags = random.pick(&["0", "0", "1", "65535", "4294967295", "4294967296"]);
    let exptime = random.pick(&[
        "0",
        "0",
        "0",
        "1000",
        "-1",
        "2592000",
        "2592001",
        "1900000000",
        "2147483648",
    ]);
    let noreply = random.pick(&["", "", "", " noreply"]);
    // Its own, or one that neither side ever comes to.
    let unique =
        if verb == "cas" { random.pick(&[" #", " #", " 9223372036854775807"]) } else { "" };
    let mut value = value(random);
    if verb.ends_with("end") {
        value.truncate(1000);
    }
    let len = value.len();
    // Now and then the data is longer than announced.
    let tail = if random.below(40) == 0 { "surplus" } else { "" };
    format!("{verb} key{key} {flags} {exptime} {len}{unique}{noreply}\r\n{value}{tail}\r\n")
}

fn command(random: &mut Random, key: usize) -> String {
    let noreply = random.pick(&["", "", "", " noreply"]);
    let exptime = random.pick(&["0", "0", "100", "-1", "2592001", "1900000000", "abc"]);
    let delta =
        random.pick(&["1", "7", "0", "18446744073709551615", "18446744073709551616", "abc", "-1"]);
    let other = random.below(KEYS as u64);
    let number = random.below(NUMBERS as u64);
    match random.below(20) {
        0..7 => store(random, key),
        7..10 => format!("get key{key} key{other} key{key}\r\n"),
        10 | 11 => format!("gets key{key}\r\n"),
        12 => format!("gat {exptime} key{key} key{other}\r\n"),
        13 => format!("gats {exptime} key{key}\r\n"),
        14 => format!("touch key{key} {exptime}{noreply}\r\n"),
        15 => format!("incr key{number} {delta}{noreply}\r\n"),
        16 => format!("decr key{number} {delta}{noreply}\r\n"),
        17 => format!("delete key{key}{noreply}\r\n"),
        18 => {
            let flags = random.pick(&["", "v", "s f k", "v s f k Oabc", "k q v", "q s", "f u v"]);
            let key = NUMBERS + key % (KEYS - NUMBERS);
            format!("mg key{key} {flags}\r\n")
        }
        _ => match random.below(40) {
            0 => "flush_all\r\n".to_string(),
            1 => "flush_all 0 noreply\r\n".to_string(),
            2 => "flush_all abc\r\n".to_string(),
            3 => "verbosity 0\r\n".to_string(),
            4 => "unknown\r\n".to_string(),
            _ => format!("get key{other}\r\n"),
        },
    }
}

#[test]
fn random_commands_have_memcacheds_replies() {
    let Some(peer) = Memcached::start() else {
        println!("skipped: no memcached is installed");
        return;
    };
    let daemon = Daemon::start_unix(&["-t", "1"]);
    let mut random = Random::new();
    let side = |client| Side { client, uniques: [0; KEYS] };
    let mut us = side(daemon.connect_unix());
    let mut them = side(connect_unix(&peer.place.0.join("socket")));
    let mut before: Vec<String> = Vec::new();
    for number in 0..COMMANDS {
        let key = random.below(KEYS as u64) as usize;
        let command = command(&mut random, key);
        let (our, their) = (us.ask(&command, key), them.ask(&command, key));
        let (ours, theirs, sent) = (shortened(&our), shortened(&their), shortened(&command));
        let recent = &before[before.len().saturating_sub(40)..];
        assert!(
            our == their,
            "command {number} under NEARCACHED_SEED={}: {sent}\n ours   {ours}\n theirs {theirs}\nbefore it:\n{}",
            random.seed,
            recent.join("\n")
        );
        before.push(format!("{sent} => {ours}"));
    }
}

fn shortened(text: &str) -> String {
    let shown: String = text.escape_debug().take(120).collect();
    format!("{shown} ({} bytes)", text.len())
}
