//! Who a client of the binary protocol is, by SASL.

use super::Session;
use crate::buffer::Output;
use crate::counters::Count;
use crate::dispatch::Desk;
use crate::protocol::binary::{self, Header, Request, Status};

/// The mechanisms that are served.
const MECHANISMS: &[u8] = b"PLAIN";

/// Where a client is with it.
#[derive(Debug, Default)]
pub(crate) struct Sasl {
    /// A conversation has begun and waits for its message.
    asked: bool,
}

impl Sasl {
    /// Answers SASL_LIST, SASL_AUTH and SASL_STEP.
    pub(crate) fn answer(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        header: &Header,
        request: &Request<'_>,
        out: &mut Output,
    ) {
        match request {
            _ if !desk.server.options.sasl => out.status(header, Status::Unknown),
            Request::Sasl(sasl) => self.admit(session, desk, header, sasl, out),
            _ => out.packet(header, Status::Ok, b"", MECHANISMS, 0),
        }
    }

    /// One message of a client that says who it is. The answer to a wrong one does not say what was wrong with it.
    fn admit(
        &mut self,
        session: &mut Session,
        desk: Desk<'_>,
        header: &Header,
        sasl: &binary::Sasl<'_>,
        out: &mut Output,
    ) {
        session.admitted = false;
        let expected = !sasl.step || self.asked;
        let speaks = sasl.mechanism.eq_ignore_ascii_case(MECHANISMS);
        // An AUTH may come without its message, which a STEP then brings.
        self.asked = speaks && !sasl.step && sasl.message.is_empty();
        if self.asked {
            return out.status(header, Status::AuthContinue);
        }
        let who = binary::plain(sasl.message).filter(|_| expected && speaks);
        session.admitted = who.is_some_and(|(user, password)| desk.server.admits(user, password));
        desk.counters.add(Count::AuthCommands, 1);
        if session.admitted {
            out.packet(header, Status::Ok, b"", b"Authenticated", 0);
        } else {
            desk.counters.add(Count::AuthErrors, 1);
            out.status(header, Status::AuthError);
        }
    }
}

/// May anybody ask this?
pub(crate) fn is_open(request: &Request<'_>) -> bool {
    matches!(request, Request::Version | Request::SaslList | Request::Sasl(_))
}
