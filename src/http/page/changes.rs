//! The latest changes: what changed from what to what, and by whom.

use std::fmt;

use super::facts::Facts;
use super::html::{Account, Html, Isolated, Lines, Text, TrackName, Utc};
use super::table::{Table, columns};
use crate::http::query::Query;
use crate::snapshot::{
    Attribution, AttributionResult, ChangeRecord, ChangeSource, FieldChange, Operation,
};

/// Returns the table of the changes that match a query.
pub(super) fn table<'a>(facts: Facts<'a>, query: &Query) -> Table<'a> {
    let rows = facts.view.matching_changes(query);
    let columns = columns!["Seen", "Account", "Track", "Change", "From and to", "By"];
    Table::new("changes", "Latest changes", columns, rows, move |record| {
        let record = *record;
        vec![
            Box::new(facts.when(Some(record.seen))),
            Box::new(Account(&record.account)),
            Box::new(TrackName(&record.track, record.track_id)),
            Box::new(Lines(change(record))),
            Box::new(Fields(&record.fields)),
            Box::new(By(&record.attribution)),
        ]
    })
}

/// The change, and whether no poll saw it.
fn change(record: &ChangeRecord) -> Vec<Text<'static>> {
    let kind = Text(record.change.as_str());
    match record.source {
        ChangeSource::Poll => vec![kind],
        ChangeSource::Operation => vec![kind, Text("between two polls; only in operation records")],
    }
}

/// The fields that differ.
struct Fields<'a>(&'a [FieldChange]);

impl Html for Fields<'_> {}

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("–");
        }
        for FieldChange { field, from, to } in self.0 {
            write!(f, "<div>{}: ", Text(field))?;
            match (from.as_str(), to.as_str()) {
                ("", to) => write!(f, "{}", Isolated(to))?,
                (from, "") => write!(f, "was {}", Isolated(from))?,
                (from, to) => write!(f, "{} → {}", Isolated(from), Isolated(to))?,
            }
            f.write_str("</div>")?;
        }
        Ok(())
    }
}

/// Who made a change, or why that is not known.
pub(super) struct By<'a>(pub(super) &'a Attribution);

impl Html for By<'_> {}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attribution { result, operations } = self.0;
        f.write_str(match result {
            AttributionResult::Certain => "",
            AttributionResult::Candidate if operations.len() == 1 => "perhaps:",
            AttributionResult::Candidate => "perhaps one of these:",
            AttributionResult::Pending => "not known yet: the operation records are being searched",
            AttributionResult::NotFound => "not known: no operation record fits",
            AttributionResult::Denied => "not known: cloudaudit:DescribeEvents is denied",
            AttributionResult::Failed => "not known: the operation records cannot be read",
            AttributionResult::Off => "not known: attribution is off",
        })?;
        operations.iter().try_for_each(|it| operation(f, it))
    }
}

fn operation(f: &mut fmt::Formatter<'_>, operation: &Operation) -> fmt::Result {
    let Operation {
        event_name,
        at,
        operator,
        operator_type,
        role_session,
        source_ip,
        ..
    } = operation;
    write!(f, "<div>{}", Isolated(operator))?;
    if !operator_type.is_empty() {
        write!(f, " ({})", Isolated(operator_type))?;
    }
    if let Some(session) = role_session {
        write!(f, ", session {}", Isolated(session))?;
    }
    if !source_ip.is_empty() {
        write!(f, " from {}", Isolated(source_ip))?;
    }
    let (event_name, at) = (Isolated(event_name), Utc(*at));
    write!(f, "<br><span class=\"soft\">{event_name} {at}</span></div>")
}
