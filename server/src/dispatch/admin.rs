//! An operator's commands that have words of their own behind them.

use super::{After, Desk};
use crate::buffer::Output;
use crate::protocol::ascii::Admin;
use crate::protocol::reply;

impl Desk<'_> {
    /// Executes one; `words` is what stands behind its name.
    pub(super) fn administer(self, admin: Admin, _words: &[u8], out: &mut Output) -> After {
        match admin {
            Admin::Slabs | Admin::Lru | Admin::LruCrawler | Admin::Watch | Admin::Extstore => {
                out.text(reply::ERROR);
                After::Nothing
            }
            Admin::RefreshCerts => {
                self.refresh_certificates(out);
                After::Nothing
            }
        }
    }

    fn refresh_certificates(self, out: &mut Output) {
        match &self.server.tls {
            None => out.text(reply::TLS_DISABLED),
            Some(tls) => match tls.refresh(self.server.cache.unix_time()) {
                Ok(()) => out.text(reply::OK),
                Err(why) => out.text(format!("{why}\r\n").as_bytes()),
            },
        }
    }
}
