//! The other caches behind the trait that the engine and the ideal loop have: keys of 16 bytes inline, values on the
//! heap, room by weight. An item weighs its key and its value: what a cache takes besides comes on top, so that each
//! holds as many items as the engine's memory has bytes for, or more than it would in the same memory.

use crate::load::Key;
use crate::peers::Store;
use foyer_memory::{CacheBuilder, EvictionConfig, S3FifoConfig};
use std::sync::Arc;

/// The hash that a peer is given where it lets one choose.
type Hasher = foldhash::fast::RandomState;

/// The memory that an item's key and value take.
fn weight(key: &Key, value: &[u8]) -> usize {
    key.len() + value.len()
}

fn copy(value: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.extend_from_slice(value);
    true
}

/// Weighs for quick_cache.
#[derive(Clone)]
pub struct Weighter;

impl quick_cache::Weighter<Key, Arc<[u8]>> for Weighter {
    fn weight(&self, key: &Key, value: &Arc<[u8]>) -> u64 {
        weight(key, value) as u64
    }
}

/// quick_cache, with its own hash and shards. A hit is handed out as a clone, so values are counted references.
pub struct QuickCache(pub quick_cache::sync::Cache<Key, Arc<[u8]>, Weighter>);

impl QuickCache {
    /// For so many bytes, items having about `item` each.
    pub fn new(bytes: u64, item: u64) -> QuickCache {
        let items = (bytes / item) as usize;
        QuickCache(quick_cache::sync::Cache::with_weighter(items, bytes, Weighter))
    }
}

impl Store for QuickCache {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        self.0.get(key).is_some_and(|value| copy(&value, out))
    }
    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(*key, value.into());
    }
}

/// moka, with its default policy (TinyLFU). A hit is handed out as a clone, so values are counted references.
pub struct Moka(pub moka::sync::Cache<Key, Arc<[u8]>, Hasher>);

impl Moka {
    /// For so many bytes.
    pub fn new(bytes: u64) -> Moka {
        let builder = moka::sync::Cache::builder()
            .max_capacity(bytes)
            .weigher(|key: &Key, value: &Arc<[u8]>| weight(key, value) as u32);
        Moka(builder.build_with_hasher(Hasher::default()))
    }
}

impl Store for Moka {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        self.0.get(key).is_some_and(|value| copy(&value, out))
    }
    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(*key, value.into());
    }
}

/// foyer hands out a hit by reference, so a value has one owner.
type Value = Box<[u8]>;

/// foyer's memory cache with its S3-FIFO, whose hits need no exclusive lock, and its default of 8 shards.
pub struct Foyer(pub foyer_memory::Cache<Key, Value, Hasher>);

impl Foyer {
    /// For so many bytes.
    pub fn new(bytes: u64) -> Foyer {
        let builder = CacheBuilder::new(bytes as usize)
            .with_eviction_config(EvictionConfig::from(S3FifoConfig::default()))
            .with_hash_builder(Hasher::default())
            .with_weighter(|key: &Key, value: &Value| weight(key, value));
        Foyer(builder.build())
    }
}

impl Store for Foyer {
    #[inline]
    fn get(&self, key: &Key, out: &mut Vec<u8>) -> bool {
        self.0.get(key).is_some_and(|entry| copy(entry.value(), out))
    }
    #[inline]
    fn set(&self, key: &Key, value: &[u8]) {
        self.0.insert(*key, value.into());
    }
}
