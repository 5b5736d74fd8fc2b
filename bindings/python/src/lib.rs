//! The extension module `nearcache._native`: the core's verbs as a Python class. Only translation lives here;
//! what a verb means is the core's business.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docstrings are Python's: `c[k]` is no link"
)]

mod arguments;
mod batch;
mod cache;
mod durable;
mod envelope;
mod errors;
mod expiry;
mod fastcall;
mod handle;
mod integer;
mod key;
mod keys;
mod lease;
mod mapping;
mod number;
mod open;
mod pin;
mod portable;
mod pythons;
mod raw;
mod read;
mod serde;
mod sharing;
mod sink;
mod size;
mod store;
mod value;

use pyo3::prelude::*;

/// The native half of nearcache; import its names from `nearcache`.
#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(m)?;
    keys::register(m)?;
    lease::register(m)?;
    pin::register(m)?;
    // Not in `__all__`.
    m.setattr("_arguments", wrap_pyfunction!(arguments::of_call, m)?)?;
    cache::register(m)?;
    fastcall::register(m.py())?;
    sharing::register(m)?;
    durable::register(m)
}
