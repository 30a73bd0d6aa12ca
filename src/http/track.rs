//! How a track looks on the page: a row of a table.

use std::fmt;

use super::html::{Badge, Html, Mood, Number, Text, counted};
use super::table::Cell;
use crate::snapshot::{Report, Status, TargetReport, Track};

pub(super) const COLUMNS: [&str; 7] = [
    "Account", "Region", "Track", "Id", "Status", "Records", "Storage",
];

pub(super) fn cells<'a>(
    (report, target, track): (&'a Report, &'a TargetReport, &'a Track),
) -> [Cell<'a>; 7] {
    let mood = match track.status {
        Status::Enabled => Mood::Good,
        Status::Disabled => Mood::Bad,
        Status::Unknown => Mood::Unsure,
    };
    [
        Box::new(Text(&report.account.name)),
        Box::new(Text(&target.region)),
        Box::new(Text(&track.name)),
        Box::new(Number(track.id)),
        Box::new(Badge {
            mood,
            word: track.status.as_str(),
        }),
        Box::new(Scope(track)),
        Box::new(Destination(track)),
    ]
}

/// What a track records: the kind of action, the product, and how many of its events.
struct Scope<'a>(&'a Track);

impl Html for Scope<'_> {}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let track = self.0;
        write!(
            f,
            "{} of {}",
            Text(&track.action_type),
            Text(&track.resource_type)
        )?;
        match track.event_names.as_slice() {
            [all] if all == "*" => Ok(()),
            some => write!(f, ", {}", counted(some.len() as u64, "event")),
        }
    }
}

/// Where a track delivers to.
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
            write!(f, "{} ", Text(part))?;
        }
        Ok(())
    }
}
