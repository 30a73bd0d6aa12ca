//! Messages for missing credentials.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::Role;

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

const NOWHERE: [(&str, &str); 1] = [("HOME", "/nonexistent")];

async fn failure_message(mut stage: Stage) -> String {
    let failure = stage.failure().await;
    assert_eq!(failure.reason, Reason::Credentials, "{failure}");
    assert!(!failure.message.contains(KEY), "{failure}");
    let folder = stage.folder.path().display().to_string();
    failure.message.replace(&folder, "FOLDER")
}

#[tokio::test(start_paused = true)]
async fn each_provider_names_what_is_missing_and_where() {
    let of = |account: &str| Stage::of(&world(), &NOWHERE, account);
    for (account, expected) in [
        (
            "{credentials: {env: {secret_id: A, secret_key: B}}}",
            "no credentials: the environment variable A is not set or empty",
        ),
        (
            "{credentials: {secret_id_file: id, secret_key_file: key}}",
            "no credentials: FOLDER/id cannot be read: No such file or directory (os error 2)",
        ),
        (
            "{credentials: {profile: {name: audit, file: credentials}}}",
            "no credentials: there is no FOLDER/credentials",
        ),
        (
            "{credentials: {cvm_role: {}}}",
            "no credentials: no role is bound to this machine: HTTP status 404 Not Found",
        ),
        (
            "{credentials: {cvm_role: {name: monitor}}}",
            "no credentials: the metadata service has no role monitor: HTTP status 404 Not Found",
        ),
        (
            "{credentials: {tke_oidc: {}}}",
            "no credentials: TKE_PROVIDER_ID and TKE_ROLE_ARN are not both set",
        ),
        (
            "{}",
            "no credentials: no role is bound to this machine: HTTP status 404 Not Found; earlier sources: env: the \
             environment variables TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY are not set; profile: there is \
             no /nonexistent/.tencentcloud/credentials, and no /etc/tencentcloud/credentials; tke_oidc: the \
             environment variable TKE_PROVIDER_ID is not set",
        ),
    ] {
        let place = "FOLDER";
        let message = failure_message(of(account)).await;
        assert_eq!(message, expected.replace("FOLDER", place), "{account}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_assume_role_says_why() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_role(
        Role::new("reader")
            .trusts_account(HOME)
            .external_id("between-us"),
    );
    for (role, more, code) in [
        ("reader", ", external_id: a-guess", "UnauthorizedOperation"),
        ("writer", "", "ResourceNotFound.RoleNotFound"),
        // An external id that occurs in the error code does not redact the code.
        (
            "writer",
            ", external_id: Role",
            "ResourceNotFound.RoleNotFound",
        ),
        (
            "writer",
            ", external_id: ResourceNotFound.RoleNotFound",
            "ResourceNotFound.RoleNotFound",
        ),
    ] {
        let arn = format!("qcs::cam::uin/{AWAY}:roleName/{role}");
        let account = format!(
            "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{arn}'{more}}}}}"
        );
        let mut stage = Stage::of(&world, &[], &account);
        let failure = stage.failure().await;
        assert_eq!(
            (failure.reason, &*failure.code),
            (Reason::Credentials, code)
        );
        let begins = format!("no credentials: cannot assume {arn}: ");
        assert!(failure.message.starts_with(&begins), "{failure}");
        assert!(failure.request_id.is_some(), "{failure}");
        assert!(!failure.message.contains("a-guess"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_different_tokens_are_an_error() {
    let environment = [
        ("TENCENTCLOUD_SECRET_ID", ID),
        ("TENCENTCLOUD_SECRET_KEY", KEY),
        ("TENCENTCLOUD_TOKEN", "one"),
        ("TENCENTCLOUD_SECURITY_TOKEN", "another"),
    ];
    let message = failure_message(Stage::of(&world(), &environment, "{}")).await;
    let expected = "no credentials: the environment variables TENCENTCLOUD_TOKEN and TENCENTCLOUD_SECURITY_TOKEN hold \
                    two different tokens; remove one of them";
    assert_eq!(message, expected);
}
