//! Problems of single tracks.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::SystemTime;

use super::{Level, Problem};
use crate::http::page::facts::{Scope, TrackGroup, name};
use crate::http::page::html::{Account, Isolated, Regions, Text, TrackName};
use crate::http::page::table::{Cell, Table, columns};
use crate::http::page::tracks::{self, status};
use crate::http::view::TrackEntry;
use crate::snapshot::{ChangeKind, Status, StorageType, Track};

/// Returns the listed tracks of a scope for which a condition holds.
fn listed<'a>(
    scope: &Scope<'a>,
    condition: impl Fn(&TrackGroup<'a>, &Track) -> bool,
) -> Vec<TrackGroup<'a>> {
    let matching = scope.tracks.iter().filter(|group| match group.first.track {
        TrackEntry::Listed(track) => condition(group, track),
        TrackEntry::Vanished(_) => false,
    });
    matching.cloned().collect()
}

pub(super) fn off<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let mut rows = listed(scope, |_, track| track.status != Status::Enabled);
    // The newest first: a reader usually looks for the newest one.
    rows.sort_by_key(|group| Reverse(switched_off(group)));
    let facts = scope.facts;
    Problem {
        level: Level::Bad,
        advice: "A disabled track delivers nothing. Enable it in the CloudAudit console, and find out who switched it off. Whether a track with an unknown status delivers is not known.",
        table: Table::new(
            "off",
            "Tracks not enabled",
            columns![
                "Account",
                "Track",
                "Status",
                "Regions",
                "Switched off",
                "Records",
                "As of"
            ],
            rows,
            move |group| {
                let switched_off: Cell<'_> = match switched_off(group) {
                    Some(at) => Box::new(facts.when(Some(at))),
                    None if is_disabled(group) => Box::new(Text("not seen")),
                    None => Box::new(Text("not known")),
                };
                vec![
                    Box::new(Account(name(group.first.report))),
                    Box::new(TrackName(group.first.name(), group.first.id)),
                    Box::new(status(group)),
                    Box::new(Regions(group.regions.clone())),
                    switched_off,
                    tracks::scope(group),
                    Box::new(facts.when(group.as_of)),
                ]
            },
        ),
    }
}

/// Returns when a disabled track was seen to be switched off. `None` if that was not seen.
fn switched_off(group: &TrackGroup<'_>) -> Option<SystemTime> {
    let changes = &group.first.target.past.changes;
    let times = changes.get(&group.first.id)?;
    times.at[ChangeKind::Disabled].filter(|_| is_disabled(group))
}

fn is_disabled(group: &TrackGroup<'_>) -> bool {
    matches!(group.first.track, TrackEntry::Listed(track) if track.status == Status::Disabled)
}

/// Returns the vanished tracks for which there is, or is not, a listed track of the same name.
fn vanished<'a>(scope: &Scope<'a>, is_recreated: bool) -> Vec<TrackGroup<'a>> {
    let all = scope.facts.view.tracks();
    let listed = all.filter(|row| matches!(row.track, TrackEntry::Listed(_)));
    let key = |row: &crate::http::view::TrackRow<'a>| {
        (name(row.report), row.target.region.as_str(), row.name())
    };
    let listed: BTreeSet<_> = listed.map(|row| key(&row)).collect();
    let gone = scope.tracks.iter().filter(|group| {
        let is_vanished = matches!(group.first.track, TrackEntry::Vanished(_));
        is_vanished && listed.contains(&key(&group.first)) == is_recreated
    });
    gone.cloned().collect()
}

fn of_vanished<'a>(
    scope: &Scope<'a>,
    id: &'static str,
    heading: &'static str,
    is_recreated: bool,
) -> Table<'a> {
    let facts = scope.facts;
    let mut rows = vanished(scope, is_recreated);
    rows.sort_by_key(|group| Reverse(deleted_at(group)));
    let columns = columns!["Account", "Track", "Regions", "Seen deleted"];
    Table::new(id, heading, columns, rows, move |group| {
        vec![
            Box::new(Account(name(group.first.report))),
            Box::new(TrackName(group.first.name(), group.first.id)),
            Box::new(Regions(group.regions.clone())),
            Box::new(facts.when(deleted_at(group))),
        ]
    })
}

fn deleted_at(group: &TrackGroup<'_>) -> Option<SystemTime> {
    match group.first.track {
        TrackEntry::Vanished(tombstone) => Some(tombstone.at),
        TrackEntry::Listed(_) => None,
    }
}

pub(super) fn deleted<'a>(scope: &Scope<'a>) -> Problem<'a> {
    Problem {
        level: Level::Bad,
        advice: "The track existed and is no longer listed. If that was not intended, create it again and find out who deleted it; otherwise forget it (see the documentation).",
        table: of_vanished(scope, "deleted", "Tracks deleted", false),
    }
}

pub(super) fn recreated<'a>(scope: &Scope<'a>) -> Problem<'a> {
    Problem {
        level: Level::Warning,
        advice: "The track was deleted, and another track with the same name exists now. Operations in between may be missing from the log.",
        table: of_vanished(scope, "recreated", "Tracks deleted and created again", true),
    }
}

pub(super) fn foreign<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let rows = listed(scope, |group, track| {
        group.first.report.account.is_foreign(&track.storage) == Some(true)
    });
    let facts = scope.facts;
    Problem {
        level: Level::Bad,
        advice: "The storage belongs to an account that is neither the account of the track nor in trusted_storage_accounts.",
        table: Table::new(
            "foreign",
            "Tracks that deliver to other accounts",
            columns!["Account", "Track", "Owner", "Storage", "Regions", "As of"],
            rows,
            move |group| {
                let storage = match group.first.track {
                    TrackEntry::Listed(track) => Some(&track.storage),
                    TrackEntry::Vanished(_) => None,
                };
                vec![
                    Box::new(Account(name(group.first.report))),
                    Box::new(TrackName(group.first.name(), group.first.id)),
                    Box::new(Isolated(storage.map_or("", |it| it.account.as_str()))),
                    Box::new(tracks::Destination(storage)),
                    Box::new(Regions(group.regions.clone())),
                    Box::new(facts.when(group.as_of)),
                ]
            },
        ),
    }
}

pub(super) fn undocumented<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let rows = listed(scope, |_, track| {
        track.storage.storage_type() == StorageType::Other
    });
    Problem {
        level: Level::Info,
        advice: "This version of the exporter does not know this type of storage. Check whether a newer version does.",
        table: Table::new(
            "undocumented",
            "Tracks with another type of storage",
            columns!["Account", "Track", "Type of storage"],
            rows,
            |group| {
                let kind = match group.first.track {
                    TrackEntry::Listed(track) if !track.storage.kind.is_empty() => {
                        track.storage.kind.as_str()
                    }
                    _ => "not reported",
                };
                vec![
                    Box::new(Account(name(group.first.report))),
                    Box::new(TrackName(group.first.name(), group.first.id)),
                    Box::new(Isolated(kind)),
                ]
            },
        ),
    }
}
