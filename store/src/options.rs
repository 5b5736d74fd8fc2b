//! How a store is opened.

use crate::Error;
use crate::committer::Policy;
use nearcache::Home;

/// How a directory is opened. `Options::default()` is durable: every write is synced before it is answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// When a write is safe enough to be answered. Default [`Policy::Always`].
    pub policy: Policy,
    /// Make the store if there is none. Default true.
    pub create: bool,
    /// Bytes of the near tier, the cache in front: 0 (none), or 1 MiB and more. Default 64 MiB.
    pub near: u64,
    /// Where the near tier lives. With a [`Home::Named`] one other processes read hot keys from it, without a socket, by
    /// attaching the cache of that name for reading alone; it shows what is committed, and nothing else. It is emptied
    /// when the store is opened. Default [`Home::Private`].
    pub near_home: Home,
    /// The largest item as memcached counts it (key + value + about 60 bytes). 1 KiB to 1 GiB. Default 1 MiB.
    pub item_size_max: usize,
    /// Most bytes of keys, heads, values and messages. What the disk takes is more: up to 128 MiB of journals, and
    /// what waits for compaction. Default: no limit.
    pub quota: Option<u64>,
    /// Bytes of the engine's block cache, 1 MiB and more. Default 64 MiB.
    pub block_cache: u64,
    /// Threads of the engine that flush and compact, 1 to 64. Default 2.
    pub workers: usize,
    /// Most bytes of writes that wait for the committer; who comes then waits. Default 64 MiB.
    pub queue_bytes: usize,
    /// Open the directory although it has lost writes that were synced once. Default false.
    pub accept_loss: bool,
    /// A clock that stands at this Unix time and moves by hand, for tests. Default: the system's.
    pub manual_clock: Option<i64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            policy: Policy::Always,
            create: true,
            near: 64 << 20,
            near_home: Home::Private,
            item_size_max: 1 << 20,
            quota: None,
            block_cache: 64 << 20,
            workers: 2,
            queue_bytes: 64 << 20,
            accept_loss: false,
            manual_clock: None,
        }
    }
}

impl Options {
    /// Are they such as can be met?
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::InvalidOptions(why));
        if self.near != 0 && self.near < nearcache::Options::SIZE_MIN {
            return refuse(format!(
                "near is {} bytes: it is 0 for no near tier, or {} and more",
                self.near,
                nearcache::Options::SIZE_MIN
            ));
        }
        if !(1 << 10..=1 << 30).contains(&self.item_size_max) {
            return refuse(format!(
                "item_size_max is {} bytes: it is 1 KiB to 1 GiB",
                self.item_size_max
            ));
        }
        if self.block_cache < 1 << 20 {
            return refuse(format!(
                "block_cache is {} bytes: it is 1 MiB at least",
                self.block_cache
            ));
        }
        if !(1..=64).contains(&self.workers) {
            return refuse(format!("workers is {}: it is 1 to 64", self.workers));
        }
        if self.policy == Policy::EveryMillis(0) {
            return refuse("a sync every 0 milliseconds is Policy::Always: use that".into());
        }
        Ok(())
    }
}
