//! Clients at work at the same time, each contender's in turn, and what that gives: time for each operation.

use crate::report::Row;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What one client does again and again: the number of operations that this was; 0: there is nothing left to do.
pub type Client<'a> = Box<dyn FnMut(&mut Random) -> u64 + Send + 'a>;

/// One of those compared, and its clients.
pub struct Contender<'a> {
    /// What it is called.
    pub name: &'static str,
    /// All of them work at the same time.
    pub clients: Vec<Client<'a>>,
}

impl<'a> Contender<'a> {
    /// So many clients that do the same.
    pub fn new(
        name: &'static str,
        clients: usize,
        client: impl Fn() -> Client<'a>,
    ) -> Contender<'a> {
        Contender { name, clients: (0..clients).map(|_| client()).collect() }
    }

    /// Microseconds for each operation, of all clients together, until the time is over or all work is done.
    pub fn run(&mut self, time: Duration, seed: u64) -> f64 {
        let stop = AtomicBool::new(false);
        let start = Barrier::new(self.clients.len() + 1);
        let counts: Vec<Count> = self.clients.iter().map(|_| Count::default()).collect();
        std::thread::scope(|scope| {
            let (start, stop) = (&start, &stop);
            let work = move |client: &mut Client<'a>, count: &Count, seed| {
                let (mut random, mut n) = (Random::new(seed), 0);
                start.wait();
                while !stop.load(Relaxed) {
                    match client(&mut random) {
                        0 => break,
                        some => n += some,
                    }
                    count.0.store(n, Relaxed);
                }
            };
            let clients = self.clients.iter_mut().zip(&counts).zip(seed..);
            let threads: Vec<_> = clients
                .map(|((client, count), seed)| scope.spawn(move || work(client, count, seed)))
                .collect();
            start.wait();
            let begun = Instant::now();
            while begun.elapsed() < time && !threads.iter().all(|thread| thread.is_finished()) {
                std::thread::sleep(Duration::from_millis(1));
            }
            // What a client has under way may take long yet, and does not count.
            let done: u64 = counts.iter().map(|count| count.0.load(Relaxed)).sum();
            let took = begun.elapsed();
            stop.store(true, Relaxed);
            took.as_secs_f64() * 1e6 / done.max(1) as f64
        })
    }
}

/// What a client has done, in a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Count(AtomicU64);

/// Rounds in which all take turns; the first is compared with each of the others.
pub fn contest(
    work: &str,
    rounds: usize,
    time: Duration,
    mut contenders: Vec<Contender<'_>>,
) -> Vec<Row> {
    if !is_asked(work) {
        return Vec::new();
    }
    let mut measures = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for (contender, measures) in contenders.iter_mut().zip(&mut measures) {
            measures.push(contender.run(time, (round as u64) << 32));
        }
    }
    let names: Vec<&'static str> = contenders.iter().map(|contender| contender.name).collect();
    rows(work, "us", &names, &measures)
}

/// ONLY names part of the names of the works that are to be done.
pub fn is_asked(work: &str) -> bool {
    std::env::var("ONLY").map_or(true, |only| work.contains(&only))
}

/// The first of these measures beside each of the others; said as well.
pub fn rows(work: &str, unit: &'static str, names: &[&'static str], all: &[Vec<f64>]) -> Vec<Row> {
    let (ours, theirs) = all.split_first().expect("ours is there");
    let rows: Vec<Row> = theirs
        .iter()
        .zip(&names[1..])
        .map(|(theirs, name)| Row::new(work, name, unit, ours, theirs))
        .collect();
    for row in &rows {
        let Row { peer, ours, theirs, ratio, spread, .. } = row;
        let spread = spread * 50.0;
        println!("{work}: {ours:.2} {unit}; {peer} {theirs:.2}; {ratio:.3} ±{spread:.0} %");
    }
    rows
}

/// Numbers that look random, the same for a seed.
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ z >> 31) % limit
    }
}

/// A key of 16 bytes.
pub type Key = [u8; 16];
/// A value, or a message.
pub type Value = [u8; 100];

/// Another value each time, and none that could be compressed: SQLite writes nothing where nothing is new.
pub fn value(random: &mut Random) -> Value {
    let mut value = [0; 100];
    for bytes in value.chunks_mut(8) {
        bytes.copy_from_slice(&random.below(u64::MAX).to_le_bytes()[..bytes.len()]);
    }
    value
}

/// The key of a number.
pub fn key(number: u64) -> Key {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for byte in key[4..].iter_mut().rev() {
        *byte = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// The numbers below `count` in an order that is none.
pub fn scattered(count: u64) -> impl Iterator<Item = u64> {
    // A prime that divides no count that is used here: each number comes once.
    (0..count).map(move |n| n * 7_368_787 % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scattered_numbers_come_once_each() {
        for count in [2_000, 100_000] {
            let mut all: Vec<u64> = scattered(count).collect();
            assert!(!all.is_sorted());
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count));
        }
    }

    #[test]
    fn values_are_all_others() {
        let mut random = Random::new(1);
        let (one, two) = (value(&mut random), value(&mut random));
        assert!(one != two && one.iter().any(|byte| *byte != one[0]));
    }

    #[test]
    fn keys_are_in_the_order_of_their_numbers() {
        assert_eq!(&key(1_234_567), b"key:000001234567");
        assert!(key(99) < key(100));
    }

    #[test]
    fn a_contender_runs_until_the_time_is_over_or_its_work() {
        let left = &AtomicU64::new(1000);
        let client = || -> Client<'_> {
            let take = |n: u64| n.checked_sub(1);
            Box::new(move |_: &mut Random| left.fetch_update(Relaxed, Relaxed, take).is_ok().into())
        };
        let mut some = Contender::new("some", 4, client);
        assert!(some.run(Duration::from_secs(60), 1) > 0.0);
        assert_eq!(left.load(Relaxed), 0);
        let mut endless = Contender::new("endless", 2, || Box::new(|_: &mut Random| 1));
        assert!(endless.run(Duration::from_millis(5), 1) > 0.0);
    }
}
