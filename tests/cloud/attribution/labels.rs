//! Attribution samples, and the operator as a label.

use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::ChangeKind;

use super::scene::{MINUTE, Scene};

/// Returns the account's samples whose lines contain `text`.
fn samples(scene: &Scene, text: &str) -> Vec<String> {
    let report = scene.stage.shown.last("prod");
    let publisher = Publisher::new();
    let now = scene.stage.clock.now();
    let evidence = report.evidence;
    let mut account = publisher.account(report.account.clone());
    account.publish(report.into(), evidence, now);
    let exposition = publisher.exposition(false, "", now).concat();
    let exposition = String::from_utf8(exposition).unwrap();
    let samples = exposition.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.filter(|line| line.contains(text));
    samples.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn counters_start_at_zero_and_only_with_attribution() {
    let scene = Scene::new("interval: 1m").await;
    for name in ["attribution", "write_operations", "unseen", "operator_info"] {
        assert_eq!(samples(&scene, name), Vec::<String>::new());
    }
    let scene = Scene::new("attribution: {enabled: true}").await;
    let expected = [
        r#"cloudaudit_attribution_results_total{account="prod",result="certain"} 0"#,
        r#"cloudaudit_attribution_results_total{account="prod",result="candidate"} 0"#,
        r#"cloudaudit_attribution_results_total{account="prod",result="not_found"} 0"#,
        r#"cloudaudit_attribution_results_total{account="prod",result="denied"} 0"#,
        r#"cloudaudit_attribution_results_total{account="prod",result="failed"} 0"#,
        r#"cloudaudit_attribution_pending{account="prod"} 0"#,
    ];
    assert_eq!(samples(&scene, "attribution"), expected);
    assert_eq!(samples(&scene, "write_operations"), Vec::<String>::new());

    let scene = Scene::new("attribution: {enabled: true, sweep_interval: 1h}").await;
    let operations = samples(&scene, "cloudaudit_track_write_operations_total{");
    assert_eq!(operations.len(), 12 * 3);
    let denied = r#"cloudaudit_track_write_operations_total{account="prod",event="DeleteAuditTrack",outcome="denied"} 0"#;
    assert!(
        operations.iter().any(|line| line == denied),
        "{operations:#?}"
    );
    assert_eq!(
        samples(&scene, "unseen"),
        [r#"cloudaudit_unseen_switch_offs_total{account="prod"} 0"#]
    );
}

const LABELED: &str = "attribution: {enabled: true, operator_label: true}";

#[tokio::test(start_paused = true)]
async fn operator_info_expires_with_the_timestamp_of_the_change() {
    let mut scene = Scene::new(LABELED).await;
    assert_eq!(samples(&scene, "operator_info"), Vec::<String>::new());
    scene.alice().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    let off = r#"cloudaudit_track_change_operator_info{account="prod",region="ap-guangzhou",track_id="1",track="home",change="disabled",operator="alice",operator_type="CAMUser",event="ModifyAuditTrack"} 1"#;
    assert_eq!(samples(&scene, "operator_info"), [off]);

    // After a restart, the operator is restored from the change feed.
    let mut scene = scene.restart().await;
    assert_eq!(samples(&scene, "operator_info"), [off]);

    // A newer change of the same kind has no operator until its own is found.
    scene.home().unrecorded().set_status(1, 1).unwrap();
    scene.pass(2 * MINUTE).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(samples(&scene, "operator_info"), Vec::<String>::new());
    assert_eq!(
        scene.change(ChangeKind::Disabled).attribution.operations,
        []
    );

    // The series is removed together with the tombstone.
    scene.alice().delete(3).unwrap();
    scene.pass(2 * MINUTE).await;
    assert_eq!(samples(&scene, "operator_info").len(), 1);
    scene.reload("attribution: {enabled: true}").await;
    scene.pass(MINUTE).await;
    assert_eq!(samples(&scene, "operator_info"), Vec::<String>::new());
    scene.reload(LABELED).await;
    scene.pass(MINUTE).await;
    assert_eq!(samples(&scene, "operator_info").len(), 1);
    scene.pass(60 * 24 * 8 * MINUTE).await;
    assert_eq!(samples(&scene, "operator_info"), Vec::<String>::new());
}
