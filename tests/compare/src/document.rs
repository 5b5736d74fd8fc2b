//! What a program leaves behind: rows as JSON for `make bench`, and, if it is asked for, a Markdown table and charts.

use crate::report::{self, Row};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What every program is told on its command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// A short look.
    pub quick: bool,
    /// Sizes that only show that everything runs.
    pub tiny: bool,
    /// The other caches are left out.
    pub alone: bool,
    /// Where Markdown and charts go.
    pub report: Option<PathBuf>,
    /// What is no option.
    pub rest: Vec<String>,
}

impl Arguments {
    /// Of this process; a mistake ends it with a sentence.
    pub fn read() -> Arguments {
        Arguments::parse(std::env::args().skip(1)).unwrap_or_else(|mistake| {
            eprintln!("error: {mistake}");
            std::process::exit(2);
        })
    }

    fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--tiny" => arguments.tiny = true,
                "--alone" => arguments.alone = true,
                "--report" => {
                    let directory = words.next().ok_or("--report needs a directory")?;
                    arguments.report = Some(directory.into());
                }
                _ if word.starts_with('-') => {
                    return Err(format!(
                        "there is no option {word}: --quick --tiny --alone --report DIRECTORY"
                    ));
                }
                _ => arguments.rest.push(word),
            }
        }
        Ok(arguments)
    }
}

/// One program's results.
pub struct Document {
    /// What the files are called.
    pub name: &'static str,
    /// The heading of the Markdown.
    pub title: &'static str,
    /// What was measured, and the command that does it.
    pub text: String,
    /// The table: its first row is the head.
    pub table: Vec<Vec<String>>,
    /// Sentences below the table.
    pub summary: Vec<String>,
    /// Charts by name, as SVG.
    pub charts: Vec<(String, String)>,
}

impl Document {
    /// Writes the rows for `make bench`, and the rest where the command line wants it; of a tiny run nothing.
    pub fn write(&self, rows: &[Row], arguments: &Arguments) {
        if arguments.tiny {
            return;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let json = root.join(format!("target/bench/compare-{}.json", self.name));
        said(report::write(rows, &json), "written to");
        if let Some(directory) = &arguments.report {
            said(self.write_report(directory), "and reported in");
        }
    }

    /// Writes the tables and the charts to a directory; the path of the tables.
    pub fn write_report(&self, directory: &Path) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(directory)?;
        for (name, svg) in &self.charts {
            std::fs::write(directory.join(format!("{name}.svg")), svg)?;
        }
        let path = directory.join(format!("{}.md", self.name));
        std::fs::write(&path, self.markdown())?;
        path.canonicalize()
    }

    fn markdown(&self) -> String {
        let mut text =
            format!("# {}\n\n{}\n\nMeasured on {}.\n\n", self.title, self.text, machine());
        for (name, _) in &self.charts {
            writeln!(text, "![{}]({name}.svg)\n", name.replace('-', " "))
                .expect("a string takes all");
        }
        for (at, row) in self.table.iter().enumerate() {
            writeln!(text, "| {} |", row.join(" | ")).expect("a string takes all");
            if at == 0 {
                let rule: Vec<&str> =
                    (0..row.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
                writeln!(text, "| {} |", rule.join(" | ")).expect("a string takes all");
            }
        }
        for line in &self.summary {
            writeln!(text, "\n{line}").expect("a string takes all");
        }
        text
    }

    /// Shows the table and what it comes to.
    pub fn print(&self) {
        print_table(&self.table);
        self.summary.iter().for_each(|line| println!("{line}"));
    }
}

/// The rows of a comparison as a table, one line for each work: ours, then each peer's and the ratio to it.
pub fn table(rows: &[Row], work: &str) -> Vec<Vec<String>> {
    let mut peers: Vec<&str> = Vec::new();
    let mut works: Vec<&str> = Vec::new();
    for row in rows {
        if !peers.contains(&row.peer) {
            peers.push(row.peer);
        }
        if !works.contains(&&*row.work) {
            works.push(&row.work);
        }
    }
    let head = [work, "unit", "nearcache"].into_iter().chain(peers.iter().copied());
    let mut table = vec![head.map(String::from).collect::<Vec<_>>()];
    for work in works {
        let of = |peer: &str| rows.iter().find(|row| row.work == work && row.peer == peer);
        let Some(first) = rows.iter().find(|row| row.work == work) else { continue };
        let mut line = vec![work.to_string(), first.unit.to_string(), figure(first.ours)];
        for peer in &peers {
            line.push(of(peer).map_or(String::new(), against));
        }
        table.push(line);
    }
    table
}

/// A peer's figure and the ratio to it. What was measured once has no spread.
fn against(row: &Row) -> String {
    let spread = match row.spread {
        0.0 => String::new(),
        spread => format!(" ±{:.0} %", spread * 50.0),
    };
    format!("{} ({:.2}{spread})", figure(row.theirs), row.ratio)
}

/// What the cells of [`table`] mean.
pub const CELLS: &str = "In brackets ours divided by theirs, below 1 is better for nearcache, and half of the width of \
the middle half of the rounds.";

/// Three digits, or whole numbers.
pub fn figure(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn print_table(table: &[Vec<String>]) {
    let width =
        |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in table {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:width$}", width = width(0)),
            _ => format!("{cell:>width$}", width = width(column)),
        });
        println!("{}", cells.collect::<Vec<_>>().join("  "));
    }
}

fn said(done: std::io::Result<PathBuf>, how: &str) {
    match done {
        Ok(path) => println!("{how} {}", path.display()),
        Err(error) => eprintln!("the report was not written: {error}"),
    }
}

/// What it was measured on, in a line.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {}", line.unwrap_or(std::env::consts::ARCH).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let parse = |text: &str| Arguments::parse(text.split_whitespace().map(String::from));
        let all = parse("--quick traces --report out --alone").expect("it is well formed");
        assert!(all.quick && all.alone && !all.tiny);
        assert_eq!((all.report, all.rest), (Some("out".into()), vec!["traces".to_string()]));
        assert!(parse("--report").is_err() && parse("--fast").is_err());
    }

    #[test]
    fn a_work_is_a_line_of_the_table() {
        let rows = [
            Row::new("get", "a", "ns/op", &[9.0, 10.0, 11.0], &[20.0; 3]),
            Row::new("get", "b", "ns/op", &[10.0], &[5.0]),
            Row::new("set", "b", "ns/op", &[30.0], &[30.0]),
        ];
        let table = table(&rows, "work");
        assert_eq!(table[0], ["work", "unit", "nearcache", "a", "b"]);
        assert_eq!(table[1], ["get", "ns/op", "10.0", "20.0 (0.50 ±5 %)", "5.00 (2.00)"]);
        assert_eq!(table[2][3..], ["".to_string(), "30.0 (1.00)".to_string()]);
    }
}
