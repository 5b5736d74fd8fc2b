//! Long work on a store, with progress: backup, verification, compaction.

use nearcache_store::{Durable, Error, GoOn, Progress};
use pyo3::prelude::*;
use std::path::PathBuf;

use super::store::Store;
use crate::cache::Any;

#[pymethods]
impl Store {
    /// Copy everything, items and queues, as of now, to a new directory, which is a store that can be opened; others go on. Of a
    /// store behind a socket the directory is one of the daemon's machine.
    ///
    /// progress is called now and then with how many entries are done and how many there are about; if it returns False the work is
    /// stopped (StoreError), and if it raises, with that. Signals are looked at, too.
    ///
    /// >>> s["a"] = 1
    /// >>> s.backup(directory / "copy", progress=lambda done, of: print(done, "of", of))
    /// 1 of 1
    /// >>> nearcache.Store(directory / "copy", create=False)["a"]
    /// 1
    #[pyo3(signature = (path, progress=None))]
    fn backup(&self, py: Python<'_>, path: PathBuf, progress: Any<'_, '_>) -> PyResult<()> {
        let path = match self.handle.is_directory() {
            true => std::path::absolute(path)?,
            false => path,
        };
        self.long(py, progress, |durable, go_on| durable.backup(path, go_on))
    }

    /// Read everything and count it again; StoreDamagedError says the first thing that is wrong. Others go on. progress is as in
    /// backup.
    ///
    /// >>> s["a"] = 1
    /// >>> s.verify()
    #[pyo3(signature = (progress=None))]
    fn verify(&self, py: Python<'_>, progress: Any<'_, '_>) -> PyResult<()> {
        self.long(py, progress, |durable, go_on| durable.verify(go_on))
    }

    /// Rewrite the files without what was removed; others go on. progress is as in backup.
    ///
    /// >>> s.compact()
    #[pyo3(signature = (progress=None))]
    fn compact(&self, py: Python<'_>, progress: Any<'_, '_>) -> PyResult<()> {
        self.long(py, progress, |durable, go_on| durable.compact(go_on))
    }
}

impl Store {
    fn long(
        &self,
        py: Python<'_>,
        progress: Any<'_, '_>,
        work: impl FnOnce(&Durable, GoOn<'_>) -> Result<(), Error> + Send,
    ) -> PyResult<()> {
        let progress = progress.map(|progress| progress.clone().unbind());
        let mut raised = None;
        let done = self.handle.call(py, |durable| {
            work(durable, &mut |at| match Python::attach(|py| tell(py, progress.as_ref(), at)) {
                Ok(go_on) => go_on,
                Err(error) => {
                    raised = Some(error);
                    false
                }
            })
        });
        match raised {
            Some(error) => Err(error),
            None => done,
        }
    }
}

/// Tells how far it is; is it to go on? Only False itself says no: what returns nothing does not mind.
fn tell(py: Python<'_>, progress: Option<&Py<PyAny>>, at: Progress) -> PyResult<bool> {
    py.check_signals()?;
    let Some(progress) = progress else { return Ok(true) };
    let said = progress.bind(py).call1((at.done, at.of))?;
    Ok(!said.is(false.into_pyobject(py)?))
}
