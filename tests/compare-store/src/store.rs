//! The works of the stores: filled and killed, opened again, read, scanned and written.

use crate::contest::{Client, Contender, Random, contest, key, rows, scattered, value};
use crate::lmdb::Lmdb;
use crate::peers::{Asks, Ours, Peer, Safety, draw};
use crate::redis_server::Redis;
use crate::report::Row;
use crate::sqlite::Sqlite;
use crate::{Plan, thousands};
use nearcache::{Cache, Expiry, Home};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The child that fills a directory and dies is told it, and how many items, by these.
pub const FILL: &str = "COMPARE_STORE_FILL";
const ITEMS: &str = "COMPARE_STORE_ITEMS";

/// Memory of the near tier, and of the cache that it is compared with.
const NEAR: u64 = 64 << 20;
/// Keys that are read again and again.
const HOT: u64 = 10_000;
/// Items of a scan, and of a batch.
const MANY: usize = 100;

/// Stores with the same items, as they were left behind.
pub struct Stores {
    data: PathBuf,
    plan: Plan,
}

/// Fills ours, SQLite's and LMDB's below a directory, and ends this process as if it were killed.
pub fn fill_and_die(data: &Path) -> ! {
    let items = std::env::var(ITEMS).expect("it is told").parse().expect("it is a number");
    let ours = Ours::open(&data.join("ours"), Safety::Synced, NEAR);
    let (mut random, mut under_way) = (Random::new(1), VecDeque::new());
    for number in scattered(items) {
        let set = ours.0.submit_set(&key(number), &value(&mut random), Default::default());
        under_way.push_back(set.expect("the put is on its way"));
        if under_way.len() > 256 {
            under_way.pop_front().expect("it is there").wait().expect("the put is done");
        }
    }
    for put in under_way {
        put.wait().expect("the put is done");
    }
    fill(&Sqlite::open(&data.join("sqlite"), Safety::Synced), items);
    fill(&Lmdb::open(&data.join("lmdb"), Safety::Synced), items);
    // SAFETY: ends this process, and touches nothing.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    std::process::abort();
}

fn fill(peer: &dyn Peer, items: u64) {
    let mut client = peer.client();
    let (mut random, mut some) = (Random::new(1), Vec::new());
    for number in scattered(items) {
        some.push((key(number), value(&mut random)));
        if some.len() == 1000 {
            client.put(&some);
            some.clear();
        }
    }
}

impl Stores {
    /// Fills all of them, and kills whoever did it.
    pub fn fill(data: &Path, plan: Plan) -> Stores {
        let program = std::env::current_exe().expect("this program has a file");
        let mut child = Command::new(program);
        child.env(FILL, data).env(ITEMS, plan.items.to_string());
        let ended = child.status().expect("this program starts again");
        assert_eq!(ended.code(), None, "it was killed");
        if let Some(redis) = Redis::open(&data.join("redis"), Safety::Synced) {
            fill(&redis, plan.items);
        } else {
            println!("Redis is left out: neither redis-server nor redis-tools is installed");
        }
        Stores { data: data.to_path_buf(), plan }
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// Opens copies of what was left behind, and reads an item; and how much disk that takes.
    pub fn reopen(&self) -> Vec<Row> {
        let last = key(self.plan.items - 1);
        let reads = |peer: &dyn Peer| assert!(peer.client().get(&last));
        type Open<'a> = Box<dyn Fn(&Path) + 'a>;
        let mut all: Vec<(&'static str, &str, Open)> = vec![
            ("nearcache", "ours", Box::new(|dir| reads(&Ours::open(dir, Safety::Synced, NEAR)))),
            ("SQLite", "sqlite", Box::new(|dir| reads(&Sqlite::open(dir, Safety::Synced)))),
            ("LMDB", "lmdb", Box::new(|dir| reads(&Lmdb::open(dir, Safety::Synced)))),
        ];
        if self.dir("redis").exists() {
            let open = |dir: &Path| reads(&Redis::open(dir, Safety::Synced).expect("it is there"));
            all.push(("Redis", "redis", Box::new(open)));
        }
        let names: Vec<_> = all.iter().map(|(name, _, _)| *name).collect();
        let disk = |dir: &str| disk_of(&self.dir(dir)) as f64 / self.plan.items as f64;
        let sizes: Vec<_> = all.iter().map(|(_, dir, _)| vec![disk(dir)]).collect();
        let mut measures = vec![Vec::new(); all.len()];
        for _ in 0..self.plan.rounds.min(5) {
            for ((_, dir, open), measures) in all.iter().zip(&mut measures) {
                let copy = self.dir("copy");
                copy_all(&self.dir(dir), &copy);
                let begun = Instant::now();
                open(&copy);
                measures.push(begun.elapsed().as_secs_f64() * 1e3);
                fs::remove_dir_all(&copy).expect("the copy can be removed");
            }
        }
        let items = thousands(self.plan.items);
        let work = format!("reopen after a kill, {items} items");
        let mut all = rows(&work, "ms", &names, &measures);
        all.extend(rows("disk of an item", "B", &names, &sizes));
        all
    }

    /// Reads that hit the near tier and that do not, and scans.
    pub fn gets(&self) -> Vec<Row> {
        let Stores { plan, .. } = *self;
        // Short ones, and many: what else the machine does then falls on all.
        let (rounds, time) = (plan.rounds * 3, plan.time / 5);
        let (sqlite, lmdb, redis) = self.peers(Safety::Synced);
        let mut results = Vec::new();
        let hot = plan.items.min(HOT);
        let shared = |name| Home::At(self.dir(name));
        let homes = [
            ("get, near hit", Home::Private, Home::Private),
            ("get, shared near hit", shared("near"), shared("cache")),
        ];
        for (work, near, home) in homes {
            let ours = Ours::open_at(&self.dir("ours"), Safety::Synced, NEAR, near);
            let cache = nearcache::Options::new(NEAR).home(home).open().expect("the cache opens");
            let mut random = Random::new(1);
            for number in 0..hot {
                assert!((&ours).get(&key(number)));
                cache
                    .set(&key(number), &value(&mut random), 0, Expiry::Never)
                    .expect("it takes the item");
            }
            let mut all = vec![getters(&ours, 1, hot), cache_getters(&cache, hot)];
            all.extend([getters(&sqlite, 1, hot), getters(&lmdb, 1, hot)]);
            all.extend(redis.as_ref().map(|redis| getters(redis, 1, hot)));
            results.extend(contest(work, rounds, time, all));
        }
        let far = Ours::open(&self.dir("ours"), Safety::Synced, 0);
        let mut peers: Vec<&dyn Peer> = vec![&far, &sqlite, &lmdb];
        peers.extend(redis.as_ref().map(|redis| redis as &dyn Peer));
        for clients in [1, 8] {
            let all = peers.iter().map(|peer| getters(*peer, clients, plan.items)).collect();
            let work = format!("get, not near, {clients} clients");
            results.extend(contest(&work, rounds, time, all));
        }
        let scans = peers[..3].iter().map(|peer| scanners(*peer, plan.items)).collect();
        results.extend(contest(&format!("scan of {MANY} items"), rounds, time, scans));
        results
    }

    /// Writes of one item each, and of many that are one.
    pub fn puts(&self) -> Vec<Row> {
        let Stores { plan, .. } = *self;
        let mut rows = Vec::new();
        for (safety, word) in [(Safety::Synced, "synced"), (Safety::Written, "written")] {
            let ours = Ours::open(&self.dir("ours"), safety, NEAR);
            let (sqlite, lmdb, redis) = self.peers(safety);
            let mut peers: Vec<&dyn Peer> = vec![&ours, &sqlite, &lmdb];
            peers.extend(redis.as_ref().map(|redis| redis as &dyn Peer));
            let mut putting = |work: &str, clients, count| {
                let all =
                    peers.iter().map(|peer| putters(*peer, clients, plan.items, count)).collect();
                rows.extend(contest(work, plan.rounds, plan.time, all));
            };
            for clients in [1, 8, 64] {
                putting(&format!("put, {word}, {clients} clients"), clients, 1);
            }
            putting(&format!("put, {word}, 1 client, {MANY} a transaction"), 1, MANY);
        }
        rows
    }

    fn peers(&self, safety: Safety) -> (Sqlite, Lmdb, Option<Redis>) {
        let sqlite = Sqlite::open(&self.dir("sqlite"), safety);
        let lmdb = Lmdb::open(&self.dir("lmdb"), safety);
        (sqlite, lmdb, Redis::open(&self.dir("redis"), safety))
    }
}

/// Clients that read items drawn from the first of them.
fn getters(peer: &dyn Peer, clients: usize, below: u64) -> Contender<'_> {
    Contender::new(peer.name(), clients, || {
        let mut client = peer.client();
        repeated(move |random| assert!(client.get(&key(random.below(below)))))
    })
}

/// The same of a cache alone.
fn cache_getters(cache: &Cache, below: u64) -> Contender<'_> {
    Contender::new("Cache::get", 1, || {
        repeated(move |random| {
            let value = cache.get(&key(random.below(below)));
            assert!(black_box(value.expect("the key is one")).is_some());
        })
    })
}

/// Something so short that several are done at a time.
fn repeated<'a>(mut work: impl FnMut(&mut Random) + Send + 'a) -> Client<'a> {
    Box::new(move |random: &mut Random| {
        (0..MANY).for_each(|_| work(random));
        MANY as u64
    })
}

fn scanners(peer: &dyn Peer, below: u64) -> Contender<'_> {
    Contender::new(peer.name(), 1, || {
        let mut client = peer.client();
        Box::new(move |random: &mut Random| {
            let from = key(random.below(below - MANY as u64));
            assert_eq!(client.scan(&from, MANY), Some(MANY));
            1
        })
    })
}

/// Clients that write so many items at a time over older ones.
fn putters(peer: &dyn Peer, clients: usize, below: u64, count: usize) -> Contender<'_> {
    Contender::new(peer.name(), clients, || {
        let mut client = peer.client();
        Box::new(move |random: &mut Random| {
            client.put(&draw(random, below, count));
            count as u64
        })
    })
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("the directory can be read") {
        let path = entry.expect("the directory can be read").path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

/// Bytes on the disk.
fn disk_of(dir: &Path) -> u64 {
    files(dir).iter().map(|file| fs::metadata(file).expect("it is there").blocks() * 512).sum()
}

/// Copies a directory, holes and all, and waits until the disk has it, so that this is not waited for later.
fn copy_all(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-a", "--sparse=always"]).args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "the directory can be copied");
    for file in files(to) {
        let is_file = fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file());
        if is_file {
            File::open(&file).and_then(|file| file.sync_all()).expect("the copy can be synced");
        }
    }
}
