//! Messages in, out, and back to where they come from: push, take, requeue.

use super::arguments::{Push, Requeue, Take};
use super::look::message_json;
use crate::escape::escape;
use crate::failure::{Answer, Failure, note};
use crate::progress::{Meter, Stop};
use crate::store::items::given;
use crate::units;
use nearcache_store::Durable;
use nearcache_store::queue::{Lease, Message};
use serde_json::json;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// Puts a message in; one that was put in before is no.
pub fn push(asked: &Push, out: &mut dyn Write) -> Result<Answer, Failure> {
    // Before the input is read: who mistyped the place is told at once.
    let durable = asked.of.at.place.open()?;
    let body = given(asked.message.as_deref())?;
    let push = nearcache_store::queue::Push {
        flags: asked.flags,
        delay: asked.delay,
        expire: asked.expire,
        id: asked.id.as_ref().map_or(Vec::new(), |id| id.as_bytes().to_vec()),
    };
    let pushed = durable.push(asked.of.name(), &body, &push)?;
    if asked.json {
        writeln!(out, "{}", json!({ "seq": pushed.seq, "duplicate": pushed.is_duplicate }))?;
    } else if pushed.is_duplicate {
        note(&format!("message {} has this id already: nothing was put in", pushed.seq));
    }
    Ok(Answer::of(!pushed.is_duplicate))
}

/// A wait is made of such pieces, between which a signal is heard: a message is not handed to who has gone.
const PIECE: Duration = Duration::from_millis(250);

/// Writes the first message and removes it; no if there is none.
pub fn take(asked: &Take, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.of.at.place.open()?;
    let name = asked.of.name();
    let Some(message) = reserve(&durable, name, Duration::from_secs(asked.wait.into()))? else {
        return Err(Failure::No(format!("{} has nothing to hand out", escape(name))));
    };
    let receipt = message.receipt.ok_or_else(|| Failure::told("the message has no receipt"))?;
    let written = match asked.json {
        true => writeln!(out, "{}", message_json(&message)),
        false => out.write_all(&message.body),
    };
    if let Err(error) = written.and_then(|()| out.flush()) {
        // It is in nobody's hands: if this fails as well its lease will end.
        let _ = durable.nak(name, &receipt, Some(0));
        return Err(error.into());
    }
    match durable.ack(name, &[receipt])?.as_slice() {
        [true] => Ok(Answer::Yes),
        _ => Err(Failure::told(
            "the message was written, but meanwhile its lease has ended: it will be delivered again",
        )),
    }
}

fn reserve(durable: &Durable, name: &[u8], wait: Duration) -> Result<Option<Message>, Failure> {
    let stop = Stop::on_signals()?;
    let until = Instant::now() + wait;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let found = durable.reserve(name, 1, Lease::Default, left.min(PIECE))?.pop();
        if found.is_some() || left.is_zero() {
            return Ok(found);
        }
        if stop.is_asked() {
            return Err(Failure::told("stopped: nothing was taken"));
        }
    }
}

/// Messages that are moved in one step.
const PAGE: u64 = 1000;

/// Moves messages back, page by page.
pub fn requeue(asked: &Requeue, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.of.at.place.open()?;
    let (name, to) = (asked.of.name(), asked.to.as_ref().map(|to| to.as_bytes()));
    let ready = durable.queue_stats(name)?.ready;
    let wanted = asked.number.map_or(ready, |number| number.min(ready));
    let mut meter = Meter::start("requeue", asked.shown.progress)?;
    let mut moved = 0;
    let so_far = |moved| format!("{} of {} were moved", units::count(moved), units::count(wanted));
    while moved < wanted {
        let page = PAGE.min(wanted - moved);
        let step = durable.requeue(name, to, page as usize);
        match step.map_err(|error| Failure::from(error).when(so_far(moved)))? {
            // Others have taken the rest meanwhile.
            0 => break,
            some => moved += some,
        }
        if !meter.at(moved, Some(wanted)) && moved < wanted {
            return Err(Failure::Told(format!("stopped: {}", so_far(moved))));
        }
    }
    drop(meter);
    match asked.json {
        true => writeln!(out, "{}", json!({ "moved": moved }))?,
        false => writeln!(out, "{}: moved {}", escape(name), units::messages(moved))?,
    }
    Ok(Answer::Yes)
}
