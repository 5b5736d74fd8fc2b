//! Proves the table itself: the same conversations against the memcached installed on this machine.
//!
//! Left out are the cases that move the clock, those marked `drift` (an older memcached words them another
//! way) and those marked `differs` (nearcache answers another way on purpose). Without a memcached on the
//! machine there is nothing to compare with, and the test says so.

use conformance::faces;
use conformance::report::{self, Summary};
use conformance::table::{self, Case};
use std::process::Command;

fn not_comparable(case: &Case) -> bool {
    case.moves_clock() || case.drift.is_some() || case.differs.is_some()
}

#[test]
fn the_installed_memcached_answers_as_the_table_says() {
    let Ok(version) = Command::new("memcached").arg("-V").output() else {
        println!("left out: there is no memcached on this machine");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_string();
    let cases = table::load().unwrap();
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for face in faces::memcached().unwrap() {
        let mismatches = face.run_all(&cases, &mut summary, not_comparable);
        if !mismatches.is_empty() {
            failures.push(report::tell(&mismatches));
        }
    }
    println!(
        "{version}, held to {} cases of tests/table/\n\n{summary}",
        cases.len()
    );
    assert!(
        failures.is_empty(),
        "\n{}\n{version}\n{summary}",
        failures.join("\n")
    );
}
