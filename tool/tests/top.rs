//! top: as lines, as JSON, and on a terminal that is given back.

mod support;

use nearcache::Expiry;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ExitStatus};
use support::Place;

#[test]
fn readings_are_lines() {
    let place = Place::new();
    let cache = place.create("app");
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    place.run(&["create", "second", "1M"]).expect(0);
    let ran = place.run(&["top", "--iterations", "2", "--interval", "0.01"]);
    let lines: Vec<&str> = ran.expect(0).text().lines().collect();
    let names: Vec<&str> =
        lines.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["NAME", "app", "second", "app", "second"]);
    assert!(lines[1].ends_with(" 1") && lines[2].ends_with(" 0"), "{lines:?}");
    let ran = place.run(&["top", "second", "-n", "1", "-i", "0.01"]);
    assert_eq!(ran.expect(0).text().lines().count(), 2);
    place.run(&["top", "nothere", "-n", "1"]).complains(2, "there is no cache at");
    place.run(&["top", "app", "-n", "0"]).complains(2, "--iterations");
    place.run(&["top", "app", "-i", "0"]).complains(2, "0.01 to 3600");
}

#[test]
fn rates_are_what_went_on() {
    let place = Place::new();
    let cache = place.create("app");
    let arguments = ["top", "app", "--interval", "0.2", "--json"];
    let mut child = place.command(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reading = || -> serde_json::Value {
        serde_json::from_str(&lines.next().expect("another line").unwrap()).unwrap()
    };
    let first = reading();
    assert_eq!((first["name"].as_str(), first["items"].as_u64()), (Some("app"), Some(0)));
    for _ in 0..300 {
        cache.get(b"missing").unwrap();
    }
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    for _ in 0..100 {
        cache.get(b"k").unwrap();
    }
    // Everything happens in some interval: summed over them, the rates count it all.
    let (mut gets, mut hits, mut sets) = (0.0, 0.0, 0.0);
    while gets < 399.5 || sets < 0.5 {
        let now = reading();
        let seconds = now["seconds"].as_f64().unwrap();
        gets += now["gets_per_second"].as_f64().unwrap() * seconds;
        hits += now["hits_per_second"].as_f64().unwrap() * seconds;
        sets += now["sets_per_second"].as_f64().unwrap() * seconds;
        assert_eq!(now["processes"], 1);
    }
    assert_eq!((gets.round(), hits.round(), sets.round()), (400.0, 100.0, 1.0));
    assert_eq!(reading()["items"], 1);
    // A reader that goes away ends it.
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_ends_when_the_cache_is_removed_and_goes_on_when_it_is_replaced() {
    let place = Place::new();
    place.run(&["create", "app", "1M"]).expect(0);
    let mut child = place.command(&["top", "app", "-i", "0.01", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let size = |line: String| -> u64 {
        let reading: serde_json::Value = serde_json::from_str(&line).unwrap();
        reading["limit_maxbytes"].as_u64().unwrap()
    };
    assert_eq!(size(lines.next().unwrap().unwrap()), 1 << 20);
    place.run(&["create", "other", "2M"]).expect(0);
    fs::rename(place.path("other"), place.path("app")).unwrap();
    assert!(lines.by_ref().any(|line| size(line.unwrap()) == 2 << 20));
    place.run(&["rm", "app"]).expect(0);
    assert_eq!(lines.last().map(|line| size(line.unwrap())).unwrap_or(2 << 20), 2 << 20);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("app was removed"));
}

/// `top` on a terminal of its own.
struct OnTerminal {
    child: Child,
    /// What a person would type at and look at.
    person: File,
    terminal: File,
    before: Termios,
    seen: String,
}

impl OnTerminal {
    fn start(place: &Place, arguments: &[&str]) -> OnTerminal {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
        let terminal = fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
        let before = tcgetattr(&terminal).unwrap();
        let mut command = place.command(arguments);
        command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap());
        let child = command.spawn().unwrap();
        OnTerminal { child, person: File::from(person), terminal, before, seen: String::new() }
    }

    /// Reads until this was shown since the last time.
    fn until(&mut self, words: &str) {
        while !self.seen.contains(words) {
            let mut screen = [PollFd::new(&self.person, PollFlags::IN)];
            let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
            let ready = poll(&mut screen, Some(&minute)).unwrap();
            assert_eq!(ready, 1, "{words:?} is not in {:?}", self.seen);
            let mut bytes = [0; 4096];
            let count = self.person.read(&mut bytes).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        let at = self.seen.find(words).unwrap() + words.len();
        self.seen.drain(..at);
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.person.write_all(keys).unwrap();
    }

    /// Waits for its end; the terminal is as it was.
    fn end(mut self) -> ExitStatus {
        self.until("\x1b[?1049l");
        let status = self.child.wait().unwrap();
        let after = tcgetattr(&self.terminal).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        status
    }
}

#[test]
fn a_terminal_shows_it_live_and_is_given_back() {
    let place = Place::new();
    let cache = place.create("app");
    for keys in [&b"q"[..], b"xyzQ", b"\x03"] {
        let mut top = OnTerminal::start(&place, &["top", "app", "-i", "0.05"]);
        top.until("\x1b[?1049h");
        top.until("nearcache top app");
        assert_ne!(tcgetattr(&top.terminal).unwrap().local_modes, top.before.local_modes);
        cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
        top.until("PROCESSES");
        top.until(&std::process::id().to_string());
        // It is drawn anew without being asked.
        top.until("nearcache top app");
        top.type_in(keys);
        assert_eq!(top.end().code(), Some(0), "{keys:?}");
    }
}

#[test]
fn a_signal_or_the_end_of_the_cache_gives_the_terminal_back_too() {
    let place = Place::new();
    place.run(&["create", "app", "1M"]).expect(0);
    let mut top = OnTerminal::start(&place, &["top"]);
    top.until("nearcache top: all caches");
    let pid = rustix::process::Pid::from_child(&top.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(top.end().code(), Some(0));
    let mut top = OnTerminal::start(&place, &["top", "app", "-i", "0.05"]);
    top.until("nearcache top app");
    place.run(&["rm", "app"]).expect(0);
    assert_eq!(top.end().code(), Some(1));
}
