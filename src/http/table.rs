//! A part of the page: a heading over a table.

use std::fmt;

use super::html::{Html, Text};

/// Rows of each table. Beyond it the page says how many more there are: a browser takes long over
/// a hundred thousand.
const MAX_ROWS: usize = 500;

/// What stands in one field of a row.
pub(super) type Cell<'a> = Box<dyn Html + 'a>;

/// A heading and a table with up to [`MAX_ROWS`] rows, or a sentence where there is none.
pub(super) fn section<'a, R, const N: usize>(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    none: &str,
    columns: [&str; N],
    mut rows: impl Iterator<Item = R>,
    cells: impl Fn(R) -> [Cell<'a>; N],
) -> fmt::Result {
    writeln!(f, "<section>\n<h2>{}</h2>", Text(heading))?;
    let mut shown = rows.by_ref().take(MAX_ROWS).peekable();
    if shown.peek().is_none() {
        return writeln!(f, "<p>{}</p>\n</section>", Text(none));
    }
    writeln!(f, "<table>\n<thead><tr>")?;
    for column in columns {
        write!(f, "<th scope=\"col\">{}</th>", Text(column))?;
    }
    writeln!(f, "</tr></thead>\n<tbody>")?;
    for row in shown {
        write!(f, "<tr>")?;
        // The column's name again, for narrow screens, where every row becomes a card.
        for (column, cell) in columns.iter().zip(cells(row)) {
            write!(f, "<td data-column=\"{}\">{cell}</td>", Text(column))?;
        }
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "</tbody>\n</table>")?;
    match rows.count() {
        0 => {}
        more => writeln!(f, "<p>And {more} more.</p>")?,
    }
    writeln!(f, "</section>")
}
