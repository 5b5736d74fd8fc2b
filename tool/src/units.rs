//! Numbers for people: bytes, counts, rates and times with their units, and sizes as people type them.

/// Bytes in the largest unit that leaves at least one, with one digit behind the point.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut number = count as f64 / 1024.0;
    let mut unit = 0;
    // What would round to 1024.0 is one of the next unit.
    while number >= 1023.95 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    format!("{number:.1} {}", UNITS[unit])
}

/// A count with a comma at every thousand.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 item`, `1,234 items`.
pub fn items(number: u64) -> String {
    counted(number, "item")
}

/// `1 message`, `1,234 messages`.
pub fn messages(number: u64) -> String {
    counted(number, "message")
}

fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Events per second: whole ones, or one digit behind the point below ten.
pub fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_string(),
        small if small < 9.95 => format!("{small:.1}"),
        large => count(large.round() as u64),
    }
}

/// Seconds in the two largest units that matter.
pub fn duration(seconds: i64) -> String {
    const DAY: i64 = 24 * 60 * 60;
    let s = seconds.max(0);
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..DAY => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / DAY, s % DAY / 3600),
    }
}

/// Hits among gets, as `97.5 %`; a dash if nothing was asked.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_string(), |share| format!("{:.1} %", 100.0 * share))
}

/// A number of bytes: `1048576`, `64M`, `64MiB`, `1.5g`; K, M, G and T are powers of 1024, kB, MB, GB and TB of 1000.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is no size: write a number of bytes, or a number with K, M, G or T (KiB, MiB, GiB, TiB; kB, MB, \
             GB and TB are powers of 1000), as in 64M"
        )
    };
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor: u64 = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let size = number * factor as f64;
    // A float holds whole numbers exactly up to 2^53, far beyond the largest cache.
    match size.is_finite() && size <= (1u64 << 53) as f64 && factor > 1 {
        true => Ok(size as u64),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_units() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (64 << 20, "64.0 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!([count(0), count(999), count(1000)], ["0", "999", "1,000"]);
        assert_eq!(count(1234567), "1,234,567");
        assert_eq!([items(0), items(1), items(1000)], ["0 items", "1 item", "1,000 items"]);
        assert_eq!([messages(1), messages(2)], ["1 message", "2 messages"]);
        assert_eq!([rate(0.0), rate(0.25), rate(1234.5)], ["0", "0.2", "1,235"]);
        assert_eq!([duration(-5), duration(59), duration(61)], ["0 s", "59 s", "1 min 1 s"]);
        assert_eq!([duration(7260), duration(90_000)], ["2 h 1 min", "1 d 1 h"]);
        assert_eq!([percent(None), percent(Some(0.975))], ["-", "97.5 %"]);
    }

    #[test]
    fn sizes_are_read_as_they_are_typed() {
        for (text, size) in [
            ("1048576", 1 << 20),
            ("64M", 64 << 20),
            ("64 MiB", 64 << 20),
            ("64mib", 64 << 20),
            ("1.5G", 3 << 29),
            ("2kB", 2000),
            ("1T", 1 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in
            ["", "M", "-1", "1.5", "1X", "1e9", "1..2M", "99999999999T", "99999999999999999999"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
