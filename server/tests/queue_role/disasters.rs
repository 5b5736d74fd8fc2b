//! The daemon killed under producers and consumers: what was answered holds. `NEARCACHE_ROUNDS` is how often.

use crate::Queues;
use crate::common::{PATIENCE, Place, Random};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const PRODUCERS: u64 = 4;
const CONSUMERS: u64 = 4;

/// What clients were told.
#[derive(Default)]
struct Told {
    /// Numbers them, and orders what was told.
    next: AtomicU64,
    stored: Mutex<HashSet<u64>>,
    /// What somebody was about to close: whether it came to that he may not know.
    closing: Mutex<HashSet<u64>>,
    /// When each message was done with for good.
    done: Mutex<HashMap<u64, u64>>,
    /// When each was seen.
    seen: Mutex<Vec<(u64, u64)>>,
}

impl Told {
    fn tick(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn saw(&self, message: u64) {
        let now = self.tick();
        self.seen.lock().expect("a lock").push((message, now));
    }

    fn is_done(&self, message: u64) {
        let now = self.tick();
        let before = self.done.lock().expect("a lock").insert(message, now);
        assert_eq!(before, None, "{message} was done with twice");
    }
}

/// A client that ends where the daemon does.
struct Mortal(BufReader<TcpStream>);

impl Mortal {
    fn connect(queues: &Queues) -> Mortal {
        let stream = TcpStream::connect(queues.address()).expect("connects");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Mortal(BufReader::new(stream))
    }

    fn ask(&mut self, request: &str) -> io::Result<String> {
        self.0.get_mut().write_all(request.as_bytes())?;
        self.line()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.pop();
        Ok(line)
    }

    /// A message's number, if one came.
    fn get(&mut self, request: &str) -> io::Result<Option<u64>> {
        let head = self.ask(request)?;
        if head == "END\r" {
            return Ok(None);
        }
        assert!(head.starts_with("VALUE q 0 "), "{head}");
        let body = self.line()?;
        assert_eq!(self.line()?, "END\r");
        Ok(Some(body.trim_end().parse().expect("a number")))
    }
}

fn produce(told: &Told, mut client: Mortal) -> io::Result<()> {
    loop {
        let message = told.tick();
        let body = message.to_string();
        let answer = client.ask(&format!("set q 0 0 {}\r\n{body}\r\n", body.len()))?;
        assert_eq!(answer, "STORED\r");
        told.stored.lock().expect("a lock").insert(message);
    }
}

/// Takes for good, or reserves and acknowledges, or reserves and goes back on it.
fn consume(told: &Told, mut client: Mortal, way: u64) -> io::Result<()> {
    for turn in 0_u64.. {
        let is_taking = way == 0;
        let request = if is_taking { "get q/t=50\r\n" } else { "get q/open/t=50\r\n" };
        let Some(message) = client.get(request)? else {
            continue;
        };
        told.saw(message);
        if is_taking {
            told.is_done(message);
        } else if (turn + way).is_multiple_of(7) {
            assert_eq!(client.ask("get q/abort\r\n")?, "END\r");
        } else {
            told.closing.lock().expect("a lock").insert(message);
            assert_eq!(client.ask("get q/close\r\n")?, "END\r");
            told.is_done(message);
        }
    }
    Ok(())
}

#[test]
fn killed_under_load() {
    let rounds =
        std::env::var("NEARCACHE_ROUNDS").map_or(3, |text| text.parse().expect("a number"));
    let mut random = Random::new();
    let told = Told::default();
    let mut queues = Queues::on(Place::new(), &[]);
    queues.connect().expect("queue q max_deliveries=0\r\n", "OK\r\n");
    for _ in 0..rounds {
        thread::scope(|scope| {
            for _ in 0..PRODUCERS {
                let client = Mortal::connect(&queues);
                scope.spawn(|| produce(&told, client).expect_err("it is killed"));
            }
            for way in 0..CONSUMERS {
                let (client, told) = (Mortal::connect(&queues), &told);
                scope.spawn(move || consume(told, client, way).expect_err("it is killed"));
            }
            thread::sleep(Duration::from_millis(100 + random.below(400)));
            queues.daemon.signal("KILL");
        });
        queues = queues.crash(&[]);
    }
    let mut last = Mortal::connect(&queues);
    while let Some(message) = last.get("get q\r\n").expect("it lives") {
        told.saw(message);
        told.is_done(message);
    }
    let (stored, done) =
        (told.stored.into_inner().expect("it"), told.done.into_inner().expect("it"));
    let seen = told.seen.into_inner().expect("it");
    let closing = told.closing.into_inner().expect("it");
    let is_gone = |message: &&u64| !done.contains_key(message) && !closing.contains(message);
    // Who took a message for good when the daemon was killed may not have got it: that is what taking is.
    let lost: Vec<_> = stored.iter().filter(is_gone).collect();
    assert!(lost.len() <= rounds as usize, "lost {lost:?}, seed {}", random.seed);
    for (message, when) in &seen {
        let after = done.get(message).is_some_and(|end| when > end);
        assert!(!after, "{message} came again after it was done with, seed {}", random.seed);
    }
    println!(
        "{} stored, {} seen, {} done with, {rounds} times killed",
        stored.len(),
        seen.len(),
        done.len()
    );
    assert!(done.len() > 100, "nothing was tried");
}
