//! `stats conns`: who is connected, and what each is doing.

use super::line;
use crate::buffer::Output;
use crate::dispatch::After;
use crate::protocol::reply;
use crate::report::Long;
use crate::server::Server;
use std::sync::atomic::Ordering;

/// Writes it; there may be many.
pub fn write(server: &Server) -> After {
    let (now, mut text) = (server.cache.unix_time(), Output::default());
    let out = &mut text;
    for (fd, address) in &server.listeners {
        line(out, format_args!("{fd}:addr"), address);
        line(out, format_args!("{fd}:state"), "conn_listening");
        line(out, format_args!("{fd}:secs_since_last_cmd"), now - server.started);
    }
    for peer in server.connections.list() {
        let fd = peer.fd;
        // Relaxed: a statistic. Its second may have begun after ours was read.
        let last = peer.last_command.load(Ordering::Relaxed);
        if peer.is_udp() {
            line(out, format_args!("{fd}:UDP"), "UDP");
        }
        line(out, format_args!("{fd}:addr"), &peer.address);
        if !peer.is_udp() {
            line(out, format_args!("{fd}:listen_addr"), &peer.listener);
        }
        line(out, format_args!("{fd}:state"), peer.doing());
        line(out, format_args!("{fd}:secs_since_last_cmd"), (now - last).max(0));
    }
    out.text(reply::END);
    Long::reply(text)
}
