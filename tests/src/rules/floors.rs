//! The rule of the floors: within `core/src` a room imports from its own floor or a lower one, never from a
//! higher. The map is ARCHITECTURE's: bytes at the bottom, the verbs above, the public face on top.

use super::rust_text::{self, Line};
use super::{Breach, Source};

/// The rooms of the core and the floor of each.
pub const FLOORS: &[(&str, usize)] = &[
    ("lib", 5),
    ("cache", 5),
    ("ops", 4),
    ("check", 4),
    ("evict", 3),
    ("expiry", 3),
    ("index", 2),
    ("item", 2),
    ("seat", 2),
    ("reap", 2),
    ("memory", 1),
    ("bucket", 0),
    ("flush", 0),
    ("header", 0),
    ("hazard", 0),
    ("types", 0),
    ("sync", 0),
    ("clock", 0),
    ("hash", 0),
    ("stats", 0),
    ("error", 0),
];

const HOME: &str = "core/src/";

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The path of the module a file is: `core/src/memory/segment.rs` is `memory`, `segment`.
fn module(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix(HOME)?.strip_suffix(".rs")?;
    let mut parts: Vec<&str> = inside.split('/').collect();
    if parts.len() > 1 && parts.last() == Some(&"mod") {
        parts.pop();
    }
    Some(parts)
}

/// Imports that go up, and rooms without a floor.
pub fn upward_imports(sources: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        let Some(module) = module(&source.path) else {
            continue;
        };
        let (Some(room), true) = (module.first(), source.is_rust()) else {
            continue;
        };
        let Some(own) = floor(room) else {
            let what =
                format!("the room {room:?} has no floor: give it one in tests/src/rules/floors.rs");
            breaches.push(Breach::at(source, 0, what));
            continue;
        };
        let lines = rust_text::cut(&source.text);
        for (index, path) in paths(&lines, &module) {
            let Some(target) = home_of(&path, sources) else {
                let what = format!("{path:?} names no room of the core and nothing it exports");
                breaches.push(Breach::at(source, index, what));
                continue;
            };
            if floor(&target).is_some_and(|other| other > own) {
                let what = format!(
                    "{room} (floor {own}) uses {target} (floor {}): imports only go down",
                    floor(&target).unwrap_or_default()
                );
                breaches.push(Breach::at(source, index, what));
            }
        }
    }
    breaches
}

/// The room a name at the crate's root belongs to: the room itself, or the one that defines what the root
/// exports under that name.
fn home_of(name: &str, sources: &[Source]) -> Option<String> {
    if floor(name).is_some() {
        return Some(name.to_string());
    }
    let kinds =
        ["struct", "enum", "trait", "fn", "const", "static", "type", "macro_rules!", "union"];
    sources.iter().find_map(|source| {
        let room = module(&source.path)?.first()?.to_string();
        let defines = rust_text::cut(&source.text).iter().any(|line| {
            let mut words = line.code.split(|c: char| c.is_whitespace() || "(<:;={".contains(c));
            words.any(|word| kinds.contains(&word))
                && words.find(|word| !word.is_empty()) == Some(name)
        });
        defines.then_some(room)
    })
}

/// The first name behind each `crate::` and `super::` outside of tests, with its line.
fn paths(lines: &[Line], module: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // Uses in braces may span lines, so the code is searched as one text; each byte knows its line.
    let mut code = String::new();
    let mut line_of = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.test) {
        code.push_str(&line.code);
        code.push('\n');
        line_of.resize(code.len(), index);
    }
    for (at, _) in code.match_indices("crate::") {
        let index = line_of[at];
        found.extend(heads(&code[at + 7..]).into_iter().map(|head| (index, head)));
    }
    for (at, _) in code.match_indices("super::") {
        let index = line_of[at];
        if code[..at].ends_with("super::") {
            continue;
        }
        let run = code[at..].split("super::").take_while(|part| part.is_empty()).count();
        let inside = lines[index].modules;
        // Within a module written in place, the first `super` is the file itself.
        let up = run.saturating_sub(inside);
        let depth = module.len().saturating_sub(up);
        match (up, module.get(..depth)) {
            (0, _) => {}
            (_, Some([room, ..])) => found.push((index, room.to_string())),
            _ => {
                let rest = &code[at + 7 * run..];
                found.extend(heads(rest).into_iter().map(|head| (index, head)));
            }
        }
    }
    found
}

/// The first names of a path: `a::b` gives `a`; `{a::b, c}` gives `a` and `c`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> Option<String> {
        rust_text::words(text.trim_start().split("::").next()?).next().map(String::from)
    };
    let Some(inside) = path.strip_prefix('{') else {
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
        return (end > 0).then(|| path[..end].to_string()).into_iter().collect();
    };
    let mut depth = 0;
    let mut start = 0;
    let mut found = Vec::new();
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(name(&inside[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|head| head != "self");
    found
}
