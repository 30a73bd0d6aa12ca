//! Which alerts inhibit which, by a running Alertmanager: amtool cannot check that.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::alertmanager::{Alertmanager, shipped};
use crate::support::parts::part;

/// Longer than Alertmanager takes to process new alerts.
const QUIET: Duration = Duration::from_secs(1);

/// A source, alerts that it inhibits, and similar alerts that it must not inhibit. Each case has a
/// job of its own, because all alerts fire at the same time.
struct Case {
    source: Value,
    silenced: Vec<Value>,
    notified: Vec<Value>,
}

fn cases() -> Vec<Case> {
    let all = [
        of_watching(),
        of_shards(),
        of_tracks(),
        of_deliveries(),
        of_keys(),
    ];
    all.into_iter().flatten().collect()
}

/// The exporter is down, or it cannot reach the cloud.
fn of_watching() -> Vec<Case> {
    vec![
        Case {
            source: json!({"alertname": "CloudAuditExporterDown", "job": "a"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "a", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditDataStale", "job": "a", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "not a", "account": "x", "track_id": "1"}),
                json!({"alertname": "SomebodyElses", "job": "a"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditCloudUnreachable", "job": "c"}),
            silenced: vec![
                json!({"alertname": "CloudAuditDataStale", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditThrottled", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditCredentialsExpiring", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditOrganizationStale", "job": "c", "organization": "o"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditOrganizationStale", "job": "not c", "organization": "o"}),
                json!({"alertname": "CloudAuditOrganizationShrunk", "job": "c", "organization": "o"}),
                json!({"alertname": "CloudAuditCredentialsFailing", "job": "c", "account": "x"}),
                json!({"alertname": "CloudAuditDataStale", "job": "not c", "account": "x"}),
                json!({"alertname": "CloudAuditTrackVanished", "job": "c", "account": "y", "track_id": "1"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditDataStale", "job": "d", "account": "x", "severity": "critical"}),
            silenced: vec![
                json!({"alertname": "CloudAuditDataStale", "job": "d", "account": "x", "severity": "warning"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditDataStale", "job": "d", "account": "y", "severity": "warning"}),
                json!({"alertname": "CloudAuditDataStale", "job": "not d", "account": "x", "severity": "warning"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditDataStale", "job": "e", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditThrottled", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditTrackDisabled", "job": "e", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackForgotten", "job": "e", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackStorageForeign", "job": "e", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditAccountNotCovered", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditDeliveryStalled", "job": "e", "account": "x", "storage_name": "a"}),
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "e", "account": "x", "track": "t"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackDisabled", "job": "e", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackDisabled", "job": "not e", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditAccountNoLongerWatched", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditAccountNeverSucceeded", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditAccountLoopRestarted", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditTracksDropped", "job": "e", "account": "x"}),
                json!({"alertname": "CloudAuditClockSkew", "job": "e"}),
            ],
        },
        // These alerts report an event, which an incomplete listing can show, too.
        Case {
            source: json!({"alertname": "CloudAuditDataStale", "job": "o", "account": "x"}),
            silenced: vec![],
            notified: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "o", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackVanished", "job": "o", "account": "x", "track_id": "2"}),
                json!({"alertname": "CloudAuditTrackRecreated", "job": "o", "account": "x", "track_id": "3"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditDataStale", "job": "q", "account": "x"}),
            silenced: vec![],
            notified: vec![
                json!({"alertname": "CloudAuditAccountWithoutEnabledTrack", "job": "q", "account": "x"}),
            ],
        },
    ]
}

/// The shards disagree about the division of the accounts.
fn of_shards() -> Vec<Case> {
    vec![Case {
        source: json!({"alertname": "CloudAuditShardsMismatch", "job": "k"}),
        silenced: vec![json!({"alertname": "CloudAuditShardsMissing", "job": "k"})],
        notified: vec![
            json!({"alertname": "CloudAuditShardsMissing", "job": "not k"}),
            json!({"alertname": "CloudAuditTrackVanished", "job": "k", "account": "x", "track_id": "1"}),
            json!({"alertname": "CloudAuditConfigDrift", "job": "k"}),
        ],
    }]
}

fn of_tracks() -> Vec<Case> {
    vec![
        Case {
            source: json!({"alertname": "CloudAuditTrackTurnedOff", "job": "f", "account": "x", "track_id": "1"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackDisabled", "job": "f", "account": "x", "track_id": "1"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackDisabled", "job": "f", "account": "x", "track_id": "2"}),
                json!({"alertname": "CloudAuditTrackDisabled", "job": "f", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackDisabled", "job": "not f", "account": "x", "track_id": "1"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditAccountWithoutEnabledTrack", "job": "g", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "g", "account": "x", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackVanished", "job": "g", "account": "x", "track_id": "2"}),
                json!({"alertname": "CloudAuditExpectedTrackMismatch", "job": "g", "account": "x", "track": "t"}),
                json!({"alertname": "CloudAuditAccountNotCovered", "job": "g", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "g", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackTurnedOff", "job": "not g", "account": "x", "track_id": "2"}),
                json!({"alertname": "CloudAuditTrackStorageForeign", "job": "g", "account": "x", "track_id": "2"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditTrackVanished", "job": "l", "account": "x", "track_id": "1", "track": "t"}),
            silenced: vec![
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "l", "account": "x", "track": "t"}),
                json!({"alertname": "CloudAuditAccountNotCovered", "job": "l", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "l", "account": "x", "track": "u"}),
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "l", "account": "y", "track": "t"}),
                json!({"alertname": "CloudAuditExpectedTrackMissing", "job": "not l", "account": "x", "track": "t"}),
                json!({"alertname": "CloudAuditAccountNotCovered", "job": "l", "account": "y"}),
                json!({"alertname": "CloudAuditAccountNotCovered", "job": "not l", "account": "x"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditTrackVanished", "job": "p", "account": "x", "track_id": "1"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackForgotten", "job": "p", "account": "x", "track_id": "1"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackForgotten", "job": "p", "account": "x", "track_id": "2"}),
                json!({"alertname": "CloudAuditTrackForgotten", "job": "p", "account": "y", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackForgotten", "job": "not p", "account": "x", "track_id": "1"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditExpectedTrackMismatch", "job": "m", "account": "x", "track": "t"}),
            silenced: vec![
                json!({"alertname": "CloudAuditTrackSettingsChanged", "job": "m", "account": "x", "track": "t", "track_id": "1"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditTrackSettingsChanged", "job": "m", "account": "x", "track": "u", "track_id": "2"}),
                json!({"alertname": "CloudAuditTrackSettingsChanged", "job": "m", "account": "y", "track": "t", "track_id": "1"}),
                json!({"alertname": "CloudAuditTrackSettingsChanged", "job": "not m", "account": "x", "track": "t", "track_id": "1"}),
            ],
        },
    ]
}

/// The state of one storage target says nothing about another target.
fn of_deliveries() -> Vec<Case> {
    let missing = "CloudAuditDeliveryTargetMissing";
    let [stalled, unproven, unknown] =
        ["Stalled", "Unproven", "Unknown"].map(|state| format!("CloudAuditDelivery{state}"));
    vec![
        of_storage("r", missing, &[&stalled, &unproven, &unknown]),
        of_storage("s", &stalled, &[&unknown]),
        // Without an enabled track, nothing is checked any more.
        Case {
            source: json!({"alertname": "CloudAuditAccountWithoutEnabledTrack", "job": "t", "account": "x"}),
            silenced: vec![
                json!({"alertname": missing, "job": "t", "account": "x", "storage_name": "a"}),
                json!({"alertname": stalled, "job": "t", "account": "x", "storage_name": "b"}),
            ],
            notified: vec![
                json!({"alertname": stalled, "job": "t", "account": "y", "storage_name": "a"}),
                json!({"alertname": stalled, "job": "not t", "account": "x", "storage_name": "a"}),
            ],
        },
    ]
}

fn of_storage(job: &str, source: &str, targets: &[&str]) -> Case {
    let labels = [
        ("job", job),
        ("account", "x"),
        ("storage_type", "cos"),
        ("storage_region", "gz"),
        ("storage_name", "a"),
        ("storage_prefix", "p"),
    ];
    let alert = |name: &str, other: Option<&str>| {
        let mut alert = json!({"alertname": name});
        for (label, value) in labels {
            let value = match other {
                Some(other) if other == label => format!("not {value}"),
                _ => value.to_owned(),
            };
            alert[label] = value.into();
        }
        alert
    };
    let names = labels.iter().map(|(label, _)| *label);
    Case {
        source: alert(source, None),
        silenced: targets.iter().map(|name| alert(name, None)).collect(),
        notified: names.map(|label| alert(targets[0], Some(label))).collect(),
    }
}

fn of_keys() -> Vec<Case> {
    vec![
        Case {
            source: json!({"alertname": "CloudAuditCredentialsFailing", "job": "h", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditDataStale", "job": "h", "account": "x", "severity": "warning"}),
                json!({"alertname": "CloudAuditDataStale", "job": "h", "account": "x", "severity": "critical"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "h", "account": "x"}),
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "h", "account": "x"}),
                json!({"alertname": "CloudAuditCredentialsExpiring", "job": "h", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "h", "account": "y"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "not h", "account": "x"}),
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "h", "account": "y"}),
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "not h", "account": "x"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditCredentialsUnauthorized", "job": "i", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "i", "account": "x", "severity": "warning"}),
                json!({"alertname": "CloudAuditDataStale", "job": "i", "account": "x", "severity": "warning"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "i", "account": "y", "severity": "warning"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "not i", "account": "x", "severity": "warning"}),
                json!({"alertname": "CloudAuditCredentialsExpiring", "job": "i", "account": "z"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditThrottled", "job": "n", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "n", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditPollFailing", "job": "n", "account": "y"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "not n", "account": "x"}),
            ],
        },
        Case {
            source: json!({"alertname": "CloudAuditCredentialsExpiring", "job": "j", "account": "x"}),
            silenced: vec![
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "j", "account": "x"}),
            ],
            notified: vec![
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "j", "account": "y"}),
                json!({"alertname": "CloudAuditCredentialsRefreshFailing", "job": "not j", "account": "x"}),
                json!({"alertname": "CloudAuditPollFailing", "job": "j", "account": "x"}),
            ],
        },
    ]
}

#[tokio::test]
async fn an_alert_inhibits_only_the_alerts_that_it_explains() {
    let (silenced, wanted) = judged(shipped()).await;
    assert_eq!(silenced, wanted);
}

/// The maximum number of Alertmanager processes at the same time.
const MAX_ALERTMANAGERS: usize = 6;

/// Each label of `equal` is necessary: without it, an alert would inhibit alerts of another job,
/// account or track.
#[tokio::test]
async fn an_inhibition_that_says_too_little_is_noticed() {
    let looser = looser();
    assert!(looser.len() > 10, "{}", looser.len());
    // Each Alertmanager is idle most of its time.
    let judge = |configuration: String| async move {
        let (silenced, wanted) = judged(configuration.clone()).await;
        assert_ne!(silenced, wanted, "no case fails:\n{configuration}");
    };
    stream::iter(looser)
        .for_each_concurrent(MAX_ALERTMANAGERS, judge)
        .await;
}

/// Returns copies of the shipped configuration, each without one label of one `equal`.
fn looser() -> Vec<String> {
    let shipped = shipped();
    let mut all = Vec::new();
    for (at, key) in shipped.match_indices("equal: [") {
        let (head, rest) = shipped.split_at(at + key.len());
        let (labels, tail) = rest.split_once(']').unwrap();
        let labels: Vec<&str> = labels.split(", ").collect();
        all.extend((0..labels.len()).map(|without| {
            let mut fewer = labels.clone();
            fewer.remove(without);
            format!("{head}{}]{tail}", fewer.join(", "))
        }));
    }
    all
}

/// Returns the alerts of all cases that an Alertmanager inhibits, and those that it should inhibit.
/// Waits until both are equal, or until no more alerts become inhibited.
async fn judged(configuration: String) -> (BTreeSet<String>, BTreeSet<String>) {
    let alertmanager = Alertmanager::start(configuration).await;
    let cases = cases();
    let wanted = cases.iter().flat_map(|case| &case.silenced);
    let wanted: BTreeSet<String> = wanted.map(Value::to_string).collect();
    let all = cases
        .into_iter()
        .flat_map(|case| [vec![case.source], case.silenced, case.notified].concat());
    alertmanager.fire(&all.collect::<Vec<_>>()).await;
    let mut silenced = alertmanager.inhibited().await;
    let mut news = Instant::now();
    while silenced != wanted && news.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = alertmanager.inhibited().await;
        if now != silenced {
            silenced = now;
            news = Instant::now();
        }
    }
    (silenced, wanted)
}

#[test]
fn amtool_takes_the_configuration_and_refuses_a_broken_one() {
    assert!(amtool(&shipped()), "it is sound");
    let broken = shipped().replace("receiver: pager", "receiver: missing");
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
