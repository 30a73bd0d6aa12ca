//! Missing, denied and broken storage targets.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Identity, Layout};
use cloudaudit_exporter::tencent::credentials::{CredentialFuture, Provider, ProviderState};
use cloudaudit_exporter::tencent::storage::{CheckResult, StorageClients};
use http::StatusCode;
use serde_json::json;

use super::{APP_ID, HOUR, LIMITS, MINUTE, REGION, Stage, UIN, storage_parts, target};
use crate::support::scripted::SECRET_ID;

fn delivering() -> Stage {
    Stage::delivering(Layout::days(), 5 * MINUTE, HOUR)
}

fn reason(result: &CheckResult) -> (Reason, String) {
    match result {
        CheckResult::Failed(failure) => (failure.reason, failure.code.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_does_not_exist_is_missing() {
    let mut stage = Stage::new();
    let expected = format!("the bucket audit-log-{APP_ID} does not exist in {REGION}");
    let missing = CheckResult::Missing { what: expected };
    assert_eq!(stage.check().await, missing);
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    assert_eq!(stage.seen().await.0, None);
    bucket.delete();
    assert_eq!(stage.check().await, missing);
    // Every check was one request.
    assert_eq!(stage.lists(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_denied_check_fails_without_a_retry() {
    let mut stage = delivering();
    stage
        .account
        .deny_action(SECRET_ID, "cos:GetBucket")
        .unwrap();
    let denied = (Reason::Unauthorized, "AccessDenied".to_owned());
    assert_eq!(reason(&stage.check().await), denied);
    assert_eq!(stage.lists(), 1);
    stage.account.permit(SECRET_ID).unwrap();
    assert_eq!(stage.seen().await.0, stage.truth());
}

#[tokio::test(start_paused = true)]
async fn the_bucket_of_another_account_is_denied() {
    let mut stage = Stage::new();
    let other = stage.world.add_account("100000000002");
    other.set_app_id("1250000002");
    other.add_bucket(REGION, "audit-log");
    let result = stage.check_with(Some("1250000002")).await;
    assert_eq!(reason(&result).0, Reason::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn other_errors_are_classified_by_status_and_code() {
    let html = "<html><body>gateway</body></html>";
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for (status, body, expected, requests) in [
        (404, html.to_owned(), (Reason::Rejected, "http_404"), 1),
        (404, error("NoSuchKey"), (Reason::Rejected, "http_404"), 1),
        (403, html.to_owned(), (Reason::Unauthorized, "http_403"), 1),
        (
            403,
            error("AccessDenied"),
            (Reason::Unauthorized, "AccessDenied"),
            1,
        ),
        (
            403,
            error("SignatureDoesNotMatch"),
            (Reason::Unauthenticated, "SignatureDoesNotMatch"),
            1,
        ),
        (503, error("SlowDown"), (Reason::Throttled, "SlowDown"), 3),
        (503, html.to_owned(), (Reason::Unavailable, "http_503"), 3),
        (429, String::new(), (Reason::Throttled, "http_429"), 3),
        (
            500,
            error("InternalError"),
            (Reason::Unavailable, "InternalError"),
            3,
        ),
        (
            301,
            error("PermanentRedirect"),
            (Reason::Rejected, "http_301"),
            1,
        ),
        (200, html.to_owned(), (Reason::Malformed, "malformed"), 2),
        (
            200,
            "no xml".to_owned(),
            (Reason::Malformed, "malformed"),
            2,
        ),
        (
            200,
            error("NoSuchBucket"),
            (Reason::Malformed, "malformed"),
            2,
        ),
    ] {
        let mut stage = delivering();
        let status_code = StatusCode::from_u16(status).unwrap();
        let fault = Fault::raw(status_code, "application/xml", body.clone());
        stage.world.inject(fault.until_cleared());
        let found = reason(&stage.check().await);
        let (reason, code) = expected;
        assert_eq!(found, (reason, code.to_owned()), "{status} {body}");
        assert_eq!(stage.lists(), requests, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transient_fault_is_retried() {
    let mut stage = delivering();
    stage
        .world
        .inject(Fault::error("SlowDown", "later").times(2));
    assert_eq!(stage.seen().await.0, stage.truth());
}

/// The message of a gateway may quote the request.
#[tokio::test(start_paused = true)]
async fn secrets_in_messages_are_redacted() {
    const TOKEN: &str = "token-of-a-temporary-credential";
    let mut stage = delivering();
    let message = format!("your key {SECRET_ID}, your token {TOKEN}");
    stage
        .world
        .inject(Fault::error("AccessDenied", &message).until_cleared());
    let CheckResult::Failed(failure) = stage.check().await else {
        panic!("it is denied");
    };
    assert!(!failure.message.contains(SECRET_ID), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected() {
    for skew in [-7 * 3_600, 3 * 3_600] {
        let mut stage = delivering();
        stage.world.set_skew_seconds(skew);
        stage.world.deliver();
        let now = stage.world.now();
        let result = stage.check().await;
        let CheckResult::Seen {
            newest, cloud_now, ..
        } = result
        else {
            panic!("{result:?}");
        };
        assert_eq!(cloud_now, now);
        // No object appears to be in the future.
        assert!(newest <= Some(cloud_now));
        let refused = stage.world.calls();
        let refused = refused.iter().filter(|call| call.refused.is_some());
        assert_eq!(refused.count(), 1, "the correction holds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replaced_key_is_unauthenticated() {
    let mut stage = delivering();
    stage.account.remove_identity(SECRET_ID).unwrap();
    let expected = (Reason::Unauthenticated, "InvalidAccessKeyId".to_owned());
    assert_eq!(reason(&stage.check().await), expected);
    stage
        .account
        .add_identity(Identity::permanent(SECRET_ID, "another key"));
    let expected = (Reason::Unauthenticated, "SignatureDoesNotMatch".to_owned());
    assert_eq!(reason(&stage.check().await), expected);
    assert_eq!(stage.world.refused_signatures(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_an_app_id_a_bucket_cannot_be_checked() {
    let mut stage = delivering();
    stage
        .account
        .deny_action(SECRET_ID, "cam:GetUserAppId")
        .unwrap();
    let result = stage.check_with(None).await;
    let CheckResult::Impossible { why } = &result else {
        panic!("{result:?}");
    };
    assert!(
        why.contains("appid") && why.contains("cam:GetUserAppId"),
        "{why}"
    );
    assert_eq!(stage.lists(), 0);
}

/// Names come from the API and become part of a host name.
#[tokio::test(start_paused = true)]
async fn impossible_targets_cost_no_request() {
    let mut stage = Stage::new();
    let calls = |stage: &Stage| stage.world.call_count();
    for (kind, name, region) in [
        ("cos", "evil.example.com/x", REGION),
        ("cos", "", REGION),
        ("cos", "UPPER", REGION),
        ("cos", "audit", "evil.example.com/"),
        ("cls", "topic", "line\nbreak"),
        ("ckafka", "no-topic", REGION),
        ("ckafka", "a/b", ""),
        ("tape", "x", REGION),
        ("", "x", REGION),
    ] {
        stage.target = target(kind, name, "audit");
        stage.target.region = region.to_owned();
        let result = stage.check().await;
        assert!(
            matches!(result, CheckResult::Impossible { .. }),
            "{result:?}"
        );
    }
    stage.target = target("cos", "audit", "audit");
    let result = stage.check_with(Some("12x")).await;
    assert!(
        matches!(result, CheckResult::Impossible { .. }),
        "{result:?}"
    );
    assert_eq!(calls(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_times_out_fails() {
    let mut stage = delivering();
    stage.world.inject(Fault::hang().until_cleared());
    assert_eq!(reason(&stage.check().await).1, "timeout");
    tokio::time::advance(Duration::from_mins(10)).await;
    stage.world.clear_faults();
    assert_eq!(stage.seen().await.0, stage.truth());
}

/// A page that belongs to another request proves nothing about this one.
#[tokio::test(start_paused = true)]
async fn a_page_of_another_bucket_or_prefix_is_refused() {
    let own = format!("audit-log-{APP_ID}");
    for (name, prefix, named) in [
        ("audit-log-1250000002", "audit/", Some("bucket")),
        ("audit", "audit/", Some("bucket")),
        ("audit-logs", "audit/", Some("bucket")),
        (&*own, "other/", Some("prefix")),
        (&own, "audit%2F2025", Some("prefix")),
        (&own, "audit%2F", None),
        (&own, "audit/", None),
        // An absent or shorter value names no other place.
        (&own, "", None),
        ("", "audit/", None),
        ("audit-log", "audit/", None),
    ] {
        let mut stage = Stage::new();
        stage.account.add_bucket(REGION, "audit-log");
        let body = format!(
            "<?xml version='1.0' encoding='utf-8' ?><ListBucketResult><Name>{name}</Name>\
             <EncodingType>url</EncodingType><Prefix>{prefix}</Prefix><Marker/>\
             <IsTruncated>false</IsTruncated></ListBucketResult>"
        );
        let fault = Fault::raw(StatusCode::OK, "application/xml", body.clone());
        let fault = fault.action("GetBucket").until_cleared();
        stage.world.inject(fault);
        let result = stage.check().await;
        match (&result, named) {
            (CheckResult::Seen { newest: None, .. }, None) => {}
            (CheckResult::Failed(failure), Some(named)) => {
                assert_eq!(failure.reason, Reason::Malformed, "{body}");
                assert!(failure.message.contains(named), "{body}: {failure}");
            }
            _ => panic!("{body}: {result:?}"),
        }
    }
}

/// The host name of a bucket contains the APPID, so with a wrong APPID the bucket would appear
/// missing.
#[tokio::test(start_paused = true)]
async fn an_invalid_app_id_is_rejected_and_not_cached() {
    for app_id in [json!(0), json!(null), json!(-1), json!("x"), json!([])] {
        let mut stage = delivering();
        let shown = app_id.to_string();
        let fault = Fault::edit(move |answer| answer["Response"]["AppId"] = app_id.clone());
        let fault = fault.action("GetUserAppId").until_cleared();
        stage.world.inject(fault);
        let result = stage.check_with(None).await;
        assert_eq!(reason(&result).0, Reason::Malformed, "{shown}");
        stage.world.clear_faults();
        let result = stage.check_with(None).await;
        assert!(matches!(result, CheckResult::Seen { .. }), "{result:?}");
    }
}

/// The response to the request of another account has its APPID.
#[tokio::test(start_paused = true)]
async fn the_app_id_of_another_account_is_rejected_and_not_cached() {
    const OTHER: &str = "100000000002";
    for (owner, is_rejected) in [
        (json!(OTHER), true),
        (json!(100_000_000_002_u64), true),
        (json!(UIN), false),
        // Without the owner, the response proves nothing.
        (json!(null), false),
        (json!([]), false),
    ] {
        let mut stage = delivering();
        let mut parts = storage_parts(&stage.world);
        parts.cam.provider = Arc::new(Owned(Arc::clone(&parts.cam.provider)));
        stage.clients = StorageClients::new(parts, LIMITS);
        let shown = owner.to_string();
        let fault = Fault::edit(move |answer| answer["Response"]["OwnerUin"] = owner.clone());
        let fault = fault.action("GetUserAppId").until_cleared();
        stage.world.inject(fault);
        let result = stage.check_with(None).await;
        if is_rejected {
            assert_eq!(reason(&result).0, Reason::Malformed, "{shown}");
            let CheckResult::Failed(failure) = &result else {
                panic!("{result:?}");
            };
            let message = &failure.message;
            assert!(
                message.contains(OTHER) && message.contains(UIN),
                "{message}"
            );
            assert_eq!(stage.lists(), 0, "{shown}");
            stage.world.clear_faults();
        }
        let result = stage.check_with(None).await;
        assert!(matches!(result, CheckResult::Seen { .. }), "{result:?}");
    }
}

/// Provides keys whose owner is known.
struct Owned(Arc<dyn Provider>);

impl Provider for Owned {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn identity(&self) -> Option<String> {
        self.0.identity()
    }

    fn credential(&self) -> CredentialFuture<'_> {
        self.0.credential()
    }

    fn state(&self) -> Option<ProviderState> {
        self.0.state()
    }

    fn owner(&self) -> Option<String> {
        Some(UIN.to_owned())
    }
}
