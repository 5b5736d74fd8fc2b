//! The commands of one line and one answer: what becomes of queues, their settings, and who asks about them.

use super::ask::{Command, Report};
use super::report;
use super::session::Session;
use super::words::{self, CLOSED, Words};
use crate::durable::{Moment, Ticket};
use crate::protocol::reply;
use crate::server::Stop;
use nearcache_store::queue::{Receipt, steps};
use nearcache_store::{Error, Tx};
use std::sync::Arc;

/// What one line may move at most; the rest is for the next.
const REQUEUE_MAX: usize = 10_000;

/// Does it; answers whether the server is to end.
pub fn run(
    session: &Arc<Session>,
    moment: &mut Moment<'_>,
    command: Command<'_>,
    noreply: bool,
) -> Option<Stop> {
    let mut asker = Asker { session, moment, noreply };
    match command {
        Command::Delete(queue) => {
            let name = queue.to_vec();
            asker.later(
                move |tx| steps::delete(tx, &name),
                |was_there| match was_there {
                    true => reply::DELETED.into(),
                    false => reply::NOT_FOUND.into(),
                },
            );
        }
        Command::Flush(queue) => {
            let name = queue.to_vec();
            asker.later(
                move |tx| match steps::purge(tx, &name) {
                    // Kestrel makes it, and then it is empty.
                    Err(Error::NoQueue(_)) => Ok(0),
                    done => done,
                },
                |_| reply::END.into(),
            );
        }
        Command::FlushAll => asker.later(
            |tx| steps::names(tx)?.iter().try_for_each(|name| steps::purge(tx, name).map(drop)),
            |()| reply::OK.into(),
        ),
        Command::Touch(queue, seconds) => asker.touch(queue, seconds),
        Command::Show(queue) => asker.show(queue),
        Command::Adjust(queue, words) => {
            let (name, words) = (queue.to_vec(), words.to_vec());
            asker.later(
                move |tx| {
                    // It was read before, and is good.
                    steps::adjust(tx, &name, |settings| {
                        let _ = super::settings::apply(&words, settings);
                    })
                },
                |()| reply::OK.into(),
            );
        }
        Command::Pause(queue, pause) => {
            let name = queue.to_vec();
            asker.later(
                move |tx| steps::change(tx, &name, |record| record.is_paused = pause),
                |()| reply::OK.into(),
            );
        }
        Command::Requeue(queue, to, max) => {
            let (name, to) = (queue.to_vec(), to.map(<[u8]>::to_vec));
            let max = max.min(REQUEUE_MAX);
            asker.later(
                move |tx| steps::requeue(tx, &name, to.as_deref(), max),
                |moved| format!("REQUEUED {moved}\r\n").into_bytes().into(),
            );
        }
        Command::Report(what) => asker.report(what),
        Command::Version => asker.now(reply::VERSION),
        Command::Status => asker.now(b"UP\r\n"),
        Command::Noop => asker.now(reply::META_NOOP),
        Command::Verbosity(level) => {
            asker.moment.desk.server.set_verbosity(level);
            asker.now(reply::OK);
        }
        Command::DebugTime(seconds) => {
            let moved = session.hall.advance_clock(seconds);
            asker.now(if moved { reply::OK } else { reply::ERROR });
        }
        Command::Shutdown(graceful) => {
            if asker.moment.desk.server.options.shutdown_command {
                return Some(if graceful { Stop::Graceful } else { Stop::Now });
            }
            asker.now(reply::SHUTDOWN_DISABLED);
        }
        Command::Refused(words) => asker.now(&words),
    }
    None
}

/// Who asks, and how the answer gets there.
struct Asker<'a, 'm> {
    session: &'a Arc<Session>,
    moment: &'a mut Moment<'m>,
    noreply: bool,
}

impl Asker<'_, '_> {
    fn now(&mut self, words: &[u8]) {
        if !self.noreply {
            self.moment.now(words);
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.moment.replies.later(0).or(if self.noreply { b"" } else { CLOSED })
    }

    /// Has the committer do it, and answers when it is safe.
    fn later<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        well: impl FnOnce(T) -> Words + Send + 'static,
    ) {
        let (ticket, noreply) = (self.ticket(), self.noreply);
        let _ = self.session.hall.queues.run_with(0, work, move |done| {
            let words = words::told(done, well);
            ticket.answer(if noreply { b"".into() } else { words });
        });
    }

    /// So many seconds more for all that this connection has open of a queue.
    fn touch(&mut self, queue: &[u8], seconds: u32) {
        let open = self.session.opened(queue);
        if open.is_empty() {
            return self.now(reply::NOT_FOUND);
        }
        let (ticket, noreply) = (self.ticket(), self.noreply);
        let (name, busy) = (queue.to_vec(), self.session.begin());
        let work = move |tx: &mut Tx<'_>| {
            let renew =
                |receipt: Receipt| Ok((receipt, steps::extend(tx, &name, &receipt, seconds)?));
            open.into_iter().map(renew).collect::<Result<Vec<_>, Error>>()
        };
        let _ = self.session.hall.queues.run_with(0, work, move |done| {
            let words = words::told(done, |renewed| {
                let mut words = reply::NOT_FOUND;
                for (old, new) in renewed {
                    match new {
                        Some(new) => {
                            busy.0.renewed(old, new);
                            words = reply::TOUCHED;
                        }
                        None => busy.0.closed(old),
                    }
                }
                words.into()
            });
            drop(busy);
            ticket.answer(if noreply { b"".into() } else { words });
        });
    }

    fn show(&mut self, queue: &[u8]) {
        let (ticket, hall) = (self.ticket(), self.session.hall.clone());
        let (name, busy) = (queue.to_vec(), self.session.begin());
        // Behind what this connection wrote before, and before what it writes next.
        let sent = move |_| {
            let queue = hall.queues.queue(&name);
            let settings = queue.and_then(|queue| queue.settings());
            drop(busy);
            ticket.answer(words::told(settings, |settings| report::settings(&settings)));
        };
        let _ = self.session.hall.queues.run_with(0, |_| Ok(()), sent);
    }

    /// Reads of all queues take their time: the waiting room's thread has it.
    fn report(&mut self, what: Report) {
        let (ticket, hall) = (self.ticket(), self.session.hall.clone());
        let (server, busy) = (report::General::of(self.moment.desk), self.session.begin());
        let sent = move |_| {
            let reading = hall.clone();
            hall.waiting.send(move || {
                let told = words::told(report::of(&reading, what, &server), Words::from);
                drop(busy);
                ticket.answer(told);
            });
        };
        let _ = self.session.hall.queues.run_with(0, |_| Ok(()), sent);
    }
}
