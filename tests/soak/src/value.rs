//! Values that say which key and version they are of, in every byte: the same in every language's worker.

/// The name of a key.
pub fn key_name(key: usize) -> String {
    format!("soak {key}")
}

/// The name of a counter, which lives in the cache where nothing is evicted.
pub fn counter_name(counter: usize) -> String {
    format!("counter {counter}")
}

fn length(key: usize, version: u64) -> usize {
    let (key, version) = (key as u64, version & 0xffff_ffff);
    let length = match key % 32 {
        0 => 70_000 + version * 7919 % 100_000,
        _ => 26 + (version * 61 + key * 17) % 1500,
    };
    length as usize
}

/// A key's value of some version: its head, again and again.
pub fn value(key: usize, version: u64) -> Vec<u8> {
    let head = format!("{key:08x}{version:016x}|");
    head.into_bytes().into_iter().cycle().take(length(key, version)).collect()
}

/// What is wrong with bytes that were read of a key, if `floor` is the code that was done before the read began, and
/// `begun` the one that was begun when it had ended.
pub fn fault(key: usize, bytes: &[u8], floor: u64, begun: u64) -> Option<String> {
    let head = bytes.get(..24).and_then(|head| std::str::from_utf8(head).ok());
    let of = head.and_then(|head| usize::from_str_radix(&head[..8], 16).ok());
    let version = head.and_then(|head| u64::from_str_radix(&head[8..], 16).ok());
    let (Some(of), Some(version)) = (of, version) else {
        return Some(format!("{} bytes that are no value", bytes.len()));
    };
    let (oldest, was_deleted) = (floor >> 1, floor & 1 == 1);
    if of != key {
        Some(format!("the value of key {of}"))
    } else if value(key, version) != bytes {
        Some(format!("a torn value of {} bytes that begins as version {version}", bytes.len()))
    } else if was_deleted && version <= oldest {
        Some(format!("version {version}, stale after the deletion that was version {oldest}"))
    } else if version < oldest {
        Some(format!("version {version}, stale after the store of version {oldest}"))
    } else if version > begun >> 1 {
        Some(format!("version {version}, and {} was the last that was begun", begun >> 1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{fault, value};

    #[test]
    fn every_kind_of_wrong_value_is_told() {
        let bytes = value(7, 3);
        assert_eq!(fault(7, &bytes, 3 << 1, 3 << 1), None);
        assert_eq!(fault(7, &bytes, 2 << 1 | 1, 4 << 1), None);
        let told =
            |key, bytes: &[u8], floor, begun| fault(key, bytes, floor, begun).expect("a fault");
        assert!(told(8, &bytes, 0, 9).contains("of key 7"));
        assert!(told(7, &bytes, 3 << 1 | 1, 9).contains("stale after the deletion"));
        assert!(told(7, &bytes, 4 << 1, 9).contains("stale after the store"));
        assert!(told(7, &bytes, 0, 2 << 1).contains("the last that was begun"));
        assert!(told(7, b"?", 0, 9).contains("no value"));
        let mut torn = value(7, 3);
        let last = torn.len() - 1;
        torn[last] ^= 1;
        assert!(told(7, &torn, 0, 9).contains("torn"));
        let mixed = [&value(64, 3)[..40_000], &value(64, 4)[40_000..]].concat();
        assert!(told(64, &mixed, 0, 9).contains("torn"));
    }
}
