//! What the file holds: reports, without what the configuration says and what a restart begins
//! anew.
//!
//! The format is a promise to ourselves. Names say their unit; a field that is not known is
//! ignored, one that is missing has its default, and what is read is not believed to be
//! well-formed.
//!
//! Counters of polls and calls are not kept. One that came back a minute younger than it was last
//! scraped would look like one that began anew, and all of it would be counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::member::SavedMember;
use super::time::{UnixNanos, nanos};
use super::track::{SavedListing, SavedTrack, tracks_by_id};
use crate::clock::Moment;
use crate::failure::{Failure, Reason};
use crate::snapshot::{
    AccountInfo, Change, ChangeTimes, Evidence, LastGood, Member, Past, PollEnd, Report,
    TargetReport, Tombstone,
};

/// All that a state file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// By name.
    accounts: BTreeMap<String, SavedAccount>,
}

impl Saved {
    /// What of these reports outlives the process.
    pub fn from_reports(reports: &[Arc<Report>]) -> Self {
        let accounts = reports.iter().map(|report| {
            let name = report.account.name.clone();
            (name, SavedAccount::from(&**report))
        });
        Self {
            accounts: accounts.collect(),
        }
    }

    /// What was known of a target, for a history to resume. Its times of day are as they were
    /// written; until when it may be shown is for the history to say, and counters begin at 0.
    pub fn target(&self, account: &str, region: &str, now: Moment) -> Option<TargetReport> {
        let saved = self.accounts.get(account)?.targets.get(region)?;
        Some(saved.report(region, now))
    }

    /// What was known, by account, for accounts to go on from: their targets and their evidence.
    pub fn reports(&self, now: Moment) -> BTreeMap<String, Report> {
        let reports = self.accounts.iter().map(|(name, account)| {
            let targets = account.targets.iter();
            let member = account.member.as_ref();
            let report = Report {
                account: Arc::new(AccountInfo {
                    name: name.clone(),
                    organization: member
                        .map(|member| member.organization.clone())
                        .unwrap_or_default(),
                    member: member.map(Member::from),
                    ..AccountInfo::default()
                }),
                owner: account.uin.clone(),
                targets: targets
                    .map(|(region, saved)| saved.report(region, now))
                    .collect(),
                evidence: self.evidence(name, now),
                ..Report::default()
            };
            (name.clone(), report)
        });
        reports.collect()
    }

    /// How long the listings of an account vouched for.
    pub fn evidence(&self, account: &str, now: Moment) -> Evidence {
        let account = self.accounts.get(account);
        account.map_or_else(Evidence::default, |account| account.evidence.restored(now))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedAccount {
    evidence: SavedEvidence,
    /// Of an account that an organisation brought, so that a restart need not wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<SavedMember>,
    /// The account id behind the keys, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    uin: Option<String>,
    /// By region.
    targets: BTreeMap<String, SavedTarget>,
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
    /// Why the last poll failed.
    failure: Option<SavedFailure>,
    last_good: Option<SavedGood>,
    unproven: Vec<SavedTrack>,
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
struct SavedFailure {
    reason: String,
    code: String,
    message: String,
    request_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedGood {
    at_unix_ns: UnixNanos,
    listing: SavedListing,
    /// Whether an incomplete listing has updated it since.
    is_updated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SavedTombstone {
    name: String,
    at_unix_ns: UnixNanos,
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
        let heard_of =
            targets.filter(|target| target.last_poll.is_some() || target.last_good.is_some());
        Self {
            evidence: report.evidence.into(),
            member: SavedMember::of(&report.account),
            uin: report.owner.clone(),
            targets: heard_of
                .map(|target| (target.region.clone(), target.into()))
                .collect(),
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
        // The steady clock of another process says nothing here: the time of day tells how long ago
        // it was. Where this machine cannot count as far back, it was too long ago to vouch for.
        let latest = self.latest.and_then(|latest| {
            let wall = latest.at_unix_ns.time();
            // A time in the future is not known, and vouches for nothing.
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
        // Taken apart in full, so that a new field is either kept or left out on purpose.
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
            failure: failure.as_ref().map(SavedFailure::from),
            last_good: last_good.as_ref().map(|good| SavedGood {
                at_unix_ns: good.at.into(),
                listing: (&*good.listing).into(),
                is_updated: !good.is_complete,
            }),
            unproven: unproven.values().map(SavedTrack::from).collect(),
            tombstones: tombstones
                .map(|(id, tombstone)| (*id, tombstone.into()))
                .collect(),
            changes: changes.map(|(id, times)| (*id, times.into())).collect(),
        }
    }
}

impl SavedTarget {
    fn report(&self, region: &str, now: Moment) -> TargetReport {
        let last_good = self.last_good.as_ref().map(|good| LastGood {
            listing: Arc::new((&good.listing).into()),
            at: good.at_unix_ns.time(),
            show_until: now,
            is_complete: !good.is_updated,
        });
        // Who is listed has not vanished, whatever else a file says: a track would be both.
        let listed: BTreeSet<u64> = last_good
            .iter()
            .flat_map(|good| good.listing.all())
            .map(|track| track.id)
            .collect();
        let tombstones = self.tombstones.iter();
        let tombstones = tombstones.filter(|(id, _)| !listed.contains(id));
        let tombstones = tombstones.map(|(id, saved)| {
            let tombstone = Tombstone {
                name: saved.name.clone(),
                at: saved.at_unix_ns.time(),
                show_until: now.steady,
            };
            (*id, tombstone)
        });
        let changes = self.changes.iter();
        let changes = changes.map(|(id, saved)| (*id, saved.restored()));
        TargetReport {
            region: region.to_owned(),
            last_poll: self.last_poll.map(|poll| PollEnd {
                at: poll.at_unix_ns.time(),
                took: Duration::from_nanos(poll.took_ns),
            }),
            failure: self.failure.as_ref().map(Failure::from),
            last_good,
            past: Arc::new(Past {
                tombstones: tombstones.collect(),
                changes: changes.collect(),
            }),
            unproven: tracks_by_id(&self.unproven),
            ..TargetReport::default()
        }
    }
}

impl From<&Failure> for SavedFailure {
    fn from(failure: &Failure) -> Self {
        let Failure {
            reason,
            code,
            message,
            request_id,
        } = failure.clone();
        Self {
            reason: reason.as_str().to_owned(),
            code: code.into_owned(),
            message,
            request_id,
        }
    }
}

impl From<&SavedFailure> for Failure {
    fn from(saved: &SavedFailure) -> Self {
        let saved = saved.clone();
        let known = Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == saved.reason);
        Self {
            // A reason of a later version: that the poll failed is still true.
            reason: known.unwrap_or(Reason::Unavailable),
            code: saved.code.into(),
            message: saved.message,
            request_id: saved.request_id,
        }
    }
}

impl From<&Tombstone> for SavedTombstone {
    fn from(tombstone: &Tombstone) -> Self {
        Self {
            name: tombstone.name.clone(),
            at_unix_ns: tombstone.at.into(),
        }
    }
}

impl From<&ChangeTimes> for SavedChanges {
    fn from(times: &ChangeTimes) -> Self {
        let at = Change::ALL.iter().zip(times.at);
        let seen = at.filter_map(|(change, at)| Some((change.as_str().to_owned(), at?.into())));
        Self {
            name: times.name.clone(),
            at_unix_ns: seen.collect(),
        }
    }
}

impl SavedChanges {
    fn restored(&self) -> ChangeTimes {
        let at = |change: Change| self.at_unix_ns.get(change.as_str());
        ChangeTimes {
            name: self.name.clone(),
            at: Change::ALL.map(|change| Some(at(change)?.time())),
        }
    }
}
