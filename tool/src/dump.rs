//! Every item of a cache, or of a store, to a file or to standard output.

use crate::arguments::Dump;
use crate::failure::{Answer, Failure, note};
use crate::format::{Item, Writer};
use crate::look::unix_time;
use crate::units;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Dumps a cache.
pub fn dump(asked: &Dump, out: &mut dyn Write) -> Result<Answer, Failure> {
    let cache = asked.name.read()?;
    let items = cache.iter().map(|entry| {
        let nearcache::Value { data: value, flags, ttl, .. } = entry.value;
        Ok(Item { key: entry.key, value, flags, ttl })
    });
    write(asked.file.as_deref(), items, &asked.name.text, out)
}

/// Writes a dump of these items, whose lifetimes count from when they are met; how many there were is told beside the
/// output.
pub fn write(
    file: Option<&Path>,
    items: impl Iterator<Item = Result<Item, Failure>>,
    of: &str,
    out: &mut dyn Write,
) -> Result<Answer, Failure> {
    let (items, to) = match file {
        Some(path) if path != Path::new("-") => {
            let written = to_file(items, path);
            (written.map_err(|failure| failure.when(path.display()))?, path.display().to_string())
        }
        _ => (to_writer(items, out)?, "standard output".to_string()),
    };
    note(&format!("dumped {} of {of} to {to}", units::items(items)));
    Ok(Answer::Yes)
}

fn to_writer(
    items: impl Iterator<Item = Result<Item, Failure>>,
    out: impl Write,
) -> Result<u64, Failure> {
    let time = unix_time();
    let mut writer = Writer::new(out, time)?;
    for item in items {
        let item = item?;
        // Lifetimes count from the time in the first line, however long the dump takes.
        let passed = u32::try_from(unix_time() - time).unwrap_or(0);
        writer.item(&Item { ttl: item.ttl.map(|ttl| ttl.saturating_add(passed)), ..item })?;
    }
    Ok(writer.finish()?.1)
}

/// A file gets its name when it is complete, so that a dump that fails leaves the one before it. What is there and is no
/// file (a pipe, a device) is written to as it is.
fn to_file(
    items: impl Iterator<Item = Result<Item, Failure>>,
    path: &Path,
) -> Result<u64, Failure> {
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        let file = OpenOptions::new().write(true).open(path)?;
        return to_writer(items, BufWriter::new(file));
    }
    let partial = Partial::create(path)?;
    let items = to_writer(items, BufWriter::new(&partial.file))?;
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
