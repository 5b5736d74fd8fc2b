//! The committed header is what cbindgen makes of the source, and keeps the promises about its own form.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../include/nearcache.h");

/// The header as cbindgen makes it of the source now.
fn fresh() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_crate(root)
        .with_config(config)
        .generate()
        .expect("cbindgen reads the source")
        .write(&mut text);
    String::from_utf8(text).expect("the header is UTF-8")
}

#[test]
fn the_committed_header_is_fresh() {
    let fresh = fresh();
    if std::env::var_os("NEARCACHE_BLESS").is_some() {
        fs::write(HEADER, &fresh).expect("include/nearcache.h can be written");
    }
    let committed = fs::read_to_string(HEADER).unwrap_or_default();
    let differs = committed.lines().zip(fresh.lines()).position(|(old, new)| old != new);
    assert!(
        committed == fresh,
        "include/nearcache.h differs from the source from line {} on; \
         write it anew with `NEARCACHE_BLESS=1 cargo test -p nearcache-ffi`",
        differs.unwrap_or_else(|| committed.lines().count().min(fresh.lines().count())) + 1
    );
}

/// A function of the header: its name and the comment above it.
fn functions(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut inside = false;
    for line in header.lines() {
        if line.starts_with("/**") {
            comment.clear();
            inside = true;
        }
        if inside {
            comment.push_str(line.trim_start_matches(" *").trim_start_matches('/'));
            comment.push('\n');
            inside = !line.contains("*/");
        } else if let Some((before, _)) = line.split_once('(')
            && !line.starts_with(['#', ' ', '/'])
            && !line.starts_with("typedef")
            && let Some(name) = before.split([' ', '*']).next_back()
            && name.starts_with("nearcache_")
        {
            found.push((name.to_owned(), std::mem::take(&mut comment)));
        }
    }
    found
}

#[test]
fn each_function_says_five_things_in_one_order() {
    let functions = functions(&fresh());
    assert!(functions.len() > 90, "only {} functions found", functions.len());
    for (name, comment) in functions {
        let mut rest = comment.as_str();
        for part in ["Lifetimes:", "NULL:", "Returns:", "Threads:"] {
            let (before, after) = rest
                .split_once(&format!("\n {part} "))
                .unwrap_or_else(|| panic!("{name}: no `{part}` where it belongs in:\n{comment}"));
            assert!(!before.trim().is_empty(), "{name}: nothing is said before `{part}`");
            rest = after;
        }
    }
}

#[test]
fn each_status_named_is_defined_and_each_one_defined_is_returned() {
    let header = fresh();
    let defined: BTreeSet<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split([' ', '(']).next())
        .collect();
    let mut returned = BTreeSet::new();
    for (name, comment) in functions(&header) {
        let returns = comment.split("\n Returns: ").nth(1).unwrap_or_default();
        let returns = returns.split("\n Threads: ").next().unwrap_or_default();
        for word in returns.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if word.starts_with("NEARCACHE_") {
                assert!(defined.contains(word), "{name} returns {word}, which is not defined");
                returned.insert(word.to_owned());
            }
        }
    }
    for status in [
        "OK",
        "MISS",
        "EXISTS",
        "NOT_STORED",
        "SHORT_BUFFER",
        "WON",
        "WAIT",
        "END",
        "DUPLICATE",
        "OVER",
        "INVALID",
        "TOO_BIG",
        "NOMEM",
        "NOT_NUMERIC",
        "SYSTEM",
        "LAYOUT",
        "CORRUPT",
        "PANIC",
        "NO_REGION",
        "REGION_EXISTS",
        "FOREIGN",
        "NOT_WRITABLE",
        "TOO_MANY",
        "IN_USE",
        "NO_STORE",
        "NEWER",
        "LOST",
        "DISK_FULL",
        "OVER_QUOTA",
        "CLOSED",
        "FORKED",
        "REFUSED",
        "STOPPED",
        "NO_QUEUE",
        "QUEUE_FULL",
        "CONNECTION",
        "UNSUPPORTED",
    ] {
        assert!(returned.contains(&format!("NEARCACHE_{status}")), "no function returns {status}");
    }
}

/// The values are permanent: this list is written by hand and only ever grows.
#[test]
fn the_values_of_statuses_are_permanent() {
    let header = fresh();
    for (name, value) in [
        ("OK", "0"),
        ("MISS", "1"),
        ("EXISTS", "2"),
        ("NOT_STORED", "3"),
        ("SHORT_BUFFER", "4"),
        ("WON", "5"),
        ("WAIT", "6"),
        ("END", "7"),
        ("DUPLICATE", "8"),
        ("OVER", "9"),
        ("INVALID", "-1"),
        ("TOO_BIG", "-2"),
        ("NOMEM", "-3"),
        ("NOT_NUMERIC", "-4"),
        ("SYSTEM", "-5"),
        ("LAYOUT", "-6"),
        ("CORRUPT", "-7"),
        ("PANIC", "-8"),
        ("NO_REGION", "-9"),
        ("REGION_EXISTS", "-10"),
        ("FOREIGN", "-11"),
        ("NOT_WRITABLE", "-12"),
        ("TOO_MANY", "-13"),
        ("IN_USE", "-14"),
        ("NO_STORE", "-15"),
        ("NEWER", "-16"),
        ("LOST", "-17"),
        ("DISK_FULL", "-18"),
        ("OVER_QUOTA", "-19"),
        ("CLOSED", "-20"),
        ("FORKED", "-21"),
        ("REFUSED", "-22"),
        ("STOPPED", "-23"),
        ("NO_QUEUE", "-24"),
        ("QUEUE_FULL", "-25"),
        ("CONNECTION", "-26"),
        ("UNSUPPORTED", "-27"),
    ] {
        let line = format!("#define NEARCACHE_{name} {value}\n");
        assert!(header.contains(&line), "the header has no line {line}");
    }
}
