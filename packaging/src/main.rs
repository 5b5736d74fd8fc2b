//! Writes the manual pages and the shell completions of `nearcached` and `nearcache` into a folder. What options there
//! are and what they do is read from the programs themselves, so that it is written once; the prose is in `man/`.

mod daemon;
mod page;

use clap::Command;
use clap_complete::{Shell, generate_to};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        eprintln!("usage: nearcache-pages FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nearcache-pages: {}: {error}", Path::new(folder).display());
            ExitCode::FAILURE
        }
    }
}

/// The programs, each with the text of its manual page.
fn programs() -> [(Command, &'static str); 2] {
    [
        (daemon::command_line(), include_str!("../man/nearcached.1.in")),
        (nearcache_tool::command_line(), include_str!("../man/nearcache.1.in")),
    ]
}

/// `man1/`, and a folder for each shell, with the files named as each shell looks for them.
fn write(folder: &Path) -> io::Result<()> {
    let pages = folder.join("man1");
    fs::create_dir_all(&pages)?;
    for (mut command, text) in programs() {
        let name = command.get_name().to_string();
        command.build();
        fs::write(pages.join(format!("{name}.1")), page::render(text, &mut command))?;
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let folder = folder.join(shell.to_string());
            fs::create_dir_all(&folder)?;
            let file = generate_to(shell, &mut command, &name, &folder)?;
            if shell == Shell::Bash {
                // bash-completion looks for the name of the command.
                fs::rename(file, folder.join(&name))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_its_page_under_its_whole_name() {
        for (mut command, text) in programs() {
            command.build();
            let page = page::render(text, &mut command);
            let mut names = Vec::new();
            name_all(&command, "", &mut names);
            for name in &names {
                let heading = |next| format!("\n.SS \"{} {next}", name.trim_start());
                let found = ["[", "<"].map(|next| page.matches(&heading(next)).count());
                assert_eq!(found.iter().sum::<usize>(), 1, "{name}");
            }
            assert!(command.get_name() == "nearcached" || names.len() > 30, "{names:?}");
        }
    }

    fn name_all(group: &Command, before: &str, into: &mut Vec<String>) {
        for command in group.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = format!("{before} {}", command.get_name());
            name_all(command, &name, into);
            into.push(name);
        }
    }

    #[test]
    fn every_option_is_in_its_manual_page_once() {
        for (mut command, text) in programs() {
            command.build();
            let page = page::render(text, &mut command);
            let entries: Vec<&str> =
                page.split("\n.TP\n").filter_map(|entry| entry.lines().next()).collect();
            let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
            for long in shown.filter_map(|argument| argument.get_long()) {
                let long = long.replace('-', "\\-");
                let long = format!("\\fB\\-\\-{long}\\fR");
                let found = entries.iter().filter(|entry| entry.contains(&long)).count();
                assert_eq!(found, 1, "{long} in the page of {}", command.get_name());
            }
            assert!(!page.contains("\n@") && !page.contains("@VERSION"), "a mark was left");
        }
    }
}
