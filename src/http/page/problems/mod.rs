//! What is wrong: one kind after the other, the worst first.

// The kinds, by what they are about.
mod accounts;
mod expected;
mod exporter;
mod operations;
mod requests;
mod targets;
mod tracks;
mod unknown;
mod unseen;

use std::fmt;

use super::facts::Scope;
use super::html::{BadgeColor, Text};
use super::table::Table;
use crate::http::query::Query;

pub(super) use self::operations::{OF_OPERATIONS, reads_operations};
pub(super) use self::targets::success;
pub(super) use self::unknown::{Doubts, doubts};

/// How much a kind of problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The log of an account is or may be incomplete, or cannot be checked.
    Bad,
    /// It needs a look.
    Warning,
    /// A statement about now is not possible.
    Unknown,
    /// It is good to know.
    Info,
}

impl Level {
    pub(super) fn color(self) -> BadgeColor {
        match self {
            Self::Bad => BadgeColor::Bad,
            Self::Warning | Self::Unknown => BadgeColor::Unsure,
            Self::Info => BadgeColor::Plain,
        }
    }
}

/// One kind of problem, with a row for each occurrence.
pub(super) struct Problem<'a> {
    pub(super) level: Level,
    /// What it means and what to do.
    pub(super) advice: &'static str,
    pub(super) table: Table<'a>,
}

impl Problem<'_> {
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, query: &Query) -> fmt::Result {
        let Self {
            level,
            advice,
            table,
        } = self;
        let open = if *level == Level::Info { "" } else { " open" };
        writeln!(
            f,
            "<section id=\"{}\">\n<details{open}><summary><h2>{} <span class=\"badge {}\">{}</span></h2></summary>\n<p>{}</p>",
            table.id,
            Text(table.heading),
            level.color().class(),
            table.count,
            Text(advice),
        )?;
        table.write(f, query)?;
        writeln!(f, "</details>\n</section>")
    }
}

/// Returns every kind, the worst first, even those without a row.
pub(super) fn all<'a>(scope: &Scope<'a>, query: &Query) -> Vec<Problem<'a>> {
    vec![
        tracks::off(scope),
        tracks::deleted(scope),
        unseen::unseen(scope, query),
        accounts::without_enabled_track(scope),
        expected::missing(scope, query),
        tracks::foreign(scope),
        targets::failing(scope),
        targets::stale(scope),
        exporter::own(scope),
        exporter::organizations(scope),
        accounts::credentials(scope),
        requests::refreshes(scope),
        operations::attempts(scope),
        expected::mismatched(scope, query),
        accounts::not_covered(scope),
        accounts::outdated(scope),
        tracks::recreated(scope),
        targets::dropped(scope),
        requests::throttled(scope),
        unknown::unknown(scope),
        tracks::undocumented(scope),
        targets::disagreeing(scope),
        targets::counted(scope),
        operations::searches(scope),
    ]
}
