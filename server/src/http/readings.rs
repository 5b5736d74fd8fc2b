//! The server's numbers as its visitors get them: those of `stats`, so that both say the same.

use crate::buffer::Output;
use crate::server::Server;
use crate::stats;
use std::collections::BTreeMap;

/// The general statistics by name.
#[derive(Debug)]
pub struct Readings(BTreeMap<String, String>);

impl Readings {
    /// As they are now.
    pub fn of(server: &Server) -> Readings {
        let mut out = Output::default();
        stats::general(server, &mut out);
        Readings::read(&String::from_utf8_lossy(out.unsent()))
    }

    fn read(text: &str) -> Readings {
        let entry = |line: &str| {
            let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
            Some((name.to_string(), value.to_string()))
        };
        Readings(text.lines().filter_map(entry).collect())
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A number, if there is one of that name.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let readings = Readings::read("STAT version 1.6.45\r\nSTAT rusage_user 0.25\r\nEND\r\n");
        assert_eq!(readings.text("version"), "1.6.45");
        assert_eq!(readings.number("rusage_user"), Some(0.25));
        assert_eq!(readings.number("version"), None);
        assert_eq!(readings.number("nothing"), None);
    }
}
