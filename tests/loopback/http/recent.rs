//! What the page shows only as long as its alert would fire.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    ApiCounters, AttributionReport, Outcome, Renewals, Report, Status, SweepReport, SweepState,
    TrackEvent,
};

use super::problems::{rows, section};
use super::reports::{listed, report_of};
use super::scenes::{self, own, page_of, required};

/// Sweeps that found nothing.
fn swept(at: SystemTime) -> SweepReport {
    SweepReport {
        last: Some(at),
        state: SweepState {
            since: at,
            until: at,
            listed: None,
            settled: None,
            remembered: Vec::new(),
            seen: Vec::new(),
        },
        operations: BTreeMap::new(),
        attempts: BTreeMap::new(),
        unseen_switch_offs: 0,
        unseen_tracks: BTreeMap::new(),
    }
}

/// The part of the page that names what was not found, if these sweeps are of the first accounts.
async fn checked(sweeps: Vec<AttributionReport>) -> String {
    let page = page_of("/", |now| {
        let (mut reports, info) = scenes::good(now);
        for (report, sweeps) in reports.iter_mut().zip(sweeps) {
            report.attribution = Some(Arc::new(sweeps));
        }
        (reports, info)
    })
    .await;
    section(&page, "checked").to_owned()
}

/// A sweep that ended this long ago, and the failure of the one after it.
fn sweep(age: Duration, failure: Option<Failure>) -> AttributionReport {
    AttributionReport {
        failure,
        sweeps: Some(swept(scenes::clock().1.wall - age)),
        ..AttributionReport::default()
    }
}

/// What only sweeps find is not called absent without them.
#[tokio::test]
async fn operations_that_are_not_read_are_not_reported_as_absent() {
    const HEADINGS: [&str; 3] = [
        "Tracks switched off and on between two polls",
        "Failed write operations on CloudAudit",
        "Accounts whose operation records cannot be read",
    ];
    let good = || sweep(Duration::ZERO, None);
    let denied = Failure::new(Reason::Unauthorized, "no DescribeEvents");
    let late = sweep(Duration::from_mins(361), None);
    for (sweeps, expected) in [
        (Vec::new(), [false; 3]),
        (vec![good()], [false; 3]),
        (vec![good(), good()], [true; 3]),
        (
            vec![good(), sweep(Duration::ZERO, Some(denied))],
            [false; 3],
        ),
        (vec![good(), late], [false; 3]),
    ] {
        let checked = checked(sweeps.clone()).await;
        let is_listed = HEADINGS.map(|heading| checked.contains(heading));
        assert_eq!(is_listed, expected, "{sweeps:?}");
        assert!(checked.contains("Tracks deleted"));
    }
}

/// The number of rows in a section of the page of one healthy account with this change.
async fn count(id: &str, change: impl FnOnce(Report) -> Report) -> usize {
    let page = page_of("/", |now| {
        let tracks = vec![own(1, "audit-all", Status::Enabled)];
        let report = report_of(required("prod"), vec![listed("ap-guangzhou", tracks, now)]);
        (vec![change(report)], scenes::exporter(now))
    })
    .await;
    rows(&page, id).len()
}

#[tokio::test]
async fn a_throttled_request_is_shown_for_a_quarter_of_an_hour() {
    let now = scenes::clock().1.wall;
    for (minutes, expected) in [(14, 1), (16, 0)] {
        let api = ApiCounters {
            last_throttled: Some(now - Duration::from_mins(minutes)),
            ..ApiCounters::default()
        };
        let found = count("throttled", |report| Report { api, ..report }).await;
        assert_eq!(found, expected, "{minutes} min");
    }
}

#[tokio::test]
async fn a_failed_attempt_is_shown_for_an_hour_and_a_sweep_after_six() {
    let now = scenes::clock().1.wall;
    let kind = (TrackEvent::StopLogging, Outcome::Failed);
    for (minutes, attempts, searches) in [(59, 1, 0), (61, 0, 0), (359, 0, 0), (361, 0, 1)] {
        let at = now - Duration::from_mins(minutes);
        let attribution = Arc::new(AttributionReport {
            sweeps: Some(SweepReport {
                operations: BTreeMap::from([(kind, 1)]),
                attempts: BTreeMap::from([(kind, at)]),
                ..swept(at)
            }),
            ..AttributionReport::default()
        });
        for (id, expected) in [("attempts", attempts), ("searches", searches)] {
            let attribution = Some(Arc::clone(&attribution));
            let found = count(id, |report| Report {
                attribution,
                ..report
            });
            assert_eq!(found.await, expected, "{id} after {minutes} min");
        }
    }
}

#[tokio::test]
async fn a_short_key_is_late_only_in_its_last_quarter() {
    let now = scenes::clock().1.wall;
    // The lifetime of the key, and how much of it is left, in seconds.
    for (lifetime, left, expected) in [(7200, 170, 1), (7200, 190, 0), (400, 110, 0), (400, 90, 1)]
    {
        let expires = now + Duration::from_secs(left);
        let found = count("credentials", |report| Report {
            credentials_changed: Some(expires - Duration::from_secs(lifetime)),
            renewals: Some(Renewals {
                expires: Some(expires),
                ..Renewals::default()
            }),
            ..report
        });
        assert_eq!(found.await, expected, "{left} of {lifetime} s");
    }
}

#[tokio::test]
async fn a_total_that_is_not_the_number_of_tracks_is_shown() {
    for (total, expected) in [(0, 1), (1, 0), (2, 1)] {
        let found = count("counted", |mut report| {
            let good = report.targets[0].last_good.as_mut().unwrap();
            Arc::make_mut(&mut good.listing).reported = total;
            report
        });
        assert_eq!(found.await, expected, "{total}");
    }
}
