//! The table of tracks.

use std::fmt;

use super::facts::{Scope, TrackGroup, name};
use super::html::{
    Account, Badge, BadgeColor, Html, Isolated, Regions, Text, TrackName, pluralize,
};
use super::table::{Cell, Column, TRACKS, Table};
use crate::http::filter_values::VANISHED;
use crate::http::view::TrackEntry;
use crate::snapshot::{Scope as Events, Status, Storage, Track};

const COLUMNS: &[Column] = &[
    Column("Account", Some("account")),
    Column("Track", Some("track")),
    Column("Status", Some("status")),
    Column("Regions", Some("region")),
    Column("Records", None),
    Column("Storage", Some("storage_type")),
    Column("Storage region", None),
    Column("Bucket or topic", None),
    Column("Prefix", None),
    Column("As of", None),
];

/// Returns the table of the listed tracks.
pub(super) fn table<'a>(scope: &Scope<'a>) -> Table<'a> {
    let is_listed = |group: &&TrackGroup<'a>| matches!(group.first.track, TrackEntry::Listed(_));
    let rows = scope.tracks.iter().filter(is_listed).cloned().collect();
    let facts = scope.facts;
    Table::new(TRACKS, "Tracks", COLUMNS, rows, move |group| {
        let storage = match group.first.track {
            TrackEntry::Listed(track) => Some(&track.storage),
            TrackEntry::Vanished(_) => None,
        };
        let field = |value: fn(&'a Storage) -> &'a str| -> Cell<'a> {
            match storage.map(value) {
                None | Some("") => Box::new(Text("–")),
                Some(value) => Box::new(Isolated(value)),
            }
        };
        vec![
            Box::new(Account(name(group.first.report))),
            Box::new(TrackName(group.first.name(), group.first.id)),
            Box::new(status(group)),
            Box::new(Regions(group.regions.clone())),
            self::scope(group),
            field(|it| &it.kind),
            field(|it| &it.region),
            field(|it| &it.name),
            field(|it| &it.prefix),
            Box::new(facts.when(group.as_of)),
        ]
    })
}

/// Returns the status of a track. If no listing is recent enough, "enabled" and "disabled" are in the
/// past tense.
pub(super) fn status(group: &TrackGroup<'_>) -> Badge {
    let (color, word) = match group.first.track {
        TrackEntry::Listed(track) => match track.status {
            Status::Enabled if group.is_fresh => (BadgeColor::Good, "enabled"),
            Status::Enabled => (BadgeColor::Unsure, "was enabled"),
            Status::Disabled if group.is_fresh => (BadgeColor::Bad, "disabled"),
            Status::Disabled => (BadgeColor::Bad, "was disabled"),
            Status::Unknown => (BadgeColor::Unsure, "unknown"),
        },
        TrackEntry::Vanished(_) => (BadgeColor::Bad, VANISHED),
    };
    Badge { color, word }
}

/// Returns what a track records.
pub(super) fn scope<'a>(group: &TrackGroup<'a>) -> Cell<'a> {
    match group.first.track {
        TrackEntry::Listed(track) => Box::new(Recorded(track)),
        TrackEntry::Vanished(_) => Box::new(Text("nothing")),
    }
}

/// What a track records: the actions, the product, and the number of events unless the track records
/// all events. With filters, one line for each filter.
struct Recorded<'a>(&'a Track);

impl Html for Recorded<'_> {}

impl fmt::Display for Recorded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.0;
        let filters = track.details.iter().flat_map(|details| &details.filters);
        let mut filters = filters.peekable();
        if filters.peek().is_none() {
            let Track {
                action_type,
                resource_type,
                event_names,
                ..
            } = track;
            return events(f, action_type, resource_type, event_names);
        }
        // Filters replace these three fields of the track.
        for filter in filters {
            let Events {
                action_type,
                resource_type,
                event_names,
            } = filter;
            f.write_str("<div>")?;
            events(f, action_type, resource_type, event_names)?;
            f.write_str("</div>")?;
        }
        Ok(())
    }
}

fn events(
    f: &mut fmt::Formatter<'_>,
    action_type: &str,
    resource_type: &str,
    event_names: &[String],
) -> fmt::Result {
    match action_type {
        "*" => f.write_str("all actions")?,
        "" => f.write_str("actions not known")?,
        action => write!(f, "{} actions", Isolated(action))?,
    }
    match resource_type {
        "*" => f.write_str(", all products")?,
        "" => f.write_str(", products not known")?,
        product => write!(f, ", product {}", Isolated(product))?,
    }
    match event_names {
        [all] if all == "*" => Ok(()),
        [] => f.write_str(", events not known"),
        some => write!(f, ", {}", pluralize(some.len() as u64, "event")),
    }
}

/// The storage that a track delivers to, in one cell.
pub(super) struct Destination<'a>(pub(super) Option<&'a Storage>);

impl Html for Destination<'_> {}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(storage) = self.0 else {
            return f.write_str("not known");
        };
        write!(f, "{} {}", Isolated(&storage.kind), Isolated(&storage.name))?;
        if !storage.region.is_empty() {
            write!(f, " in {}", Isolated(&storage.region))?;
        }
        if !storage.prefix.is_empty() {
            write!(f, ", prefix {}", Isolated(&storage.prefix))?;
        }
        Ok(())
    }
}
