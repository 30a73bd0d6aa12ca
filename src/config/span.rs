//! A stretch of a file.

/// A stretch of a file. Lines and columns count from 1, columns in characters; the end is the
/// first column behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its number among the files of the document.
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// Columns of one line, counted from 0.
pub(super) type Columns = std::ops::Range<usize>;

impl Span {
    /// The very beginning, for what is wrong with the file as a whole.
    pub(super) const START: Self = Self::at(1, 1);

    /// One place.
    pub(super) const fn at(line: usize, column: usize) -> Self {
        Self {
            file: 0,
            line,
            column,
            end_line: line,
            end_column: column,
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        (self.line, self.column) == (self.end_line, self.end_column)
    }

    /// The part of it on one line.
    pub(super) fn columns_of(&self, line: usize) -> Columns {
        let start = if line == self.line {
            self.column - 1
        } else {
            0
        };
        let end = if line == self.end_line {
            self.end_column - 1
        } else {
            usize::MAX
        };
        start..end
    }
}
