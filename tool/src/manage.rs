//! Caches come and go: create and rm.

use crate::arguments::{Create, Policy, Rm};
use crate::attach::{Place, living, path_text, processes_are};
use crate::failure::{Answer, Failure, note};
use crate::look::info_json;
use crate::units;
use nearcache::{Access, Error, Home, Options};
use serde_json::json;
use std::io::Write;

/// Creates a cache; no if it is there already.
pub fn create(asked: &Create, out: &mut dyn Write) -> Result<Answer, Failure> {
    let mut options = Options::new(asked.size).home(asked.name.home.clone()).access(Access::Create);
    options.evict = !asked.no_evict;
    options.track_access = asked.track_access;
    options.permissions = asked.permissions;
    options.policy = match asked.policy {
        Policy::S3fifo => nearcache::Policy::S3Fifo,
        Policy::Lru => nearcache::Policy::Lru,
    };
    let in_memory = |size: u64| {
        usize::try_from(size).map_err(|_| Failure::told("the size is beyond this machine's memory"))
    };
    if let Some(size) = asked.item_size_max {
        options.item_size_max = in_memory(size)?;
    }
    if let Some(size) = asked.item_size_hint {
        options.item_size_hint = in_memory(size)?;
    }
    let cache = match options.open() {
        Err(Error::RegionExists(why)) => {
            note(&why);
            return Ok(Answer::No);
        }
        opened => opened?,
    };
    let info = cache.info();
    match asked.json {
        true => writeln!(out, "{}", info_json(&info))?,
        false => {
            let path = info
                .path
                .as_deref()
                .map_or(String::new(), |path| format!(" in {}", path_text(path)));
            writeln!(out, "created {}: {}{path}", asked.name.text, units::bytes(info.size))?;
        }
    }
    Ok(Answer::Yes)
}

/// What became of a name.
enum Removal {
    /// With what it was, if that could be told.
    Removed(String),
    Missing,
    Refused(String),
}

/// Removes each name it may; what it may not, or cannot, does not keep it from the others.
pub fn rm(asked: &Rm, out: &mut dyn Write) -> Result<Answer, Failure> {
    let (mut missing, mut refused, mut told) = (0, 0, Vec::new());
    for place in &asked.names {
        let removal = remove(place, asked.force);
        let (is_removed, why) = match &removal {
            Removal::Removed(what) => (true, what),
            Removal::Missing => (false, &"there is no such cache".to_string()),
            Removal::Refused(why) => (false, why),
        };
        missing += u32::from(matches!(removal, Removal::Missing));
        refused += u32::from(matches!(removal, Removal::Refused(_)));
        match (asked.json, is_removed) {
            (true, true) => told.push(json!({ "name": place.text, "removed": true })),
            (true, false) => told.push(json!({ "name": place.text, "removed": false, "why": why })),
            (false, true) => writeln!(out, "removed {}{why}", place.text)?,
            (false, false) => note(&format!("{}: {why}", place.text)),
        }
    }
    if asked.json {
        writeln!(out, "{}", json!(told))?;
    }
    match (refused, missing) {
        (0, _) => Ok(Answer::of(missing == 0)),
        _ => Err(Failure::Told(format!("{refused} of {} were not removed", asked.names.len()))),
    }
}

fn remove(place: &Place, force: bool) -> Removal {
    match removed(place, force) {
        Ok(removal) => removal,
        Err(error) => Removal::Refused(error.to_string()),
    }
}

fn removed(place: &Place, force: bool) -> Result<Removal, Error> {
    let opened = Options::attach(place.home.clone()).access(Access::ReadOnly).open();
    let (home, what) = match opened {
        Ok(cache) => {
            let living = living(&cache.processes()).len();
            if living > 0 && !force {
                let are = processes_are(living);
                let why = format!("{are} attached; --force removes it all the same");
                return Ok(Removal::Refused(why));
            }
            // Where there are two layouts side by side, a name stands for the one that it opens.
            let path = cache.info().path;
            let at =
                path.as_deref().map_or(String::new(), |path| format!(" in {}", path_text(path)));
            let (size, items) = (units::bytes(cache.info().size), units::items(cache.len()));
            let home = path.map_or_else(|| place.home.clone(), Home::At);
            (home, format!(": {size} with {items}{at}"))
        }
        // Nothing is there, or what an earlier run of the machine left: nobody has that.
        Err(Error::NoRegion(_)) => (place.home.clone(), String::new()),
        Err(Error::LayoutMismatch(_) | Error::Corrupt(_)) if force => {
            (place.home.clone(), String::new())
        }
        Err(other @ (Error::LayoutMismatch(_) | Error::Corrupt(_))) => {
            return Ok(Removal::Refused(format!(
                "nobody can tell who is attached; --force removes it all the same: {other}"
            )));
        }
        Err(other) => return Err(other),
    };
    Ok(match nearcache::unlink(&home)? {
        true => Removal::Removed(what),
        false => Removal::Missing,
    })
}
