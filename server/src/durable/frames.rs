//! The language of our own clients: [`nearcache_store::wire`]. One request at a time, and a reply; of long work, which
//! a thread of its own does, also how far it is.

use super::queue::waiting::{Back, Client, Guest, Place};
use super::{Ground, Language, Moment, Ticket};
use crate::conversation::Step;
use crate::conversation::incoming::{Line, Value, fits_input};
use crate::counters::Count;
use crate::server::{Doing, lock};
use nearcache_store::wire::{self, Front, HEAD, HELLO, Long, Plan, Reply, Request, Work};
use nearcache_store::{Error, Progress};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// A batch may be as large as this, whatever the limit of one item.
const BATCH_MAX: usize = 16 << 20;

/// The conversation.
#[derive(Debug)]
pub struct Frames {
    ground: Arc<Ground>,
    has_greeted: bool,
    is_admitted: bool,
    /// A request that is larger than the input, on its way.
    value: Option<Value>,
    guest: Arc<Waits>,
    long: Option<Arc<Afar>>,
}

impl Frames {
    /// One that begins.
    pub fn new(ground: Arc<Ground>) -> Frames {
        Frames {
            ground,
            has_greeted: false,
            is_admitted: false,
            value: None,
            guest: Arc::default(),
            long: None,
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Language for Frames {
    fn step(&mut self, moment: &mut Moment<'_>) -> Step {
        // One at a time: so what reads sees what was written, and the replies need no numbers.
        if !moment.replies.is_empty() {
            return pause(moment);
        }
        if let Some(long) = &self.long {
            if long.goes_on(|| moment.replies.later(HEAD)) {
                return pause(moment);
            }
            self.long = None;
        }
        if !self.has_greeted {
            return self.greet(moment);
        }
        if let Some(value) = &mut self.value {
            let Some((_, frame)) = value.whole(moment.input, moment.pool) else {
                return Step::Starved;
            };
            let request = wire::decode(&frame[HEAD..]);
            self.value = None;
            return self.answer(moment, request);
        }
        let unread = moment.input.unread();
        let limit =
            self.ground.service.database().options().item_size_max.max(BATCH_MAX) + wire::ROOM;
        match wire::front(unread, limit) {
            Err(error) => {
                say(moment, &Reply::Failed(error));
                Step::Close
            }
            Ok(Front::Whole(len)) => {
                let request = wire::decode(&unread[HEAD..len]);
                moment.input.consume(len);
                self.answer(moment, request)
            }
            Ok(Front::Part(len)) if fits_input(len) => Step::Starved,
            Ok(Front::Part(len)) => {
                let value = Value::new(Line { text: b"", next: 0 }, len, unread);
                let count = unread.len();
                moment.input.consume(count);
                self.value = Some(value);
                Step::Done
            }
        }
    }

    fn room(&mut self) -> Option<&mut Vec<u8>> {
        self.value.as_mut().map(Value::make_room)
    }

    fn held(&self) -> (usize, usize) {
        (self.value.as_ref().map_or(0, Value::capacity), 0)
    }

    fn doing(&self) -> Doing {
        if self.value.is_some() { Doing::ReadValue } else { Doing::Read }
    }

    fn leave(&mut self) {
        self.guest.leave(&self.ground);
        if let Some(long) = self.long.take() {
            long.is_over.store(true, Ordering::Relaxed);
        }
    }
}

impl Frames {
    /// The first bytes: is it one of us, and of this version?
    fn greet(&mut self, moment: &mut Moment<'_>) -> Step {
        let Some(greeting) = moment.input.unread().first_chunk::<{ HELLO.len() }>() else {
            return Step::Starved;
        };
        if *greeting != HELLO {
            let why = format!(
                "this is nearcached {}, which speaks version {} of this protocol: use a client of the same release",
                env!("CARGO_PKG_VERSION"),
                HELLO[3]
            );
            say(moment, &Reply::Failed(Error::Unsupported(why)));
            return Step::Close;
        }
        moment.input.consume(HELLO.len());
        self.has_greeted = true;
        Step::Done
    }

    /// Does what is asked, or has it done.
    fn answer(&mut self, moment: &mut Moment<'_>, request: Result<Request, Error>) -> Step {
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                say(moment, &Reply::Failed(error));
                return Step::Close;
            }
        };
        if let Some(refused) = self.refuse(moment, &request) {
            say(moment, &Reply::Failed(refused));
            return Step::Done;
        }
        match self.ground.service.plan(request) {
            Err(error) => say(moment, &Reply::Failed(error)),
            Ok(Plan::Now(reply)) => say(moment, &reply),
            Ok(Plan::Write(bytes, work)) => {
                let ticket = ticket(moment, bytes);
                run(&self.ground, bytes, work, move |done| give(ticket, done));
            }
            Ok(Plan::Get(get)) => {
                let until = Instant::now().checked_add(get.wait).filter(|_| !get.wait.is_zero());
                let guest = Waiting {
                    ground: self.ground.clone(),
                    waits: self.guest.clone(),
                    queue: get.queue.name().into(),
                    get,
                    until,
                    ticket: ticket(moment, HEAD),
                };
                Box::new(guest).retry(Box::new(|left| {
                    if let Some(guest) = left {
                        guest.enter();
                    }
                }));
            }
            Ok(Plan::Long(work)) => {
                let afar = Arc::<Afar>::default();
                afar.goes_on(|| ticket(moment, HEAD));
                self.long = Some(afar.clone());
                let begun = thread::Builder::new().name("nearcached-long".into());
                let own = afar.clone();
                if let Err(e) = begun.spawn(move || own.run(work)) {
                    let why = Error::System("cannot start a thread".into(), Arc::new(e));
                    afar.finish(&Reply::Failed(why));
                }
            }
        }
        Step::Done
    }

    /// Why this client may not ask this.
    fn refuse(&mut self, moment: &mut Moment<'_>, request: &Request) -> Option<Error> {
        let server = moment.desk.server;
        if let Request::Hello { login: Some((user, password)) } = request
            && server.asks_who()
        {
            moment.desk.counters.add(Count::AuthCommands, 1);
            self.is_admitted = server.admits(user.as_bytes(), password.as_bytes());
            if !self.is_admitted {
                moment.desk.counters.add(Count::AuthErrors, 1);
                return Some(Error::Connection("the user or the password is wrong".into()));
            }
        }
        if server.asks_who() && !self.is_admitted {
            let why = "the daemon asks who you are: put USER:PASSWORD@ before the socket's path or the host";
            return Some(Error::Connection(why.into()));
        }
        if matches!(request, Request::Backup { .. }) && !moment.session.peer.is_local() {
            let why =
                "a backup writes to the daemon's disk: ask for it on the daemon's unix socket";
            return Some(Error::Unsupported(why.into()));
        }
        None
    }
}

/// An answer is to come. Meanwhile the connection is read, if there is nothing yet: so that its end is seen.
fn pause(moment: &Moment<'_>) -> Step {
    if moment.input.unread().is_empty() { Step::Starved } else { Step::Wait }
}

fn encoded(reply: &Reply) -> Vec<u8> {
    let fallback = |error| {
        let words =
            Reply::Failed(Error::Unsupported(format!("the answer cannot be sent: {error}")));
        wire::encode(&words).unwrap_or_default()
    };
    wire::encode(reply).unwrap_or_else(fallback)
}

fn say(moment: &mut Moment<'_>, reply: &Reply) {
    moment.now(&encoded(reply));
}

fn ticket(moment: &mut Moment<'_>, weight: usize) -> Ticket {
    moment.replies.later(weight).or(encoded(&Reply::Failed(Error::Closed)))
}

fn give(ticket: Ticket, done: Result<Reply, Error>) {
    ticket.answer(encoded(&done.unwrap_or_else(Reply::Failed)));
}

/// If the store is closed, `then` is dropped, and with it the ticket, which says so.
fn run(
    ground: &Ground,
    bytes: usize,
    work: Work,
    then: impl FnOnce(Result<Reply, Error>) + Send + 'static,
) {
    let _ = ground.service.database().committer().submit_with(bytes, work, then);
}

/// Where a connection's get waits.
#[derive(Debug, Default)]
struct Waits(Mutex<(Option<Place>, bool)>);

impl Waits {
    /// The client has gone: nobody is to be handed a message.
    fn leave(&self, ground: &Ground) {
        let place = {
            let mut state = lock(&self.0);
            state.1 = true;
            state.0.take()
        };
        if let Some(place) = place {
            ground.hall.waiting.cancel(&place);
        }
    }

    fn has_left(&self) -> bool {
        lock(&self.0).1
    }
}

impl Client for Waits {
    fn waits(&self, place: Option<Place>) -> bool {
        let mut state = lock(&self.0);
        state.0 = place;
        !state.1
    }
}

/// A get that waits.
struct Waiting {
    ground: Arc<Ground>,
    waits: Arc<Waits>,
    queue: Arc<[u8]>,
    get: wire::Get,
    until: Option<Instant>,
    ticket: Ticket,
}

impl Waiting {
    fn nothing() -> Result<Reply, Error> {
        Ok(Reply::Messages(Vec::new()))
    }
}

impl Guest for Waiting {
    fn queue(&self) -> &Arc<[u8]> {
        &self.queue
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }

    fn client(&self) -> Arc<dyn Client> {
        self.waits.clone()
    }

    fn enter(self: Box<Self>) {
        let ground = self.ground.clone();
        ground.hall.waiting.enter(self);
    }

    fn retry(self: Box<Self>, back: Back) {
        let (ground, waits, work) = (self.ground.clone(), self.waits.clone(), self.get.again());
        // Nothing is handed to a client that has gone.
        let work: Work =
            Box::new(move |tx| if waits.has_left() { Waiting::nothing() } else { work(tx) });
        run(&ground, 0, work, move |done| {
            let is_empty = matches!(&done, Ok(Reply::Messages(found)) if found.is_empty());
            if is_empty && self.until.is_some() && !self.waits.has_left() {
                return back(Some(self));
            }
            give(self.ticket, done);
            back(None);
        });
    }

    fn give_up(self: Box<Self>) {
        give(self.ticket, Waiting::nothing());
    }
}

/// Long work, and what it has to say.
#[derive(Debug, Default)]
struct Afar {
    state: Mutex<Telling>,
    /// The client has gone: the work is to end.
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Telling {
    /// By which the next thing is said.
    ticket: Option<Ticket>,
    last: Option<Vec<u8>>,
    is_done: bool,
}

impl Afar {
    /// The last thing was sent: may there be another? `false`: it was the last.
    fn goes_on(&self, ticket: impl FnOnce() -> Ticket) -> bool {
        let mut state = lock(&self.state);
        if state.is_done {
            return false;
        }
        let ticket = ticket();
        match state.last.take() {
            Some(last) => {
                state.is_done = true;
                drop(state);
                ticket.answer(last);
            }
            None => state.ticket = Some(ticket),
        }
        true
    }

    fn run(&self, work: Long) {
        let done = work(&mut |progress| self.tell(progress));
        self.finish(&done.unwrap_or_else(Reply::Failed));
    }

    /// Says how far it is, if the client has heard the last thing; whether to go on.
    fn tell(&self, progress: Progress) -> bool {
        let ticket = lock(&self.state).ticket.take();
        if let Some(ticket) = ticket {
            ticket.answer(encoded(&Reply::Progress(progress)));
        }
        // Relaxed: it is soon enough.
        !self.is_over.load(Ordering::Relaxed)
    }

    fn finish(&self, reply: &Reply) {
        let last = encoded(reply);
        let mut state = lock(&self.state);
        match state.ticket.take() {
            Some(ticket) => {
                state.is_done = true;
                drop(state);
                ticket.answer(last);
            }
            None => state.last = Some(last),
        }
    }
}
