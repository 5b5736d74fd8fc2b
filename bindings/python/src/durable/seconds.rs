//! Times of queues: a number of seconds or a timedelta, always from now on. (`expire` of an item is memcached's, and in
//! `crate::expiry`.)

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDeltaAccess, PyFloat, PyInt};
use std::time::{Duration, Instant};

use crate::cache::Any;

/// Seconds, 0 or more; `name` is the argument's, for the error.
fn parse(name: &str, time: &Bound<'_, PyAny>) -> PyResult<f64> {
    let is_number = time.is_instance_of::<PyInt>() || time.is_instance_of::<PyFloat>();
    let seconds = if let Ok(delta) = time.cast::<PyDelta>() {
        f64::from(delta.get_days()) * 86_400.0
            + f64::from(delta.get_seconds())
            + f64::from(delta.get_microseconds()) / 1e6
    } else if is_number && !time.is_instance_of::<PyBool>() {
        time.extract::<f64>()?
    } else {
        return Err(PyTypeError::new_err(format!(
            "{name} is a number of seconds (int or float) or a datetime.timedelta, not {}",
            time.get_type().name()?
        )));
    };
    match seconds >= 0.0 {
        true => Ok(seconds),
        false => {
            Err(PyValueError::new_err(format!("{name} is {seconds} seconds: it is 0 or more")))
        }
    }
}

/// Whole seconds, rounded up. What is out of range is left to the store to refuse, which knows the limits.
pub fn whole(name: &str, time: &Bound<'_, PyAny>) -> PyResult<u32> {
    // The cast saturates.
    Ok(parse(name, time)?.ceil() as u32)
}

/// As [`whole`], where None has a meaning of its own.
pub fn maybe(name: &str, time: Any<'_, '_>) -> PyResult<Option<u32>> {
    time.map(|time| whole(name, time)).transpose()
}

/// Milliseconds, rounded up.
pub fn millis(name: &str, time: &Bound<'_, PyAny>) -> PyResult<u32> {
    Ok((parse(name, time)? * 1e3).ceil() as u32)
}

/// Until when somebody waits; `None`: for ever.
pub type Until = Option<Instant>;

/// What `wait=` says: seconds, not given for not at all, None for ever.
pub fn until(wait: &Wait<'_>) -> PyResult<Until> {
    let now = Instant::now();
    let Some(wait) = &wait.0 else { return Ok(Some(now)) };
    if wait.is_none() {
        return Ok(None);
    }
    let seconds = parse("wait", wait)?;
    Ok(Duration::try_from_secs_f64(seconds).ok().and_then(|wait| now.checked_add(wait)))
}

/// The argument `wait`: `None` here if it was not given, so that Python's None can be told apart.
pub struct Wait<'py>(pub Option<Bound<'py, PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Wait<'py> {
    type Error = PyErr;

    fn extract(wait: Borrowed<'a, 'py, PyAny>) -> PyResult<Wait<'py>> {
        Ok(Wait(Some(wait.to_owned())))
    }
}
