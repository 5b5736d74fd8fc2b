//! `--store` and `--queue`, and what belongs to them.

use super::value::{bytes, number};
use super::{Options, Wrong, wrong};
use crate::durable::Role;
use nearcache::Home;
use nearcache_store::Policy;
use std::path::PathBuf;

/// What can be said of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The directory, which is what turns the role on.
    Dir,
    /// The TCP port.
    Port,
    /// The unix socket.
    Socket,
    /// When a write is answered.
    Sync,
    /// The most bytes.
    Quota,
    /// Open it although something is lost.
    Loss,
    /// The size of the near tier.
    Near,
    /// The name of the near tier.
    NearName,
}

const ALL: [What; 8] = [
    What::Dir,
    What::Port,
    What::Socket,
    What::Sync,
    What::Quota,
    What::Loss,
    What::Near,
    What::NearName,
];

/// The private characters of a role's options, which have no letters.
#[derive(Clone, Copy, Debug)]
pub struct Letters {
    role: Role,
    name: &'static str,
    first: u8,
    port: i32,
}

/// The store's.
pub const STORE: Letters = Letters { role: Role::Store, name: "store", first: 0x0e, port: 21201 };

/// The queues'.
pub const QUEUE: Letters = Letters { role: Role::Queue, name: "queue", first: 0x16, port: 22201 };

impl Letters {
    /// The character of one.
    pub const fn of(self, what: What) -> char {
        (self.first + what as u8) as char
    }
}

/// A role as it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoleOptions {
    /// The directory; `None`: the role is not served.
    pub dir: Option<PathBuf>,
    /// The TCP port, if it was given.
    pub port: Option<i32>,
    /// The unix socket.
    pub socket: Option<PathBuf>,
    /// When a write is safe enough to be answered, if it was given.
    pub policy: Option<Policy>,
    /// The most bytes.
    pub quota: Option<u64>,
    /// Open it although something is lost.
    pub accept_loss: bool,
    /// Bytes of the near tier, if they were given.
    pub near: Option<u64>,
    /// Where the near tier lives, if it is shared.
    pub near_home: Option<Home>,
}

impl RoleOptions {
    /// The TCP port; 0 is none.
    pub fn port(&self) -> i32 {
        self.port.unwrap_or(0)
    }

    /// The first that was given of what a role has only if the database is its own.
    pub fn own(&self) -> Option<&'static str> {
        let given = [
            ("sync", self.policy.is_some()),
            ("quota", self.quota.is_some()),
            ("accept-loss", self.accept_loss),
        ];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }
}

impl Options {
    /// The durable roles that are served.
    pub fn roles(&self) -> impl Iterator<Item = (Role, &RoleOptions)> {
        let all = [(Role::Store, &self.store), (Role::Queue, &self.queue)];
        all.into_iter().filter(|(_, asked)| asked.dir.is_some())
    }
}

/// Applies an option, if it is one of a role's.
pub(super) fn apply(option: char, value: &str, options: &mut Options) -> Result<bool, Wrong> {
    for letters in [STORE, QUEUE] {
        if let Some(&what) = ALL.iter().find(|&&what| letters.of(what) == option) {
            let asked =
                if letters.role == Role::Store { &mut options.store } else { &mut options.queue };
            set(asked, letters.name, what, value)?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn set(asked: &mut RoleOptions, role: &str, what: What, value: &str) -> Result<(), Wrong> {
    match what {
        What::Dir if value.is_empty() => return wrong(format!("--{role}: wants a directory")),
        What::Dir => asked.dir = Some(PathBuf::from(value)),
        What::Port => {
            let option = format!("--{role}-port");
            let port = number(value, -1, 65535, &option, "a TCP port, 0 for none, -1 for any")?;
            asked.port = Some(port);
        }
        What::Socket => asked.socket = Some(PathBuf::from(value)),
        What::Sync => {
            asked.policy = Some(match (value, value.parse::<u32>()) {
                ("always", _) | (_, Ok(0)) => Policy::Always,
                ("never", _) => Policy::Never,
                (_, Ok(millis)) => Policy::EveryMillis(millis),
                _ => {
                    return wrong(format!(
                        "--{role}-sync {value}: wants always, never or a number of milliseconds"
                    ));
                }
            });
        }
        What::Quota => asked.quota = Some(size(value, &format!("--{role}-quota"), 1)?),
        What::Loss => asked.accept_loss = true,
        What::Near => asked.near = Some(size(value, &format!("--{role}-near"), 0)?),
        What::NearName => {
            let home = Home::of(value);
            asked.near_home =
                Some(home.or_else(|error| wrong(format!("--{role}-near-name {value}: {error}")))?);
        }
    }
    Ok(())
}

/// A size with an optional `k`, `m` or `g`.
fn size(value: &str, option: &str, least: u64) -> Result<u64, Wrong> {
    let bytes = bytes(value).filter(|&bytes| (least..=1 << 50).contains(&bytes));
    match bytes {
        Some(bytes) => Ok(bytes),
        None => wrong(format!(
            "{option} {value}: wants a number of bytes, or with k, m or g, {least} to 2^50"
        )),
    }
}

/// Completes what was given, and refuses what does not go together.
pub(super) fn check(options: &mut Options) -> Result<(), Wrong> {
    let is_sasl = options.sasl;
    for (letters, asked) in [(STORE, &mut options.store), (QUEUE, &mut options.queue)] {
        let role = letters.name;
        if asked.dir.is_none() {
            if *asked != RoleOptions::default() {
                return wrong(format!("--{role}-*: there is no --{role} to which it belongs"));
            }
            continue;
        }
        let default = if asked.socket.is_some() { 0 } else { letters.port };
        if *asked.port.get_or_insert(default) == 0 && asked.socket.is_none() {
            return wrong(format!(
                "--{role}-port 0: there is nothing to listen on; give a port or --{role}-socket"
            ));
        }
        if is_sasl && letters.role == Role::Queue {
            return wrong(
                "-S and --queue: queues are spoken with in text, in which nobody can say who he is by SASL; ask with -Y",
            );
        }
        if asked.near == Some(0) && asked.near_home.is_some() {
            return wrong("--store-near 0 and --store-near-name: there is nothing to share");
        }
    }
    Ok(())
}
