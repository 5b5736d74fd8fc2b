//! The store and queue commands beside a real `nearcached`, which this test also is: with `SERVE` in its environment it
//! does what the daemon's program does. (So it has no harness, whose threads the daemon would not expect.)

mod support;

use nearcache::{Expiry, Verb};
use nearcache_store::queue::Push;
use nearcache_store::{Durable, Place as Where};
use nearcached::options::{self, Asked};
use rustix::process::Signal;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::durable::interrupted;
use support::{Place, Ran};

const SERVE: &str = "NEARCACHE_TEST_SERVE";
const NEVER: Expiry = Expiry::Never;

type Scene = fn(&Daemon);

fn main() -> ExitCode {
    if std::env::var_os(SERVE).is_some() {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let Ok(Asked::Serve(asked)) = options::parse(&arguments) else { return ExitCode::FAILURE };
        return match nearcached::serve::serve(*asked) {
            Ok(()) => ExitCode::SUCCESS,
            Err(wrong) => {
                eprintln!("nearcached: {wrong}");
                ExitCode::FAILURE
            }
        };
    }
    let scenes: [(&str, Scene); 4] = [
        ("items_and_queues", items_and_queues),
        ("a_backup_while_others_write", a_backup_while_others_write),
        ("a_backup_that_is_stopped", a_backup_that_is_stopped),
        ("dead_letters", dead_letters),
    ];
    let mut failed = 0;
    for (name, scene) in scenes {
        let done = std::panic::catch_unwind(|| scene(&Daemon::start())).is_ok();
        println!("test {name} ... {}", if done { "ok" } else { "FAILED" });
        failed += u32::from(!done);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A daemon with a store and queues in `data`, and a socket for both.
struct Daemon {
    place: Place,
    child: Child,
    at: String,
}

impl Daemon {
    fn start() -> Daemon {
        let place = Place::new();
        let path = |name: &str| place.path(name).to_str().unwrap().to_string();
        let (data, socket) = (path("data"), path("store"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["-u", "root", "-v", "-s", &path("cache"), "--store", &data, "--queue", &data])
            .args(["--store-socket", &socket, "--queue-socket", &path("queue")])
            .args(["--store-sync", "never"])
            .env(SERVE, "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let is_ready = said.by_ref().map_while(Result::ok).any(|line| line == "nearcached: ready");
        assert!(is_ready, "the daemon did not start");
        // Its later words are passed on, so that the pipe never fills.
        std::thread::spawn(move || {
            said.map_while(Result::ok).for_each(|line| eprintln!("daemon: {line}"));
        });
        Daemon { place, child, at: format!("unix:{socket}") }
    }

    fn client(&self) -> Durable {
        Durable::open(&Where::parse(&self.at).unwrap(), None).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.place.path(name).to_str().unwrap().to_string()
    }

    fn run(&self, group: &str, command: &str, arguments: &[&str]) -> Ran {
        self.place.run(&[&[group, command, self.at.as_str()], arguments].concat())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn items_and_queues(daemon: &Daemon) {
    daemon.run("store", "set", &["user:1", "Ada", "--ttl", "1000"]).expect(0);
    assert_eq!(daemon.run("store", "get", &["user:1"]).expect(0).out, b"Ada");
    assert_eq!(daemon.run("store", "list", &["--keys"]).expect(0).text(), "user:1\n");
    let told = daemon.run("store", "stat", &["--json"]).expect(0).json();
    assert_eq!(
        (&told["info"]["items"], &told["stats"]["near_limit"]),
        (&json!(1), &json!(64 << 20))
    );
    let large = vec![1; 12 << 20];
    let all = ["store", "set", &daemon.at, "large"];
    daemon.place.run_with(&all, &large[..2 << 20]).complains(2, "the limit is 1048576");
    daemon.place.run_with(&all, &large).complains(2, "the limit is");
    let data = daemon.path("data");
    let pid = format!("is in use by process {} ", daemon.child.id());
    daemon.place.run(&["store", "get", &data, "user:1"]).complains(2, &pid);
    daemon.place.run(&["queue", "list", &data]).complains(2, "by naming its socket");

    daemon.run("queue", "push", &["orders", "order 1"]).expect(0);
    let queue = daemon.at.replace("store", "queue");
    assert_eq!(daemon.place.run(&["queue", "take", &queue, "orders"]).expect(0).out, b"order 1");
    let wait = ["queue", "take", &daemon.at, "orders", "--wait", "600"];
    let child = daemon.place.command(&wait).spawn().unwrap();
    daemon.run("queue", "push", &["orders", "order 2"]).expect(0);
    assert_eq!(Ran::of(child.wait_with_output().unwrap()).expect(0).out, b"order 2");
    daemon.run("store", "verify", &[]).expect(0);
    daemon.run("store", "compact", &[]).expect(0);
}

fn fill(durable: &Durable, items: u64) {
    for page in 0..items / 500 {
        let set = |item: u64| {
            let key = format!("key:{:06}", page * 500 + item);
            let set = nearcache_store::storing(Verb::Set, key.as_bytes(), &[7; 100], 0, NEVER);
            nearcache_store::wire::Change::Set(set)
        };
        durable.commit((0..500).map(set).collect()).unwrap();
    }
}

fn a_backup_while_others_write(daemon: &Daemon) {
    fill(&daemon.client(), 10_000);
    let stop = AtomicBool::new(false);
    let writer = daemon.client();
    writer.store(Verb::Set, b"count", b"0", 0, NEVER).unwrap();
    let backup = daemon.path("backup");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let count = writer.count(b"count", 1, false).unwrap().unwrap();
                writer.push(b"counts", count.to_string().as_bytes(), &Push::default()).unwrap();
            }
        });
        let ran = daemon.run("store", "backup", &[&backup, "--json"]);
        stop.store(true, Ordering::Relaxed);
        assert!(ran.expect(0).json()["entries"].as_u64() > Some(10_000), "{ran:?}");
    });
    let told = daemon.place.json(&["store", "verify", &backup, "--json"]);
    assert_eq!(told["items"], 10_001);
    // Of one moment: the last count has its message, or is the one whose message was still to come.
    let count: u64 =
        daemon.place.run(&["store", "get", &backup, "count"]).expect(0).text().parse().unwrap();
    let told = daemon.place.json(&["queue", "list", &backup, "--json"]);
    let pushed = told[0]["messages"].as_u64().unwrap_or(0);
    assert!(count == pushed || count == pushed + 1, "{count} and {pushed}");
}

fn a_backup_that_is_stopped(daemon: &Daemon) {
    fill(&daemon.client(), 60_000);
    let to = daemon.path("backup");
    let backup = || daemon.place.command(&["store", "backup", &daemon.at, &to, "--progress"]);
    let said = interrupted(backup, Signal::INT, || std::fs::remove_dir_all(&to).unwrap());
    assert!(
        said[0].starts_with("nearcache: backup: ") && said[0].contains(" of 60,000, "),
        "{said:?}"
    );
    assert!(said.last().unwrap().contains("Unless the daemon was done just then"), "{said:?}");
    // The daemon lets go of it in its time.
    let until = Instant::now() + Duration::from_secs(60);
    let verified = loop {
        let ran = daemon.place.run(&["store", "verify", &to]);
        if !ran.err.contains("is in use by process") {
            break ran;
        }
        assert!(Instant::now() < until, "{ran:?}");
    };
    // It may have been done just then, as was said.
    if verified.status != 0 {
        verified.complains(2, "holds a store that was never finished");
        daemon.run("store", "backup", &[&to]).expect(0);
    }
    daemon.place.run(&["store", "verify", &to]).expect(0);
}

fn dead_letters(daemon: &Daemon) {
    daemon.run("queue", "configure", &["orders", "max_deliveries=1"]).expect(0);
    let durable = daemon.client();
    let push = |number: u64| {
        let push = Push::default();
        nearcache_store::wire::Change::Push {
            queue: b"orders".to_vec().into(),
            body: number.to_string().into_bytes().into(),
            push,
        }
    };
    durable.commit((0..1500).map(push).collect()).unwrap();
    let lease = nearcache_store::queue::Lease::Default;
    for message in durable.reserve(b"orders", 1500, lease, Duration::ZERO).unwrap() {
        durable.nak(b"orders", &message.receipt.unwrap(), None).unwrap();
    }
    let told = daemon.run("queue", "stat", &["orders", "--json"]).expect(0).json();
    assert_eq!(told["dead_letters"], json!({"queue": "orders.dead", "messages": 1500}));
    let told = daemon.run("queue", "requeue", &["orders.dead", "--all", "--json"]).expect(0).json();
    assert_eq!(told, json!({"moved": 1500}));
    assert_eq!(durable.queue_stats(b"orders").unwrap().ready, 1500);
    assert_eq!(daemon.run("queue", "take", &["orders"]).expect(0).out, b"0");
}
