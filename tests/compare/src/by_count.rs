//! The engine and its peers as caches of a number of objects, asked for one after the other: all that a hit ratio
//! depends on.

use crate::policies::Policy;
use foyer_memory::{CacheBuilder, EvictionConfig, LfuConfig, S3FifoConfig};
use nearcache::{Cache, Expiry, Options};

/// A way to open the engine, by the name it has in the tables.
pub type Opening = (&'static str, fn(&mut Options));

/// Every policy of the engine that is measured; the first is the default one.
pub const OPENINGS: &[Opening] =
    &[("nearcache", |_| {}), ("nearcache LRU", |options| options.policy = nearcache::Policy::Lru)];

/// The engine; `get`, and on a miss `set`, as a read-through cache does.
pub struct Engine {
    /// Where its statistics are asked for.
    pub cache: Cache,
    value: Vec<u8>,
    out: Vec<u8>,
    requests: u64,
    /// Items held, summed over the moments looked at since it was full, and how many moments.
    held: (u64, u64),
}

const KEY: usize = 8;
/// Requests from one look at the number of items to the next.
const LOOK: u64 = 512;

impl Engine {
    /// An engine that holds about so many objects, in segments that hold at least 16 where that can be: segments are
    /// 1/512 of the memory and at least 64 KiB, so that a cache of few objects has few segments of large values.
    pub fn new(objects: usize, open: fn(&mut Options)) -> Engine {
        const SEGMENT: u64 = 64 << 10;
        let segments = (objects as u64 / 8).clamp(16, 512);
        let size = segments * SEGMENT;
        // Of each object's share: its slot in the index, its header, its key; and a little for the tables.
        let share = size as f64 * 0.97 / objects as f64;
        let value = vec![b'v'; (share - 13.0 - 8.0 - KEY as f64).max(8.0) as usize];
        let mut options = Options::new(size);
        options.item_size_hint = KEY + value.len();
        open(&mut options);
        let cache = options.open().expect("the cache opens with this size");
        Engine { cache, value, out: Vec::new(), requests: 0, held: (0, 0) }
    }

    /// Items it held on average since it was full; what it holds now if it never was.
    pub fn held(&self) -> usize {
        match self.held {
            (_, 0) => self.cache.len() as usize,
            (sum, looks) => (sum / looks) as usize,
        }
    }

    fn look(&mut self) {
        let stats = self.cache.stats();
        if stats.evictions > 0 {
            self.held.0 += stats.curr_items;
            self.held.1 += 1;
        }
    }
}

impl Policy for Engine {
    fn request(&mut self, object: u32) -> bool {
        self.requests += 1;
        if self.requests.is_multiple_of(LOOK) {
            self.look();
        }
        let key = u64::from(object).to_le_bytes();
        let hit = self.cache.get_to(&key, &mut self.out).expect("a get does not fail").is_some();
        if !hit {
            self.cache.set(&key, &self.value, 0, Expiry::Never).expect("a set does not fail");
        }
        hit
    }
}

/// quick_cache.
pub struct QuickCache(quick_cache::sync::Cache<u64, ()>);

impl QuickCache {
    /// For so many entries.
    pub fn new(capacity: usize) -> QuickCache {
        QuickCache(quick_cache::sync::Cache::new(capacity))
    }
}

impl Policy for QuickCache {
    fn request(&mut self, object: u32) -> bool {
        let hit = self.0.get(&u64::from(object)).is_some();
        if !hit {
            self.0.insert(object.into(), ());
        }
        hit
    }
}

/// moka, with its default policy, TinyLFU.
pub struct Moka(moka::sync::Cache<u64, (), foldhash::fast::RandomState>);

impl Moka {
    /// For so many entries.
    pub fn new(capacity: usize) -> Moka {
        let builder = moka::sync::Cache::builder().max_capacity(capacity as u64);
        Moka(builder.build_with_hasher(Default::default()))
    }
}

impl Policy for Moka {
    fn request(&mut self, object: u32) -> bool {
        let hit = self.0.get(&u64::from(object)).is_some();
        if !hit {
            self.0.insert(object.into(), ());
        }
        hit
    }
}

/// foyer, in one shard: one thread asks, and a cache cut up holds less of what is hot.
pub struct Foyer(foyer_memory::Cache<u64, (), foldhash::fast::RandomState>);

impl Foyer {
    fn with(capacity: usize, policy: impl Into<EvictionConfig>) -> Foyer {
        let builder = CacheBuilder::new(capacity).with_shards(1).with_eviction_config(policy);
        Foyer(builder.with_hash_builder(foldhash::fast::RandomState::default()).build())
    }

    /// For so many entries, with its S3-FIFO.
    pub fn s3_fifo(capacity: usize) -> Foyer {
        Foyer::with(capacity, S3FifoConfig::default())
    }

    /// For so many entries, with its TinyLFU.
    pub fn tiny_lfu(capacity: usize) -> Foyer {
        Foyer::with(capacity, LfuConfig::default())
    }
}

impl Policy for Foyer {
    fn request(&mut self, object: u32) -> bool {
        let hit = self.0.get(&u64::from(object)).is_some();
        if !hit {
            self.0.insert(object.into(), ());
        }
        hit
    }
}
