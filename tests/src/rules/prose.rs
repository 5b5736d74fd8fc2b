//! The rules about what is written: no path of anyone's machine, no private registry, commands that exist,
//! links that lead somewhere.

use super::{Breach, Source};
use std::path::{Component, Path, PathBuf};

/// Folders under which a machine keeps its people's files. Put together here so that this file, too, keeps
/// the rule.
const HOMES: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Lines that name an absolute path of somebody's machine.
pub fn machine_paths(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for home in HOMES {
            let named = line.match_indices(home).any(|(at, _)| {
                // Within a longer path or an address it is another folder of that name.
                !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~/}$)".contains(c))
            });
            if named {
                let what = format!("names a path under {home}, which exists on one machine only");
                breaches.push(Breach::at(source, index, what));
            }
        }
    }
    breaches
}

/// Registries other than the public ones: a build must not depend on a private host.
pub fn registry_hosts(source: &Source) -> Vec<Breach> {
    // What cargo itself writes into every lock file.
    let public = ["github.com/rust-lang/crates.io-index"];
    let settings = [
        "--index-url",
        "--extra-index-url",
        "--trusted-host",
        "index-url =",
        "index-url=",
        "replace-with",
        "registry = \"http",
        "repository-url =",
    ];
    // The rule's own words are no breach of it.
    if source.path == "tests/src/rules/prose.rs" || source.path == "tests/tests/repository.rs" {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let private = ["registry+", "sparse+"].iter().any(|scheme| {
            line.split(scheme).nth(1).is_some_and(|url| {
                let host = url.trim_start_matches("https://").trim_start_matches("http://");
                url.starts_with("http") && !public.iter().any(|known| host.starts_with(known))
            })
        });
        let setting = settings.iter().find(|setting| line.contains(*setting));
        let host = ["artifactory", "nexus.", ".internal/", ".corp/", ".lan/"]
            .iter()
            .find(|host| line.to_lowercase().contains(*host));
        if private || setting.is_some() || host.is_some() {
            let what = "names a registry: the public ones are the default and need no name";
            breaches.push(Breach::at(source, index, what));
        }
    }
    breaches
}

/// `make` commands that a document shows and the Makefile has not.
pub fn unknown_targets(document: &Source, makefile: &Source) -> Vec<Breach> {
    let targets = targets(&makefile.text);
    let mut breaches = Vec::new();
    for (index, command) in shell_lines(&document.text) {
        for part in command.split("&&").flat_map(|part| part.split(';')) {
            let mut words = part.trim().trim_start_matches("$ ").split_whitespace();
            if words.next() != Some("make") {
                continue;
            }
            // Up to a comment; options and VARIABLE=value are not targets.
            let asked = words.take_while(|word| !word.starts_with('#'));
            for target in asked.filter(|word| !word.starts_with('-') && !word.contains('=')) {
                if !targets.iter().any(|known| known == target) {
                    let what = format!("`make {target}`: the Makefile has no target {target}");
                    breaches.push(Breach::at(document, index, what));
                }
            }
        }
    }
    breaches
}

/// The names a Makefile can be asked for.
fn targets(makefile: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in makefile.lines() {
        if line.starts_with(['\t', ' ', '#']) {
            continue;
        }
        if let Some((names, rest)) = line.split_once(':')
            && !rest.starts_with('=')
            && !names.contains('=')
        {
            targets.extend(names.split_whitespace().map(String::from));
        }
    }
    targets
}

/// The lines of a document that are commands: those of fenced blocks, and what stands between backticks.
fn shell_lines(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            found.push((index, line.to_string()));
        } else {
            let inline = line.split('`').skip(1).step_by(2);
            found.extend(inline.map(|code| (index, code.to_string())));
        }
    }
    found
}

/// Links of a document to files that are not there. `exists` is asked for paths from the root.
pub fn broken_links(source: &Source, exists: &dyn Fn(&Path) -> bool) -> Vec<Breach> {
    if source.extension() != "md" {
        return Vec::new();
    }
    let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
    let mut breaches = Vec::new();
    let mut fenced = false;
    for (index, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in link_targets(line) {
            let path = target.split('#').next().unwrap_or("");
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            // A link of a document compiled in may be a path of Rust's.
            if elsewhere || path.is_empty() || path.contains("::") {
                continue;
            }
            let from_root = match path.strip_prefix('/') {
                Some(path) => PathBuf::from(path),
                None => normal(&folder.join(path)),
            };
            if !exists(&from_root) {
                let what = format!("links to {target}, which is not there");
                breaches.push(Breach::at(source, index, what));
            }
        }
    }
    breaches
}

/// What stands in the round brackets behind square ones, and behind `[name]: `.
fn link_targets(line: &str) -> Vec<String> {
    // Code between backticks is no link.
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let mut targets: Vec<String> = prose
        .match_indices("](")
        .filter_map(|(at, _)| {
            let inside = &prose[at + 2..];
            let target = &inside[..inside.find(')')?];
            Some(target.split_whitespace().next()?.to_string())
        })
        .collect();
    if prose.starts_with('[')
        && let Some((_, target)) = prose.split_once("]: ")
    {
        targets.extend(target.split_whitespace().next().map(String::from));
    }
    targets
}

fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts
}
