//! A queue's settings in words: `queue <name> lease=30 max_deliveries=5`, and back.

use super::ask::quoted;
use crate::protocol::number::digits;
use crate::protocol::token::Tokens;
use nearcache_store::queue::Settings;

/// What `queue` takes.
pub const USAGE: &str =
    "usage: queue <name> [<setting>=<value> ... | pause | resume | requeue [to=<queue>] [max=<n>]]";

/// Can these words be applied? A sentence, if not.
pub fn check(words: &[u8]) -> Result<(), String> {
    apply(words, &mut Settings::default())
}

/// Applies words that are good; of others those before the first bad one.
pub fn apply(words: &[u8], settings: &mut Settings) -> Result<(), String> {
    Tokens::new(words, 0)
        .filter(|word| *word != b"noreply")
        .try_for_each(|word| apply_one(word, settings))
}

fn apply_one(word: &[u8], s: &mut Settings) -> Result<(), String> {
    let Some(at) = memchr::memchr(b'=', word) else {
        return Err(format!("{} is no setting and no command. {USAGE}", quoted(word)));
    };
    let (name, value) = (&word[..at], &word[at + 1..]);
    match name {
        b"max_messages" => s.max_messages = number(name, value)?,
        b"max_bytes" => s.max_bytes = number(name, value)?,
        b"max_message" => s.max_message = number(name, value)?,
        b"lease" => s.lease = small(name, value)?,
        b"max_deliveries" => s.max_deliveries = small(name, value)?,
        b"expire" => s.expire = small(name, value)?,
        b"dedup_window" => s.dedup_window = small(name, value)?,
        b"retry_delay" => s.retry_delay = small(name, value)?,
        b"dead_letters" => s.dead_letters = value.to_vec(),
        b"expired_to" => s.expired_to = value.to_vec(),
        b"discard_old" => {
            s.discard_old = match value {
                b"yes" | b"true" | b"1" => true,
                b"no" | b"false" | b"0" => false,
                _ => return Err(format!("discard_old is yes or no, not {}", quoted(value))),
            }
        }
        _ => {
            let names: Vec<_> = shown(s).into_iter().map(|(name, _)| name).collect();
            return Err(format!("{} is no setting: they are {}", quoted(name), names.join(", ")));
        }
    }
    Ok(())
}

fn number(name: &[u8], value: &[u8]) -> Result<u64, String> {
    digits(value).ok_or_else(|| {
        format!("{} is a number from 0 on, not {}", name.escape_ascii(), quoted(value))
    })
}

fn small(name: &[u8], value: &[u8]) -> Result<u32, String> {
    let found = number(name, value)?;
    u32::try_from(found)
        .map_err(|_| format!("{} is {} at most, not {found}", name.escape_ascii(), u32::MAX))
}

/// The settings' names and values, as `queue <name>` tells them.
pub fn shown(s: &Settings) -> [(&'static str, Vec<u8>); 11] {
    let number = |value: u64| value.to_string().into_bytes();
    let yes_no = |yes| if yes { b"yes".to_vec() } else { b"no".to_vec() };
    [
        ("lease", number(s.lease.into())),
        ("max_deliveries", number(s.max_deliveries.into())),
        ("dead_letters", s.dead_letters.clone()),
        ("retry_delay", number(s.retry_delay.into())),
        ("expire", number(s.expire.into())),
        ("expired_to", s.expired_to.clone()),
        ("max_messages", number(s.max_messages)),
        ("max_bytes", number(s.max_bytes)),
        ("max_message", number(s.max_message)),
        ("discard_old", yes_no(s.discard_old)),
        ("dedup_window", number(s.dedup_window.into())),
    ]
}
