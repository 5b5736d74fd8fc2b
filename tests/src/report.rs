//! The words of the result: each mismatch told so that it can be replayed by hand, and one table that shows
//! how every face stood in every chapter.

use crate::run::Mismatch;
use std::collections::BTreeMap;
use std::fmt;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "MISMATCH  {} ({})", self.case, self.place)?;
        writeln!(f, "  face       {}: {}", self.face, self.why)?;
        for (label, lines) in [("request ", &self.request), ("expected", &self.expected)] {
            let mut label = label;
            for line in lines {
                writeln!(f, "  {label}   {}", fold(line))?;
                label = "        ";
            }
            if lines.is_empty() {
                writeln!(f, "  {label}   (nothing)")?;
            }
        }
        let got = if self.got.is_empty() { "(nothing)" } else { &self.got };
        writeln!(f, "  got        {got}")
    }
}

/// The mismatches told one after another, the first few of each face in full.
pub fn tell(mismatches: &[Mismatch]) -> String {
    let full = 25;
    let mut told: Vec<String> = mismatches.iter().take(full).map(ToString::to_string).collect();
    if mismatches.len() > full {
        let names = mismatches[full..].iter().map(|m| format!("{} ({})", m.case, m.place));
        let names: Vec<String> = names.collect();
        let first = &mismatches[0].face;
        told.push(format!("and by {first} in {} more:\n  {}\n", names.len(), names.join("\n  ")));
    }
    told.join("\n")
}

/// A line of the table, cut when it is very long.
fn fold(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}… and {} characters more", &line[..at], line.len() - at),
        None => line.to_string(),
    }
}

/// What the faces made of the table.
#[derive(Default)]
pub struct Summary {
    faces: Vec<String>,
    counts: BTreeMap<(String, String), Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    held: usize,
    failed: usize,
    left_out: usize,
}

/// How a face stood in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answered as the table says.
    Held,
    /// It did not.
    Failed,
    /// The case is not for this face.
    LeftOut,
}

impl Summary {
    /// Notes one case of a chapter for a face.
    pub fn note(&mut self, chapter: &str, face: &str, standing: Standing) {
        if !self.faces.iter().any(|known| known == face) {
            self.faces.push(face.to_string());
        }
        let count = self.counts.entry((chapter.to_string(), face.to_string())).or_default();
        match standing {
            Standing::Held => count.held += 1,
            Standing::Failed => count.failed += 1,
            Standing::LeftOut => count.left_out += 1,
        }
    }

    fn total(&self, face: &str) -> Count {
        let of_face = self.counts.iter().filter(|((_, f), _)| f == face);
        of_face.fold(Count::default(), |sum, (_, count)| Count {
            held: sum.held + count.held,
            failed: sum.failed + count.failed,
            left_out: sum.left_out + count.left_out,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chapters: Vec<&str> = self.counts.keys().map(|(c, _)| c.as_str()).collect();
        chapters.dedup();
        let wide = self.faces.iter().map(|face| face.len()).max().unwrap_or(0).max(16);
        write!(f, "{:12}", "chapter")?;
        for face in &self.faces {
            write!(f, "  {face:>wide$}")?;
        }
        writeln!(f)?;
        for chapter in chapters {
            write!(f, "{chapter:12}")?;
            for face in &self.faces {
                let key = (chapter.to_string(), face.clone());
                let count = self.counts.get(&key).copied().unwrap_or_default();
                write!(f, "  {:>wide$}", count.words())?;
            }
            writeln!(f)?;
        }
        write!(f, "{:12}", "together")?;
        for face in &self.faces {
            write!(f, "  {:>wide$}", self.total(face).words())?;
        }
        writeln!(f)?;
        let left_out: usize =
            self.faces.iter().map(|face| self.total(face).left_out).max().unwrap_or(0);
        if left_out > 0 {
            writeln!(f, "(n): so many cases more are not for that face")?;
        }
        Ok(())
    }
}

impl Count {
    fn words(self) -> String {
        let left_out = match self.left_out {
            0 => String::new(),
            n => format!(" ({n})"),
        };
        match (self.held, self.failed) {
            (0, 0) => format!("none{left_out}"),
            (held, 0) => format!("{held} hold{left_out}"),
            (held, failed) => format!("{failed} of {} FAIL{left_out}", held + failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_shows_every_face_and_chapter() {
        let mut summary = Summary::default();
        summary.note("time", "core", Standing::Held);
        summary.note("time", "socket", Standing::Failed);
        summary.note("keys", "core", Standing::LeftOut);
        summary.note("keys", "socket", Standing::Held);
        let text = summary.to_string();
        for word in ["core", "socket", "time", "keys", "1 of 1 FAIL", "1 hold", "none (1)"] {
            assert!(text.contains(word), "no {word:?} in\n{text}");
        }
    }
}
