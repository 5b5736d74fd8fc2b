//! `cache_memlimit`. A raised limit is there at once; a lowered one evicts on the way, so it is lowered step by step, and
//! other clients have their turns in between.

use super::{After, Desk};
use crate::buffer::Output;
use crate::protocol::reply;
use crate::report::Report;
use nearcache::Error;

/// The least that memcached takes.
const LEAST: u64 = 8 << 20;

/// More megabytes than this are meant to be bytes.
const MEGABYTES_MAX: u32 = 1_000_000_000;

/// By how much the limit is lowered at a time.
const STEP: u64 = 1 << 20;

/// A limit that is being lowered.
#[derive(Debug)]
struct Lowering {
    from: u64,
    to: u64,
}

impl Desk<'_> {
    pub(super) fn memory_limit(self, megabytes: u32, out: &mut Output) -> After {
        let (cache, to) = (&self.server.cache, u64::from(megabytes) << 20);
        let from = cache.stats().limit_maxbytes;
        let (least, most) = cache.memory_limits();
        out.text(match to {
            ..LEAST => reply::MEMLIMIT_TOO_SMALL,
            _ if megabytes > MEGABYTES_MAX => reply::MEMLIMIT_IN_BYTES,
            _ if !(least..=most).contains(&to) => {
                eprintln!(
                    "nearcached: cache_memlimit {megabytes}: the limit can be from {least} to {most} bytes; \
                     for another start anew with -m"
                );
                reply::MEMLIMIT_FIXED
            }
            _ if to < from => return After::Report(Box::new(Lowering { from, to })),
            _ => self.moved(cache.set_memory_limit(to)),
        });
        After::Nothing
    }

    fn moved(self, moved: Result<u64, Error>) -> &'static [u8] {
        match moved {
            Ok(bytes) => {
                if self.server.verbosity() > 0 {
                    eprintln!("maxbytes adjusted to {}m", bytes >> 20);
                }
                reply::OK
            }
            Err(error) => {
                eprintln!("nearcached: cache_memlimit: {error}");
                reply::MEMLIMIT_FIXED
            }
        }
    }
}

impl Report for Lowering {
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool {
        let cache = &desk.server.cache;
        let now = cache.stats().limit_maxbytes;
        let moved = cache.set_memory_limit(now.saturating_sub(STEP).max(self.to));
        match moved {
            Ok(bytes) if bytes > self.to => return true,
            Ok(_) => {}
            // Half lowered is not what was asked for. That the old limit cannot be had back would be another's doing.
            Err(_) => {
                let _ = cache.set_memory_limit(self.from);
            }
        }
        out.text(desk.moved(moved));
        false
    }
}
