//! More golden files: the history of an account, and its overview.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloudaudit_exporter::history::Retention;
use cloudaudit_exporter::snapshot::{
    AttributionReport, AttributionResult, ChangeKind, ChangeOperator, ExpectedTrack, Listing,
    LookupState, Outcome, SweepReport, SweepState, Track, TrackEvent,
};

use super::golden::{assert_golden, disabled};
use super::scene::{Scene, denied};
use super::{INTERVAL, RETENTION, STALE_AFTER};
use crate::support::tracks::{listing, track};

fn renamed(name: &str, track: Track) -> Track {
    Track {
        name: name.to_owned(),
        ..track
    }
}

fn only(action_type: &str, track: Track) -> Track {
    Track {
        action_type: action_type.to_owned(),
        ..track
    }
}

fn listed_in_turn(scene: &mut Scene, listings: impl IntoIterator<Item = Vec<Track>>) {
    for tracks in listings {
        scene.pass(INTERVAL);
        scene.listed(0, listing(tracks));
        scene.publish();
    }
}

/// Every kind of change, with two existing and two deleted tracks. Track 9 was deleted, and track
/// 11 was recreated as 12.
#[test]
fn vanished_and_changed() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let changed = || renamed("reads", track(8, "audit-all"));
    let old = || track(11, "to-central");
    listed_in_turn(
        &mut scene,
        [
            vec![track(8, "audit-all"), track(9, "gone"), old()],
            vec![disabled(track(8, "audit-all")), track(9, "gone"), old()],
            vec![track(8, "audit-all"), old()],
            vec![changed(), track(12, "to-central")],
        ],
    );
    assert_golden(&scene, "vanished_and_changed");
}

/// The deletion of one of two deleted tracks is acknowledged.
#[test]
fn deletion_acknowledged() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let both = || vec![track(8, "gone"), track(9, "meant")];
    let three = [both(), vec![track(7, "audit-all")]].concat();
    listed_in_turn(&mut scene, [three, vec![track(7, "audit-all")]]);
    scene.pass(INTERVAL);
    scene.acknowledge(0, 9);
    scene.publish();
    assert_golden(&scene, "deletion_acknowledged");
}

/// The past stays visible when the listing expires.
#[test]
fn aged_out_with_a_past() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let both = vec![track(7, "audit-all"), track(8, "gone")];
    listed_in_turn(&mut scene, [both, vec![disabled(track(7, "audit-all"))]]);
    scene.pass(INTERVAL);
    scene.failed(0, denied());
    scene.publish();
    scene.pass(STALE_AFTER);
    assert_golden(&scene, "aged_out_with_a_past");
}

#[test]
fn expected_tracks() {
    let expected = |name: &str| ExpectedTrack {
        name: name.to_owned(),
        ..ExpectedTrack::default()
    };
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.info.track_required = true;
    scene.info.expected_tracks = vec![
        ExpectedTrack {
            storage_name: Some("audit-log".to_owned()),
            ..expected("as-it-should-be")
        },
        ExpectedTrack {
            storage_name: Some("central-log".to_owned()),
            ..expected("elsewhere")
        },
        expected("off"),
        expected("missing"),
    ];
    let tracks = [
        track(1, "as-it-should-be"),
        track(2, "elsewhere"),
        disabled(track(3, "off")),
    ];
    scene.listed(0, listing(tracks));
    scene.publish();
    assert_golden(&scene, "expected_tracks");
}

/// An incomplete listing proves neither that a track is missing nor that coverage is.
#[test]
fn short_listing_proves_no_absence() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.info.expected_tracks = vec![ExpectedTrack {
        name: "missing".to_owned(),
        ..ExpectedTrack::default()
    }];
    let short = Listing {
        reported: 2,
        ..listing([only("Read", track(1, "reads"))])
    };
    scene.listed(0, short);
    scene.publish();
    assert_golden(&scene, "short_listing_proves_no_absence");
}

/// A Read and a Write track cover the account together, and one of them is not enough.
#[test]
fn covered_and_then_not() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let reads = || only("Read", track(1, "reads"));
    let writes = || only("Write", track(2, "writes"));
    let all = || vec![reads(), writes()];
    listed_in_turn(
        &mut scene,
        [all(), all(), all(), vec![reads(), disabled(writes())]],
    );
    assert_golden(&scene, "covered_and_then_not");
}

/// The UIN of the account and a trusted UIN are known, so foreign storage is recognized.
#[test]
fn storage_of_others() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.info.uin = "100000000001".to_owned();
    let trusted = ["100000000009".to_owned()];
    scene.info.trusted_storage_accounts = Arc::new(BTreeSet::from(trusted));
    let owned_by = |id, name, owner: &str| {
        let mut track = track(id, name);
        track.storage.account = owner.to_owned();
        track
    };
    let tracks = [
        owned_by(1, "own", "100000000001"),
        owned_by(2, "trusted", "100000000009"),
        owned_by(3, "foreign", "100000000666"),
        owned_by(4, "not-said", ""),
    ];
    scene.listed(0, listing(tracks));
    scene.publish();
    assert_golden(&scene, "storage_of_others");
}

/// Two of five tracks have series. All are counted, and the names of the others are unknown.
#[test]
fn more_tracks_than_the_limit() {
    let retention = Retention {
        max_tracks: 2,
        ..RETENTION
    };
    let mut scene = Scene::with(retention, &["ap-guangzhou"]);
    scene.info.expected_tracks = vec![ExpectedTrack {
        name: "dropped".to_owned(),
        ..ExpectedTrack::default()
    }];
    let mut to_log_service = disabled(track(5, "dropped"));
    to_log_service.storage.kind = "cls".to_owned();
    let all = || {
        vec![
            only("Read", track(1, "kept")),
            track(2, "kept"),
            track(3, "dropped"),
            disabled(track(4, "dropped")),
            to_log_service.clone(),
        ]
    };
    // The creation of track 1 moves track 3 beyond the limit. Track 3 does not vanish.
    listed_in_turn(&mut scene, [all().split_off(1), all()]);
    assert_golden(&scene, "more_tracks_than_the_limit");
}

/// A change with a known operator, a change with a pending search, and the counts of sweeps.
#[test]
fn operators_of_changes() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let both = vec![track(7, "audit-all"), track(8, "gone")];
    listed_in_turn(&mut scene, [both, vec![disabled(track(7, "audit-all"))]]);
    scene.targets[0].set_operators(|_, change| {
        (change == ChangeKind::Disabled).then(|| ChangeOperator {
            name: "alice \"root\"".to_owned(),
            kind: "CAMUser".to_owned(),
            event: TrackEvent::ModifyAuditTrack,
        })
    });
    let mut report = AttributionReport {
        lookups: vec![LookupState {
            began: scene.now.wall,
            previous: None,
            attempts: 1,
            requests: 1,
            has_read_all: true,
            changes: vec![2],
        }],
        sweeps: Some(SweepReport {
            last: Some(scene.now.wall),
            state: SweepState {
                since: scene.now.wall,
                until: scene.now.wall,
                listed: None,
                settled: None,
                remembered: Vec::new(),
                seen: Vec::new(),
            },
            operations: [
                ((TrackEvent::ModifyAuditTrack, Outcome::Succeeded), 1),
                ((TrackEvent::Other, Outcome::Denied), 2),
            ]
            .into(),
            attempts: [].into(),
            unseen_switch_offs: 3,
            unseen_tracks: [(7, ("audit-all".to_owned(), scene.now.wall))].into(),
        }),
        ..AttributionReport::default()
    };
    report.results[AttributionResult::Certain] = 1;
    scene.attribution = Some(report.into());
    scene.publish();
    assert_golden(&scene, "operators_of_changes");
}
