//! Starting, accepting, ending. The main thread binds the sockets, starts the workers, deals connections out and waits
//! for the signal that ends it all.

use crate::auth::Users;
use crate::classes::Classes;
use crate::durable::Durable;
use crate::http::Site;
use crate::inbox::Inbox;
use crate::listener::{Accepted, Doors};
use crate::log::{self, Log};
use crate::options::{EX_USAGE, Options, Wrong};
use crate::process::{self, EX_OSERR, PidFile, User};
use crate::server::{Server, Stop};
use crate::signals::{Asked, Signals};
use crate::stats::Departures;
use crate::tls::Tls;
use crate::worker::{Worker, request_stop};
use nearcache::{Gone, Home, Observer};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// The event data of the signals' descriptor; listeners have their number.
const SIGNALS: u64 = u64::MAX;

/// How long a silenced listener waits before it tries again.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// `cache_memlimit` can raise the memory limit to this many times `-m`. What is not used costs next to nothing.
const RAISED_MOST: u64 = 4;

/// Serves until a signal says to end.
pub fn serve(mut options: Options) -> Result<(), Wrong> {
    let user = User::wanted(&options)?;
    process::raise_limits(&options)?;
    absolute_paths(&mut options);
    // While it may be root: the ports under 1024, and the files that only root may read.
    let mut doors = Doors::open(&options).map_err(system)?;
    let site = options.http.as_deref().map(Site::open).transpose().map_err(system)?.map(Arc::new);
    let users = options.users_file().map(|path| Users::read(&path)).transpose().map_err(system)?;
    let tls = options.tls.then(|| Tls::load(&options.tls_options));
    let tls = tls.transpose().map_err(|sentence| Wrong { sentence, status: EX_USAGE })?;
    if let Some(user) = user {
        user.assume(&options)?;
        warn_of_files(&options, tls.as_ref());
    }
    // What is made from here on belongs to the user.
    doors.make_files(&options).map_err(system)?;
    let starter = options.daemon.then(|| process::daemonize(options.verbosity > 0));
    let starter =
        starter.transpose().map_err(|error| system(format!("failed to daemonize: {error}")))?;
    let started = Started::new(options, users, tls, &doors, site);
    if let Some(starter) = starter {
        starter.tell(&started);
    }
    started?.run(doors)
}

/// Who hear of what leaves the cache unasked.
#[derive(Debug)]
struct Witnesses {
    departures: Arc<Departures>,
    log: Arc<Log>,
}

impl Observer for Witnesses {
    fn gone(&self, item: &Gone<'_>) {
        self.departures.gone(item);
        self.log.gone(item);
    }
}

/// A server that was started.
struct Started {
    server: Arc<Server>,
    signals: Signals,
    inboxes: Vec<Arc<Inbox>>,
    workers: Vec<JoinHandle<()>>,
    site: Option<Arc<Site>>,
    _pid_file: Option<PidFile>,
}

impl Started {
    fn new(
        mut options: Options,
        users: Option<Users>,
        tls: Option<Tls>,
        doors: &Doors,
        site: Option<Arc<Site>>,
    ) -> Result<Started, Wrong> {
        let signals = Signals::open().map_err(|error| system(format!("no signals: {error}")))?;
        let classes = Arc::new(Classes::new(&options.knobs.classes));
        let departures = Arc::new(Departures::new(classes));
        let log = Arc::new(Log::new(&options));
        let witnesses = Witnesses { departures: Arc::clone(&departures), log: Arc::clone(&log) };
        let cache = open_cache(&options, Arc::new(witnesses))?;
        if options.region.is_some() {
            keep_as_it_is(&cache, &mut options);
        }
        let durable = Durable::open(&options, cache.unix_time())?;
        if options.lock_memory {
            process::lock_memory();
        }
        let pid_file = options.pid_file.as_deref().and_then(|path| {
            // memcached goes on without it, too.
            let failed = |error| eprintln!("nearcached: cannot write {}: {error}", path.display());
            PidFile::write(path).map_err(failed).ok()
        });
        let mut server = Server::new(cache, options, users, doors, departures).with_tls(tls);
        server.log = log;
        server.durable = durable;
        let server = Arc::new(server);
        let (inboxes, mut workers) = start(&server, doors)
            .map_err(|error| system(format!("can't start a worker: {error}")))?;
        if let Some(site) = &site {
            let thread = receive(&server, site);
            workers.push(thread.map_err(|error| system(format!("can't start a thread: {error}")))?);
        }
        say_what_is_served(&server, site.as_deref());
        Ok(Started { server, signals, inboxes, workers, site, _pid_file: pid_file })
    }

    /// Serves until a signal says to end.
    fn run(self, doors: Doors) -> Result<(), Wrong> {
        let Started { server, signals, inboxes, workers, site, _pid_file } = self;
        let ended = Gate::new(&server, doors, &signals).and_then(|mut gate| gate.watch(&inboxes));
        let finished = finish(&server, &inboxes, site.as_deref(), workers);
        server.durable.close();
        finished?;
        ended.map_err(|error| system(format!("the main loop failed: {error}")))
    }
}

/// Files that root could read and the user cannot are read no more.
fn warn_of_files(options: &Options, tls: Option<&Tls>) {
    let users = options.users_file().map_or(Ok(()), |path| Users::read(&path).map(|_| ()));
    let certificates = tls.map_or(Ok(()), Tls::can_refresh);
    for why in [users, certificates].into_iter().filter_map(Result::err) {
        eprintln!("nearcached: it cannot be read again while the server runs: {why}");
    }
}

fn finish(
    server: &Server,
    inboxes: &[Arc<Inbox>],
    site: Option<&Site>,
    workers: Vec<JoinHandle<()>>,
) -> Result<(), Wrong> {
    server.stop();
    for inbox in inboxes {
        inbox.wake();
    }
    server.log.wake();
    if let Some(site) = site {
        site.wake();
    }
    let ends: Vec<_> = workers.into_iter().map(JoinHandle::join).collect();
    match ends.iter().any(Result::is_err) {
        true => Err(system("a worker thread failed; see above".into())),
        false => Ok(()),
    }
}

fn system(sentence: String) -> Wrong {
    Wrong { sentence, status: EX_OSERR }
}

/// Going into the background changes the directory; the paths mean where we were started.
fn absolute_paths(options: &mut Options) {
    let files = [
        &mut options.unix_socket,
        &mut options.pid_file,
        &mut options.auth_file,
        &mut options.memory_file,
        &mut options.store.dir,
        &mut options.store.socket,
        &mut options.queue.dir,
        &mut options.queue.socket,
    ];
    for path in files.into_iter().chain(options.tls_options.paths()) {
        if let Some(given) = path.take() {
            *path = Some(std::path::absolute(&given).unwrap_or(given));
        }
    }
    for home in [&mut options.region, &mut options.store.near_home] {
        if let Some(Home::At(path)) = home
            && let Ok(absolute) = std::path::absolute(&*path)
        {
            *path = absolute;
        }
    }
}

/// A region that was there keeps the size and the limit it was created with, whatever was asked for.
fn keep_as_it_is(cache: &nearcache::Cache, options: &mut Options) {
    let (memory, item_size_max) = (cache.info().size, cache.item_size_max());
    let mut differs = |option, what, bytes: u64| {
        let sentence =
            format!("{option} has no effect: the region was there, and {what} is {bytes} bytes");
        options.without_effect.push(sentence);
    };
    if memory != options.memory {
        differs("-m", "its memory limit", memory);
    }
    if item_size_max != options.item_size_max {
        differs("-I", "its largest item", item_size_max as u64);
    }
    (options.memory, options.item_size_max) = (memory, item_size_max);
}

fn open_cache(options: &Options, observer: Arc<dyn Observer>) -> Result<nearcache::Cache, Wrong> {
    let mut wanted = nearcache::Options::new(options.memory);
    wanted.memory_max = Some((options.memory * RAISED_MOST).min(nearcache::Options::SIZE_MAX));
    wanted.item_size_max = options.item_size_max;
    wanted.evict = options.evict;
    // The meta commands tell it.
    wanted.track_access = true;
    wanted.manual_clock = options.debug_clock;
    wanted.observer = Some(observer);
    if let Some(home) = &options.region {
        wanted.home = home.clone();
    }
    let before = options.region.as_ref().and_then(file_of);
    let opened = wanted.open().or_else(|error| match error {
        // The addresses, or the file's length, may be more than this process is allowed: it serves without.
        nearcache::Error::System(..) => {
            wanted.memory_max = None;
            wanted.open()
        }
        other => Err(other),
    });
    say_if_begun_anew(options, before);
    opened.map_err(|error| {
        system(match &options.region {
            None => format!("cannot make the cache: {error}"),
            Some(Home::At(path)) => format!("cannot serve the region {}: {error}", path.display()),
            Some(Home::Named(name)) => format!("cannot serve the region {name}: {error}"),
            Some(other) => format!("cannot serve the region {other:?}: {error}"),
        })
    })
}

/// The file of a cache as it is now. While this is held, no other file can get its number.
fn file_of(home: &Home) -> Option<File> {
    let Home::At(path) = home else {
        return None;
    };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Some(rustix::fs::open(path, flags, Mode::empty()).ok()?.into())
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|found| found.ino())
}

/// A file that the core cannot go on with it puts aside, and begins anew: that must not go unsaid.
fn say_if_begun_anew(options: &Options, before: Option<File>) {
    let (Some(Home::At(path)), Some(before)) = (&options.region, before) else {
        return;
    };
    let before = before.metadata().ok().map(|found| found.ino());
    if before == inode(path) {
        return;
    }
    let mut aside = path.clone().into_os_string();
    aside.push(".damaged");
    let aside = PathBuf::from(aside);
    let kept = before == inode(&aside);
    let (path, aside) = (path.display(), aside.display());
    match kept {
        true => eprintln!(
            "nearcached: {path} was damaged: it is kept as {aside}, and the cache starts empty"
        ),
        false => eprintln!(
            "nearcached: {path} was of before the machine's start, and the cache starts empty"
        ),
    }
}

type Workers = (Vec<Arc<Inbox>>, Vec<JoinHandle<()>>);

fn start(server: &Arc<Server>, doors: &Doors) -> io::Result<Workers> {
    let (mut inboxes, mut workers) = (Vec::new(), Vec::new());
    for number in 0..server.options.threads {
        let inbox = Arc::new(Inbox::new()?);
        let worker = Worker::new(Arc::clone(server), number, Arc::clone(&inbox), &doors.datagrams)?;
        let thread = thread::Builder::new().name(format!("worker {number}"));
        workers.push(thread.spawn(move || {
            let _all_or_nothing = AllOrNothing;
            worker.run();
        })?);
        inboxes.push(inbox);
    }
    let watched = Arc::clone(server);
    server.log.open()?;
    workers.push(thread::Builder::new().name("log".into()).spawn(move || log::run(&watched))?);
    Ok((inboxes, workers))
}

/// A worker that panics takes the server with it: its clients would otherwise wait for ever. The threads of the log and
/// of the page have no such clients: the cache goes on without them.
struct AllOrNothing;

impl Drop for AllOrNothing {
    fn drop(&mut self) {
        if thread::panicking() {
            request_stop(Stop::Now);
        }
    }
}

/// The thread of `--http`.
fn receive(server: &Arc<Server>, site: &Arc<Site>) -> io::Result<JoinHandle<()>> {
    let (server, site) = (Arc::clone(server), Arc::clone(site));
    thread::Builder::new().name("http".into()).spawn(move || site.run(&server))
}

fn say_what_is_served(server: &Server, site: Option<&Site>) {
    let guarded = server.asks_who() || server.tls.is_some();
    if let Some(Site { address, .. }) =
        site.filter(|site| guarded || !site.address.ip().is_loopback())
    {
        let shows = if server.options.dump { "shows keys and " } else { "" };
        eprintln!(
            "nearcached: --http {address} is open to whoever can reach it: it {shows}asks for no password"
        );
    }
    if server.verbosity() == 0 {
        return;
    }
    for sentence in &server.options.without_effect {
        eprintln!("nearcached: {sentence}");
    }
    if let Some(path) = server.region() {
        eprintln!("nearcached: serves the region {path}");
    }
    for (role, asked) in server.options.roles() {
        let dir = asked.dir.as_deref().unwrap_or(Path::new("")).display();
        eprintln!("nearcached: serves the {role} in {dir}");
    }
    if let Some(site) = site {
        eprintln!("nearcached: serves http://{}/", site.address);
    }
    for (fd, address) in &server.listeners {
        eprintln!("<{fd} server listening ({}) {address}", server.options.protocol);
    }
    eprintln!("nearcached: ready");
}

/// The main loop.
struct Gate<'a> {
    server: &'a Server,
    doors: Doors,
    signals: &'a Signals,
    epoll: OwnedFd,
    /// Since when the listeners are silenced.
    silent: Option<Instant>,
}

impl<'a> Gate<'a> {
    fn new(server: &'a Server, doors: Doors, signals: &'a Signals) -> io::Result<Gate<'a>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, signals, EventData::new_u64(SIGNALS), EventFlags::IN)?;
        for (number, listener) in doors.listeners.iter().enumerate() {
            let data = EventData::new_u64(number as u64);
            epoll::add(&epoll, &listener.socket, data, EventFlags::IN)?;
        }
        Ok(Gate { server, doors, signals, epoll, silent: None })
    }

    fn watch(&mut self, inboxes: &[Arc<Inbox>]) -> io::Result<()> {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(16);
        loop {
            events.clear();
            let timeout = self.silent.map(|_| &PAUSE);
            let room = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, room, timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.silent.is_some() {
                self.listen()?;
            }
            for event in &events {
                match event.data.u64() {
                    SIGNALS => {
                        if self.ends() {
                            return Ok(());
                        }
                    }
                    number => {
                        let number = number as usize;
                        if self.doors.accept(number, self.server, inboxes) == Accepted::Full {
                            self.silence()?;
                        }
                    }
                }
            }
        }
    }

    /// Deals with the signals that came; was it one to end by?
    fn ends(&self) -> bool {
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::End(name) => {
                    eprintln!("Signal handled: {name}.");
                    return true;
                }
                Asked::Reload => self.server.reload(),
            }
        }
        false
    }

    /// Nobody more can be let in: do not ask who is waiting for a while.
    fn silence(&mut self) -> io::Result<()> {
        if self.silent.is_none() {
            self.silent = Some(Instant::now());
            self.heed(EventFlags::empty())?;
            let connections = &self.server.connections;
            // Relaxed: statistics.
            connections.not_accepting.store(true, Ordering::Relaxed);
            connections.listen_disabled.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn listen(&mut self) -> io::Result<()> {
        if let Some(since) = self.silent.take() {
            let connections = &self.server.connections;
            let micros = since.elapsed().as_micros() as u64;
            // Relaxed: statistics.
            connections.listen_disabled_us.fetch_add(micros, Ordering::Relaxed);
            connections.not_accepting.store(false, Ordering::Relaxed);
            self.heed(EventFlags::IN)?;
        }
        Ok(())
    }

    fn heed(&self, events: EventFlags) -> io::Result<()> {
        for (number, listener) in self.doors.listeners.iter().enumerate() {
            let data = EventData::new_u64(number as u64);
            epoll::modify(&self.epoll, &listener.socket, data, events)?;
        }
        Ok(())
    }
}
