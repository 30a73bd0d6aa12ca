//! The place of a key or a value in a file, and the excerpt that shows it.

/// A part of a file. Lines and columns count from 1, columns in characters; the end is the first
/// column after the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The index among the files of the document.
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Span {
    /// The beginning of a file.
    pub(super) const START: Self = Self::at(1, 1);

    /// Returns a single place.
    pub(super) const fn at(line: usize, column: usize) -> Self {
        Self {
            file: 0,
            line,
            column,
            end_line: line,
            end_column: column,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        (self.line, self.column) == (self.end_line, self.end_column)
    }

    /// Returns the line of this value with carets below the value. Returns `None` unless `key` and
    /// the value are all of the line: anything else may be a secret.
    pub(super) fn excerpt(&self, text: &str, key: Option<&str>) -> Option<String> {
        const LONGEST: usize = 120;
        let line: Vec<char> = nth_line(text, self.line).trim_end().chars().collect();
        let is_whole = self.line == self.end_line && line.len() == self.end_column - 1;
        // A user name and a password may precede an @.
        let is_hidden = |c: &char| c.is_control() || *c == '@';
        if !is_whole || line.len() > LONGEST || line.iter().any(is_hidden) {
            return None;
        }
        let (before, value) = line.split_at(self.column - 1);
        let before: String = before.iter().collect();
        let label = before.trim_start_matches([' ', '-']).trim_end();
        let is_own_key = label.strip_suffix(':').is_some_and(|it| Some(it) == key);
        if !label.is_empty() && !is_own_key {
            return None;
        }
        let number = self.line.to_string();
        Some(format!(
            "  {number} | {line}\n  {:width$} | {:indent$}{}",
            "",
            "",
            "^".repeat(value.len()),
            line = line.iter().collect::<String>(),
            width = number.len(),
            indent = self.column - 1,
        ))
    }
}

/// Returns a line, counted from 1 as in YAML: a lone carriage return ends a line too.
fn nth_line(text: &str, number: usize) -> &str {
    let mut lines = text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    });
    lines.nth(number - 1).unwrap_or_default()
}
