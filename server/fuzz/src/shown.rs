//! How a failing case is shown: runs of one byte are told by their length, and of replies only where they part.

/// Bytes for people: a long run of one byte is `v{1000}`.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        let byte = run[..1].escape_ascii();
        match run.len() {
            0..8 => text.push_str(&run.escape_ascii().to_string()),
            len => text.push_str(&format!("{byte}{{{len}}}")),
        }
    }
    text
}

/// Where two replies part, with what stands around it.
pub fn parting(one: &[u8], other: &[u8]) -> String {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let end = bytes.len().min(same + 200);
        shown(&bytes[same.saturating_sub(100).min(end)..end])
    };
    format!(
        "at byte {same} of {} and {}: {}\nand {}",
        one.len(),
        other.len(),
        around(one),
        around(other)
    )
}
