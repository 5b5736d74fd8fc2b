//! What is said to the queues must not depend on where the network cuts it, nor get out of step whatever is said.

use crate::Queues;
use crate::common::{Client, Random};

/// Requests, right and wrong. None of their answers depends on a time or a number of the daemon's.
const REQUESTS: &[&str] = &[
    "set q 1 0 3\r\nabc\r\n",
    "set r 2 0 5 noreply\r\nhello\r\n",
    "set q 0 0 0\r\n\r\n",
    "set q/delay=1000 0 0 4\r\nlate\r\n",
    "set q/id=7 0 0 6\r\ndouble\r\n",
    "set q 0 0 4\r\nget \r\n",
    "set q/what 0 0 9\r\nget r\r\nqu\r\n",
    "set q 0 -1 9\r\nget r\r\nqu\r\n",
    "set q 0 0 3\r\nabcdef\r\n",
    "set q 0 0\r\n",
    "set + 0 0 8 noreply\r\ndelete q\r\n",
    "add q 0 0 8\r\ndelete q\r\n",
    "ms q 8\r\ndelete q\r\n",
    "get q\r\n",
    "get q r q\r\n",
    "gets\r\n",
    "get q/open\r\n",
    "get q/open=3\r\n",
    "get q/close\r\n",
    "get q/close/open/t=1\r\n",
    "get q/abort\r\n",
    "get q/peek\r\n",
    "get r/t=1\r\n",
    "get q+reader\r\n",
    "get q/hurry/hurry\r\n",
    "touch q 30\r\n",
    "queue q lease=30 max_deliveries=3\r\n",
    "queue q\r\n",
    "queue r pause\r\n",
    "queue r resume\r\n",
    "queue q requeue to=r max=2\r\n",
    "stats queue\r\n",
    "dump_config\r\n",
    "flush r\r\n",
    "delete q\r\n",
    "delete r noreply\r\n",
    "\r\n",
    "nonsense \x00\x01\r\n",
    "version\r\n",
    "mn\r\n",
];

/// A large message, which has a place of its own to come to, and one that nobody wants.
fn large(random: &mut Random) -> String {
    let len = if random.below(2) == 0 { 50_000 } else { 2 << 20 };
    format!("set q 0 0 {len}\r\n{}\r\n", "x".repeat(len))
}

fn script(random: &mut Random) -> String {
    let mut script: String = (0..60).map(|_| random.pick(REQUESTS)).collect();
    if random.below(4) == 0 {
        script += &large(random);
    }
    (0..20).for_each(|_| script += random.pick(REQUESTS));
    script
}

/// All answers, to queues that are empty.
fn answers(queues: &Queues, script: &str, mut say: impl FnMut(&mut Client, &[u8])) -> String {
    let mut client = queues.connect();
    for (queue, _) in client.stats("queue") {
        client.expect(format!("delete {queue}\r\n"), "DELETED\r\n");
    }
    say(&mut client, script.as_bytes());
    client.send("\r\nstatus\r\n");
    let said = String::from_utf8_lossy(&client.until("UP\r\n")).into_owned();
    assert!(said.ends_with("ERROR\r\nUP\r\n"), "out of step: {}", said.escape_debug());
    said
}

#[test]
fn wherever_it_is_cut() {
    let queues = Queues::start();
    let mut random = Random::new();
    for _ in 0..40 {
        let script = script(&mut random);
        let whole = answers(&queues, &script, |client, bytes| client.send(bytes));
        let pieces = answers(&queues, &script, |client, mut bytes| {
            while !bytes.is_empty() {
                let most = if random.below(8) == 0 { bytes.len() } else { 40 };
                let (piece, rest) =
                    bytes.split_at(1 + random.below(most.min(bytes.len()) as u64) as usize);
                client.send(piece);
                bytes = rest;
            }
        });
        assert_eq!(whole, pieces, "seed {}", random.seed);
    }
}
