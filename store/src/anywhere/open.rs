//! Directories that this process has open: who opens one again gets the same, for one process owns a store, and its
//! parts may not know of each other.

use crate::fork::Maker;
use crate::wire::Service;
use crate::{Error, Options};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// By their canonical paths. An entry of a parent, before a fork, is nobody's here.
type Open = HashMap<PathBuf, (Maker, Weak<Service>)>;

static OPEN: Mutex<Option<Open>> = Mutex::new(None);
/// With so many entries those that are closed are dropped.
const MANY: usize = 64;
/// How long the one before may take to close what it had open.
const CLOSING: Duration = Duration::from_secs(30);

/// The service of a directory. `None` for options: those that it was opened with, or else the default ones. The last
/// handle that is dropped closes it.
pub fn open(dir: &Path, options: Option<Options>) -> Result<Arc<Service>, Error> {
    // The lock is kept while a directory is opened: who comes meanwhile gets what is opened.
    let mut all = OPEN.lock();
    let all = all.get_or_insert_default();
    let known = dir.canonicalize().ok().and_then(|path| all.get(&path).cloned());
    let known = known.filter(|(maker, _)| maker.is_this());
    let service = match known.as_ref().and_then(|(_, service)| service.upgrade()) {
        Some(service) => {
            if let Some(options) = &options {
                same(service.database().options(), options, dir)?;
            }
            service
        }
        None => {
            let options = options.unwrap_or_default();
            let until = Instant::now() + CLOSING;
            loop {
                match Service::open(dir, options.clone()) {
                    // The last handle is being dropped on another thread.
                    Err(Error::InUse { .. }) if known.is_some() && Instant::now() < until => {
                        thread::sleep(Duration::from_millis(1));
                    }
                    opened => break Arc::new(opened?),
                }
            }
        }
    };
    // Those that are closed are only of use while they close.
    if all.len() >= MANY {
        all.retain(|_, (_, service)| service.strong_count() > 0);
    }
    if let Ok(path) = dir.canonicalize() {
        all.insert(path, (Maker::this(), Arc::downgrade(&service)));
    }
    Ok(service)
}

/// Are they the options that it is open with?
fn same(has: &Options, wants: &Options, dir: &Path) -> Result<(), Error> {
    let differs = |what: &str, has: String, wants: String| {
        Err(Error::InvalidOptions(format!(
            "{} is open in this process with {what} {has}, not {wants}: open it with the same options, or with none",
            dir.display()
        )))
    };
    // `create` and `accept_loss` have no say over what is open.
    if has.policy != wants.policy {
        return differs("policy", format!("{:?}", has.policy), format!("{:?}", wants.policy));
    }
    if has.near_home != wants.near_home {
        let text = |home| format!("{home:?}");
        return differs("near_home", text(&has.near_home), text(&wants.near_home));
    }
    let numbers = |o: &Options| {
        [
            ("near", o.near),
            ("item_size_max", o.item_size_max as u64),
            ("quota", o.quota.unwrap_or(0)),
            ("block_cache", o.block_cache),
            ("workers", o.workers as u64),
            ("queue_bytes", o.queue_bytes as u64),
            ("manual_clock", o.manual_clock.unwrap_or(0) as u64),
        ]
    };
    for ((what, has), (_, wants)) in numbers(has).into_iter().zip(numbers(wants)) {
        if has != wants {
            return differs(what, has.to_string(), wants.to_string());
        }
    }
    Ok(())
}
