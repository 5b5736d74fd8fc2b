//! Proves the table itself: the same conversations against the memcached installed on this machine.
//!
//! Left out are the cases marked `drift` (an older memcached words them another way) and `differs` (nearcache
//! answers another way on purpose). The cases that move the clock need libfaketime, in whose hand memcached's
//! clock stands still until it is moved. Where the machine has no memcached, or no libfaketime, there is nothing
//! to compare with, and the test says so.

use conformance::faces::{self, Face};
use conformance::report::{self, Summary};
use conformance::table::{self, Case};
use std::path::{Path, PathBuf};
use std::process::Command;

fn incomparable(case: &Case) -> bool {
    case.drift.is_some() || case.differs.is_some()
}

/// Where Linux distributions put it.
fn libfaketime() -> Option<PathBuf> {
    let library = "faketime/libfaketimeMT.so.1";
    let of_this_machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    let folders = [of_this_machine.as_str(), ""].map(|folder| Path::new("/usr/lib").join(folder));
    let mut places = folders.iter().map(|folder| folder.join(library));
    places.find(|place| place.exists())
}

fn hold(version: &str, faces: &[Face], skip: fn(&Case) -> bool) {
    let cases = table::load().unwrap();
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for face in faces {
        let mismatches = face.run_all(&cases, &mut summary, skip);
        if !mismatches.is_empty() {
            failures.push(report::tell(&mismatches));
        }
    }
    println!("{version}, held to {} cases of tests/table/\n\n{summary}", cases.len());
    assert!(failures.is_empty(), "\n{}\n{version}\n{summary}", failures.join("\n"));
}

fn version() -> Option<String> {
    let output = Command::new("memcached").arg("-V").output();
    let version = output.ok().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string());
    if version.is_none() {
        println!("left out: there is no memcached on this machine");
    }
    version
}

#[test]
fn the_installed_memcached_answers_as_the_table_says() {
    let Some(version) = version() else { return };
    let faces = faces::memcached().unwrap();
    hold(&version, &faces, |case| incomparable(case) || case.moves_clock());
}

#[test]
fn the_installed_memcached_keeps_time_as_the_table_says() {
    let Some(version) = version() else { return };
    let Some(library) = libfaketime() else {
        println!("left out: there is no libfaketime on this machine to move memcached's clock");
        return;
    };
    let face = faces::memcached_and_clock(&library).unwrap();
    hold(&version, &[face], |case| incomparable(case) || !case.moves_clock());
}
