//! Rust source cut into code and comments, line by line, with the tests inside it marked. A rule that looks
//! for a word must not stumble over the same word in a string or in prose.

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The code; the inside of strings and character literals is blanked.
    pub code: String,
    /// The comments.
    pub comment: String,
    /// Does it belong to an item under `#[cfg(test)]` or the like?
    pub test: bool,
    /// How many modules written in place (`mod x {`) are open here.
    pub modules: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

/// Cuts a file.
pub fn cut(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut lines = vec![Line::default()];
    let mut mode = Mode::Code;
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c == '\n' {
            if mode == Mode::LineComment {
                mode = Mode::Code;
            }
            lines.push(Line::default());
            at += 1;
            continue;
        }
        let Some(line) = lines.last_mut() else { break };
        at += match mode {
            Mode::Code => code(&chars, at, &mut mode, line),
            Mode::LineComment => {
                line.comment.push(c);
                1
            }
            Mode::BlockComment(depth) => block_comment(&chars, at, depth, &mut mode, line),
            Mode::Text => text_literal(&chars, at, &mut mode, line),
            Mode::RawText(hashes) => raw_text(&chars, at, hashes, &mut mode, line),
        };
    }
    mark(&mut lines);
    lines
}

fn code(chars: &[char], at: usize, mode: &mut Mode, line: &mut Line) -> usize {
    let next = chars.get(at + 1).copied();
    let before = at.checked_sub(1).map(|i| chars[i]);
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match (chars[at], next) {
        ('/', Some('/')) => {
            *mode = Mode::LineComment;
            line.comment.push_str("//");
            2
        }
        ('/', Some('*')) => {
            *mode = Mode::BlockComment(1);
            2
        }
        ('"', _) => {
            *mode = Mode::Text;
            line.code.push('"');
            1
        }
        ('r', Some('"' | '#')) if !in_word || before == Some('b') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if chars.get(at + 1 + hashes) == Some(&'"') {
                *mode = Mode::RawText(hashes);
                line.code.push_str("r\"");
                return hashes + 2;
            }
            line.code.push('r');
            1
        }
        ('\'', Some('\\')) => {
            // An escaped character literal: over the escape, then to the closing quote.
            let close = chars[at + 3..].iter().position(|c| *c == '\'');
            line.code.push_str("' '");
            close.map_or(1, |close| close + 4)
        }
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => {
            line.code.push_str("' '");
            3
        }
        (c, _) => {
            line.code.push(c);
            1
        }
    }
}

fn block_comment(
    chars: &[char],
    at: usize,
    depth: usize,
    mode: &mut Mode,
    line: &mut Line,
) -> usize {
    match (chars[at], chars.get(at + 1)) {
        ('*', Some('/')) => {
            *mode = if depth == 1 { Mode::Code } else { Mode::BlockComment(depth - 1) };
            2
        }
        ('/', Some('*')) => {
            *mode = Mode::BlockComment(depth + 1);
            2
        }
        (c, _) => {
            line.comment.push(c);
            1
        }
    }
}

fn text_literal(chars: &[char], at: usize, mode: &mut Mode, line: &mut Line) -> usize {
    match (chars[at], chars.get(at + 1)) {
        // The end of the line is left for the caller to see.
        ('\\', Some('\n')) => 1,
        ('\\', _) => 2,
        ('"', _) => {
            *mode = Mode::Code;
            line.code.push('"');
            1
        }
        _ => 1,
    }
}

fn raw_text(chars: &[char], at: usize, hashes: usize, mode: &mut Mode, line: &mut Line) -> usize {
    let closing = chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count();
    if chars[at] == '"' && closing == hashes {
        *mode = Mode::Code;
        line.code.push('"');
        return hashes + 1;
    }
    1
}

/// Marks the lines of test items, and counts the modules written in place.
fn mark(lines: &mut [Line]) {
    let mut depth = 0usize;
    // The depth outside of the test item being passed; `None` outside of any.
    let mut test_outside: Option<usize> = None;
    let mut awaiting_item = false;
    let mut modules: Vec<usize> = Vec::new();
    for line in lines {
        let code = line.code.trim().to_string();
        if test_outside.is_none() && is_test_attribute(&code) {
            awaiting_item = true;
        }
        line.test = awaiting_item || test_outside.is_some();
        let opens_module = is_module(&code);
        for c in code.chars() {
            match c {
                '{' => {
                    if awaiting_item {
                        test_outside = Some(depth);
                        awaiting_item = false;
                    }
                    if opens_module && modules.last() != Some(&depth) {
                        modules.push(depth);
                    }
                    depth += 1;
                }
                '}' => {
                    depth = depth.saturating_sub(1);
                    if test_outside == Some(depth) {
                        test_outside = None;
                    }
                    if modules.last() == Some(&depth) {
                        modules.pop();
                    }
                }
                // An item without a body, `#[cfg(test)] mod tests;`, ends the wait.
                ';' if awaiting_item => awaiting_item = false,
                _ => {}
            }
        }
        line.modules = modules.len();
    }
}

fn is_test_attribute(code: &str) -> bool {
    if code.contains("#[test]") {
        return true;
    }
    let Some(cfg) = code.split("#[cfg(").nth(1) else {
        return false;
    };
    words(cfg).any(|word| word == "test") && !cfg.contains("not(test")
}

fn is_module(code: &str) -> bool {
    let mut words = words(code);
    code.contains('{') && words.any(|word| word == "mod") && words.next().is_some()
}

/// The identifiers and numbers of some code.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_no_code() {
        let lines = cut(
            "let a = \"panic!()\"; // panic!\n/* x /* y */ z */ let b = r#\"un\"safe\"# + '\"';\n",
        );
        assert_eq!(lines[0].code, "let a = \"\"; ");
        assert_eq!(lines[0].comment, "// panic!");
        assert_eq!(lines[1].code, " let b = r\"\" + ' ';");
        assert!(lines[1].comment.contains('y'));
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_are_told_apart() {
        let lines = cut("fn f<'a>(x: &'a str) { m('\\'', '\\u{1f}', 'x', \"y\\\"z\") } // end\n");
        assert_eq!(lines[0].code, "fn f<'a>(x: &'a str) { m(' ', ' ', ' ', \"\") } ");
        assert_eq!(lines[0].comment, "// end");
    }

    #[test]
    fn tests_and_modules_in_place_are_marked() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n\
                    mod d {\n    fn e() {}\n}\n#[cfg(not(test))]\nfn g() {}\n#[cfg(test)]\nmod h;\nfn i() {}\n";
        let lines = cut(text);
        let tests: Vec<bool> = lines.iter().map(|line| line.test).collect();
        let expected = [0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0].map(|t| t == 1);
        assert_eq!(tests, expected);
        assert_eq!(lines[7].modules, 1);
        assert_eq!(lines[10].modules, 0);
    }
}
