//! What was measured, as a table and as JSON for `scripts/bench_table.py`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One comparison.
#[derive(Clone)]
pub struct Row {
    pub work: String,
    pub peer: &'static str,
    pub ours: f64,
    pub theirs: f64,
    pub unit: &'static str,
    /// Ours by theirs: the median over the rounds.
    pub ratio: f64,
    /// The middle half of the rounds' ratios, as a share of their median.
    pub spread: f64,
}

impl Row {
    /// From the measures of rounds that were run in turns.
    pub fn new(
        work: &str,
        peer: &'static str,
        unit: &'static str,
        ours: &[f64],
        theirs: &[f64],
    ) -> Row {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        let ratio = quantile(&ratios, 0.5);
        Row {
            work: work.into(),
            peer,
            ours: quantile(ours, 0.5),
            theirs: quantile(theirs, 0.5),
            unit,
            ratio,
            spread: (quantile(&ratios, 0.75) - quantile(&ratios, 0.25)) / ratio,
        }
    }
}

fn quantile(measures: &[f64], at: f64) -> f64 {
    let mut sorted = measures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * at).round() as usize]
}

pub fn print(rows: &[Row]) {
    println!(
        "{:44} {:12} {:>9} {:>9} {:8} {:>6} {:>7}",
        "work", "peer", "ours", "theirs", "", "ratio", "spread"
    );
    for row in rows {
        println!(
            "{:44} {:12} {:9.1} {:9.1} {:8} {:6.2} {:6.1}%",
            row.work,
            row.peer,
            row.ours,
            row.theirs,
            row.unit,
            row.ratio,
            row.spread * 100.0
        );
    }
}

/// Writes the rows to this file; answers its whole path.
pub fn write(rows: &[Row], path: &Path) -> std::io::Result<PathBuf> {
    let mut text = String::from("[\n");
    for (at, row) in rows.iter().enumerate() {
        let comma = if at + 1 < rows.len() { "," } else { "" };
        writeln!(
            text,
            "  {{\"work\": \"{}\", \"peer\": \"{}\", \"ours\": {:.3}, \"theirs\": {:.3}, \"unit\": \"{}\", \
             \"ratio\": {:.4}, \"spread\": {:.4}}}{comma}",
            row.work, row.peer, row.ours, row.theirs, row.unit, row.ratio, row.spread
        )
        .expect("a string takes all");
    }
    text.push_str("]\n");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)?;
    path.canonicalize()
}
