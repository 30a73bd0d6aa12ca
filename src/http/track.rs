//! A track as a table row of the page.

use std::fmt;

use super::html::{Badge, BadgeColor, Html, Isolated, Number, Text, Timestamp, pluralize};
use super::table::{Cell, Column};
use super::view::{TrackEntry, TrackRow};
use crate::snapshot::{Status, Track};

pub(super) const COLUMNS: [Column; 8] = [
    Column("Account", Some("account")),
    Column("Region", Some("region")),
    Column("Track", Some("track")),
    Column("Id", None),
    Column("Status", Some("status")),
    Column("Records", None),
    Column("Storage", Some("storage_type")),
    Column("As of", None),
];

pub(super) fn cells<'a>(row: &'a TrackRow<'_>, as_of: Timestamp) -> [Cell<'a>; 8] {
    let (color, scope, storage): (_, Cell<'a>, Cell<'a>) = match row.track {
        TrackEntry::Listed(track) => (
            match track.status {
                Status::Enabled => BadgeColor::Good,
                Status::Disabled => BadgeColor::Bad,
                Status::Unknown => BadgeColor::Unsure,
            },
            Box::new(Scope(track)),
            Box::new(Destination(track)),
        ),
        TrackEntry::Vanished(_) => (BadgeColor::Bad, Box::new(Text("–")), Box::new(Text("–"))),
    };
    [
        Box::new(Isolated(&row.report.account.name)),
        Box::new(Text(&row.target.region)),
        Box::new(Isolated(row.name())),
        Box::new(Number(row.id)),
        Box::new(Badge {
            color,
            word: row.status(),
        }),
        scope,
        storage,
        Box::new(as_of),
    ]
}

/// What a track records: the kind of action, the product, and the number of events.
struct Scope<'a>(&'a Track);

impl Html for Scope<'_> {}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.0;
        write!(
            f,
            "{} of {}",
            Isolated(&track.action_type),
            Isolated(&track.resource_type)
        )?;
        match track.event_names.as_slice() {
            [all] if all == "*" => Ok(()),
            some => write!(f, ", {}", pluralize(some.len() as u64, "event")),
        }
    }
}

/// The storage that a track delivers to.
struct Destination<'a>(&'a Track);

impl Html for Destination<'_> {}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = &self.0.storage;
        let parts = [
            &storage.kind,
            &storage.region,
            &storage.name,
            &storage.prefix,
        ];
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{} ", Isolated(part))?;
        }
        Ok(())
    }
}
