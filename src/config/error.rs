//! What is wrong, where, and what is allowed instead.

use std::fmt;
use std::path::Path;

use super::document::{Document, SourceFile, nth_line};
use super::key_path::KeyPath;
use super::span::{Columns, Span};

/// A configuration that is refused. It prints as one message with the place and, where a file is to
/// blame, the line; a secret is never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    place: String,
    path: KeyPath,
    message: String,
    excerpt: Option<String>,
}

impl Error {
    /// The configuration came from a pipe, so that there is nothing to load a second time.
    pub fn cannot_read_again(file: &Path) -> Self {
        let why = "it was read when the exporter started and can be read only once; restart the exporter, or give \
                   --config.file a regular file";
        Self::of_file(&file.display().to_string(), &KeyPath::default(), why)
    }

    /// The file as a whole is to blame.
    pub(super) fn of_file(name: &str, path: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            place: name.to_owned(),
            path: path.clone(),
            message: message.into(),
            excerpt: None,
        }
    }

    /// An environment variable is to blame.
    pub(super) fn of_variable(variable: &str, path: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            place: one_line(variable),
            path: path.clone(),
            message: message.into(),
            excerpt: None,
        }
    }

    /// A place in the file is to blame, and what the file says is known.
    pub(super) fn of_document(
        document: &Document,
        span: Span,
        path: &KeyPath,
        message: impl Into<String>,
    ) -> Self {
        let line = document.line(span);
        let hidden = document.hidden_in(span);
        Self {
            place: document.place(span),
            path: path.clone(),
            message: message.into(),
            excerpt: excerpt(line, span, hidden.as_slice()),
        }
    }

    /// A place in the file is to blame, and it is not known yet what the file says: all values stay
    /// hidden, because any of them may be a secret.
    pub(super) fn of_text(file: &SourceFile, span: Span, message: impl Into<String>) -> Self {
        let line = nth_line(&file.text, span.line);
        let hidden = values_of_line(line);
        Self {
            place: format!("{}:{}:{}", file.name, span.line, span.column),
            path: KeyPath::default(),
            message: message.into(),
            excerpt: excerpt(line, span, hidden.as_slice()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// A value in a message: quoted, on one line, and cut where it is long.
pub(super) fn quoted(value: &str) -> String {
    const MAX_SHOWN: usize = 60;
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

/// Line breaks and control characters as escapes, the rest as it is.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// The line and a caret below it. A hidden stretch shrinks to a mark that tells nothing of its
/// length, and a caret inside it moves to the mark.
fn excerpt(line: &str, span: Span, hidden: &[Columns]) -> Option<String> {
    let marked = span.columns_of(span.line);
    let marked = marked.start..marked.end.max(marked.start + 1);
    let mut shown: Vec<char> = Vec::new();
    let mut carets: Vec<bool> = Vec::new();
    let mut hidden = hidden.iter().peekable(); // in their order, which is that of the columns
    for (column, c) in line.chars().enumerate() {
        let here = marked.contains(&column);
        while hidden.next_if(|columns| columns.end <= column).is_some() {}
        match hidden.peek().filter(|columns| columns.contains(&column)) {
            Some(columns) if columns.start == column => {
                shown.extend(HIDDEN.chars());
                carets.extend([here; HIDDEN.len()]);
            }
            Some(_) => {
                let mark = carets.len() - HIDDEN.len();
                carets[mark..].iter_mut().for_each(|caret| *caret |= here);
            }
            None => {
                shown.push(if c.is_control() { ' ' } else { c });
                carets.push(here);
            }
        }
    }
    if !carets.contains(&true) {
        shown.push(' '); // behind the end of the line
        carets.push(true);
    }
    let window = window(&carets);
    if window.start > 0 {
        shown[window.start] = CUT;
    }
    if window.end < shown.len() {
        shown[window.end - 1] = CUT;
    }
    let text: String = shown[window.clone()].iter().collect();
    if text.trim().is_empty() || text.trim() == HIDDEN {
        return None;
    }
    let mark = |caret: &bool| if *caret { '^' } else { ' ' };
    let marks: String = carets[window].iter().map(mark).collect();
    let number = span.line.to_string();
    Some(format!(
        "  {number} | {}\n  {:width$} | {}",
        text.trim_end(),
        "",
        marks.trim_end(),
        width = number.len()
    ))
}

const HIDDEN: &str = "***";
const CUT: char = '…';

/// As much of a long line as is worth showing, around its first caret.
fn window(carets: &[bool]) -> Columns {
    const WIDTH: usize = 120;
    const BEFORE: usize = 60;
    let caret = carets.iter().position(|caret| *caret).unwrap_or(0);
    let start = if carets.len() <= WIDTH {
        0
    } else {
        caret.saturating_sub(BEFORE)
    };
    start..carets.len().min(start + WIDTH)
}

/// Everything on a line but its indentation, its dashes and a key that looks like one of ours.
fn values_of_line(line: &str) -> Option<Columns> {
    let indent = line.len() - line.trim_start_matches([' ', '\t', '-']).len();
    let rest = &line[indent..];
    let key = rest
        .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_-<".contains(c)))
        .filter(|end| rest[*end..] == *":" || rest[*end..].starts_with(": "))
        .map_or(0, |end| end + 1);
    let end = line.trim_end().chars().count();
    let start = indent + key + usize::from(key > 0 && rest.len() > key);
    Some(start..end).filter(|rest| !rest.is_empty())
}
