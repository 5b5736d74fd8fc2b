//! What is to be had: the page, its data, the metrics; and the lines that go before them.

use super::{Desk, live, metrics, place};
use std::fmt::Write;
use std::time::Instant;

/// The page: everything it needs is in it. `NONCE` is replaced by a number of this answer's own, by which a browser
/// knows the page's script from one that somebody put into it.
const PAGE: &str = include_str!("page.html");

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path, with what is behind `?`.
    pub path: String,
    /// The name that the visitor called this machine by.
    pub host: Option<String>,
    /// Without the body?
    pub head_only: bool,
}

/// What an answer begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is there.
    Fine,
    /// Not understood.
    Bad,
    /// A host that this is not.
    Host,
    /// No such path.
    Missing,
    /// A method other than GET and HEAD.
    Method,
    /// With a body.
    Body,
    /// A head over the limit.
    TooLong,
    /// The system failed.
    Failed,
}

impl Status {
    /// The number and its name, and what to say.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Status::Fine => ("200 OK", ""),
            Status::Bad => ("400 Bad Request", "this is no request of HTTP/1.1 with one Host\n"),
            Status::Host => (
                "403 Forbidden",
                "this is for this machine alone: ask for it as localhost or by its address\n",
            ),
            Status::Missing => ("404 Not Found", "there are /, /metrics and /api/live\n"),
            Status::Method => ("405 Method Not Allowed", "there are GET and HEAD\n"),
            Status::Body => ("413 Content Too Large", "a request has no body here\n"),
            Status::TooLong => (
                "431 Request Header Fields Too Large",
                "a request's head may have 8 KiB and 64 lines\n",
            ),
            Status::Failed => ("500 Internal Server Error", "the system gave no random number\n"),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    status: Status,
    kind: &'static str,
    /// What the page may do, for the page.
    policy: String,
    body: String,
}

/// Nothing at all.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

impl Answer {
    fn text(kind: &'static str, body: String) -> Answer {
        Answer { status: Status::Fine, kind, policy: NOTHING.into(), body }
    }

    /// One that only says what is wrong.
    pub fn status(status: Status) -> Answer {
        let body = status.words().1.to_string();
        Answer { status, ..Answer::text("text/plain; charset=utf-8", body) }
    }

    /// As it is sent.
    pub fn into_bytes(self, head_only: bool, last: bool) -> Vec<u8> {
        let mut text = String::with_capacity(self.body.len() + 600);
        // Writing to memory cannot fail.
        let _ = write!(
            text,
            "HTTP/1.1 {}\r\n\
             Content-Type: {}\r\n\
             Content-Length: {}\r\n\
             Content-Security-Policy: {}\r\n\
             Cache-Control: no-store\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             X-Frame-Options: DENY\r\n",
            self.status.words().0,
            self.kind,
            self.body.len(),
            self.policy,
        );
        if self.status == Status::Method {
            text.push_str("Allow: GET, HEAD\r\n");
        }
        text.push_str(if last { "Connection: close\r\n\r\n" } else { "\r\n" });
        if !head_only {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

/// Answers.
pub fn answer(desk: &mut Desk<'_>, request: &Request) -> Answer {
    let host = request.host.as_deref();
    if host.is_some_and(|host| !place::is_named_rightly(desk.address, host)) {
        return Answer::status(Status::Host);
    }
    let path = request.path.split('?').next().unwrap_or_default();
    match path {
        "/" => page().unwrap_or_else(|| Answer::status(Status::Failed)),
        "/metrics" => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            Answer::text(kind, metrics::exposition(desk.server))
        }
        "/api/live" => {
            desk.asked = Some(Instant::now());
            Answer::text("application/json", live::report(desk.server, &desk.survey))
        }
        _ => Answer::status(Status::Missing),
    }
}

fn page() -> Option<Answer> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random[..], rustix::rand::GetRandomFlags::empty()).ok()?;
    let nonce = format!("{:032x}", u128::from_ne_bytes(random));
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let body = PAGE.replace("NONCE", &nonce);
    Some(Answer { policy, ..Answer::text("text/html; charset=utf-8", body) })
}
