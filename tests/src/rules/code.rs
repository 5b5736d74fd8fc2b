//! The rules about code: why a file exists, SAFETY, atomics, length, panics.

use super::rust_text::{self, Line};
use super::{Breach, Source};

/// The longest file where the rule is strict, and the longest test.
const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 800;
/// Lines of code a SAFETY comment may stand above its `unsafe`, besides comments.
const NEAR: usize = 3;

/// Files that do not open by saying why they exist.
pub fn silent_openings(source: &Source) -> Vec<Breach> {
    let mut lines = source.text.lines().enumerate().peekable();
    let skip_first = |line: &str| line.starts_with("#!") && !line.starts_with("#![");
    let php = source.extension() == "php";
    while let Some((_, line)) = lines.peek() {
        let preamble =
            skip_first(line) || (php && line.trim() == "<?php") || line.trim().is_empty();
        let strict = php && line.trim().starts_with("declare(");
        if !preamble && !strict {
            break;
        }
        lines.next();
    }
    let (index, first) = lines.next().unwrap_or((0, ""));
    let first = first.trim();
    let openings: &[&str] = match source.extension() {
        "rs" => &["//!"],
        "py" => &["\"\"\"", "r\"\"\"", "#"],
        "php" => &["/**", "/*", "//", "#"],
        "sh" => &["#"],
        "c" | "h" | "hpp" => &["/*", "//"],
        _ => return Vec::new(),
    };
    let marked = openings.iter().find_map(|opening| first.strip_prefix(opening));
    // A block comment may say its sentence on its second line.
    let next = lines.next().map_or("", |(_, line)| line);
    let says = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count() >= 8;
    match marked {
        Some(rest) if says(rest) || (!first.starts_with("//") && says(next)) => Vec::new(),
        _ => {
            let what = format!("opens without saying why it exists: begin it with {}", openings[0]);
            vec![Breach::at(source, index, what)]
        }
    }
}

/// `unsafe` blocks and impls without `// SAFETY:` near them.
pub fn unexplained_unsafe(source: &Source) -> Vec<Breach> {
    if !source.is_rust() {
        return Vec::new();
    }
    let lines = rust_text::cut(&source.text);
    let unexplained = |index: &usize| opens_unsafe(&lines, *index) && !explained(&lines, *index);
    (0..lines.len())
        .filter(unexplained)
        .map(|index| {
            let what = "unsafe without `// SAFETY:` above it, naming who guarantees the condition";
            Breach::at(source, index, what)
        })
        .collect()
}

/// Does an `unsafe` block or impl open on this line?
fn opens_unsafe(lines: &[Line], index: usize) -> bool {
    let code = &lines[index].code;
    let behind = |at: usize| {
        let rest = code[at + 6..].trim_start();
        match rest.is_empty() {
            true => lines.get(index + 1).map_or("", |next| next.code.trim_start()),
            false => rest,
        }
    };
    code.match_indices("unsafe").any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let whole = !code[..at].ends_with(word) && !code[at + 6..].starts_with(word);
        let rest = behind(at);
        whole && (rest.starts_with('{') || rest.starts_with("impl"))
    })
}

fn explained(lines: &[Line], index: usize) -> bool {
    let says = |line: &Line| line.comment.contains("SAFETY:");
    if says(&lines[index]) || lines.get(index + 1).is_some_and(says) {
        return true;
    }
    let mut code_lines = 0;
    for line in lines[..index].iter().rev() {
        if says(line) {
            return true;
        }
        if !line.code.trim().is_empty() || line.comment.is_empty() {
            code_lines += 1;
        }
        if code_lines > NEAR {
            return false;
        }
    }
    false
}

/// `std::sync::atomic` in the core outside of its one room.
pub fn stray_atomics(source: &Source) -> Vec<Breach> {
    let watched = source.path.starts_with("core/src/") && source.path != "core/src/sync.rs";
    if !watched || !source.is_rust() {
        return Vec::new();
    }
    let lines = rust_text::cut(&source.text);
    let named = |line: &Line| {
        let code: String = line.code.split_whitespace().collect();
        ["std::sync::atomic", "core::sync::atomic", "std::sync::{atomic", "loom::sync"]
            .iter()
            .any(|name| code.contains(name))
    };
    let found = lines.iter().enumerate().filter(|(_, line)| named(line));
    found
        .map(|(index, _)| {
            Breach::at(
                source,
                index,
                "atomics are named in core/src/sync.rs alone: use crate::sync",
            )
        })
        .collect()
}

/// Files that are too long.
pub fn long_files(source: &Source) -> Vec<Breach> {
    let path = &source.path;
    if !source.is_rust() {
        return Vec::new();
    }
    let bindings = path.starts_with("bindings/") && path.contains("/src/");
    let strict = ["core/src/", "ffi/src/", "server/src/", "store/src/"]
        .iter()
        .any(|home| path.starts_with(home));
    let test =
        path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("tests/");
    let limit = match (strict || bindings, test) {
        (_, true) => TEST_LINES_MAX,
        (true, false) => LINES_MAX,
        (false, false) => return Vec::new(),
    };
    let count = source.text.lines().count();
    match count > limit {
        true => {
            let what = format!("has {count} lines, the limit is {limit}: split it by reason");
            vec![Breach::at(source, limit, what)]
        }
        false => Vec::new(),
    }
}

/// `unwrap`, `expect`, `panic!` and their like in the core, outside of tests, without a reason why they
/// cannot fail.
pub fn unexcused_panics(source: &Source) -> Vec<Breach> {
    let test_file = source.path.contains("/tests/") || source.path.ends_with("/tests.rs");
    if !source.path.starts_with("core/src/") || !source.is_rust() || test_file {
        return Vec::new();
    }
    let lines = rust_text::cut(&source.text);
    let mut breaches = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.test) {
        let Some(word) = panics(&line.code) else {
            continue;
        };
        let mut near = above(&lines, index).chain([line]);
        if !near.any(|line| line.comment.contains("cannot fail:")) {
            let what =
                format!("{word} in the core: return an error, or say `// cannot fail:` and why");
            breaches.push(Breach::at(source, index, what));
        }
    }
    breaches
}

/// The lines of the statement that a line belongs to, and of the comment above it, upwards.
fn above(lines: &[Line], index: usize) -> impl Iterator<Item = &Line> {
    let mut commented = false;
    lines[..index].iter().rev().take_while(move |line| {
        let code = line.code.trim();
        commented |= code.is_empty() && !line.comment.is_empty();
        match commented {
            true => code.is_empty() && !line.comment.is_empty(),
            false => !code.is_empty() && !code.ends_with([';', '{', '}']),
        }
    })
}

fn panics(code: &str) -> Option<&'static str> {
    let code: String = code.split_whitespace().collect();
    let calls = [".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("];
    let macros = ["panic!", "todo!", "unimplemented!", "unreachable!"];
    let call = calls.into_iter().find(|call| code.contains(call));
    call.or_else(|| {
        macros.into_iter().find(|name| {
            code.match_indices(name)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    })
}
