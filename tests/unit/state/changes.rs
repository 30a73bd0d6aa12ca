//! The change feed in the state file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::snapshot::{
    AccountInfo, AttributionReport, AttributionResult, ChangeRecord, ChangeSource, CheckCursor,
    DeliveryReport, DeliveryState, LookupState, Outcome, Remembered, Report, SeenSwitch,
    StorageTarget, SweepReport, SweepState, TrackEvent, TrackRef,
};
use cloudaudit_exporter::state::Saved;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::changes::{disabled, made_by};

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::new(1_795_435_200, 123_456_789)
}

fn written(records: &[ChangeRecord]) -> Value {
    let records: Vec<_> = records.iter().cloned().map(Arc::new).collect();
    serde_json::to_value(Saved::from_reports(&[]).with_changes(&records)).unwrap()
}

fn loaded(file: Value) -> Vec<ChangeRecord> {
    serde_json::from_value::<Saved>(file).unwrap().changes()
}

#[test]
fn records_are_restored_as_they_were() {
    let records = vec![
        ChangeRecord {
            id: 2,
            took: Duration::from_secs(9),
            previous: Some(noon() - Duration::from_mins(1)),
            source: ChangeSource::Operation,
            attribution: made_by("alice", noon()),
            ..disabled("prod", 41, noon())
        },
        ChangeRecord {
            id: u64::MAX,
            ..disabled("removed", u64::MAX, noon())
        },
    ];
    assert_eq!(loaded(written(&records)), records);
    let empty = written(&[]);
    assert_eq!(empty, json!({"accounts": {}}), "an older exporter reads it");
}

#[test]
fn what_a_later_exporter_adds_is_no_fault() {
    let record = ChangeRecord {
        attribution: made_by("alice", noon()),
        ..disabled("prod", 41, noon())
    };
    let mut file = written(&[record.clone(), record.clone(), record]);
    let changes = file["changes"].as_array_mut().unwrap();
    changes[0]["change"] = json!("cloned");
    changes[1]["source"] = json!("oracle");
    changes[1]["result"] = json!("perhaps");
    changes[1]["operations"][0]["weather"] = json!("fine");
    for key in ["fields", "operations", "previous_unix_ns", "source"] {
        changes[2].as_object_mut().unwrap().remove(key);
    }
    let loaded = loaded(file);
    assert_eq!(
        loaded.len(),
        2,
        "a kind of change that is unknown is dropped"
    );
    assert_eq!(loaded[0].source, ChangeSource::Poll);
    assert_eq!(loaded[0].attribution.result, AttributionResult::Failed);
    assert_eq!(loaded[0].attribution.operations[0].operator, "alice");
    assert_eq!((loaded[1].fields.len(), loaded[1].track_id), (0, 41));
}

/// Searches resume at their previous state. Their counters start at 0, like all counters.
#[test]
fn searches_are_restored_without_their_counters() {
    let remembered = |key: &str, switched| Remembered {
        at: noon() - Duration::from_mins(3),
        key: key.to_owned(),
        switched,
        is_counted: false,
    };
    let mut report = AttributionReport {
        lookups: vec![LookupState {
            began: noon(),
            previous: Some(noon() - Duration::from_mins(1)),
            attempts: 2,
            requests: 3,
            has_read_all: true,
            changes: vec![7, u64::MAX],
        }],
        sweeps: Some(SweepReport {
            last: Some(noon()),
            state: SweepState {
                since: noon() - Duration::from_hours(1),
                until: noon(),
                listed: Some(noon() - Duration::from_mins(59)),
                settled: None,
                seen: vec![SeenSwitch {
                    track_id: 41,
                    track: "audit-all".to_owned(),
                    on: true,
                    began: noon() - Duration::from_secs(5),
                    ended: noon(),
                }],
                remembered: vec![
                    remembered("deleteaudittrack r-1", None),
                    remembered("modifyaudittrack r-2", Some((TrackRef::Id(41), false))),
                    remembered("startlogging r-3", Some((TrackRef::Name("a".into()), true))),
                ],
            },
            operations: [((TrackEvent::Other, Outcome::Failed), 1)].into(),
            attempts: [((TrackEvent::Other, Outcome::Failed), noon())].into(),
            unseen_switch_offs: 1,
            unseen_tracks: [(7, ("audit-all".to_owned(), noon()))].into(),
        }),
        ..AttributionReport::default()
    };
    report.results[AttributionResult::Denied] = 4;
    let account = AccountInfo {
        name: "prod".to_owned(),
        ..AccountInfo::default()
    };
    let written = Report {
        account: Arc::new(account),
        attribution: Some(Arc::new(report.clone())),
        ..Report::default()
    };
    let file = serde_json::to_string(&Saved::from_reports(&[Arc::new(written)])).unwrap();
    let saved: Saved = serde_json::from_str(&file).unwrap();
    let now = Moment {
        wall: noon(),
        steady: Instant::now(),
    };
    let restored = saved.into_reports(now).remove("prod").unwrap();
    let restored = restored.attribution.unwrap();
    assert_eq!(restored.lookups, report.lookups);
    let sweeps = |report: &AttributionReport| report.sweeps.clone().unwrap();
    let state = |report: &AttributionReport| (sweeps(report).last, sweeps(report).state);
    assert_eq!(state(&restored), state(&report));
    assert_eq!(sweeps(&restored).operations.len(), 0);
    assert_eq!(sweeps(&restored).unseen_switch_offs, 0);
    assert_eq!(restored.results.values().sum::<u64>(), 0);
}

/// The names in the file and their order, once and for all.
#[test]
fn the_format_of_changes_searches_and_deliveries_stays() {
    let mut operation = made_by("alice", noon());
    operation.operations[0].role_session = Some("s".to_owned());
    let change = ChangeRecord {
        id: 2,
        previous: Some(noon() - Duration::from_nanos(1)),
        source: ChangeSource::Operation,
        attribution: operation,
        ..disabled("prod", 41, noon())
    };
    let remembered = |switched| Remembered {
        at: noon(),
        key: "k".to_owned(),
        switched,
        is_counted: false,
    };
    let search = AttributionReport {
        lookups: vec![LookupState {
            began: noon(),
            previous: None,
            attempts: 1,
            requests: 2,
            has_read_all: false,
            changes: vec![7],
        }],
        sweeps: Some(SweepReport {
            last: None,
            state: SweepState {
                since: noon(),
                until: noon(),
                listed: None,
                settled: None,
                seen: Vec::new(),
                remembered: vec![
                    remembered(None),
                    remembered(Some((TrackRef::Unnamed, true))),
                    remembered(Some((TrackRef::Id(41), false))),
                    remembered(Some((TrackRef::Name("a".to_owned()), true))),
                ],
            },
            operations: BTreeMap::new(),
            attempts: BTreeMap::new(),
            unseen_switch_offs: 0,
            unseen_tracks: BTreeMap::new(),
        }),
        ..AttributionReport::default()
    };
    let delivery = DeliveryReport {
        state: DeliveryState::Stalled,
        due: Some(noon()),
        overdue_checks: 2,
        missing_since: Some(Moment {
            wall: noon(),
            steady: Instant::now(),
        }),
        cursor: Some(CheckCursor::Topic {
            newest_unix_seconds: None,
            described_unix_seconds: 5,
        }),
        ..DeliveryReport::new(StorageTarget {
            kind: "cls".to_owned(),
            region: "r".to_owned(),
            name: "n".to_owned(),
            prefix: String::new(),
        })
    };
    let account = AccountInfo {
        name: "prod".to_owned(),
        ..AccountInfo::default()
    };
    let report = Report {
        account: Arc::new(account),
        attribution: Some(Arc::new(search)),
        deliveries: Some(vec![Arc::new(delivery)]),
        ..Report::default()
    };
    let saved = Saved::from_reports(&[Arc::new(report)]).with_changes(&[Arc::new(change)]);
    let expected = concat!(
        r#"{"accounts":{"prod":{"evidence":{"observed_ns":0,"covered_ns":0,"latest":null},"#,
        r#""attribution":{"lookups":[{"began_unix_ns":AT,"previous_unix_ns":null,"attempts":1,"#,
        r#""requests":2,"has_read_all":false,"changes":[7]}],"sweep":{"last_unix_ns":null,"#,
        r#""since_unix_ns":AT,"until_unix_ns":AT,"#,
        r#""remembered":[{"at_unix_ns":AT,"key":"k"},{"at_unix_ns":AT,"key":"k","switched_on":true},"#,
        r#"{"at_unix_ns":AT,"key":"k","track_id":41,"switched_on":false},"#,
        r#"{"at_unix_ns":AT,"key":"k","track":"a","switched_on":true}]}},"#,
        r#""targets":{},"#,
        r#""deliveries":[{"storage_type":"cls","storage_region":"r","storage_name":"n","#,
        r#""storage_prefix":"","state":"stalled","explanation":"not checked yet","#,
        r#""last_arrival_unix_ns":null,"due_unix_ns":AT,"last_check_unix_ns":null,"#,
        r#""overdue_checks":2,"missing_since_unix_ns":AT,"#,
        r#""cursor":{"topic":{"newest_unix_seconds":null,"described_unix_seconds":5}}}]}},"#,
        r#""changes":[{"id":2,"account":"prod","region":"ap-guangzhou","track_id":41,"#,
        r#""track":"track-41","change":"disabled","#,
        r#""fields":[{"field":"Status","from":"enabled","to":"disabled"}],"seen_unix_ns":AT,"#,
        r#""previous_unix_ns":1795435200123456788,"source":"operation","result":"certain","#,
        r#""operations":[{"event_name":"ModifyAuditTrack","at_unix_ns":AT,"request_id":"r-1","#,
        r#""operator":"alice","operator_type":"CAMUser","principal_id":"100000000011","#,
        r#""role_session":"s","source_ip":"203.0.113.7","call_type":"ConsoleCall"}]}]}"#,
    );
    let expected = expected.replace("AT", "1795435200123456789");
    assert_eq!(serde_json::to_string(&saved).unwrap(), expected);
}
