//! `nearcached`: memcached's text protocol, classic and meta commands, over the nearcache core.
//!
//! The rooms, from the socket inwards: [`serve`] (start, accept, end), [`listener`], [`worker`] (one event loop a
//! thread), [`connection`], [`transport`], [`tls`] and [`buffer`] (one client), [`udp`] (clients without a connection),
//! [`conversation`] (what is said, no I/O), [`protocol`] (grammar and wording), [`dispatch`] (one request, one call of the
//! core), [`report`] (replies in pieces), [`dump`] (all keys), [`stats`] (every number, by worker, by class, by prefix),
//! [`classes`] (memcached's slab classes). [`options`], [`process`], [`signals`] and `say` are about the program as such.
//!
//! The library exists for the program `nearcached` and its tests; it promises no stable interface.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "nearcached runs on Linux: its event loops are built on epoll, eventfd and signalfd"
);

// First, for its macro is for all that follow.
#[macro_use]
mod say;

pub mod auth;
pub mod buffer;
pub mod classes;
pub mod connection;
pub mod conversation;
pub mod counters;
pub mod dispatch;
pub mod dump;
pub mod listener;
pub mod options;
pub mod process;
pub mod protocol;
pub mod report;
pub mod serve;
pub mod server;
pub mod signals;
pub mod stats;
pub mod tls;
pub mod transport;
pub mod udp;
pub mod worker;
