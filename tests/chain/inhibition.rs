//! Which alerts keep silent beside which, by a running Alertmanager: amtool cannot tell.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::alertmanager::{Alertmanager, shipped};
use crate::parts::part;

/// How long it may take to take note of what was fired.
const PATIENCE: Duration = Duration::from_secs(10);

/// A source, a target that it silences, and targets beside it that it must not.
struct Case {
    source: Value,
    silenced: Vec<Value>,
    heard: Vec<Value>,
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            source: json!({"alertname": "CloudAuditExporterDown", "job": "a"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "a", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditDataStale", "job": "a", "account": "x"}),
            ],
            heard: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "b", "account": "x", "track_id": "1"}),
                json!({"alertname": "SomebodyElses", "job": "a"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditCloudUnreachable", "job": "c"}),
            silenced: vec![json!({"alertname": "CloudAuditDataStale", "job": "c", "account": "x"})],
            heard: vec![
                json!({"alertname": "CloudAuditDataStale", "job": "d", "account": "x"}),
                json!({"alertname": "CloudAuditTrackVanished", "job": "c", "account": "y", "track_id": "1"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditDataStale", "job": "e", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "e", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditAccountWithoutEnabledTrack", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "e", "account": "x", "track": "t"}),
            ],
            heard: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "e", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditAccountNoLongerWatched", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditClockSkew", "job": "e"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditTrackTurnedOff", "job": "f", "account": "x", "track_id": "1"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackDisabled", "job": "f", "account": "x", "track_id": "1"}),
            ],
            heard: vec![
                json!({"alertname": "CloudAuditTrackDisabled", "job": "f", "account": "x", "track_id": "2"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditAccountWithoutEnabledTrack", "job": "g", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "g", "account": "x", "track_id": "1"}),
            ],
            heard: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "g", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackVanished", "job": "g", "account": "x", "track_id": "2"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditCredentialsFailing", "job": "h", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "h", "account": "x"}),
            ],
            heard: vec![json!({"alertname": "CloudAuditPollFailing", "job": "h", "account": "y"})],
        },
    ]
}

#[tokio::test]
async fn an_alert_silences_what_it_explains_and_nothing_beside_it() {
    let alertmanager = Alertmanager::start(shipped()).await;
    for case in cases() {
        let all: Vec<Value> = [vec![case.source.clone()], case.silenced.clone(), case.heard]
            .concat()
            .into_iter()
            .collect();
        alertmanager.fire(&all).await;
        let job = case.source["job"].to_string();
        let wanted: Vec<String> = sorted(case.silenced.iter().map(Value::to_string));
        let start = Instant::now();
        loop {
            let inhibited = alertmanager.inhibited().await;
            let of_job = inhibited
                .into_iter()
                .filter(|labels| labels.contains(&format!("\"job\":{job}")));
            let of_job = sorted(of_job);
            if of_job == wanted {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{of_job:#?}\n{wanted:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // What is not silenced stays so.
        assert!(
            !alertmanager
                .inhibited()
                .await
                .contains(&case.source.to_string())
        );
    }
}

#[test]
fn amtool_takes_the_configuration_and_refuses_a_broken_one() {
    assert!(amtool(&shipped()), "it is sound");
    let broken = shipped().replace("receiver: pager", "receiver: nobody");
    assert!(!amtool(&broken), "a receiver is missing");
}

fn amtool(configuration: &str) -> bool {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("alertmanager.yaml");
    std::fs::write(&file, configuration).unwrap();
    let checked = Command::new(part("amtool"))
        .arg("check-config")
        .arg(&file)
        .output();
    checked.unwrap().status.success()
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}
