//! Operations that only sweeps find.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Operator, RecordForm, Track};
use cloudaudit_exporter::snapshot::{
    AttributionResult as Result, ChangeKind, ChangeSource, Outcome, TrackEvent,
};
use serde_json::json;

use super::scene::{ALICE, MINUTE, Scene};

const SWEEPS: &str = "attribution: {enabled: true, sweep_interval: 15m}";

fn operations(scene: &Scene) -> Vec<(TrackEvent, Outcome, u64)> {
    let sweeps = scene.report().sweeps.clone().unwrap();
    let operations = sweeps.operations.into_iter();
    operations
        .map(|((event, outcome), count)| (event, outcome, count))
        .collect()
}

fn unseen(scene: &Scene) -> u64 {
    scene.report().sweeps.clone().unwrap().unseen_switch_offs
}

#[tokio::test(start_paused = true)]
async fn a_sweep_runs_once_in_its_interval() {
    let mut scene = Scene::new(SWEEPS).await;
    let first = scene.requests();
    scene.pass(Duration::from_hours(2)).await;
    assert_eq!(scene.requests() - first, 8);
    let last = scene.report().sweeps.clone().unwrap().last.unwrap();
    let now = scene.stage.clock.now().wall;
    assert!(now.duration_since(last).unwrap() <= 15 * MINUTE);
    // The tracks' own creation.
    assert_eq!(operations(&scene), []);
}

#[tokio::test(start_paused = true)]
async fn a_track_switched_off_and_on_between_two_polls_is_reported() {
    let mut scene = Scene::new(&format!("{SWEEPS}, interval: 5m, regions: [ap-guangzhou]")).await;
    // Right after a poll.
    let polls = |scene: &Scene| scene.stage.shown.last("prod").targets[0].counters.polls;
    let before = polls(&scene);
    while polls(&scene) == before {
        scene.pass(Duration::from_secs(1)).await;
    }
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(MINUTE).await;
    scene.alice().set_status(1, 1).unwrap();
    scene.pass(20 * MINUTE).await;
    assert_eq!(unseen(&scene), 1);
    let changes = scene.changes();
    let kinds: Vec<_> = changes.iter().map(|it| (it.change, it.source)).collect();
    assert_eq!(
        kinds,
        [
            (ChangeKind::Enabled, ChangeSource::Operation),
            (ChangeKind::Disabled, ChangeSource::Operation)
        ]
    );
    let off = scene.change(ChangeKind::Disabled);
    assert_eq!((off.track_id, &*off.track), (1, "home"));
    assert_eq!(off.attribution.operations[0].operator, ALICE);
    assert_eq!(off.attribution.result, Result::Certain);
    assert_eq!(scene.lines("track disabled").len(), 1);
    // It counts once, although the next sweeps overlap.
    scene.pass(Duration::from_hours(1)).await;
    assert_eq!((unseen(&scene), scene.changes().len()), (1, 2));
    let tracks = scene.report().sweeps.clone().unwrap().unseen_tracks;
    assert_eq!(tracks, [(1, ("home".to_owned(), off.seen))].into());
}

/// Alice's request does not name the track, and it switched the track off. Bob's had no effect.
#[tokio::test(start_paused = true)]
async fn a_masked_operation_before_the_switch_off_takes_the_certainty_away() {
    let mut scene = Scene::new(&format!("{SWEEPS}, interval: 5m, regions: [ap-guangzhou]")).await;
    let polls = |scene: &Scene| scene.stage.shown.last("prod").targets[0].counters.polls;
    let before = polls(&scene);
    while polls(&scene) == before {
        scene.pass(Duration::from_secs(1)).await;
    }
    let masked = scene.alice().recorded_as(RecordForm::Masked);
    masked.set_status(1, 0).unwrap();
    scene.pass(Duration::from_secs(10)).await;
    let bob = scene.home().by(Operator::user("bob", "100000000012"));
    let parameters = json!({"TrackId": 1, "Status": 0});
    bob.record_operation("ModifyAuditTrack", parameters, json!({}));
    scene.pass(Duration::from_secs(10)).await;
    bob.set_status(1, 1).unwrap();
    scene.pass(20 * MINUTE).await;
    assert_eq!(unseen(&scene), 1);
    let off = scene.change(ChangeKind::Disabled);
    assert_eq!(off.attribution.result, Result::Candidate);
}

/// Legacy operations have only the name, and two tracks have it.
#[tokio::test(start_paused = true)]
async fn a_name_that_two_tracks_have_names_no_id() {
    let mut scene = Scene::new(&format!("{SWEEPS}, interval: 5m, regions: [ap-guangzhou]")).await;
    scene.home().create(Track::new(4, "home"));
    scene.pass(6 * MINUTE).await;
    let polls = |scene: &Scene| scene.stage.shown.last("prod").targets[0].counters.polls;
    let before = polls(&scene);
    while polls(&scene) == before {
        scene.pass(Duration::from_secs(1)).await;
    }
    let name = json!({"AuditName": "home"});
    for event in ["StopLogging", "StartLogging"] {
        let alice = scene.alice();
        alice.record_operation(event, name.clone(), json!({}));
        scene.pass(Duration::from_secs(10)).await;
    }
    // A poll sees one of them off, so it was on before.
    scene.home().unrecorded().set_status(1, 0).unwrap();
    scene.pass(20 * MINUTE).await;
    let changes = scene.changes().into_iter();
    let found: Vec<_> = changes
        .filter(|change| change.source == ChangeSource::Operation)
        .map(|change| {
            (
                change.track_id,
                change.track.clone(),
                change.attribution.result,
            )
        })
        .collect();
    let expected = (0, "home".to_owned(), Result::Candidate);
    assert_eq!(found, [expected.clone(), expected]);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_once_by_their_outcome() {
    let mut scene = Scene::new(SWEEPS).await;
    let mallory = scene.home().by(Operator::user("mallory", "100000000066"));
    let off = json!({"TrackId": 1, "Status": 0});
    mallory.denied_attempt("ModifyAuditTrack", off.clone());
    mallory.denied_attempt("DeleteAuditTrack", off.clone());
    mallory.failed_attempt(
        "StopLogging",
        json!({"AuditName": "home"}),
        "ResourceNotFound",
    );
    mallory.denied_attempt("SomethingNew", json!({}));
    let expected = [
        (TrackEvent::ModifyAuditTrack, Outcome::Denied, 1),
        (TrackEvent::DeleteAuditTrack, Outcome::Denied, 1),
        (TrackEvent::StopLogging, Outcome::Failed, 1),
        (TrackEvent::Other, Outcome::Denied, 1),
    ];
    scene.pass(40 * MINUTE).await;
    assert_eq!(operations(&scene), expected);
    let attempts = scene.report().sweeps.clone().unwrap().attempts;
    let now = scene.stage.clock.now().wall;
    let kinds = attempts.into_iter().map(|((event, outcome), found)| {
        assert!(found > now - 40 * MINUTE && found < now);
        (event, outcome, 1)
    });
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    assert_eq!(unseen(&scene), 0);
    assert!(scene.changes().is_empty());
    let lines = scene.lines("WARN");
    let attempts = [
        r#"track_id=1 event="ModifyAuditTrack" outcome="denied""#,
        r#"track_id=1 event="DeleteAuditTrack" outcome="denied""#,
        r#"track="home" event="StopLogging" outcome="failed""#,
        r#"account="prod" event="SomethingNew" outcome="denied""#,
    ];
    assert_eq!(lines.len(), attempts.len(), "{lines:?}");
    let who = r#"operator="mallory" operator_type="CAMUser" principal_id="100000000066" source_ip="203.0.113.7""#;
    for (line, attempt) in lines.iter().zip(attempts) {
        let message = if attempt.contains("SomethingNew") {
            "attempt to write to CloudAudit"
        } else {
            "attempt to change a track"
        };
        for part in [message, attempt, who, "request_id="] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    // A restart neither loses counts nor counts an attempt twice.
    let mut scene = scene.restart().await;
    scene.pass(40 * MINUTE).await;
    assert_eq!(operations(&scene), []);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_logs_twenty_attempts_and_counts_the_others() {
    let mut scene = Scene::new(SWEEPS).await;
    let mallory = scene.home().by(Operator::user("mal\nlory", "100000000066"));
    for id in 0..23 {
        mallory.denied_attempt("DeleteAuditTrack", json!({"TrackId": id}));
    }
    scene.pass(40 * MINUTE).await;
    let lines = scene.lines("WARN");
    assert_eq!(lines.len(), 21, "{lines:?}");
    assert!(
        lines[0].contains(r#"operator="mal\\nlory""#),
        "{}",
        lines[0]
    );
    assert!(
        lines[20].contains("more attempts to write to CloudAudit"),
        "{}",
        lines[20]
    );
    assert!(lines[20].contains("others=3"), "{}", lines[20]);
}

#[tokio::test(start_paused = true)]
async fn the_next_sweep_covers_the_time_of_a_failed_one() {
    let mut scene = Scene::new(SWEEPS).await;
    let fault = Fault::internal_error().action("DescribeEvents");
    scene.world.inject(fault.until_cleared());
    scene
        .home()
        .by(Operator::user("mallory", "66"))
        .denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    scene.pass(Duration::from_hours(3)).await;
    let last = scene.report().sweeps.clone().unwrap().last;
    let failure = scene.report().failure.clone().unwrap();
    assert_eq!(failure.reason, Reason::Unavailable);
    scene.world.clear_faults();
    scene.pass(20 * MINUTE).await;
    assert_eq!(scene.report().failure, None);
    assert!(scene.report().sweeps.clone().unwrap().last > last);
    assert!(operations(&scene).contains(&(TrackEvent::DeleteAuditTrack, Outcome::Denied, 1)));
    assert!(scene.stage.shown.last("prod").targets[0].is_up());
}

/// A sweep of all pages would take longer than a minute, each time.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_takes_too_long_reads_a_shorter_period() {
    let mut scene = Scene::new(SWEEPS).await;
    scene.pass(MINUTE).await;
    let down = Fault::internal_error().action("DescribeEvents");
    scene.world.inject(down.until_cleared());
    let mallory = scene.home().by(Operator::user("mallory", "66"));
    for _ in 0..8 {
        for _ in 0..50 {
            mallory.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
        }
        scene.pass(10 * MINUTE).await;
    }
    scene.world.clear_faults();
    let slow = Fault::delay(Duration::from_secs(9)).action("DescribeEvents");
    scene.world.inject(slow.until_cleared());
    scene.pass(90 * MINUTE).await;
    let denied = (TrackEvent::DeleteAuditTrack, Outcome::Denied, 400);
    assert!(operations(&scene).contains(&denied));
}

/// More records than the pages of one sweep hold, in one minute.
#[tokio::test(start_paused = true)]
async fn a_sweep_that_cannot_read_all_is_logged_and_is_no_success() {
    let mut scene = Scene::new(SWEEPS).await;
    let mallory = scene.home().by(Operator::user("mallory", "66"));
    for _ in 0..1_100 {
        mallory.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    }
    let warned = |scene: &Scene| scene.lines("could not read all operation records").len();
    for _ in 0..40 {
        if warned(&scene) == 0 {
            scene.pass(MINUTE).await;
        }
    }
    assert_eq!(warned(&scene), 1);
    let last = |scene: &Scene| scene.report().sweeps.clone().unwrap().last;
    let before = last(&scene);
    scene.pass(20 * MINUTE).await;
    assert_eq!(last(&scene), before);
    assert!(warned(&scene) > 1);
    let denied = (TrackEvent::DeleteAuditTrack, Outcome::Denied, 1_000);
    assert!(operations(&scene).contains(&denied));
    scene.pass(60 * MINUTE).await;
    assert!(last(&scene) > before);
}

/// The counters of the new process begin at 0, so a scrape has to see the 0 before they count.
#[tokio::test(start_paused = true)]
async fn a_restart_counts_nothing_in_its_first_two_minutes() {
    let mut scene = Scene::new(SWEEPS).await;
    scene.pass(MINUTE).await;
    let saved = scene.saved();
    let mallory = scene.home().by(Operator::user("mallory", "100000000066"));
    mallory.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    // The process is down for longer than the interval of sweeps.
    scene.world.inject(Fault::internal_error().until_cleared());
    scene.pass(20 * MINUTE).await;
    scene.world.clear_faults();
    let mut scene = scene.restart_after_kill(&saved).await;
    scene.pass(MINUTE + MINUTE / 2).await;
    assert_eq!(operations(&scene), []);
    scene.pass(MINUTE).await;
    let denied = (TrackEvent::DeleteAuditTrack, Outcome::Denied, 1);
    assert_eq!(operations(&scene), [denied]);
}

/// Polls see the track disabled and enabled again.
async fn switched_in_sight() -> Scene {
    let mut scene = Scene::new(SWEEPS).await;
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    scene.alice().set_status(1, 1).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(scene.changes().len(), 2);
    scene
}

#[tokio::test(start_paused = true)]
async fn without_a_state_file_a_restart_counts_nothing_again() {
    let scene = switched_in_sight().await;
    let mallory = scene.home().by(Operator::user("mallory", "100000000066"));
    mallory.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
    let mut scene = scene.restart_without_state().await;
    scene.pass(40 * MINUTE).await;
    assert_eq!(unseen(&scene), 0);
    assert_eq!(operations(&scene), []);
    assert!(scene.changes().is_empty());
}

/// The changes of other accounts push the records out of the feed, which all accounts share.
#[tokio::test(start_paused = true)]
async fn what_left_the_feed_is_not_unseen() {
    let scene = switched_in_sight().await;
    let now = scene.stage.clock.now().wall;
    scene.stage.changes.set_keep(0, now);
    let mut scene = scene.restart().await;
    scene.pass(40 * MINUTE).await;
    assert_eq!(unseen(&scene), 0);
    assert!(scene.changes().is_empty());
}
