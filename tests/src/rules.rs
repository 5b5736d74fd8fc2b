//! The repository's rules about itself: what is read, what a breach is. The rules stand in [`code`] and
//! [`prose`]; `tests/repository.rs` runs each over the repository and over a bad sample.

pub mod code;
pub mod floors;
pub mod prose;
pub mod rust_text;

use crate::faces;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A text file of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path from the root, with forward slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl Source {
    /// A file, or a sample of one.
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_string(), text: text.to_string() }
    }

    /// The file's extension, or nothing.
    pub fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|e| e.to_str()).unwrap_or("")
    }

    /// Is it one of Rust's?
    pub fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }
}

/// A rule not kept, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Breach {
    /// A breach at a line counted from 0, as enumerations count.
    pub fn at(source: &Source, index: usize, what: impl Into<String>) -> Breach {
        Breach { path: source.path.clone(), line: index + 1, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Every text file that is part of the repository: what git would keep, or, outside of git, what lies in the
/// tree but in no folder of built things.
pub fn sources() -> Result<Vec<Source>, String> {
    let root = faces::root();
    let mut paths = match listed_by_git(&root) {
        Some(paths) => paths,
        None => {
            let mut paths = Vec::new();
            walk(&root, &root, &mut paths)?;
            paths
        }
    };
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        // A file git still lists may be deleted from the tree; what is no UTF-8 is no text.
        let Ok(bytes) = fs::read(root.join(&path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source { path, text });
        }
    }
    match sources.iter().any(|source| source.path == "Cargo.toml") {
        true => Ok(sources),
        false => Err(format!("{} is not the repository: it has no Cargo.toml", root.display())),
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let listing = git.current_dir(root).output().ok().filter(|o| o.status.success())?;
    let listing = String::from_utf8(listing.stdout).ok()?;
    let paths: Vec<String> =
        listing.split('\0').filter(|p| !p.is_empty()).map(String::from).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, folder: &Path, paths: &mut Vec<String>) -> Result<(), String> {
    let listing = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in listing.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            let built =
                ["target", "__pycache__", "node_modules", "vendor"].contains(&name.as_str());
            if !built && (!name.starts_with('.') || name == ".github") {
                walk(root, &path, paths)?;
            }
        } else if let Ok(inside) = path.strip_prefix(root) {
            paths.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}
