//! What the page is made of, and the rows of it that a query selects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::html::Timestamp;
use crate::http::query::Query;
use crate::http::view::{TargetRow, TrackEntry, TrackRow, View};
use crate::snapshot::{ExporterInfo, LastGood, Report};

/// Everything that the page shows.
#[derive(Clone, Copy)]
pub(in crate::http) struct Facts<'a> {
    pub(in crate::http) view: View<'a>,
    pub(in crate::http) info: &'a ExporterInfo,
    /// What stalled, if the process is not healthy.
    pub(in crate::http) stalled: Option<&'a str>,
}

impl Facts<'_> {
    pub(super) fn when(self, at: Option<SystemTime>) -> Timestamp {
        let now = self.view.now.wall;
        Timestamp { at, now }
    }
}

/// The rows that a query selects.
pub(super) struct Scope<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) targets: Vec<TargetRow<'a>>,
    pub(super) accounts: Vec<&'a Report>,
    pub(super) tracks: Vec<TrackGroup<'a>>,
    /// Whether every target is fresh that may list a matching track.
    pub(super) is_fresh: bool,
}

/// A track, with all regions that show the same state of it.
#[derive(Clone)]
pub(super) struct TrackGroup<'a> {
    pub(super) first: TrackRow<'a>,
    pub(super) regions: Vec<&'a str>,
    /// The time of the oldest listing that shows the track. `None` if that is unknown.
    pub(super) as_of: Option<SystemTime>,
    /// Whether a region with current data shows the track.
    pub(super) is_fresh: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(facts: Facts<'a>, query: &Query) -> Self {
        let mut targets = facts.view.matching_targets(query);
        let tracks = grouped(facts, facts.view.matching_tracks(query));
        let accounts = matching_accounts(facts, query, &targets, &tracks);
        let is_fresh = targets.iter().all(|it| facts.view.is_fresh(it.target));
        let names: BTreeSet<&str> = accounts.iter().map(|it| name(it)).collect();
        targets.retain(|row| names.contains(name(row.report)));
        Self {
            facts,
            targets,
            accounts,
            tracks,
            is_fresh,
        }
    }
}

/// Returns the accounts that match a query, in its order: those that have a matching target, and a
/// matching track if the query selects tracks.
fn matching_accounts<'a>(
    facts: Facts<'a>,
    query: &Query,
    targets: &[TargetRow<'a>],
    tracks: &[TrackGroup<'a>],
) -> Vec<&'a Report> {
    let by_target = ["region", "state"].iter().any(|key| query.filters_by(key));
    let by_track = ["track", "status", "storage_type"];
    let by_track = by_track.iter().any(|key| query.filters_by(key));
    let of_targets: BTreeSet<&str> = targets.iter().map(|it| name(it.report)).collect();
    let of_tracks: BTreeSet<&str> = tracks.iter().map(|it| name(it.first.report)).collect();
    let expects = |report: &Report| {
        let mut expected = report.account.expected_tracks.iter();
        query.filters_by("track") && expected.any(|it| query.matches("track", &it.name))
    };
    let matching = |report: &&Report| {
        query.matches("account", name(report))
            && (!by_target || of_targets.contains(name(report)))
            && (!by_track || of_tracks.contains(name(report)) || expects(report))
    };
    let reports = facts.view.reports.iter().map(Arc::as_ref);
    let mut accounts: Vec<&Report> = reports.filter(matching).collect();
    accounts.sort_by_key(|report| {
        let first = match query.sort {
            "state" => facts.view.account_state(report).as_str(),
            "region" => report.targets.first().map_or("", |it| it.region.as_str()),
            _ => "",
        };
        (first, name(report))
    });
    if query.descending {
        accounts.reverse();
    }
    accounts
}

/// Joins the regions that show the same state of a track, in the order of the rows.
fn grouped<'a>(facts: Facts<'a>, rows: Vec<TrackRow<'a>>) -> Vec<TrackGroup<'a>> {
    let mut groups: Vec<TrackGroup<'a>> = Vec::with_capacity(rows.len());
    let mut known: BTreeMap<(&str, u64), Vec<usize>> = BTreeMap::new();
    for row in rows {
        let good = row.target.last_good.as_ref();
        let as_of = good.and_then(LastGood::known_at);
        let is_fresh = facts.view.is_fresh(row.target);
        let alike = known.entry((name(row.report), row.id)).or_default();
        let same = alike
            .iter()
            .find(|it| is_same(groups[**it].first.track, row.track));
        if let Some(same) = same.copied() {
            groups[same].regions.push(&row.target.region);
            groups[same].as_of = groups[same].as_of.min(as_of);
            groups[same].is_fresh |= is_fresh;
        } else {
            alike.push(groups.len());
            groups.push(TrackGroup {
                first: row,
                regions: vec![&row.target.region],
                as_of,
                is_fresh,
            });
        }
    }
    groups
}

fn is_same(one: TrackEntry<'_>, other: TrackEntry<'_>) -> bool {
    match (one, other) {
        (TrackEntry::Listed(one), TrackEntry::Listed(other)) => one == other,
        (TrackEntry::Vanished(one), TrackEntry::Vanished(other)) => one.name == other.name,
        _ => false,
    }
}

pub(super) fn name(report: &Report) -> &str {
    &report.account.name
}
