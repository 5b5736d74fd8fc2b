//! The queue role: MemcacheQ's and Kestrel's commands over the durable queues. `server/QUEUE.md` says what is spoken.
//!
//! | file | job |
//! |---|---|
//! | `ask`, `settings` | the grammar: from a line to what it asks for, or to the sentence that refuses it |
//! | `talk`, `commands` | a conversation: what becomes of a request |
//! | `asked`, `session`, `waiting` | gets with options: what a connection has open, and the room where gets wait |
//! | `words`, `report` | what is answered |
//! | `binary` | a refusal for who speaks the other language |
//! | `hall` | what all connections share |

mod ask;
mod asked;
mod binary;
mod commands;
mod hall;
mod report;
mod session;
mod settings;
mod talk;
pub mod waiting;
mod words;

pub use ask::{Command, Get, Report, Request, Set, Take, parse};
pub use binary::Binary;
pub use hall::Hall;
pub use talk::Text;
