//! The rows of the page and the API: targets and tracks, filtered and sorted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) use super::filter_values::{State, VANISHED};
use super::query::Query;
use crate::clock::{Moment, age};
use crate::snapshot::{
    ChangeRecord, DeliveryReport, DeliveryState, LastGood, Report, StorageType, TargetReport,
    Tombstone, Totals, Track,
};

/// All reports and the change feed at one moment.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) reports: &'a [Arc<Report>],
    /// Newest first.
    pub(super) changes: &'a [Arc<ChangeRecord>],
    pub(super) now: Moment,
}

/// An account in a region.
#[derive(Clone, Copy)]
pub(super) struct TargetRow<'a> {
    pub(super) report: &'a Report,
    pub(super) target: &'a TargetReport,
    pub(super) state: State,
}

/// A storage target that is checked.
#[derive(Clone, Copy)]
pub(super) struct DeliveryRow<'a> {
    pub(super) report: &'a Report,
    pub(super) delivery: &'a DeliveryReport,
    /// Its state, which is unknown if the check is too old.
    pub(super) state: DeliveryState,
}

/// A track as one region lists it or last listed it.
#[derive(Clone, Copy)]
pub(super) struct TrackRow<'a> {
    pub(super) report: &'a Report,
    pub(super) target: &'a TargetReport,
    pub(super) id: u64,
    pub(super) track: TrackEntry<'a>,
}

/// A listed or vanished track.
#[derive(Clone, Copy)]
pub(super) enum TrackEntry<'a> {
    Listed(&'a Track),
    Vanished(&'a Tombstone),
}

impl<'a> TrackRow<'a> {
    pub(super) fn name(&self) -> &'a str {
        match self.track {
            TrackEntry::Listed(track) => &track.name,
            TrackEntry::Vanished(tombstone) => &tombstone.name,
        }
    }

    /// Returns the track's status, or `vanished`.
    pub(super) fn status(&self) -> &'static str {
        match self.track {
            TrackEntry::Listed(track) => track.status.as_str(),
            TrackEntry::Vanished(_) => VANISHED,
        }
    }

    /// Returns the type of storage. Empty if the track has vanished.
    pub(super) fn storage_type(&self) -> &'static str {
        match self.track {
            TrackEntry::Listed(track) => track.storage.storage_type().as_str(),
            TrackEntry::Vanished(_) => "",
        }
    }
}

impl<'a> View<'a> {
    /// Returns every target.
    pub(super) fn targets(self) -> impl Iterator<Item = TargetRow<'a>> {
        let reports = self.reports.iter().map(Arc::as_ref);
        reports.flat_map(move |report| {
            report.targets.iter().map(move |target| TargetRow {
                report,
                target,
                state: self.state(target),
            })
        })
    }

    /// Returns the targets that match a query, in its order.
    pub(super) fn matching_targets(self, query: &Query) -> Vec<TargetRow<'a>> {
        let mut targets: Vec<_> = self
            .targets()
            .filter(|it| {
                query.matches("account", &it.report.account.name)
                    && query.matches("region", &it.target.region)
                    && query.matches("state", it.state.as_str())
            })
            .collect();
        targets.sort_by_key(|it| {
            let account = it.report.account.name.as_str();
            let region = it.target.region.as_str();
            match query.sort {
                "region" => (region, account, ""),
                "state" => (it.state.as_str(), account, region),
                _ => (account, region, ""),
            }
        });
        if query.descending {
            targets.reverse();
        }
        targets
    }

    /// Returns the tracks that `/metrics` exposes: listed tracks until their listing is too old, and
    /// vanished tracks until their tombstone expires.
    pub(super) fn tracks(self) -> impl Iterator<Item = TrackRow<'a>> {
        self.targets()
            .flat_map(move |TargetRow { report, target, .. }| {
                let row = move |id, track| TrackRow {
                    report,
                    target,
                    id,
                    track,
                };
                let listed = self.shown(target).unwrap_or_default().iter();
                let listed = listed.map(move |track| row(track.id, TrackEntry::Listed(track)));
                let tombstones = target.past.tombstones.iter();
                let shown = tombstones.filter(move |(_, it)| {
                    self.now.steady < it.show_until && it.acknowledged.is_none()
                });
                let vanished =
                    shown.map(move |(id, tombstone)| row(*id, TrackEntry::Vanished(tombstone)));
                listed.chain(vanished)
            })
    }

    /// Returns the tracks that match a query, in its order.
    pub(super) fn matching_tracks(self, query: &Query) -> Vec<TrackRow<'a>> {
        let mut tracks: Vec<_> = self
            .tracks()
            .filter(|row| {
                query.matches("account", &row.report.account.name)
                    && query.matches("region", &row.target.region)
                    && query.matches("state", self.state(row.target).as_str())
                    && query.matches("status", row.status())
                    && query.matches("storage_type", row.storage_type())
                    && query.matches_track(row.id, row.name())
            })
            .collect();
        tracks.sort_by_key(|row| {
            let first = match query.sort {
                "region" => row.target.region.as_str(),
                "track" => row.name(),
                "status" => row.status(),
                "storage_type" => row.storage_type(),
                _ => "",
            };
            let account = row.report.account.name.as_str();
            (first, account, row.target.region.as_str(), row.id)
        });
        if query.descending {
            tracks.reverse();
        }
        tracks
    }

    /// Returns every storage target that is checked.
    pub(super) fn deliveries(self) -> impl Iterator<Item = DeliveryRow<'a>> {
        let reports = self.reports.iter().map(Arc::as_ref);
        reports.flat_map(move |report| {
            let deliveries = report.deliveries.iter().flatten();
            deliveries.map(move |delivery| DeliveryRow {
                report,
                delivery,
                state: delivery.state_at(self.now),
            })
        })
    }

    /// Returns the storage targets that match a query, in its order.
    pub(super) fn matching_deliveries(self, query: &Query) -> Vec<DeliveryRow<'a>> {
        let mut deliveries: Vec<_> = self
            .deliveries()
            .filter(|row| {
                query.matches("account", &row.report.account.name)
                    && query.matches("state", row.state.as_str())
                    && query.matches(
                        "storage_type",
                        StorageType::of(&row.delivery.target.kind).as_str(),
                    )
            })
            .collect();
        deliveries.sort_by_key(|row| {
            let target = &row.delivery.target;
            let first = match query.sort {
                "region" => target.region.as_str(),
                "state" => row.state.as_str(),
                "storage_type" => target.kind.as_str(),
                _ => "",
            };
            (first, row.report.account.name.as_str(), target)
        });
        if query.descending {
            deliveries.reverse();
        }
        deliveries
    }

    /// Returns the changes that match a query, newest first.
    pub(super) fn matching_changes(self, query: &Query) -> Vec<&'a ChangeRecord> {
        let changes = self.changes.iter().map(Arc::as_ref);
        changes
            .filter(|it| {
                query.matches("account", &it.account)
                    && query.matches("region", &it.region)
                    && query.matches_track(it.track_id, &it.track)
                    && query.matches("change", it.change.as_str())
                    && query.matches("result", it.attribution.result.as_str())
                    && query.is_since(it.seen)
            })
            .collect()
    }

    /// Returns the totals over an account's targets. `None` if nothing is known, or no longer.
    pub(super) fn totals(self, report: &'a Report) -> Option<&'a Totals> {
        let mut overviews = report.overviews.iter();
        let now = overviews.find(|it| it.is_of(self.now))?;
        Some(&now.totals)
    }

    /// Returns the tracks of the last listing. `None` if it is too old to be shown.
    pub(super) fn shown(self, target: &'a TargetReport) -> Option<&'a [Track]> {
        let good = target.last_good.as_ref()?;
        (!good.show_until.is_reached(self.now)).then_some(good.listing.tracks.as_slice())
    }

    /// Returns the worst state of an account's targets.
    pub(super) fn account_state(self, report: &Report) -> State {
        let states = report.targets.iter().map(|target| self.state(target));
        let worst = states.min_by_key(|state| State::ALL.iter().position(|it| it == state));
        worst.unwrap_or(State::Waiting)
    }

    /// Returns the state of a target.
    pub(super) fn state(self, target: &TargetReport) -> State {
        if target.last_poll.is_none() {
            State::Waiting
        } else if target.failure.is_some() {
            State::Failing
        } else if self.is_fresh(target) {
            State::Up
        } else {
            State::Stale
        }
    }

    /// Returns whether the last listing is shown and recent enough for a statement about now.
    pub(super) fn is_fresh(self, target: &TargetReport) -> bool {
        let good = target.last_good.as_ref();
        let shown = good.filter(|good| !good.show_until.is_reached(self.now));
        let at = shown.and_then(LastGood::known_at);
        at.is_some_and(|at| !self.is_old(at, target.interval))
    }

    /// Returns whether a listing of this time is as old as the alert `CloudAuditDataStale` allows.
    pub(super) fn is_old(self, at: SystemTime, interval: Duration) -> bool {
        age(at, self.now.wall).is_none_or(|age| age > interval * FRESH_INTERVALS)
    }
}

/// Data that is older than this many intervals is stale.
pub(super) const FRESH_INTERVALS: u32 = 4;
