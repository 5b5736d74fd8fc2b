//! The target `queues`: lines to a queue's port. Whatever the line, it is read without harm; what is understood is made
//! of pieces of the line, and written out again it means the same.

use crate::input::Input;
use nearcached::durable::queue::{Command, Get, Request, Set, parse};

const VERBS: [&str; 24] = [
    "get", "get", "get", "gets", "set", "set", "set", "add", "ms", "delete", "flush", "flush_all", "touch",
    "queue", "queue", "stats", "GET", "incr", "status", "shutdown", "monitor", "verbosity", "debugtime", "",
];
const NAMES: [&str; 12] =
    ["q", "r", "q+child", "+", "q+", "+q", "a+b+c", "", "q.dead", "noreply", "queue", "\u{fc}"];
const OPTIONS: [&str; 16] = [
    "t=", "open", "open=", "close", "abort", "peek", "echo", "lease=", "delay=", "id=", "id", "", "=", "t", "x=", "OPEN",
];
const VALUES: [&str; 14] = [
    "", "0", "1", "-1", "30", "1000", "604800", "604801", "31536001", "4294967295", "4294967296", "x",
    "18446744073709551616", "1=2",
];
const SETTINGS: [&str; 15] = [
    "lease=", "max_deliveries=", "dead_letters=", "expire=", "expired_to=", "max_messages=", "max_bytes=",
    "max_message=", "discard_old=", "dedup_window=", "retry_delay=", "pause", "resume", "requeue", "to=",
];

/// Runs a case; panics when it goes wrong.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    while !input.is_empty() {
        line(&drawn(&mut input));
    }
    data.split(|byte| *byte == b'\n').take(100).for_each(line);
}

/// A line that is nearly right.
fn drawn(input: &mut Input<'_>) -> Vec<u8> {
    let mut line = input.one_of(&VERBS).as_bytes().to_vec();
    for _ in 0..input.below(6) {
        line.push(b' ');
        match input.below(6) {
            0 | 1 => line.extend_from_slice(input.one_of(&VALUES).as_bytes()),
            2 => {
                line.extend_from_slice(input.one_of(&SETTINGS).as_bytes());
                line.extend_from_slice(input.one_of(&VALUES).as_bytes());
            }
            _ => key(input, &mut line),
        }
    }
    if input.below(4) == 0 {
        line.extend_from_slice(b" noreply");
    }
    line
}

fn key(input: &mut Input<'_>, line: &mut Vec<u8>) {
    match input.below(8) {
        0 => line.extend((0..input.length(300)).map(|_| input.byte()).filter(|byte| *byte != b'\n')),
        _ => line.extend_from_slice(input.one_of(&NAMES).as_bytes()),
    }
    for _ in 0..input.below(4) {
        line.push(b'/');
        line.extend_from_slice(input.one_of(&OPTIONS).as_bytes());
        line.extend_from_slice(input.one_of(&VALUES).as_bytes());
    }
}

fn line(line: &[u8]) {
    match parse(line) {
        Request::Get(get) => get_again(&get, line),
        Request::Set(set) => set_again(&set, line),
        Request::Take(take) => {
            assert!(!take.queues.is_empty());
            take.queues.iter().for_each(|queue| assert!(is_name(queue, line)));
        }
        Request::Skip { bytes, words } => {
            assert!(bytes >= 2);
            assert!(words.is_empty() || is_sentence(&words));
        }
        Request::Simple { command: Command::Refused(words), .. } => assert!(is_sentence(&words)),
        Request::Simple { command, .. } => {
            if let Command::Delete(queue) | Command::Flush(queue) | Command::Touch(queue, _) = command {
                assert!(is_name(queue, line));
            }
        }
        Request::Quit | Request::Http => {}
    }
}

/// One line, which the client's bytes cannot break in two.
fn is_sentence(words: &[u8]) -> bool {
    let body = words.strip_suffix(b"\r\n").unwrap_or(b"\n");
    !body.is_empty() && body.len() < 2000 && !body.iter().any(u8::is_ascii_control)
}

/// Is it a queue's name, and a piece of the line?
fn is_name(name: &[u8], line: &[u8]) -> bool {
    (1..=240).contains(&name.len())
        && !name.contains(&b'/')
        && line.windows(name.len()).any(|piece| piece == name)
}

fn get_again(get: &Get<'_>, line: &[u8]) {
    assert!(is_name(get.queue, line));
    let mut key = get.queue.to_vec();
    let mut add = |option: String| key.extend_from_slice(option.as_bytes());
    add(format!("/t={}", get.wait));
    if get.open > 0 {
        add(format!("/open={}", get.open));
    }
    for (is_there, name) in [(get.close, "close"), (get.abort, "abort"), (get.peek, "peek")] {
        if is_there {
            add(format!("/{name}"));
        }
    }
    if let Some(lease) = get.lease {
        add(format!("/lease={lease}"));
    }
    if let Some(delay) = get.delay {
        add(format!("/delay={delay}"));
    }
    let verb = if get.cas { &b"gets "[..] } else { b"get " };
    let again = [verb, &key].concat();
    let expected = Get { shown: get.queue, ..get.clone() };
    assert_eq!(parse(&again), Request::Get(expected), "{}", again.escape_ascii());
}

fn set_again(set: &Set<'_>, line: &[u8]) {
    assert!(is_name(set.queue, line));
    let id = if set.id.is_empty() { Vec::new() } else { [b"/id=", set.id].concat() };
    let middle = format!("/delay={} {} ", set.delay, set.flags);
    let end = format!(" {}{}", set.len, if set.noreply { " noreply" } else { "" });
    let again = [b"set ", set.queue, &id, middle.as_bytes(), b"0", end.as_bytes()].concat();
    let Request::Set(other) = parse(&again) else { panic!("{}", again.escape_ascii()) };
    assert_eq!(Set { expiry: set.expiry, ..other }, *set, "{}", again.escape_ascii());
}
