//! The content of the file: reports, without the configuration and without values that start again
//! after a restart.
//!
//! Plain values serialize themselves; what holds a time has a type of its own here, because a
//! steady clock means nothing to another process. Names contain their unit. Loading ignores an
//! unknown field, uses the default of a missing one, and repairs lists that are not sorted.
//!
//! Counters of polls and requests are not kept. A counter that came back a minute older than it was
//! last scraped would look like a reset, and all of it would be counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use enum_map::EnumMap;
use serde::{Deserialize, Serialize};

use super::delivery::SavedDelivery;
use super::saved_attribution::SavedAttribution;
use super::saved_changes::SavedChange;
use super::time::{UnixNanos, nanos};
use crate::clock::Moment;
use crate::failure::Failure;
use crate::snapshot::{
    AccountInfo, Change, ChangeRecord, ChangeTimes, DroppedTrack, Evidence, LastGood, Listing,
    Member, Past, PollEnd, Report, TargetReport, Tombstone, Track,
};

/// Everything in a state file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// By name.
    accounts: BTreeMap<String, SavedAccount>,
    /// The change feed, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<SavedChange>,
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
        self.changes = changes.iter().map(|record| (&**record).into()).collect();
        self
    }

    /// Returns the change feed. Times are as they were written. Records of a kind that this version
    /// does not know are missing.
    pub fn changes(&self) -> Vec<ChangeRecord> {
        let changes = self.changes.iter();
        changes.filter_map(SavedChange::record).collect()
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

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedAccount {
    evidence: SavedEvidence,
    /// Of a member account, so that a restart need not wait for its organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<SavedMember>,
    /// The UIN of the account that the keys belong to, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    uin: Option<String>,
    /// `None` if attribution is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<SavedAttribution>,
    /// By region.
    targets: BTreeMap<String, SavedTarget>,
    /// By target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<SavedDelivery>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedMember {
    organization: String,
    #[serde(flatten)]
    member: Member,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedEvidence {
    observed_ns: u64,
    covered_ns: u64,
    latest: Option<SavedLatest>,
}

/// The latest listing of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedLatest {
    at_unix_ns: UnixNanos,
    was_covered: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedTarget {
    last_poll: Option<SavedPoll>,
    failure: Option<Failure>,
    last_good: Option<SavedGood>,
    unproven: Vec<Track>,
    /// By track id.
    tombstones: BTreeMap<u64, SavedTombstone>,
    /// By track id.
    changes: BTreeMap<u64, SavedChanges>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedPoll {
    at_unix_ns: UnixNanos,
    took_ns: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedGood {
    at_unix_ns: UnixNanos,
    listing: Arc<Listing>,
    /// Whether an incomplete listing has updated it since.
    is_updated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedTombstone {
    name: String,
    at_unix_ns: UnixNanos,
    /// When its deletion was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_unix_ns: Option<UnixNanos>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedChanges {
    name: String,
    /// By the kind of change.
    at_unix_ns: BTreeMap<String, UnixNanos>,
}

impl From<&Report> for SavedAccount {
    fn from(report: &Report) -> Self {
        let targets = report.targets.iter();
        let known =
            targets.filter(|target| target.last_poll.is_some() || target.last_good.is_some());
        let account = &report.account;
        Self {
            evidence: report.evidence.into(),
            member: account.member.clone().map(|member| SavedMember {
                organization: account.organization.clone(),
                member,
            }),
            uin: report.owner.clone(),
            attribution: report.attribution.as_deref().map(Into::into),
            targets: known
                .map(|target| (target.region.clone(), target.into()))
                .collect(),
            deliveries: report
                .deliveries
                .iter()
                .flatten()
                .map(|delivery| SavedDelivery::from(&**delivery))
                .collect(),
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
            evidence: self.evidence.restored(now),
            deliveries: Some(
                self.deliveries
                    .into_iter()
                    .map(|saved| Arc::new(saved.into_report(now)))
                    .collect(),
            ),
            attribution: self.attribution.map(|saved| Arc::new(saved.into())),
            ..Report::default()
        }
    }
}

impl From<Evidence> for SavedEvidence {
    fn from(evidence: Evidence) -> Self {
        let Evidence {
            observed,
            covered,
            latest,
        } = evidence;
        Self {
            observed_ns: nanos(observed),
            covered_ns: nanos(covered),
            latest: latest.map(|(at, was_covered)| SavedLatest {
                at_unix_ns: at.wall.into(),
                was_covered,
            }),
        }
    }
}

impl SavedEvidence {
    fn restored(&self, now: Moment) -> Evidence {
        // The time of day tells how long ago the listing was. If this machine cannot count that far
        // back, it was too long ago to be evidence.
        let latest = self.latest.and_then(|latest| {
            let wall = latest.at_unix_ns.time();
            // A time in the future is unknown, and no evidence.
            let age = now.wall.duration_since(wall).ok()?;
            let steady = now.steady.checked_sub(age)?;
            Some((Moment { wall, steady }, latest.was_covered))
        });
        let observed = Duration::from_nanos(self.observed_ns);
        Evidence {
            observed,
            covered: Duration::from_nanos(self.covered_ns).min(observed),
            latest,
        }
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
        let tombstones = past.tombstones.iter();
        let changes = past.changes.iter();
        Self {
            last_poll: last_poll.map(|poll| SavedPoll {
                at_unix_ns: poll.at.into(),
                took_ns: nanos(poll.took),
            }),
            failure: failure.clone(),
            last_good: last_good.as_ref().map(|good| SavedGood {
                at_unix_ns: good.at.into(),
                listing: Arc::clone(&good.listing),
                is_updated: !good.is_complete,
            }),
            unproven: unproven.values().cloned().collect(),
            tombstones: tombstones
                .map(|(id, tombstone)| (*id, tombstone.into()))
                .collect(),
            changes: changes.map(|(id, times)| (*id, times.into())).collect(),
        }
    }
}

impl SavedTarget {
    fn into_report(self, region: String, now: Moment) -> TargetReport {
        let last_good = self.last_good.map(|good| LastGood {
            listing: Arc::new(well_formed(Arc::unwrap_or_clone(good.listing))),
            at: good.at_unix_ns.time(),
            show_until: now,
            is_complete: !good.is_updated,
        });
        // A listed track is not deleted, even if the file has a tombstone for it.
        let listed: BTreeSet<u64> = last_good
            .iter()
            .flat_map(|good| good.listing.all())
            .map(|track| track.id)
            .collect();
        let tombstones = self.tombstones.into_iter();
        let tombstones = tombstones.filter(|(id, _)| !listed.contains(id));
        let tombstones = tombstones.map(|(id, saved)| {
            let tombstone = Tombstone {
                name: saved.name,
                at: saved.at_unix_ns.time(),
                show_until: now.steady,
                acknowledged: saved.acknowledged_unix_ns.map(UnixNanos::time),
            };
            (id, tombstone)
        });
        let changes = self.changes.into_iter();
        let changes = changes.map(|(id, saved)| (id, saved.into()));
        TargetReport {
            region,
            last_poll: self.last_poll.map(|poll| PollEnd {
                at: poll.at_unix_ns.time(),
                took: Duration::from_nanos(poll.took_ns),
            }),
            failure: self.failure,
            last_good,
            past: Arc::new(Past {
                tombstones: tombstones.collect(),
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

impl From<&Tombstone> for SavedTombstone {
    fn from(tombstone: &Tombstone) -> Self {
        Self {
            name: tombstone.name.clone(),
            at_unix_ns: tombstone.at.into(),
            acknowledged_unix_ns: tombstone.acknowledged.map(UnixNanos::from),
        }
    }
}

impl From<&ChangeTimes> for SavedChanges {
    fn from(times: &ChangeTimes) -> Self {
        let at = times.at.iter();
        let seen = at.filter_map(|(change, at)| Some((change.as_str().to_owned(), (*at)?.into())));
        Self {
            name: times.name.clone(),
            at_unix_ns: seen.collect(),
        }
    }
}

impl From<SavedChanges> for ChangeTimes {
    fn from(saved: SavedChanges) -> Self {
        let at = |change: Change| saved.at_unix_ns.get(change.as_str());
        Self {
            at: EnumMap::from_fn(|change| Some(at(change)?.time())),
            name: saved.name,
            // The change feed has them.
            operators: EnumMap::default(),
        }
    }
}
