//! A table of the page, with pages of its own.

use std::fmt;

use super::html::{Html, Text};
use crate::http::query::{Query, range};

/// The content of one cell.
pub(super) type Cell<'a> = Box<dyn Html + 'a>;

/// The heading of a column, and the column of the query by which a click on it sorts.
#[derive(Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) Option<&'static str>);

/// The section of the tracks, whose page number is `page`, as in the API.
pub(super) const TRACKS: &str = "tracks";

/// The rows of a page, if the query does not say: of accounts and tracks, and of other tables.
const LONG: usize = 100;
const SHORT: usize = 20;

/// A table of which one page is written.
pub(super) struct Table<'a> {
    /// Links refer to it.
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    columns: &'static [Column],
    pub(super) count: usize,
    row: Box<dyn Fn(usize) -> Vec<Cell<'a>> + 'a>,
}

impl<'a> Table<'a> {
    /// A table with these rows. Only the cells of the written page are made.
    pub(super) fn new<R: 'a>(
        id: &'static str,
        heading: &'static str,
        columns: &'static [Column],
        rows: Vec<R>,
        cells: impl Fn(&R) -> Vec<Cell<'a>> + 'a,
    ) -> Self {
        Self {
            id,
            heading,
            columns,
            count: rows.len(),
            row: Box::new(move |index| cells(&rows[index])),
        }
    }

    /// Writes the table and the links to its other pages.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, query: &Query) -> fmt::Result {
        let is_long = self.columns.iter().any(|column| column.1.is_some());
        let rows = query.rows_or(if is_long { LONG } else { SHORT });
        let pages = self.count.div_ceil(rows).max(1);
        let wanted = match self.id {
            TRACKS => query.page,
            id => query.section_page(id),
        };
        let page = wanted.min(pages);
        writeln!(f, "<table>\n<thead><tr>")?;
        for column in self.columns {
            self.column(f, query, *column)?;
        }
        writeln!(f, "</tr></thead>\n<tbody>")?;
        for index in range(self.count, page, rows) {
            write!(f, "<tr>")?;
            // On narrow screens every row becomes a card, which shows the column's name in each cell.
            for (Column(name, _), cell) in self.columns.iter().zip((self.row)(index)) {
                write!(f, "<td data-column=\"{}\">{cell}</td>", Text(name))?;
            }
            writeln!(f, "</tr>")?;
        }
        writeln!(f, "</tbody>\n</table>")?;
        self.pages(f, query, page, pages)
    }

    fn column(
        &self,
        f: &mut fmt::Formatter<'_>,
        query: &Query,
        Column(name, sort): Column,
    ) -> fmt::Result {
        let Some(sort) = sort else {
            return write!(f, "<th scope=\"col\">{}</th>", Text(name));
        };
        let is_sorted = query.sort == sort;
        let link = query.with(|query| {
            query.descending = is_sorted && !query.descending;
            query.sort = sort;
            query.reset_pages();
        });
        let order = match (is_sorted, query.descending) {
            (false, _) => "",
            (true, false) => " aria-sort=\"ascending\"",
            (true, true) => " aria-sort=\"descending\"",
        };
        let (link, name) = (Text(&link), Text(name));
        write!(
            f,
            "<th scope=\"col\"{order}><a href=\"{link}#{}\">{name}</a></th>",
            self.id
        )
    }

    fn pages(
        &self,
        f: &mut fmt::Formatter<'_>,
        query: &Query,
        page: usize,
        pages: usize,
    ) -> fmt::Result {
        if pages == 1 {
            return Ok(());
        }
        let link = |f: &mut fmt::Formatter<'_>, rel, to, text| {
            let link = match self.id {
                TRACKS => query.with(|query| query.page = to),
                id => query.with_section_page(id, to),
            };
            let link = Text(&link);
            write!(
                f,
                "<a rel=\"{rel}\" href=\"{link}#{}\">{text}</a> ",
                self.id
            )
        };
        let heading = Text(self.heading);
        write!(f, "<nav class=\"pages\" aria-label=\"Pages of {heading}\">")?;
        if page > 1 {
            link(f, "prev", page - 1, "Previous")?;
        }
        write!(
            f,
            "<span>Page {page} of {pages}, {} rows</span> ",
            self.count
        )?;
        if page < pages {
            link(f, "next", page + 1, "Next")?;
        }
        writeln!(f, "</nav>")
    }
}

/// Returns columns without sorting.
macro_rules! columns {
    ($($name:literal),+ $(,)?) => { &[$($crate::http::page::table::Column($name, None)),+] };
}
pub(super) use columns;
