//! A load generator that compares nearcached with memcached in the same run: `bench.sh` starts it. Both servers run
//! with one thread on one core, the load comes from the other, and the rounds of the two alternate, so that whatever
//! else the machine does meets both alike.
//!
//! Every key exists and every value has the same length, so a reply's length is known before it comes: the client
//! counts bytes, and looks at the first reply of each connection in full.

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use serde_json::json;
use std::error::Error;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

type Outcome<T> = Result<T, Box<dyn Error>>;

const KEYS: u64 = 100_000;
const VALUE: usize = 100;
/// `key` and eight digits.
const KEY: usize = 11;

/// What is asked.
#[derive(Clone, Copy)]
enum Ask {
    Get,
    Set,
    /// So many keys in one get.
    Many(usize),
}

/// One kind of load.
#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    ask: Ask,
    connections: usize,
    /// Requests sent at a time on each connection.
    depth: usize,
    /// What is counted.
    unit: &'static str,
}

const WORKS: &[Work] = &[
    Work { name: "get, 50 connections", ask: Ask::Get, connections: 50, depth: 1, unit: "request" },
    Work { name: "set, 50 connections", ask: Ask::Set, connections: 50, depth: 1, unit: "request" },
    Work {
        name: "get, pipelines of 16",
        ask: Ask::Get,
        connections: 50,
        depth: 16,
        unit: "request",
    },
    Work {
        name: "set, pipelines of 16",
        ask: Ask::Set,
        connections: 50,
        depth: 16,
        unit: "request",
    },
    Work {
        name: "multiget of 50 keys",
        ask: Ask::Many(50),
        connections: 50,
        depth: 1,
        unit: "key",
    },
];

impl Work {
    fn reply_len(&self) -> usize {
        let value = "VALUE ".len() + KEY + format!(" 0 {VALUE}\r\n").len() + VALUE + 2;
        match self.ask {
            Ask::Get => value + 5,
            Ask::Set => "STORED\r\n".len(),
            Ask::Many(keys) => value * keys + 5,
        }
    }

    fn counted(&self) -> u64 {
        match self.ask {
            Ask::Many(keys) => keys as u64,
            _ => 1,
        }
    }

    fn request(&self, random: &mut u64, into: &mut Vec<u8>) {
        into.clear();
        for _ in 0..self.depth {
            match self.ask {
                Ask::Get => key(into, b"get", random),
                Ask::Set => {
                    key(into, b"set", random);
                    into.extend_from_slice(b" 0 0 100\r\n");
                    into.extend_from_slice(&[b'v'; VALUE]);
                }
                Ask::Many(keys) => {
                    into.extend_from_slice(b"get");
                    for _ in 0..keys {
                        key(into, b"", random);
                    }
                }
            }
            into.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends a verb and one of the keys.
fn key(into: &mut Vec<u8>, verb: &[u8], random: &mut u64) {
    // Xorshift.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    into.extend_from_slice(verb);
    into.extend_from_slice(b" key");
    let mut digits = [b'0'; 8];
    let mut number = *random % KEYS;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    into.extend_from_slice(&digits);
}

/// A server under load.
struct Server {
    child: Child,
    port: u16,
    /// The file that names the port.
    place: PathBuf,
}

impl Server {
    fn start(side: &str, program: &str, core: &str) -> Outcome<Server> {
        let name = format!("loadgen-{}-{side}", std::process::id());
        let place = env::temp_dir().join(name);
        let _ = fs::remove_file(&place);
        let child = Command::new("taskset")
            .args(["-c", core, program, "-u", "root", "-t", "1", "-m", "256"])
            .args(["-l", "127.0.0.1", "-p", "-1"])
            .env("MEMCACHED_PORT_FILENAME", &place)
            .stdin(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = fs::read_to_string(&place).unwrap_or_default();
            let port = text.lines().find_map(|line| line.strip_prefix("TCP INET: "));
            if let Some(port) = port.and_then(|port| port.trim().parse().ok()) {
                return Ok(Server { child, port, place });
            }
            if Instant::now() > deadline {
                return Err(format!("{program} did not start").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn fill(&self) -> Outcome<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let mut all = Vec::new();
        for number in 0..KEYS {
            all.extend(format!("set key{number:08} 0 0 {VALUE} noreply\r\n").bytes());
            all.extend([b'v'; VALUE]);
            all.extend(b"\r\n");
        }
        all.extend(b"mn\r\n");
        stream.write_all(&all)?;
        let mut reply = [0; 4];
        std::io::Read::read_exact(&mut stream, &mut reply)?;
        match &reply {
            b"MN\r\n" => Ok(()),
            other => Err(format!("filling: {}", other.escape_ascii()).into()),
        }
    }

    /// Processor time used so far, in seconds, by the clock that counts nanoseconds.
    fn processor(&self) -> Outcome<f64> {
        let mut nanos = 0u64;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or("0").parse::<u64>()?;
        }
        Ok(nanos as f64 / 1e9)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.place);
    }
}

/// One connection of the load.
struct Link {
    socket: OwnedFd,
    random: u64,
    request: Vec<u8>,
    sent_at: Instant,
    /// Bytes of the replies still to come.
    missing: usize,
    checked: bool,
}

/// What one round measured.
#[derive(Clone, Copy)]
struct Round {
    rate: f64,
    /// Microseconds of the server's processor per counted thing.
    processor: f64,
    /// Microseconds that 99 of 100 batches took at most.
    p99: f64,
}

fn round(server: &Server, work: &Work, seconds: f64) -> Outcome<Round> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut links = Vec::new();
    for number in 0..work.connections {
        let stream = TcpStream::connect(("127.0.0.1", server.port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let socket = OwnedFd::from(stream);
        epoll::add(&epoll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
        links.push(Link {
            socket,
            random: 0x9e37_79b9 + number as u64 * 7919,
            request: Vec::new(),
            sent_at: Instant::now(),
            missing: 0,
            checked: false,
        });
    }
    for link in &mut links {
        link.send(work)?;
    }
    // A tenth of the time warms up.
    drive(&epoll, &mut links, work, seconds / 10.0)?;
    let (before, started) = (server.processor()?, Instant::now());
    let mut took = drive(&epoll, &mut links, work, seconds)?;
    let (after, elapsed) = (server.processor()?, started.elapsed().as_secs_f64());
    let counted = (took.len() * work.depth) as f64 * work.counted() as f64;
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Round {
        rate: counted / elapsed,
        processor: (after - before) * 1e6 / counted,
        p99: p99.as_secs_f64() * 1e6,
    })
}

/// Keeps every connection busy for so long; answers how long each batch took.
fn drive(epoll: &OwnedFd, links: &mut [Link], work: &Work, seconds: f64) -> Outcome<Vec<Duration>> {
    let mut took = Vec::with_capacity(1 << 20);
    let mut events = Vec::with_capacity(64);
    let mut buffer = vec![0; 256 << 10];
    let deadline = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < deadline {
        events.clear();
        epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let link = &mut links[event.data.u64() as usize];
            if link.receive(work, &mut buffer)? {
                took.push(link.sent_at.elapsed());
                link.send(work)?;
            }
        }
    }
    Ok(took)
}

impl Link {
    fn send(&mut self, work: &Work) -> Outcome<()> {
        work.request(&mut self.random, &mut self.request);
        self.missing = work.reply_len() * work.depth;
        self.sent_at = Instant::now();
        let sent = rustix::net::send(&self.socket, &self.request, SendFlags::NOSIGNAL)?;
        match sent == self.request.len() {
            true => Ok(()),
            false => Err("a request did not fit into the socket".into()),
        }
    }

    /// Reads; is the batch complete?
    fn receive(&mut self, work: &Work, buffer: &mut [u8]) -> Outcome<bool> {
        let (count, _) = match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok(read) => read,
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let start: &[u8] = if matches!(work.ask, Ask::Set) { b"STORED\r\n" } else { b"VALUE key" };
        let good =
            count > 0 && count <= self.missing && (self.checked || buffer.starts_with(start));
        if !good {
            return Err(
                format!("an unexpected reply: {}", buffer[..count.min(80)].escape_ascii()).into()
            );
        }
        self.checked = true;
        self.missing -= count;
        if self.missing == 0
            && !matches!(work.ask, Ask::Set)
            && !buffer[..count].ends_with(b"END\r\n")
            && count >= 5
        {
            return Err("a reply that does not end in END".into());
        }
        Ok(self.missing == 0)
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

/// One row: the medians of both, the median of the rounds' ratios, and how far the ratios lie apart.
fn row(work: &str, unit: &str, peer: &str, pairs: &[(f64, f64)]) -> serde_json::Value {
    let side = |pick: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(pick).collect::<Vec<_>>());
    let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
    let (least, most) = ratios
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), ratio| (least.min(*ratio), most.max(*ratio)));
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let (ours, theirs) = (round(side(|pair| pair.0)), round(side(|pair| pair.1)));
    let (ratio, spread) = (round(median(&ratios)), round((most - least) / median(&ratios)));
    println!("{work:<24} {unit:<22} {ours:>14} {theirs:>14}  ratio {ratio:>6} spread {spread:>6}");
    json!({"work": work, "peer": peer, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "spread": spread})
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [ours, theirs, core, rounds, seconds, into] = arguments.as_slice() else {
        return Err(
            "usage: loadgen <nearcached> <memcached> <server core> <rounds> <seconds> <json file>"
                .into(),
        );
    };
    let (rounds, seconds): (usize, f64) = (rounds.parse()?, seconds.parse()?);
    let version = Command::new(theirs).arg("-V").output()?.stdout;
    let peer = String::from_utf8_lossy(&version).trim().to_string();
    let (ours, theirs) =
        (Server::start("ours", ours, core)?, Server::start("theirs", theirs, core)?);
    ours.fill()?;
    theirs.fill()?;
    println!("{:<24} {:<22} {:>14} {:>14}", "", "", "nearcached", peer);
    let mut rows = Vec::new();
    for work in WORKS {
        let mut measured = Vec::new();
        for number in 0..rounds {
            // Who goes first alternates.
            let pair = match number % 2 {
                0 => {
                    let first = round(&ours, work, seconds)?;
                    (first, round(&theirs, work, seconds)?)
                }
                _ => {
                    let first = round(&theirs, work, seconds)?;
                    (round(&ours, work, seconds)?, first)
                }
            };
            measured.push(pair);
        }
        let pairs = |pick: fn(&Round) -> f64| -> Vec<(f64, f64)> {
            measured.iter().map(|(a, b)| (pick(a), pick(b))).collect()
        };
        // Throughput as time, so that below 1 is better in every row.
        let wall = format!("us/{}", work.unit);
        rows.push(row(work.name, &wall, &peer, &pairs(|round| 1e6 / round.rate)));
        let each = format!("cpu us/{}", work.unit);
        rows.push(row(work.name, &each, &peer, &pairs(|round| round.processor)));
        rows.push(row(work.name, "p99 us", &peer, &pairs(|round| round.p99)));
    }
    fs::write(into, serde_json::to_string_pretty(&rows)?)?;
    println!("written to {into}");
    Ok(())
}
