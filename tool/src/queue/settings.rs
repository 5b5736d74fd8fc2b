//! A queue's settings, as they are written on the command line and shown.

use super::arguments::Configure;
use crate::escape::{escape, to_json as bytes_json, unescape};
use crate::failure::{Answer, Failure};
use crate::table::{Paint, Side, Table, Tone};
use crate::units;
use nearcache_store::Error;
use nearcache_store::queue::Settings;
use serde_json::{Value, json};
use std::io::Write;

/// Changes settings, or shows them.
pub fn configure(asked: &Configure, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.of.at.place.open()?;
    let name = asked.of.name();
    let mut settings = match durable.settings(name) {
        Err(Error::NoQueue(_)) if !asked.settings.is_empty() => Settings::default(),
        settings => settings?,
    };
    for word in &asked.settings {
        change(&mut settings, word).map_err(Failure::Told)?;
    }
    if !asked.settings.is_empty() {
        durable.configure(name, settings.clone())?;
    }
    if asked.json {
        writeln!(out, "{}", to_json(&settings))?;
    } else if asked.settings.is_empty() {
        let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
        for (name, text) in to_text(&settings) {
            table.row(Tone::Plain, [name.to_string(), text]);
        }
        table.print(Paint::of_output(), out)?;
    }
    Ok(Answer::Yes)
}

fn change(settings: &mut Settings, word: &str) -> Result<(), String> {
    let (name, value) = word
        .split_once('=')
        .ok_or_else(|| format!("{word:?} is no setting: write it as name=value, as in lease=60"))?;
    let wrong = |what: &str| format!("{name} is {what}, not {value:?}");
    let seconds = || value.parse().map_err(|_| wrong("a number of seconds"));
    let queue = || unescape(value.as_bytes());
    let s = settings;
    match name {
        "max_messages" => s.max_messages = value.parse().map_err(|_| wrong("a number"))?,
        "max_bytes" => s.max_bytes = units::parse_size(value)?,
        "max_message" => s.max_message = units::parse_size(value)?,
        "discard_old" => {
            s.discard_old = match value {
                "yes" | "true" | "1" => true,
                "no" | "false" | "0" => false,
                _ => return Err(wrong("yes or no")),
            }
        }
        "lease" => s.lease = seconds()?,
        "max_deliveries" => s.max_deliveries = value.parse().map_err(|_| wrong("a number"))?,
        "dead_letters" => s.dead_letters = queue()?,
        "expire" => s.expire = seconds()?,
        "expired_to" => s.expired_to = queue()?,
        "dedup_window" => s.dedup_window = seconds()?,
        "retry_delay" => s.retry_delay = seconds()?,
        _ => {
            let names = to_text(s).map(|(name, _)| name).join(", ");
            return Err(format!("there is no setting {name:?}: there are {names}"));
        }
    }
    Ok(())
}

/// As JSON, with numbers of bytes and seconds.
pub fn to_json(s: &Settings) -> Value {
    json!({
        "max_messages": s.max_messages,
        "max_bytes": s.max_bytes,
        "max_message": s.max_message,
        "discard_old": s.discard_old,
        "lease": s.lease,
        "max_deliveries": s.max_deliveries,
        "dead_letters": bytes_json(&s.dead_letters),
        "expire": s.expire,
        "expired_to": bytes_json(&s.expired_to),
        "dedup_window": s.dedup_window,
        "retry_delay": s.retry_delay,
    })
}

/// For people.
pub fn to_text(s: &Settings) -> [(&'static str, String); 11] {
    let or = |number: u64, shown: String, none: &str| match number {
        0 => none.to_string(),
        _ => shown,
    };
    let seconds = |number: u32, none: &str| or(number.into(), format!("{number} s"), none);
    let queue = |name: &[u8], none: &str| or(name.len() as u64, escape(name), none);
    [
        ("max_messages", or(s.max_messages, units::count(s.max_messages), "no limit")),
        ("max_bytes", or(s.max_bytes, units::bytes(s.max_bytes), "no limit")),
        ("max_message", or(s.max_message, units::bytes(s.max_message), "the store's largest item")),
        ("discard_old", if s.discard_old { "yes" } else { "no" }.to_string()),
        ("lease", seconds(s.lease, "-")),
        (
            "max_deliveries",
            or(s.max_deliveries.into(), units::count(s.max_deliveries.into()), "no limit"),
        ),
        ("dead_letters", queue(&s.dead_letters, "NAME.dead")),
        ("expire", seconds(s.expire, "never")),
        ("expired_to", queue(&s.expired_to, "nowhere: dropped")),
        ("dedup_window", seconds(s.dedup_window, "ids are not looked at")),
        ("retry_delay", seconds(s.retry_delay, "none")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_shown_can_be_changed_and_nothing_else() {
        let (mut settings, untouched) = (Settings::default(), Settings::default());
        for (name, _) in to_text(&untouched) {
            let value = match name {
                "discard_old" => "yes",
                "dead_letters" | "expired_to" => "other\\xff",
                _ => "7",
            };
            change(&mut settings, &format!("{name}={value}")).unwrap();
        }
        let (is, was) = (to_json(&settings), to_json(&untouched));
        let same = was.as_object().unwrap().iter().filter(|(name, value)| is[*name] == **value);
        assert_eq!(same.count(), 0, "{is} {was}");
        assert_eq!(settings.expired_to, b"other\xff");
        for (word, told) in [
            ("lease", "name=value"),
            ("leese=1", "no setting \"leese\": there are max_messages, max_bytes"),
            ("lease=soon", "a number of seconds, not \"soon\""),
            ("lease=-1", "a number of seconds"),
            ("max_bytes=lots", "is no size"),
            ("discard_old=maybe", "yes or no"),
            ("dead_letters=\\q", "begins no escape"),
        ] {
            let why = change(&mut settings, word).unwrap_err();
            assert!(why.contains(told), "{word}: {why}");
        }
    }
}
