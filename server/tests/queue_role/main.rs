//! The daemon's queue role, over real sockets: conversations as tables of bytes, gets that wait, consumers that die, and
//! the daemon killed under load.

#[path = "../common/mod.rs"]
mod common;

mod disasters;
mod limits;
mod pieces;
mod table;
mod waiting;

use common::{Client, Daemon, Place};
use std::net::TcpStream;

/// A daemon that serves queues, and nothing else.
pub struct Queues {
    /// The daemon.
    pub daemon: Daemon,
    port: u16,
}

impl Queues {
    /// With its clock moved by hand.
    pub fn start() -> Queues {
        Queues::on(Place::new(), &["--debug-clock"])
    }

    /// On the directory `queues` of a place.
    pub fn on(place: Place, arguments: &[&str]) -> Queues {
        let directory = place.0.join("queues");
        let directory = directory.to_str().expect("a plain path");
        let always = ["-p", "0", "-t", "2", "-l", "127.0.0.1", "--queue-port", "-1", "--queue"];
        let all: Vec<&str> = always.iter().chain(&[directory]).chain(arguments).copied().collect();
        let daemon = Daemon::launch(place, &all);
        let ports = std::fs::read_to_string(daemon.place.0.join("ports")).expect("a port file");
        let port = ports.lines().find_map(|line| line.strip_prefix("QUEUE INET: "));
        let port = port.and_then(|port| port.trim().parse().ok());
        Queues { port: port.unwrap_or_else(|| panic!("no port in {ports}")), daemon }
    }

    /// Kills it, and starts it again on the same directory.
    pub fn crash(self, arguments: &[&str]) -> Queues {
        let Queues { mut daemon, .. } = self;
        daemon.child.kill().expect("it is killed");
        daemon.child.wait().expect("its end");
        let place = std::mem::replace(&mut daemon.place, Place(std::path::PathBuf::new()));
        drop(daemon);
        Queues::on(place, arguments)
    }

    /// Where it listens.
    pub fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }

    /// A client.
    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address()).expect("connects");
        stream.set_nodelay(true).expect("no delay");
        Client::new(Box::new(stream))
    }
}
