//! Every refusal, by its cause.

use std::time::Duration;

use cloudaudit_exporter::sim::Identity;
use http::HeaderValue;

use super::{HOST, ID, KEY, REGION, UIN, ask, ids, list, refusal, signer, with, world};
use crate::support::signer::Signer;

#[tokio::test(start_paused = true)]
async fn a_wrong_key_or_id_is_refused() {
    let world = world(1);
    let wrong_key = Signer::new(HOST, ID, "another");
    let request = wrong_key.list(world.now(), REGION, 1, 10);
    assert_eq!(
        refusal(&world, request).await,
        "AuthFailure.SignatureFailure"
    );
    let wrong_id = Signer::new(HOST, "AKIDunknown", KEY);
    let request = wrong_id.list(world.now(), REGION, 1, 10);
    assert_eq!(
        refusal(&world, request).await,
        "AuthFailure.SecretIdNotFound"
    );
    assert_eq!(world.refused_signatures(), 2);

    world.account(UIN).unwrap().remove_identity(ID).unwrap();
    let request = signer().list(world.now(), REGION, 1, 10);
    assert_eq!(
        refusal(&world, request).await,
        "AuthFailure.SecretIdNotFound"
    );
}

#[tokio::test(start_paused = true)]
async fn a_date_that_differs_from_the_timestamp_is_refused() {
    let world = world(1);
    let signed = |date| {
        let body = r#"{"PageNumber":1,"PageSize":10}"#;
        signer().dated(1_551_113_065, date, REGION, body)
    };
    assert_eq!(ids(&ask(&world, signed("2019-02-25")).await), [1]);
    let code = refusal(&world, signed("2019-02-26")).await;
    assert_eq!(code, "AuthFailure.SignatureFailure");
}

#[tokio::test(start_paused = true)]
async fn a_clock_more_than_five_minutes_off_is_refused() {
    let world = world(1);
    for (skew, is_refused) in [(300, false), (301, true), (-300, false), (-301, true)] {
        let correct = world.now();
        world.set_skew_seconds(skew);
        let answer = ask(&world, signer().list(correct, REGION, 1, 10)).await;
        let refused = answer["Error"]["Code"] == "AuthFailure.SignatureExpire";
        assert_eq!(refused, is_refused, "{skew} s: {answer}");
        world.set_skew_seconds(0);
    }
}

const TOKEN_FAILURE: &str = "AuthFailure.TokenFailure";

#[tokio::test(start_paused = true)]
async fn a_wrong_missing_expired_or_needless_token_is_refused() {
    let world = world(1);
    let expires = world.now() + Duration::from_hours(1);
    let account = world.account(UIN).unwrap();
    account.add_identity(Identity::temporary(
        "AKIDtmp", "tmpkey", "tmptoken", expires,
    ));
    let temporary = Signer::new(HOST, "AKIDtmp", "tmpkey");
    let request = |token: Option<&'static str>| {
        let mut request = temporary.list(world.now(), REGION, 1, 10);
        if let Some(token) = token {
            let token = HeaderValue::from_static(token);
            request.headers_mut().insert("X-TC-Token", token);
        }
        request
    };
    assert_eq!(ids(&ask(&world, request(Some("tmptoken"))).await), [1]);
    assert_eq!(
        refusal(&world, request(Some("another"))).await,
        TOKEN_FAILURE
    );
    assert_eq!(refusal(&world, request(None)).await, TOKEN_FAILURE);
    assert_eq!(
        refusal(&world, with(&world, "X-TC-Token", "tmptoken")).await,
        TOKEN_FAILURE
    );
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(
        refusal(&world, request(Some("tmptoken"))).await,
        TOKEN_FAILURE
    );
}

#[tokio::test(start_paused = true)]
async fn a_malformed_authorization_is_refused() {
    const SCOPE: &str = "2019-02-25/cloudaudit/tc3_request";
    let world = world(1);
    for malformed in [
        "Bearer abc".to_owned(),
        format!(
            "TC3-HMAC-SHA1 Credential={ID}/{SCOPE}, SignedHeaders=content-type;host, Signature=0"
        ),
        format!("TC3-HMAC-SHA256 Credential={ID}, SignedHeaders=content-type;host, Signature=0"),
        format!("TC3-HMAC-SHA256 Credential={ID}/{SCOPE}, SignedHeaders=host, Signature=0"),
        format!("TC3-HMAC-SHA256 Credential={ID}/{SCOPE}, SignedHeaders=content-type, Signature=0"),
        format!("TC3-HMAC-SHA256 Credential={ID}/{SCOPE}, SignedHeaders=content-type;host"),
    ] {
        let mut request = signer().list(world.now(), REGION, 1, 10);
        let value = malformed.parse().unwrap();
        request.headers_mut().insert("Authorization", value);
        let code = refusal(&world, request).await;
        assert_eq!(code, "AuthFailure.InvalidAuthorization", "{malformed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_by_cam_has_several_lines() {
    let world = world(1);
    let account = world.account(UIN).unwrap();
    account.deny(ID).unwrap();
    let answer = list(&world, 1, 10).await;
    assert_eq!(answer["Error"]["Code"], "UnauthorizedOperation");
    let message = answer["Error"]["Message"].as_str().unwrap();
    assert!(message.contains("(cloudaudit:DescribeAuditTracks)\nresource (*)"));

    account
        .deny_with(ID, "AuthFailure.UnauthorizedOperation")
        .unwrap();
    let answer = list(&world, 1, 10).await;
    assert_eq!(answer["Error"]["Code"], "AuthFailure.UnauthorizedOperation");
    assert_eq!(world.refused_signatures(), 0);
    account.permit(ID).unwrap();
    assert_eq!(ids(&list(&world, 1, 10).await), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_action_version_region_or_timestamp_is_refused() {
    let world = world(1);
    for (header, value, code) in [
        ("X-TC-Action", "DescribeAuditTrackz", "InvalidAction"),
        ("X-TC-Version", "2018-01-01", "NoSuchVersion"),
        ("X-TC-Region", "gz", "InvalidParameterValue"),
        ("X-TC-Region", "", "InvalidParameterValue"),
        ("X-TC-Region", "na-toronto", "UnsupportedRegion"),
        ("X-TC-Timestamp", "today", "InvalidParameterValue"),
    ] {
        assert_eq!(
            refusal(&world, with(&world, header, value)).await,
            code,
            "{header}: {value}"
        );
    }
    for header in [
        "X-TC-Action",
        "X-TC-Version",
        "X-TC-Region",
        "X-TC-Timestamp",
        "Authorization",
    ] {
        let mut request = signer().list(world.now(), REGION, 1, 10);
        request.headers_mut().remove(header);
        assert_eq!(
            refusal(&world, request).await,
            "MissingParameter",
            "{header}"
        );
    }
    let account = world.account(UIN).unwrap();
    account.set_regions(["na-toronto"]);
    assert_eq!(
        ids(&ask(&world, signer().list(world.now(), "na-toronto", 1, 10)).await),
        [1]
    );
    let request = signer().list(world.now(), REGION, 1, 10);
    assert_eq!(refusal(&world, request).await, "UnsupportedRegion");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_the_action_does_not_define_is_refused() {
    let world = world(1);
    for (body, code) in [
        ("", "MissingParameter"),
        ("{}", "MissingParameter"),
        (r#"{"PageNumber":1}"#, "MissingParameter"),
        (r#"{"PageNumber":1,"PageSize":null}"#, "MissingParameter"),
        (r#"{"PageNumber":"1","PageSize":10}"#, "InvalidParameter"),
        (r#"{"PageNumber":1,"PageSize":-1}"#, "InvalidParameter"),
        (r#"{"PageNumber":0,"PageSize":10}"#, "InvalidParameterValue"),
        (
            r#"{"PageNumber":1,"PageSize":10,"Filter":1}"#,
            "UnknownParameter",
        ),
        (
            r#"{"pageNumber":1,"PageNumber":1,"PageSize":10}"#,
            "UnknownParameter",
        ),
        ("PageNumber=1", "InvalidRequest"),
        ("[]", "InvalidRequest"),
    ] {
        let request = signer().request(world.now(), REGION, body);
        assert_eq!(refusal(&world, request).await, code, "{body}");
    }
}
