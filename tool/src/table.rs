//! Tables with aligned columns, in colour on a terminal that wants it.

use std::io::{self, IsTerminal, Write};

/// How text is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// A heading.
    Head,
    /// What is less than it was: dead processes.
    Faint,
    /// What wants attention.
    Alarm,
}

/// Whether tones become colours.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// Colours if standard output is a terminal, unless `NO_COLOR` is set or the terminal is `dumb`.
    pub fn of_output() -> Paint {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|terminal| terminal == "dumb");
        Paint(io::stdout().is_terminal() && set("NO_COLOR").is_none() && !dumb)
    }

    /// The text in its tone.
    pub fn set(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_string(),
            _ if !self.0 => return text.to_string(),
            Tone::Head => "1",
            Tone::Faint => "2",
            Tone::Alarm => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under headings. The last column is never padded.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<(Tone, Vec<String>)>,
}

impl Table {
    /// No rows yet. A table without any heading has no line of headings.
    pub fn new(columns: &[(&'static str, Side)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; what it lacks of columns stays empty.
    pub fn row(&mut self, tone: Tone, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push((tone, cells));
    }

    /// The lines, without their ends.
    pub fn lines(&self, paint: Paint) -> Vec<String> {
        let wide = |text: &str| text.chars().count();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = self.rows.iter().map(|(_, cells)| wide(&cells[at])).max();
                cells.unwrap_or(0).max(wide(self.columns[at].0))
            })
            .collect();
        let line = |cells: Vec<&str>| {
            let padded = cells.iter().enumerate().map(|(at, cell)| {
                let width = widths[at];
                match self.columns[at].1 {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        let mut lines = Vec::new();
        if self.columns.iter().any(|(head, _)| !head.is_empty()) {
            let heads = self.columns.iter().map(|(head, _)| *head).collect();
            lines.push(paint.set(Tone::Head, &line(heads)));
        }
        for (tone, cells) in &self.rows {
            lines.push(paint.set(*tone, &line(cells.iter().map(String::as_str).collect())));
        }
        lines
    }

    /// Writes the lines.
    pub fn print(&self, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
        self.lines(paint).iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_numbers_right_and_nothing_trails() {
        let mut table =
            Table::new(&[("NAME", Side::Left), ("SIZE", Side::Right), ("", Side::Left)]);
        table.row(Tone::Plain, ["a", "1"].map(String::from));
        table.row(Tone::Alarm, ["Zo\u{eb}-long", "1,000", "broken"].map(String::from));
        let plain = ["NAME       SIZE", "a             1", "Zo\u{eb}-long  1,000  broken"];
        assert_eq!(table.lines(Paint(false)), plain);
        let coloured = table.lines(Paint(true));
        assert_eq!(coloured[0], format!("\x1b[1m{}\x1b[0m", plain[0]));
        assert_eq!(coloured[1], plain[1]);
        assert_eq!(coloured[2], format!("\x1b[31m{}\x1b[0m", plain[2]));
    }
}
