//! What outlives a process: exactly what was known, and nothing younger than it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{Retention, TargetHistory, accrue};
use cloudaudit_exporter::snapshot::{
    AccountInfo, Change, ChangeTimes, CheckCursor, DeliveryReport, DeliveryState, DroppedTrack,
    Evidence, LastGood, Listing, Past, PollEnd, Report, Status, StorageTarget, StorageType,
    TargetReport, Tombstone, Track,
};
use cloudaudit_exporter::state::{Saved, StateFile, encode};
use enum_map::EnumMap;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::tracks::{listing, track};

const INTERVAL: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const RETENTION: Retention = Retention {
    stale_after: HOUR,
    tombstone_for: Duration::from_hours(7 * 24),
    max_tracks: 100,
};
const REGION: &str = "ap-guangzhou";

fn now() -> Moment {
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
fn report(target: TargetReport) -> Arc<Report> {
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
fn through_a_file(reports: &[Arc<Report>]) -> Saved {
    let saved = Saved::from_reports(reports);
    let read: Saved = serde_json::from_slice(&serde_json::to_vec(&saved).unwrap()).unwrap();
    assert_eq!(read, saved);
    read
}

/// What the next process knows of an account.
fn known(saved: &Saved, account: &str, now: Moment) -> Option<Report> {
    saved.clone().into_reports(now).remove(account)
}

fn target_of(saved: &Saved, account: &str, region: &str, now: Moment) -> Option<TargetReport> {
    let mut targets = known(saved, account, now)?.targets.into_iter();
    targets.find(|target| target.region == region)
}

fn evidence_of(saved: &Saved, account: &str, now: Moment) -> Evidence {
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
    assert_eq!(kinds, [(2, Change::Vanished)]);
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
fn what_lies_in_the_future_stays_so_and_vouches_for_nothing() {
    let start = now();
    let mut first = history();
    first.listed(listing([track(1, "a"), track(2, "b")]), start, INTERVAL);
    first.listed(listing([track(1, "c")]), start, INTERVAL);
    let mut reports = vec![Report::clone(&report(first.report().clone()))];
    reports[0].evidence.latest = Some((start, true));
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
    let modified = known.past.changes[&1].at[Change::Modified];
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
        latest: Some((start, true)),
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

    // Nobody was there to see what happened in a longer gap.
    let late = later(start, 4 * INTERVAL);
    let grown = accrue(evidence_of(&saved, "prod", late), late, INTERVAL, true);
    assert_eq!(grown.observed, evidence.observed);
    assert_eq!(evidence_of(&saved, "sandbox", soon), Evidence::default());
}

#[test]
fn only_what_is_asked_for_comes_back() {
    let mut polled = history();
    polled.listed(listing([]), now(), INTERVAL);
    let unheard_of = TargetReport {
        region: "ap-singapore".to_owned(),
        ..TargetReport::default()
    };
    let mut reports = Report::clone(&report(polled.report().clone()));
    reports.targets.push(unheard_of);
    let saved = through_a_file(&[Arc::new(reports)]);
    assert!(target_of(&saved, "prod", REGION, now()).is_some());
    assert!(target_of(&saved, "prod", "ap-singapore", now()).is_none());
    assert!(target_of(&saved, "sandbox", REGION, now()).is_none());
}

/// Written by hand: a file of a later exporter that still calls itself version 1, with gaps.
#[test]
fn fields_may_come_and_go() {
    let payload = serde_json::json!({
        "motto": "be nice",
        "accounts": {"prod": {
            "score": 9.5,
            "targets": {REGION: {
                "failure": {"reason": "cosmic_rays"},
                "last_good": {"at_unix_ns": 1_000_000_000_000_000_001_u64, "listing": {
                    "reported": 3,
                    "tracks": [
                        {"id": 7, "status": "paused", "colour": "blue"},
                        {"id": 3, "name": "audit-all", "status": "enabled"},
                        {"id": 7, "name": "twice"},
                    ],
                    "dropped": [
                        {"id": 9, "status": "enabled", "storage_type": "tape"},
                        {"id": 3, "status": "enabled"},
                    ],
                }},
                "changes": {"3": {"name": "audit-all", "at_unix_ns": {"enabled": 5, "painted": 6}}},
            }},
        }},
    });
    let saved: Saved = serde_json::from_value(payload).unwrap();
    let known = target_of(&saved, "prod", REGION, now()).unwrap();
    assert_eq!(known.last_poll, None);
    assert_eq!(known.failure.unwrap().reason, Reason::Unavailable);
    let good = known.last_good.unwrap();
    assert_eq!(good.at, UNIX_EPOCH + Duration::new(1_000_000_000, 1));
    let tracks = good.listing.tracks.iter();
    let tracks: Vec<_> = tracks.map(|it| (it.id, &*it.name, it.status)).collect();
    assert_eq!(
        tracks,
        [
            (3, "audit-all", Status::Enabled),
            (7, "twice", Status::Unknown)
        ]
    );
    let dropped = DroppedTrack {
        id: 9,
        status: Status::Enabled,
        storage_type: StorageType::Other,
    };
    assert_eq!(good.listing.dropped, [dropped]);
    let five = UNIX_EPOCH + Duration::from_nanos(5);
    assert_eq!(
        known.past.changes[&3].at.into_array(),
        [None, None, Some(five), None, None]
    );
}

/// The names in the file, once and for all: changing one makes every file of today unreadable.
#[test]
fn the_format_of_version_1_stays() {
    let at = UNIX_EPOCH + Duration::new(1_795_428_000, 123_456_789);
    let steady = Instant::now();
    let target = TargetReport {
        last_poll: Some(PollEnd {
            at,
            took: Duration::from_millis(120),
        }),
        failure: Some(Failure::with_code(
            Reason::Throttled,
            "RequestLimitExceeded",
            "slower",
        )),
        last_good: Some(LastGood {
            listing: Arc::new(Listing {
                dropped: vec![DroppedTrack::from(&track(9, "dropped"))],
                ..listing([track(1, "audit-all")])
            }),
            at,
            show_until: Moment { wall: at, steady },
            is_complete: false,
        }),
        past: Arc::new(Past {
            tombstones: [(
                4,
                Tombstone {
                    name: "gone".to_owned(),
                    at,
                    show_until: steady,
                    acknowledged: Some(at),
                },
            )]
            .into(),
            changes: [(
                4,
                ChangeTimes {
                    name: "gone".to_owned(),
                    at: EnumMap::from_array([None, Some(at), None, None, None]),
                    operators: EnumMap::default(),
                },
            )]
            .into(),
        }),
        unproven: [(5, track(5, "perhaps"))].into(),
        region: REGION.to_owned(),
        ..TargetReport::default()
    };
    let mut report = Report::clone(&report(target));
    report.evidence = Evidence {
        observed: Duration::from_secs(2),
        covered: Duration::from_secs(1),
        latest: Some((Moment { wall: at, steady }, true)),
    };
    let at = 1_795_428_000_123_456_789_u64;
    let track = |id: u64, name: &str| {
        serde_json::json!({
            "id": id, "name": name, "action_type": "*", "resource_type": "*", "event_names": ["*"],
            "status": "enabled", "storage_type": "cos", "storage_region": "ap-guangzhou",
            "storage_name": "audit-log", "storage_prefix": "trail", "storage_account": "100000000009",
            "created_unix_seconds": 1_610_606_618,
        })
    };
    let expected = serde_json::json!({"accounts": {"prod": {
        "evidence": {
            "observed_ns": 2_000_000_000, "covered_ns": 1_000_000_000,
            "latest": {"at_unix_ns": at, "was_covered": true},
        },
        "targets": {REGION: {
            "last_poll": {"at_unix_ns": at, "took_ns": 120_000_000},
            "failure": {
                "reason": "throttled", "code": "RequestLimitExceeded", "message": "slower",
                "request_id": null,
            },
            "last_good": {"at_unix_ns": at, "is_updated": true, "listing": {
                "reported": 1, "tracks": [track(1, "audit-all")],
                "dropped": [{"id": 9, "status": "enabled", "storage_type": "cos"}],
            }},
            "unproven": [track(5, "perhaps")],
            "tombstones": {"4": {"name": "gone", "at_unix_ns": at, "acknowledged_unix_ns": at}},
            "changes": {"4": {"name": "gone", "at_unix_ns": {"vanished": at}}},
        }},
    }}});
    let saved = Saved::from_reports(&[Arc::new(report)]);
    assert_eq!(serde_json::to_value(saved).unwrap(), expected);
}

fn any_time() -> impl Strategy<Value = SystemTime> {
    let start = UNIX_EPOCH + Duration::from_hours(400_000);
    (0..HOUR.as_nanos() * 90_000)
        .prop_map(move |nanos| start + Duration::from_nanos(u64::try_from(nanos).unwrap()))
}

fn any_track() -> impl Strategy<Value = Track> {
    let status = prop::sample::select(Status::ALL);
    let texts = prop::array::uniform8(any::<String>());
    let events = prop::collection::vec(any::<String>(), 0..3);
    (any::<u64>(), status, texts, events, any::<Option<i64>>()).prop_map(
        |(id, status, texts, event_names, created)| {
            let [
                name,
                action_type,
                resource_type,
                kind,
                region,
                storage_name,
                prefix,
                account,
            ] = texts;
            let mut track = Track {
                name,
                action_type,
                resource_type,
                event_names,
                status,
                created,
                ..track(id, "")
            };
            track.storage.kind = kind;
            track.storage.region = region;
            track.storage.name = storage_name;
            track.storage.prefix = prefix;
            track.storage.account = account;
            track
        },
    )
}

fn any_tracks() -> impl Strategy<Value = BTreeMap<u64, Track>> {
    let tracks = prop::collection::vec(any_track(), 0..4);
    tracks.prop_map(|tracks| tracks.into_iter().map(|track| (track.id, track)).collect())
}

prop_compose! {
    fn any_listing()(
        kept in any_tracks(), mut beyond in any_tracks(), reported: u64,
    ) -> Arc<Listing> {
        beyond.retain(|id, _| !kept.contains_key(id));
        Arc::new(Listing {
            dropped: beyond.values().map(DroppedTrack::from).collect(),
            tracks: kept.into_values().collect(),
            reported,
        })
    }
}

prop_compose! {
    fn any_failure()(
        reason in prop::sample::select(Reason::ALL), code: String, message: String,
        request_id: Option<String>,
    ) -> Failure {
        Failure { request_id, ..Failure::with_code(reason, code, message) }
    }
}

prop_compose! {
    fn any_past(steady: Instant)(
        tombstones in prop::collection::btree_map(any::<u64>(), (any::<String>(), any_time(), prop::option::of(any_time())), 0..3),
        changes in prop::collection::btree_map(
            any::<u64>(), (any::<String>(), prop::array::uniform5(prop::option::of(any_time()))), 0..3,
        ),
    ) -> Arc<Past> {
        let tombstones = tombstones.into_iter();
        let changes = changes.into_iter();
        Arc::new(Past {
            tombstones: tombstones
                .map(|(id, (name, at, acknowledged))| (id, Tombstone { name, at, show_until: steady, acknowledged }))
                .collect(),
            changes: changes.map(|(id, (name, at))| (id, ChangeTimes { name, at: EnumMap::from_array(at), operators: EnumMap::default() })).collect(),
        })
    }
}

prop_compose! {
    /// Any report of a target that was polled, or whose last listing is known.
    fn any_target(steady: Instant)(
        region: String,
        poll in prop::option::of((any_time(), any::<u64>())),
        good in (any_listing(), any_time()),
        is_good: bool,
        is_complete: bool,
        failure in prop::option::of(any_failure()),
        past in any_past(steady),
        unproven in any_tracks(),
    ) -> TargetReport {
        let (listing, at) = good;
        TargetReport {
            region,
            last_poll: poll.map(|(at, took)| PollEnd { at, took: Duration::from_nanos(took) }),
            failure,
            last_good: (is_good || poll.is_none())
                .then_some(LastGood { listing, at, show_until: Moment { wall: at, steady }, is_complete }),
            past,
            unproven,
            ..TargetReport::default()
        }
    }
}

/// JSON of the shape of a payload, or nearly so: known names, and values at the ends of what there
/// is.
fn nearly_a_payload() -> impl Strategy<Value = serde_json::Value> {
    let names = prop::sample::select(
        &[
            "accounts",
            "prod",
            "targets",
            REGION,
            "evidence",
            "observed_ns",
            "covered_ns",
            "latest",
            "was_covered",
            "last_poll",
            "took_ns",
            "at_unix_ns",
            "failure",
            "reason",
            "last_good",
            "listing",
            "tracks",
            "dropped",
            "reported",
            "unproven",
            "tombstones",
            "changes",
            "id",
            "1",
            "18446744073709551615",
            "status",
            "storage_type",
            "vanished",
            "created_unix_seconds",
        ][..],
    );
    let leaf = prop::sample::select(vec![
        serde_json::json!(null),
        serde_json::json!(true),
        serde_json::json!(0),
        serde_json::json!(-1),
        serde_json::json!(u64::MAX),
        serde_json::json!(i64::MIN),
        serde_json::json!(1e300),
        serde_json::json!("enabled"),
        serde_json::json!({}),
        serde_json::json!([]),
    ]);
    leaf.prop_recursive(8, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| {
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

/// Replaces some values of a good payload by others.
fn disturbed(value: &mut serde_json::Value, places: &mut Vec<(usize, serde_json::Value)>) {
    if let Some(place) = places.iter().position(|(place, _)| *place == 0) {
        *value = places.swap_remove(place).1;
    }
    for (place, _) in places.iter_mut() {
        *place = place.saturating_sub(1);
    }
    match value {
        serde_json::Value::Array(values) => {
            for value in values {
                disturbed(value, places);
            }
        }
        serde_json::Value::Object(members) => {
            for (_, value) in members {
                disturbed(value, places);
            }
        }
        _ => {}
    }
}

/// Opens a file with this content as a process would when it starts, and goes on from it.
fn start_with(content: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, content).unwrap();
    let now = now();
    let (_, loaded) = StateFile::<Saved>::open(path, now.wall);
    let Some(saved) = loaded.value else {
        assert_eq!(loaded.warnings.len(), 1);
        return false;
    };
    let evidence = accrue(evidence_of(&saved, "prod", now), now, INTERVAL, true);
    assert!(evidence.covered <= evidence.observed);
    if let Some(known) = target_of(&saved, "prod", REGION, now) {
        let mut history = TargetHistory::resume(known, INTERVAL, RETENTION, now);
        history.listed(listing([track(1, "a")]), now, INTERVAL);
        let again = Saved::from_reports(&[report(history.report().clone())]);
        assert!(target_of(&again, "prod", REGION, now).is_some());
    }
    true
}

#[test]
fn a_file_is_used_whatever_else_is_in_it() {
    assert!(start_with(&encode(b"{}")));
    assert!(!start_with(&encode(&b"[".repeat(100_000))));
    // Deeper than any stack, in a field that nobody knows.
    let deep = [
        &b"{\"x\":"[..],
        &b"[".repeat(100_000),
        &b"]".repeat(100_000),
        b"}",
    ]
    .concat();
    assert!(start_with(&encode(&deep)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_report_survives(target in any_target(Instant::now())) {
        let now = now();
        let saved = through_a_file(&[report(target.clone())]);
        let known = target_of(&saved, "prod", &target.region, now).unwrap();
        prop_assert_eq!(&known.region, &target.region);
        prop_assert_eq!(known.last_poll, target.last_poll);
        prop_assert_eq!(&known.failure, &target.failure);
        prop_assert_eq!(&known.unproven, &target.unproven);
        prop_assert_eq!(&known.past.changes, &target.past.changes);
        let stones = |report: &TargetReport| -> Vec<(u64, String, SystemTime)> {
            let stones = report.past.tombstones.iter();
            stones.map(|(id, stone)| (*id, stone.name.clone(), stone.at)).collect()
        };
        prop_assert_eq!(stones(&known), stones(&target));
        let good = |report: &TargetReport| {
            report.last_good.as_ref().map(|good| (Arc::clone(&good.listing), good.at))
        };
        prop_assert_eq!(good(&known), good(&target));
        // And the next process writes what this one wrote.
        prop_assert_eq!(Saved::from_reports(&[report(known)]), saved);
    }

    #[test]
    fn no_bytes_stop_a_start(content: Vec<u8>) {
        prop_assert!(!start_with(&content));
        start_with(&encode(&content));
    }

    #[test]
    fn no_json_stops_a_start(payload in nearly_a_payload()) {
        start_with(&encode(payload.to_string().as_bytes()));
    }

    #[test]
    fn no_disturbed_payload_stops_a_start(
        target in any_target(Instant::now()),
        mut places in prop::collection::vec((0..60_usize, nearly_a_payload()), 1..4),
    ) {
        let target = TargetReport { region: REGION.to_owned(), ..target };
        let saved = Saved::from_reports(&[report(target)]);
        let mut payload = serde_json::to_value(saved).unwrap();
        disturbed(&mut payload, &mut places);
        start_with(&encode(payload.to_string().as_bytes()));
    }
}
