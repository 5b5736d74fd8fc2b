//! The durable store and its queues as Python classes. Only translation lives here; what a verb means is the business of
//! `nearcache_store`. Whatever may wait (for the disk, a daemon, a message) runs detached from the interpreter, and what
//! waits for long looks for signals now and then.

mod batch;
mod consumer;
mod errors;
mod handle;
mod long;
mod manage;
mod message;
mod open;
mod queue;
mod read;
mod scan;
mod seconds;
mod snapshot;
mod store;
mod write;

use pyo3::prelude::*;

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(m)?;
    m.add_class::<batch::Batch>()?;
    m.add_class::<consumer::Consumer>()?;
    m.add_class::<message::Message>()?;
    m.add_class::<queue::Queue>()?;
    m.add_class::<scan::StoreIterator>()?;
    m.add_class::<snapshot::Snapshot>()?;
    m.add_class::<store::Store>()
}
