//! Attaching a cache by what the user called it, and what is told of whoever else is attached.

use crate::failure::Failure;
use nearcache::{Access, Cache, Home, Life, Options, Process};
use serde_json::{Value, json};
use std::path::Path;

/// A cache as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As it was typed.
    pub text: String,
    /// What it means.
    pub home: Home,
}

impl Place {
    /// A path if it has a `/`, else a name; for clap, which words the error.
    pub fn parse(text: &str) -> Result<Place, String> {
        let home = Home::of(text).map_err(|error| error.to_string())?;
        Ok(Place { text: text.to_string(), home })
    }

    /// Attaches for reading alone: nobody notices, and nothing is counted.
    pub fn read(&self) -> Result<Cache, Failure> {
        self.open(Access::ReadOnly)
    }

    /// Attaches for reading and writing.
    pub fn write(&self) -> Result<Cache, Failure> {
        self.open(Access::Existing)
    }

    fn open(&self, access: Access) -> Result<Cache, Failure> {
        Ok(Options::attach(self.home.clone()).access(access).open()?)
    }
}

/// A user's name, or the number if it has none.
pub fn owner(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, uid).unwrap_or_else(|| uid.to_string())
}

fn name_of(users: &str, uid: u32) -> Option<String> {
    let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let user = fields.find(|user| user.get(2).is_some_and(|id| id.parse() == Ok(uid)))?;
    Some(user[0].to_string()).filter(|name| !name.is_empty())
}

/// The processes that are there. What seems dead is given back soon, and keeps nobody from anything.
pub fn living(processes: &[Process]) -> Vec<&Process> {
    processes.iter().filter(|process| process.life == Life::Alive).collect()
}

/// `1 process is`, `3 processes are`.
pub fn processes_are(number: usize) -> String {
    match number {
        1 => "1 process is".to_string(),
        _ => format!("{number} processes are"),
    }
}

/// The word for a life.
pub fn life(life: Life) -> &'static str {
    match life {
        Life::Alive => "alive",
        Life::Suspect => "suspect",
        Life::Dead => "dead",
    }
}

/// A process as JSON.
pub fn process_json(process: &Process) -> Value {
    json!({
        "pid": process.pid,
        "name": process.name,
        "since": process.since,
        "threads": process.threads,
        "life": life(process.life),
    })
}

/// A path as text; what is no UTF-8 in it is replaced.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_have_names_or_numbers() {
        let users =
            "root:x:0:0:root:/:/bin/sh\nbroken\n:x:7:7::/:\nann:x:1000:1000:Ann:/:/bin/sh\n";
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 1000).as_deref(), Some("ann"));
        assert_eq!(name_of(users, 7), None);
        assert_eq!(name_of("", 7), None);
    }

    #[test]
    fn a_slash_makes_a_path() {
        assert_eq!(Place::parse("app").unwrap().home, Home::Named("app".into()));
        assert_eq!(Place::parse("./app").unwrap().home, Home::At("./app".into()));
        assert!(Place::parse(".hidden").unwrap_err().contains("cannot name a cache"));
    }
}
