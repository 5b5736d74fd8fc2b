//! What the tests of the engine share: the oracle, the pair that runs it beside the engine, values that check
//! themselves, seeds that replay a failing run, and the linearizability checker.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code, missing_docs)]

pub mod answer;
pub mod blocks;
pub mod board;
pub mod children;
pub mod number;
pub mod ops;
pub mod oracle;
pub mod oracle_meta;
pub mod pair;
pub mod perform;
pub mod property;
pub mod register;
pub mod scratch;
pub mod seed;
pub mod verbs;
pub mod wgl;
