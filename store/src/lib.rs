//! A durable store with memcached's verbs, and durable queues, in one directory.
//!
//! The floors, from the bottom; imports only go down:
//!
//! | floor | files | job |
//! |---|---|---|
//! | 6 | `anywhere`, `wire` | all of it in this process or behind a daemon's socket; what goes over that socket |
//! | 5 | `store`, `later`, `near`, `scan`, `batch`, `copy`, `check`, `stats` | the public faces: verbs, the same for servers that must not wait, reads through the near tier, scans and snapshots, atomic batches, backups, verification and compaction, statistics |
//! | 5 | `queue/` | durable queues on the same database; `queue/steps` may be joined with the store's verbs in one batch |
//! | 4 | `verbs`, `value`, `item`, `sweep` | what a verb does to an item, run by the committer; the bytes of an item; ending lifetimes |
//! | 3 | `database` | an open directory: guard, engine and committer, shared by the store and the queues |
//! | 2 | `committer/` | one thread that runs everybody's writes in order and commits those of a moment as one synced batch |
//! | 1 | `engine/`, `guard` | ordered keyspaces on disk, behind a trait; whose directory it is, and whether anything was lost |
//! | 0 | `ledger`, `options`, `clock`, `page`, `fork`, `error` | the books, how to open, the time, long work, which process this is, failures |
//!
//! Whoever builds on the lower floors writes through [`Committer::run`] with a function of [`Tx`]: it reads the newest
//! state (the batch under way included), changes any keyspace, and takes sequence numbers; it is one atomic step, and
//! answered when it is as durable as the [`Policy`] asks. An [`Observer`] is told of each batch, a [`Chore`] joins it.
//! Reads go to the engine ([`Database::engine`]) or to a [`Database::snapshot`].
//!
//! What holds:
//!
//! * A write that was answered outlives the process under every [`Policy`], and a loss of power under `Always`. One that
//!   failed has changed nothing, but if the disk itself lost it (an input or output error of a sync): then nothing more
//!   is written until the store is opened again, which finds out what is there.
//! * Writes are one after another for everybody, in the order of their sequence numbers; what they read they read then.
//!   A read that begins after a write was answered sees it. While a write is under way one reader may see it and a
//!   later one for some microseconds not yet: the engine shows it just before the near tier does.
//! * On a full disk a write fails, reads go on (but for the moment in which the engine is opened anew), and writes work
//!   again when there is room.
//! * A directory is opened with everything that was synced, or not at all (`accept_loss` aside). The engine itself cuts a
//!   damaged journal where the damage begins when it looks at it: who wants to try to save what is behind copies the
//!   directory before he opens it.
//! * Lifetimes end by the system's clock, whatever time has passed since, down time included. The near tier counts its
//!   own seconds, so an item may be shown for less than a second more or less than its time.
//! * A store belongs to the process that opened it: the child of a fork is told so, and harms nothing. Such a child keeps
//!   the directory locked, though, if its parent is killed.
//! * One read at most of a value is made for a write that replaces it: the books are exact (`curr_items`, `bytes`,
//!   the quota), and verification counts them again.
//!
//! ```
//! # fn main() -> Result<(), nearcache_store::Error> {
//! # let dir = std::env::temp_dir().join(format!("nearcache-store-doc-{}", std::process::id()));
//! use nearcache_store::{Database, Options, Space, View};
//!
//! let db = Database::open(&dir, Options::default())?;
//! let seq = db.committer().run(16, |tx| {
//!     let seq = tx.next_seq();
//!     tx.put(Space::Queues, b"orders", seq.to_be_bytes().to_vec());
//!     tx.put(Space::Messages, &seq.to_be_bytes(), b"a message".to_vec());
//!     Ok(seq)
//! })?;
//! assert_eq!(db.engine().get(Space::Queues, b"orders")?.unwrap(), seq.to_be_bytes());
//! # drop(db);
//! # let _ = std::fs::remove_dir_all(&dir);
//! # Ok(())
//! # }
//! ```

mod anywhere;
mod batch;
mod check;
mod clock;
mod committer;
mod copy;
mod database;
mod engine;
mod error;
mod fork;
mod guard;
mod item;
mod later;
mod ledger;
mod near;
mod options;
mod page;
pub mod queue;
mod scan;
mod stats;
mod store;
mod sweep;
mod value;
mod verbs;
pub mod wire;

pub use anywhere::{Durable, Login, Place, storing};
pub use batch::{Batch, Step};
pub use clock::{Clock, Deadline};
pub use committer::{Changes, Chore, Committer, Observer, Pending, Policy, Readings, Tx};
pub use copy::restore;
pub use database::Database;
pub use engine::{Change, Durability, Engine, Range, Space, View};
pub use error::Error;
pub use guard::FORMAT;
pub use ledger::Ledger;
pub use options::Options;
pub use page::{GoOn, Progress, Visit, each};
pub use scan::Snapshot;
pub use store::Store;
pub use value::{Entry, Hit, Look, Stored, Value};
