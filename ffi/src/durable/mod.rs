//! The durable store and its queues (`nearcache_store`), which are left out of the library without the feature `store`.
//! One file for each family of verbs, as for the cache; each only calls `nearcache_store::Durable`.

mod batch;
mod care;
mod error;
mod handle;
mod lines;
mod message;
mod options;
mod queue;
mod read;
mod scan;
mod write;
