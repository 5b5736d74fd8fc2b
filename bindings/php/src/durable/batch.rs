//! `NearCache\Batch`: changes to items and queues that happen together or not at all.

use super::change::natural;
use super::define::{
    ARRAY, Described, INT, Method, NULL, Param, STATIC, STRING, Type, VOID, method, object,
    registered, this,
};
use super::error::fail;
use super::message::Message;
use super::open::{Opened, expiry};
use super::queue::{DELAY, EXPIRE, ID, MESSAGE, push_at, queue_name, receipt};
use super::store::{EXPIRATION, KEY, VALUE, opened};
use super::value::encode;
use crate::zend::array::{answer, push as append};
use crate::zend::call::{Answer, Call, Thrown, refuse};
use crate::zend::callback::produce;
use ext_php_rs::types::{ZendClassObject, ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache::Verb;
use nearcache_store::storing;
use nearcache_store::wire::Change;
use std::cell::RefCell;

/// The Rust half of a `NearCache\Batch`.
pub struct Batch {
    opened: Opened,
    changes: RefCell<Vec<Change>>,
}

registered!(Batch, "NearCache\\Batch");

const QUEUE: Param = ("queue", Type::class("NearCache\\Queue").or(STRING), None);

impl Described for Batch {
    const CONSTRUCTOR: Option<&'static [Param]> = None;

    #[rustfmt::skip] // A row each.
    const METHODS: &'static [Method] = &[
        ("set", set, &[KEY, VALUE, EXPIRATION], STATIC),
        ("add", add, &[KEY, VALUE, EXPIRATION], STATIC),
        ("replace", replace, &[KEY, VALUE, EXPIRATION], STATIC),
        ("cas", cas, &[("cas", INT, None), KEY, VALUE, EXPIRATION], STATIC),
        ("delete", delete, &[KEY], STATIC),
        ("increment", increment, &[KEY, ("offset", INT, Some("1"))], STATIC),
        ("decrement", decrement, &[KEY, ("offset", INT, Some("1"))], STATIC),
        ("push", push, &[QUEUE, VALUE, DELAY, EXPIRE, ID], STATIC),
        ("ack", ack, &[MESSAGE, ("queue", Type::class("NearCache\\Queue").or(STRING).or(NULL), Some("null"))], STATIC),
        ("commit", commit, &[], ARRAY),
        ("discard", discard, &[], VOID),
        ("count", count, &[], INT),
    ];
}

/// `batch(?callable $changes = null): Batch|array`: with a callable, what it has put into the batch is committed when it
/// returns.
pub extern "C" fn batch(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 1), |call, out| {
        let batch = Batch { opened: opened(call)?.clone(), changes: RefCell::default() };
        let changes = match call.arg(0).filter(|changes| !changes.is_null()) {
            None => {
                object(batch, out);
                return Ok(());
            }
            Some(_) => {
                let batch = BailoutGuard::new(batch);
                let changes = call.callable(0)?;
                object(batch.into_inner(), out);
                changes
            }
        };
        let made = out.shallow_clone();
        *out = Zval::null();
        produce(changes, &mut [made.shallow_clone()], &mut Zval::new())?;
        let batch = made.object().and_then(ZendClassObject::<Batch>::from_zend_obj);
        let batch = batch.and_then(|batch| batch.obj.as_ref());
        batch.map_or(Ok(()), |batch| batch.commit(out))
    });
}

impl Batch {
    /// Adds a change; nothing of PHP's runs meanwhile.
    fn put(&self, change: Change) {
        self.changes.borrow_mut().push(change);
    }

    fn commit(&self, out: &mut Zval) -> Answer {
        // If it fails they are still here, to be tried again or discarded.
        let changes = self.changes.borrow().clone();
        let numbers = BailoutGuard::new(self.opened.durable.commit(changes).map_err(fail)?);
        self.changes.take();
        let mut list = ZendHashTable::with_capacity(numbers.len() as u32);
        for number in numbers.iter() {
            append(&mut list, *number as i64)?;
        }
        answer(out, list);
        Ok(())
    }
}

/// A method that adds a change and returns its own object.
fn adding(
    frame: &ExecuteData,
    out: &mut Zval,
    counts: (u32, u32),
    change: impl FnOnce(&Call<'_>, &Batch) -> Result<Change, Thrown>,
) {
    method(frame, out, counts, |call, out| {
        let batch = this::<Batch>(call)?;
        batch.put(change(call, batch)?);
        *out = call.object();
        Ok(())
    });
}

/// A storing verb whose key is the argument at `index`.
fn stored(call: &Call<'_>, batch: &Batch, index: usize, verb: Verb) -> Result<Change, Thrown> {
    let key = call.key(index)?;
    let expiry = expiry(call.long(index + 2, 0)?);
    let (payload, flags) = encode(call.arg(index + 1), batch.opened.writing)?;
    Ok(Change::Set(storing(verb, &key, payload.bytes(), flags, expiry)))
}

extern "C" fn set(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (2, 3), |call, batch| stored(call, batch, 0, Verb::Set));
}

extern "C" fn add(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (2, 3), |call, batch| stored(call, batch, 0, Verb::Add));
}

extern "C" fn replace(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (2, 3), |call, batch| stored(call, batch, 0, Verb::Replace));
}

extern "C" fn cas(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (3, 4), |call, batch| {
        let unique = call.long(0, 0)? as u64;
        stored(call, batch, 1, Verb::Cas(unique))
    });
}

extern "C" fn delete(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (1, 1), |call, _| Ok(Change::Delete { key: call.key(0)?.to_vec().into() }));
}

extern "C" fn increment(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (1, 2), |call, _| counted(call, false));
}

extern "C" fn decrement(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (1, 2), |call, _| counted(call, true));
}

fn counted(call: &Call<'_>, down: bool) -> Result<Change, Thrown> {
    let delta = natural(call, 1, 1)?;
    Ok(Change::Count { key: call.key(0)?.to_vec().into(), delta, down })
}

/// `push(Queue|string $queue, mixed $value, int $delay = 0, ?int $expire = null, string $id = ''): static`
extern "C" fn push(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (2, 5), |call, batch| {
        let queue = queue_name(call, 0)?;
        let (payload, flags) = encode(call.arg(1), batch.opened.writing)?;
        let push = push_at(call, 2, flags)?;
        Ok(Change::Push {
            queue: queue.to_vec().into(),
            body: payload.bytes().to_vec().into(),
            push,
        })
    });
}

/// `ack(Message|string $message, Queue|string|null $queue = null): static`
extern "C" fn ack(frame: &mut ExecuteData, out: &mut Zval) {
    adding(frame, out, (1, 2), |call, _| {
        let receipt = receipt(call, 0)?;
        let is_named = call.arg(1).is_some_and(|queue| !queue.is_null());
        let queue = match (is_named, Message::of(call, 0)) {
            (true, _) => queue_name(call, 1)?.to_vec(),
            (false, Some(message)) => message.queue().to_vec(),
            (false, None) => {
                return Err(refuse(
                    "a receipt does not tell its queue: give the queue, too, or the message itself",
                ));
            }
        };
        Ok(Change::Ack { queue: queue.into(), receipt })
    });
}

/// `commit(): array`: the number of each change, in their order.
extern "C" fn commit(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| this::<Batch>(call)?.commit(out));
}

/// `discard(): void`
extern "C" fn discard(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, _| {
        this::<Batch>(call)?.changes.take();
        Ok(())
    });
}

/// `count(): int`
extern "C" fn count(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        out.set_long(this::<Batch>(call)?.changes.borrow().len() as i64);
        Ok(())
    });
}
