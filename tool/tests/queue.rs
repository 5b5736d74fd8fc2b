//! Durable queues, as a shell sees them: list, stat, peek, push, take, requeue, configure, pause, purge, rm; in a
//! directory and over a socket.

mod support;

use nearcache_store::queue::{Lease, Push, Settings};
use nearcache_store::wire::Service;
use rustix::process::Signal;
use serde_json::json;
use std::fs::File;
use std::time::{Duration, Instant};
use support::durable::{daemon, options, signal, store};
use support::{Place, Ran};

const NOW: Duration = Duration::ZERO;

/// The same script for a directory and for a socket.
fn script(place: &Place, at: &str) {
    let run = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["queue", arguments[0], at].iter().chain(&arguments[1..]).copied().collect();
        place.run(&all)
    };
    run(&["list"]).complains(0, "has no queues; the first message makes one");
    assert_eq!(run(&["list", "--json"]).expect(0).json(), json!([]));
    run(&["push", "orders", "tea", "--id", "7", "--flags", "3"]).expect(0);
    run(&["push", "orders", "tea", "--id", "7"]).complains(1, "has this id already");
    let told = run(&["push", "orders", "tea", "--id", "7", "--json"]).expect(1).json();
    assert_eq!(told["duplicate"], true);
    let bytes: Vec<u8> = (0..=255).collect();
    place.run_with(&["queue", "push", at, "orders", "-"], &bytes).expect(0);
    let told = run(&["push", "orders", "later", "--delay", "1000", "--expire", "2000", "--json"])
        .expect(0)
        .json();
    assert!(told["seq"].as_u64() > Some(0) && told["duplicate"] == false, "{told}");
    run(&["push", "bad name", "x"]).complains(2, "are not for names");
    run(&["push", "orders", "x", "--delay", "99999999"]).complains(2, "the limit is 31536000");

    let listed = run(&["list"]);
    let lines: Vec<Vec<&str>> =
        listed.expect(0).text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["NAME", "READY", "RESERVED", "DELAYED", "BYTES", "AGE", "PUSHED", "ACKED", "DEAD"]
    );
    assert_eq!(lines[1][..4], ["orders", "2", "0", "1"]);
    let told = &run(&["list", "--json"]).expect(0).json()[0];
    assert_eq!(
        (&told["messages"], &told["ready"], &told["delayed"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!((&told["totals"]["pushed"], &told["totals"]["duplicates"]), (&json!(3), &json!(2)));

    let peeked = run(&["peek", "orders"]);
    let text = peeked.expect(0).text();
    assert!(
        text.lines().count() == 3 && text.contains("tea") && text.contains("\\x00\\x01"),
        "{text}"
    );
    assert!(text.lines().nth(2).unwrap().ends_with("..."), "{text}");
    let told = run(&["peek", "orders", "-n", "1", "--json"]).expect(0).json();
    assert_eq!(told.as_array().unwrap().len(), 1);
    assert_eq!(
        (&told[0]["body"], &told[0]["id"], &told[0]["flags"]),
        (&json!("tea"), &json!("7"), &json!(3))
    );
    run(&["peek", "orders", "-n", "0"]).complains(2, "1..=10000");
    for command in ["peek", "stat", "pause", "resume", "purge", "configure"] {
        run(&[command, "nothere"]).complains(1, "there is no queue \"nothere\"");
    }
    run(&["take", "nothere"]).complains(1, "nothing to hand out");
    run(&["requeue", "nothere", "--all"]).complains(1, "there is no queue");

    run(&["pause", "orders"]).expect(0);
    run(&["take", "orders"]).complains(1, "orders has nothing to hand out");
    assert!(run(&["list"]).expect(0).text().contains("paused"));
    run(&["resume", "orders"]).expect(0);
    assert_eq!(run(&["take", "orders"]).expect(0).out, b"tea");
    let told = run(&["take", "orders", "--json"]).expect(0).json();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&told["body"]["hex"], &told["deliveries"]), (&json!(hex), &json!(1)));
    let told = run(&["stat", "orders", "--json"]).expect(0).json();
    assert_eq!((&told["messages"], &told["totals"]["acked"]), (&json!(1), &json!(2)));
    assert_eq!(told["dead_letters"], json!({"queue": "orders.dead", "messages": 0}));
    assert_eq!(told["settings"]["lease"], 60);
    let shown = run(&["stat", "orders"]);
    for words in ["messages", "Totals", "Settings", "max_deliveries", "0 in orders.dead"] {
        assert!(shown.expect(0).text().contains(words), "{words:?} is not in {}", shown.text());
    }

    let told =
        run(&["configure", "orders", "lease=5", "max_bytes=1M", "dead_letters=lost", "--json"]);
    assert_eq!(
        (&told.expect(0).json()["lease"], &told.json()["max_bytes"]),
        (&json!(5), &json!(1 << 20))
    );
    let shown = run(&["configure", "orders"]);
    let has = |words: &str| {
        shown
            .expect(0)
            .text()
            .lines()
            .any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == words)
    };
    assert!(has("lease 5 s") && has("max_bytes 1.0 MiB") && has("dead_letters lost"), "{shown:?}");
    run(&["configure", "orders", "leese=5"]).complains(2, "there are max_messages, max_bytes");
    run(&["configure", "orders", "lease=0"]).complains(2, "a lease is 1 to 604800 seconds");
    run(&["configure", "orders", "dead_letters=orders"]).complains(2, "is the queue itself");
    run(&["configure", "made", "retry_delay=9"]).expect(0);
    assert_eq!(run(&["configure", "made", "--json"]).expect(0).json()["retry_delay"], 9);

    assert_eq!(run(&["purge", "orders"]).expect(0).text(), "orders: dropped 1 message\n");
    assert_eq!(run(&["purge", "orders", "--json"]).expect(0).json(), json!({"purged": 0}));
    let ran = run(&["rm", "made", "nothere", "orders"]);
    ran.complains(1, "nothere: there is no such queue");
    assert_eq!(ran.text(), "removed made\nremoved orders\n");
    let told = run(&["rm", "made", "--json"]).expect(1).json();
    assert_eq!(told, json!([{"name": "made", "removed": false}]));
    assert_eq!(run(&["list", "--json"]).expect(0).json(), json!([]));
}

#[test]
fn queues_of_a_directory() {
    let place = Place::new();
    let at = store(&place, "data", |_| ());
    script(&place, &at);
    place.run(&["store", "verify", &at]).expect(0);
}

#[test]
fn queues_over_a_socket() {
    let place = Place::new();
    let (service, at) = daemon(&place, "data", options());
    script(&place, &at);
    service.queues.verify(&mut |_| true).unwrap();
}

/// So many dead letters of the queue `orders`.
fn kill(service: &Service, number: usize) {
    let queue = service.queues.queue(b"orders").unwrap();
    let mut settings = Settings::default();
    settings.max_deliveries = 1;
    queue.configure(settings).unwrap();
    let pushed: Vec<_> = (0..number)
        .map(|at| queue.submit_push(format!("order {at}").as_bytes(), &Push::default()).unwrap())
        .collect();
    assert!(pushed.into_iter().all(|pushed| !pushed.wait().unwrap().is_duplicate));
    for message in queue.reserve(number, Lease::Seconds(60), NOW).unwrap() {
        queue.nak(&message.receipt.unwrap(), None).unwrap();
    }
    assert_eq!(queue.stats().unwrap().totals.dead, number as u64);
}

#[test]
fn dead_letters_go_back() {
    let place = Place::new();
    let at = store(&place, "data", |service| kill(service, 2500));
    let run = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["queue", arguments[0], &at].iter().chain(&arguments[1..]).copied().collect();
        place.run(&all)
    };
    let ready =
        |name: &str| place.json(&["queue", "stat", &at, name, "--json"])["ready"].as_u64().unwrap();
    let told = run(&["peek", "orders.dead", "-n", "1", "--json"]).expect(0).json();
    assert_eq!((&told[0]["origin"], &told[0]["body"]), (&json!("orders"), &json!("order 0")));
    let told = run(&["stat", "orders", "--json"]).expect(0).json();
    assert_eq!(told["dead_letters"], json!({"queue": "orders.dead", "messages": 2500}));
    run(&["requeue", "orders.dead"]).complains(2, "--number");
    let ran = run(&["requeue", "orders.dead", "-n", "2"]);
    assert_eq!(ran.expect(0).text(), "orders.dead: moved 2 messages\n");
    let told =
        run(&["requeue", "orders.dead", "-n", "1", "--to", "again", "--json"]).expect(0).json();
    assert_eq!((told, ready("again")), (json!({"moved": 1}), 1));
    // Pages, and a line for the last.
    let ran = run(&["requeue", "orders.dead", "--all", "--progress"]);
    assert!(
        ran.expect(0).err.lines().last().unwrap().contains("requeue: 100 %, 2,497 of 2,497, "),
        "{ran:?}"
    );
    assert_eq!((ready("orders"), ready("orders.dead")), (2499, 0));
    assert_eq!(
        run(&["requeue", "orders.dead", "--all", "--json"]).expect(0).json(),
        json!({"moved": 0})
    );
    assert_eq!(run(&["take", "orders"]).expect(0).out, b"order 0");
    // What comes from nowhere needs a name.
    let why = run(&["requeue", "again", "--all"]);
    why.complains(2, "0 of 1 were moved").complains(2, "name the one to move it to");
    assert_eq!(ready("again"), 1);
    place.run(&["store", "verify", &at]).expect(0);
}

#[test]
fn a_message_that_cannot_be_written_stays() {
    let place = Place::new();
    let (service, at) = daemon(&place, "data", options());
    let queue = service.queues.queue(b"orders").unwrap();
    queue.push(b"precious", &Push::default()).unwrap();
    let mut command = place.command(&["queue", "take", &at, "orders"]);
    let ran = Ran::of(command.stdout(File::create("/dev/full").unwrap()).output().unwrap());
    ran.complains(2, "No space left on device");
    let mut gone = place.command(&["queue", "take", &at, "orders"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert!(gone.stdout(writer).status().unwrap().success());
    let stats = queue.stats().unwrap();
    assert_eq!((stats.ready, stats.totals.acked, stats.totals.returned), (1, 0, 2));
    assert_eq!(place.run(&["queue", "take", &at, "orders"]).expect(0).out, b"precious");
}

#[test]
fn a_wait_ends_with_a_message_with_the_time_or_with_a_signal() {
    let place = Place::new();
    let (service, at) = daemon(&place, "data", options());
    let queue = service.queues.queue(b"orders").unwrap();
    let begun = Instant::now();
    place.run(&["queue", "take", &at, "orders", "--wait", "1"]).complains(1, "nothing to hand out");
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let wait = ["queue", "take", &at, "orders", "--wait", "600"];
    let child = place.command(&wait).spawn().unwrap();
    queue.push(b"order 1", &Push::default()).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(
        (ran.expect(0).out.as_slice(), queue.stats().unwrap().messages),
        (&b"order 1"[..], 0)
    );

    let child = place.command(&wait).spawn().unwrap();
    // It listens to signals before it asks for a message: then the process has them caught.
    let caught = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    let until = Instant::now() + Duration::from_secs(60);
    while !caught() {
        assert!(Instant::now() < until, "the program does not listen to signals");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, Signal::INT);
    Ran::of(child.wait_with_output().unwrap()).complains(2, "stopped: nothing was taken");
    queue.push(b"order 2", &Push::default()).unwrap();
    assert_eq!(queue.stats().unwrap().ready, 1);
}
