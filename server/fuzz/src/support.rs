//! The seeds of the engine's tests.

#[allow(dead_code)] // The tests use more of it.
#[path = "../../../core/tests/support/seed.rs"]
pub mod seed;
