//! `nearcached`'s table of options in clap's words, for the generators that are made for those.

use clap::{Arg, ArgAction, Command, ValueHint};
use nearcached::options::{Known, OPTIONS};

/// The command line of `nearcached`.
pub fn command_line() -> Command {
    Command::new("nearcached")
        .version(env!("CARGO_PKG_VERSION"))
        .about("a cache server that speaks memcached's protocol")
        // Its own -h and -V are in the table.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(OPTIONS.iter().map(argument))
}

fn argument(known: &Known) -> Arg {
    let mut argument =
        Arg::new(known.long).long(known.long).help(known.help).hide(known.help.is_empty());
    if known.short.is_ascii_alphabetic() {
        argument = argument.short(known.short);
    }
    if known.value.is_empty() {
        return argument.action(ArgAction::SetTrue);
    }
    let hint = match known.value {
        "file" => ValueHint::FilePath,
        "dir" => ValueHint::DirPath,
        "user" => ValueHint::Username,
        _ => ValueHint::Other,
    };
    argument.action(ArgAction::Append).value_name(known.value).value_hint(hint)
}
