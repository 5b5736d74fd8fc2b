//! Medians, ratios and their spread, as lines of a table and as the JSON that `make bench` joins.

use serde_json::{Value, json};

/// One figure of both servers.
pub struct Row<'a> {
    pub work: &'a str,
    pub unit: String,
    /// What the ratio is not to exceed.
    pub bar: Option<f64>,
    /// Ours and theirs in each round; less is better.
    pub pairs: Vec<(f64, f64)>,
}

/// Prints the head of the table.
pub fn head(peer: &str) {
    println!(
        "{:<28} {:<16} {:>10} {:>16} {:>6} {:>6} {:>6}",
        "", "", "nearcached", peer, "ratio", "spread", "bar"
    );
}

impl Row<'_> {
    /// Prints a line: the medians of both, the median of the rounds' ratios, and how far the middle half of the
    /// ratios lies apart, in parts of their median. Answers the same as JSON.
    pub fn show(&self, peer: &str) -> Value {
        let side = |pick: fn(&(f64, f64)) -> f64| {
            at(&mut self.pairs.iter().map(pick).collect::<Vec<_>>(), 0.5)
        };
        let mut ratios: Vec<f64> = self.pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
        let (ours, theirs) = (rounded(side(|pair| pair.0)), rounded(side(|pair| pair.1)));
        let ratio = at(&mut ratios, 0.5);
        let spread = rounded((at(&mut ratios, 0.75) - at(&mut ratios, 0.25)) / ratio);
        let ratio = rounded(ratio);
        let bar = match self.bar {
            None => String::new(),
            Some(bar) if ratio <= bar => format!("{bar:.2}"),
            Some(bar) => format!("{bar:.2} missed"),
        };
        let Row { work, unit, .. } = self;
        println!(
            "{work:<28} {unit:<16} {ours:>10.2} {theirs:>16.2} {ratio:>6.2} {spread:>6.2} {bar:>6}"
        );
        json!({"work": work, "peer": peer, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "spread": spread})
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The value at this part of the sorted values.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = part * (values.len() - 1) as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
