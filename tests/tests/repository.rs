//! The repository's own rules, each run over every file, and over a bad sample to prove that it bites.

use conformance::faces;
use conformance::rules::{self, Breach, Source, code, floors, prose};

fn sources() -> Vec<Source> {
    rules::sources().unwrap()
}

/// Fails with every breach a rule finds.
fn hold(rule: &str, breaches: Vec<Breach>) {
    let told: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "\n{rule}\n  {}\n", told.join("\n  "));
}

fn hold_each(rule: &str, check: fn(&Source) -> Vec<Breach>) {
    hold(rule, sources().iter().flat_map(check).collect());
}

/// Proves that a check finds fault with each bad sample and none with the good ones.
fn bites(check: impl Fn(&Source) -> Vec<Breach>, path: &str, bad: &[&str], good: &[&str]) {
    for text in bad {
        assert!(!check(&Source::new(path, text)).is_empty(), "the rule lets this pass: {text:?}");
    }
    for text in good {
        let found = check(&Source::new(path, text));
        assert!(found.is_empty(), "the rule finds fault with {text:?}: {found:?}");
    }
}

#[test]
fn every_file_says_why_it_exists() {
    let check = code::silent_openings;
    bites(
        check,
        "a/b.rs",
        &["use std::fmt;\n//! Late.\n", "//!\n", "", "// A plain comment is not it.\n"],
        &["//! The reason of this file.\n"],
    );
    bites(
        check,
        "a/b.py",
        &["import os\n", "#!/usr/bin/env python3\nimport os\n"],
        &[
            "#!/usr/bin/env python3\n\"\"\"The reason of this file.\"\"\"\n",
            "\"\"\"\nThe reason of this file.\n",
        ],
    );
    bites(
        check,
        "a/b.php",
        &["<?php\nfunction f() {}\n"],
        &["<?php\n\ndeclare(strict_types=1);\n/**\n * The reason of this file.\n */\n"],
    );
    bites(check, "a/b.sh", &["#!/bin/sh\nset -eu\n"], &["#!/bin/sh\n# The reason of this file.\n"]);
    bites(check, "a/b.c", &["#include <stdio.h>\n"], &["/* The reason of this file. */\n"]);
    hold_each("Every source file opens with a line that says why it exists.", check);
}

#[test]
fn imports_in_the_core_only_go_down() {
    let error = Source::new("core/src/error.rs", "//! E.\npub enum Error {}\n");
    let cache = Source::new("core/src/cache.rs", "//! C.\npub struct Options {}\n");
    let check =
        |source: &Source| floors::upward_imports(&[source.clone(), error.clone(), cache.clone()]);
    bites(
        check,
        "core/src/memory/segment.rs",
        &[
            "use crate::index::Bucket;\n",
            "use crate::{\n    sync::A,\n    ops::{read, store},\n};\n",
            "fn f() { super::super::evict::run() }\n",
            "fn f() { crate::cache::Cache::x() }\n",
            "use crate::Options;\n",
            "use crate::Nowhere;\n",
        ],
        &[
            "use crate::sync::AtomicU64;\nuse super::layout::X;\nuse crate::Error;\n",
            "// use crate::ops::read;\n",
            "#[cfg(test)]\nmod tests {\n    use crate::cache::Cache;\n    use super::*;\n}\n",
        ],
    );
    bites(check, "core/src/attic.rs", &["fn f() {}\n"], &[]);
    bites(check, "core/src/item.rs", &["use super::ops::x;\n"], &["use super::hazard::x;\n"]);
    hold(
        "Imports in core/src go to the same floor or a lower one.",
        floors::upward_imports(&sources()),
    );
}

#[test]
fn every_unsafe_block_names_who_guarantees_it() {
    let check = code::unexplained_unsafe;
    bites(
        check,
        "ffi/src/a.rs",
        &[
            "fn f() { unsafe { g() } }\n",
            "unsafe impl Send for X {}\n",
            "// SAFETY: far away\nfn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn e() { unsafe { g() } }\n",
            "fn f() {\n    unsafe\n    {\n        g()\n    }\n}\n",
        ],
        &[
            "fn f() {\n    // SAFETY: the caller holds the pin.\n    unsafe { g() }\n}\n",
            "// SAFETY: X has no interior.\nunsafe impl Send for X {}\n",
            "unsafe extern \"C\" fn f() {}\n#[unsafe(no_mangle)]\npub fn g() {}\n",
            "let s = \"unsafe { }\"; // unsafe { }\n",
        ],
    );
    hold_each("Every unsafe block and impl has `// SAFETY:` near it.", check);
}

#[test]
fn only_one_room_of_the_core_names_atomics() {
    let check = code::stray_atomics;
    bites(
        check,
        "core/src/clock.rs",
        &["use std::sync::atomic::AtomicU64;\n", "use core::sync::atomic::Ordering;\n"],
        &["use crate::sync::AtomicU64;\n", "// std::sync::atomic\n"],
    );
    bites(check, "core/src/sync.rs", &[], &["pub use std::sync::atomic::AtomicU64;\n"]);
    hold_each("Only core/src/sync.rs names std::sync::atomic.", check);
}

#[test]
fn no_file_is_too_long() {
    let check = code::long_files;
    let long = "fn f() {}\n".repeat(501);
    let longer = "fn f() {}\n".repeat(801);
    bites(check, "core/src/a.rs", &[&long], &["fn f() {}\n"]);
    bites(check, "bindings/python/src/a.rs", &[&long], &[]);
    bites(check, "core/tests/a.rs", &[&longer], &[&long]);
    hold_each("No source file has more than 500 lines, no test more than 800.", check);
}

#[test]
fn the_core_does_not_panic() {
    let check = code::unexcused_panics;
    bites(
        check,
        "core/src/a.rs",
        &[
            "fn f() { x.unwrap() }\n",
            "fn f() {\n    x\n        .expect(\"why\")\n}\n",
            "fn f() { panic!(\"no\") }\n",
            "fn f() { todo!() }\n",
            "fn f() {\n    // cannot fail: y is full.\n    y.unwrap();\n    x.unwrap()\n}\n",
        ],
        &[
            "fn f() { x.unwrap_or(0) }\n",
            "fn f() {\n    // cannot fail: the length was checked above.\n    x.unwrap()\n}\n",
            "fn f() {\n    // cannot fail: y is full.\n    // As said.\n    let a = y\n        .b()\n        .unwrap();\n}\n",
            "#[cfg(test)]\nmod tests {\n    fn f() { x.unwrap() }\n}\n",
            "/// x.unwrap()\nfn f() { g(\"panic!\") }\n",
        ],
    );
    hold_each("The core neither unwraps nor panics outside of tests.", check);
}

#[test]
fn no_line_names_a_path_of_somebodys_machine() {
    let check = prose::machine_paths;
    let bad: Vec<String> = [("ho", "me"), ("ro", "ot"), ("wo", "rk")]
        .iter()
        .map(|(a, b)| format!("see /{a}{b}/someone/file\n"))
        .collect();
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    let good = format!("see docs{}/file and https://example.org/home/page\n", "/work");
    bites(check, "a.md", &bad, &[&good]);
    hold_each("No line names an absolute path of a developer's machine.", check);
}

#[test]
fn no_file_names_a_private_registry() {
    let check = prose::registry_hosts;
    bites(
        check,
        "Cargo.lock",
        &[
            "source = \"registry+https://crates.example.org/index\"\n",
            "source = \"sparse+https://mirror.example.org/\"\n",
            "pip install --index-url https://mirror.example.org x\n",
            "[source.crates-io]\nreplace-with = \"mirror\"\n",
        ],
        &["source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"],
    );
    hold_each("No file names a package registry of its own.", check);
}

#[test]
fn the_readmes_commands_exist() {
    let sources = sources();
    let find = |path: &str| {
        let found = sources.iter().find(|source| source.path == path);
        found.unwrap_or_else(|| panic!("{path} is missing: a stranger needs it")).clone()
    };
    let makefile = Source::new("Makefile", "A := 1\n.PHONY: all\nall test: x\n\techo hi: there\n");
    bites(
        |source| prose::unknown_targets(source, &makefile),
        "README.md",
        &[
            "```sh\nmake tset\n```\n",
            "Run `make demo`.\n",
            "```\ncd x && make -j2 V=1 install # it\n```\n",
        ],
        &[
            "```sh\n$ make test # the tests\n```\n",
            "Run `make`, or `make all V=1`. We make cheese.\n",
        ],
    );
    let makefile = find("Makefile");
    let mut breaches = prose::unknown_targets(&find("README.md"), &makefile);
    let guide = sources.iter().find(|source| source.path == "CONTRIBUTING.md");
    breaches.extend(guide.into_iter().flat_map(|guide| prose::unknown_targets(guide, &makefile)));
    hold("Every `make` command of the README is a target of the Makefile.", breaches);
}

#[test]
fn every_link_leads_to_a_file() {
    let known = |path: &std::path::Path| path == std::path::Path::new("core/src/docs/limits.md");
    bites(
        |source| prose::broken_links(source, &known),
        "core/src/docs/a.md",
        &["[x](limit.md)\n", "[x](../limits.md)\n", "[x]: gone.md\n"],
        &[
            "[x](limits.md#part) [y](https://example.org/z) [z](#here)\n",
            "[x](../docs/./limits.md) and `[no](link.md)`\n",
            "```text\n[no](link.md)\n```\n",
        ],
    );
    let root = faces::root();
    let exists = |path: &std::path::Path| root.join(path).exists();
    let sources = sources();
    let breaches = sources.iter().flat_map(|source| prose::broken_links(source, &exists));
    hold("Every link in a document leads to a file that is there.", breaches.collect());
}
