//! The shared judge of every face: one table of memcached's semantics, written as text conversations, the
//! runner that holds each face to it, and the rules the repository keeps about itself.
//!
//! The table is `tests/table/*.txt`; its format is described in [`table`]. A *face* is a way to reach the
//! core: the core itself, the store, the C library, the Python module, the PHP extension, and the daemon's socket. Each
//! but the socket has a *driver*, a small program that reads classic text commands on its standard input and
//! answers in memcached's words through that face's interface.

pub mod driver;
pub mod faces;
pub mod peer;
pub mod report;
pub mod rules;
pub mod run;
pub mod server;
pub mod table;
pub mod text;
