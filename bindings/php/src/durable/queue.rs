//! `NearCache\Queue`: its table of methods, its constructor, what puts messages in, and the care of a queue. What hands
//! them out is in `deliver`.

use super::define::{
    ARRAY, BOOL, CALLABLE, Described, FALSE, FLOAT, INT, Method, NULL, Param, STRING, Type, VOID,
    method, object, registered, this,
};
use super::error::fail;
use super::message::{Message, seconds_or_null, whole_seconds};
use super::open::{Opened, open};
use super::store::{OPTIONS, PLACE, VALUE, opened as store_opened};
use super::value::encode;
use super::{deliver, settings};
use crate::zend::array::{answer, push};
use crate::zend::call::{Call, Thrown, bad_argument, refuse};
use ext_php_rs::class::ConstructorResult;
use ext_php_rs::types::{ZendClassObject, ZendHashTable, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::Error;
use nearcache_store::queue::{Push, Receipt};
use nearcache_store::wire::Change;
use std::cell::Cell;
use std::rc::Rc;

/// The Rust half of a `NearCache\Queue`.
pub struct Queue {
    /// The store that it is in.
    pub opened: Opened,
    /// Its name.
    pub name: Rc<[u8]>,
    /// `stop()` was called: `consume()` is to end.
    pub is_stopped: Cell<bool>,
}

registered!(Queue, "NearCache\\Queue", construct);

pub const DELAY: Param = ("delay", INT, Some("0"));
pub const EXPIRE: Param = ("expire", INT.or(NULL), Some("null"));
pub const ID: Param = ("id", STRING, Some("''"));
const A_MESSAGE: Type = Type::class("NearCache\\Message");
pub const MESSAGE: Param = ("message", A_MESSAGE.or(STRING), None);
const WAIT: Param = ("wait", FLOAT, Some("0.0"));
const LEASE: Param = ("lease", INT.or(NULL), Some("null"));
const MAX: Param = ("max", INT, None);

impl Described for Queue {
    const CONSTRUCTOR: Option<&'static [Param]> = Some(&[PLACE, ("name", STRING, None), OPTIONS]);

    #[rustfmt::skip] // A row each.
    const METHODS: &'static [Method] = &[
        ("put", put, &[VALUE, DELAY, EXPIRE, ID], INT.or(FALSE)),
        ("putMulti", put_multi, &[("values", ARRAY, None), DELAY, EXPIRE], ARRAY),
        ("get", deliver::get, &[WAIT, LEASE], A_MESSAGE.or(NULL)),
        ("getMulti", deliver::get_multi, &[MAX, WAIT, LEASE], ARRAY),
        ("take", deliver::take, &[WAIT], A_MESSAGE.or(NULL)),
        ("takeMulti", deliver::take_multi, &[MAX, WAIT], ARRAY),
        ("peek", deliver::peek, &[("max", INT, Some("1"))], ARRAY),
        ("consume", deliver::consume, &[("worker", CALLABLE, None), ("idle", FLOAT, Some("INF")), ("max", INT, Some("PHP_INT_MAX")), LEASE, ("failed", CALLABLE.or(NULL), Some("null"))], INT),
        ("stop", deliver::stop, &[], VOID),
        ("ack", deliver::ack, &[MESSAGE], BOOL),
        ("ackMulti", deliver::ack_multi, &[("messages", ARRAY, None)], INT),
        ("nak", deliver::nak, &[MESSAGE, ("delay", INT.or(NULL), Some("null"))], BOOL),
        ("extend", deliver::extend, &[MESSAGE, ("seconds", INT, None)], STRING.or(FALSE)),
        ("configure", settings::configure, &[("settings", ARRAY, None)], VOID),
        ("settings", settings::settings, &[], ARRAY),
        ("pause", pause::<true>, &[], VOID),
        ("resume", pause::<false>, &[], VOID),
        ("purge", purge, &[], INT),
        ("delete", delete, &[], BOOL),
        ("requeue", requeue, &[("to", STRING.or(NULL), Some("null")), ("max", INT, Some("PHP_INT_MAX"))], INT),
        ("stats", settings::stats, &[], ARRAY),
        ("count", count, &[], INT),
        ("__debugInfo", settings::debug_info, &[], ARRAY),
    ];
}

/// `__construct(string $place, string $name, array $options = [])`
fn construct(frame: &mut ExecuteData) -> ConstructorResult<Queue> {
    let made = Call::of(frame, (2, 3)).and_then(|call| {
        if call.state::<Queue>().is_some() {
            return Err(refuse("the queue is open already: __construct() may run once only"));
        }
        let options = match call.given() {
            3 => Some(call.array(2)?),
            _ => None,
        };
        let name = call.string(1)?;
        named(open(call.string(0)?, options)?, name)
    });
    match made {
        Ok(queue) => ConstructorResult::Ok(queue),
        Err(Thrown) => ConstructorResult::ArgError,
    }
}

/// `Store::queue(string $name): Queue`
pub extern "C" fn queue(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 1), |call, out| {
        let name = call.string(0)?;
        object(named(store_opened(call)?.clone(), name)?, out);
        Ok(())
    });
}

/// The queue of a name, which a daemon looks at when it is asked for something.
fn named(opened: Opened, name: &[u8]) -> Result<Queue, Thrown> {
    if let Some(service) = opened.durable.local() {
        service.queues.queue(name).map_err(fail)?;
    }
    Ok(Queue { opened, name: name.into(), is_stopped: Cell::new(false) })
}

/// The name of a queue that is an argument: the queue itself, or its name.
pub fn queue_name<'a>(call: &Call<'a>, index: usize) -> Result<&'a [u8], Thrown> {
    let queue =
        call.arg(index).and_then(Zval::object).and_then(ZendClassObject::<Queue>::from_zend_obj);
    match queue.and_then(|queue| queue.obj.as_ref()) {
        Some(queue) => Ok(&queue.name),
        None => call.string(index),
    }
}

/// The receipt of a message that is an argument: of the message itself, or as text.
pub fn receipt(call: &Call<'_>, index: usize) -> Result<Receipt, Thrown> {
    match Message::of(call, index) {
        Some(message) => message.receipt(),
        None => parsed(call.string(index)?),
    }
}

/// A receipt from its text.
pub fn parsed(text: &[u8]) -> Result<Receipt, Thrown> {
    String::from_utf8_lossy(text).parse().map_err(fail)
}

/// How a message with these flags is put in, by the arguments from `index` on: delay, expire, and perhaps an id.
pub fn push_at(call: &Call<'_>, index: usize, flags: u32) -> Result<Push, Thrown> {
    let delay = whole_seconds(call, index)?;
    let expire = seconds_or_null(call, index + 1)?;
    let id = call.string(index + 2)?;
    Ok(Push { flags, delay, expire, id: id.to_vec() })
}

/// `put(mixed $value, int $delay = 0, ?int $expire = null, string $id = ''): int|false`
extern "C" fn put(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 4), |call, out| {
        let queue = this::<Queue>(call)?;
        let (payload, flags) = encode(call.arg(0), queue.opened.writing)?;
        let push = push_at(call, 1, flags)?;
        let pushed =
            queue.opened.durable.push(&queue.name, payload.bytes(), &push).map_err(fail)?;
        match pushed.is_duplicate {
            true => out.set_bool(false),
            false => out.set_long(pushed.seq as i64),
        }
        Ok(())
    });
}

/// `putMulti(array $values, int $delay = 0, ?int $expire = null): array`: all or none.
extern "C" fn put_multi(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 3), |call, out| {
        let queue = this::<Queue>(call)?;
        let values = call.array(0)?;
        let (delay, expire) = (whole_seconds(call, 1)?, seconds_or_null(call, 2)?);
        let mut changes = BailoutGuard::new(Vec::with_capacity(values.len()));
        for value in crate::zend::walk::values(values) {
            let (payload, flags) = encode(Some(value.dereference()), queue.opened.writing)?;
            changes.push(Change::Push {
                queue: queue.name.to_vec().into(),
                body: payload.bytes().to_vec().into(),
                push: Push { flags, delay, expire, ..Push::default() },
            });
        }
        let numbers = queue.opened.durable.commit(changes.into_inner()).map_err(fail)?;
        let numbers = BailoutGuard::new(numbers);
        let mut list = ZendHashTable::with_capacity(numbers.len() as u32);
        for number in numbers.iter() {
            push(&mut list, *number as i64)?;
        }
        answer(out, list);
        Ok(())
    });
}

/// `pause(): void`, and `resume(): void`
extern "C" fn pause<const IS_PAUSED: bool>(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, _| {
        let queue = this::<Queue>(call)?;
        queue.opened.durable.pause(&queue.name, IS_PAUSED).map_err(fail)
    });
}

/// `purge(): int`
extern "C" fn purge(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        out.set_long(queue.opened.durable.purge(&queue.name).map_err(fail)? as i64);
        Ok(())
    });
}

/// `delete(): bool`
extern "C" fn delete(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        out.set_bool(queue.opened.durable.delete_queue(&queue.name).map_err(fail)?);
        Ok(())
    });
}

/// `requeue(?string $to = null, int $max = PHP_INT_MAX): int`
extern "C" fn requeue(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 2), |call, out| {
        /// Messages of one step: while it runs no other does.
        const STEP: u64 = 1000;
        let queue = this::<Queue>(call)?;
        let to = call.string_or_null(0)?;
        let most = u64::try_from(call.long(1, i64::MAX)?)
            .map_err(|_| bad_argument(1, "must be greater than or equal to 0"))?;
        let mut moved = 0;
        while moved < most {
            let step = STEP.min(most - moved);
            let durable = &queue.opened.durable;
            let done = durable.requeue(&queue.name, to, step as usize).map_err(fail)?;
            moved += done;
            if done < step {
                break;
            }
            super::interrupt::attend()?;
        }
        out.set_long(moved as i64);
        Ok(())
    });
}

/// `count(): int`: all messages; 0 if there is no such queue.
extern "C" fn count(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let queue = this::<Queue>(call)?;
        match queue.opened.durable.queue_stats(&queue.name) {
            Ok(stats) => out.set_long(stats.messages as i64),
            Err(Error::NoQueue(_)) => out.set_long(0),
            Err(error) => return Err(fail(error)),
        }
        Ok(())
    });
}
