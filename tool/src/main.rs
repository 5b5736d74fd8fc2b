//! The program `nearcache`.

fn main() -> std::process::ExitCode {
    nearcache_tool::main()
}
