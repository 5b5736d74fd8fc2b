//! A disk as a loss of power may leave it: the log of what was done to the files, and any of the states that are allowed
//! at a point of it.
//!
//! What a sync of a file covers is there; of what was written to it since, nothing, the first part, any sectors of 512
//! bytes (each as it was at some moment since), or all. The same goes for the names in a directory and the syncs of that
//! directory: a file that was synced in a directory that was not may be gone. Files and directories fare each for
//! themselves. This is less than file systems in use promise, and what POSIX does.
//!
//! But for one thing. The engine syncs the files in which it keeps large values apart (`blobs/`), and never that
//! directory. ext4, XFS, btrfs and F2FS keep the name of a new file with its first sync, so this harms nobody there; the
//! names in such directories alone are treated like that here.

use crate::common::Random;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// A file or directory, in the order of their making.
pub type Id = usize;

/// What was done.
pub enum Op {
    /// Something the child said.
    Mark(Vec<u8>),
    /// A name begins to lead to a file or directory.
    Link {
        dir: Id,
        name: OsString,
        id: Id,
    },
    Unlink {
        dir: Id,
        name: OsString,
    },
    /// Within one directory.
    Rename {
        dir: Id,
        from: OsString,
        to: OsString,
        id: Id,
    },
    Write {
        id: Id,
        at: u64,
        data: Vec<u8>,
    },
    SetLen {
        id: Id,
        len: u64,
    },
    /// Everything done to it before the operation `since` is safe.
    Sync {
        id: Id,
        since: usize,
        is_data: bool,
    },
}

impl Op {
    /// Whose content it changes.
    fn of(&self) -> Option<Id> {
        match self {
            Op::Link { dir, .. } | Op::Unlink { dir, .. } | Op::Rename { dir, .. } => Some(*dir),
            Op::Write { id, .. } | Op::SetLen { id, .. } => Some(*id),
            Op::Mark(_) | Op::Sync { .. } => None,
        }
    }
}

type Names = BTreeMap<OsString, Id>;

enum Node {
    Dir { safe: Names, now: Names },
    File { safe: Content },
}

/// The log of a run, on what was there before it.
pub struct Log {
    nodes: Vec<Node>,
    pub ops: Vec<Op>,
}

/// Which syncs count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Syncs {
    All,
    /// `fdatasync` does nothing: as if no batch was ever synced.
    NotOfData,
    None,
}

const ROOT: Id = 0;

impl Log {
    /// What is in the directory now, all of it safe.
    pub fn of(root: &Path) -> Log {
        let mut log = Log { nodes: Vec::new(), ops: Vec::new() };
        log.take_in(root);
        log
    }

    fn take_in(&mut self, path: &Path) -> Id {
        let id = self.nodes.len();
        if !path.is_dir() {
            self.nodes.push(Node::File { safe: Content::read(path) });
            return id;
        }
        self.nodes.push(Node::Dir { safe: Names::new(), now: Names::new() });
        let mut names = Names::new();
        for (name, path) in listing(path) {
            names.insert(name, self.take_in(&path));
        }
        self.nodes[id] = Node::Dir { safe: names.clone(), now: names };
        id
    }

    /// By their inode numbers, the files and directories as they were taken in.
    pub fn inodes(&self, root: &Path) -> HashMap<u64, Id> {
        let mut inodes = HashMap::from([(fs::metadata(root).unwrap().ino(), ROOT)]);
        let mut dirs = vec![(root.to_path_buf(), ROOT)];
        while let Some((path, dir)) = dirs.pop() {
            for (name, id) in self.names(dir).clone() {
                let path = path.join(name);
                inodes.insert(fs::metadata(&path).unwrap().ino(), id);
                if matches!(self.nodes[id], Node::Dir { .. }) {
                    dirs.push((path, id));
                }
            }
        }
        inodes
    }

    fn names(&self, dir: Id) -> &Names {
        match &self.nodes[dir] {
            Node::Dir { now, .. } => now,
            Node::File { .. } => panic!("a file is no directory"),
        }
    }

    fn names_mut(&mut self, dir: Id) -> &mut Names {
        match &mut self.nodes[dir] {
            Node::Dir { now, .. } => now,
            Node::File { .. } => panic!("a file is no directory"),
        }
    }

    /// What is at this path now.
    pub fn find(&self, path: &Path) -> Option<Id> {
        path.iter().try_fold(ROOT, |dir, name| self.names(dir).get(name).copied())
    }

    fn dir_and_name(&self, path: &Path) -> (Id, OsString) {
        let parent = path.parent().expect("the root itself is left alone");
        let dir = self.find(parent).expect("the directory is known");
        (dir, path.file_name().expect("a name").to_os_string())
    }

    /// A new file or directory.
    pub fn make(&mut self, path: &Path, is_dir: bool) -> Id {
        let (dir, name) = self.dir_and_name(path);
        let id = self.nodes.len();
        self.nodes.push(match is_dir {
            true => Node::Dir { safe: Names::new(), now: Names::new() },
            false => Node::File { safe: Content::default() },
        });
        self.names_mut(dir).insert(name.clone(), id);
        self.ops.push(Op::Link { dir, name, id });
        id
    }

    pub fn unlink(&mut self, path: &Path) {
        let (dir, name) = self.dir_and_name(path);
        self.names_mut(dir).remove(&name).expect("what is removed is known");
        self.ops.push(Op::Unlink { dir, name });
    }

    pub fn rename(&mut self, from: &Path, to: &Path) {
        let ((dir, from), (other, to)) = (self.dir_and_name(from), self.dir_and_name(to));
        assert_eq!(dir, other, "a rename from one directory to another is not modelled");
        let id = self.names_mut(dir).remove(&from).expect("what is renamed is known");
        self.names_mut(dir).insert(to.clone(), id);
        self.ops.push(Op::Rename { dir, from, to, id });
    }

    /// The first operations in words, for whoever looks for what went wrong.
    pub fn tell(&self, cut: usize) -> String {
        use std::fmt::Write;
        let mut paths = vec![String::new(); self.nodes.len()];
        self.name_all(ROOT, String::new(), &mut paths);
        let mut text = String::new();
        for (index, op) in self.ops[..cut].iter().enumerate() {
            if let Op::Link { dir, name, id } = op {
                paths[*id] = format!("{}/{}", paths[*dir], name.display());
            }
            let told = match op {
                Op::Mark(said) => format!("says {}", said.trim_ascii().escape_ascii()),
                Op::Link { id, .. } => format!("makes {}", paths[*id]),
                Op::Unlink { dir, name } => format!("removes {}/{}", paths[*dir], name.display()),
                Op::Rename { dir, from, to, id } => {
                    let (at, is) = (&paths[*dir], id);
                    format!("renames {at}/{} to {} ({is})", from.display(), to.display())
                }
                Op::Write { id, at, data } => format!("writes {} {at}+{}", paths[*id], data.len()),
                Op::SetLen { id, len } => format!("sets the length of {} to {len}", paths[*id]),
                Op::Sync { id, since, .. } => format!("syncs {} (from {since})", paths[*id]),
            };
            writeln!(text, "{index} {told}").unwrap();
        }
        text
    }

    fn name_all(&self, id: Id, path: String, paths: &mut [String]) {
        if let Node::Dir { safe, .. } = &self.nodes[id] {
            for (name, id) in safe {
                self.name_all(*id, format!("{path}/{}", name.display()), paths);
            }
        }
        paths[id] = path;
    }

    /// Is the file one of the engine's journals?
    pub fn is_journal(&self, id: Id) -> bool {
        self.ops.iter().any(|op| {
            matches!(op, Op::Link { id: made, name, .. }
                if *made == id && name.to_string_lossy().ends_with(".jnl"))
        })
    }

    /// How many journals were begun and removed.
    pub fn journals(&self) -> (usize, usize) {
        let is_journal = |name: &OsString| name.to_string_lossy().ends_with(".jnl");
        let count = |is: &dyn Fn(&Op) -> bool| self.ops.iter().filter(|op| is(op)).count();
        (
            count(&|op| matches!(op, Op::Link { name, .. } if is_journal(name))),
            count(&|op| matches!(op, Op::Unlink { name, .. } if is_journal(name))),
        )
    }

    /// Makes in `at` what a loss of power after the first `cut` operations may leave. `kept`: everything written is
    /// there, whether it was synced or not.
    pub fn image(&self, at: &Path, cut: usize, syncs: Syncs, kept: bool, random: &mut Random) {
        let mut safe = vec![0; self.nodes.len()];
        let mut changes: Vec<Vec<(usize, &Op)>> = vec![Vec::new(); self.nodes.len()];
        for (index, op) in self.ops[..cut].iter().enumerate() {
            match op {
                Op::Sync { id, since, is_data } => {
                    let counts = match syncs {
                        Syncs::All => true,
                        Syncs::NotOfData => !is_data,
                        Syncs::None => false,
                    };
                    safe[*id] = if counts { (*since).max(safe[*id]) } else { safe[*id] };
                }
                _ => op.of().into_iter().for_each(|id| changes[id].push((index, op))),
            }
        }
        let mut dirs = vec![(at.to_path_buf(), ROOT)];
        while let Some((path, id)) = dirs.pop() {
            let is_blobs = path.ends_with("blobs");
            let is_sure = |(index, op): &&(usize, &Op)| {
                let named = match op {
                    Op::Link { id, .. } if is_blobs => safe[*id],
                    _ => 0,
                };
                kept || *index < safe[id].max(named)
            };
            let (sure, open): (Vec<_>, Vec<_>) = changes[id].iter().partition(is_sure);
            let (sure, open) = (sure.iter().map(|(_, op)| *op), open.iter().map(|(_, op)| *op));
            match &self.nodes[id] {
                Node::Dir { safe, .. } => {
                    fs::create_dir_all(&path).unwrap();
                    let mut names = safe.clone();
                    sure.for_each(|op| relink(&mut names, op));
                    kept_names(&mut names, &open.collect::<Vec<_>>(), random);
                    dirs.extend(names.into_iter().map(|(name, id)| (path.join(name), id)));
                }
                Node::File { safe } => {
                    let mut content = safe.clone();
                    sure.for_each(|op| content.apply(op, &|_| true));
                    content.lose(&open.collect::<Vec<_>>(), random);
                    content.write(&path);
                }
            }
        }
    }
}

fn relink(names: &mut Names, op: &Op) {
    match op {
        Op::Link { name, id, .. } => _ = names.insert(name.clone(), *id),
        Op::Unlink { name, .. } => _ = names.remove(name),
        Op::Rename { from, to, id, .. } => {
            names.remove(from);
            names.insert(to.clone(), *id);
        }
        _ => {}
    }
}

/// What a loss of power leaves of the changes that were not synced.
fn kept_names(names: &mut Names, open: &[&Op], random: &mut Random) {
    let upto = match random.below(4) {
        0 => 0,
        1 => random.below(open.len() as u64 + 1) as usize,
        2 => return open.iter().filter(|_| random.below(2) == 0).for_each(|op| relink(names, op)),
        _ => open.len(),
    };
    open[..upto].iter().for_each(|op| relink(names, op));
}

const SECTOR: u64 = 512;
const PAGE: u64 = 4096;

/// The bytes of a file, by pages; those that are not there are zeros.
#[derive(Clone, Default)]
struct Content {
    pages: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
    len: u64,
}

impl Content {
    fn read(path: &Path) -> Content {
        let mut bytes = Vec::new();
        File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
        let mut content = Content { len: bytes.len() as u64, ..Content::default() };
        for (number, page) in bytes.chunks(PAGE as usize).enumerate() {
            if page.iter().any(|byte| *byte != 0) {
                content.put(number as u64 * PAGE, page);
            }
        }
        content
    }

    /// Puts bytes that lie within one page.
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let page = self.pages.entry(at / PAGE).or_insert_with(|| Box::new([0; PAGE as usize]));
        let from = (at % PAGE) as usize;
        page[from..from + bytes.len()].copy_from_slice(bytes);
    }

    /// Applies a change to those sectors which `has` it.
    fn apply(&mut self, op: &Op, has: &dyn Fn(u64) -> bool) {
        match op {
            Op::Write { at, data, .. } => {
                let mut done = 0;
                while done < data.len() {
                    let here = at + done as u64;
                    let len = ((SECTOR - here % SECTOR) as usize).min(data.len() - done);
                    if has(here / SECTOR) {
                        self.put(here, &data[done..done + len]);
                    }
                    done += len;
                }
                self.len = self.len.max(at + data.len() as u64);
            }
            Op::SetLen { len, .. } => {
                for (number, page) in self.pages.range_mut(len / PAGE..) {
                    for (index, byte) in page.iter_mut().enumerate() {
                        let at = number * PAGE + index as u64;
                        if at >= *len && has(at / SECTOR) {
                            *byte = 0;
                        }
                    }
                }
                self.len = *len;
            }
            _ => {}
        }
    }

    /// What a loss of power leaves of the changes that were not synced.
    fn lose(&mut self, open: &[&Op], random: &mut Random) {
        let all = open.len() as u64;
        match random.below(4) {
            0 => {}
            // The first ones, the last of them torn.
            1 if all > 0 => {
                let upto = random.below(all) as usize;
                open[..upto].iter().for_each(|op| self.apply(op, &|_| true));
                if let Op::Write { id, at, data } = open[upto] {
                    let end = at + random.below(data.len() as u64 + 1);
                    let whole = (end / SECTOR * SECTOR).saturating_sub(*at) as usize;
                    let data = data[..whole.min(data.len())].to_vec();
                    self.apply(&Op::Write { id: *id, at: *at, data }, &|_| true);
                }
            }
            // Each sector, and the length, as at some moment since.
            2 => {
                let salt = random.next();
                let moment = |sector: u64| {
                    let mut random = Random(salt ^ sector.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    match random.below(4) {
                        0 => 0,
                        1 => all,
                        _ => random.below(all + 1),
                    }
                };
                let mut len = self.len;
                let upto = moment(u64::MAX);
                for (index, op) in open.iter().enumerate() {
                    self.apply(op, &|sector| (index as u64) < moment(sector));
                    if (index as u64) < upto {
                        len = self.len;
                    }
                }
                self.len = len;
            }
            _ => open.iter().for_each(|op| self.apply(op, &|_| true)),
        }
    }

    fn write(&self, path: &Path) {
        let file = File::create(path).unwrap();
        for (number, page) in self.pages.range(..self.len.div_ceil(PAGE)) {
            file.write_all_at(&page[..], number * PAGE).unwrap();
        }
        file.set_len(self.len).unwrap();
    }
}

/// Panics unless both directories hold the same.
pub fn assert_same(one: &Path, other: &Path) {
    let (ours, theirs) = (listing(one), listing(other));
    let names =
        |listing: &[(OsString, _)]| listing.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs), "{} and {}", one.display(), other.display());
    for ((_, one), (_, other)) in ours.iter().zip(&theirs) {
        if one.is_dir() {
            assert_same(one, other);
        } else {
            let (ours, theirs) = (fs::read(one).unwrap(), fs::read(other).unwrap());
            assert!(ours == theirs, "{} is not as it was recorded", other.display());
        }
    }
}

fn listing(dir: &Path) -> Vec<(OsString, std::path::PathBuf)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let mut all: Vec<_> = entries.map(|entry| (entry.file_name(), entry.path())).collect();
    all.sort();
    all
}
