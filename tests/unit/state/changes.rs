//! The change feed in the state file.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::snapshot::{
    AccountInfo, AttributionReport, AttributionResult, ChangeRecord, ChangeSource, LookupState,
    Outcome, Remembered, Report, SweepReport, SweepState, TrackEvent, TrackRef,
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

/// The searches go on where they were; the counters begin again, like all counters.
#[test]
fn searches_are_restored_without_their_counters() {
    let remembered = |key: &str, switched| Remembered {
        at: noon() - Duration::from_mins(3),
        key: key.to_owned(),
        switched,
    };
    let mut report = AttributionReport {
        lookups: vec![LookupState {
            began: noon(),
            previous: Some(noon() - Duration::from_mins(1)),
            attempts: 2,
            requests: 3,
            changes: vec![7, u64::MAX],
        }],
        sweeps: Some(SweepReport {
            last: Some(noon()),
            state: SweepState {
                until: noon(),
                remembered: vec![
                    remembered("deleteaudittrack r-1", None),
                    remembered("modifyaudittrack r-2", Some((TrackRef::Id(41), false))),
                    remembered("startlogging r-3", Some((TrackRef::Name("a".into()), true))),
                ],
            },
            operations: [((TrackEvent::Other, Outcome::Failed), 1)].into(),
            unseen_switch_offs: 1,
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
