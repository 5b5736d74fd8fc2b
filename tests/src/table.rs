//! The table's file format, and the cases read from it.
//!
//! A file of `tests/table/` is read line by line:
//!
//! ```text
//! # A comment. The first one says what the file is about.
//! == name of a case
//! socket: why it makes sense only on a socket (a malformed line, a limit of the wire)
//! drift: what an older memcached answers instead
//! differs: what memcached answers, and why nearcache does not
//! > a line of the request, sent with CR LF
//! < a line of the reply expected, CR LF included
//! advance 5
//! ```
//!
//! Requests and replies alternate: each run of `>` lines is answered by the run of `<` lines behind it, or by
//! silence if there is none. `advance N` moves the cache's clock by N seconds. Each case begins on an empty
//! cache. What may stand in a line is told in [`crate::text`]. A case marked `drift` or `differs` is not held
//! against the memcached installed on the machine.

use crate::text::{self, Piece};
use std::fs;
use std::path::{Path, PathBuf};

/// A request and the reply it is due.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent; empty for an `advance`.
    pub request: Vec<Piece>,
    /// What must come back.
    pub reply: Vec<Piece>,
    /// Seconds the clock is moved, if that is what the step does.
    pub advance: Option<u32>,
    /// The line of the file it starts on.
    pub line: usize,
    /// The request as the file has it.
    pub request_text: Vec<String>,
    /// The reply as the file has it.
    pub reply_text: Vec<String>,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The file's name without its extension: the chapter.
    pub chapter: String,
    /// The line its name stands on.
    pub line: usize,
    /// Why it is only for a socket.
    pub socket: Option<String>,
    /// What older memcacheds answer instead.
    pub drift: Option<String>,
    /// What memcached answers, and why nearcache does not.
    pub differs: Option<String>,
    /// The conversation.
    pub steps: Vec<Step>,
}

impl Case {
    /// Does it move the clock?
    pub fn moves_clock(&self) -> bool {
        self.steps.iter().any(|step| step.advance.is_some())
    }

    /// Can it be sent without waiting for any answer?
    pub fn can_be_pipelined(&self) -> bool {
        !self.steps.iter().any(|step| text::remembers(&step.request))
    }

    /// Where it stands.
    pub fn place(&self) -> String {
        format!("tests/table/{}.txt:{}", self.chapter, self.line)
    }
}

/// The folder of the table.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("table")
}

/// Every case of every file, in the order of the files' names.
pub fn load() -> Result<Vec<Case>, String> {
    let folder = folder();
    let listing = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let chapter =
            file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let content = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        for case in parse(&chapter, &content)? {
            if let Some(twin) = cases.iter().find(|other| other.name == case.name) {
                return Err(format!(
                    "{}: the name {:?} is taken by {}",
                    case.place(),
                    case.name,
                    twin.place()
                ));
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

/// The cases of one file.
pub fn parse(chapter: &str, content: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    for (index, raw) in content.lines().enumerate() {
        let line = index + 1;
        let at = |why: String| format!("tests/table/{chapter}.txt:{line}: {why}");
        if raw.is_empty() || raw.starts_with('#') {
            continue;
        }
        if let Some(name) = raw.strip_prefix("== ") {
            cases.push(Case {
                name: name.trim().to_string(),
                chapter: chapter.to_string(),
                line,
                socket: None,
                drift: None,
                differs: None,
                steps: Vec::new(),
            });
            continue;
        }
        let case = cases
            .last_mut()
            .ok_or_else(|| at("stands before the first case (== name)".to_string()))?;
        read_line(case, raw, line).map_err(at)?;
    }
    if let Some(empty) = cases.iter().find(|case| case.steps.is_empty()) {
        return Err(format!("{}: the case has no request", empty.place()));
    }
    Ok(cases)
}

fn read_line(case: &mut Case, raw: &str, line: usize) -> Result<(), String> {
    if let Some((mark, why)) = raw.split_once(": ")
        && let Some(slot) = mark_slot(case, mark)
    {
        *slot = Some(why.to_string());
        return Ok(());
    }
    if let Some(seconds) = raw.strip_prefix("advance ") {
        let seconds = seconds.parse().map_err(|_| format!("{raw:?}: a count of seconds is due"))?;
        if case.steps.last().is_some_and(|step| step.reply_text.is_empty()) {
            return Err(
                "ask for something first: a request without an answer may still be under way when \
                        the clock is moved"
                    .to_string(),
            );
        }
        let mut step = new_step(line);
        step.advance = Some(seconds);
        step.request_text.push(raw.to_string());
        step.reply = text::parse_line("OK")?;
        step.reply_text.push("OK".to_string());
        case.steps.push(step);
        return Ok(());
    }
    let (side, content) = raw.split_at(1);
    let content = match content.strip_prefix(' ') {
        Some(content) => content,
        None if content.is_empty() => content,
        None => return Err(format!("{raw:?} is no line of the table's format")),
    };
    let pieces = text::parse_line(content)?;
    match side {
        ">" => {
            let open = case.steps.last().is_some_and(|s| s.reply_text.is_empty());
            if !open {
                case.steps.push(new_step(line));
            }
            let step = case.steps.last_mut().ok_or("no step")?;
            step.request_text.push(content.to_string());
            join(&mut step.request, pieces);
        }
        "<" => {
            let step = case
                .steps
                .last_mut()
                .filter(|step| step.advance.is_none())
                .ok_or("a reply needs a request before it")?;
            step.reply_text.push(content.to_string());
            join(&mut step.reply, pieces);
        }
        _ => return Err(format!("{raw:?} is no line of the table's format")),
    }
    Ok(())
}

fn mark_slot<'a>(case: &'a mut Case, mark: &str) -> Option<&'a mut Option<String>> {
    match mark {
        "socket" => Some(&mut case.socket),
        "drift" => Some(&mut case.drift),
        "differs" => Some(&mut case.differs),
        _ => None,
    }
}

fn new_step(line: usize) -> Step {
    Step {
        request: Vec::new(),
        reply: Vec::new(),
        advance: None,
        line,
        request_text: Vec::new(),
        reply_text: Vec::new(),
    }
}

fn join(pieces: &mut Vec<Piece>, more: Vec<Piece>) {
    for piece in more {
        match piece {
            Piece::Bytes(bytes) => text::push_bytes(pieces, bytes),
            other => pieces.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "# About.\n== one\nsocket: why\n> set a 0 0 1\n> x\n< STORED\n\
                          advance 5\n> get a\n< VALUE a 0 1\n< x\n< END\n== two\n> quit\n";

    #[test]
    fn a_file_becomes_cases_and_steps() {
        let cases = parse("sample", SAMPLE).unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!(cases[0].socket.as_deref(), Some("why"));
        assert_eq!(cases[0].steps.len(), 3);
        assert_eq!(cases[0].steps[0].request, [Piece::Bytes(b"set a 0 0 1\r\nx\r\n".to_vec())]);
        assert_eq!(cases[0].steps[1].advance, Some(5));
        assert!(cases[0].moves_clock() && !cases[1].moves_clock());
        assert_eq!(cases[0].place(), "tests/table/sample.txt:2");
        assert!(cases[1].steps[0].reply.is_empty());
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        for bad in [
            "> x\n",
            "== a\n",
            "== a\n< x\n",
            "== a\nadvance x\n",
            "== a\n> x noreply\nadvance 5\n",
            "== a\n>x\n",
            "== a\nwhat\n",
        ] {
            let why = parse("bad", bad).unwrap_err();
            assert!(why.starts_with("tests/table/bad.txt:"), "{bad:?}: {why}");
        }
    }

    #[test]
    fn the_table_has_at_least_150_cases_of_every_verb() {
        let cases = load().unwrap();
        assert!(cases.len() >= 150, "the table has only {} cases", cases.len());
        let verbs =
            "get gets gat gats set add replace append prepend cas incr decr touch delete flush_all";
        for verb in verbs.split(' ') {
            let start = format!("{verb} ");
            let uses = |case: &&Case| {
                let mut lines = case.steps.iter().flat_map(|step| &step.request_text);
                lines.any(|line| line.starts_with(&start) || *line == verb)
            };
            let count = cases.iter().filter(uses).count();
            assert!(count >= 5, "only {count} cases use {verb}");
        }
    }
}
