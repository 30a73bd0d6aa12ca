//! Searches of the operation records after a change.

use std::time::Duration;

use cloudaudit_exporter::sim::{Fault, RecordForm};
use cloudaudit_exporter::snapshot::{AttributionResult as Result, ChangeKind};

use super::scene::{ALICE, MINUTE, Scene};
use crate::identities::stage::{ID, Stage, world};

const ENABLED: &str = "attribution: {enabled: true}";

/// Returns the number of searches that ended with each result, without zeros, in the order of the
/// feed's values.
fn results(scene: &Scene) -> Vec<(Result, u64)> {
    let results = scene.report().results;
    results
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_operator_of_a_change_is_found_and_logged() {
    let mut scene = Scene::new(ENABLED).await;
    assert_eq!(scene.requests(), 0);
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    let certain = (Result::Certain, vec![ALICE.to_owned()]);
    assert_eq!(scene.operator(ChangeKind::Disabled), certain);
    assert_eq!(scene.requests(), 1, "one search is enough");
    assert_eq!(results(&scene), [(Result::Certain, 1)]);
    assert_eq!(scene.report().pending(), 0);
    let operation = &scene.change(ChangeKind::Disabled).attribution.operations[0];
    assert_eq!(operation.event_name, "ModifyAuditTrack");
    assert_eq!(operation.source_ip, "203.0.113.7");
    let seen = scene.change(ChangeKind::Disabled).seen;
    assert!(operation.at <= seen && seen <= operation.at + MINUTE + MINUTE);

    let changed = scene.lines("track disabled");
    assert_eq!(changed.len(), 1, "{changed:?}");
    let found = scene.lines("operator found");
    assert_eq!(found.len(), 1, "{found:?}");
    for part in [
        r#"account="prod" region="ap-guangzhou" track_id=1 track="home" change="disabled" result="certain""#,
        r#"operator="alice" operator_type="CAMUser" principal_id="100000000011""#,
        r#"source_ip="203.0.113.7" event="ModifyAuditTrack" call="ConsoleCall" time="2026-"#,
        "request_id=",
    ] {
        assert!(found[0].contains(part), "{part} in {}", found[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_found_for_every_kind_of_change() {
    let mut scene = Scene::new(ENABLED).await;
    let alice = scene.alice();
    alice.set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    alice.set_status(1, 1).unwrap();
    alice
        .set_storage(
            3,
            cloudaudit_exporter::sim::cos("ap-tokyo", "other-1250000000", "x"),
        )
        .unwrap();
    scene.pass(2 * MINUTE).await;
    alice.delete(1).unwrap();
    alice.create(cloudaudit_exporter::sim::Track::new(9, "new"));
    scene.pass(2 * MINUTE).await;
    let certain = (Result::Certain, vec![ALICE.to_owned()]);
    for change in ChangeKind::ALL {
        assert_eq!(scene.operator(*change), certain, "{change:?}");
    }
    assert_eq!(results(&scene), [(Result::Certain, 5)]);
    // Each pair of changes is one batch.
    assert_eq!(scene.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_search_is_repeated_until_a_late_record_appears() {
    for (delay, requests) in [(20, 2), (12 * 60, 6)] {
        let mut scene = Scene::new(ENABLED).await;
        let late = scene
            .alice()
            .recorded_after(Duration::from_secs(delay) + MINUTE);
        late.set_status(1, 0).unwrap();
        scene.pass(MINUTE + Duration::from_secs(10)).await;
        assert_eq!(
            scene.operator(ChangeKind::Disabled),
            (Result::Pending, vec![])
        );
        assert_eq!(scene.report().pending(), 1);
        scene.pass(25 * MINUTE).await;
        let certain = (Result::Certain, vec![ALICE.to_owned()]);
        assert_eq!(scene.operator(ChangeKind::Disabled), certain, "{delay}");
        assert_eq!(scene.requests(), requests, "{delay}");
        scene.pass(60 * MINUTE).await;
        assert_eq!(scene.requests(), requests, "the search has ended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_without_a_record_ends_after_half_an_hour_and_seven_requests() {
    let mut scene = Scene::new(ENABLED).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    // A record of another track is not used instead.
    scene.alice().set_status(3, 0).unwrap();
    scene.pass(29 * MINUTE).await;
    let of_track = |scene: &Scene, id| {
        let changes = scene.changes();
        let record = changes.iter().find(|it| it.track_id == id).unwrap();
        record.attribution.result
    };
    assert_eq!(of_track(&scene, 1), Result::Pending);
    assert_eq!(of_track(&scene, 3), Result::Certain);
    scene.pass(5 * MINUTE).await;
    assert_eq!(of_track(&scene, 1), Result::NotFound);
    assert_eq!(scene.requests(), 7);
    assert_eq!(
        results(&scene),
        [(Result::Certain, 1), (Result::NotFound, 1)]
    );
    assert_eq!(scene.lines("operator not found").len(), 1);
    scene.pass(120 * MINUTE).await;
    assert_eq!(scene.requests(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_never_the_cause() {
    let mut scene = Scene::new(ENABLED).await;
    let off = serde_json::json!({"TrackId": 1, "Status": 0});
    let mallory = cloudaudit_exporter::sim::Operator::user("mallory", "100000000066");
    let mallory = scene.home().by(mallory);
    mallory.denied_attempt("ModifyAuditTrack", off.clone());
    mallory.failed_attempt("ModifyAuditTrack", off, "InternalError");
    scene.pass(Duration::from_secs(20)).await;
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(3 * MINUTE).await;
    let certain = (Result::Certain, vec![ALICE.to_owned()]);
    assert_eq!(scene.operator(ChangeKind::Disabled), certain);
}

#[tokio::test(start_paused = true)]
async fn a_denial_ends_the_search_and_is_logged_once() {
    let mut scene = Scene::new(ENABLED).await;
    scene
        .home()
        .deny_action(ID, "cloudaudit:DescribeEvents")
        .unwrap();
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(
        scene.operator(ChangeKind::Disabled),
        (Result::Denied, vec![])
    );
    assert_eq!(scene.requests(), 1);
    scene.alice().set_status(1, 1).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(
        scene.operator(ChangeKind::Enabled),
        (Result::Denied, vec![])
    );
    assert_eq!(results(&scene), [(Result::Denied, 2)]);
    let lines = scene.lines("cannot search the operation records");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("grant cloudaudit:DescribeEvents"),
        "{}",
        lines[0]
    );
    // The polls still succeed.
    let report = scene.stage.shown.last("prod");
    assert!(report.targets[0].is_up());
    assert_eq!(report.targets[0].counters.failures.values().sum::<u64>(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failing_search_sends_seven_requests_and_delays_no_poll() {
    let mut scene = Scene::new(ENABLED).await;
    let polls = |scene: &Scene| scene.stage.shown.last("prod").targets[0].counters.polls;
    scene.world.inject(
        Fault::internal_error()
            .action("DescribeEvents")
            .until_cleared(),
    );
    scene.alice().set_status(1, 0).unwrap();
    let before = polls(&scene);
    scene.pass(40 * MINUTE).await;
    assert_eq!(
        scene.operator(ChangeKind::Disabled),
        (Result::Failed, vec![])
    );
    assert_eq!(scene.requests(), 7, "no request was retried");
    assert_eq!(polls(&scene) - before, 40);
    assert!(scene.stage.shown.last("prod").targets[0].is_up());

    // A request that hangs does not delay a poll either.
    scene.world.clear_faults();
    scene
        .world
        .inject(Fault::hang().action("DescribeEvents").until_cleared());
    scene.alice().set_status(1, 1).unwrap();
    let before = polls(&scene);
    scene.pass(10 * MINUTE).await;
    assert_eq!(polls(&scene) - before, 10);
    assert_eq!(scene.operator(ChangeKind::Enabled).0, Result::Pending);
    scene.world.clear_faults();
    scene.pass(30 * MINUTE).await;
    assert_eq!(scene.operator(ChangeKind::Enabled).0, Result::Certain);
}

#[tokio::test(start_paused = true)]
async fn without_attribution_nothing_is_searched() {
    for keys in [
        "interval: 1m",
        "attribution: {enabled: false, sweep_interval: 5m}",
    ] {
        let mut scene = Scene::new(keys).await;
        scene.alice().set_status(1, 0).unwrap();
        scene.pass(60 * MINUTE).await;
        assert_eq!(scene.operator(ChangeKind::Disabled), (Result::Off, vec![]));
        assert_eq!(scene.requests(), 0);
        assert_eq!(scene.stage.shown.last("prod").attribution, None);
    }
}

/// Tracks are account-wide, so every region shows the change.
#[tokio::test(start_paused = true)]
async fn one_request_serves_all_regions() {
    let mut scene = Scene::new(&format!("{ENABLED}, regions: [ap-guangzhou, ap-singapore]")).await;
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    let changes = scene.changes();
    let regions: Vec<_> = changes
        .iter()
        .map(|it| (&*it.region, it.attribution.result))
        .collect();
    assert_eq!(regions.len(), 2, "{regions:?}");
    assert!(
        regions.iter().all(|(_, result)| *result == Result::Certain),
        "{regions:?}"
    );
    assert_eq!(scene.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_accounts_without_a_change_send_no_request() {
    let world = world();
    let key = format!("{{credentials: {{secret_id: {ID}, secret_key: key-of-home}}}}");
    let accounts: Vec<String> = (0..100).map(|number| format!("a{number}: {key}")).collect();
    let accounts = accounts.join(", ");
    let config = format!("attribution: {{enabled: true}}\naccounts: {{{accounts}}}");
    let mut stage = Stage::with(&world, &[], &config);
    stage.pass(Duration::from_hours(1)).await;
    assert_eq!(stage.shown.reports().len(), 100);
    assert_eq!(world.call_count_of("DescribeEvents"), 0);
    assert!(world.call_count_of("DescribeAuditTracks") >= 6_000);
}

/// Only the track id links an operation to a change.
#[tokio::test(start_paused = true)]
async fn records_without_a_track_id_are_only_candidates() {
    for form in [RecordForm::Masked, RecordForm::Unparsable] {
        let mut scene = Scene::new(ENABLED).await;
        scene.alice().recorded_as(form).set_status(1, 0).unwrap();
        scene.pass(2 * MINUTE).await;
        let candidate = (Result::Candidate, vec![ALICE.to_owned()]);
        assert_eq!(scene.operator(ChangeKind::Disabled), candidate, "{form:?}");
        assert_eq!(results(&scene), [], "a better record may still arrive");
        scene.pass(40 * MINUTE).await;
        assert_eq!(scene.operator(ChangeKind::Disabled), candidate, "{form:?}");
        assert_eq!(results(&scene), [(Result::Candidate, 1)]);
        assert!(scene.requests() <= 7);
        assert_eq!(scene.lines("operator uncertain").len(), 1);
        assert_eq!(scene.lines("operator found").len(), 0);
    }
}

/// While a sweep is running, the changes of both regions wait for it together.
#[tokio::test(start_paused = true)]
async fn regions_share_a_search_that_waits_for_a_sweep() {
    let keys =
        "attribution: {enabled: true, sweep_interval: 1s}, regions: [ap-guangzhou, ap-singapore]";
    let mut scene = Scene::new(keys).await;
    let slow = Fault::delay(Duration::from_secs(9)).action("DescribeEvents");
    scene.world.inject(slow.until_cleared());
    scene.pass(MINUTE).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    while scene.changes().len() < 2 {
        scene.pass(Duration::from_millis(50)).await;
    }
    let lookups = scene.report().lookups.clone();
    assert_eq!(lookups.len(), 1, "{lookups:?}");
    assert_eq!(scene.report().pending(), 2);
}
