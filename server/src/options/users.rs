//! Who is asked who they are: what `-Y` and `-S` need, and what does not go together with them.

use super::{Options, Protocol, Wrong, wrong};
use std::path::PathBuf;

impl Options {
    /// The file of users and passwords, if clients are asked who they are.
    pub fn users_file(&self) -> Option<PathBuf> {
        match (&self.auth_file, self.sasl) {
            (Some(path), _) => Some(path.clone()),
            (None, true) => std::env::var_os("MEMCACHED_SASL_PWDB").map(PathBuf::from),
            (None, false) => None,
        }
    }
}

/// With `-Y` text alone is spoken: it is where a client can say who it is.
pub fn check(options: &mut Options) -> Result<(), Wrong> {
    if options.udp_port != 0 && (options.auth_file.is_some() || options.sasl) {
        return wrong(
            "-U: a datagram does not say who sent it, and -Y or -S ask for it; leave one of them out",
        );
    }
    if options.sasl {
        return check_sasl(options);
    }
    if options.auth_file.is_none() {
        return Ok(());
    }
    if options.protocol == Protocol::Binary {
        return wrong("-Y: clients say in text who they are; give no -B binary with it, or -S");
    }
    options.protocol = Protocol::Ascii;
    Ok(())
}

/// With `-S` the binary protocol alone is spoken; the users are the environment's, or `-Y`'s.
fn check_sasl(options: &mut Options) -> Result<(), Wrong> {
    if options.protocol == Protocol::Ascii {
        return wrong("-S: SASL is spoken on the binary protocol only; leave -B ascii out");
    }
    options.auth_file = options.users_file();
    if options.auth_file.is_none() {
        return wrong(
            "-S: wants the file of users, of lines user:password; give it with -Y or MEMCACHED_SASL_PWDB",
        );
    }
    options.protocol = Protocol::Binary;
    Ok(())
}
