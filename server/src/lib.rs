//! `nearcached`: memcached's text protocol, classic and meta commands, over the nearcache core.
//!
//! The rooms, from the socket inwards: [`serve`] (start, accept, end), [`listener`], [`worker`] (one event loop a
//! thread), [`connection`], [`buffer`] and [`incoming`] (one client), [`protocol`] (grammar and wording, no I/O),
//! [`dispatch`] (one request, one call of the core), [`stats`], [`classes`]. [`options`], [`process`] and [`signals`] are
//! about the program as such.
//!
//! The library exists for the program `nearcached` and its tests; it promises no stable interface.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "nearcached runs on Linux: its event loops are built on epoll, eventfd and signalfd"
);

pub mod buffer;
pub mod classes;
pub mod connection;
pub mod counters;
pub mod dispatch;
pub mod incoming;
pub mod listener;
pub mod options;
pub mod process;
pub mod protocol;
pub mod serve;
pub mod server;
pub mod signals;
pub mod stats;
pub mod worker;
