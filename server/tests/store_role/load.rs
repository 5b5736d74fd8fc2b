//! Many clients at once: commits are shared, and what was answered outlives a kill.

use crate::common::{Client, Random, eventually};
use crate::{connect, kill, start, start_in};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Clients at once.
const CLIENTS: usize = 8;

#[test]
fn many_writers_share_syncs() {
    let daemon = start(&["-t", "2"]);
    let (clients, each) = (32, 100);
    thread::scope(|scope| {
        for number in 0..clients {
            let mut client = connect(&daemon);
            scope.spawn(move || {
                for round in 0..each {
                    client.expect(format!("set k{number}-{round} 0 0 1\r\nx\r\n"), "STORED\r\n");
                }
            });
        }
    });
    let mut client = connect(&daemon);
    let (syncs, operations) = (client.stat("syncs"), client.stat("operations"));
    assert_eq!(client.stat("curr_items"), (clients * each) as u64);
    assert!(operations >= syncs * 4, "{syncs} syncs for {operations} operations");
    // A pipeline shares them, too.
    let request: String = (0..1000).map(|n| format!("set p{n} 0 0 1\r\nx\r\n")).collect();
    client.expect(request, &"STORED\r\n".repeat(1000));
    let more = client.stat("syncs") - syncs;
    assert!(more <= 100, "{more} syncs for one pipeline of 1000 writes");
}

/// What each client was told last of its keys, and what it has asked since.
type Told = BTreeMap<String, (u64, u64)>;

/// Sets its keys to rising numbers, in pipelines of several, until the daemon is killed.
fn write_until_killed(
    mut client: Client,
    name: usize,
    seed: u64,
    told: &Mutex<Told>,
    stop: &AtomicBool,
) {
    let mut random = Random::seeded(seed);
    let mut number = 0;
    // Relaxed: a moment later will do.
    while !stop.load(Ordering::Relaxed) {
        let keys: Vec<String> = (0..1 + random.below(8)).map(|k| format!("c{name}-{k}")).collect();
        let mut request = String::new();
        for key in &keys {
            number += 1;
            let value = format!("{number:08}");
            request += &format!("set {key} 0 0 8\r\n{value}\r\n");
            told.lock().expect("nobody panics").entry(key.clone()).or_default().1 = number;
        }
        if client.try_send(request.as_bytes()).is_err() {
            return;
        }
        for key in &keys {
            match client.try_line() {
                Some(line) => assert_eq!(line, "STORED\r"),
                None => return,
            }
            let mut told = told.lock().expect("nobody panics");
            let entry = told.get_mut(key).expect("it was asked");
            entry.0 = entry.0.max(entry.1.min(number_of(&keys, key, number)));
        }
    }
}

/// The number that the last pipeline, which ended with `last`, gave this key.
fn number_of(keys: &[String], key: &str, last: u64) -> u64 {
    let place = keys.iter().position(|found| found == key).expect("it is one of them");
    last - (keys.len() - 1 - place) as u64
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let mut random = Random::new();
    let mut place = None;
    let told: Mutex<Told> = Mutex::default();
    for round in 0..6 {
        let daemon = match place.take() {
            None => start(&["-t", "2"]),
            Some(place) => start_in(place, &["-t", "2"]),
        };
        check(&mut connect(&daemon), &told, round);
        // Numbers begin anew in each round: so do the books.
        let mut client = connect(&daemon);
        client.expect("flush_all\r\n", "OK\r\n");
        told.lock().expect("nobody panics").clear();
        let stop = AtomicBool::new(false);
        let wanted = 50 + random.below(400);
        place = Some(thread::scope(|scope| {
            for name in 0..CLIENTS {
                let (client, seed) = (connect(&daemon), random.next());
                let (told, stop) = (&told, &stop);
                scope.spawn(move || write_until_killed(client, name, seed, told, stop));
            }
            let mut watcher = connect(&daemon);
            eventually(|| (watcher.stat("operations") > wanted).then_some(()));
            drop(watcher);
            let place = kill(daemon);
            stop.store(true, Ordering::Relaxed);
            place
        }));
    }
    let daemon = start_in(place.expect("there were rounds"), &[]);
    check(&mut connect(&daemon), &told, 6);
}

/// Is everything there that was told, and nothing that was never asked?
fn check(client: &mut Client, told: &Mutex<Told>, round: u32) {
    for (key, &(told, asked)) in told.lock().expect("nobody panics").iter() {
        client.send(format!("get {key}\r\n"));
        let line = client.line();
        let found = match line.as_str() {
            "END\r" => 0,
            line => {
                assert_eq!(line, format!("VALUE {key} 0 8\r"));
                let value = client.line();
                assert_eq!(client.line(), "END\r");
                value.trim_end().parse().expect("a number")
            }
        };
        assert!(
            (told..=asked).contains(&found),
            "round {round}: {key} is {found}; {told} was answered last, {asked} asked last"
        );
    }
}
