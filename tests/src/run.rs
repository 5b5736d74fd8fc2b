//! One case through one peer: what is sent when, and the verdict.

use crate::peer::{Event, Peer};
use crate::table::{Case, Step};
use crate::text::{self, Match, Memory, Piece};
use std::time::Duration;

/// How long a reply that is due may take. Only a hanging face is ever waited for this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much longer a reply already known to be wrong is listened to, for the report's sake.
const AFTERMATH: Duration = Duration::from_millis(200);

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each after the reply to the one before.
    Stepwise,
    /// All at once.
    Pipelined,
}

/// The clock of the cache a case runs on.
pub trait Clock {
    /// The cache's Unix time.
    fn now(&self) -> i64;
    /// Moves it: gives the command to send for it, or nothing if that was done another way.
    fn advance(&self, seconds: u32) -> Result<Option<String>, String>;
}

/// Why a case did not hold.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The case's name.
    pub case: String,
    /// Where its failing step stands.
    pub place: String,
    /// The face.
    pub face: String,
    /// The request of the failing step.
    pub request: Vec<String>,
    /// The reply expected.
    pub expected: Vec<String>,
    /// What came, as the table would write it.
    pub got: String,
    /// What is wrong about it.
    pub why: String,
    /// Was the face waited for in vain?
    pub silent: bool,
}

/// Runs a case. A socket outlives it: there `last_word` marks the end, a command and its reply. A driver's end
/// is the end of its input.
pub fn run(
    case: &Case,
    face: &str,
    mut peer: Peer,
    clock: &dyn Clock,
    last_word: Option<(&'static str, &'static str)>,
    pace: Pace,
) -> Result<(), Box<Mismatch>> {
    let mut talk = Talk {
        case,
        face,
        clock,
        last_word,
        memory: Memory::new(),
        got: Vec::new(),
        closed: false,
    };
    if pace == Pace::Pipelined {
        for step in &case.steps {
            talk.send(&peer, step)?;
        }
        talk.say_last_word(&mut peer);
    }
    for step in &case.steps {
        if pace == Pace::Pipelined || talk.send(&peer, step)? {
            talk.expect(&peer, step)?;
        }
    }
    if pace == Pace::Stepwise {
        talk.say_last_word(&mut peer);
    }
    talk.expect_end(&mut peer)
}

struct Talk<'a> {
    case: &'a Case,
    face: &'a str,
    clock: &'a dyn Clock,
    last_word: Option<(&'static str, &'static str)>,
    memory: Memory,
    got: Vec<u8>,
    closed: bool,
}

impl Talk<'_> {
    /// Sends the step's request, and says whether its reply is due: not if the clock was moved by other means.
    fn send(&mut self, peer: &Peer, step: &Step) -> Result<bool, Box<Mismatch>> {
        let request = match step.advance {
            Some(seconds) => match self.clock.advance(seconds) {
                Ok(Some(command)) => Ok(format!("{command}\r\n").into_bytes()),
                Ok(None) => return Ok(false),
                Err(why) => Err(why),
            },
            None => text::render(&step.request, &self.memory, self.clock.now()),
        };
        peer.send(request.map_err(|why| self.mismatch(step, why))?);
        Ok(true)
    }

    /// Marks the end, unless the case itself ends the connection: then nothing may follow.
    fn say_last_word(&self, peer: &mut Peer) {
        let last = self.case.steps.last();
        if last.is_some_and(|step| step.reply.last() == Some(&Piece::Closed)) {
            return;
        }
        match self.last_word {
            Some((word, _)) => peer.send(format!("{word}\r\n").into_bytes()),
            None => peer.hang_up(),
        }
    }

    /// Consumes the step's reply from what has come, waiting for what is missing.
    fn expect(&mut self, peer: &Peer, step: &Step) -> Result<(), Box<Mismatch>> {
        let (reply, closes) = match step.reply.split_last() {
            Some((Piece::Closed, before)) => (before, true),
            _ => (&step.reply[..], false),
        };
        loop {
            match text::compare(reply, &self.got, &mut self.memory) {
                Match::Complete(len) => {
                    self.got.drain(..len);
                    break;
                }
                Match::Mismatch(_) => {
                    while self.listen(peer, AFTERMATH) == Heard::More {}
                    return Err(self.mismatch(step, "the reply is another".to_string()));
                }
                Match::Partial => match self.listen(peer, PATIENCE) {
                    Heard::More => {}
                    Heard::End => {
                        let why = "the face closed before its reply was whole".to_string();
                        return Err(self.mismatch(step, why));
                    }
                    Heard::Nothing => {
                        let why = "no more came; a driver must flush when its input is exhausted, \
                                   and answer what it has read"
                            .to_string();
                        let mut mismatch = self.mismatch(step, why);
                        mismatch.silent = true;
                        return Err(mismatch);
                    }
                },
            }
        }
        if !closes {
            return Ok(());
        }
        while self.got.is_empty() && self.listen(peer, PATIENCE) == Heard::More {}
        match self.closed && self.got.is_empty() {
            true => Ok(()),
            false => Err(self.mismatch(step, "the face did not close the connection".to_string())),
        }
    }

    /// Nothing may follow the last reply but the last word's own.
    fn expect_end(&mut self, peer: &mut Peer) -> Result<(), Box<Mismatch>> {
        let Some(last) = self.case.steps.last() else {
            return Ok(());
        };
        if matches!(last.reply.last(), Some(Piece::Closed)) {
            return Ok(());
        }
        let surplus = "more came than the case expects";
        match self.last_word {
            Some((_, reply)) => {
                let due = format!("{reply}\r\n").into_bytes();
                while !self.got.ends_with(&due) && self.listen(peer, PATIENCE) == Heard::More {}
                if self.got == due {
                    return Ok(());
                }
                let kept = self.got.strip_suffix(&due[..]).map(<[u8]>::to_vec);
                let why = if kept.is_some() { surplus } else { "the face fell silent after this" };
                self.got = kept.unwrap_or_else(|| std::mem::take(&mut self.got));
                Err(self.mismatch(last, why.to_string()))
            }
            None => {
                while self.listen(peer, PATIENCE) == Heard::More {}
                if !self.got.is_empty() {
                    return Err(self.mismatch(last, surplus.to_string()));
                }
                if !self.closed {
                    let why = "the driver did not end at the end of its input".to_string();
                    return Err(self.mismatch(last, why));
                }
                match peer.failure() {
                    Some(why) => Err(self.mismatch(last, why)),
                    None => Ok(()),
                }
            }
        }
    }

    fn listen(&mut self, peer: &Peer, patience: Duration) -> Heard {
        match peer.receive(patience) {
            Event::Bytes(bytes) => {
                self.got.extend(bytes);
                self.got.extend(peer.rest());
                Heard::More
            }
            Event::Closed => {
                self.closed = true;
                Heard::End
            }
            Event::Silence => Heard::Nothing,
        }
    }

    fn mismatch(&self, step: &Step, why: String) -> Box<Mismatch> {
        Box::new(Mismatch {
            case: self.case.name.clone(),
            place: format!("tests/table/{}.txt:{}", self.case.chapter, step.line),
            face: self.face.to_string(),
            request: step.request_text.clone(),
            expected: step.reply_text.clone(),
            got: text::show(&self.got, 400),
            why,
            silent: false,
        })
    }
}

#[derive(PartialEq, Eq)]
enum Heard {
    More,
    End,
    Nothing,
}
