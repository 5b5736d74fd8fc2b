//! The constructor's options about values: which serde, are there pickles, what is compressed.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::cache::Any;
use crate::number;

/// Which way objects go to bytes.
pub enum Serde {
    /// By their type, what has no flag of its own as a pickle.
    Auto,
    /// As every language of nearcache reads them.
    Portable,
    /// As an object with `serialize` and `deserialize` makes them.
    Object(Py<PyAny>),
}

/// How values are written and what is read.
pub struct Values {
    pub serde: Serde,
    pub pickles: bool,
    pub compress_min: Option<usize>,
    /// bytes, str and int are stored as they are, without a look at anything else.
    pub plain: bool,
    /// What is stored is read by somebody else's code.
    pub foreign: bool,
}

impl Values {
    /// What the arguments of these names say.
    pub fn parse(
        serde: Any<'_, '_>,
        allow_pickle: bool,
        compress_min: Any<'_, '_>,
    ) -> PyResult<Values> {
        let compress_min = match compress_min {
            Some(least) => {
                Some(number::natural("compress_min", least)?.try_into().unwrap_or(usize::MAX))
            }
            None => None,
        };
        let serde = match serde {
            None => Serde::Auto,
            Some(serde) => parse(serde)?,
        };
        if matches!(serde, Serde::Object(_)) && (!allow_pickle || compress_min.is_some()) {
            return Err(PyTypeError::new_err(
                "allow_pickle and compress_min are of the serdes \"auto\" and \"portable\": a serde object decides for itself",
            ));
        }
        Ok(Values {
            plain: matches!(serde, Serde::Auto) && compress_min.is_none(),
            foreign: matches!(serde, Serde::Object(_)),
            serde,
            pickles: allow_pickle,
            compress_min,
        })
    }

    /// The arguments that make the same again, into `arguments`; what is the default is left out.
    pub fn tell(&self, arguments: &Bound<'_, PyDict>) -> PyResult<()> {
        match &self.serde {
            Serde::Auto => {}
            Serde::Portable => arguments.set_item("serde", "portable")?,
            Serde::Object(serde) => arguments.set_item("serde", serde)?,
        }
        if !self.pickles {
            arguments.set_item("allow_pickle", false)?;
        }
        match self.compress_min {
            Some(least) => arguments.set_item("compress_min", least),
            None => Ok(()),
        }
    }

    /// Shows the collector what is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.serde {
            Serde::Object(serde) => visit.call(serde),
            _ => Ok(()),
        }
    }
}

fn parse(serde: &Bound<'_, PyAny>) -> PyResult<Serde> {
    if let Ok(name) = serde.cast::<PyString>() {
        return match name.to_str()? {
            "auto" => Ok(Serde::Auto),
            "portable" => Ok(Serde::Portable),
            other => Err(PyValueError::new_err(format!(
                "serde={other:?} is unknown: it is \"auto\", \"portable\" or an object with serialize and deserialize"
            ))),
        };
    }
    for method in ["serialize", "deserialize"] {
        if !serde.getattr_opt(method)?.is_some_and(|method| method.is_callable()) {
            return Err(PyTypeError::new_err(format!(
                "serde is \"auto\", \"portable\" or an object with serialize(key, value) -> (bytes, flags) and \
                 deserialize(key, value, flags); {} has no method {method}",
                serde.get_type().name()?
            )));
        }
    }
    Ok(Serde::Object(serde.clone().unbind()))
}
