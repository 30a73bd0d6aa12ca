//! States of the exporter for the page, from nothing at all to everything that can be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, AttributionReport, DeliveryReport, DeliveryState, ExpectedTrack,
    ExporterInfo, OrganizationInfo, Outcome, Past, RefusedReload, Renewals, Report, Status,
    StorageTarget, SweepReport, SweepState, TargetReport, Tombstone, Track, TrackEvent,
};

use enum_map::EnumMap;

use super::reports::{failed, listed, report_of, target, track};
use super::support::{Reply, Server, Shown};

/// 2026-11-23 10:00:05 UTC.
pub(super) const NOW: u64 = 1_795_428_005;

/// The UIN of every account here, unless a scene says otherwise.
pub(super) const UIN: &str = "100000000001";

pub(super) fn clock() -> (Clock, Moment) {
    let clock = Clock::virtual_at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    let now = clock.now();
    (clock, now)
}

/// What the page of these accounts and of this exporter shows.
pub(super) async fn page_of(
    path: &str,
    scene: impl FnOnce(Moment) -> (Vec<Report>, ExporterInfo),
) -> Reply {
    let (clock, now) = clock();
    let (reports, info) = scene(now);
    let shown = Shown {
        reports: reports.into_iter().map(Arc::new).collect(),
        info,
        clock,
        ..Shown::default()
    };
    Server::start(shown).await.get(path).await
}

/// An account that must be covered.
pub(super) fn required(name: &str) -> AccountInfo {
    AccountInfo {
        name: name.to_owned(),
        uin: UIN.to_owned(),
        site: "china",
        provider: "static",
        track_required: true,
        ..AccountInfo::default()
    }
}

/// A track that records everything into a bucket of its own account.
pub(super) fn own(id: u64, name: &str, status: Status) -> Track {
    let mut track = track(id, name, status);
    UIN.clone_into(&mut track.storage.account);
    track
}

/// The facts of an exporter that has nothing to complain of.
pub(super) fn exporter(now: Moment) -> ExporterInfo {
    ExporterInfo {
        version: "1.2.3",
        revision: "abcdef0",
        started: Some(now.wall - Duration::from_hours(5)),
        config_hash: Some(42_424_242),
        config_loaded: Some(now.wall - Duration::from_hours(2)),
        state_written: Some(true),
        ..ExporterInfo::default()
    }
}

/// Two accounts about which everything is known, and good.
pub(super) fn good(now: Moment) -> (Vec<Report>, ExporterInfo) {
    let tracks = || vec![own(1, "audit-all", Status::Enabled)];
    let regions = ["ap-guangzhou", "ap-singapore"];
    let prod = regions.map(|region| listed(region, tracks(), now)).to_vec();
    let reports = vec![
        report_of(required("prod"), prod),
        report_of(required("dev"), vec![listed("ap-beijing", tracks(), now)]),
    ];
    (reports, exporter(now))
}

/// No account at all.
pub(super) fn nothing(now: Moment) -> (Vec<Report>, ExporterInfo) {
    (Vec::new(), exporter(now))
}

/// Accounts before their first poll.
pub(super) fn waiting(now: Moment) -> (Vec<Report>, ExporterInfo) {
    let reports = ["prod", "dev", "labs"].map(|name| {
        let targets = vec![target("ap-guangzhou"), target("ap-singapore")];
        report_of(required(name), targets)
    });
    (reports.into(), exporter(now))
}

/// Accounts that all fail, and were listed long ago or never.
pub(super) fn all_down(now: Moment) -> (Vec<Report>, ExporterInfo) {
    let reports = (0..30).map(|number| {
        let before = if number % 2 == 0 {
            old(listed(
                "ap-guangzhou",
                vec![own(1, "audit-all", Status::Enabled)],
                now,
            ))
        } else {
            target("ap-guangzhou")
        };
        let targets = vec![failed(before, unavailable(), now)];
        report_of(required(&format!("account-{number:02}")), targets)
    });
    (reports.collect(), exporter(now))
}

/// One account with thousands of tracks, one in a hundred of them off.
pub(super) fn many_tracks(now: Moment) -> (Vec<Report>, ExporterInfo) {
    let tracks = (1..=3000).map(|id| {
        let status = if id % 100 == 0 {
            Status::Disabled
        } else {
            Status::Enabled
        };
        own(id, &format!("track-{id:04}"), status)
    });
    let targets = vec![listed("ap-guangzhou", tracks.collect(), now)];
    (vec![report_of(required("large"), targets)], exporter(now))
}

/// Everything that can be wrong, at once.
pub(super) fn everything_wrong(now: Moment) -> (Vec<Report>, ExporterInfo) {
    let reports = vec![
        report_of(expecting(), vec![broken_tracks(now)]),
        Report {
            api: ApiCounters {
                failures: EnumMap::from_fn(|reason| u64::from(reason == Reason::Throttled) * 7),
                last_throttled: Some(now.wall - Duration::from_mins(3)),
                ..ApiCounters::default()
            },
            attribution: Some(Arc::new(searches(now))),
            ..report_of(required("without"), vec![listed("ap-tokyo", off(), now)])
        },
        Report {
            deliveries: Some(vec![
                Arc::new(delivery(DeliveryState::Arriving, "fine", now)),
                Arc::new(delivery(DeliveryState::Stalled, "stalled", now)),
                Arc::new(delivery(DeliveryState::Unproven, "new", now)),
            ]),
            ..report_of(required("partial"), vec![listed("ap-tokyo", reads(), now)])
        },
        disagreeing(now),
        dropping(now),
        Report {
            renewals: Some(Renewals {
                expires: Some(now.wall + Duration::from_mins(1)),
                refreshes: 3,
                failures: 2,
                failure: Some(Failure::with_code(
                    Reason::Unavailable,
                    "http_502",
                    "no role",
                )),
            }),
            ..report_of(required("denied"), vec![denied_target(now)])
        },
        report_of(
            required("stale"),
            vec![old(listed("ap-guangzhou", reads(), now))],
        ),
        report_of(required("waiting"), vec![target("ap-guangzhou")]),
    ];
    let info = ExporterInfo {
        shard: Some("shard 3 of 8".to_owned()),
        refused_reload: Some(RefusedReload {
            at: now.wall - Duration::from_mins(20),
            why: "accounts.prod.interval: 5s is shorter than poll.timeout (10s)".to_owned(),
        }),
        organizations: vec![
            OrganizationInfo {
                name: "group".to_owned(),
                failure: Some(Failure {
                    request_id: Some("b1b2".to_owned()),
                    ..Failure::with_code(Reason::Rejected, "FailedOperation", "no organization")
                }),
                members: Some(12),
                last_success: Some(now.wall - Duration::from_hours(9)),
                refresh: Duration::from_hours(1),
            },
            OrganizationInfo {
                name: "unlisted".to_owned(),
                refresh: Duration::from_hours(1),
                ..OrganizationInfo::default()
            },
        ],
        restarts: vec![("prod".to_owned(), 2)],
        state_written: Some(false),
        clock_skew: Some(-200.0),
        certificate_expires: Some(now.wall + Duration::from_hours(48)),
        log_lines_dropped: 17,
        ..exporter(now)
    };
    (reports, info)
}

/// Searches that fail, and a denied attempt that one found before.
fn searches(now: Moment) -> AttributionReport {
    let denied = (TrackEvent::DeleteAuditTrack, Outcome::Denied);
    let last = now.wall - Duration::from_mins(20);
    AttributionReport {
        failure: Some(Failure::new(Reason::Unauthorized, "no DescribeEvents")),
        sweeps: Some(SweepReport {
            last: Some(last),
            state: SweepState {
                since: last,
                until: last,
                listed: None,
                settled: None,
                remembered: Vec::new(),
                seen: Vec::new(),
            },
            operations: BTreeMap::from([(denied, 4)]),
            attempts: BTreeMap::from([(denied, last)]),
            unseen_switch_offs: 0,
            unseen_tracks: BTreeMap::new(),
        }),
        ..AttributionReport::default()
    }
}

fn expecting() -> AccountInfo {
    let expected = |name: &str| ExpectedTrack {
        name: name.to_owned(),
        storage_name: Some("audit-archive".to_owned()),
        ..ExpectedTrack::default()
    };
    AccountInfo {
        expected_tracks: vec![expected("audit-all"), expected("audit-gone")],
        trusted_storage_accounts: Arc::new(BTreeSet::new()),
        ..required("prod")
    }
}

fn broken_tracks(now: Moment) -> TargetReport {
    let mut foreign = own(3, "to-a-stranger", Status::Enabled);
    "100000000099".clone_into(&mut foreign.storage.account);
    let mut odd = own(4, "odd", Status::Unknown);
    "tape".clone_into(&mut odd.storage.kind);
    let tracks = vec![
        own(1, "audit-all", Status::Enabled),
        own(2, "audit-write", Status::Disabled),
        foreign,
        odd,
    ];
    let tombstone = |name: &str| Tombstone {
        name: name.to_owned(),
        at: now.wall - Duration::from_hours(3),
        show_until: now.steady + Duration::from_mins(5),
        acknowledged: None,
    };
    TargetReport {
        past: Arc::new(Past {
            tombstones: BTreeMap::from([(7, tombstone("audit-gone")), (8, tombstone("audit-all"))]),
            ..Past::default()
        }),
        ..listed("ap-guangzhou", tracks, now)
    }
}

fn off() -> Vec<Track> {
    vec![own(1, "audit-all", Status::Disabled)]
}

fn reads() -> Vec<Track> {
    let mut track = own(1, "audit-reads", Status::Enabled);
    "Read".clone_into(&mut track.action_type);
    vec![track]
}

fn disagreeing(now: Moment) -> Report {
    let all = vec![own(1, "audit-all", Status::Enabled)];
    let targets = vec![
        listed("ap-guangzhou", all.clone(), now),
        listed("ap-singapore", [all, reads_as(2)].concat(), now),
    ];
    report_of(required("disagreeing"), targets)
}

fn reads_as(id: u64) -> Vec<Track> {
    reads().into_iter().map(|it| Track { id, ..it }).collect()
}

fn dropping(now: Moment) -> Report {
    let tracks = vec![own(1, "audit-all", Status::Enabled)];
    let mut target = listed("ap-guangzhou", tracks, now);
    let good = target.last_good.as_mut().unwrap();
    let listing = Arc::make_mut(&mut good.listing);
    listing.dropped = off()
        .iter()
        .map(|it| Track {
            id: 9,
            ..it.clone()
        })
        .map(|it| (&it).into())
        .collect();
    listing.reported = 2;
    report_of(required("dropping"), vec![target])
}

fn denied_target(now: Moment) -> TargetReport {
    let failure = Failure {
        request_id: Some("e66c5701-4a61-5606-1ae6-69809ec5d735".to_owned()),
        ..Failure::with_code(
            Reason::Unauthorized,
            "UnauthorizedOperation",
            r"you are not authorized to perform operation (cloudaudit:DescribeAuditTracks)\nresource (*) has no permission",
        )
    };
    failed(target("ap-guangzhou"), failure, now)
}

pub(super) fn unavailable() -> Failure {
    Failure::with_code(
        Reason::Unavailable,
        "timeout",
        "no complete response within 10s",
    )
}

/// The target, with a listing that is ten minutes old and still shown.
pub(super) fn old(target: TargetReport) -> TargetReport {
    let mut target = target;
    if let Some(good) = &mut target.last_good {
        good.at -= Duration::from_mins(10);
    }
    target
}

/// What a recent check found out about a bucket.
pub(super) fn delivery(state: DeliveryState, bucket: &str, now: Moment) -> DeliveryReport {
    let target = StorageTarget {
        kind: "cos".to_owned(),
        region: "ap-guangzhou".to_owned(),
        name: bucket.to_owned(),
        prefix: String::new(),
    };
    DeliveryReport {
        state,
        explanation: String::new(),
        last_arrival: Some(now.wall - Duration::from_mins(50)),
        due: (state == DeliveryState::Stalled).then(|| now.wall - Duration::from_mins(40)),
        last_check: Some(now.wall - Duration::from_mins(2)),
        valid_until: Some(now + Duration::from_mins(15)),
        ..DeliveryReport::new(target)
    }
}
