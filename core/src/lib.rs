//! memcached as near as a function call: a cache that lives inside the program that uses it.
//!
//! [`Cache`] has memcached's verbs and semantics; reads are lock-free and store nothing in the common case;
//! the memory limit is exact over everything.
//!
//! ```
//! use nearcache::{Expiry, Options};
//!
//! let cache = Options::new(64 << 20).open()?;
//! cache.set(b"user:1", b"Ada", 0, Expiry::After(60))?;
//! assert_eq!(cache.get(b"user:1")?.unwrap().data, b"Ada");
//! # Ok::<(), nearcache::Error>(())
//! ```
//!
//! The rooms of the crate and what may import what: `ARCHITECTURE.md`.
#![cfg_attr(loom, allow(dead_code))]

mod bucket;
#[cfg(not(loom))]
mod cache;
#[cfg(not(loom))]
mod check;
#[cfg(not(loom))]
mod clock;
mod error;
#[cfg(not(loom))]
mod evict;
#[cfg(not(loom))]
mod expiry;
mod flush;
#[cfg(not(loom))]
mod hash;
mod hazard;
mod header;
#[cfg(not(loom))]
mod index;
#[cfg(not(loom))]
mod item;
mod memory;
#[cfg(not(loom))]
mod ops;
#[cfg(not(loom))]
mod reap;
#[cfg(not(loom))]
mod seat;
#[cfg(not(loom))]
mod stats;
mod sync;
#[cfg(not(loom))]
mod types;

#[cfg(not(loom))]
pub use cache::{Cache, Entries, Keys, Pin, regions, unlink};
pub use error::{Deletion, Error, KEY_MAX, Outcome, Touch};
#[cfg(not(loom))]
pub use item::size_of_item;
#[cfg(not(loom))]
pub use stats::Stats;
#[cfg(nearcache_failpoints)]
pub use sync::failpoint;
#[cfg(not(loom))]
pub use types::{Access, Home, Info, Life, Process, Region};
#[cfg(not(loom))]
pub use types::{Cursor, Gone, Observer, Reason, Seen};
#[cfg(not(loom))]
pub use types::{Entry, Expiry, Meta, Options, Policy, Sink, Value, Verb};
#[cfg(not(loom))]
pub use types::{MetaArith, MetaDelete, MetaGet, MetaHit, MetaMode, MetaSet, MetaStored, MetaSum};

/// The protocols, for their models in `tests/loom.rs`, `tests/loom_items.rs` and `tests/loom_owners.rs`.
#[cfg(loom)]
pub mod model {
    pub use crate::bucket::{Bucket, Ctrl, Slot, mark};
    pub use crate::flush::{Births, Flush, Look};
    pub use crate::hazard::{Hazard, Seat, announce_drain, clear, owner_id, protect};
    pub use crate::header::{Delta, Header, Number, Retimed, Words};
    pub use crate::memory::segment::{
        Kind, Lane, Locked, Pool, State, optimistic, recycle, unchanged,
    };
    pub use crate::sync::{Mutant, mutant, set_mutant};
}

/// The version of the layout of shared caches: builds of the same one share them.
#[cfg(not(loom))]
pub const LAYOUT: u64 = memory::VERSION;

/// The documents of the engine.
#[cfg(not(loom))]
pub mod docs {
    #[doc = include_str!("docs/layout.md")]
    pub mod layout {}
    #[doc = include_str!("docs/limits.md")]
    pub mod limits {}
    #[doc = include_str!("docs/memory_model.md")]
    pub mod memory_model {}
    #[doc = include_str!("docs/semantics.md")]
    pub mod semantics {}
    #[doc = include_str!("docs/sharing.md")]
    pub mod sharing {}
    #[doc = include_str!("docs/values.md")]
    pub mod values {}
}
