//! Roles: which identities may assume them, with which rights, and for how long.

use std::time::Duration;

use cloudaudit_exporter::sim::{Account, Role, Track, World};
use serde_json::{Value, json};

use super::products::{permanent, temporary, unsigned};
use super::{ID, NO_TRACKS, UIN, ask, ids, world};

const OTHER: &str = "100000000002";
const ASSUME_ROLE: &str = r#"{"RoleArn":"qcs::cam::uin/100000000002:roleName/audit-reader",
    "RoleSessionName":"test","ExternalId":"between us"}"#;
const BY_TOKEN: &str = r#"{"RoleArn":"qcs::cam::uin/100000000002:roleName/audit-reader",
    "RoleSessionName":"pod","ProviderId":"cls-1","WebIdentityToken":"first"}"#;

/// Creates two accounts. The first has no tracks and may assume a role of the second, which has
/// one.
fn two_accounts() -> (World, Account) {
    let world = world(0);
    let other = world.add_account(OTHER);
    other.create(Track::new(7, "theirs"));
    let role = Role::new("audit-reader");
    other.add_role(role.trusts_account(UIN).external_id("between us"));
    (world, other)
}

fn code(answer: &Value) -> &str {
    assert!(!answer["Error"]["Message"].as_str().unwrap().is_empty());
    answer["Error"]["Code"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_role_lists_the_tracks_of_its_account() {
    let (world, other) = two_accounts();
    assert_eq!(ids(&permanent().list(&world).await), NO_TRACKS);
    let mut answer = permanent().assume(&world, ASSUME_ROLE).await;
    assert_eq!(ids(&temporary(&answer).list(&world).await), [7]);
    assert_eq!(
        other.role_arn("audit-reader"),
        "qcs::cam::uin/100000000002:roleName/audit-reader"
    );

    answer["RequestId"] = Value::Null;
    for secret in ["Token", "TmpSecretId", "TmpSecretKey"] {
        let secret = answer["Credentials"][secret].take();
        assert!(secret.as_str().unwrap().len() >= 32);
    }
    let expected = json!({"ExpiredTime": 1_551_120_265, "Expiration": "2019-02-25T18:44:25Z",
        "Credentials": {"Token": null, "TmpSecretId": null, "TmpSecretKey": null},
        "RequestId": null});
    assert_eq!(answer, expected);

    let calls = world.calls();
    assert_eq!(calls[1].action, "AssumeRole");
    assert_eq!(calls[1].uin.as_deref(), Some(UIN));
    assert_eq!(calls[1].role, Some(other.role_arn("audit-reader")));
    assert_eq!(calls[2].uin.as_deref(), Some(OTHER));
}

#[tokio::test(start_paused = true)]
async fn every_key_is_different_and_expires() {
    let (world, _) = two_accounts();
    let first = permanent().assume(&world, ASSUME_ROLE).await;
    let second = permanent().assume(&world, ASSUME_ROLE).await;
    assert_ne!(first["Credentials"], second["Credentials"]);
    let first = temporary(&first);
    let mut forged = first.clone();
    forged.token = temporary(&second).token;
    assert_eq!(code(&forged.list(&world).await), "AuthFailure.TokenFailure");
    forged.token = None;
    assert_eq!(code(&forged.list(&world).await), "AuthFailure.TokenFailure");

    tokio::time::advance(Duration::from_secs(7_199)).await;
    assert_eq!(ids(&first.list(&world).await), [7]);
    tokio::time::advance(Duration::from_secs(1)).await;
    permanent().assume(&world, ASSUME_ROLE).await;
    assert_eq!(code(&first.list(&world).await), "AuthFailure.TokenFailure");
    tokio::time::advance(Duration::from_mins(1)).await;
    permanent().assume(&world, ASSUME_ROLE).await;
    let forgotten = first.list(&world).await;
    assert_eq!(code(&forgotten), "AuthFailure.SecretIdNotFound");
}

#[tokio::test(start_paused = true)]
async fn a_key_lasts_as_long_as_requested_up_to_the_maximum() {
    let (world, _) = two_accounts();
    for (seconds, longest, expected) in [(60, 43_200, 60), (43_200, 43_200, 43_200), (7_200, 3, 3)]
    {
        world.set_max_role_duration(Duration::from_secs(longest));
        let body = ASSUME_ROLE.replace('}', &format!(r#","DurationSeconds":{seconds}}}"#));
        let answer = permanent().assume(&world, &body).await;
        assert_eq!(answer["ExpiredTime"], 1_551_113_065 + expected);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_trusted_caller_with_the_external_id_may_assume_a_role() {
    let (world, other) = two_accounts();
    let without = ASSUME_ROLE.replace(r#","ExternalId":"between us""#, "");
    for modified in [&without, &ASSUME_ROLE.replace("between us", "a guess")] {
        let answer = permanent().assume(&world, modified).await;
        assert_eq!(code(&answer), "UnauthorizedOperation");
        let message = answer["Error"]["Message"].as_str().unwrap();
        assert!(message.contains("(sts:AssumeRole)\nresource (qcs::cam::uin/100000000002:"));
    }
    other.add_role(Role::new("open").trusts_account(UIN));
    other.add_role(Role::new("closed").trusts_account("100000000003"));
    let open = permanent()
        .assume(&world, &without.replace("audit-reader", "open"))
        .await;
    assert_eq!(ids(&temporary(&open).list(&world).await), [7]);
    let closed = permanent()
        .assume(&world, &without.replace("audit-reader", "closed"))
        .await;
    assert_eq!(code(&closed), "UnauthorizedOperation");
}

#[tokio::test(start_paused = true)]
async fn removing_a_role_invalidates_its_keys() {
    let (world, other) = two_accounts();
    let key = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    other
        .change_role("audit-reader", |role| role.trusts_account(OTHER))
        .unwrap();
    assert_eq!(ids(&key.list(&world).await), [7]);
    let role = Role::new("audit-reader");
    other.add_role(role.trusts_account(UIN).external_id("between us"));
    let replaced = key.list(&world).await;
    assert_eq!(code(&replaced), "AuthFailure.SecretIdNotFound");
    let key = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    other.remove_role("audit-reader").unwrap();
    assert_eq!(
        code(&key.list(&world).await),
        "AuthFailure.SecretIdNotFound"
    );
    let answer = permanent().assume(&world, ASSUME_ROLE).await;
    assert_eq!(code(&answer), "ResourceNotFound.RoleNotFound");
    let gone = other.remove_role("audit-reader").unwrap_err();
    assert_eq!(
        gone.to_string(),
        "no role audit-reader in simulated account 100000000002"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_request_is_refused() {
    let (world, _) = two_accounts();
    for (original, replacement, expected) in [
        (
            "100000000002",
            "100000000009",
            "ResourceNotFound.RoleNotFound",
        ),
        ("audit-reader", "absent", "ResourceNotFound.RoleNotFound"),
        ("qcs::", "arn:", "InvalidParameter.ParamError"),
        (r#""test""#, r#""t""#, "InvalidParameter.ParamError"),
        (r#""test""#, r#""two words""#, "InvalidParameter.ParamError"),
        (
            r#""test""#,
            r#""test","DurationSeconds":43201"#,
            "InvalidParameter.OverTimeError",
        ),
        (
            r#""test""#,
            r#""test","DurationSeconds":0"#,
            "InvalidParameter.ParamError",
        ),
        (
            r#""test""#,
            r#""test","DurationSeconds":"2h""#,
            "InvalidParameter",
        ),
        (r#""test""#, "7", "InvalidParameter"),
        ("RoleSessionName", "SessionName", "MissingParameter"),
        (
            r#""test""#,
            r#""test","Region":"ap-guangzhou""#,
            "UnknownParameter",
        ),
    ] {
        let answer = permanent()
            .assume(&world, &ASSUME_ROLE.replace(original, replacement))
            .await;
        assert_eq!(
            code(&answer),
            expected,
            "{replacement} in place of {original}"
        );
    }
    let documented = r#""test","Policy":"%7B%7D","Tags":[{"Key":"a","Value":"b"}]"#;
    let answer = permanent()
        .assume(&world, &ASSUME_ROLE.replace(r#""test""#, documented))
        .await;
    assert_eq!(answer["Error"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_pod_token_needs_no_signature() {
    let (world, other) = two_accounts();
    let assume = |body: &str| {
        let request = unsigned("AssumeRoleWithWebIdentity", body);
        let world = world.clone();
        async move { ask(&world, request).await }
    };
    assert_eq!(code(&assume(BY_TOKEN).await), "UnauthorizedOperation");
    let trust = |token: &'static str| {
        let change = |role: Role| role.trusts_provider("cls-1", token);
        other.change_role("audit-reader", change).unwrap();
    };
    trust("first");
    let key = temporary(&assume(BY_TOKEN).await);
    assert_eq!(ids(&key.list(&world).await), [7]);
    trust("second");
    let refused = assume(BY_TOKEN).await;
    assert_eq!(code(&refused), "InvalidParameter.WebIdentityTokenError");
    assert_eq!(ids(&key.list(&world).await), [7]);
    assert_eq!(
        assume(&BY_TOKEN.replace("first", "second")).await["Error"],
        Value::Null
    );
    let call = &world.calls()[1];
    assert_eq!(
        (call.secret_id.as_str(), call.uin.as_deref()),
        ("", Some(OTHER))
    );
}

#[tokio::test(start_paused = true)]
async fn each_action_requires_or_forbids_a_signature() {
    let (world, _) = two_accounts();
    let answer = ask(&world, unsigned("AssumeRole", ASSUME_ROLE)).await;
    assert_eq!(code(&answer), "AuthFailure.InvalidAuthorization");
    let action = ["sts", "AssumeRoleWithWebIdentity", "2018-08-13"];
    let answer = permanent().ask(&world, action, BY_TOKEN).await;
    assert_eq!(code(&answer), "AuthFailure.InvalidAuthorization");
    let answer = ask(&world, unsigned("AssumeRoleWithMagic", ASSUME_ROLE)).await;
    assert_eq!(code(&answer), "InvalidAction");
}

#[tokio::test(start_paused = true)]
async fn get_caller_identity_names_the_caller() {
    let (world, _) = two_accounts();
    let user = permanent().caller_identity(&world).await;
    assert_eq!(user["AccountId"], UIN);
    assert_eq!(user["Type"], "CAMUser");
    let user_id = user["UserId"].as_str().unwrap();
    assert_eq!(user["Arn"], format!("qcs::cam::uin/{UIN}:uin/{user_id}"));
    assert_ne!(user_id, UIN);

    let role = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    let role = role.caller_identity(&world).await;
    assert_eq!(role["AccountId"], OTHER);
    assert_eq!(role["PrincipalId"], UIN);
    assert_eq!(role["Type"], "CAMRole");
    let (role_id, session) = role["UserId"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(session, "test");
    assert_eq!(
        role["Arn"],
        format!("qcs::sts:{OTHER}:assumed-role/{role_id}")
    );
}

#[tokio::test(start_paused = true)]
async fn actions_are_denied_individually_to_keys_and_roles() {
    let (world, other) = two_accounts();
    let key = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    world
        .account(UIN)
        .unwrap()
        .deny_action(ID, "sts:GetCallerIdentity")
        .unwrap();
    assert_eq!(
        code(&permanent().caller_identity(&world).await),
        "UnauthorizedOperation"
    );
    assert_eq!(ids(&permanent().list(&world).await), NO_TRACKS);

    other
        .deny_action("audit-reader", "cloudaudit:DescribeAuditTracks")
        .unwrap();
    let answer = key.list(&world).await;
    assert_eq!(code(&answer), "UnauthorizedOperation");
    let message = answer["Error"]["Message"].as_str().unwrap();
    assert!(message.contains("(cloudaudit:DescribeAuditTracks)\n"));
    assert_eq!(key.caller_identity(&world).await["AccountId"], OTHER);
    other.deny("audit-reader").unwrap();
    assert_eq!(
        code(&key.caller_identity(&world).await),
        "UnauthorizedOperation"
    );
    other.permit("audit-reader").unwrap();
    assert_eq!(ids(&key.list(&world).await), [7]);

    world
        .account(UIN)
        .unwrap()
        .deny_action(ID, "sts:AssumeRole")
        .unwrap();
    let answer = permanent().assume(&world, ASSUME_ROLE).await;
    assert_eq!(code(&answer), "UnauthorizedOperation");
    assert!(other.deny("absent").is_err());
}

#[tokio::test(start_paused = true)]
async fn assume_role_has_its_own_rate_and_a_role_is_one_identity() {
    let (world, other) = two_accounts();
    for _ in 0..600 {
        assert_eq!(
            permanent().assume(&world, ASSUME_ROLE).await["Error"],
            Value::Null
        );
    }
    assert_eq!(
        code(&permanent().assume(&world, ASSUME_ROLE).await),
        "RequestLimitExceeded"
    );
    for _ in 0..20 {
        permanent().caller_identity(&world).await;
    }
    assert_eq!(
        code(&permanent().caller_identity(&world).await),
        "RequestLimitExceeded"
    );

    assert_eq!(world.peak_of("AssumeRole", ID), 601);
    assert_eq!(world.peak_of("GetCallerIdentity", ID), 21);
    assert_eq!(world.call_count_of("GetCallerIdentity"), 21);

    tokio::time::advance(Duration::from_secs(1)).await;
    let first = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    let second = temporary(&permanent().assume(&world, ASSUME_ROLE).await);
    world.set_rate_limit(1);
    assert_eq!(ids(&first.list(&world).await), [7]);
    assert_eq!(code(&second.list(&world).await), "RequestLimitExceeded");
    assert_eq!(world.peak_per_second(&other.role_arn("audit-reader")), 2);
}
