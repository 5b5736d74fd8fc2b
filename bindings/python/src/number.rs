//! `incr` and `decr`.

use nearcache::{Cache as Core, Error, Expiry, Outcome, Verb};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::cache::{Any, Cache};
use crate::serde::Serde;
use crate::store::act;
use crate::value::FLAG_INT;
use crate::{expiry, portable};

#[pymethods]
impl Cache {
    /// Add value to the number stored, wrapping at 2**64, and return the sum. A missing key is stored as
    /// initial, to expire as expire says, and initial returned; without initial None is returned.
    ///
    /// Raises NotNumericError if what is stored is not a decimal number of 64 bits; a negative one is not.
    ///
    /// >>> c.incr("hits"), c.incr("hits", initial=1), c.incr("hits", 5), c["hits"]
    /// (None, 1, 6, 6)
    #[pyo3(signature = (key, value=None, initial=None, expire=None), text_signature = "($self, key, value=1, initial=None, expire=None)")]
    fn incr(
        &self,
        key: &Bound<'_, PyAny>,
        value: Any<'_, '_>,
        initial: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        parse_and_change(self, Way::Up, key, value, initial, expire)
    }

    /// Subtract value from the number stored, stopping at 0, and return the rest; otherwise as incr.
    ///
    /// >>> c["left"] = 3
    /// >>> c.decr("left"), c.decr("left", 10), c["left"]
    /// (2, 0, 0)
    #[pyo3(signature = (key, value=None, initial=None, expire=None), text_signature = "($self, key, value=1, initial=None, expire=None)")]
    fn decr(
        &self,
        key: &Bound<'_, PyAny>,
        value: Any<'_, '_>,
        initial: Any<'_, '_>,
        expire: Any<'_, '_>,
    ) -> PyResult<Option<u64>> {
        parse_and_change(self, Way::Down, key, value, initial, expire)
    }
}

/// Which way.
#[derive(Clone, Copy)]
enum Way {
    /// `incr`, wrapping at 2^64.
    Up,
    /// `decr`, stopping at 0.
    Down,
}

/// What a missing key becomes.
struct Initial {
    value: u64,
    expiry: Expiry,
}

impl Initial {
    /// `None` leaves a missing key missing.
    fn parse(value: Option<&Bound<'_, PyAny>>, expiry: Expiry) -> PyResult<Option<Initial>> {
        match value {
            Some(value) => Ok(Some(Initial { value: natural("initial", value)?, expiry })),
            None => Ok(None),
        }
    }
}

/// A whole number of 64 bits without a sign; `name` is the argument's, for the error.
pub fn natural(name: &str, number: &Bound<'_, PyAny>) -> PyResult<u64> {
    if !number.is_exact_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!(
            "{name} is an int, not {}",
            number.get_type().name()?
        )));
    }
    number
        .extract::<u64>()
        .map_err(|_| PyValueError::new_err(format!("{name} is out of range: it is 0 to 2**64 - 1")))
}

fn parse_and_change(
    cache: &Cache,
    way: Way,
    key: &Bound<'_, PyAny>,
    delta: Any<'_, '_>,
    initial: Any<'_, '_>,
    expire: Any<'_, '_>,
) -> PyResult<Option<u64>> {
    let delta = delta.map_or(Ok(1), |delta| natural("value", delta))?;
    let initial = Initial::parse(initial, expiry::parse(expire)?)?;
    change(cache, way, key, delta, initial)
}

/// As [`natural`], of 32 bits.
pub fn natural32(name: &str, number: &Bound<'_, PyAny>) -> PyResult<u32> {
    u32::try_from(natural(name, number)?)
        .map_err(|_| PyValueError::new_err(format!("{name} is out of range: it is 0 to 2**32 - 1")))
}

/// The number after the change; `None` if the key is missing and has no initial value.
fn change(
    cache: &Cache,
    way: Way,
    key: &Bound<'_, PyAny>,
    delta: u64,
    initial: Option<Initial>,
) -> PyResult<Option<u64>> {
    let flags = match cache.values().serde {
        Serde::Portable => portable::INT,
        _ => FLAG_INT,
    };
    act(cache.handle(), key, |core, key| {
        // The core's own `incr_or` would store the number with flags 0, and a get would return bytes. Each round
        // that does not end means that another thread stored or removed the key in between.
        loop {
            let lease = match step(core, way, key, delta) {
                Ok(Some(number)) => return Ok(Some(number)),
                Ok(None) => None,
                // No number; but what somebody is just making is a miss.
                Err(Error::NotNumeric) => match core.peek(key)? {
                    Some(item) if item.flags == portable::LEASE => Some(item.cas),
                    Some(_) => return Err(Error::NotNumeric),
                    None => continue,
                },
                Err(error) => return Err(error),
            };
            let Some(initial) = &initial else { return Ok(None) };
            let verb = lease.map_or(Verb::Add, Verb::Cas);
            let digits = initial.value.to_string();
            let outcome = core.store(verb, key, digits.as_bytes(), flags, initial.expiry)?;
            if let Outcome::Stored(_) = outcome {
                return Ok(Some(initial.value));
            }
        }
    })
}

fn step(core: &Core, way: Way, key: &[u8], delta: u64) -> Result<Option<u64>, Error> {
    match way {
        Way::Up => core.incr(key, delta),
        Way::Down => core.decr(key, delta),
    }
}
