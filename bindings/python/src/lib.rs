//! The extension module `nearcache._native`: the core's verbs as a Python class. Only translation lives here;
//! what a verb means is the core's business.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docstrings are Python's: `c[k]` is no link"
)]

mod batch;
mod cache;
mod errors;
mod expiry;
mod handle;
mod key;
mod keys;
mod mapping;
mod number;
mod open;
mod raw;
mod read;
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
    cache::register(m)?;
    sharing::register(m)
}
