//! `NearCache\Message`: a message as a consumer has it, with what it is acknowledged, refused or kept longer by.

use super::define::{
    BOOL, Described, INT, MIXED, Method, NULL, Param, STRING, Type, fill, method, object,
    registered, this,
};
use super::error::fail;
use super::interrupt::take_exception;
use super::scan::text;
use super::value::{Unread, decode};
use crate::settings::Writing;
use crate::zend::call::{Call, Thrown, bad_argument, refuse};
use ext_php_rs::types::{ZendClassObject, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::queue::{Fate, Receipt};
use nearcache_store::{Durable, queue};
use std::cell::Cell;
use std::rc::Rc;

/// The Rust half of a `NearCache\Message`.
pub struct Message {
    durable: Durable,
    queue: Rc<[u8]>,
    receipt: Cell<Option<Receipt>>,
}

registered!(Message, "NearCache\\Message");

/// Places of properties.
pub const ERROR: usize = 1;
const RECEIPT: usize = 9;

impl Described for Message {
    const CONSTRUCTOR: Option<&'static [Param]> = None;

    const METHODS: &'static [Method] = &[
        ("ack", ack, &[], BOOL),
        ("nak", nak, &[("delay", INT.or(NULL), Some("null"))], BOOL),
        ("extend", extend, &[("seconds", INT, None)], BOOL),
    ];

    const PROPERTIES: &'static [(&'static str, Type)] = &[
        ("value", MIXED),
        ("error", STRING.or(NULL)),
        ("queue", STRING),
        ("id", STRING.or(NULL)),
        ("seq", INT),
        ("deliveries", INT),
        ("at", INT),
        ("expires", INT.or(NULL)),
        ("origin", STRING.or(NULL)),
        ("receipt", STRING.or(NULL)),
        ("flags", INT),
    ];
}

impl Message {
    /// The argument at `index`, if it is a message.
    pub fn of<'a>(call: &Call<'a>, index: usize) -> Option<&'a Message> {
        Message::in_object(call.arg(index)?)
    }

    /// The message that a zval is.
    pub fn in_object(object: &Zval) -> Option<&Message> {
        ZendClassObject::<Message>::from_zend_obj(object.object()?)?.obj.as_ref()
    }

    /// Its queue's name.
    pub fn queue(&self) -> &[u8] {
        &self.queue
    }

    /// What it is acknowledged by now; throws if it was taken for good, or only looked at.
    pub fn receipt(&self) -> Result<Receipt, Thrown> {
        self.receipt.get().ok_or_else(|| {
            refuse(
                "the message has no receipt: it was taken for good, or only looked at, and is not this consumer's",
            )
        })
    }

    /// Takes the receipt of a longer lease, and shows it in the object.
    pub fn renew(&self, object: &Zval, receipt: Receipt) {
        self.receipt.set(Some(receipt));
        let written = BailoutGuard::new(receipt.to_string());
        fill::<Message>(object, RECEIPT, text(written.as_bytes()));
    }
}

/// Makes `out` an object of a message.
pub fn give(
    message: queue::Message,
    durable: &Durable,
    queue: &Rc<[u8]>,
    writing: Writing,
    out: &mut Zval,
) -> Result<(), Thrown> {
    let queue::Message { body, flags, seq, deliveries, at, expires, id, origin, receipt, .. } =
        message;
    let words = BailoutGuard::new((id, origin, receipt.map(|receipt| receipt.to_string())));
    let (mut value, mut error) = (Zval::null(), Zval::null());
    // What cannot be read does not keep its receipt, and the messages behind it, from the consumer.
    match decode(body, flags, writing, &mut value) {
        Ok(()) => {}
        Err(Unread::Damaged(what)) => {
            let what = BailoutGuard::new(format!("the value cannot be read: {what}"));
            error = text(what.as_bytes());
        }
        Err(Unread::Thrown) => error = caught()?,
    }
    let half =
        Message { durable: durable.clone(), queue: queue.clone(), receipt: Cell::new(receipt) };
    object(half, out);
    let long = |long: u64| {
        let mut zval = Zval::new();
        zval.set_long(long as i64);
        zval
    };
    let word = |word: &[u8]| if word.is_empty() { Zval::null() } else { text(word) };
    let (id, origin, receipt) = &*words;
    let properties = [
        value,
        error,
        text(queue),
        word(id),
        long(seq),
        long(deliveries.into()),
        long(at),
        expires.map_or(Zval::null(), long),
        word(origin),
        word(receipt.as_deref().unwrap_or_default().as_bytes()),
        long(flags.into()),
    ];
    for (index, property) in properties.into_iter().enumerate() {
        fill::<Message>(out, index, property);
    }
    Ok(())
}

/// What the exception says that is under way, which ends here; but not an `exit`.
fn caught() -> Result<Zval, Thrown> {
    let exception = take_exception().ok_or(Thrown)?;
    let object = exception.object().ok_or(Thrown)?;
    let class = BailoutGuard::new(object.get_class_name().unwrap_or_default());
    let said = exception.try_call_method("getMessage", vec![]).map_err(|_| Thrown)?;
    let said = BailoutGuard::new(said.string().unwrap_or_default());
    let whole = BailoutGuard::new(format!("the value cannot be read: {}: {}", *class, *said));
    Ok(text(whole.as_bytes()))
}

/// A number of seconds that is an argument; throws a `ValueError` if it cannot be one.
pub fn whole_seconds(call: &Call<'_>, index: usize) -> Result<u32, Thrown> {
    u32::try_from(call.long(index, 0)?)
        .map_err(|_| bad_argument(index, "must be a number of seconds of 0 or more"))
}

/// The same, if it was given.
pub fn seconds_or_null(call: &Call<'_>, index: usize) -> Result<Option<u32>, Thrown> {
    match call.arg(index) {
        Some(argument) if !argument.is_null() => whole_seconds(call, index).map(Some),
        _ => Ok(None),
    }
}

/// `ack(): bool`
extern "C" fn ack(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let message = this::<Message>(call)?;
        let acked = message.durable.ack(&message.queue, &[message.receipt()?]).map_err(fail)?;
        out.set_bool(acked == [true]);
        Ok(())
    });
}

/// `nak(?int $delay = null): bool`
extern "C" fn nak(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, out| {
        let message = this::<Message>(call)?;
        let delay = seconds_or_null(call, 0)?;
        let fate = message.durable.nak(&message.queue, &message.receipt()?, delay);
        out.set_bool(fate.map_err(fail)? != Fate::Unknown);
        Ok(())
    });
}

/// `extend(int $seconds): bool`
extern "C" fn extend(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let message = this::<Message>(call)?;
        let seconds = whole_seconds(call, 0)?;
        let renewed = message.durable.extend(&message.queue, &message.receipt()?, seconds);
        let renewed = renewed.map_err(fail)?;
        if let Some(receipt) = renewed {
            message.renew(&call.object(), receipt);
        }
        out.set_bool(renewed.is_some());
        Ok(())
    });
}
