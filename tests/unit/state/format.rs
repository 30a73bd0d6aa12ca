//! The names in the file, which every version of the exporter reads and writes.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    ChangeTimes, DroppedTrack, Evidence, LastGood, LatestListing, Listing, Past, PollEnd, Report,
    Status, StorageType, TargetReport, Tombstone,
};
use cloudaudit_exporter::state::Saved;
use enum_map::EnumMap;
use tokio::time::Instant;

use super::saved::{REGION, now, report, target_of};
use crate::support::tracks::{listing, track};

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
            took: Duration::from_millis(120),
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
        latest: Some(LatestListing {
            at: Moment { wall: at, steady },
            was_covered: true,
        }),
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
            "last_good": {"at_unix_ns": at, "took_ns": 120_000_000, "is_updated": true, "listing": {
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
