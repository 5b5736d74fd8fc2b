//! A load generator that compares nearcached with memcached in the same run: `server/bench.sh` starts it and says how.
//! Both servers run with one thread on one core, the load comes from the other, and the rounds of the two alternate, so
//! that whatever else the machine does meets both alike.

mod drive;
mod peer;
mod report;
mod work;

use drive::Round;
use peer::Peer;
use report::Row;
use std::error::Error;
use std::process::Command;
use std::{env, fs};
use work::{Content, LARGE, MILLION, SMALL, Transport, WORKS, Work};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the servers may take, in MiB, where speed is measured: several times what is stored.
const MEMORY: u64 = 256;

/// What was asked for on the command line.
struct Plan<'a> {
    ours: &'a str,
    theirs: &'a str,
    core: &'a str,
    rounds: usize,
    seconds: f64,
    /// The name of a work, or part of the names of several.
    only: &'a str,
    /// `memcached` and its version.
    peer: String,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [ours, theirs, core, rounds, seconds, into, only] = arguments.as_slice() else {
        return Err("usage: loadgen <nearcached> <memcached> <server core> <rounds> <seconds> <json file> <part of the works' names>".into());
    };
    let (rounds, seconds) = (rounds.parse()?, seconds.parse()?);
    let version = Command::new(theirs).arg("-V").output()?.stdout;
    let peer = String::from_utf8_lossy(&version).trim().to_string();
    let plan = Plan { ours, theirs, core, rounds, seconds, only, peer };
    report::head(&plan.peer);
    let mut rows = plan.speed(Transport::Tcp)?;
    rows.extend(plan.speed(Transport::Unix)?);
    if plan.wants("memory") {
        rows.push(plan.memory()?);
    }
    if rows.is_empty() {
        let names: Vec<&str> = WORKS.iter().map(|work| work.name).collect();
        return Err(format!(
            "no work has {only:?} in its name; there are: {}, memory",
            names.join("; ")
        )
        .into());
    }
    fs::write(into, serde_json::to_string_pretty(&rows)?)?;
    println!("* memcached 1.6.18 writes once for each get of a pipeline: for information only");
    println!("written to {into}");
    Ok(())
}

impl Plan<'_> {
    fn start(&self, over: Transport, memory: u64) -> Outcome<(Peer, Peer)> {
        Ok((
            Peer::start(self.ours, self.core, over, memory)?,
            Peer::start(self.theirs, self.core, over, memory)?,
        ))
    }

    /// Is this work to be done? A name that a work has means that work alone.
    fn wants(&self, name: &str) -> bool {
        match WORKS.iter().any(|work| work.name == self.only) {
            true => name == self.only,
            false => name.contains(self.only),
        }
    }

    /// All works over this kind of socket.
    fn speed(&self, over: Transport) -> Outcome<Vec<serde_json::Value>> {
        let wanted = |work: &&Work| work.over == over && self.wants(work.name);
        let works: Vec<&Work> = WORKS.iter().filter(wanted).collect();
        if works.is_empty() {
            return Ok(Vec::new());
        }
        let (ours, theirs) = self.start(over, MEMORY)?;
        let mut content = Content::new();
        // All memory is written to first, as it is in a cache that has been in use for a while: the system clears a
        // page when it is written to for the first time, and that takes longer than a set.
        let whole = (MEMORY << 20) / (LARGE.keys * LARGE.value as u64) + 1;
        for peer in [&ours, &theirs] {
            for _ in 0..whole {
                peer.fill(LARGE, &content)?;
            }
            peer.fill(SMALL, &content)?;
        }
        let mut rows = Vec::new();
        for work in works {
            let mut pairs = Vec::new();
            for number in 0..self.rounds {
                let mut run = |peer| drive::round(peer, work, &mut content, self.seconds);
                // Who goes first alternates.
                pairs.push(match number % 2 {
                    0 => (run(&ours)?, run(&theirs)?),
                    _ => {
                        let theirs = run(&theirs)?;
                        (run(&ours)?, theirs)
                    }
                });
            }
            rows.extend(figures(work, &pairs).iter().map(|row| row.show(&self.peer)));
        }
        Ok(rows)
    }

    /// What a million items take: by how much the servers grow when they are stored.
    fn memory(&self) -> Outcome<serde_json::Value> {
        let (ours, theirs) = self.start(Transport::Tcp, 1024)?;
        let content = Content::new();
        let each = |peer: &Peer| -> Outcome<f64> {
            let before = peer.resident()?;
            peer.fill(MILLION, &content)?;
            let items = peer.items()?;
            if items != MILLION.keys {
                return Err(format!("of {} items {items} are there", MILLION.keys).into());
            }
            Ok((peer.resident()? - before) / items as f64)
        };
        let pairs = vec![(each(&ours)?, each(&theirs)?)];
        let theirs = pairs[0].1;
        let row = Row {
            work: "1 M items of 16 + 100 bytes",
            unit: "bytes/item".into(),
            bar: Some(150.0 / theirs),
            pairs,
        };
        Ok(row.show(&self.peer))
    }
}

/// The rows of one work. Throughput is told as time, so that less is better in every row.
fn figures<'a>(work: &Work, rounds: &[(Round, Round)]) -> Vec<Row<'a>> {
    let row = |unit: String, bar, pick: &dyn Fn(&Round) -> f64| Row {
        work: work.name,
        unit,
        bar,
        pairs: rounds.iter().map(|(ours, theirs)| (pick(ours), pick(theirs))).collect(),
    };
    let unit = work.unit();
    let mut rows = Vec::new();
    if work.rate.is_none() {
        rows.push(row(format!("us/{unit}"), work.bars.0, &|round| round.time));
    }
    rows.push(row(format!("cpu us/{unit}"), work.bars.1, &|round| round.processor));
    for (place, name) in ["p50", "p99", "p99.9"].into_iter().enumerate() {
        let bar = (name == "p99").then_some(1.0);
        let each = if work.depth > 1 { "/batch" } else { "" };
        rows.push(row(format!("{name} us{each}"), bar, &|round| round.percentiles[place]));
    }
    rows
}
