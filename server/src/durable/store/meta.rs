//! The meta commands. That an item was read before, and when, is not kept by a store: `h` and `l` are 0.

use super::super::Replies;
use super::verbs::{failed, ticket, ticket_of_value};
use crate::buffer::Output;
use crate::classes::Classes;
use crate::protocol::meta::{Head, Meta, Store as Storing, Verb};
use crate::protocol::meta_reply::{self, Kept, Told};
use crate::protocol::reply;
use nearcache::{KEY_MAX, MetaGet};
use nearcache_store::{Hit, Look, Store};

/// Is it known from the line that it changes something, and reads nothing on this thread?
pub fn changes(meta: &Meta<'_>) -> bool {
    match meta.verb {
        Verb::Get(ask) => ask.vivify.is_some() || ask.touch.is_some() || ask.recache.is_some(),
        Verb::Delete(_) | Verb::Arith(_) => true,
        Verb::Inspect => false,
    }
}

/// Executes a meta command that has no data. One that reads is given here when no reply is outstanding.
pub fn run(
    store: &Store,
    classes: &Classes,
    replies: &mut Replies,
    meta: &Meta<'_>,
    out: &mut Output,
) {
    let mut room = [0; KEY_MAX];
    let Some(key) = meta.head.key(&mut room) else {
        return replies.say(reply::BAD_BASE64, out);
    };
    let kept = Kept::new(&meta.head);
    match meta.verb {
        Verb::Get(ask) => get(store, replies, &meta.head, key, ask, out),
        Verb::Inspect => inspect(store, classes, key, out),
        Verb::Delete(ask) => {
            let ticket = ticket(replies, key.len());
            store.meta_delete_with(key, ask, move |done| match done {
                Ok((deletion, _)) => ticket.answer(meta_reply::deleted(&kept.head(), deletion)),
                Err(error) => ticket.answer(failed(&error)),
            });
        }
        Verb::Arith(ask) => {
            let ticket = ticket(replies, key.len());
            store.meta_arith_with(key, ask, move |sum| match sum {
                Ok(sum) => ticket.answer(meta_reply::sum(&kept.head(), sum, true)),
                Err(error) => ticket.answer(failed(&error)),
            });
        }
    }
}

/// Stores what came behind an `ms`.
pub fn set(
    store: &Store,
    replies: &mut Replies,
    storing: &Storing<'_>,
    value: &[u8],
    out: &mut Output,
) {
    let mut room = [0; KEY_MAX];
    let Some(key) = storing.head.key(&mut room) else {
        return replies.say(reply::BAD_BASE64, out);
    };
    let (kept, ticket) = (Kept::new(&storing.head), ticket(replies, key.len() + value.len()));
    store.meta_set_with(key, value, storing.ask, move |stored| match stored {
        Ok(stored) => {
            let answer = meta_reply::stored(&kept.head(), stored.outcome, stored.len, true);
            ticket.answer(answer);
        }
        Err(error) => ticket.answer(failed(&error)),
    });
}

fn get(
    store: &Store,
    replies: &mut Replies,
    head: &Head<'_>,
    key: &[u8],
    ask: MetaGet,
    out: &mut Output,
) {
    match store.meta_look(key, ask) {
        Err(error) => replies.say(&failed(&error), out),
        Ok(Look::Seen(hit)) => replies.say(&found(head, key, hit), out),
        Ok(Look::Changes) => {
            let (kept, shown) = (Kept::new(head), key.to_vec());
            let ticket = ticket_of_value(replies);
            store.meta_get_with(key, ask, move |hit| match hit {
                Ok(hit) => ticket.answer(found(&kept.head(), &shown, hit)),
                Err(error) => ticket.answer(failed(&error)),
            });
        }
    }
}

fn found(head: &Head<'_>, key: &[u8], hit: Option<Hit>) -> Vec<u8> {
    let Some(hit) = hit else {
        return if head.quiet { Vec::new() } else { meta_reply::bare(b"EN", head) };
    };
    let with_value = head.value && !hit.same;
    let mut answer = meta_reply::hit(head, key, &told(&hit), with_value);
    if with_value {
        answer.extend_from_slice(&hit.value.data);
        answer.extend_from_slice(b"\r\n");
    }
    answer
}

fn told(hit: &Hit) -> Told {
    Told {
        len: hit.len,
        flags: hit.value.flags,
        cas: hit.value.cas,
        ttl_before: hit.ttl_before,
        ttl: hit.value.ttl,
        hit_before: false,
        last_access: 0,
        won: hit.won,
        stale: hit.stale,
        sent: hit.sent,
        binary: hit.binary,
        size: hit.size,
    }
}

/// `me` looks and wins nothing: what it finds stale it leaves to be won.
fn inspect(store: &Store, classes: &Classes, key: &[u8], out: &mut Output) {
    match store.inspect(key) {
        Ok(Some(hit)) => {
            out.text(&meta_reply::inspected(key, &told(&hit), classes.of(hit.size)));
        }
        Ok(None) => out.text(reply::META_MISS),
        Err(error) => out.text(&failed(&error)),
    }
}
