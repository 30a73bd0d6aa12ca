//! A section of the page: a heading and a table.

use std::fmt;

use super::html::{Html, Text};
use super::query::Query;

/// The content of one cell.
pub(super) type Cell<'a> = Box<dyn Html + 'a>;

/// The heading of a column, and the column of the query by which a click on it sorts.
#[derive(Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) Option<&'static str>);

/// A heading and a table with one page of rows, or a sentence if there are no rows. Links refer to
/// `id`.
pub(super) struct Section<'a> {
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    /// The sentence if there are no rows.
    pub(super) empty_text: &'static str,
    pub(super) query: &'a Query,
    /// Whether the page number of the query applies to this table. Other tables show their first rows
    /// and the number of the remaining rows.
    pub(super) is_paged: bool,
}

/// The most rows of a table that is not paged. The form filters them.
const MAX_ROWS: usize = 100;

impl Section<'_> {
    pub(super) fn write<'r, R, const N: usize>(
        &self,
        f: &mut fmt::Formatter<'_>,
        columns: [Column; N],
        rows: &'r [R],
        cells: impl Fn(&'r R) -> [Cell<'r>; N],
    ) -> fmt::Result {
        let (id, heading) = (self.id, Text(self.heading));
        writeln!(f, "<section id=\"{id}\">\n<h2>{heading}</h2>")?;
        let shown = if self.is_paged {
            &rows[self.query.row_range(rows.len())]
        } else {
            &rows[..rows.len().min(MAX_ROWS)]
        };
        if rows.is_empty() {
            return writeln!(f, "<p>{}</p>\n</section>", Text(self.empty_text));
        }
        writeln!(f, "<table>\n<thead><tr>")?;
        for column in &columns {
            self.column(f, *column)?;
        }
        writeln!(f, "</tr></thead>\n<tbody>")?;
        for row in shown {
            write!(f, "<tr>")?;
            // On narrow screens every row becomes a card, which shows the column's name in each cell.
            for (Column(name, _), cell) in columns.iter().zip(cells(row)) {
                write!(f, "<td data-column=\"{}\">{cell}</td>", Text(name))?;
            }
            writeln!(f, "</tr>")?;
        }
        writeln!(f, "</tbody>\n</table>")?;
        if self.is_paged {
            self.pages(f, rows.len())?;
        } else if rows.len() > shown.len() {
            writeln!(f, "<p>And {} more.</p>", rows.len() - shown.len())?;
        }
        writeln!(f, "</section>")
    }

    fn column(&self, f: &mut fmt::Formatter<'_>, Column(name, sort): Column) -> fmt::Result {
        let Some(sort) = sort.filter(|_| self.is_paged) else {
            return write!(f, "<th scope=\"col\">{}</th>", Text(name));
        };
        let is_sorted = self.query.sort == sort;
        let link = self.query.with(|query| {
            query.descending = is_sorted && !query.descending;
            query.sort = sort;
            query.page = 1;
        });
        let order = match (is_sorted, self.query.descending) {
            (false, _) => "",
            (true, false) => " aria-sort=\"ascending\"",
            (true, true) => " aria-sort=\"descending\"",
        };
        write!(
            f,
            "<th scope=\"col\"{order}><a href=\"{}#{}\">{}</a></th>",
            Text(&link),
            self.id,
            Text(name)
        )
    }

    fn pages(&self, f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
        let pages = self.query.page_count(count);
        let page = self.query.page;
        if pages == 1 && page == 1 {
            return Ok(());
        }
        let link = |to: usize| self.query.with(|query| query.page = to);
        write!(
            f,
            "<nav class=\"pages\" aria-label=\"Pages of {}\">",
            Text(self.heading)
        )?;
        if page > 1 {
            let before = link((page - 1).min(pages));
            write!(
                f,
                "<a rel=\"prev\" href=\"{}#{}\">Previous</a> ",
                Text(&before),
                self.id
            )?;
        }
        write!(f, "<span>Page {page} of {pages}, {count} rows</span>")?;
        if page < pages {
            let next = link(page + 1);
            write!(
                f,
                " <a rel=\"next\" href=\"{}#{}\">Next</a>",
                Text(&next),
                self.id
            )?;
        }
        writeln!(f, "</nav>")
    }
}
