//! `getopt_long` as users know it: `-p 1`, `-p1`, `-vMp 1`, `--port 1`, `--port=1`, and any unambiguous beginning of
//! a long name.

use super::{Wrong, wrong};

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The letter (of options without one, a private character).
    pub short: char,
    /// The long name.
    pub long: &'static str,
    /// How help calls its value; empty if it has none.
    pub value: &'static str,
    /// What help says; empty hides it.
    pub help: &'static str,
}

/// One option as given.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its letter.
    pub option: char,
    /// Its value, or nothing.
    pub value: String,
}

/// Reads the arguments.
pub fn read(known: &[Known], arguments: &[String]) -> Result<Vec<Given>, Wrong> {
    let mut given = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if let Some(long) = argument.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (long, None),
            };
            let found = find_long(known, name)?;
            let value = match (found.value.is_empty(), value) {
                (true, None) => String::new(),
                (true, Some(_)) => return wrong(format!("--{name} takes no value")),
                (false, Some(value)) => value,
                (false, None) => next_value(&mut rest, argument)?,
            };
            let option = found.short;
            given.push(Given { option, value });
        } else if let Some(letters) = argument.strip_prefix('-').filter(|l| !l.is_empty()) {
            read_letters(known, letters, &mut rest, &mut given)?;
        } else {
            return wrong(format!("{argument}: is no option; see -h"));
        }
    }
    Ok(given)
}

fn read_letters<'a>(
    known: &[Known],
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
    given: &mut Vec<Given>,
) -> Result<(), Wrong> {
    for (at, letter) in letters.char_indices() {
        let shown = letter.is_ascii_alphabetic();
        let Some(found) = known.iter().find(|k| shown && k.short == letter) else {
            return wrong(format!("-{letter}: is no option; see -h"));
        };
        if found.value.is_empty() {
            let value = String::new();
            given.push(Given { option: letter, value });
            continue;
        }
        let joined = &letters[at + letter.len_utf8()..];
        let value = match joined {
            "" => next_value(rest, &format!("-{letter}"))?,
            joined => joined.to_string(),
        };
        given.push(Given { option: letter, value });
        break;
    }
    Ok(())
}

fn find_long<'k>(known: &'k [Known], name: &str) -> Result<&'k Known, Wrong> {
    if let Some(exact) = known.iter().find(|k| k.long == name) {
        return Ok(exact);
    }
    let mut near = known.iter().filter(|k| k.long.starts_with(name));
    match (near.next(), near.next()) {
        (Some(found), None) => Ok(found),
        (Some(a), Some(b)) => wrong(format!("--{name}: could be --{} or --{}", a.long, b.long)),
        (None, _) => wrong(format!("--{name}: is no option; see -h")),
    }
}

fn next_value<'a>(
    rest: &mut impl Iterator<Item = &'a String>,
    option: &str,
) -> Result<String, Wrong> {
    rest.next().cloned().map_or_else(|| wrong(format!("{option}: wants a value; see -h")), Ok)
}
