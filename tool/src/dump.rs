//! Every item of a cache, to a file or to standard output.

use crate::arguments::Dump;
use crate::failure::{Answer, Failure, note};
use crate::format::{Item, Writer};
use crate::look::unix_time;
use crate::units;
use nearcache::Cache;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Dumps a cache; how many items is told beside the output.
pub fn dump(asked: &Dump, out: &mut dyn Write) -> Result<Answer, Failure> {
    let cache = asked.name.read()?;
    let (items, to) = match asked.file.as_deref() {
        Some(path) if path != Path::new("-") => {
            let written = to_file(&cache, path);
            (written.map_err(|failure| failure.when(path.display()))?, path.display().to_string())
        }
        _ => (to_writer(&cache, out)?, "standard output".to_string()),
    };
    note(&format!("dumped {} of {} to {to}", units::items(items), asked.name.text));
    Ok(Answer::Yes)
}

fn to_writer(cache: &Cache, out: impl Write) -> Result<u64, Failure> {
    let time = unix_time();
    let mut writer = Writer::new(out, time)?;
    for entry in cache.iter() {
        // Lifetimes count from the time in the first line, however long the dump takes.
        let passed = u32::try_from(unix_time() - time).unwrap_or(0);
        writer.item(&Item {
            key: entry.key,
            value: entry.value.data,
            flags: entry.value.flags,
            ttl: entry.value.ttl.map(|ttl| ttl.saturating_add(passed)),
        })?;
    }
    Ok(writer.finish()?.1)
}

/// A file gets its name when it is complete, so that a dump that fails leaves the one before it. What is there and is no
/// file (a pipe, a device) is written to as it is.
fn to_file(cache: &Cache, path: &Path) -> Result<u64, Failure> {
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        let file = OpenOptions::new().write(true).open(path)?;
        return to_writer(cache, BufWriter::new(file));
    }
    let partial = Partial::create(path)?;
    let items = to_writer(cache, BufWriter::new(&partial.file))?;
    partial.file.sync_all()?;
    partial.complete(path)?;
    Ok(items)
}

/// A file beside the one it will be, which is removed if it never becomes it.
struct Partial {
    file: File,
    path: Option<PathBuf>,
}

impl Partial {
    fn create(wanted: &Path) -> io::Result<Partial> {
        let mut name = wanted.as_os_str().to_os_string();
        name.push(format!(".{}.partial", std::process::id()));
        let path = PathBuf::from(name);
        // What a cache holds is its owner's alone, and so is what is dumped from it.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Partial { file, path: Some(path) })
    }

    fn complete(mut self, wanted: &Path) -> io::Result<()> {
        match self.path.take() {
            Some(path) => fs::rename(&path, wanted).inspect_err(|_| self.path = Some(path)),
            None => Ok(()),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}
