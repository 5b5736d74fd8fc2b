//! `nearcached`: memcached's text and binary protocols over the nearcache core, on TCP, UDP, unix sockets and TLS.
//!
//! The rooms, from the socket inwards: [`serve`] (start, accept, end), [`server`] (what all threads share), [`listener`]
//! (bound sockets, and who is let in), [`worker`] (one event loop a thread), [`connection`], [`transport`], [`tls`] and
//! [`buffer`] (one client), [`udp`] (clients without a connection), [`conversation`] (what is said, no I/O), [`auth`] (who
//! says it), [`protocol`] (grammar and wording), [`dispatch`] (one request, one call of the core), [`report`] (replies in
//! pieces), [`dump`] (all keys), [`stats`] (every number, by worker, by class, by prefix), [`counters`] (what workers
//! count), [`classes`] (memcached's slab classes). [`durable`] are the roles of a store and of queues, [`inbox`] is how
//! other threads reach a worker. [`log`] is what `watch` shows, [`http`] the metrics and the live page, [`bell`] what
//! wakes their threads. [`options`], [`process`], [`signals`] and `say` are about the program as such.
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
pub mod bell;
pub mod buffer;
pub mod classes;
pub mod connection;
pub mod conversation;
pub mod counters;
pub mod dispatch;
pub mod dump;
pub mod durable;
pub mod http;
pub mod inbox;
pub mod listener;
pub mod log;
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
