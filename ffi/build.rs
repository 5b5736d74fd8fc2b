//! Gives the shared library its soname, which cargo has no key for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // The number is NEARCACHE_ABI_VERSION; `tests/c/run.sh` compares the two.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnearcache.so.0");
    }
}
