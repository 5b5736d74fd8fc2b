//! An operator's commands that have words of their own behind them: memcached's slabs, LRU queues, crawler and flash
//! storage. What they would turn does not exist here; they are checked and answered as memcached does it, and what was
//! set is shown by `stats settings`. The crawler's dumps are real.

use super::{After, Desk};
use crate::buffer::Output;
use crate::classes::CLASSES;
use crate::dump::{ALL, ClassSet, Dump, Form};
use crate::log;
use crate::options::Knobs;
use crate::protocol::ascii::Admin;
use crate::protocol::{number, reply, token::Tokens};
use crate::server::lock;
use std::str;

/// An operator's line holds no more words than this behind its name.
const WORDS_MAX: usize = 6;

/// An answer of one line.
type Reply = &'static [u8];

impl Desk<'_> {
    /// Executes one; `words` is what stands behind its name.
    pub(super) fn administer(self, admin: Admin, words: &[u8], out: &mut Output) -> After {
        // One more than any of them has: it will not be understood then.
        let list: Vec<&[u8]> = Tokens::new(words, 0).take(WORDS_MAX + 1).collect();
        let knobs = || lock(&self.server.knobs);
        out.text(match admin {
            Admin::Slabs => slabs(&mut knobs(), self.server.classes.largest(), &list),
            Admin::Lru => lru(&mut knobs(), &list).unwrap_or(reply::ERROR),
            Admin::Extstore => extstore(&mut knobs(), &list).unwrap_or(reply::ERROR),
            Admin::LruCrawler => match self.crawler(&mut knobs(), &list) {
                Ok((form, classes)) => {
                    out.text(reply::OK);
                    return Dump::begin(self, form, classes);
                }
                Err(answer) => answer,
            },
            Admin::RefreshCerts => {
                self.refresh_certificates(out);
                return After::Nothing;
            }
            Admin::Watch => return self.watch(words, out),
        });
        After::Nothing
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

    /// `lru_crawler`: what to dump, or else the answer.
    fn crawler(self, knobs: &mut Knobs, words: &[&[u8]]) -> Result<(Form, ClassSet), Reply> {
        let options = &self.server.options;
        let ready = if knobs.lru_crawler { Ok(()) } else { Err(reply::CRAWLER_DISABLED) };
        match *words {
            [b"crawl", which] => {
                ready?;
                if which == b"hash" {
                    return Err(reply::CRAWL_FAILED);
                }
                classes(which).ok_or(reply::BAD_CRAWL_CLASS)?;
                // What is dead is found by the engine itself: there is nothing left to do.
                self.server.crawler.start();
                Err(reply::OK)
            }
            [verb @ (b"metadump" | b"mgdump"), which] => {
                ready?;
                let (form, disabled) = match verb {
                    b"metadump" => (Form::Meta, reply::METADUMP_DISABLED),
                    _ => (Form::Get, reply::KEY_DUMP_DISABLED),
                };
                if !options.dump {
                    return Err(disabled);
                }
                let which = if which == b"hash" { Some(ALL) } else { classes(which) };
                Ok((form, which.ok_or(reply::BAD_CRAWL_CLASS)?))
            }
            [b"tocrawl", count] => {
                knobs.lru_crawler_tocrawl = number::strict_u32(count).ok_or(reply::BAD_FORMAT)?;
                Err(reply::OK)
            }
            [b"sleep", micros] => {
                let micros = number::strict_u32(micros).ok_or(reply::BAD_FORMAT)?;
                if micros > 1_000_000 {
                    return Err(reply::CRAWLER_SLEEP);
                }
                knobs.lru_crawler_sleep = micros;
                Err(reply::OK)
            }
            [b"enable"] if knobs.lru_crawler => Err(reply::CRAWLER_RUNS),
            [on @ (b"enable" | b"disable")] => {
                knobs.lru_crawler = on == b"enable";
                Err(reply::OK)
            }
            _ => Err(reply::ERROR),
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

/// `all`, or classes with commas between them.
fn classes(words: &[u8]) -> Option<ClassSet> {
    if words == b"all" {
        return Some(ALL);
    }
    words.split(|&byte| byte == b',').try_fold(0, |set, word| {
        let class = number::strict_u32(word).filter(|class| (1..CLASSES as u32).contains(class))?;
        Some(set | 1 << class)
    })
}

fn fraction(word: &[u8]) -> Option<f64> {
    str::from_utf8(word).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn slabs(knobs: &mut Knobs, largest: usize, words: &[&[u8]]) -> Reply {
    match *words {
        [b"reassign", ..] if words.len() == 3 && !knobs.slab_reassign => reply::REASSIGN_DISABLED,
        [b"reassign", from, to] => match (number::strict_i32(from), number::strict_i32(to)) {
            (Some(from), Some(to)) if from == to => reply::SAME_CLASS,
            (Some(from), Some(to)) => {
                let is_class = |class| usize::try_from(class).is_ok_and(|class| class <= largest);
                match is_class(from) && is_class(to) {
                    true => reply::NO_SPARE_PAGE,
                    false => reply::BAD_SLAB_CLASS,
                }
            }
            _ => reply::BAD_FORMAT,
        },
        [b"automove", ref level @ ..] => automove(knobs, level).unwrap_or(reply::ERROR),
        _ => reply::ERROR,
    }
}

fn automove(knobs: &mut Knobs, words: &[&[u8]]) -> Option<Reply> {
    match *words {
        [b"ratio", ratio] => knobs.slab_automove_ratio = fraction(ratio)?,
        [b"freeratio", ratio] => knobs.slab_automove_freeratio = fraction(ratio)?,
        [b"window", seconds] => {
            let seconds = number::strict_u32(seconds);
            knobs.slab_automove_window = seconds.filter(|window| (3..=1800).contains(window))?;
        }
        [b"ratio" | b"freeratio" | b"window"] => return None,
        [level] => match number::strict_u32(level) {
            Some(level @ 0..=2) => knobs.slab_automove = level,
            Some(_) => return None,
            None => return Some(reply::BAD_FORMAT),
        },
        _ => return None,
    }
    Some(reply::OK)
}

fn lru(knobs: &mut Knobs, words: &[&[u8]]) -> Option<Reply> {
    match *words {
        [b"tune", hot, warm, hot_factor, warm_factor] => {
            let (hot, warm) = (number::strict_u32(hot)?, number::strict_u32(warm)?);
            let (hot_factor, warm_factor) = (fraction(hot_factor)?, fraction(warm_factor)?);
            if hot.saturating_add(warm) > Knobs::QUEUES_MAX {
                return Some(reply::LRU_PERCENTAGES);
            }
            if hot_factor <= 0.0 || warm_factor <= 0.0 {
                return Some(reply::LRU_FACTORS);
            }
            (knobs.hot_lru_pct, knobs.warm_lru_pct) = (hot, warm);
            (knobs.hot_max_factor, knobs.warm_max_factor) = (hot_factor, warm_factor);
        }
        [b"mode", mode @ (b"flat" | b"segmented")] => knobs.lru_segmented = mode == b"segmented",
        // A negative one switches the queue off.
        [b"temp_ttl", seconds] => {
            knobs.temporary_ttl = u32::try_from(number::strict_i32(seconds)?).ok();
        }
        _ => return None,
    }
    Some(reply::OK)
}

fn extstore(knobs: &mut Knobs, words: &[&[u8]]) -> Option<Reply> {
    let flash = &mut knobs.flash;
    let (&[name, value], _) = words.split_first_chunk()?;
    if name == b"max_frag" {
        flash.max_frag = fraction(value)?;
        return Some(reply::OK);
    }
    let number = number::strict_u32(value)?;
    match name {
        b"item_size" => flash.item_size = number,
        b"item_age" => flash.item_age = number,
        b"low_ttl" => flash.low_ttl = number,
        b"recache_rate" => flash.recache_rate = number,
        b"compact_under" => flash.compact_under = number,
        b"drop_under" => flash.drop_under = number,
        b"max_sleep" => flash.max_sleep = number,
        b"drop_unread" => flash.drop_unread = number > 0,
        _ => return None,
    }
    Some(reply::OK)
}
