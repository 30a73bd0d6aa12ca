//! Secrets in operation records are never written.

use cloudaudit_exporter::sim::{Operator, RecordForm, SESSION_TOKEN};
use cloudaudit_exporter::state::Saved;
use serde_json::json;
use std::sync::Arc;

use super::scene::{MINUTE, Scene};

const KEY_OF_ALICE: &str = "AKIDalice00000000000000000000000000";

#[tokio::test(start_paused = true)]
async fn neither_the_token_nor_the_key_of_an_operator_is_written() {
    let keys = "attribution: {enabled: true, sweep_interval: 5m, operator_label: true}";
    let mut scene = Scene::new(keys).await;
    let alice = Operator::user("alice", "100000000011").through_api(KEY_OF_ALICE);
    let role = Operator::role("admin", "session-of-bob").through_api(KEY_OF_ALICE);
    let forms = [
        RecordForm::Documented,
        RecordForm::Objects,
        RecordForm::LocalTimes,
        RecordForm::Masked,
        RecordForm::Unparsable,
    ];
    for (form, status) in forms.into_iter().zip([0, 1].into_iter().cycle()) {
        for operator in [&alice, &role] {
            let home = scene.home().by(operator.clone()).recorded_as(form);
            home.set_status(1, status).unwrap();
            home.denied_attempt("DeleteAuditTrack", json!({"TrackId": 1}));
            home.set_status(1, 1 - status).unwrap();
        }
        let home = scene.home().by(role.clone()).recorded_as(form);
        home.set_status(1, status).unwrap();
        scene
            .home()
            .recorded_as(form)
            .set_status(3, status)
            .unwrap();
        scene.pass(6 * MINUTE).await;
    }
    scene.pass(40 * MINUTE).await;
    let changes = scene.changes();
    assert!(changes.len() >= 10, "{}", changes.len());
    let names = format!("{changes:?}");
    assert!(names.contains("session-of-bob"), "{names}");

    let reports: Vec<_> = scene
        .stage
        .shown
        .reports()
        .into_iter()
        .map(Arc::new)
        .collect();
    let saved = Saved::from_reports(&reports).with_changes(&changes);
    let written = [
        scene.log(),
        names,
        serde_json::to_string(&saved).unwrap(),
        format!("{reports:?}"),
    ];
    for text in &written {
        assert!(!text.contains(SESSION_TOKEN), "{text}");
        assert!(!text.contains(KEY_OF_ALICE), "{text}");
    }
}
