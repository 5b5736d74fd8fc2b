//! `--http`: Prometheus metrics and the live page, for operators. A thread of its own serves a few visitors without
//! waiting for any of them, and between them goes through the cache, slowly; no worker ever waits for it.
//!
//! The page shows keys, but under `-X`. Whoever may connect may see them: by default that is this machine, and any other
//! place must be named, which is said on standard error.

mod answer;
mod json;
mod live;
mod metrics;
mod place;
mod readings;
mod survey;
mod visitor;

use crate::bell::Bell;
use crate::server::Server;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use survey::Survey;
use visitor::Visitor;

pub use place::check;

/// How many visitors there may be at a time; one more takes the place of the one that has been silent longest.
const VISITORS_MAX: usize = 32;

/// How long nobody is let in when no descriptor is left: the clients of the cache come first.
const DEAF: Duration = Duration::from_millis(100);

/// So long after the page asked last, nobody is looking at it any more.
const LOOKING: Duration = Duration::from_secs(10);

/// The bound socket.
#[derive(Debug)]
pub struct Site {
    listener: TcpListener,
    /// Where it is bound.
    pub address: SocketAddr,
    bell: Bell,
}

/// What the thread works with.
struct Desk<'a> {
    server: &'a Server,
    address: SocketAddr,
    survey: Survey,
    /// When the page asked last.
    asked: Option<Instant>,
    /// Until then nobody is let in: no descriptor is left.
    deaf: Option<Instant>,
}

impl Site {
    /// Binds what `--http` names.
    pub fn open(place: &str) -> Result<Site, String> {
        let mut trouble = format!("--http {place}: no such address");
        for address in place::addresses(place)? {
            let open = || -> io::Result<Site> {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                let address = listener.local_addr()?;
                Ok(Site { listener, address, bell: Bell::new()? })
            };
            match open() {
                Ok(site) => return Ok(site),
                Err(error) => trouble = format!("--http {place}: cannot listen: {error}"),
            }
        }
        Err(trouble)
    }

    /// Makes the thread look around.
    pub fn wake(&self) {
        self.bell.ring();
    }

    /// Serves until the server stops.
    pub fn run(&self, server: &Server) {
        let survey = Survey::default();
        let mut desk = Desk { server, address: self.address, survey, asked: None, deaf: None };
        let mut visitors: Vec<Visitor> = Vec::new();
        while !server.stopping() {
            self.wait(&mut desk, &mut visitors);
            let now = Instant::now();
            visitors.retain(|visitor| !visitor.is_over(now));
            desk.deaf = desk.deaf.filter(|until| *until > now);
            if desk.deaf.is_none() && !self.welcome(&mut visitors, now) {
                desk.deaf = Some(now + DEAF);
            }
            let looking = desk.asked.is_some_and(|asked| now.duration_since(asked) < LOOKING);
            server.log.sample(looking);
            match looking {
                true => desk.survey.go_on(&server.cache, now),
                false => desk.survey.pause(),
            }
        }
    }

    /// Until somebody wants something or it is time for a piece of the survey; then has the visitors served.
    fn wait(&self, desk: &mut Desk<'_>, visitors: &mut [Visitor]) {
        let now = Instant::now();
        let over = visitors.iter().map(|visitor| visitor.deadline);
        let looked = desk.asked.map(|asked| asked + LOOKING).filter(|time| *time > now);
        let next = over.chain(looked).chain(desk.survey.due()).chain(desk.deaf).min();
        let wait = next.map(|next| {
            let left = next.saturating_duration_since(now);
            // A nanosecond more: after it, the time has come.
            Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: i64::from(left.subsec_nanos().min(999_999_998)) + 1,
            }
        });
        let heard = if desk.deaf.is_none() { PollFlags::IN } else { PollFlags::empty() };
        let mut ready =
            vec![PollFd::new(&self.bell, PollFlags::IN), PollFd::new(&self.listener, heard)];
        ready.extend(visitors.iter().map(|visitor| {
            let wanted = if visitor.is_writing() { PollFlags::OUT } else { PollFlags::IN };
            PollFd::new(&visitor.socket, wanted)
        }));
        // An error is an interruption, or as good as one.
        let _ = poll(&mut ready, wait.as_ref());
        let events: Vec<bool> = ready[2..].iter().map(|fd| !fd.revents().is_empty()).collect();
        self.bell.heard();
        for (visitor, ready) in visitors.iter_mut().zip(events) {
            if ready {
                visitor.go_on(desk);
            }
        }
    }

    /// Lets in who waits; false if the system does not let it.
    fn welcome(&self, visitors: &mut Vec<Visitor>, now: Instant) -> bool {
        for _ in 0..VISITORS_MAX {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    if visitors.len() >= VISITORS_MAX
                        && let Some(longest) =
                            (0..visitors.len()).min_by_key(|&number| visitors[number].deadline)
                    {
                        visitors.swap_remove(longest);
                    }
                    visitors.extend(Visitor::new(socket, now));
                }
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
