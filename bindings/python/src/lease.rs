//! Leases: of all who ask for what is missing, or is to be made anew, one is told to make it. The contract is
//! `core/src/docs/values.md`.

use nearcache::{Cache as Core, Error, Expiry, MetaDelete, MetaGet, Outcome, Sink, Verb};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem::MaybeUninit;

use crate::cache::{Any, Cache};
use crate::portable::{ENVELOPE, LEASE};
use crate::read::fetch;
use crate::sink::PySink;
use crate::store::{act, stored};
use crate::{envelope, expiry, number, store};

/// Adds the class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Lease>()
}

/// What Cache.lease has found.
///
/// hit: value is what is stored. won: the caller is the one to make the value, and stores it with
/// cache.cas(key, value, lease.token), or gives the lease up with cache.delete(key, cas=lease.token); with neither it
/// ends by itself. stale: the value is one that is to be made anew. Neither hit nor won: somebody else is making the
/// value. token is the cas unique of the item or of the lease; ttl has the seconds left of either, None is for ever.
#[pyclass(frozen, get_all, module = "nearcache")]
pub struct Lease {
    value: Py<PyAny>,
    hit: bool,
    won: bool,
    stale: bool,
    token: u64,
    ttl: Option<u32>,
}

#[pymethods]
impl Lease {
    fn __repr__(&self) -> String {
        let said = |truth| if truth { "True" } else { "False" };
        format!(
            "<nearcache.Lease hit={} won={} stale={}>",
            said(self.hit),
            said(self.won),
            said(self.stale)
        )
    }
}

#[pymethods]
impl Cache {
    /// Return a Lease: the value of key, or the right to make it, which one caller at a time has, of all processes.
    ///
    /// The right is the caller's for seconds at least, and at most two more; then another may have it. With stale, a
    /// value with less than that many seconds left is won by the first who asks, with the value, which others still
    /// have, but no longer than the lease. With early, a hit is won at random, likelier near the value's end and the
    /// longer it took to make. takeover is the token of a lease that was waited for long enough: it is taken away.
    ///
    /// >>> lease = c.lease("report", 10)
    /// >>> lease.hit, lease.won, c.lease("report", 10).won, c.get("report")
    /// (False, True, False, None)
    /// >>> c.cas("report", "made", lease.token), c.lease("report").value
    /// (True, 'made')
    #[pyo3(signature = (key, seconds=30.0, *, stale=None, early=0.0, takeover=None))]
    fn lease<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        seconds: f64,
        stale: Any<'_, '_>,
        early: f64,
        takeover: Any<'_, '_>,
    ) -> PyResult<Lease> {
        let ask = Ask {
            seconds: lasting(seconds)?,
            stale: window(stale)?,
            early: factor(early)?,
            takeover: takeover.map(|token| number::natural("takeover", token)).transpose()?,
        };
        ask.of(self, key)
    }

    /// Return the present generations of tags, for _fill.
    fn _generations(&self, tags: Vec<Bound<'_, PyString>>) -> PyResult<Vec<u8>> {
        envelope::generations(self, &tags)
    }

    /// Invalidate what has the tag.
    fn _invalidate_tag(&self, tag: &Bound<'_, PyString>) -> PyResult<()> {
        envelope::invalidate(self, tag)
    }

    /// Store what a lease was won for; False if it was lost meanwhile. Without a token, whatever is there.
    #[pyo3(signature = (key, value, token, ttl, stale, cost, generations))]
    #[expect(clippy::too_many_arguments, reason = "Python's arguments")]
    fn _fill(
        &self,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        token: Option<u64>,
        ttl: Any<'_, '_>,
        stale: Any<'_, '_>,
        cost: Option<f64>,
        generations: Option<&[u8]>,
    ) -> PyResult<bool> {
        let expiry = expiry::lifetime(ttl, window(stale)?)?;
        let verb = token.map_or(Verb::Set, Verb::Cas);
        let encoded = self.values().encode(key, value)?;
        let (bytes, flags) = (encoded.bytes(), encoded.flags());
        if cost.is_none() && generations.is_none() {
            return store::write(self.handle(), verb, key, bytes, flags, expiry).map(stored);
        }
        // Rounded up: what took no time at all would never be made early.
        let cost = (cost.unwrap_or(0.0) * 1e6).ceil() as u64;
        let wrapped = envelope::wrap(cost, flags, generations, bytes);
        store::write(self.handle(), verb, key, &wrapped, ENVELOPE, expiry).map(stored)
    }

    /// Give up what was won: a lease ends, an old value lives as long as it would have, and the next to ask wins.
    fn _give_up(&self, key: &Bound<'_, PyAny>, lease: &Lease) -> PyResult<()> {
        let ask = MetaDelete {
            compare: Some(lease.token),
            invalidate: lease.hit,
            expiry: lease.ttl.filter(|_| lease.hit).map(Expiry::After),
            ..MetaDelete::default()
        };
        act(self.handle(), key, |core, key| core.meta_delete(key, ask)).map(drop)
    }
}

/// What is asked of a lease.
struct Ask {
    /// Of the placeholder's life.
    seconds: u32,
    stale: u32,
    early: f64,
    takeover: Option<u64>,
}

impl Ask {
    fn of(&self, cache: &Cache, key: &Bound<'_, PyAny>) -> PyResult<Lease> {
        let py = key.py();
        // Each round that does not end means that somebody else has changed the item in between.
        loop {
            let mut sink = PySink::new(py);
            let Some(meta) = fetch(cache.handle(), key, &mut sink, Core::get_to)? else {
                match self.place(cache, key, Verb::Add)? {
                    Some(lease) => return Ok(lease),
                    None => continue,
                }
            };
            let Some(opened) = sink.opened(cache, key, meta.flags)? else {
                let is_lease = meta.flags == LEASE;
                if is_lease && self.takeover != Some(meta.cas) {
                    let value = py.None();
                    let (token, ttl) = (meta.cas, meta.ttl);
                    return Ok(Lease { value, hit: false, won: false, stale: false, token, ttl });
                }
                // A lease to be taken over, or a value that a tag has made invalid.
                match self.place(cache, key, Verb::Cas(meta.cas))? {
                    Some(lease) => return Ok(lease),
                    None => continue,
                }
            };
            let left = meta.ttl.unwrap_or(u32::MAX);
            let stale = left < self.stale;
            let least = match stale {
                true => Some(self.stale),
                false if self.is_early(left, opened.cost) => Some(u32::MAX),
                false => None,
            };
            let mut lease = Lease {
                value: opened.value.unbind(),
                hit: true,
                won: false,
                stale,
                token: meta.cas,
                ttl: meta.ttl,
            };
            if let Some(least) = least {
                lease.won = self.win(cache, key, least, &lease)?;
            }
            return Ok(lease);
        }
    }

    /// Puts a lease where there is nothing, or another item. `None`: somebody was faster.
    fn place(&self, cache: &Cache, key: &Bound<'_, PyAny>, verb: Verb) -> PyResult<Option<Lease>> {
        let life = Expiry::After(self.seconds);
        let outcome = store::write(cache.handle(), verb, key, b"", LEASE, life)?;
        let Outcome::Stored(token) = outcome else { return Ok(None) };
        let (value, ttl) = (key.py().None(), Some(self.seconds));
        Ok(Some(Lease { value, hit: false, won: true, stale: false, token, ttl }))
    }

    /// Asks for the right to make a present value anew, which the core gives to one. The old value then lives no
    /// longer than the lease, so that a winner who dies keeps nobody with it for long.
    fn win(
        &self,
        cache: &Cache,
        key: &Bound<'_, PyAny>,
        least: u32,
        lease: &Lease,
    ) -> PyResult<bool> {
        let ask = MetaGet { recache: Some(least), no_bump: true, ..MetaGet::default() };
        act(cache.handle(), key, |core, key| {
            let hit = core.meta_get(key, ask, &mut Refusing)?;
            if !hit.is_some_and(|hit| hit.won && hit.meta.cas == lease.token) {
                return Ok(false);
            }
            if lease.stale && lease.ttl.is_some_and(|left| left > self.seconds) {
                core.touch(key, Expiry::After(self.seconds))?;
            }
            Ok::<bool, Error>(true)
        })
    }

    /// Optimal probabilistic cache stampede prevention (XFetch, Vattani, Chierichetti and Lowenstein, VLDB 2015).
    fn is_early(&self, left: u32, cost: u64) -> bool {
        if self.early <= 0.0 || left == u32::MAX {
            return false;
        }
        // More than 0 and at most 1.
        let random = RandomState::new().build_hasher().finish();
        let random = (random as f64 + 1.0) / (u64::MAX as f64 + 1.0);
        // The clock has whole seconds: on average half of the last one is left.
        let left = f64::from(left - self.stale.min(left)) - 0.5;
        cost as f64 / 1e6 * self.early * -random.ln() >= left
    }
}

/// Takes no bytes.
struct Refusing;

impl Sink for Refusing {
    fn room(&mut self, _: usize) -> Option<&mut [MaybeUninit<u8>]> {
        None
    }
}

/// The placeholder's life: what is asked for, whole seconds, and one for the clock's running second.
fn lasting(seconds: f64) -> PyResult<u32> {
    match seconds {
        0.0..=86_400.0 => Ok(seconds.ceil() as u32 + 1),
        _ => Err(PyValueError::new_err(format!(
            "a lease lasts 0 to 86400 seconds (a day), not {seconds}"
        ))),
    }
}

/// Seconds, rounded up; None is none.
fn window(stale: Any<'_, '_>) -> PyResult<u32> {
    let Some(stale) = stale else { return Ok(0) };
    match expiry::lifetime(Some(stale), 0)? {
        Expiry::After(seconds) => Ok(seconds),
        Expiry::Never => Ok(0),
        _ => {
            Err(PyValueError::new_err("stale is a number of seconds or a timedelta, not negative"))
        }
    }
}

fn factor(early: f64) -> PyResult<f64> {
    match early >= 0.0 && early.is_finite() {
        true => Ok(early),
        false => Err(PyValueError::new_err(format!(
            "early is 0 (never) or a factor, usually 1.0, not {early}"
        ))),
    }
}
