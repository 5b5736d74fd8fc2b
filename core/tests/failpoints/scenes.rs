//! The caches that are attacked, and the mixes of verbs that run in them.

use crate::support::board::Board;
use crate::support::register::{Op, Result as Seen};
use crate::support::seed::{Rng, mix};
use crate::support::verbs::{Churn, Draws, name, perform};
use nearcache::{Cache, Error, Expiry, Home, MetaGet, MetaSet, Options, Outcome, Pin};
use std::collections::VecDeque;

/// A cache, and what is done in it.
pub struct Scene {
    pub name: &'static str,
    pub size: u64,
    /// `item_size_hint`: a large one makes a small index, which then doubles.
    pub hint: usize,
    pub churn: Churn,
    pub draws: Draws,
    /// Recorded calls of each half of a mix, all writers together, for each key.
    pub calls: usize,
    /// So many of a hundred calls are flushes, besides those that are drawn anyway.
    pub flushes: u64,
    /// So many of a hundred steps move the memory limit, to anything up to twice the size.
    pub limits: u64,
    /// Is the cache made anew for each round? Else all rounds of the scene share one.
    pub fresh: bool,
}

pub const SCENES: [Scene; 9] = [
    Scene { name: "roomy", ..scene(4 << 20, Churn::None, Draws::Mixed, 24) },
    Scene { name: "flushing", flushes: 20, ..scene(2 << 20, Churn::Cleaning, Draws::Mixed, 24) },
    Scene { name: "evicting", ..scene(1 << 20, Churn::Evicting, Draws::Mixed, 24) },
    Scene { name: "cleaning", ..scene(4 << 20, Churn::Cleaning, Draws::Counting, 24) },
    Scene { name: "large", ..scene(8 << 20, Churn::None, Draws::Large, 24) },
    Scene { name: "large and evicting", ..scene(2 << 20, Churn::Evicting, Draws::Large, 24) },
    Scene { name: "counting", ..scene(1 << 20, Churn::Evicting, Draws::Counting, 24) },
    Scene { name: "limited", limits: 15, ..scene(3 << 20, Churn::Evicting, Draws::Mixed, 24) },
    Scene {
        name: "growing",
        hint: 1 << 20,
        fresh: true,
        ..scene(4 << 20, Churn::Growing, Draws::Mixed, 24)
    },
];

const fn scene(size: u64, churn: Churn, draws: Draws, calls: usize) -> Scene {
    Scene { name: "", size, hint: 100, churn, draws, calls, flushes: 0, limits: 0, fresh: false }
}

/// Keys whose calls are recorded.
pub const KEYS: usize = 2;

impl Scene {
    pub fn open(&self) -> Cache {
        let mut options = Options::new(self.size).home(Home::Inherited);
        options.item_size_hint = self.hint;
        options.memory_max = (self.limits > 0).then_some(2 * self.size);
        // Moved over the quarantine of those of whom it is not certain that they are dead.
        options.manual_clock = true;
        let cache = options.open().expect("the cache opens");
        // In place, so that a mix does not begin with an empty memory.
        if self.churn != Churn::None && !self.fresh {
            let mut rng = Rng::new(1);
            for step in 0..400 {
                self.churn.run(&cache, &mut rng, step).expect("the churn is stored");
            }
        }
        cache
    }
}

/// What one writer does.
pub struct Mix<'a> {
    pub scene: &'a Scene,
    pub cache: &'a Cache,
    pub board: &'a Board,
    pub writer: usize,
    pub seed: u64,
    /// Distinguishes the values of this round and writer.
    pub tag: usize,
}

impl Mix<'_> {
    /// Runs so many steps, each a recorded call and what is done beside it.
    pub fn run(&self, half: u64, steps: usize) {
        let mut rng = Rng::new(mix(self.seed ^ half));
        let mut uniques = [0; KEYS];
        let mut pins = Pins(VecDeque::new());
        for step in 0..steps {
            let tag = self.tag + half as usize * 1000 + step;
            // Memory that a dead process held comes back in a while; until then there may be too little.
            match self.scene.churn.run(self.cache, &mut rng, tag) {
                Ok(()) | Err(Error::OutOfMemory) => {}
                Err(error) => panic!("the churn: {error}"),
            }
            self.aside(&mut rng, &mut pins);
            let key = rng.index(KEYS);
            let op = match rng.chance(self.scene.flushes) {
                true => Op::Flush,
                false => self.scene.draws.draw(&mut rng, tag, uniques[key]),
            };
            self.board.begin(self.writer, key, &op);
            let result = perform(self.cache, &name(key), &op);
            self.board.end(self.writer, &result);
            if let Seen::Hit(_, unique) | Seen::Outcome(Outcome::Stored(unique)) = result {
                uniques[key] = unique;
            }
        }
    }

    /// Verbs on keys whose histories nobody keeps.
    fn aside<'c>(&'c self, rng: &mut Rng, pins: &mut Pins<'c>) {
        let cache = self.cache;
        if rng.chance(self.scene.limits) {
            let size = self.scene.size * (60 + rng.below(141)) / 100;
            match cache.set_memory_limit(size) {
                // Pins, or what a dead process held, may stand in its way.
                Ok(_) | Err(Error::InvalidOptions(_)) => {}
                Err(error) => panic!("the limit is moved to {size}: {error}"),
            }
        }
        let key = format!("aside {}", rng.below(20)).into_bytes();
        let done: Result<(), Error> = match rng.below(14) {
            0..3 => cache.pin(&key).map(|pin| pins.keep(pin)),
            3..5 => cache.set(&key, &[b'a'; 700][..rng.index(700)], 0, Expiry::After(60)).map(drop),
            5 => cache.set(&key, &[b'1'; 5], 0, Expiry::After(1)).map(drop),
            6 => cache.incr_or(&key, 3, 10, Expiry::Never).map(drop).or_else(numeric),
            7 => cache.touch(&key, Expiry::After(100)).map(drop),
            8 => {
                let ask = MetaGet { vivify: Some(Expiry::After(30)), ..MetaGet::default() };
                cache.meta_get(&key, ask, &mut Vec::new()).map(drop)
            }
            9 => {
                let ask = MetaSet { unique: Some(rng.next() >> 8), ..MetaSet::default() };
                cache.meta_set(&key, b"meta", ask).map(drop)
            }
            10 => {
                cache.iter().take(50).for_each(drop);
                cache.keys(b"aside").take(10).for_each(drop);
                Ok(())
            }
            11 => {
                let keys: Vec<Vec<u8>> = (0..20).map(|k| format!("aside {k}").into()).collect();
                cache.get_many(&keys, |_, _, _| {})
            }
            12 => cache.invalidate(&key, None).map(drop),
            _ => {
                assert!(cache.stats().limit_maxbytes > 0);
                cache.delete(&key).map(drop)
            }
        };
        match done {
            Ok(()) | Err(Error::OutOfMemory) => {}
            Err(error) => panic!("beside the recorded calls: {error}"),
        }
    }
}

fn numeric(error: Error) -> Result<(), Error> {
    if matches!(error, Error::NotNumeric) { Ok(()) } else { Err(error) }
}

/// Values held in place for some steps; none of them may change meanwhile.
struct Pins<'c>(VecDeque<(Pin<'c>, Vec<u8>)>);

impl<'c> Pins<'c> {
    fn keep(&mut self, pin: Option<Pin<'c>>) {
        if let Some(pin) = pin {
            let bytes = pin.to_vec();
            self.0.push_back((pin, bytes));
        }
        if self.0.len() > 3 {
            self.check();
            self.0.pop_front();
        }
    }

    fn check(&self) {
        for (pin, bytes) in &self.0 {
            assert!(**pin == bytes[..], "a pinned value has changed");
        }
    }
}

impl Drop for Pins<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check();
        }
    }
}
