//! Polls that take long: when they read the tracks is unknown.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, Operator, RecordForm};
use cloudaudit_exporter::snapshot::{AttributionResult as Result, ChangeKind, ChangeSource};

use super::scene::{ALICE, MINUTE, Scene};
use crate::identities::stage::{ID, KEY};

const SECOND: Duration = Duration::from_secs(1);

/// A scene with polls every 20 seconds, after a poll that takes `slow` has read the tracks.
async fn in_a_slow_poll(keys: &str, slow: Duration) -> Scene {
    let mut scene = Scene::new(keys).await;
    let account = format!("credentials: {{secret_id: {ID}, secret_key: {KEY}}}, {keys}");
    let poll = "poll: {interval: 20s, timeout: 19s}";
    let config = format!("{poll}\naccounts: {{prod: {{{account}}}}}");
    scene.stage.reload(&config).await;
    scene.pass(MINUTE).await;
    begin_a_slow_poll(&mut scene, slow).await;
    scene
}

async fn begin_a_slow_poll(scene: &mut Scene, slow: Duration) {
    let delay = Fault::delay(slow).action("DescribeAuditTracks").times(1);
    scene.world.inject(delay);
    let polls = |scene: &Scene| scene.world.call_count_of("DescribeAuditTracks");
    let before = polls(scene);
    while polls(scene) == before {
        scene.pass(SECOND / 10).await;
    }
}

/// Alice disables the track after the slow poll has read it and before that poll ends, and Bob
/// disables it again after that.
#[tokio::test(start_paused = true)]
async fn an_operation_during_the_previous_poll_is_a_candidate() {
    let mut scene = in_a_slow_poll("attribution: {enabled: true}", 14 * SECOND).await;
    scene.pass(SECOND).await;
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(15 * SECOND).await;
    // The simulator records only what changes a track.
    scene.home().unrecorded().set_status(1, 1).unwrap();
    let bob = Operator::user("bob", "100000000012");
    scene.home().by(bob).set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    let both = vec!["bob".to_owned(), ALICE.to_owned()];
    assert_eq!(
        scene.operator(ChangeKind::Disabled),
        (Result::Candidate, both)
    );
}

#[tokio::test(start_paused = true)]
async fn a_masked_operation_during_the_previous_poll_is_a_candidate() {
    let mut scene = in_a_slow_poll("attribution: {enabled: true}", 16 * SECOND).await;
    scene.pass(SECOND).await;
    let masked = scene.alice().recorded_as(RecordForm::Masked);
    masked.set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(
        scene.operator(ChangeKind::Disabled),
        (Result::Candidate, vec![ALICE.to_owned()])
    );
}

/// Sweeps end while the poll that saw the track disabled is still running.
#[tokio::test(start_paused = true)]
async fn a_switch_off_that_a_slow_poll_saw_is_not_unseen() {
    let keys = "attribution: {enabled: true, sweep_interval: 3s}";
    let mut scene = in_a_slow_poll(keys, 8 * SECOND).await;
    // After this poll, and before the next one.
    scene.pass(12 * SECOND).await;
    scene.alice().set_status(1, 0).unwrap();
    begin_a_slow_poll(&mut scene, 8 * SECOND).await;
    scene.pass(SECOND + SECOND / 2).await;
    scene.alice().set_status(1, 1).unwrap();
    scene.pass(2 * MINUTE).await;
    let sources: Vec<_> = scene.changes().iter().map(|it| it.source).collect();
    assert_eq!(sources, [ChangeSource::Poll; 2]);
    let sweeps = scene.report().sweeps.clone().unwrap();
    assert_eq!(sweeps.unseen_switch_offs, 0);
}
