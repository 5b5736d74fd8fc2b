//! An operator's commands that have words of their own behind them.

use super::{After, Desk};
use crate::buffer::Output;
use crate::log;
use crate::protocol::ascii::Admin;
use crate::protocol::reply;

impl Desk<'_> {
    /// Executes one; `words` is what stands behind its name.
    pub(super) fn administer(self, admin: Admin, words: &[u8], out: &mut Output) -> After {
        match admin {
            Admin::Watch => self.watch(words, out),
            Admin::Slabs
            | Admin::Lru
            | Admin::LruCrawler
            | Admin::Extstore
            | Admin::RefreshCerts => {
                out.text(reply::ERROR);
                After::Nothing
            }
        }
    }

    /// Gives the connection to the log, if it may watch.
    fn watch(self, words: &[u8], out: &mut Output) -> After {
        let refused = if !self.server.options.watch {
            reply::WATCH_DISABLED
        } else if !out.unsent().is_empty() {
            reply::WATCH_PIPELINED
        } else if let Some(streams) = log::streams(words) {
            match self.server.log.admit(streams) {
                Some(watch) => return After::Watch(watch),
                None => reply::TOO_MANY_WATCHERS,
            }
        } else {
            reply::ERROR
        };
        out.text(refused);
        After::Nothing
    }
}
