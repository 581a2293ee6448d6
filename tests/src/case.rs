//! The text of a case: a description, then sections, each under a line `-- name --`.
//!
//! A section whose name is that of a file is a file. Mistakes are written into the files, above the line they belong
//! to: `# error 9-14: Unsupported argument`, with the first column and the one after the last.

/// A case as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What stands before the first section.
    pub about: String,
    /// The sections by name, in order.
    pub sections: Vec<(String, String)>,
}

/// A mistake or warning that belongs to a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file.
    pub file: String,
    /// The line, from 1, in the text with its notes.
    pub line: usize,
    /// The note without comment sign and indentation: `error 9-14: Unsupported argument`.
    pub text: String,
}

/// The sections that say what is expected, in the order they are written.
pub const EXPECTED: [&str; 8] = ["errors", "plan", "drift", "apply", "calls", "outputs", "after", "again"];

/// The sections that say what is given.
const GIVEN: [&str; 4] = ["state", "cloud", "vars", "options"];

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// When a section is there twice, or its name means nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut case = Case { about: String::new(), sections: Vec::new() };
        for line in text.split_inclusive('\n') {
            let name = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            if let Some(name) = name {
                if !name.contains('.') && !EXPECTED.contains(&name) && !GIVEN.contains(&name) {
                    return Err(format!("unknown section {name:?}"));
                }
                if case.get(name).is_some() {
                    return Err(format!("section {name:?} is there twice"));
                }
                case.sections.push((name.to_string(), String::new()));
            } else {
                case.sections.last_mut().map_or(&mut case.about, |(_, text)| text).push_str(line);
            }
        }
        Ok(case)
    }

    /// The text of a section.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str())
    }

    /// The files of the case.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sections.iter().filter(|(n, _)| n.contains('.')).map(|(n, t)| (n.as_str(), t.as_str()))
    }

    /// Gives a section a new text, at its place among the others if it is new.
    pub fn set(&mut self, name: &str, text: &str) {
        if let Some((_, old)) = self.sections.iter_mut().find(|(n, _)| n == name) {
            text.clone_into(old);
            return;
        }
        let rank = |n: &str| EXPECTED.iter().position(|e| *e == n);
        let at = self.sections.iter().position(|(n, _)| rank(n) > rank(name)).unwrap_or(self.sections.len());
        self.sections.insert(at, (name.to_string(), text.to_string()));
    }

    /// The notes in the files.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        for (file, text) in self.files() {
            let mut waiting = Vec::new();
            for (i, line) in text.lines().enumerate() {
                match note_of(line) {
                    Some(note) => waiting.push(note.to_string()),
                    None => notes.extend(waiting.drain(..).map(|text| Note { file: file.into(), line: i + 1, text })),
                }
            }
        }
        notes.sort();
        notes
    }

    /// Replaces the notes in the files. Lines are those of the text as it is.
    pub fn set_notes(&mut self, notes: &[Note]) {
        for (file, text) in self.sections.iter_mut().filter(|(n, _)| n.contains('.')) {
            let mut out = String::new();
            for (i, line) in text.split_inclusive('\n').enumerate() {
                if note_of(line).is_some() {
                    continue;
                }
                let indent: String = line.chars().take_while(|c| *c == ' ').collect();
                for note in notes.iter().filter(|n| n.file == *file && n.line == i + 1) {
                    out.push_str(&format!("{indent}# {}\n", note.text));
                }
                out.push_str(line);
            }
            *text = out;
        }
    }
}

fn note_of(line: &str) -> Option<&str> {
    let text = line.trim().strip_prefix("# ")?;
    let (severity, rest) = text.split_once(' ')?;
    let columns = rest.split_once(": ")?.0;
    let is_columns = columns.split('-').all(|c| !c.is_empty() && c.bytes().all(|b| b.is_ascii_digit()));
    (matches!(severity, "error" | "warning") && is_columns).then_some(text)
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.about)?;
        for (name, text) in &self.sections {
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            write!(f, "-- {name} --\n{text}{end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# About.\n-- main.tf --\na {\n  # error 3-4: Bad\n  b\n}\n-- plan --\nx\n";

    #[test]
    fn a_case_is_written_as_it_was_read() {
        let case = Case::parse(TEXT).unwrap();
        assert_eq!(case.to_string(), TEXT);
        assert_eq!(case.notes(), [Note { file: "main.tf".into(), line: 3, text: "error 3-4: Bad".into() }]);
    }

    #[test]
    fn notes_are_put_above_their_line() {
        let mut case = Case::parse(TEXT).unwrap();
        case.set_notes(&[Note { file: "main.tf".into(), line: 4, text: "error 1-2: Worse".into() }]);
        assert_eq!(case.get("main.tf"), Some("a {\n  b\n# error 1-2: Worse\n}\n"));
    }

    #[test]
    fn new_sections_find_their_place() {
        let mut case = Case::parse(TEXT).unwrap();
        case.set("calls", "c\n");
        case.set("errors", "e\n");
        let names: Vec<_> = case.sections.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["main.tf", "errors", "plan", "calls"]);
    }
}
