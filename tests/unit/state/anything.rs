//! Any report survives, and no content of the file stops a start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::{TargetHistory, accrue};
use cloudaudit_exporter::snapshot::{
    ChangeTimes, DroppedTrack, LastGood, Listing, Past, PollEnd, Status, TargetReport, Tombstone,
    Track,
};
use cloudaudit_exporter::state::{Saved, StateFile, encode};
use enum_map::EnumMap;
use proptest::prelude::*;
use tokio::time::Instant;

use super::saved::{
    HOUR, INTERVAL, REGION, RETENTION, evidence_of, now, report, target_of, through_a_file,
};
use crate::support::tracks::{listing, track};

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
        good in (any_listing(), any_time(), any::<u64>()),
        is_good: bool,
        is_complete: bool,
        failure in prop::option::of(any_failure()),
        past in any_past(steady),
        unproven in any_tracks(),
    ) -> TargetReport {
        let (listing, at, took) = good;
        let took = Duration::from_nanos(took);
        TargetReport {
            region,
            last_poll: poll.map(|(at, took)| PollEnd { at, took: Duration::from_nanos(took) }),
            failure,
            last_good: (is_good || poll.is_none())
                .then_some(LastGood { listing, at, took, show_until: Moment { wall: at, steady }, is_complete }),
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

/// Opens a file with this content as a process does at its start, and resumes from it.
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
    // An unknown field whose nesting is deeper than any stack.
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
        let json = |saved| serde_json::to_value(saved).unwrap();
        prop_assert_eq!(json(Saved::from_reports(&[report(known)])), json(saved));
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
