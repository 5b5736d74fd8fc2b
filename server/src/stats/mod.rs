//! `stats`, under memcached's names and in its order, so that what reads memcached's reads this. A name that stands
//! for something this server does not have (slab pages, LRU queues, a hash table that grows) is there with the
//! honest number, 0.

mod by_class;
mod conns;
mod departures;
mod general;
mod prefixes;
mod settings;
mod survey;

use crate::buffer::Output;
use crate::dispatch::{After, Desk};
use crate::dump;
use crate::protocol::{reply, token::Tokens};
use std::fmt::Display;
use survey::{Survey, Tells};

pub use by_class::{ByClass, Event, Table};
pub use departures::Departures;
pub use prefixes::Prefixes;

pub(crate) use conns::write as connections;
pub(crate) use general::process_lines;
pub use general::write as general;

/// Answers `stats`; `words` is what stands behind it.
pub fn answer(desk: Desk<'_>, words: &[u8], out: &mut Output) -> After {
    let server = desk.server;
    let mut words = Tokens::new(words, 0);
    let Some(name) = words.next() else {
        general(server, out);
        return After::Nothing;
    };
    // memcached takes the beginning of these names for the whole.
    let is = |whole: &str| whole.as_bytes().starts_with(name);
    if is("reset") {
        match server.reset_counts() {
            Ok(()) => out.text(reply::RESET),
            Err(error) => out.text(format!("SERVER_ERROR {error}\r\n").as_bytes()),
        }
    } else if is("detail") {
        return prefixes::detail(server, words.next(), out);
    } else if is("settings") {
        settings::write(server, out);
    } else if is("cachedump") {
        return dump::cachedump(desk, words, out);
    } else if is("conns") {
        return conns::write(server);
    } else {
        return rest(desk, name, out);
    }
    After::Nothing
}

/// What must be named in full.
fn rest(desk: Desk<'_>, name: &[u8], out: &mut Output) -> After {
    match name {
        b"items" => return Survey::begin(Tells::Items),
        b"slabs" => return Survey::begin(Tells::Slabs),
        b"sizes" if desk.server.options.knobs.track_sizes => return Survey::begin(Tells::Sizes),
        b"sizes" => line(out, "sizes_status", "disabled"),
        // What memcached answers when there is nothing of the kind.
        b"extstore" | b"proxy" | b"proxyfuncs" | b"proxybe" => {}
        _ => {
            out.text(reply::ERROR);
            return After::Nothing;
        }
    }
    out.text(reply::END);
    After::Nothing
}

pub(crate) fn line(out: &mut Output, name: impl Display, value: impl Display) {
    out.text(format!("STAT {name} {value}\r\n").as_bytes());
}

fn zeroes(out: &mut Output, names: &[&str]) {
    for name in names {
        line(out, name, 0);
    }
}

pub(crate) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
