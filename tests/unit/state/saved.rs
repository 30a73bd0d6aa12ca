//! What outlives a process: exactly what was known, and nothing younger than it was.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{Retention, TargetHistory, accrue};
use cloudaudit_exporter::snapshot::{
    AccountInfo, ChangeKind, CheckCursor, DeliveryReport, DeliveryState, Evidence, LatestListing,
    Report, StorageTarget, TargetReport,
};
use cloudaudit_exporter::state::Saved;
use tokio::time::Instant;

use crate::support::tracks::{listing, track};

pub(super) const INTERVAL: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const RETENTION: Retention = Retention {
    stale_after: HOUR,
    tombstone_for: Duration::from_hours(7 * 24),
    max_tracks: 100,
};
pub(super) const REGION: &str = "ap-guangzhou";

pub(super) fn now() -> Moment {
    Moment {
        wall: UNIX_EPOCH + Duration::new(1_795_428_000, 123_456_789),
        steady: Instant::now(),
    }
}

fn later(now: Moment, by: Duration) -> Moment {
    Moment {
        wall: now.wall + by,
        steady: now.steady + by,
    }
}

/// A report of one account with one target.
pub(super) fn report(target: TargetReport) -> Arc<Report> {
    let account = AccountInfo {
        name: "prod".to_owned(),
        ..AccountInfo::default()
    };
    Arc::new(Report {
        account: Arc::new(account),
        targets: vec![target],
        ..Report::default()
    })
}

/// What the next process finds of these reports.
pub(super) fn through_a_file(reports: &[Arc<Report>]) -> Saved {
    let written = serde_json::to_string(&Saved::from_reports(reports)).unwrap();
    let read: Saved = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    read
}

/// What the next process knows of an account.
fn known(saved: &Saved, account: &str, now: Moment) -> Option<Report> {
    saved.clone().into_reports(now).remove(account)
}

pub(super) fn target_of(
    saved: &Saved,
    account: &str,
    region: &str,
    now: Moment,
) -> Option<TargetReport> {
    let mut targets = known(saved, account, now)?.targets.into_iter();
    targets.find(|target| target.region == region)
}

pub(super) fn evidence_of(saved: &Saved, account: &str, now: Moment) -> Evidence {
    known(saved, account, now).unwrap_or_default().evidence
}

/// The history of the same target in the next process.
fn restarted(history: &TargetHistory, now: Moment) -> TargetHistory {
    let saved = through_a_file(&[report(history.report().clone())]);
    let known = target_of(&saved, "prod", REGION, now).unwrap();
    TargetHistory::resume(known, INTERVAL, RETENTION, now)
}

fn history() -> TargetHistory {
    TargetHistory::new(REGION.to_owned(), INTERVAL, RETENTION)
}

#[test]
fn storage_targets_are_known_after_a_restart() {
    let start = now();
    let at = |seconds| start.wall - Duration::from_secs(seconds);
    let known = DeliveryReport {
        state: DeliveryState::Stalled,
        explanation: "why".to_owned(),
        last_arrival: Some(at(300)),
        due: Some(at(200)),
        last_check: Some(at(100)),
        overdue_checks: 2,
        missing_since: Some(later(start, Duration::ZERO)),
        cursor: Some(CheckCursor::Bucket {
            leaf: "trail/2026/11/28/".to_owned(),
            marker: "trail/2026/11/28/0930.gz".to_owned(),
            newest_unix_seconds: 1_795_427_700,
        }),
        ..DeliveryReport::new(StorageTarget {
            kind: "cos".to_owned(),
            region: REGION.to_owned(),
            name: "audit-log".to_owned(),
            prefix: "trail".to_owned(),
        })
    };
    let mut before = Report::clone(&report(TargetReport::default()));
    before.deliveries = Some(vec![Arc::new(known.clone())]);
    let saved = through_a_file(&[Arc::new(before)]);
    let restored = known_of(&saved, start);
    assert_eq!(restored, [Arc::new(known)]);
    let without = through_a_file(&[report(TargetReport::default())]);
    assert_eq!(known_of(&without, start), []);
}

fn known_of(saved: &Saved, now: Moment) -> Vec<Arc<DeliveryReport>> {
    known(saved, "prod", now).unwrap().deliveries.unwrap()
}

#[test]
fn a_track_deleted_while_the_exporter_was_down_is_vanished_however_long_that_was() {
    let start = now();
    let mut history = history();
    history.listed(listing([track(1, "a"), track(2, "b")]), start, INTERVAL);

    let much_later = later(start, 48 * HOUR);
    let mut restored = restarted(&history, much_later);
    let good = restored.report().last_good.clone().unwrap();
    assert_eq!(good.at, start.wall, "true to the nanosecond");
    assert!(
        good.show_until.is_reached(much_later),
        "too old to be shown"
    );

    let changes = restored.listed(listing([track(1, "a")]), much_later, INTERVAL);
    let kinds: Vec<_> = changes.iter().map(|it| (it.id, it.change)).collect();
    assert_eq!(kinds, [(2, ChangeKind::Vanished)]);
    assert_eq!(restored.report().past.tombstones[&2].at, much_later.wall);
}

#[test]
fn what_is_restored_creates_nothing_and_counts_nothing() {
    let start = now();
    let mut history = history();
    history.listed(listing([track(1, "a")]), start, INTERVAL);
    history.listed(listing([track(1, "a"), track(2, "b")]), start, INTERVAL);
    let mut restored = restarted(&history, later(start, INTERVAL));
    assert_eq!(restored.report().counters, <_>::default());
    let same = restored.listed(listing([track(1, "a"), track(2, "b")]), start, INTERVAL);
    assert_eq!(same, []);
    assert_eq!(restored.report().past, history.report().past);
}

#[test]
fn a_listing_is_shown_as_long_as_it_would_have_been() {
    let start = now();
    let mut history = history();
    history.listed(listing([track(1, "a")]), start, INTERVAL);
    let after = later(start, 20 * INTERVAL);
    let restored = restarted(&history, after);
    let good = restored.report().last_good.as_ref().unwrap();
    assert_eq!(good.show_until.steady, start.steady + HOUR);
    assert_eq!(good.show_until.wall, start.wall + HOUR);
    assert!(restored.report().is_up(), "as its last poll was");
}

#[test]
fn a_target_that_was_failing_is_failing() {
    let start = now();
    let mut history = history();
    let failure = Failure {
        request_id: Some("e7e8c8f4".to_owned()),
        ..Failure::with_code(Reason::Unauthorized, "UnauthorizedOperation", "not you")
    };
    history.failed(failure.clone(), start, INTERVAL);
    let restored = restarted(&history, later(start, INTERVAL));
    assert!(!restored.report().is_up());
    assert_eq!(restored.report().failure, Some(failure));
    assert_eq!(restored.report().last_poll, history.report().last_poll);
}

#[test]
fn times_in_the_future_are_restored_and_prove_nothing() {
    let start = now();
    let mut first = history();
    first.listed(listing([track(1, "a"), track(2, "b")]), start, INTERVAL);
    first.listed(listing([track(1, "c")]), start, INTERVAL);
    let mut reports = vec![Report::clone(&report(first.report().clone()))];
    reports[0].evidence.latest = Some(LatestListing {
        at: start,
        was_covered: true,
    });
    let set_back = Moment {
        wall: start.wall - HOUR,
        steady: start.steady,
    };

    let saved = through_a_file(&reports.into_iter().map(Arc::new).collect::<Vec<_>>());
    let known = target_of(&saved, "prod", REGION, set_back).unwrap();
    // A history that resumes decides what such a time means.
    assert_eq!(known.last_poll.unwrap().at, start.wall);
    assert_eq!(known.last_good.unwrap().at, start.wall);
    assert_eq!(known.past.tombstones[&2].at, start.wall);
    let modified = known.past.changes[&1].at[ChangeKind::Modified];
    assert_eq!(modified, Some(start.wall));
    let evidence = evidence_of(&saved, "prod", set_back);
    assert_eq!(evidence.latest, None);
}

#[test]
fn evidence_goes_on_where_it_was() {
    let start = now();
    let evidence = Evidence {
        observed: Duration::new(10_000, 7),
        covered: Duration::new(9_000, 1),
        latest: Some(LatestListing {
            at: start,
            was_covered: true,
        }),
    };
    let mut reports = Report::clone(&report(TargetReport::default()));
    reports.evidence = evidence;
    let saved = through_a_file(&[Arc::new(reports)]);

    let soon = later(start, 2 * INTERVAL);
    let restored = evidence_of(&saved, "prod", soon);
    assert_eq!(restored, evidence);
    let grown = accrue(restored, soon, INTERVAL, true);
    assert_eq!(grown.observed, evidence.observed + 2 * INTERVAL);
    assert_eq!(grown.covered, evidence.covered + 2 * INTERVAL);

    // No poll observed what happened in a longer gap.
    let late = later(start, 4 * INTERVAL);
    let grown = accrue(evidence_of(&saved, "prod", late), late, INTERVAL, true);
    assert_eq!(grown.observed, evidence.observed);
    assert_eq!(evidence_of(&saved, "sandbox", soon), Evidence::default());
}

#[test]
fn only_the_requested_targets_are_restored() {
    let mut polled = history();
    polled.listed(listing([]), now(), INTERVAL);
    let unknown = TargetReport {
        region: "ap-singapore".to_owned(),
        ..TargetReport::default()
    };
    let mut reports = Report::clone(&report(polled.report().clone()));
    reports.targets.push(unknown);
    let saved = through_a_file(&[Arc::new(reports)]);
    assert!(target_of(&saved, "prod", REGION, now()).is_some());
    assert!(target_of(&saved, "prod", "ap-singapore", now()).is_none());
    assert!(target_of(&saved, "sandbox", REGION, now()).is_none());
}
