//! `getDelayed`, `fetch`, `fetchAll`: what `\Memcached` asks for at once and hands out later. Here the values are read
//! at once, and wait with the object.

use super::counts;
use super::read::{Shown, item};
use crate::handle::Handle;
use crate::prefix::Room;
use crate::reply;
use crate::zend::array::{answer, key_in, push};
use crate::zend::call::{Answer, Call, run};
use crate::zend::callback::tell;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ExecuteData;

/// `getDelayed(array $keys, bool $with_cas = false, ?callable $value_cb = null): bool`
pub extern "C" fn get_delayed<const AT: usize>(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, counts::<AT>(1, 3), |call, out| {
        let this = call.this()?;
        if AT == 1 {
            call.string(0)?;
        }
        let keys = call.array(AT)?;
        let with_cas = call.truth(1 + AT, false)?;
        let callback = call.callback(2 + AT)?;
        this.kept().delayed.set(None);
        let mut list = ZendHashTable::new();
        let (mut met, mut good) = (false, false);
        for element in keys.values() {
            let (key, _) = key_in(AT, element)?;
            let mut room = Room::new();
            let found = match item(this, &key, this.place(&key, &mut room), with_cas)? {
                Shown::Item(found) => found,
                Shown::Missing => {
                    good = true;
                    continue;
                }
                Shown::Bad => continue,
            };
            (met, good) = (true, true);
            match callback {
                Some(callback) => tell(callback, call.object(), found)?,
                None => push(&mut list, found)?,
            }
        }
        if !good {
            // Of no key at all, too: then there is no failure to explain it.
            if keys.is_empty() {
                this.refuse(reply::BAD_KEY_PROVIDED, "there is no key to get");
            }
            out.set_bool(false);
            return Ok(());
        }
        let none = callback.is_some() && !met;
        this.note(if none { reply::NOTFOUND } else { reply::SUCCESS });
        if callback.is_none() {
            keep(this, list);
        }
        out.set_bool(!none);
        Ok(())
    });
}

fn keep(this: &Handle, list: ZBox<ZendHashTable>) {
    let mut zval = Zval::new();
    answer(&mut zval, list);
    this.kept().fetched.set(0);
    this.kept().delayed.set(Some(zval));
}

/// `fetch(): array|false`: the next result.
pub extern "C" fn fetch(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call, out| {
        let this = call.this()?;
        let kept = this.kept();
        let waiting = kept.delayed.take();
        let next = waiting
            .as_ref()
            .and_then(Zval::array)
            .and_then(|list| list.get_index(kept.fetched.get() as i64))
            .map(Zval::shallow_clone);
        if next.is_some() {
            kept.fetched.set(kept.fetched.get() + 1);
            kept.delayed.set(waiting);
        }
        found(this, next, out)
    });
}

/// `fetchAll(): array|false`: the results that were not fetched yet.
pub extern "C" fn fetch_all(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (0, 0), |call: &Call<'_>, out| {
        let this = call.this()?;
        let waiting = this.kept().delayed.take();
        let fetched = this.kept().fetched.replace(0) as usize;
        let list = waiting.as_ref().and_then(Zval::array);
        let rest = match list.map_or(0, ZendHashTable::len).saturating_sub(fetched) {
            0 => None,
            _ if fetched == 0 => waiting,
            _ => {
                let mut rest = ZendHashTable::new();
                for item in list.into_iter().flat_map(|list| list.values().skip(fetched)) {
                    push(&mut rest, item.shallow_clone())?;
                }
                let mut zval = Zval::new();
                answer(&mut zval, rest);
                Some(zval)
            }
        };
        found(this, rest, out)
    });
}

fn found(this: &Handle, result: Option<Zval>, out: &mut Zval) -> Answer {
    let code = if result.is_some() { reply::SUCCESS } else { reply::NOTFOUND };
    this.note(code);
    match result {
        Some(result) => *out = result,
        None => out.set_bool(false),
    }
    Ok(())
}
