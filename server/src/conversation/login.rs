//! `-Y`: who a client is must be said first, in the form of a `set` whose value is `user password`. Until then nothing
//! is executed, and little is held.

use super::{Session, Step};
use crate::buffer::{BUFFER_SIZE, Input, Output};
use crate::counters::Count;
use crate::dispatch::Desk;
use crate::protocol::{number, reply, token::Tokens};

/// The longest line.
const LINE_MAX: usize = 2048;

/// A client that has not yet said who it is.
#[derive(Debug, Default)]
pub struct Login {
    /// So many bytes are still to be skipped.
    skip: usize,
}

impl Login {
    /// Goes one step further; the session tells whether the client was admitted.
    pub fn step(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        let unread = input.unread();
        if self.skip > 0 {
            let here = unread.len().min(self.skip);
            self.skip -= here;
            input.consume(here);
            return if self.skip > 0 { Step::Starved } else { Step::Done };
        }
        let Some(end) = memchr::memchr(b'\n', unread) else {
            return if unread.len() > LINE_MAX { Step::Close } else { Step::Starved };
        };
        let start = end + 1;
        let Some(len) = announced(&unread[..end]) else {
            out.text(reply::UNAUTHENTICATED);
            input.consume(start);
            return Step::Done;
        };
        let whole = start + len + 2;
        if whole > BUFFER_SIZE / 2 {
            // Nobody's password is that long: it need not be read to know.
            input.consume(start);
            self.skip = len + 2;
            out.text(refused(desk));
            return Step::Done;
        }
        let Some(data) = unread.get(start..whole) else {
            return Step::Starved;
        };
        out.text(match data.strip_suffix(b"\r\n") {
            None => reply::BAD_TOKEN_END,
            Some(value) => {
                let mut words = Tokens::new(value, 0);
                match (words.next(), words.next()) {
                    (Some(user), Some(password)) if desk.server.admits(user, password) => {
                        desk.counters.add(Count::AuthCommands, 1);
                        session.admitted = true;
                        reply::STORED
                    }
                    (Some(_), Some(_)) => refused(desk),
                    _ => reply::BAD_AUTH_TOKEN,
                }
            }
        });
        input.consume(whole);
        Step::Done
    }
}

/// Counts a wrong password, and words it.
fn refused(desk: Desk<'_>) -> &'static [u8] {
    desk.counters.add(Count::AuthCommands, 1);
    desk.counters.add(Count::AuthErrors, 1);
    reply::AUTH_FAILURE
}

/// How long the value of `set <key> <flags> <exptime> <bytes>` is; key, flags and exptime may be anything.
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = Tokens::new(line, 0);
    if words.next() != Some(b"set") {
        return None;
    }
    number::data_len(words.nth(3)?)
}
