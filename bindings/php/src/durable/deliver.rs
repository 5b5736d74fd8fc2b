//! What hands messages out and takes them back: get, take, peek, ack, nak, extend, and `consume`, the loop of a worker.

use super::define::{method, property, this};
use super::error::fail;
use super::interrupt::{seconds, take_exception, wait};
use super::message::{ERROR, Message, give, seconds_or_null, whole_seconds};
use super::queue::{Queue, parsed, receipt};
use super::scan::text;
use crate::zend::array::{answer, push};
use crate::zend::call::{Answer, Call, Thrown, bad_argument, refuse};
use crate::zend::callback::produce;
use crate::zend::walk::values;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::queue::{Fate, Lease, Message as Delivered, Receipt};
use nearcache_store::{Durable, Error};
use std::rc::Rc;
use std::time::Duration;

/// Most messages of one answer.
const MANY: i64 = 10_000;

/// How messages are handed out.
#[derive(Clone, Copy)]
enum How {
    /// Until they are acknowledged, or the lease ends.
    Leased(Lease),
    /// For good.
    Taken,
}

fn leased(call: &Call<'_>, index: usize) -> Result<How, Thrown> {
    let seconds = seconds_or_null(call, index)?;
    Ok(How::Leased(seconds.map_or(Lease::Default, Lease::Seconds)))
}

impl Queue {
    /// Waits so long for messages; none, if there are none in that time.
    fn deliver(&self, how: How, max: usize, time: Duration) -> Result<Vec<Delivered>, Thrown> {
        let durable = &self.opened.durable;
        let some = |found: Vec<Delivered>| (!found.is_empty()).then_some(found);
        let found = wait(
            time,
            || self.is_stopped.get(),
            |slice| match how {
                How::Leased(lease) => durable.reserve(&self.name, max, lease, slice).map(some),
                How::Taken => durable.take(&self.name, max, slice).map(some),
            },
        );
        found.map(Option::unwrap_or_default)
    }

    fn show(&self, message: Delivered, out: &mut Zval) -> Answer {
        give(message, &self.opened.durable, &self.name, self.opened.writing, out)
    }

    fn show_all(&self, messages: Vec<Delivered>, out: &mut Zval) -> Answer {
        let mut messages = BailoutGuard::new(messages.into_iter());
        let mut list = ZendHashTable::with_capacity(messages.len() as u32);
        for message in messages.by_ref() {
            let mut shown = Zval::null();
            self.show(message, &mut shown)?;
            push(&mut list, shown)?;
        }
        answer(out, list);
        Ok(())
    }

    /// Makes `out` the one message, or null.
    fn one(&self, how: How, time: Duration, out: &mut Zval) -> Answer {
        let message = self.deliver(how, 1, time)?.pop();
        self.is_stopped.set(false);
        message.map_or(Ok(()), |message| self.show(message, out))
    }

    fn many(&self, how: How, max: usize, time: Duration, out: &mut Zval) -> Answer {
        let messages = self.deliver(how, max, time)?;
        self.is_stopped.set(false);
        self.show_all(messages, out)
    }
}

/// How many messages are asked for.
fn most(call: &Call<'_>, index: usize) -> Result<usize, Thrown> {
    let max = call.long(index, 1)?;
    match (1..=MANY).contains(&max) {
        true => Ok(max as usize),
        false => Err(bad_argument(index, "must be between 1 and 10000")),
    }
}

/// `get(float $wait = 0.0, ?int $lease = null): ?Message`
pub extern "C" fn get(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 2), |call, out| {
        this::<Queue>(call)?.one(leased(call, 1)?, seconds(call, 0, 0.0)?, out)
    });
}

/// `getMulti(int $max, float $wait = 0.0, ?int $lease = null): array`
pub extern "C" fn get_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 3), |call, out| {
        let time = seconds(call, 1, 0.0)?;
        this::<Queue>(call)?.many(leased(call, 2)?, most(call, 0)?, time, out)
    });
}

/// `take(float $wait = 0.0): ?Message`
pub extern "C" fn take(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, out| {
        this::<Queue>(call)?.one(How::Taken, seconds(call, 0, 0.0)?, out)
    });
}

/// `takeMulti(int $max, float $wait = 0.0): array`
pub extern "C" fn take_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, out| {
        let time = seconds(call, 1, 0.0)?;
        this::<Queue>(call)?.many(How::Taken, most(call, 0)?, time, out)
    });
}

/// `peek(int $max = 1): array`
pub extern "C" fn peek(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, out| {
        let queue = this::<Queue>(call)?;
        let messages = match queue.opened.durable.peek(&queue.name, most(call, 0)?) {
            Ok(messages) => messages,
            Err(Error::NoQueue(_)) => Vec::new(),
            Err(error) => return Err(fail(error)),
        };
        queue.show_all(messages, out)
    });
}

/// `ack(Message|string $message): bool`
pub extern "C" fn ack(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let queue = this::<Queue>(call)?;
        let acked = queue.opened.durable.ack(&queue.name, &[receipt(call, 0)?]).map_err(fail)?;
        out.set_bool(acked == [true]);
        Ok(())
    });
}

/// `ackMulti(array $messages): int`: how many were still this consumer's.
pub extern "C" fn ack_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let queue = this::<Queue>(call)?;
        let messages = call.array(0)?;
        let mut receipts = BailoutGuard::new(Vec::with_capacity(messages.len()));
        for message in values(messages) {
            let message = message.dereference();
            receipts.push(match (Message::in_object(message), message.zend_str()) {
                (Some(message), _) => message.receipt()?,
                (None, Some(text)) => parsed(text.as_bytes())?,
                (None, None) => {
                    return Err(bad_argument(
                        0,
                        "must be a list of messages, or of their receipts",
                    ));
                }
            });
        }
        let acked = queue.opened.durable.ack(&queue.name, &receipts).map_err(fail)?;
        out.set_long(acked.iter().filter(|acked| **acked).count() as i64);
        Ok(())
    });
}

/// `nak(Message|string $message, ?int $delay = null): bool`
pub extern "C" fn nak(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, out| {
        let queue = this::<Queue>(call)?;
        let (receipt, delay) = (receipt(call, 0)?, seconds_or_null(call, 1)?);
        let fate = queue.opened.durable.nak(&queue.name, &receipt, delay).map_err(fail)?;
        out.set_bool(fate != Fate::Unknown);
        Ok(())
    });
}

/// `extend(Message|string $message, int $seconds): string|false`: the receipt from now on.
pub extern "C" fn extend(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (2, 2), |call, out| {
        let queue = this::<Queue>(call)?;
        let (receipt, seconds) = (receipt(call, 0)?, whole_seconds(call, 1)?);
        let renewed = queue.opened.durable.extend(&queue.name, &receipt, seconds).map_err(fail)?;
        let Some(renewed) = renewed else {
            out.set_bool(false);
            return Ok(());
        };
        if let (Some(message), Some(object)) = (Message::of(call, 0), call.arg(0)) {
            message.renew(object, renewed);
        }
        let written = BailoutGuard::new(renewed.to_string());
        *out = text(written.as_bytes());
        Ok(())
    });
}

/// `stop(): void`
pub extern "C" fn stop(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, _| {
        this::<Queue>(call)?.is_stopped.set(true);
        Ok(())
    });
}

/// A message that a worker has. If he is not done with it when this goes, because he has thrown, or PHP has bailed out, it is
/// refused, so that it need not wait for its lease.
struct Held {
    durable: Durable,
    queue: Rc<[u8]>,
    receipt: Option<Receipt>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(receipt) = self.receipt {
            // If that fails it comes back when its lease ends.
            let _ = self.durable.nak(&self.queue, &receipt, None);
        }
    }
}

/// `consume(callable $worker, float $idle = INF, int $max = PHP_INT_MAX, ?int $lease = null, ?callable $failed = null): int`
pub extern "C" fn consume(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 5), |call, out| {
        let queue = this::<Queue>(call)?;
        let worker = call.callable(0)?;
        let idle = seconds(call, 1, f64::INFINITY)?;
        let max = call.long(2, i64::MAX)?;
        let how = leased(call, 3)?;
        let failed = call.callback(4)?;
        let (mut handed, mut done) = (0, 0_i64);
        while handed < max && !queue.is_stopped.get() {
            let Some(delivered) = queue.deliver(how, 1, idle)?.pop() else {
                break;
            };
            handed += 1;
            done += i64::from(work(queue, delivered, worker, failed)?);
        }
        queue.is_stopped.set(false);
        out.set_long(done);
        Ok(())
    });
}

/// Hands one message to the worker. True if he has returned.
fn work(
    queue: &Queue,
    delivered: Delivered,
    worker: &Zval,
    failed: Option<&Zval>,
) -> Result<bool, Thrown> {
    let mut held = BailoutGuard::new(Held {
        durable: queue.opened.durable.clone(),
        queue: queue.name.clone(),
        receipt: delivered.receipt,
    });
    let mut message = Zval::null();
    queue.show(delivered, &mut message)?;
    let done = unreadable(&message)
        .and_then(|()| produce(worker, &mut [message.shallow_clone()], &mut Zval::new()));
    // It may have been given a longer lease.
    held.receipt = Message::in_object(&message).and_then(|message| message.receipt().ok());
    if done.is_ok() {
        let receipt = held.receipt.take();
        // If it is not his any more he has seen to it himself, or took longer than his lease.
        queue.opened.durable.ack(&queue.name, receipt.as_slice()).map_err(fail)?;
        return Ok(true);
    }
    drop(held);
    let (Some(failed), Some(thrown)) = (failed, take_exception()) else {
        return Err(Thrown);
    };
    produce(failed, &mut [thrown, message], &mut Zval::new()).map(|()| false)
}

/// Throws what keeps a message's value from being read.
fn unreadable(message: &Zval) -> Answer {
    match property::<Message>(message, ERROR).string() {
        Some(error) => Err(refuse(error)),
        None => Ok(()),
    }
}
