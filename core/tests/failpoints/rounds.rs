//! The rounds: who is forked when, and what must hold after each.

use crate::scenes::{KEYS, Mix, SCENES, Scene};
use crate::support::board::{Board, History};
use crate::support::children::{Child, Fate, cpu_time, fork, sleeps};
use crate::support::register::Register;
use crate::support::seed::{self, Rng, Told, mix};
use crate::support::verbs::{Churn, name};
use crate::support::wgl;
use nearcache::failpoint::{Action, arm, count};
use nearcache::{Cache, Error, Expiry, Life};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Words of the board: all are forked; the victim has fallen.
const START: usize = 0;
const FALLEN: usize = 1;
/// Notes of a writer: stores, nanoseconds of processor time and sleeps of its second half.
const STORES: usize = 0;
const NANOS: usize = 1;
const SLEEPS: usize = 2;

/// Writers 0 and 1 survive; the victim's threads are the others.
const SURVIVORS: usize = 2;
const VICTIMS: usize = 3;
const WRITERS: usize = SURVIVORS + VICTIMS;

/// How often, and by what seed.
struct Plan {
    seed: u64,
    /// Rounds of each scene; `None`: one for each store of the victim's mix.
    rounds: Option<u64>,
}

fn plan() -> Plan {
    let rounds = match std::env::var("NEARCACHE_ROUNDS") {
        Err(_) => Some(80),
        Ok(text) if text == "all" => None,
        Ok(text) => Some(text.parse().unwrap_or_else(|_| {
            panic!("NEARCACHE_ROUNDS is {text:?}: it must be a count, or `all`")
        })),
    };
    Plan { seed: seed::of_run(), rounds }
}

/// Every scene, with victims that are killed, stopped and ended.
pub fn all() {
    let plan = plan();
    println!("seed {} (NEARCACHE_SEED replays it)", plan.seed);
    let told = Told(plan.seed);
    let only = std::env::var("NEARCACHE_SCENE").ok();
    for scene in SCENES.iter().filter(|scene| only.as_ref().is_none_or(|only| only == scene.name)) {
        let begun = Instant::now();
        let report = attack(scene, &plan);
        println!("{:20} {report}, {:.1} s", scene.name, begun.elapsed().as_secs_f64());
    }
    drop(told);
}

/// A scene under attack.
struct Attack<'a> {
    scene: &'a Scene,
    board: &'a Board,
    seed: u64,
    /// What a survivor's second half took when nobody fell.
    usual: Usual,
}

/// Stores and processor time of a survivor, undisturbed.
#[derive(Clone, Copy, Default)]
struct Usual {
    stores: u64,
    time: Duration,
}

/// One fall.
#[derive(Clone, Copy, Debug)]
struct Fall {
    round: u64,
    at: u64,
    action: Action,
    threads: usize,
    /// Do the survivors run their first halves beside the victim?
    beside: bool,
    /// Is the dead victim left a zombie until all is checked?
    zombie: bool,
}

fn attack(scene: &Scene, plan: &Plan) -> String {
    let board = Board::new(WRITERS, 4 * scene.calls);
    let seed = mix(plan.seed ^ scene.size ^ scene.name.len() as u64);
    let mut attack = Attack { scene, board: &board, seed, usual: Usual::default() };
    let mut cache = scene.open();
    let room = if scene.fresh { 0 } else { fits(&cache) };
    // What was filled to see how much fits is reclaimed in the first ones.
    let mut stores: Vec<u64> = (0..30).map(|_| attack.rehearse(&cache)).skip(19).collect();
    stores.sort_unstable();
    let stores = stores[stores.len() / 2];
    let rounds = plan.rounds.unwrap_or(stores);
    let (stride, offset) = strided(stores, rounds, seed);
    let (mut killed, mut stopped, mut survived) = (0, 0, 0);
    for round in 0..rounds {
        if scene.fresh {
            cache = scene.open();
        }
        let fall = Fall {
            round,
            at: 1 + (offset + round * stride) % stores,
            action: match mix(seed ^ round) % 8 {
                0 | 1 => Action::Stop,
                2 => Action::Exit,
                _ => Action::Kill,
            },
            threads: if mix(seed ^ round ^ 77).is_multiple_of(3) { VICTIMS } else { 1 },
            beside: !round.is_multiple_of(4),
            zombie: round % 8 == 5,
        };
        match attack.round(&cache, &fall) {
            Fate::Killed(_) => killed += 1,
            Fate::Stopped => stopped += 1,
            Fate::Exited(_) if fall.action == Action::Exit => killed += 1,
            Fate::Exited(_) => survived += 1,
        }
    }
    for round in 0..rounds.min(200) {
        attack.reapers(&cache, round, 1 + mix(seed ^ round) % stores);
    }
    if !scene.fresh {
        let after = fits(&cache);
        assert!(
            after * 100 >= room * 97,
            "{room} items fitted before {killed} deaths, and {after} fit now"
        );
    }
    format!("{stores} stores, {killed} deaths, {stopped} stops, {survived} out of reach")
}

/// How many items of one size fit: the most that were ever there at once while far more were stored. They are counted one by
/// one: the statistics may have lost count with those who died.
fn fits(cache: &Cache) -> u64 {
    cache.flush_all(0).expect("a flush does not fail");
    cache.set_memory_limit(cache.info().memory_max).expect("there is room for all of it");
    let (mut most, stores) = (0, cache.stats().limit_maxbytes / 100);
    for k in 0..stores {
        match cache.set(format!("fit {k}").as_bytes(), &[7; 300], 0, Expiry::Never) {
            Ok(_) => {}
            Err(error) => panic!("storing item {k} to see how many fit: {error}"),
        }
        if k % (stores / 40) == 0 {
            most = most.max(cache.keys(b"fit").count() as u64);
        }
    }
    cache.flush_all(0).expect("a flush does not fail");
    most
}

/// Steps from one failpoint to the next: together the rounds pass over all of them evenly.
fn strided(stores: u64, rounds: u64, seed: u64) -> (u64, u64) {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let first = if rounds >= stores { 1 } else { (stores as f64 * 0.618_034) as u64 + 1 };
    let stride = (first..).find(|&stride| gcd(stride, stores) == 1).expect("there is a prime");
    (stride, Rng::new(seed).below(stores))
}

impl Attack<'_> {
    fn mix<'m>(&'m self, cache: &'m Cache, writer: usize, round: u64) -> Mix<'m> {
        // The victims' mixes are the same in each round, so that the failpoints are.
        let salt = if writer < SURVIVORS { round + 1 } else { 0 };
        Mix {
            scene: self.scene,
            cache,
            board: self.board,
            writer,
            seed: mix(self.seed ^ salt << 8 ^ writer as u64),
            tag: (round % 1000) as usize * 10_000_000 + writer * 100_000,
        }
    }

    fn steps(&self) -> usize {
        self.scene.calls * KEYS / (SURVIVORS + 1)
    }

    /// Runs a round in which nobody falls: the stores of a victim, and what is usual for a survivor.
    fn rehearse(&mut self, cache: &Cache) -> u64 {
        self.board.wipe();
        let mut victim = fork(|| {
            let before = count();
            self.mix(cache, SURVIVORS, 0).run(0, self.steps());
            self.board.note(SURVIVORS, STORES).store(count() - before, SeqCst);
        });
        victim.succeeds("the rehearsal");
        let mut survivor = fork(|| self.survive(cache, 0, 0));
        self.board.word(START).store(1, SeqCst);
        self.board.word(FALLEN).store(1, SeqCst);
        survivor.succeeds("the survivor's rehearsal");
        let note = |writer, which| self.board.note(writer, which).load(SeqCst);
        self.usual = Usual { stores: note(0, STORES), time: Duration::from_nanos(note(0, NANOS)) };
        note(SURVIVORS, STORES)
    }

    /// A survivor: a half beside the victim, a half after its fall.
    fn survive(&self, cache: &Cache, writer: usize, round: u64) {
        let mix = self.mix(cache, writer, round);
        if self.board.word(START).load(SeqCst) != 2 {
            self.await_word(START);
            mix.run(0, self.steps());
        }
        self.await_word(FALLEN);
        let before = (count(), cpu_time(libc::CLOCK_PROCESS_CPUTIME_ID), sleeps());
        mix.run(1, self.steps());
        let note = |which, value| self.board.note(writer, which).store(value, SeqCst);
        note(STORES, count() - before.0);
        let time = cpu_time(libc::CLOCK_PROCESS_CPUTIME_ID) - before.1;
        note(NANOS, time.as_nanos() as u64);
        note(SLEEPS, sleeps() - before.2);
    }

    fn await_word(&self, which: usize) {
        while self.board.word(which).load(SeqCst) == 0 {
            std::thread::yield_now();
        }
    }

    /// The victim.
    fn fall(&self, cache: &Cache, fall: &Fall) {
        if fall.beside {
            self.await_word(START);
        }
        arm(fall.at, fall.action);
        if fall.threads == 1 {
            return self.mix(cache, SURVIVORS, fall.round).run(0, self.steps());
        }
        std::thread::scope(|scope| {
            for thread in 0..fall.threads {
                let mix = self.mix(cache, SURVIVORS + thread, fall.round);
                scope.spawn(move || mix.run(0, self.steps() / 2));
            }
        });
    }

    fn round(&self, cache: &Cache, fall: &Fall) -> Fate {
        for key in 0..KEYS {
            cache.delete(&name(key)).expect("a deletion does not fail");
        }
        let evicted = cache.stats().evictions;
        self.board.wipe();
        // 2: there is nothing to be done beside the victim.
        self.board.word(START).store(if fall.beside { 0 } else { 2 }, SeqCst);
        let mut survivors: Vec<Child> =
            (0..SURVIVORS).map(|writer| fork(|| self.survive(cache, writer, fall.round))).collect();
        let mut victim = fork(|| self.fall(cache, fall));
        if fall.beside {
            self.board.word(START).store(1, SeqCst);
        }
        victim.await_end();
        let mut fate = None;
        if !fall.zombie || fall.action == Action::Stop {
            fate = Some(victim.wait());
        }
        self.board.word(FALLEN).store(1, SeqCst);
        for survivor in &mut survivors {
            survivor.succeeds(&format!("a survivor of {fall:?}"));
        }
        self.nobody_waited(fall);
        if fate == Some(Fate::Stopped) {
            self.stopped_is_left_alone(cache, fall, &victim);
            victim.signal(libc::SIGCONT);
            victim.succeeds(&format!("the victim that was stopped in {fall:?}"));
        }
        self.settles(cache, fall);
        self.explains(cache, fall, cache.stats().evictions > evicted);
        fate.unwrap_or_else(|| victim.wait())
    }

    /// A victim falls, then somebody who is giving back what it held, and then another one beside a third who is not killed.
    fn reapers(&self, cache: &Cache, round: u64, at: u64) {
        self.board.wipe();
        fork(|| {
            arm(at, Action::Kill);
            self.mix(cache, SURVIVORS, round).run(0, self.steps());
        })
        .wait();
        let reap = |at: u64| {
            fork(move || {
                arm(at, Action::Kill);
                cache.reap().expect("reaping does not fail");
            })
        };
        // Reaping takes few stores: most rounds fall within.
        reap(1 + round % 9).wait();
        let (mut killed, mut other) = (reap(1 + round / 9 % 9), reap(u64::MAX >> 1));
        killed.wait();
        other.succeeds("a reaper beside one that is killed");
        let fall =
            Fall { round, at, action: Action::Kill, threads: 1, beside: false, zombie: false };
        self.settles(cache, &fall);
    }

    /// The survivors' second halves took no more than usual, by much.
    fn nobody_waited(&self, fall: &Fall) {
        for writer in 0..SURVIVORS {
            let note = |which| self.board.note(writer, which).load(SeqCst);
            let (stores, time) = (note(STORES), Duration::from_nanos(note(NANOS)));
            let most = self.usual.stores * 20 + 1_000_000;
            assert!(stores <= most, "{fall:?}: a survivor took {stores} stores, {most} at most");
            let most = self.usual.time * 20 + Duration::from_secs(2);
            assert!(time <= most, "{fall:?}: a survivor took {time:?}, {most:?} at most");
            let sleeps = note(SLEEPS);
            // Who moves the limit may wait for another in the system, which has a lock for a file's holes.
            let most = if self.scene.limits > 0 { 500 } else { 20 };
            assert!(sleeps <= most, "{fall:?}: a survivor slept {sleeps} times");
        }
    }

    /// Nothing is taken from a process that is only stopped.
    fn stopped_is_left_alone(&self, cache: &Cache, fall: &Fall, victim: &Child) {
        cache.reap().expect("reaping does not fail");
        let processes = cache.processes();
        // One that was stopped before its first operation has no place yet.
        if let Some(process) = processes.iter().find(|process| process.pid == victim.pid()) {
            assert_eq!(process.life, Life::Alive, "{fall:?}");
        }
    }

    /// What the dead held is given back, and the cache is whole.
    fn settles(&self, cache: &Cache, fall: &Fall) {
        cache.reap().expect("reaping does not fail");
        let me = std::process::id();
        let others = || cache.processes().into_iter().filter(|p| p.pid != me).collect::<Vec<_>>();
        if others().iter().any(|process| process.life == Life::Suspect) {
            // It was killed before it had told which namespace its number is of.
            cache.advance_clock(11).expect("the clock is moved by hand");
            cache.reap().expect("reaping does not fail");
        }
        let others = others();
        assert!(others.is_empty(), "{fall:?}: {others:?} are dead, and have their places still");
        if let Err(error) = cache.check() {
            panic!("{fall:?}: {error}");
        }
    }

    fn explains(&self, cache: &Cache, fall: &Fall, evicts: bool) {
        for (key, (calls, maybe)) in self.board.histories(KEYS).iter().enumerate() {
            // An eviction may be needed to explain a history only where there were some.
            let evicts = evicts && self.scene.churn != Churn::None;
            if let Err(most) = wgl::check_with(&Register { evicts }, None, calls, maybe) {
                panic!(
                    "{fall:?}, key {key}: no order explains more than {most} of {} calls\n{}",
                    calls.len(),
                    listed(&(calls.clone(), maybe.clone()))
                );
            }
        }
        // The cache works on.
        match cache.set(b"after", b"all", 0, Expiry::Never) {
            Ok(_) | Err(Error::OutOfMemory) => {}
            Err(error) => panic!("{fall:?}: {error}"),
        }
    }
}

fn listed((calls, maybe): &History) -> String {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for call in calls {
        let wgl::Call { thread, called, returned, op, result } = call;
        let line = format!("  {called:4}..{returned:4} writer {thread}: {op:?} -> {result:?}\n");
        lines.push((*called, line));
    }
    for wgl::Maybe { thread, called, op } in maybe {
        lines.push((*called, format!("  {called:4}..     writer {thread}: {op:?}, cut off\n")));
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
