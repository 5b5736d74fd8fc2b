//! The durable store and its queues as classes of PHP: `NearCache\Store`, `Queue`, `Batch`, `Message`, `Snapshot`, `Scan`.
//!
//! They translate, and no more: what a verb means is `nearcache_store`'s. Nothing of the store is held while PHP code or the
//! Zend allocator runs, but by a `BailoutGuard` (see `zend`); so a script that is killed by its memory limit in the midst of
//! a call leaves the store as any other call does.

mod batch;
mod change;
mod define;
mod deliver;
mod error;
mod interrupt;
mod message;
mod open;
mod queue;
mod scan;
mod settings;
mod store;
mod upkeep;
mod value;

use ext_php_rs::error::Result;
use ext_php_rs::zend::ce;

pub use open::clear;

/// MINIT: makes the classes known.
pub fn register() -> Result<()> {
    error::register()?;
    define::register::<store::Store>(|class| class)?;
    define::register::<queue::Queue>(|class| class.implements((ce::countable, "\\Countable")))?;
    define::register::<batch::Batch>(|class| class.implements((ce::countable, "\\Countable")))?;
    define::register::<message::Message>(|class| class)?;
    define::register::<scan::Snapshot>(|class| class)?;
    define::register::<scan::Scan>(|class| class.implements((ce::iterator, "\\Iterator")))
}
