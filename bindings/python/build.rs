//! Passes on what pyo3 found out about the interpreter: `src/handle.rs` asks whether there is a GIL.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}
