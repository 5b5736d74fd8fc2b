//! A manual page: prose from a file, with the options and commands of a command line in the places marked for them.

use clap::{Arg, Command};
use std::fmt::Write;

/// Fills in a page's marks: lines that are `@OPTIONS@` or `@COMMANDS@`, and `@VERSION@` anywhere.
pub fn render(text: &str, command: &mut Command) -> String {
    let version = command.get_version().unwrap_or_default().to_string();
    let mut page = String::new();
    for line in text.lines() {
        match line {
            "@OPTIONS@" => arguments(&mut page, command.get_arguments()),
            "@COMMANDS@" => {
                let name = command.get_name().to_string();
                commands(&mut page, command, &name);
            }
            line => page.push_str(&line.replace("@VERSION@", &version)),
        }
        if !page.ends_with('\n') {
            page.push('\n');
        }
    }
    page
}

/// Each command under a heading that is its usage, without the program's name; those of a group follow it.
fn commands(page: &mut String, group: &mut Command, program: &str) {
    for command in group.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let usage = usage.strip_prefix(program).unwrap_or(usage);
        let _ = writeln!(page, ".SS \"{}\"", escaped(usage.trim_start()));
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "{}.", escaped(&about));
        // --help is the same everywhere, and told once.
        arguments(page, command.get_arguments().filter(|argument| argument.get_id() != "help"));
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        paragraphs(page, &after);
        commands(page, command, program);
    }
}

/// Each argument with what it does.
fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    for argument in arguments.filter(|argument| !argument.is_hide_set()) {
        let short = argument.get_short().map(|short| format!("\\fB\\-{short}\\fR"));
        let long = argument.get_long().map(|long| format!("\\fB\\-\\-{}\\fR", escaped(long)));
        let mut names = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if argument.get_action().takes_values() {
            let value = argument.get_value_names().map_or("VALUE", |names| names[0].as_str());
            let equals = if names.is_empty() { "" } else { "=" };
            let _ = write!(names, "{equals}\\fI{}\\fR", escaped(value));
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, ".TP\n{names}\n{}", escaped(&format!("{help}{}", values(argument))));
    }
}

/// What values there are, and which one is taken where there is none.
fn values(argument: &Arg) -> String {
    let mut text = String::new();
    if !argument.get_action().takes_values() {
        return text;
    }
    let possible = argument.get_possible_values();
    let told: Vec<String> = possible
        .iter()
        .map(|value| match value.get_help() {
            Some(help) => format!("{}: {help}", value.get_name()),
            None => value.get_name().to_string(),
        })
        .collect();
    if !told.is_empty() {
        let _ = write!(text, ". {}", told.join(". "));
    }
    let default = argument.get_default_values().iter().map(|value| value.to_string_lossy());
    let default: Vec<_> = default.collect();
    if !default.is_empty() {
        let _ = write!(text, " [default: {}]", default.join(", "));
    }
    text
}

/// Help text as clap prints it: a line is a paragraph, and lines that are set in stay as they are.
fn paragraphs(page: &mut String, text: &str) {
    let mut verbatim = false;
    for line in text.lines() {
        let inset = line.starts_with("  ") || (verbatim && line.is_empty());
        if inset != verbatim {
            page.push_str(if inset { ".PP\n.nf\n.RS 4\n" } else { ".RE\n.fi\n" });
            verbatim = inset;
        }
        match line {
            "" => {}
            line if inset => drop(writeln!(page, "{}", escaped(&line[2..]))),
            line => drop(writeln!(page, ".PP\n{}", escaped(line))),
        }
    }
    if verbatim {
        page.push_str(".RE\n.fi\n");
    }
}

/// Text that means itself to roff.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        match character {
            '\\' => safe.push_str("\\e"),
            '-' => safe.push_str("\\-"),
            '\'' => safe.push_str("\\(aq"),
            '"' => safe.push_str("\\(dq"),
            '`' => safe.push_str("\\(ga"),
            '^' => safe.push_str("\\(ha"),
            '~' => safe.push_str("\\(ti"),
            '.' if safe.is_empty() => safe.push_str("\\&."),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_means_itself() {
        assert_eq!(escaped(".TH 'a\\n' -x"), "\\&.TH \\(aqa\\en\\(aq \\-x");
    }

    #[test]
    fn examples_keep_their_lines() {
        let mut page = String::new();
        paragraphs(&mut page, "Why.\n\nExamples:\n  one\n  two\nEnd.");
        assert_eq!(
            page,
            ".PP\nWhy.\n.PP\nExamples:\n.PP\n.nf\n.RS 4\none\ntwo\n.RE\n.fi\n.PP\nEnd.\n"
        );
    }
}
