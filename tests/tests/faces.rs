//! Runs the table through every face, and proves that a wrong expectation is noticed.
//!
//! `NEARCACHE_FACES=core,store,socket,storesocket,c,python,php` says which faces must be there; the default is the first
//! four.

use conformance::faces::{self, Face};
use conformance::report::{self, Summary};
use conformance::table::{self, Case};
use std::path::Path;

fn core_driver() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_driver_core"))
}

#[test]
fn every_required_face_answers_as_the_table_says() {
    let cases = table::load().unwrap();
    let required = faces::required().unwrap();
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for name in faces::NAMES {
        if !required.iter().any(|wanted| wanted == name) {
            println!("{name}: left out, NEARCACHE_FACES does not name it");
            continue;
        }
        match faces::ready(name, core_driver()) {
            Ok(ready) => {
                for face in &ready {
                    let mismatches = {
                        let differs: fn(&Case) -> bool = match name {
                            "store" => |case| faces::differs("store", case),
                            "storesocket" => |case| faces::differs("storesocket", case),
                            _ => |_| false,
                        };
                        face.run_all(&cases, &mut summary, differs)
                    };
                    if !mismatches.is_empty() {
                        failures.push(report::tell(&mismatches));
                    }
                }
            }
            Err(why) => failures.push(format!("MISSING  the face {name} is required: {why}\n")),
        }
    }
    println!("{} cases of tests/table/\n\n{summary}", cases.len());
    assert!(failures.is_empty(), "\n{}\n{summary}", failures.join("\n"));
}

/// The one face that is always there.
fn a_core_face() -> Face {
    faces::ready("core", core_driver()).unwrap().remove(0)
}

fn one_case(conversation: &str) -> Case {
    table::parse("self-test", &format!("== a self-test\n{conversation}")).unwrap().remove(0)
}

#[test]
fn a_right_expectation_holds() {
    let face = a_core_face();
    let right = "> set a 1 0 1\n> x\n< STORED\n> gets a\n< VALUE a 1 1 {let u}\n< x\n< END\n\
                 > cas a 0 0 1 {u}\n> y\n< STORED\nadvance 3\n> get a\n< VALUE a 0 1\n< y\n< END\n";
    face.run(&one_case(right)).unwrap();
}

#[test]
fn a_wrong_expectation_is_reported() {
    let face = a_core_face();
    // What is wrong about each, the conversation, and what the face must be said to have answered.
    let stored = "> set a 0 0 1\n> x\n< STORED\n";
    let wrong = [
        ("another word", "> set a 0 0 1\n> x\n< NOT_STORED\n".to_string(), "STORED"),
        ("another value", format!("{stored}> get a\n< VALUE a 0 1\n< y\n< END\n"), "VALUE a 0 1"),
        ("another length", format!("{stored}> get a\n< VALUE a 0 2\n< x\n< END\n"), "VALUE a 0 1"),
        ("other flags", format!("{stored}> get a\n< VALUE a 1 1\n< x\n< END\n"), "VALUE a 0 1"),
        ("a hit for a miss", "> get a\n< VALUE a 0 1\n< x\n< END\n".to_string(), "END"),
        ("a reply not foreseen", format!("{stored}> get a\n"), "VALUE a 0 1"),
        ("a reply too many", "> set a 0 0 1 noreply\n> x\n< STORED\n".to_string(), "(nothing)"),
        ("a number for a word", "> incr a 1\n< {any}\n".to_string(), "NOT_FOUND"),
        (
            "the wrong unique",
            format!(
                "{stored}> gets a a\n< VALUE a 0 1 {{let u}}\n< x\n< VALUE a 0 1 {{not u}}\n< x\n< END\n"
            ),
            "VALUE a 0 1",
        ),
        ("a reply cut short", "> get a\n< END\\c\n".to_string(), "\\r\\n"),
    ];
    for (what, conversation, got) in wrong {
        let mismatch = face.run(&one_case(&conversation)).expect_err(what);
        let told = mismatch.to_string();
        for part in ["a self-test", "core (many)", "request", "expected", "got"] {
            assert!(told.contains(part), "{what}: no {part:?} in\n{told}");
        }
        let after_got = told.split("  got ").nth(1).unwrap();
        assert!(after_got.trim().starts_with(got), "{what}: got is told as {after_got}");
    }
}

#[test]
fn a_driver_that_is_not_there_is_told_with_its_remedy() {
    let face = faces::ready("core", Path::new("no-such-driver")).unwrap().remove(0);
    let told = face.run(&one_case("> get a\n< END\n")).unwrap_err().to_string();
    assert!(told.contains("no-such-driver does not start"), "{told}");
    assert!(faces::ready("fortran", core_driver()).is_err());
}
