//! Charts as SVG, written by hand: no fonts, scripts or pictures from elsewhere, and readable on a light page and on a
//! dark one.

use crate::report::Row;
use std::fmt::Write;

const WIDTH: f64 = 900.0;
/// Where the plot begins and ends, beside the names.
const LEFT: f64 = 350.0;
const RIGHT: f64 = WIDTH - 20.0;
const LINE: f64 = 22.0;
const TOP: f64 = 66.0;
/// Told apart in both schemes, and by those who see no difference between red and green.
const COLOURS: [&str; 9] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6d31", "#7f7f7f",
    "#882255",
];

/// One line for each work, on it a dot for each peer where ours / theirs lies, on a scale of powers of two: what is
/// left of the line at 1 is better for nearcache.
pub fn ratios(title: &str, rows: &[Row]) -> String {
    let works = distinct(rows.iter().map(|row| &*row.work));
    let peers = distinct(rows.iter().map(|row| row.peer));
    let finite =
        || rows.iter().map(|row| row.ratio).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let scale = Scale::over(finite().fold(1.0, f64::min), finite().fold(1.0, f64::max));
    let height = TOP + LINE * works.len() as f64 + 34.0;
    let bottom = height - 30.0;
    let mut svg = opening(title, height);
    legend(&mut svg, &peers);
    for (ratio, text) in scale.ticks() {
        let x = scale.at(ratio);
        let class = if ratio == 1.0 { "one" } else { "grid" };
        put(
            &mut svg,
            format_args!(
                "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\"/>",
                TOP - 12.0
            ),
        );
        put(
            &mut svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                bottom + 18.0
            ),
        );
    }
    for (line, work) in works.iter().enumerate() {
        let y = TOP + LINE * line as f64;
        put(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 14.0,
                y + 4.0,
                escaped(work)
            ),
        );
        put(
            &mut svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            ),
        );
        for row in rows.iter().filter(|row| row.work == *work && row.ratio.is_finite()) {
            let colour = colour(&peers, row.peer);
            let x = scale.at(row.ratio);
            let tip = format!("{}: {:.2}", row.peer, row.ratio);
            put(
                &mut svg,
                format_args!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"><title>{}</title></circle>",
                    escaped(&tip)
                ),
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn opening(title: &str, height: f64) -> String {
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\">"
        ),
    );
    put(&mut svg, format_args!("<title>{}</title>", escaped(title)));
    svg.push_str(
        "<style>\
         text{font:13px system-ui,sans-serif;fill:#24292f}\
         .head{font-weight:600;font-size:15px}\
         .grid{stroke:#d0d7de;stroke-width:1}\
         .one{stroke:#57606a;stroke-width:2}\
         @media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.one{stroke:#9198a1}}\
         </style>\n",
    );
    put(&mut svg, format_args!("<text class=\"head\" x=\"14\" y=\"22\">{}</text>", escaped(title)));
    svg
}

/// The peers' names with their colours, in a row.
fn legend(svg: &mut String, peers: &[&str]) {
    let mut x = 20.0;
    for peer in peers {
        let colour = colour(peers, peer);
        put(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"40\" r=\"5\" fill=\"{colour}\"/>"));
        put(svg, format_args!("<text x=\"{:.1}\" y=\"44\">{}</text>", x + 10.0, escaped(peer)));
        x += 34.0 + 7.4 * peer.chars().count() as f64;
    }
}

fn colour(peers: &[&str], peer: &str) -> &'static str {
    let at = peers.iter().position(|known| *known == peer).unwrap_or(0);
    COLOURS[at % COLOURS.len()]
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    names.for_each(|name| {
        if !all.contains(&name) {
            all.push(name)
        }
    });
    all
}

fn put(svg: &mut String, line: std::fmt::Arguments) {
    writeln!(svg, "{line}").expect("a string takes all");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A logarithmic axis of ratios.
struct Scale {
    low: f64,
    high: f64,
    /// A tick at each power of this.
    step: f64,
}

impl Scale {
    /// From tick to tick around these two; ratios that lie close together get finer ticks.
    fn over(least: f64, most: f64) -> Scale {
        let span = (most / least).log2();
        let step: f64 = if span > 1.5 {
            2.0
        } else if span > 0.5 {
            2.0_f64.powf(0.25)
        } else {
            1.05
        };
        let ticks = |ratio: f64| ratio.ln() / step.ln();
        let low = step.powf((ticks(least) - 0.05).floor());
        let high = step.powf((ticks(most) + 0.05).ceil());
        Scale { low, high, step }
    }

    fn at(&self, ratio: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (ratio / self.low).ln() / (self.high / self.low).ln()
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let steps = |ratio: f64| (ratio.ln() / self.step.ln()).round() as i32;
        let label = |ratio: f64| match ratio {
            1.0 => "1".to_string(),
            10.0.. => format!("{ratio:.0}"),
            _ if self.step == 2.0 && ratio > 1.0 => format!("{ratio:.0}"),
            _ if ratio < 0.1 => format!("{ratio:.3}"),
            _ => format!("{ratio:.2}"),
        };
        (steps(self.low)..=steps(self.high))
            .map(|power| if power == 0 { 1.0 } else { self.step.powi(power) })
            .map(|ratio| (ratio, label(ratio)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_holds_what_it_shows() {
        let scale = Scale::over(0.3, 5.0);
        assert!(scale.at(0.3) > LEFT && scale.at(5.0) < RIGHT && scale.at(1.0) < scale.at(2.0));
        let texts: Vec<String> = scale.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0.25", "0.50", "1", "2", "4", "8"]);
    }

    #[test]
    fn each_peer_of_each_work_is_a_dot() {
        let rows = [
            Row::new("a < b", "x", "ns", &[1.0], &[2.0]),
            Row::new("a < b", "y", "ns", &[1.0], &[0.5]),
        ];
        let svg = ratios("t", &rows);
        // One for each in the legend, one for each on its line.
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
    }
}
