//! The constructor's arguments: what is to be made or attached, and where it lives.

use nearcache::{Access, Cache as Core, Error, Home, Options};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};
use std::path::PathBuf;

use crate::cache::Any;
use crate::{errors, size};

/// The constructor's arguments as they were given.
pub struct Arguments<'a, 'py> {
    pub size: Any<'a, 'py>,
    pub shared: bool,
    pub name: Any<'a, 'py>,
    pub mode: Any<'a, 'py>,
    pub read_only: bool,
    pub item_size_max: Any<'a, 'py>,
    pub evict: bool,
    pub item_size_hint: Any<'a, 'py>,
    pub manual_clock: bool,
}

impl Arguments<'_, '_> {
    /// Makes or attaches what they say.
    pub fn open(&self, py: Python<'_>) -> PyResult<(Core, Home, bool)> {
        let home = self.home(py)?;
        let mut options = self.options(home.clone())?;
        if let Some(limit) = self.item_size_max {
            options.item_size_max = size::parse_small("item_size_max", limit)?;
        }
        if let Some(hint) = self.item_size_hint {
            options.item_size_hint = size::parse_small("item_size_hint", hint)?;
        }
        options.evict = self.evict;
        options.manual_clock = self.manual_clock;
        // Mapping and clearing a large arena takes milliseconds; a file system may take longer.
        let core = py.detach(|| options.open()).map_err(|error| match home {
            Home::Private => errors::from_core(py, error),
            _ => errors::from_open(py, error),
        })?;
        Ok((core, home, self.read_only))
    }

    fn home(&self, py: Python<'_>) -> PyResult<Home> {
        match self.name {
            Some(name) => home(name)?.map_err(|error| errors::from_core(py, error)),
            None if self.mode.is_some() || self.read_only => Err(PyTypeError::new_err(
                "mode and read_only are of a cache with a name: give name, too",
            )),
            None if self.shared => Ok(Home::Inherited),
            None => Ok(Home::Private),
        }
    }

    /// The size and whether there must be a cache already: without a size there is nothing to create one of.
    fn options(&self, home: Home) -> PyResult<Options> {
        let Some(bytes) = self.size else {
            return match home {
                Home::Private | Home::Inherited => Err(PyTypeError::new_err(
                    "size is missing: it may be left out only to attach a cache by its name",
                )),
                _ if self.read_only => Ok(Options::attach(home).access(Access::ReadOnly)),
                _ => Ok(Options::attach(home)),
            };
        };
        if self.read_only {
            return Err(PyTypeError::new_err(
                "a read-only cache is never created: leave size out, which attaches the one that is there",
            ));
        }
        let mut options = Options::new(size::parse("size", bytes)?).home(home);
        if let Some(mode) = self.mode {
            options.permissions = permissions(mode)?;
        }
        Ok(options)
    }
}

/// Where a name or a path leads. A relative path is made absolute now, so that it means the same for as long as
/// the cache lives, wherever the process or the one it is sent to goes.
pub fn home(name: &Bound<'_, PyAny>) -> PyResult<Result<Home, Error>> {
    let home = match name.cast::<PyString>() {
        Ok(text) => Home::of(text.to_str()?),
        Err(_) => match name.extract::<PathBuf>() {
            Ok(path) => Ok(Home::At(path)),
            Err(_) => {
                return Err(PyTypeError::new_err(format!(
                    "name is a str (a name, or a path with a '/') or a path-like object, not {}",
                    name.get_type().name()?
                )));
            }
        },
    };
    Ok(match home {
        Ok(Home::At(path)) => Ok(Home::At(std::path::absolute(path)?)),
        other => other,
    })
}

fn permissions(mode: &Bound<'_, PyAny>) -> PyResult<u32> {
    if !mode.is_exact_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!(
            "mode is an int of permission bits such as 0o600, not {}",
            mode.get_type().name()?
        )));
    }
    match mode.extract::<u32>() {
        Ok(bits) if bits <= 0o777 => Ok(bits),
        _ => Err(PyValueError::new_err(
            "mode is out of range: it is permission bits of 0 to 0o777, as in 0o600",
        )),
    }
}
