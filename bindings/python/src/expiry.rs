//! `expire`: `None`, a number or a timedelta to the core's expiry.

use nearcache::Expiry;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDeltaAccess, PyFloat, PyInt};

/// memcached's rule for numbers (0 never, up to 30 days relative, above that a Unix time, negative already
/// dead). A timedelta is always relative. Fractions of a second are rounded up, so that none becomes 0.
#[inline]
pub fn parse(expire: Option<&Bound<'_, PyAny>>) -> PyResult<Expiry> {
    let Some(expire) = expire else {
        return Ok(Expiry::Never);
    };
    if let Ok(seconds) = expire.cast_exact::<PyInt>() {
        return whole(seconds.as_any());
    }
    other(expire)
}

/// A lifetime: as [`parse`], but seconds are from now however many, and `more` of them are added. None and 0 are for ever.
pub fn lifetime(ttl: Option<&Bound<'_, PyAny>>, more: u32) -> PyResult<Expiry> {
    let expiry = match parse(ttl)? {
        // Above 30 days.
        Expiry::At(seconds) => Expiry::After(u32::try_from(seconds).unwrap_or(u32::MAX)),
        other => other,
    };
    Ok(match expiry {
        Expiry::After(seconds) => Expiry::After(seconds.saturating_add(more)),
        other => other,
    })
}

fn whole(seconds: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    match seconds.extract::<i64>() {
        Ok(seconds) => Ok(Expiry::from_exptime(seconds)),
        Err(_) => Err(PyValueError::new_err(
            "expire is out of range: it is a number of seconds or a Unix time, of 64 bits",
        )),
    }
}

#[cold]
fn other(expire: &Bound<'_, PyAny>) -> PyResult<Expiry> {
    if let Ok(seconds) = expire.cast::<PyFloat>() {
        return fraction(seconds.extract()?);
    }
    if let Ok(delta) = expire.cast::<PyDelta>() {
        return Ok(relative(delta));
    }
    if expire.is_instance_of::<PyInt>() && !expire.is_instance_of::<PyBool>() {
        return whole(expire);
    }
    Err(PyTypeError::new_err(format!(
        "expire is None, a number of seconds (int or float) or a datetime.timedelta, not {}",
        expire.get_type().name()?
    )))
}

fn fraction(seconds: f64) -> PyResult<Expiry> {
    if !seconds.is_finite() {
        return Err(PyValueError::new_err(format!(
            "expire must be finite, not {seconds}; None is for ever"
        )));
    }
    if seconds < 0.0 {
        // Before rounding, which would make -0.5 into 0: for ever.
        return Ok(Expiry::Past);
    }
    // The cast saturates; what is beyond 64 bits is beyond every clock.
    Ok(Expiry::from_exptime(seconds.ceil() as i64))
}

fn relative(delta: &Bound<'_, PyDelta>) -> Expiry {
    let seconds = i64::from(delta.get_days()) * 86_400
        + i64::from(delta.get_seconds())
        + i64::from(delta.get_microseconds() > 0);
    match seconds {
        ..=0 => Expiry::Past,
        // Above 136 years: the longest there is.
        _ => Expiry::After(u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}
