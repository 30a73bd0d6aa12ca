//! The content of the file: reports, without the configuration and without values that start again
//! after a restart.
//!
//! Plain values serialize themselves. A steady clock means nothing to another process, so a restored
//! value is adjusted to the present one. Names contain their unit. Loading ignores an
//! unknown field, uses the default of a missing one, and repairs lists that are not sorted.
//!
//! Counters of polls and requests are not kept. A counter that came back a minute older than it was
//! last scraped would look like a reset, and all of it would be counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use enum_map::EnumMap;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::{Moment, nanos, unix_nanos};
use crate::failure::Failure;
use crate::snapshot::{
    AccountInfo, AttributionReport, ChangeKind, ChangeRecord, ChangeTimes, DeliveryReport,
    DroppedTrack, Evidence, LastGood, LatestListing, Listing, Member, Past, PollEnd, Report,
    TargetReport, Tombstone, Track,
};

/// Everything in a state file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// By name.
    accounts: BTreeMap<String, SavedAccount>,
    /// The change feed, newest first.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "known_changes"
    )]
    changes: Vec<Arc<ChangeRecord>>,
}

impl Saved {
    /// Returns what outlives the process of these reports.
    pub fn from_reports(reports: &[Arc<Report>]) -> Self {
        let accounts = reports.iter().map(|report| {
            let name = report.account.name.clone();
            (name, SavedAccount::from(&**report))
        });
        Self {
            accounts: accounts.collect(),
            changes: Vec::new(),
        }
    }

    /// Adds the change feed.
    #[must_use]
    pub fn with_changes(mut self, changes: &[Arc<ChangeRecord>]) -> Self {
        self.changes = changes.to_vec();
        self
    }

    /// Returns the change feed. Times are as they were written. Records of a kind that this version
    /// does not know are missing.
    pub fn changes(&self) -> Vec<ChangeRecord> {
        let changes = self.changes.iter();
        changes.map(|record| ChangeRecord::clone(record)).collect()
    }

    /// Returns what was known, by account, for accounts to resume. Times of day are as they were
    /// written; the history decides until when a listing may be shown.
    pub fn into_reports(self, now: Moment) -> BTreeMap<String, Report> {
        let accounts = self.accounts.into_iter();
        accounts
            .map(|(name, saved)| (name.clone(), saved.into_report(name, now)))
            .collect()
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedAccount {
    evidence: Evidence,
    /// Of a member account, so that a restart need not wait for its organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<SavedMember>,
    /// The UIN of the account that the keys belong to, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    uin: Option<String>,
    /// `None` if attribution is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<Arc<AttributionReport>>,
    /// By region.
    targets: BTreeMap<String, SavedTarget>,
    /// By target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<Arc<DeliveryReport>>,
    /// When the latest queries of due operations were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    delivery_queries_unix_ns: Vec<Moment>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedMember {
    organization: String,
    #[serde(flatten)]
    member: Member,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedTarget {
    last_poll: Option<PollEnd>,
    failure: Option<Failure>,
    last_good: Option<SavedGood>,
    unproven: Vec<Track>,
    /// By track id.
    tombstones: BTreeMap<u64, Tombstone>,
    /// By track id.
    changes: BTreeMap<u64, SavedChanges>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedGood {
    #[serde(with = "unix_nanos", default = "unix_nanos::missing")]
    at_unix_ns: SystemTime,
    #[serde(with = "nanos", default, skip_serializing_if = "Duration::is_zero")]
    took_ns: Duration,
    #[serde(default)]
    listing: Arc<Listing>,
    /// Whether an incomplete listing has updated it since.
    #[serde(default)]
    is_updated: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SavedChanges {
    name: String,
    /// By the kind of change: a later version may know more kinds.
    at_unix_ns: BTreeMap<String, u64>,
}

/// Reads the change feed. Skips changes of a kind that this version does not know.
fn known_changes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Arc<ChangeRecord>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Change {
        Known(Arc<ChangeRecord>),
        Unknown(IgnoredAny),
    }
    let changes = Vec::deserialize(deserializer)?.into_iter();
    let known = changes.filter_map(|change| match change {
        Change::Known(record) => Some(record),
        Change::Unknown(_) => None,
    });
    Ok(known.collect())
}

impl From<&Report> for SavedAccount {
    fn from(report: &Report) -> Self {
        let targets = report.targets.iter();
        let known =
            targets.filter(|target| target.last_poll.is_some() || target.last_good.is_some());
        let account = &report.account;
        Self {
            evidence: report.evidence,
            member: account.member.clone().map(|member| SavedMember {
                organization: account.organization.clone(),
                member,
            }),
            uin: report.owner.clone(),
            attribution: report.attribution.clone(),
            targets: known
                .map(|target| (target.region.clone(), target.into()))
                .collect(),
            deliveries: report.deliveries.clone().unwrap_or_default(),
            delivery_queries_unix_ns: report.delivery_queries.clone(),
        }
    }
}

impl SavedAccount {
    fn into_report(self, name: String, now: Moment) -> Report {
        let (organization, member) = match self.member {
            Some(saved) => (saved.organization, Some(saved.member)),
            None => (String::new(), None),
        };
        let targets = self.targets.into_iter();
        let mut deliveries = self.deliveries;
        for delivery in &mut deliveries {
            if let Some(since) = &mut Arc::make_mut(delivery).missing_since {
                since.steady = now.steady;
            }
        }
        Report {
            account: Arc::new(AccountInfo {
                name,
                organization,
                member,
                ..AccountInfo::default()
            }),
            owner: self.uin,
            targets: targets
                .map(|(region, saved)| saved.into_report(region, now))
                .collect(),
            evidence: restored(self.evidence, now),
            deliveries: Some(deliveries),
            attribution: self.attribution,
            delivery_queries: self.delivery_queries_unix_ns,
            ..Report::default()
        }
    }
}

/// Returns evidence for an account to resume.
fn restored(evidence: Evidence, now: Moment) -> Evidence {
    // The time of day shows how long ago the listing was. If this machine cannot count that far
    // back, it was too long ago to be evidence.
    let latest = evidence.latest.and_then(|latest| {
        let wall = latest.at.wall;
        // A time in the future is unknown, and no evidence.
        let age = now.wall.duration_since(wall).ok()?;
        let steady = now.steady.checked_sub(age)?;
        let at = Moment { wall, steady };
        Some(LatestListing { at, ..latest })
    });
    Evidence {
        covered: evidence.covered.min(evidence.observed),
        latest,
        ..evidence
    }
}

impl From<&TargetReport> for SavedTarget {
    fn from(report: &TargetReport) -> Self {
        // Every field is named, so that a new field must be persisted or skipped explicitly.
        let TargetReport {
            region: _,
            interval: _,
            last_poll,
            failure,
            last_good,
            past,
            unproven,
            counters: _,
        } = report;
        let changes = past.changes.iter();
        Self {
            last_poll: *last_poll,
            failure: failure.clone(),
            last_good: last_good.as_ref().map(|good| SavedGood {
                at_unix_ns: good.at,
                took_ns: good.took,
                listing: Arc::clone(&good.listing),
                is_updated: !good.is_complete,
            }),
            unproven: unproven.values().cloned().collect(),
            tombstones: past.tombstones.clone(),
            changes: changes.map(|(id, times)| (*id, times.into())).collect(),
        }
    }
}

impl SavedTarget {
    fn into_report(self, region: String, now: Moment) -> TargetReport {
        let last_good = self.last_good.map(|good| LastGood {
            listing: Arc::new(well_formed(Arc::unwrap_or_clone(good.listing))),
            at: good.at_unix_ns,
            took: good.took_ns,
            show_until: now,
            is_complete: !good.is_updated,
        });
        // A listed track is not deleted, even if the file has a tombstone for it.
        let listed: BTreeSet<u64> = last_good
            .iter()
            .flat_map(|good| good.listing.all())
            .map(|track| track.id)
            .collect();
        let mut tombstones = self.tombstones;
        tombstones.retain(|id, _| !listed.contains(id));
        for tombstone in tombstones.values_mut() {
            tombstone.show_until = now.steady;
        }
        let changes = self.changes.into_iter();
        let changes = changes.map(|(id, saved)| (id, saved.into()));
        TargetReport {
            region,
            last_poll: self.last_poll,
            failure: self.failure,
            last_good,
            past: Arc::new(Past {
                tombstones,
                changes: changes.collect(),
            }),
            unproven: by_id(self.unproven),
            ..TargetReport::default()
        }
    }
}

/// Sorts a listing by id, and leaves each id once.
fn well_formed(listing: Listing) -> Listing {
    let tracks = by_id(listing.tracks);
    let dropped = listing.dropped.into_iter();
    let dropped = dropped.filter(|track| !tracks.contains_key(&track.id));
    let dropped: BTreeMap<u64, DroppedTrack> = dropped.map(|track| (track.id, track)).collect();
    Listing {
        tracks: tracks.into_values().collect(),
        dropped: dropped.into_values().collect(),
        reported: listing.reported,
    }
}

fn by_id(tracks: Vec<Track>) -> BTreeMap<u64, Track> {
    tracks.into_iter().map(|track| (track.id, track)).collect()
}

impl From<&ChangeTimes> for SavedChanges {
    fn from(times: &ChangeTimes) -> Self {
        let at = times.at.iter();
        let at = at.filter_map(|(change, at)| Some((change, unix_nanos::of((*at)?))));
        let at = at.map(|(change, at)| (change.as_str().to_owned(), at));
        Self {
            name: times.name.clone(),
            at_unix_ns: at.collect(),
        }
    }
}

impl From<SavedChanges> for ChangeTimes {
    fn from(saved: SavedChanges) -> Self {
        let at = |change: ChangeKind| saved.at_unix_ns.get(change.as_str());
        Self {
            at: EnumMap::from_fn(|change| at(change).map(|at| unix_nanos::time(*at))),
            name: saved.name,
            // The change feed has them.
            operators: EnumMap::default(),
        }
    }
}
