//! Whose directory it is. One process owns it; it holds a store of a version that this program knows; and the engine
//! has recovered at least what was once synced.
//!
//! Beside the engine's files (`data/`) there are some of ours: `lock`, locked while the store is open, with a line
//! about the owner; `identity`, the format's version and the store's random number, written last when a store is made;
//! `creating`, which is there until then; and `synced`, the last sequence number that was synced. fjall takes a journal
//! that is damaged in the middle for one that ends there: only this number tells. (`near` is the near tier's.)

use crate::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use xxhash_rust::xxh3::xxh3_64;

/// The version of the format: of the layout here, of the keyspaces and of what is in them.
pub const FORMAT: u32 = 1;
const TITLE: &str = "nearcache store";
const LOCK: &str = "lock";
const IDENTITY: &str = "identity";
const CREATING: &str = "creating";
const SYNCED: &str = "synced";
/// Where the engine's files are.
pub const DATA: &str = "data";

/// A directory that this process owns.
#[derive(Debug)]
pub struct Guard {
    dir: PathBuf,
    /// Locked as long as it is open.
    lock: Option<File>,
    id: u128,
    is_new: bool,
}

impl Guard {
    /// Takes a directory, making it if `create` says so. A new store has to be [`Guard::finish`]ed.
    pub fn take(dir: &Path, create: bool) -> Result<Guard, Error> {
        if !dir.exists() {
            if !create {
                let at = dir.display();
                return Err(Error::Missing(format!("there is no store at {at}: create one there")));
            }
            make_dir(dir)?;
        }
        if !dir.is_dir() {
            return Err(Error::Foreign(format!(
                "{} is no directory: a store is one",
                dir.display()
            )));
        }
        let has = |name: &str| dir.join(name).exists();
        let ours = has(IDENTITY) || has(CREATING);
        if !ours {
            // Nothing is written to a directory that may be somebody else's.
            refuse_others(dir)?;
            if !create {
                let at = dir.display();
                return Err(Error::Missing(format!("{at} is empty: create a store there")));
            }
        }
        let lock = lock(dir)?;
        let guard = |id, is_new| Guard { dir: dir.to_path_buf(), lock: Some(lock), id, is_new };
        if has(IDENTITY) {
            let id = read_identity(&dir.join(IDENTITY))?;
            let _ = fs::remove_file(dir.join(CREATING));
            if !has(DATA) {
                return Err(damaged(dir, "the engine's files (data/) are missing"));
            }
            return Ok(guard(id, false));
        }
        if !create {
            let at = dir.display();
            return Err(Error::Missing(format!(
                "{at} holds a store that was never finished: create it anew"
            )));
        }
        // A store that was never finished: nobody was ever told that something is in it.
        write_file(&dir.join(CREATING), b"a store is being made here\n")?;
        sync_dir(dir)?;
        match fs::remove_dir_all(dir.join(DATA)) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                return Err(Error::system("clear", &dir.join(DATA), e));
            }
            _ => {}
        }
        Ok(guard(random(), true))
    }

    /// Where the engine's files are.
    pub fn data(&self) -> PathBuf {
        self.dir.join(DATA)
    }

    /// The store's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store's random number.
    pub fn id(&self) -> u128 {
        self.id
    }

    /// Was there nothing before?
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Lets go of it without unlocking: it is the parent's.
    pub fn leave(&mut self) {
        self.lock = None;
    }

    /// Declares a new store made: its engine's files are there, and `synced` is.
    pub fn finish(&mut self) -> Result<(), Error> {
        sync_dir(&self.dir)?;
        let (path, draft) = (self.dir.join(IDENTITY), self.dir.join("identity.new"));
        write_file(&draft, identity(self.id).as_bytes())?;
        fs::rename(&draft, &path).map_err(|e| Error::system("write", &path, e))?;
        sync_dir(&self.dir)?;
        let _ = fs::remove_file(self.dir.join(CREATING));
        self.is_new = false;
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            // Said in so many words: the child of a fork may hold the same open file.
            // SAFETY: the descriptor is the open file's.
            unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_UN) };
        }
    }
}

fn damaged(dir: &Path, what: &str) -> Error {
    Error::Damaged(format!("{} is damaged: {what}; restore a backup", dir.display()))
}

/// Refuses a directory in which something is that is not ours.
fn refuse_others(dir: &Path) -> Result<(), Error> {
    let listing = fs::read_dir(dir).map_err(|e| Error::system("list", dir, e))?;
    let mut names: Vec<String> =
        listing.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if names.iter().any(|name| name == DATA) && names.iter().any(|name| name == LOCK) {
        return Err(damaged(dir, "the file identity is missing, though there is data"));
    }
    match names.iter().find(|name| *name != LOCK && *name != "lost+found") {
        Some(name) => Err(Error::Foreign(format!(
            "{} holds {name:?} and no store: give the store an empty directory of its own",
            dir.display()
        ))),
        None => Ok(()),
    }
}

/// Locks the directory for this process, or tells who has it.
fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| Error::system("open", &path, e))?;
    // SAFETY: the descriptor is the open file's.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
        let e = std::io::Error::last_os_error();
        if e.kind() != ErrorKind::WouldBlock {
            return Err(Error::system("lock", &path, e));
        }
        let mut by = String::new();
        let _ = file.read_to_string(&mut by);
        let by = by.trim().to_string();
        let by = if by.is_empty() { "another process".to_string() } else { by };
        return Err(Error::InUse { dir: dir.to_path_buf(), by });
    }
    let program = fs::read_to_string("/proc/self/comm").unwrap_or_default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let note =
        format!("process {} ({}) since {}\n", std::process::id(), program.trim(), date(since));
    let noted = file.set_len(0).and_then(|()| {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(note.as_bytes())
    });
    // On a full disk the lock holds without the line about its owner.
    match noted {
        Err(e) if e.raw_os_error() != Some(libc::ENOSPC) => Err(Error::system("write", &path, e)),
        _ => Ok(file),
    }
}

/// A Unix time as people write it, in UTC.
fn date(unix: u64) -> String {
    // Days to a civil date, with March as the first month, so that the leap day is the last.
    let days = unix / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (hour, minute, second) = (unix / 3600 % 24, unix / 60 % 60, unix % 60);
    format!(
        "{:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC",
        era * 400 + year + next
    )
}

fn identity(id: u128) -> String {
    let text = format!("{TITLE}\nformat {FORMAT}\nid {id:032x}\n");
    let sum = xxh3_64(text.as_bytes());
    format!("{text}sum {sum:016x}\n")
}

fn read_identity(path: &Path) -> Result<u128, Error> {
    let at = path.display();
    let text = fs::read(path).map_err(|e| Error::system("read", path, e))?;
    let text = String::from_utf8_lossy(&text);
    if !text.starts_with(TITLE) {
        return Err(Error::Foreign(format!(
            "{at} is none of a store: give the store an empty directory of its own"
        )));
    }
    let mut lines = text.lines().skip(1);
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let (format, id) = (field("format"), field("id"));
    // A newer version may have a longer file: only its second line is promised.
    if let Some(newer) = format.and_then(|text| text.parse::<u32>().ok())
        && newer > FORMAT
    {
        return Err(Error::Newer(format!(
            "{at} says format {newer}, and this program knows up to {FORMAT}: use the version that wrote it, or a \
             newer one"
        )));
    }
    let id = id.and_then(|text| u128::from_str_radix(text, 16).ok());
    id.filter(|id| text == identity(*id)).ok_or_else(|| {
        Error::Damaged(format!("{at} is damaged: its checksum does not fit; restore a backup"))
    })
}

fn random() -> u128 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let half = || u128::from(RandomState::new().build_hasher().finish());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    (half() << 64 | half()) ^ now
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| Error::system("write", path, e))
}

/// Makes a directory and those that it is in, so that a loss of power leaves them.
fn make_dir(dir: &Path) -> Result<(), Error> {
    let is_new = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let made: Vec<&Path> = dir.ancestors().take_while(is_new).collect();
    fs::create_dir_all(dir).map_err(|e| Error::system("make the directory", dir, e))?;
    made.iter().filter_map(|dir| dir.parent()).try_for_each(|parent| {
        sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
    })
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| Error::system("sync", dir, e))
}

/// The last sequence number that was synced, in two places that are written in turn, so that one is always whole.
///
/// It is written after each sync of the engine, but synced itself only now and then: it may lag behind after a loss of
/// power, but is never ahead of what is safe.
#[derive(Debug)]
pub struct Watermark {
    file: File,
    path: PathBuf,
    turn: u64,
    synced: u64,
}

/// Half of the file is a place: each in a sector of its own.
const PLACE: u64 = 512;
const RECORD: usize = 24;

impl Watermark {
    /// Opens it; a new one says 0.
    pub fn open(guard: &Guard) -> Result<Watermark, Error> {
        let path = guard.dir.join(SYNCED);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(guard.is_new)
            .truncate(guard.is_new)
            .open(&path);
        let file = match opened {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(damaged(&guard.dir, "the file synced is missing"));
            }
            opened => opened.map_err(|e| Error::system("open", &path, e))?,
        };
        let mut mark = Watermark { file, path, turn: 0, synced: 0 };
        if guard.is_new {
            mark.note(0)?;
            mark.note(0)?;
            mark.sync()?;
            return Ok(mark);
        }
        let places = [0, 1].map(|place| mark.read(place));
        match places.into_iter().flatten().max() {
            Some((turn, synced)) => {
                (mark.turn, mark.synced) = (turn + 1, synced);
                Ok(mark)
            }
            None => Err(damaged(&guard.dir, "the file synced has no whole record")),
        }
    }

    fn read(&self, place: u64) -> Option<(u64, u64)> {
        let mut record = [0; RECORD];
        self.file.read_exact_at(&mut record, place * PLACE).ok()?;
        let word = |at: usize| Some(u64::from_le_bytes(record.get(at..at + 8)?.try_into().ok()?));
        (word(16)? == xxh3_64(&record[..16])).then_some((word(0)?, word(8)?))
    }

    /// The store's directory.
    pub fn dir(&self) -> PathBuf {
        self.path.parent().unwrap_or(&self.path).to_path_buf()
    }

    /// The last number noted.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Notes that everything up to this number is safe.
    pub fn note(&mut self, seq: u64) -> Result<(), Error> {
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&self.turn.to_le_bytes());
        record[8..16].copy_from_slice(&seq.to_le_bytes());
        let sum = xxh3_64(&record[..16]);
        record[16..].copy_from_slice(&sum.to_le_bytes());
        let place = self.turn % 2 * PLACE;
        let written = self.file.write_all_at(&record, place);
        written.map_err(|e| Error::system("write", &self.path, e))?;
        (self.turn, self.synced) = (self.turn + 1, seq);
        Ok(())
    }

    /// Makes it safe itself.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|e| Error::system("sync", &self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59:59 UTC");
    }
}
