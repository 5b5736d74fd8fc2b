//! The store's role: MemcacheDB's job with memcached's verbs, in text (classic, meta, and MemcacheDB's own commands) and
//! in the binary protocol. What changes something is handed to the committer and answered with a ticket; what reads, or
//! is of the server, waits until everything before it on its connection is answered, and is answered at once.

mod binary;
mod chores;
mod meta;
mod own;
mod range;
mod stats;
mod text;
mod verbs;

pub use binary::Binary;
pub use chores::Chores;
pub use own::Replication;
pub use text::Text;
