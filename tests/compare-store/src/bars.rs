//! What is to be reached, and whether it is.

use crate::queues::{Line, Works};
use crate::report::Row;

/// How a work is held to its bar.
enum Most {
    /// Ours divided by the peer's.
    Ratio(f64),
    /// Ours alone, in the row's unit.
    Ours(f64),
}

/// The beginning of the work's name, the peer, and the most that it may take.
const BARS: [(&str, &str, Most); 9] = [
    ("put, synced, 64 clients", "SQLite", Most::Ratio(0.2)),
    ("put, synced, 64 clients", "Redis", Most::Ratio(1.0)),
    ("get, near hit", "Cache::get", Most::Ratio(1.2)),
    ("get, shared near hit", "Cache::get", Most::Ratio(1.2)),
    // 25,000 a second.
    ("queue in, synced, 64 clients", "SQLite", Most::Ours(40.0)),
    ("queue out, synced, 64 clients", "SQLite", Most::Ours(40.0)),
    ("queue in, synced, 64 clients, 10 million deep", SHALLOW, Most::Ratio(1.1)),
    ("queue out, synced, 64 clients, 10 million deep", SHALLOW, Most::Ratio(1.1)),
    ("reopen after a kill, 1 million items", "SQLite", Most::Ours(2000.0)),
];

/// What the shallow queue is called beside the deep one.
pub const SHALLOW: &str = "nearly empty";

/// A sentence for each bar that was measured.
pub fn sentences(rows: &[Row]) -> Vec<String> {
    judged(rows).map(|(sentence, _)| sentence).collect()
}

/// Is one not reached?
pub fn are_missed(rows: &[Row]) -> bool {
    judged(rows).any(|(_, is_met)| !is_met)
}

fn judged(rows: &[Row]) -> impl Iterator<Item = (String, bool)> {
    BARS.iter().flat_map(move |(work, peer, most)| {
        let of_bar = move |row: &&Row| row.work == *work && row.peer == *peer;
        rows.iter().filter(of_bar).map(move |row| judge(row, most))
    })
}

fn judge(row: &Row, most: &Most) -> (String, bool) {
    let Row { work, peer, ours, ratio, unit, .. } = row;
    let (seen, is_met) = match most {
        Most::Ratio(most) => (format!("{ratio:.2} of {peer}, at most {most}"), ratio <= most),
        Most::Ours(most) => (format!("{ours:.1} {unit}, at most {most}"), ours <= most),
    };
    (format!("{} {work}: {seen}.", if is_met { "Met:" } else { "NOT met:" }), is_met)
}

/// A queue under another name.
pub struct Renamed<'a>(pub &'static str, pub &'a dyn Line);

impl Line for Renamed<'_> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn client(&self) -> Box<dyn Works + '_> {
        self.1.client()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_or_not() {
        let row = |work, peer, ours, theirs| Row::new(work, peer, "us", &[ours], &[theirs]);
        let puts = |ours| [row("put, synced, 64 clients", "Redis", ours, 10.0)];
        assert!(!are_missed(&puts(10.0)) && are_missed(&puts(10.1)));
        let queue = |ours| [row("queue in, synced, 64 clients", "SQLite", ours, 1.0)];
        assert!(!are_missed(&queue(40.0)) && are_missed(&queue(40.1)));
        assert!(sentences(&queue(41.0))[0].starts_with("NOT met"));
        assert!(sentences(&[row("another work", "Redis", 9.0, 1.0)]).is_empty());
    }
}
