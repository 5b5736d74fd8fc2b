//! Who shares a cache, and which caches there are: `info`, `processes`, `caches`, `unlink`, and pickling.

use nearcache::{Home, Life};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::PathBuf;

use crate::cache::Cache;
use crate::{errors, open};

/// Adds the classes and functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<CacheInfo>()?;
    m.add_class::<CacheProcess>()?;
    m.add_class::<CacheFile>()?;
    for function in [wrap_pyfunction!(caches, m)?, wrap_pyfunction!(unlink, m)?] {
        // As the classes say it: users know the package, not its native half.
        function.setattr("__module__", "nearcache")?;
        m.add_function(function)?;
    }
    Ok(())
}

/// What a cache is, whatever is in it.
///
/// name is what to open it by: a name, or an absolute path; None if it has neither. path is the file, if there is
/// one. size is the memory limit in bytes, created a Unix time in seconds, uid the file's owner, mode its
/// permission bits. layout is the version of the memory's layout. At most processes_max processes and threads_max
/// threads can be attached at once.
#[pyclass(frozen, eq, get_all, module = "nearcache")]
#[derive(PartialEq, Eq)]
pub struct CacheInfo {
    name: Option<String>,
    path: Option<PathBuf>,
    shared: bool,
    read_only: bool,
    evict: bool,
    size: u64,
    layout: u64,
    created: i64,
    uid: u32,
    mode: u32,
    processes_max: usize,
    threads_max: usize,
}

#[pymethods]
impl CacheInfo {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let fields = [
            "name",
            "path",
            "shared",
            "read_only",
            "evict",
            "size",
            "layout",
            "created",
            "uid",
            "mode",
            "processes_max",
            "threads_max",
        ];
        describe(slf.as_any(), &fields)
    }
}

/// A process that has used a shared cache.
///
/// pid is its number in its own namespace, name its program's, since when it first used the cache as a Unix time
/// in seconds, threads how many of its threads hold a place of their own. life is "alive", "suspect" (it seems to be
/// gone, and what it held is given back ten seconds after that was noticed) or "dead".
#[pyclass(frozen, eq, get_all, module = "nearcache")]
#[derive(PartialEq, Eq)]
pub struct CacheProcess {
    pid: u32,
    name: String,
    since: i64,
    threads: usize,
    life: &'static str,
}

#[pymethods]
impl CacheProcess {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        describe(slf.as_any(), &["pid", "name", "since", "threads", "life"])
    }
}

/// A cache on this machine, as caches() finds it.
///
/// name is what to open it by, path the file, size the file's length in bytes, uid its owner. trouble says why it
/// cannot be attached (another layout, damaged, no cache at all); None if it can.
#[pyclass(frozen, eq, get_all, module = "nearcache")]
#[derive(PartialEq, Eq)]
pub struct CacheFile {
    name: String,
    path: PathBuf,
    size: u64,
    uid: u32,
    trouble: Option<String>,
}

#[pymethods]
impl CacheFile {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        describe(slf.as_any(), &["name", "path", "size", "uid", "trouble"])
    }
}

/// `Class(field=value, ...)`, as a dataclass shows itself.
fn describe(object: &Bound<'_, PyAny>, fields: &[&str]) -> PyResult<String> {
    let shown = fields
        .iter()
        .map(|field| Ok(format!("{field}={}", object.getattr(*field)?.repr()?)))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(format!("nearcache.{}({})", object.get_type().name()?, shown.join(", ")))
}

/// Return the caches of this user that have a name, in the order of their names. What is there and cannot be
/// attached is listed with the reason.
///
/// >>> shared = nearcache.Cache("1MiB", name="listed")
/// >>> [(file.name, file.trouble) for file in nearcache.caches() if file.name == "listed"]
/// [('listed', None)]
/// >>> nearcache.unlink("listed")
/// True
#[pyfunction]
#[pyo3(text_signature = "()")]
fn caches(py: Python<'_>) -> PyResult<Vec<CacheFile>> {
    let regions = py.detach(nearcache::regions).map_err(|error| errors::from_open(py, error))?;
    let listed = regions.into_iter().map(|region| CacheFile {
        name: region.name,
        path: region.path,
        size: region.len,
        uid: region.uid,
        trouble: region.trouble,
    });
    Ok(listed.collect())
}

/// Remove a cache's name, or its file if it is a path. Return False if there was none.
///
/// Whoever is attached goes on with what he has; the next to open the name makes a new cache. What is there and is
/// no cache stays, and is an AttachError.
///
/// >>> nearcache.unlink("no-such-cache")
/// False
#[pyfunction]
#[pyo3(text_signature = "(name)")]
fn unlink(py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
    let home = open::home(name)?.map_err(|error| errors::from_core(py, error))?;
    py.detach(|| nearcache::unlink(&home)).map_err(|error| errors::from_open(py, error))
}

/// What to open a cache by; `None` if no process can.
pub fn name_of(home: &Home) -> Option<String> {
    match home {
        Home::Named(name) => Some(name.clone()),
        Home::At(path) => Some(path.to_string_lossy().into_owned()),
        _ => None,
    }
}

#[pymethods]
impl Cache {
    /// What the cache is opened by, a name or an absolute path; None if it has neither.
    ///
    /// >>> c.name is None
    /// True
    #[getter]
    fn name(&self) -> Option<String> {
        name_of(self.home())
    }

    /// May other processes have it: by its name, or inherited over a fork?
    ///
    /// >>> c.shared
    /// False
    #[getter]
    fn shared(&self) -> bool {
        self.home().is_shared()
    }

    /// Return what the cache is, whatever is in it.
    ///
    /// >>> c.info().size, c.info().shared, c.info().read_only
    /// (67108864, False, False)
    fn info(&self, py: Python<'_>) -> PyResult<CacheInfo> {
        let info = self.handle().with(py, |core| py.detach(|| core.info()))?;
        Ok(CacheInfo {
            name: name_of(self.home()),
            path: info.path,
            shared: self.home().is_shared(),
            read_only: info.read_only,
            evict: info.evict,
            size: info.size,
            layout: info.layout,
            created: info.created,
            uid: info.uid,
            mode: info.permissions,
            processes_max: info.processes_max,
            threads_max: info.threads_max,
        })
    }

    /// Return the processes that have used a shared cache and whose places were not given back yet. One that has attached
    /// it twice is told twice, one that only reads is not.
    ///
    /// >>> import os
    /// >>> with nearcache.Cache("1MiB", shared=True) as s:
    /// ...     s["a"] = 1
    /// ...     [process.pid == os.getpid() for process in s.processes()]
    /// [True]
    fn processes(&self, py: Python<'_>) -> PyResult<Vec<CacheProcess>> {
        let processes = self.handle().with(py, |core| py.detach(|| core.processes()))?;
        let told = processes.into_iter().map(|process| CacheProcess {
            pid: process.pid,
            name: process.name,
            since: process.since,
            threads: process.threads,
            life: match process.life {
                Life::Alive => "alive",
                Life::Suspect => "suspect",
                Life::Dead => "dead",
            },
        });
        Ok(told.collect())
    }

    /// Pickle a cache that has a name as that name: it is attached anew where it is unpickled.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.get();
        this.handle().with(py, |_| ())?;
        let name = match this.home() {
            Home::Named(name) => name.into_pyobject(py)?.into_any(),
            Home::At(path) => path.into_pyobject(py)?.into_any(),
            Home::Private => {
                return Err(PyTypeError::new_err(
                    "a cache that is private to its process cannot be pickled or copied: make one in each process, \
                     or one with a name, as in Cache(\"64MiB\", name=\"app\"), which is pickled as its name",
                ));
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "a shared cache without a name cannot be pickled or copied, only inherited over a fork: make it \
                     before the fork and use it as a global, or give it a name, as in Cache(\"64MiB\", name=\"app\")",
                ));
            }
        };
        let arguments = PyDict::new(py);
        arguments.set_item("name", name)?;
        arguments.set_item("read_only", this.read_only())?;
        this.values().tell(&arguments)?;
        let made = (slf.get_type(), PyTuple::empty(py), arguments);
        let make = py.import("copyreg")?.getattr("__newobj_ex__")?;
        // A subclass's own attributes, if there are any; `__init__` does not run, as for any unpickled object.
        let state = slf.getattr_opt("__dict__")?.map(Bound::unbind);
        (make, made, state).into_pyobject(py)
    }
}
