//! Who may use the server: the users and passwords of `-Y`'s file (and of SASL's), and who it is that speaks.

use std::fs;
use std::hint::black_box;
use std::path::Path;

/// The most users that a file may name: each attempt is compared with all of them. (memcached stops at 8 with `-Y`, and
/// nowhere with SASL.)
const USERS_MAX: usize = 1000;

/// The longest line of the file, memcached's limit.
const LINE_MAX: usize = 256;

/// The users of a file.
pub struct Users(Vec<(Vec<u8>, Vec<u8>)>);

impl Users {
    /// Reads a file of lines `user:password`. The error says what is wrong with it; nobody's password is in it.
    pub fn read(path: &Path) -> Result<Users, String> {
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Users::parse(&text).map_err(|why| format!("{}: {why}", path.display()))
    }

    fn parse(text: &[u8]) -> Result<Users, String> {
        let mut users = Vec::new();
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let number = number + 1;
            if line.len() > LINE_MAX {
                return Err(format!("line {number} is longer than {LINE_MAX} bytes"));
            }
            let Some(colon) = memchr::memchr(b':', line).filter(|&colon| colon > 0) else {
                return Err(format!("line {number}: wants user:password"));
            };
            if users.len() == USERS_MAX {
                return Err(format!("line {number}: {USERS_MAX} users are the most"));
            }
            users.push((line[..colon].to_vec(), line[colon + 1..].to_vec()));
        }
        match users.is_empty() {
            true => Err("it names no user; a line is user:password".into()),
            false => Ok(Users(users)),
        }
    }

    /// Is this user's password this? Takes as long for a wrong one as for the right one; but nobody's is longer than a
    /// line, and a worker has better to do than to compare kilobytes with each of them.
    pub fn admit(&self, user: &[u8], password: &[u8]) -> bool {
        if user.len() + password.len() >= LINE_MAX {
            return false;
        }
        self.0.iter().fold(false, |admitted, (name, secret)| {
            let same = same(name, user) & same(secret, password);
            admitted | same
        })
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users", self.0.len())
    }
}

/// Are they the same? Looks at every byte of `sent`, whatever it finds.
fn same(secret: &[u8], sent: &[u8]) -> bool {
    let mut different = secret.len() ^ sent.len();
    for (at, &byte) in sent.iter().enumerate() {
        let other = secret.get(at).copied().unwrap_or(0);
        different |= usize::from(black_box(byte ^ other));
    }
    different == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_lines() {
        let users = Users::parse(b"foo:bar\r\nbaz::\n\nempty:").expect("a good file");
        for (user, password, right) in [
            ("foo", "bar", true),
            ("foo", "ba", false),
            ("foo", "bar ", false),
            ("baz", ":", true),
            ("empty", "", true),
            ("foo", "", false),
            ("", "", false),
        ] {
            assert_eq!(users.admit(user.as_bytes(), password.as_bytes()), right, "{user}");
        }
    }

    #[test]
    fn the_longest_line_is_a_password() {
        let (longest, longer) = ("b".repeat(LINE_MAX - 2), "b".repeat(LINE_MAX - 1));
        let users = Users::parse(format!("a:{longest}").as_bytes()).expect("a good file");
        assert!(users.admit(b"a", longest.as_bytes()));
        assert!(!users.admit(b"a", longer.as_bytes()));
        Users::parse(format!("a:{longer}").as_bytes()).expect_err("too long");
    }

    #[test]
    fn bad_files_are_refused() {
        let many = "a:b\n".repeat(1001);
        let long = format!("a:{}", "b".repeat(300));
        for (text, part) in [
            ("", "names no user"),
            ("user", "line 1"),
            ("a:b\n:c", "line 2"),
            (many.as_str(), "line 1001"),
            (long.as_str(), "longer than"),
        ] {
            let wrong = Users::parse(text.as_bytes()).expect_err(part);
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
