//! The room where gets wait for a message. One thread looks after it: rung by the queues' bells it lets as many try as
//! there are messages, in the order in which they came, and answers those whose time is over. So no worker waits, and a
//! message wakes one of a thousand, not all.

use super::session::Open;
use crate::server::lock;
use nearcache_store::queue::{Queue, Queues, Watch, steps};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long until what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The room, and its thread.
pub struct Waiting {
    room: Arc<Room>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Where one waits.
#[derive(Clone, Debug)]
pub struct Place {
    queue: Arc<[u8]>,
    number: u64,
}

/// Gets one that has tried and still waits; `None`: it is answered.
pub type Back = Box<dyn FnOnce(Option<Box<dyn Guest>>) + Send>;

/// A connection one of whose gets may wait.
pub trait Client: Send + Sync {
    /// It waits there from now on (or nowhere any more); `false`: nobody would read its answer.
    fn waits(&self, place: Option<Place>) -> bool;
}

/// A get that waits here.
pub trait Guest: Send {
    /// Of which queue.
    fn queue(&self) -> &Arc<[u8]>;

    /// When its time is over; `None`: never.
    fn until(&self) -> Option<Instant>;

    /// Its connection.
    fn client(&self) -> Arc<dyn Client>;

    /// Goes to its room.
    fn enter(self: Box<Self>);

    /// Tries again.
    fn retry(self: Box<Self>, back: Back);

    /// There is nothing, and it waits no longer.
    fn give_up(self: Box<Self>);
}

/// Work for the room's thread.
type Errand = Box<dyn FnOnce() + Send>;

struct Room {
    queues: Queues,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    lines: HashMap<Arc<[u8]>, Line>,
    /// Whose time is over when.
    due: BTreeSet<(Instant, u64, Arc<[u8]>)>,
    /// Queues that may have something.
    rung: HashSet<Arc<[u8]>>,
    errands: Vec<Errand>,
    /// Messages of connections that are gone, which could not be refused yet.
    orphans: Vec<Open>,
    next: u64,
    is_closed: bool,
}

/// Who waits for one queue.
struct Line {
    queue: Queue,
    /// In their order.
    waiting: BTreeMap<u64, Box<dyn Guest>>,
    /// How many are trying just now.
    trying: u64,
    _watch: Watch,
}

impl Waiting {
    /// An empty room.
    pub fn start(queues: Queues) -> io::Result<Waiting> {
        let room = Room { queues, state: Mutex::default(), news: Condvar::new() };
        let room = Arc::new(room);
        let own = room.clone();
        let thread = thread::Builder::new().name("nearcached-wait".into());
        let thread = thread.spawn(move || own.look_after())?;
        Ok(Waiting { room, thread: Mutex::new(Some(thread)) })
    }

    /// Waits until there is something, or its time is over.
    pub fn enter(&self, asked: Box<dyn Guest>) {
        self.room.enter(asked, None);
    }

    /// It waits no longer.
    pub fn cancel(&self, place: &Place) {
        let found = lock(&self.room.state).take(place);
        if let Some(asked) = found {
            asked.give_up();
        }
    }

    /// How many wait for this queue.
    pub fn count(&self, queue: &[u8]) -> u64 {
        let state = lock(&self.room.state);
        state.lines.get(queue).map_or(0, |line| line.waiting.len() as u64 + line.trying)
    }

    /// Has the room's thread do something that takes its time: to read of all queues, say.
    pub fn send(&self, errand: impl FnOnce() + Send + 'static) {
        lock(&self.room.state).errands.push(Box::new(errand));
        self.room.news.notify_one();
    }

    /// A message that is to be refused as soon as it can be written.
    pub fn refuse_later(&self, open: Open) {
        self.room.refuse_later(open);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.room.state).is_closed = true;
        self.room.news.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

impl State {
    /// Takes one out that waits; those who are trying are not here.
    fn take(&mut self, place: &Place) -> Option<Box<dyn Guest>> {
        let line = self.lines.get_mut(&place.queue)?;
        let asked = line.waiting.remove(&place.number)?;
        if let Some(until) = asked.until() {
            self.due.remove(&(until, place.number, place.queue.clone()));
        }
        self.tidy(&place.queue);
        Some(asked)
    }

    /// Nobody is there any more: neither is the line.
    fn tidy(&mut self, queue: &[u8]) {
        if self.lines.get(queue).is_some_and(|line| line.waiting.is_empty() && line.trying == 0) {
            self.lines.remove(queue);
        }
    }

    fn has_news(&self) -> bool {
        self.is_closed || !self.rung.is_empty() || !self.errands.is_empty()
    }
}

impl Room {
    /// Puts one into its line; one that was there before, into its old place.
    fn enter(self: &Arc<Room>, asked: Box<dyn Guest>, number: Option<u64>) {
        let client = asked.client();
        let mut state = lock(&self.state);
        let number = number.unwrap_or(state.next);
        state.next = state.next.max(number + 1);
        let place = Place { queue: asked.queue().clone(), number };
        if !state.lines.contains_key(&place.queue) {
            let (room, name) = (self.clone(), place.queue.clone());
            // A name that a get had is one.
            let Ok(queue) = self.queues.queue(&place.queue) else {
                drop(state);
                return asked.give_up();
            };
            let watch = queue.watch(move || room.ring(&name));
            let line = Line { queue, waiting: BTreeMap::new(), trying: 0, _watch: watch };
            state.lines.insert(place.queue.clone(), line);
        }
        if let Some(until) = asked.until() {
            state.due.insert((until, number, place.queue.clone()));
        }
        if let Some(line) = state.lines.get_mut(&place.queue) {
            line.waiting.insert(number, asked);
        }
        // What was put in before there was a watch.
        state.rung.insert(place.queue.clone());
        drop(state);
        self.news.notify_one();
        if !client.waits(Some(place.clone())) {
            let found = lock(&self.state).take(&place);
            if let Some(asked) = found {
                asked.give_up();
            }
        }
    }

    fn ring(&self, queue: &Arc<[u8]>) {
        lock(&self.state).rung.insert(queue.clone());
        self.news.notify_one();
    }

    fn refuse_later(&self, open: Open) {
        lock(&self.state).orphans.push(open);
        self.news.notify_one();
    }

    /// One has tried: it comes back to its place, or is gone.
    fn tried(self: &Arc<Room>, queue: &Arc<[u8]>, number: u64, asked: Option<Box<dyn Guest>>) {
        if let Some(asked) = asked {
            self.enter(asked, Some(number));
        }
        let mut state = lock(&self.state);
        if let Some(line) = state.lines.get_mut(queue) {
            line.trying -= 1;
            // There may be more, for which nobody was let try while this one did.
            state.rung.insert(queue.clone());
        }
        state.tidy(queue);
        drop(state);
        self.news.notify_one();
    }

    /// The thread.
    fn look_after(self: &Arc<Room>) {
        let mut looked = Instant::now();
        loop {
            let mut state = self.sleep(looked);
            if state.is_closed {
                return;
            }
            let errands = std::mem::take(&mut state.errands);
            let rung = std::mem::take(&mut state.rung);
            let lines: Vec<_> = rung
                .into_iter()
                .filter_map(|name| Some((state.lines.get(&name)?.queue.clone(), name)))
                .collect();
            let late = overdue(&mut state);
            let is_time = looked.elapsed() >= AGAIN;
            let orphans = if is_time { std::mem::take(&mut state.orphans) } else { Vec::new() };
            drop(state);
            late.into_iter().for_each(|asked| asked.give_up());
            for (queue, name) in lines {
                // What is wrong with it, whoever tries will meet.
                self.let_try(&name, queue.ready().unwrap_or(1));
            }
            if is_time {
                looked = Instant::now();
            }
            orphans.into_iter().for_each(|open| self.refuse(open));
            errands.into_iter().for_each(|errand| errand());
        }
    }

    /// Until there is something to do.
    fn sleep(&self, looked: Instant) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            let first = state.due.first().map(|(until, ..)| *until);
            let again = (!state.orphans.is_empty()).then(|| looked + AGAIN);
            let until = first.into_iter().chain(again).min();
            if state.has_news() || until.is_some_and(|until| until <= now) {
                return state;
            }
            state = match until {
                None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let woken = self.news.wait_timeout(state, until - now);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Lets as many try as there are messages for.
    fn let_try(self: &Arc<Room>, name: &Arc<[u8]>, ready: u64) {
        let mut tries = Vec::new();
        {
            let mut state = lock(&self.state);
            let state = &mut *state;
            let Some(line) = state.lines.get_mut(name) else {
                return;
            };
            while line.trying < ready
                && let Some((number, asked)) = line.waiting.pop_first()
            {
                if let Some(until) = asked.until() {
                    state.due.remove(&(until, number, name.clone()));
                }
                line.trying += 1;
                tries.push((number, asked));
            }
        }
        for (number, asked) in tries {
            let (room, name) = (self.clone(), name.clone());
            asked.retry(Box::new(move |asked| room.tried(&name, number, asked)));
        }
    }

    fn refuse(self: &Arc<Room>, open: Open) {
        let (room, again) = (self.clone(), open.clone());
        let Open { queue, receipt } = open;
        let _ = self.queues.run_with(
            0,
            move |tx| steps::nak(tx, &queue, &receipt, None),
            move |done| {
                if done.is_err() {
                    room.refuse_later(again);
                }
            },
        );
    }
}

/// Those whose time is over.
fn overdue(state: &mut State) -> Vec<Box<dyn Guest>> {
    let now = Instant::now();
    let mut late = Vec::new();
    while let Some((until, number, queue)) = state.due.first().cloned()
        && until <= now
    {
        match state.take(&Place { queue: queue.clone(), number }) {
            Some(asked) => late.push(asked),
            None => {
                state.due.remove(&(until, number, queue));
            }
        }
    }
    late
}
