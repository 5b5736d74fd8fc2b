//! The same random commands to nearcached and to the machine's own memcached, and the replies compared. What the two
//! may say differently: uniques (they are compared by what `cas` does with them), and the wording that changed between
//! memcached 1.6.18 and 1.6.45, which is why malformed lines are left to `replies.rs`. Of the meta commands those flags
//! are drawn that 1.6.18 knows and takes as 1.6.45 does.

mod common;

use common::memcached::Memcached;
use common::{Client, Daemon, Random, connect_unix};

/// Commands a run.
const COMMANDS: usize = 20_000;

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
                shown.push(self.meta_line(&words, key));
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

    /// A meta command's answer without its uniques, and without times: they may differ by the tick of a
    /// second, and what is left to a dead item wraps in memcached.
    fn meta_line(&mut self, words: &[&str], key: usize) -> String {
        let mut shown: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        match words[0] {
            // 1.6.18 counts `exp` backwards; to memcached, an item that a get made is fetched.
            "ME" => shown.retain(|word| {
                !["exp=", "la=", "cas=", "fetch="].iter().any(|w| word.starts_with(w))
            }),
            "HD" | "VA" | "EX" | "NS" | "NF" => {
                for word in &mut shown[1..] {
                    if let Some(Ok(unique)) = word.strip_prefix('c').map(str::parse) {
                        // What is told with a failure is not meant to be used.
                        if matches!(words[0], "HD" | "VA") {
                            self.uniques[key] = unique;
                        }
                        *word = "c#".to_string();
                    } else if let Some(Ok(0..)) = word.strip_prefix('t').map(str::parse::<i64>) {
                        *word = "t#".to_string();
                    }
                }
            }
            _ => {}
        }
        shown.join(" ")
    }
}

/// No number that may come to 2^63 and more: of those 1.6.18 looks for a minus sign far behind the value, and may find one.
fn value(random: &mut Random) -> String {
    match random.below(12) {
        0 => String::new(),
        1 => (random.next() >> 2).to_string(),
        2 => format!("{}  ", random.below(1000)),
        3 => format!("  {}", random.below(1000)),
        4 => "4611686018427387903".to_string(),
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
    let delta = random.pick(&["1", "7", "0", "4398046511104", "18446744073709551616", "abc", "-1"]);
    let other = random.below(KEYS as u64);
    let number = random.below(NUMBERS as u64);
    match random.below(27) {
        0..7 => store(random, key),
        7..10 => format!("get key{key} key{other} key{key}\r\n"),
        10 | 11 => format!("gets key{key}\r\n"),
        12 => format!("gat {exptime} key{key} key{other}\r\n"),
        13 => format!("gats {exptime} key{key}\r\n"),
        14 => format!("touch key{key} {exptime}{noreply}\r\n"),
        15 => format!("incr key{number} {delta}{noreply}\r\n"),
        16 => format!("decr key{number} {delta}{noreply}\r\n"),
        17 => format!("delete key{key}{noreply}\r\n"),
        18..26 => meta(random, key),
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

/// `ms`, on any key; on the others than numbers also `mg`, `md`, `me`, on numbers `ma`.
fn meta(random: &mut Random, key: usize) -> String {
    let compare = random.pick(&["", "", "", " C#", " C#", " C9223372036854775807"]);
    let exptime = random.pick(&["", "", "", " T0", " T1000", " T-1", " T2592001", " T1900000000"]);
    let told = random.pick(&["", "", " c", " k Oabc", " Ox c k", " q", " q k c"]);
    let is_number = key < NUMBERS;
    match random.below(10) {
        0..3 => {
            let modes = match is_number {
                true => &["", "", " MS", " ME", " MR"][..],
                false => &["", " MS", " ME", " MR", " MA", " MP"],
            };
            let mode = random.pick(modes);
            let flags = random.pick(&["", "", " F7", " F4294967295"]);
            let mut value = value(random);
            if [" MA", " MP"].contains(&mode) {
                value.truncate(1000);
            }
            let tail = if random.below(40) == 0 { "surplus" } else { "" };
            let len = value.len();
            format!("ms key{key} {len}{mode}{flags}{exptime}{compare}{told}\r\n{value}{tail}\r\n")
        }
        _ if is_number => {
            let mode = random.pick(&["", "", " MI", " M+", " MD", " M-"]);
            let delta = random.pick(&["", " D7", " D0", " D4398046511104"]);
            let vivify = random.pick(&["", "", " N0", " N1000", " N0 J40", " N-1 J5"]);
            let shown = random.pick(&["", " v", " v t"]);
            // 1.6.18 is not quiet about an item that it makes.
            let told = if vivify.is_empty() { told } else { " k Oabc" };
            // T is lost there if the number had to be written anew, and C is looked at before or behind the value.
            format!("ma key{key}{mode}{delta}{vivify}{told}{shown}\r\n")
        }
        3..7 => {
            let vivify = random.pick(&["", "", " N0", " N1000"]);
            let recache = random.pick(&["", " R30", " R1500"]);
            let shown = random.pick(&["", " v", " v t s f", " s", " f t v u"]);
            format!("mg key{key}{vivify}{recache}{exptime}{told}{shown}\r\n")
        }
        7 | 8 => {
            let stale = random.pick(&["", "", " I", " I", " I T1000", " I T0", " I T-1", " T50"]);
            let told = random.pick(&["", " q", " k", " Oabc k", " k q O1"]);
            format!("md key{key}{compare}{stale}{told}\r\n")
        }
        _ => format!("me key{key}\r\n"),
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
