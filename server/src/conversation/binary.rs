//! A conversation in the binary protocol: packets, the values of some of them, and who it is that speaks.

use super::incoming::{Line, Value, fits_input, swallow};
use super::sasl::{Sasl, is_open};
use super::stage::Stage;
use super::{Session, Step};
use crate::buffer::{Input, Output, Pool};
use crate::dispatch::{After, Desk};
use crate::protocol::binary::{self, Header, Parsed, Request, Status};
use std::convert::Infallible;

/// Where we are.
#[derive(Debug, Default)]
pub struct Binary {
    /// The request we are in.
    pub(super) stage: Stage<Infallible>,
    sasl: Sasl,
}

impl Binary {
    /// See [`Conversation::step`](super::Conversation::step).
    pub fn step(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        pool: &mut Pool,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        match &mut self.stage {
            Stage::Request => return self.request(session, desk, input, out),
            Stage::Value(value) => {
                let Some((head, data)) = value.whole(input, pool) else {
                    return Step::Starved;
                };
                if let Parsed::Request { header, request: Request::Store(store), .. } =
                    binary::parse(head.text)
                {
                    desk.store_packet(&header, &store, data, out);
                }
            }
            Stage::Swallow(left) => {
                if !swallow(input, left) {
                    return Step::Starved;
                }
            }
            Stage::Report(report) => {
                if report.more(desk, out) {
                    return Step::Done;
                }
            }
            Stage::More(never) => match *never {},
        }
        self.stage = Stage::Request;
        Step::Done
    }

    /// Reads one request and does what it says.
    fn request(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        input: &mut Input,
        out: &mut Output,
    ) -> Step {
        let unread = input.unread();
        let (header, request, next) = match binary::parse(unread) {
            Parsed::Request { header, request, next } => (header, request, next),
            Parsed::Partial => return Step::Starved,
            Parsed::Foreign => return Step::Close,
        };
        let (mark, mut used) = (out.mark(), next);
        let step = if desk.server.options.sasl && !session.admitted && !is_open(&request) {
            out.status(&header, Status::AuthError);
            Step::Close
        } else {
            match request {
                Request::Store(store) => {
                    let rest = &unread[next..];
                    if desk.refuse_packet(&header, &store, out) {
                        self.stage = Stage::Swallow(store.len);
                    } else if let Some(data) = rest.get(..store.len) {
                        desk.store_packet(&header, &store, data, out);
                        used += store.len;
                    } else if fits_input(next + store.len) {
                        return Step::Starved;
                    } else {
                        let head = Line { text: &unread[..next], next };
                        used = unread.len();
                        self.stage = Stage::Value(Box::new(Value::new(head, store.len, rest)));
                    }
                    Step::Done
                }
                Request::Refused { status, skip } => {
                    out.status(&header, status);
                    match skip {
                        Some(bytes) => {
                            self.stage = Stage::Swallow(bytes);
                            Step::Done
                        }
                        None => Step::Close,
                    }
                }
                Request::Quit { quiet } => {
                    if !quiet {
                        out.status(&header, Status::Ok);
                    }
                    Step::Close
                }
                Request::SaslList | Request::Sasl(_) => {
                    self.sasl.answer(session, desk, &header, &request, out);
                    Step::Done
                }
                _ => match desk.binary(&header, &request, out) {
                    After::Nothing => Step::Done,
                    After::Report(report) => {
                        self.stage = Stage::Report(report);
                        Step::Done
                    }
                    After::Stop(stop) => Step::Stop(stop),
                    // No request of this language asks for it.
                    After::Watch(_) => Step::Close,
                },
            }
        };
        if desk.server.verbosity() > 1 {
            log(session.peer.fd, &header, out.since(mark));
        }
        input.consume(used);
        step
    }
}

/// `-vv`: a request's operation and its answer's status. No more: a value may be a password.
pub(crate) fn log(fd: i32, header: &Header, answer: &[u8]) {
    eprintln!("<{fd} binary {:#04x}", header.opcode);
    if let Some([high, low]) = answer.get(6..8) {
        eprintln!(">{fd} binary status {:#04x}", u16::from_be_bytes([*high, *low]));
    }
}
