//! The record formats, and the fields that the client keeps.

use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::sim::{Operator, RecordForm, SESSION_TOKEN, Track};
use cloudaudit_exporter::snapshot::{
    Operation, Outcome, SentSetting, SentStatus, TrackEvent, TrackRef,
};
use cloudaudit_exporter::tencent::parse_events;
use serde_json::{Value, json};

use super::super::support::scripted::{EVENING, SECRET_ID};
use super::{records, world};

/// The time of the record, in Unix seconds.
const TIME: u64 = 1_764_320_400;

/// A hand-written record in the documented format.
fn documented() -> Value {
    let parameters = json!({"TrackId": 41, "Status": 0, "Version": "2019-03-19"});
    let record = json!({
        "eventName": "ModifyAuditTrack", "eventType": "ConsoleCall", "actionType": "Write",
        "eventTime": 1_764_320_400, "eventVersion": 2, "eventRegion": "ap-guangzhou",
        "sourceIPAddress": "203.0.113.7", "requestID": "r-1", "eventID": "r-1", "errorCode": "0",
        "apiErrorCode": 0, "resourceType": "cloudaudit", "resourceName": "", "resourceSet": [],
        "requestParameters": parameters.to_string(),
        "responseElements": json!({"RequestId": "r-1"}).to_string(),
        "userIdentity": {
            "type": "CAMUser", "userName": "alice", "principalId": "100000000011",
            "accountId": "100000000001", "secretId": "AKIDexample",
            "sessionContext": json!({"token": SESSION_TOKEN, "mfa": 1}).to_string(),
        },
    });
    json!({
        "EventId": "r-1", "RequestID": "r-1", "EventName": "ModifyAuditTrack",
        "EventTime": "1764320400", "Username": "alice", "SourceIPAddress": "203.0.113.7",
        "SecretId": "AKIDexample", "AccountID": 100_000_000_001_u64, "ErrorCode": 0,
        "Resources": {"ResourceType": "cloudaudit", "ResourceName": ""},
        "CloudAuditEvent": record.to_string(),
    })
}

fn page(events: &[Value]) -> Vec<u8> {
    json!({"Response": {"Events": events, "ListOver": true, "NextToken": 0, "RequestId": "r"}})
        .to_string()
        .into_bytes()
}

fn alice() -> Operation {
    Operation {
        event_name: "ModifyAuditTrack".to_owned(),
        at: UNIX_EPOCH + Duration::from_secs(TIME),
        request_id: "r-1".to_owned(),
        operator: "alice".to_owned(),
        operator_type: "CAMUser".to_owned(),
        principal_id: "100000000011".to_owned(),
        role_session: None,
        source_ip: "203.0.113.7".to_owned(),
        call_type: "ConsoleCall".to_owned(),
    }
}

#[test]
fn the_documented_record_is_parsed_to_its_third_level() {
    let read = parse_events(&page(&[documented()])).unwrap();
    assert_eq!(read.next, None);
    let [record] = &read.records[..] else {
        panic!("{read:?}");
    };
    assert_eq!(record.operation, alice());
    assert_eq!(record.event(), TrackEvent::ModifyAuditTrack);
    assert_eq!(record.outcome, Outcome::Succeeded);
    assert_eq!(record.track, TrackRef::Id(41));
    assert_eq!(record.request.status, SentStatus::Off);
    assert_eq!(record.request.settings, Some(Vec::new()));
    assert_eq!(
        (&*record.action_type, &*record.resource_type),
        ("Write", "cloudaudit")
    );
}

/// The record with objects instead of JSON strings, and with other value types.
#[test]
fn objects_and_other_types_parse_to_the_same_record() {
    let expected = parse_events(&page(&[documented()])).unwrap();
    let mut event = documented();
    let record = event["CloudAuditEvent"].as_str().unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    record["requestParameters"] = json!({"TrackId": "41", "Status": "0"});
    record["responseElements"] = json!({"RequestId": "r-1"});
    record["userIdentity"]["sessionContext"] = json!({"token": SESSION_TOKEN, "mfa": {"a": 1}});
    record["userIdentity"]["principalId"] = json!(100_000_000_011_u64);
    record["apiErrorCode"] = json!("");
    record["errorCode"] = json!(0);
    record["eventTime"] = json!("2025-11-28 17:00:00");
    event["ErrorCode"] = json!("0");
    for inner in [record.clone(), json!(record.to_string())] {
        event["CloudAuditEvent"] = inner;
        for time in [
            json!("2025-11-28 17:00:00"),
            json!(1_764_320_400),
            Value::Null,
        ] {
            event["EventTime"] = time;
            assert_eq!(parse_events(&page(&[event.clone()])).unwrap(), expected);
        }
    }
}

#[test]
fn a_record_that_cannot_be_parsed_keeps_its_outer_fields() {
    for broken in [
        json!("{\"eventName\":\"x\",\"a\":\"{\"b\":1}\"}"),
        json!(7),
        json!([1]),
        Value::Null,
    ] {
        let mut event = documented();
        event["CloudAuditEvent"] = broken;
        let read = parse_events(&page(&[event])).unwrap();
        let record = &read.records[0];
        let outer = Operation {
            operator_type: String::new(),
            principal_id: String::new(),
            call_type: String::new(),
            ..alice()
        };
        assert_eq!(record.operation, outer);
        assert_eq!(record.track, TrackRef::Unnamed);
        assert_eq!(record.request.status, SentStatus::Unknown);
        assert_eq!(record.request.settings, None);
        assert_eq!(record.resource_type, "cloudaudit");
    }
}

#[test]
fn an_element_without_a_time_is_counted_and_the_others_are_kept() {
    let mut timeless = documented();
    timeless["EventTime"] = json!("yesterday");
    timeless["CloudAuditEvent"] = json!("?");
    let read = parse_events(&page(&[timeless, json!("no object"), documented()])).unwrap();
    assert_eq!((read.records.len(), read.unreadable), (1, 2));
}

/// Although the record's own key id is masked or missing.
#[test]
fn what_has_the_form_of_a_key_id_is_masked() {
    const ID: &str = "AKIDwholekeyAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut event = documented();
    let record = event["CloudAuditEvent"].as_str().unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    let identity = &mut record["userIdentity"];
    identity["secretId"] = json!("AKID****AAAA");
    identity["userName"] = json!(format!("{ID}, {ID}"));
    identity["principalId"] = json!(ID);
    identity["sessionContext"] = json!({"roleSessionName": format!("by-{ID}")});
    record["requestParameters"] = json!({"TrackId": 41, "Name": ID});
    event["CloudAuditEvent"] = record;
    event["SecretId"] = Value::Null;
    let mut long = event.clone();
    long["RequestID"] = json!(format!("{}{ID}", "r".repeat(240)));
    let read = parse_events(&page(&[event, long])).unwrap();
    assert!(!format!("{read:?}").contains("wholekey"), "{read:?}");
    let operation = &read.records[0].operation;
    assert_eq!(operation.operator, "***, ***");
    assert_eq!(operation.role_session.as_deref(), Some("by-***"));
    // A name that begins like a key id is none.
    let mut named = documented();
    named["CloudAuditEvent"] = Value::Null;
    named["Username"] = json!("AKID-rotation-function");
    let read = parse_events(&page(&[named])).unwrap();
    assert_eq!(read.records[0].operation.operator, "AKID-rotation-function");
}

#[test]
fn success_requires_all_error_codes_to_be_zero() {
    let outcome = |outer: Value, cam: Value, api: Value| {
        let mut event = documented();
        let record = event["CloudAuditEvent"].as_str().unwrap();
        let mut record: Value = serde_json::from_str(record).unwrap();
        record["errorCode"] = cam;
        record["apiErrorCode"] = api;
        event["ErrorCode"] = outer;
        event["CloudAuditEvent"] = json!(record.to_string());
        parse_events(&page(&[event])).unwrap().records[0].outcome
    };
    let (zero, null) = (json!(0), Value::Null);
    for fine in [
        json!(0),
        json!("0"),
        json!(0.0),
        json!("0.0"),
        json!(""),
        Value::Null,
    ] {
        assert_eq!(
            outcome(fine.clone(), fine.clone(), fine),
            Outcome::Succeeded
        );
    }
    for code in [
        json!(4102),
        json!("4102"),
        json!("UnauthorizedOperation"),
        json!(-1),
        json!({}),
    ] {
        assert_eq!(
            outcome(code.clone(), zero.clone(), zero.clone()),
            Outcome::Denied
        );
        assert_eq!(
            outcome(null.clone(), code.clone(), zero.clone()),
            Outcome::Denied
        );
        assert_eq!(outcome(null.clone(), null.clone(), code), Outcome::Failed);
    }
}

#[test]
fn request_parameters_are_read_by_name() {
    let mut event = documented();
    let record = event["CloudAuditEvent"].as_str().unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    record["requestParameters"] = json!({
        "TrackId": "***", "Name": "renamed", "EventNames": ["*"],
        "Storage": json!({"StorageName": "other", "StoragePrefix": "***"}).to_string(),
    });
    event["CloudAuditEvent"] = record;
    let read = parse_events(&page(&[event])).unwrap();
    let setting = |field, value: Option<&str>| SentSetting {
        field,
        value: value.map(str::to_owned),
    };
    assert_eq!(read.records[0].track, TrackRef::Name("renamed".to_owned()));
    assert_eq!(read.records[0].request.status, SentStatus::Absent);
    let expected = [
        setting("Name", Some("renamed")),
        setting("StorageName", Some("other")),
        setting("StoragePrefix", None),
        setting("EventNames", None),
    ];
    assert_eq!(
        read.records[0].request.settings.as_deref(),
        Some(&expected[..])
    );
}

/// The session token and the access key id appear in no field, even if other fields repeat them.
#[test]
fn neither_token_nor_key_id_is_kept() {
    let mut event = documented();
    let record = event["CloudAuditEvent"].as_str().unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    record["userIdentity"]["userName"] = json!("key AKIDexample of alice");
    record["userIdentity"]["principalId"] = json!("AKIDexample");
    event["CloudAuditEvent"] = record;
    let long = "x".repeat(10_000);
    event["SourceIPAddress"] = json!(long);
    let read = parse_events(&page(&[event])).unwrap();
    let kept = format!("{read:?}");
    assert!(
        !kept.contains("AKIDexample") && !kept.contains(SESSION_TOKEN),
        "{kept}"
    );
    assert_eq!(read.records[0].operation.operator, "key *** of alice");
    assert!(kept.len() < 3_000, "{}", kept.len());
}

#[tokio::test(start_paused = true)]
async fn every_simulated_record_format_is_parsed() {
    let (world, account) = world();
    let bob = Operator::user("bob", "100000000012").from_ip("198.51.100.9");
    let role = Operator::role("ops", "bob-at-work").through_api("AKIDrole0000000000000");
    let account = account.by(bob);
    let forms = [
        RecordForm::Documented,
        RecordForm::Objects,
        RecordForm::LocalTimes,
    ];
    for form in forms {
        account.recorded_as(form).set_status(41, 0).unwrap();
        account.unrecorded().set_status(41, 1).unwrap();
    }
    account
        .recorded_as(RecordForm::Masked)
        .set_status(41, 0)
        .unwrap();
    account
        .recorded_as(RecordForm::Unparsable)
        .set_status(41, 1)
        .unwrap();
    account.by(role).create(Track::new(42, "new"));
    account.denied_attempt("DeleteAuditTrack", json!({"TrackId": 41}));
    account.failed_attempt("StopLogging", json!({"AuditName": "x"}), "FailedOperation");

    let read = records(&world).await;
    let shown: Vec<_> = read
        .iter()
        .map(|record| {
            let operator = &*record.operation.operator;
            (
                record.event(),
                record.outcome,
                &record.track,
                record.request.status,
                operator,
            )
        })
        .collect();
    let (id, unnamed) = (TrackRef::Id(41), TrackRef::Unnamed);
    let name = TrackRef::Name("x".to_owned());
    let (modify, succeeded) = (TrackEvent::ModifyAuditTrack, Outcome::Succeeded);
    let delete = TrackEvent::DeleteAuditTrack;
    let expected = [
        (
            TrackEvent::StopLogging,
            Outcome::Failed,
            &name,
            SentStatus::Absent,
            "bob",
        ),
        (delete, Outcome::Denied, &id, SentStatus::Absent, "bob"),
        (
            TrackEvent::CreateAuditTrack,
            succeeded,
            &TrackRef::Id(42),
            SentStatus::On,
            "ops",
        ),
        (modify, succeeded, &unnamed, SentStatus::Unknown, "bob"),
        (modify, succeeded, &unnamed, SentStatus::Off, "bob"),
        (modify, succeeded, &id, SentStatus::Off, "bob"),
        (modify, succeeded, &id, SentStatus::Off, "bob"),
        (modify, succeeded, &id, SentStatus::Off, "bob"),
    ];
    assert_eq!(shown, expected);
    let times: Vec<_> = read.iter().map(|record| record.operation.at).collect();
    assert_eq!(times, [UNIX_EPOCH + Duration::from_secs(EVENING); 8]);
    let sessions: Vec<_> = read
        .iter()
        .filter_map(|record| record.operation.role_session.as_deref())
        .collect();
    assert_eq!(sessions, ["bob-at-work"]);
    let kept = format!("{read:?}");
    for secret in [SESSION_TOKEN, SECRET_ID, "AKIDconsole", "AKIDrole"] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}
