//! The program `nearcached`: reads the command line and serves.

use nearcached::options::{self, Asked, MEMCACHED_VERSION};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Result<Vec<String>, _> =
        std::env::args_os().skip(1).map(|word| word.into_string()).collect();
    let Ok(arguments) = arguments else {
        eprintln!("nearcached: an argument is not UTF-8");
        return ExitCode::from(options::EX_USAGE as u8);
    };
    let version = env!("CARGO_PKG_VERSION");
    let done = match options::parse(&arguments) {
        Ok(Asked::Help) => {
            print!("{}", options::help());
            Ok(())
        }
        Ok(Asked::Version) => {
            println!("memcached {MEMCACHED_VERSION} (nearcached {version})");
            Ok(())
        }
        Ok(Asked::License) => {
            println!("nearcached {version}: MIT OR Apache-2.0, at your choice");
            Ok(())
        }
        Ok(Asked::Serve(options)) => nearcached::serve::serve(*options),
        Err(wrong) => Err(wrong),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("nearcached: {wrong}");
            ExitCode::from(wrong.status as u8)
        }
    }
}
