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
    Removed,
    Missing,
    Refused(String),
}

/// Removes each name it may; what it may not, or cannot, does not keep it from the others.
pub fn rm(asked: &Rm, out: &mut dyn Write) -> Result<Answer, Failure> {
    let (mut missing, mut refused, mut told) = (0, 0, Vec::new());
    for place in &asked.names {
        let removal = remove(place, asked.force);
        let (removed, why) = match &removal {
            Removal::Removed => (true, None),
            Removal::Missing => {
                missing += 1;
                (false, Some("there is no such cache".to_string()))
            }
            Removal::Refused(why) => {
                refused += 1;
                (false, Some(why.clone()))
            }
        };
        if asked.json {
            told.push(json!({ "name": place.text, "removed": removed, "why": why }));
        } else if let Some(why) = why {
            note(&format!("{}: {why}", place.text));
        } else {
            writeln!(out, "removed {}", place.text)?;
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
    let home = match Options::attach(place.home.clone()).access(Access::ReadOnly).open() {
        Ok(cache) => {
            let living = living(&cache.processes()).len();
            if living > 0 && !force {
                let are = processes_are(living);
                let why = format!("{are} attached; --force removes it all the same");
                return Ok(Removal::Refused(why));
            }
            // Where there are two layouts side by side, a name stands for the one that it opens.
            cache.info().path.map_or_else(|| place.home.clone(), Home::At)
        }
        // Nothing is there, or what an earlier run of the machine left: nobody has that.
        Err(Error::NoRegion(_)) => place.home.clone(),
        Err(other @ (Error::LayoutMismatch(_) | Error::Corrupt(_))) if !force => {
            return Ok(Removal::Refused(format!(
                "nobody can tell who is attached; --force removes it all the same: {other}"
            )));
        }
        Err(Error::LayoutMismatch(_) | Error::Corrupt(_)) => place.home.clone(),
        Err(other) => return Err(other),
    };
    Ok(match nearcache::unlink(&home)? {
        true => Removal::Removed,
        false => Removal::Missing,
    })
}
