//! The daemon's store role, over real sockets.

#[path = "../common/mod.rs"]
mod common;

mod binary;
mod limits;
mod load;
mod verbs;

use common::{Client, Daemon, Place};

/// A daemon with a store in its place, and without a cache's port.
fn start(arguments: &[&str]) -> Daemon {
    start_in(Place::new(), arguments)
}

/// On the directory `db` of this place.
fn start_in(place: Place, arguments: &[&str]) -> Daemon {
    let dir = place.0.join("db");
    let dir = dir.to_str().expect("a plain path").to_string();
    let all = ["-p", "0", "-l", "127.0.0.1", "--store", &dir, "--store-port", "-1"];
    let all: Vec<&str> = all.iter().chain(arguments).copied().collect();
    Daemon::launch(place, &all)
}

/// A connection to the store.
fn connect(daemon: &Daemon) -> Client {
    daemon.connect_to("STORE")
}

/// Ends the daemon as an operator does, and gives its place back.
fn end(mut daemon: Daemon) -> Place {
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    place_of(daemon)
}

/// Kills it, and gives its place back.
fn kill(mut daemon: Daemon) -> Place {
    daemon.child.kill().expect("it is killed");
    daemon.child.wait().expect("its end");
    place_of(daemon)
}

fn place_of(mut daemon: Daemon) -> Place {
    std::mem::replace(&mut daemon.place, Place::new())
}
