//! The constructor's arguments: where the store is, and how a directory is opened.

use nearcache_store::{Durable, Options, Place, Policy};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::errors::from_store;
use super::seconds;
use crate::cache::Any;
use crate::{errors, open, size};

/// The arguments that say how a directory is opened, as they were given; all missing: as it is open already, or by
/// default.
#[derive(Default)]
pub struct Arguments<'a, 'py> {
    pub policy: Any<'a, 'py>,
    pub near: Any<'a, 'py>,
    pub near_name: Any<'a, 'py>,
    pub item_size_max: Any<'a, 'py>,
    pub quota: Any<'a, 'py>,
    pub create: Option<bool>,
    pub accept_loss: Option<bool>,
    pub manual_clock: Any<'a, 'py>,
}

/// Opens a place; also its text, which opens it again from any working directory.
pub fn open_place(
    place: &Bound<'_, PyAny>,
    arguments: &Arguments<'_, '_>,
) -> PyResult<(Durable, Place, String)> {
    let py = place.py();
    let text = text_of(place)?;
    let place = Place::parse(&text).map_err(|error| from_store(py, error))?;
    let place = match place {
        Place::Directory(path) => Place::Directory(std::path::absolute(path)?),
        Place::Unix(path, login) => Place::Unix(std::path::absolute(path)?, login),
        place @ Place::Tcp(..) => place,
    };
    let options = arguments.options(py)?;
    let opened = py.detach(|| Durable::open(&place, options));
    Ok((opened.map_err(|error| from_store(py, error))?, place, text))
}

fn text_of(place: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = place.cast::<PyString>() {
        return Ok(text.to_str()?.to_owned());
    }
    let Ok(path) = place.extract::<PathBuf>() else {
        return Err(PyTypeError::new_err(format!(
            "place is a directory or a daemon's socket, as a path-like object or a str (also \"unix:PATH\" or \
             \"tcp:HOST:PORT\"), not {}",
            place.get_type().name()?
        )));
    };
    // Absolute: a path, whatever it begins with.
    let text = std::path::absolute(path)?.into_os_string().into_string();
    text.map_err(|path| PyValueError::new_err(format!("the path {path:?} is not UTF-8")))
}

impl Arguments<'_, '_> {
    fn options(&self, py: Python<'_>) -> PyResult<Option<Options>> {
        let mut options = Options::default();
        let mut is_given = false;
        if let Some(policy) = self.policy {
            (options.policy, is_given) = (parse_policy(policy)?, true);
        }
        if let Some(bytes) = self.near {
            (options.near, is_given) = (size::parse("near", bytes)?, true);
        }
        if let Some(name) = self.near_name {
            let home = open::home(name)?.map_err(|error| errors::from_core(py, error))?;
            (options.near_home, is_given) = (home, true);
        }
        if let Some(bytes) = self.item_size_max {
            options.item_size_max = size::parse_small("item_size_max", bytes)?;
            is_given = true;
        }
        if let Some(bytes) = self.quota {
            (options.quota, is_given) = (Some(size::parse("quota", bytes)?), true);
        }
        if let Some(create) = self.create {
            (options.create, is_given) = (create, true);
        }
        if let Some(accept_loss) = self.accept_loss {
            (options.accept_loss, is_given) = (accept_loss, true);
        }
        if let Some(start) = self.manual_clock {
            options.manual_clock = parse_clock(start)?;
            is_given |= options.manual_clock.is_some();
        }
        Ok(is_given.then_some(options))
    }
}

fn parse_policy(policy: &Bound<'_, PyAny>) -> PyResult<Policy> {
    if let Ok(name) = policy.cast::<PyString>() {
        return match name.to_str()? {
            "always" => Ok(Policy::Always),
            "never" => Ok(Policy::Never),
            other => Err(PyValueError::new_err(format!(
                "policy={other:?} is unknown: it is \"always\", \"never\" or the seconds between two syncs"
            ))),
        };
    }
    Ok(Policy::EveryMillis(seconds::millis("policy", policy)?))
}

/// True: it stands at the system's time; a number: at that Unix time.
fn parse_clock(start: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    if let Ok(wanted) = start.cast::<PyBool>() {
        return Ok(wanted.is_true().then(now));
    }
    start.extract::<i64>().map(Some).map_err(|_| {
        PyTypeError::new_err("manual_clock is a bool, or the Unix time to begin with (an int)")
    })
}
