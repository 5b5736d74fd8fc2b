//! Gets that wait: a thousand of them, and consumers that go while they do.

use crate::Queues;
use crate::common::{Client, Place, Random, eventually};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeSet;

const CROWD: usize = 1500;

/// A daemon that takes a crowd, and this process, too.
fn start() -> Queues {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum.map_or(Some(8192), |most| Some(most.min(8192)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("more descriptors");
    let queues = Queues::on(Place::new(), &["-c", "4000"]);
    // There are statistics of queues that are there.
    queues
        .connect()
        .expect("set q 0 0 1\r\nx\r\nget q\r\n", "STORED\r\nVALUE q 0 1\r\nx\r\nEND\r\n");
    queues
}

fn await_waiters(queues: &Queues, count: usize) {
    let mut client = queues.connect();
    eventually(|| {
        let stats = client.stats("");
        let waiters = stats.into_iter().find(|stat| stat.0 == "queue_q_waiters");
        (waiters.expect("the queue").1 == count.to_string()).then_some(())
    });
}

fn crowd(queues: &Queues, count: usize, request: &str) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| queues.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(request));
    await_waiters(queues, count);
    clients
}

/// Puts in messages 0 to `count`, many at a time.
fn produce(queues: &Queues, count: usize) {
    let mut producer = queues.connect();
    let requests: String =
        (0..count).map(|number| format!("set q 0 0 6\r\n{number:06}\r\n")).collect();
    producer.send(requests);
    let stored = producer.take("STORED\r\n".len() * count);
    assert_eq!(stored, "STORED\r\n".repeat(count).into_bytes());
}

fn received(client: &mut Client) -> String {
    assert_eq!(client.line(), "VALUE q 0 6\r");
    let body = client.line();
    assert_eq!(client.line(), "END\r");
    body.trim_end().to_string()
}

#[test]
fn a_crowd_gets_one_message_each() {
    let queues = start();
    let mut clients = crowd(&queues, CROWD, "get q/t=60000\r\n");
    produce(&queues, CROWD);
    let all: BTreeSet<String> = clients.iter_mut().map(received).collect();
    assert_eq!(all.len(), CROWD);
    await_waiters(&queues, 0);
}

#[test]
fn those_who_go_while_they_wait_lose_nothing() {
    let queues = start();
    let mut random = Random::new();
    for request in ["get q/open/t=60000\r\n", "get q/t=60000\r\n"] {
        let mut clients = crowd(&queues, 200, request);
        // Some go before there is anything, some while it comes.
        let before = random.below(100) as usize;
        drop(clients.split_off(200 - before));
        await_waiters(&queues, clients.len());
        produce(&queues, clients.len());
        if request.contains("open") {
            let going = random.below(clients.len() as u64) as usize;
            drop(clients.drain(..going));
            let mut last = queues.connect();
            let mut all: BTreeSet<String> = clients.iter_mut().map(received).collect();
            for _ in 0..going {
                last.send("get q/t=60000\r\n");
                all.insert(received(&mut last));
            }
            assert_eq!(all.len(), 200 - before, "seed {}", random.seed);
            clients.iter_mut().for_each(|client| client.expect("get q/close\r\n", "END\r\n"));
        } else {
            let all: BTreeSet<String> = clients.iter_mut().map(received).collect();
            assert_eq!(all.len(), 200 - before, "seed {}", random.seed);
        }
        queues.connect().expect("get q\r\n", "END\r\n");
    }
}

#[test]
fn who_says_that_he_is_done_waits_no_longer() {
    let queues = start();
    let client = crowd(&queues, 1, "get q/t=60000\r\n").remove(0);
    assert_eq!(client.finish(), b"END\r\n");
    await_waiters(&queues, 0);
}

#[test]
fn a_wait_ends_with_the_daemon() {
    let mut queues = start();
    let mut clients = crowd(&queues, 50, "get q/open/t=60000\r\n");
    queues.daemon.signal("TERM");
    assert!(queues.daemon.wait().success());
    for client in clients.drain(..) {
        let said = String::from_utf8(client.rest()).expect("text");
        assert!(matches!(said.as_str(), "" | "END\r\n"), "{said}");
    }
}
