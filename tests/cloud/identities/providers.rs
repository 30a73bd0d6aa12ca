//! Every kind of credentials can poll an account.

use std::fs;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Role, World};
use tempfile::TempDir;

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

const PROFILE: &str = "[default]\nsecret_id = AKIDhome\nsecret_key = key-of-home\n";

fn provider(stage: &Stage) -> &'static str {
    stage.shown.last("prod").account.provider
}

fn with_machine_role() -> World {
    let world = world();
    world.account(HOME).unwrap().add_role(Role::new("monitor"));
    world.bind_machine(HOME, "monitor");
    world
}

#[tokio::test(start_paused = true)]
async fn inline_and_environment_credentials_can_poll() {
    let inline = format!("{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}");
    let mut stage = Stage::of(&world(), &[], &inline);
    assert_eq!(
        (stage.tracks().await, provider(&stage)),
        (vec![1], "inline")
    );
    assert_eq!(stage.shown.last("prod").renewals, None);

    let env = "{credentials: {env: {secret_id: A, secret_key: B}}}";
    let mut stage = Stage::of(&world(), &[("A", ID), ("B", KEY)], env);
    assert_eq!((stage.tracks().await, provider(&stage)), (vec![1], "env"));
}

#[tokio::test(start_paused = true)]
async fn replaced_key_files_are_reloaded() {
    let world = world();
    let mut stage = Stage::new(&world, &[]);
    stage.write("id", &format!("{ID}\n"));
    stage.write("key", KEY);
    stage.load("accounts: {prod: {credentials: {secret_id_file: id, secret_key_file: key}}}");
    assert_eq!((stage.tracks().await, provider(&stage)), (vec![1], "files"));
    let before = stage.shown.last("prod").credentials_changed;

    let home = world.account(HOME).unwrap();
    home.add_identity(cloudaudit_exporter::sim::Identity::permanent(
        "AKIDnew", "key-new",
    ));
    stage.write("id", "AKIDnew");
    stage.write("key", "key-new");
    stage.pass(Duration::from_mins(1)).await;
    home.remove_identity(ID).unwrap();
    stage.pass(Duration::from_mins(5)).await;
    assert_eq!(stage.tracks().await, [1]);
    assert_eq!(stage.shown.without_credentials(), []);
    let report = stage.shown.last("prod");
    assert!(report.credentials_changed > before);
    assert_eq!(report.renewals.unwrap().refreshes, 2);
    let calls = world.calls();
    let new = calls.iter().position(|call| call.secret_id == "AKIDnew");
    let after = &calls[new.unwrap()..];
    assert!(
        after.iter().all(|call| call.secret_id == "AKIDnew"),
        "the old key is not used again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_profile_can_poll() {
    let world = world();
    let mut stage = Stage::new(&world, &[]);
    stage.write("credentials", PROFILE);
    stage.load("accounts: {prod: {credentials: {profile: {file: credentials}}}}");
    assert_eq!(
        (stage.tracks().await, provider(&stage)),
        (vec![1], "profile")
    );
}

#[tokio::test(start_paused = true)]
async fn the_machine_role_can_poll() {
    for credentials in ["{}", "{name: monitor}"] {
        let mut stage = Stage::of(
            &with_machine_role(),
            &[],
            &format!("{{credentials: {{cvm_role: {credentials}}}}}"),
        );
        assert_eq!(
            (stage.tracks().await, provider(&stage)),
            (vec![1], "cvm_role")
        );
        let renewals = stage.shown.last("prod").renewals.unwrap();
        assert!(renewals.expires.is_some());
        assert_eq!((renewals.refreshes, renewals.failures), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_token_is_exchanged_and_reread() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_role(Role::new("pod").trusts_provider("cls-1", "token-1"));
    let stage = Stage::new(&world, &[]);
    stage.write("token", "token-1\n");
    let token = stage.folder.path().join("token");
    let environment = [
        ("TKE_PROVIDER_ID", "cls-1"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("TKE_ROLE_ARN", &home.role_arn("pod")),
    ];
    let mut pod = Stage::of(&world, &environment, "{credentials: {tke_oidc: {}}}");
    assert_eq!((pod.tracks().await, provider(&pod)), (vec![1], "tke_oidc"));

    // The cluster replaces the token; the next exchange is made with the new one.
    let trusts = |role: Role| role.trusts_provider("cls-1", "token-2");
    home.change_role("pod", trusts).unwrap();
    stage.write("token", "token-2");
    pod.pass(Duration::from_hours(5)).await;
    assert_eq!(pod.shown.without_credentials(), []);
    assert!(world.call_count_of("AssumeRoleWithWebIdentity") >= 3);
}

#[tokio::test(start_paused = true)]
async fn a_role_can_be_assumed_with_each_source() {
    let world = with_machine_role();
    let away = world.account(AWAY).unwrap();
    away.add_role(
        Role::new("reader")
            .trusts_account(HOME)
            .external_id("between-us"),
    );
    let role = format!(
        "assume_role: {{arn: '{}', external_id: between-us}}",
        away.role_arn("reader")
    );
    let mut stage = Stage::new(&world, &[("A", ID), ("B", KEY)]);
    stage.write("credentials", PROFILE);
    for credentials in [
        "env: {secret_id: A, secret_key: B}",
        "profile: {file: credentials}",
        "cvm_role: {}",
    ] {
        stage.load(&format!(
            "accounts: {{prod: {{credentials: {{{credentials}}}, {role}}}}}"
        ));
        assert_eq!(
            (stage.tracks().await, provider(&stage)),
            (vec![2], "assume_role"),
            "{credentials}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_chain_follows_the_order_of_the_sdks() {
    let world = with_machine_role();
    // The machine's role comes last.
    let mut stage = Stage::of(&world, &[("HOME", "/nonexistent")], "{}");
    assert_eq!(
        (stage.tracks().await, provider(&stage)),
        (vec![1], "cvm_role")
    );

    stage.write("credentials", PROFILE);
    let file = stage.folder.path().join("credentials");
    let profile = ("TENCENTCLOUD_CREDENTIALS_FILE", file.to_str().unwrap());
    let mut profiled = Stage::of(&world, &[profile], "{}");
    assert_eq!(
        (profiled.tracks().await, provider(&profiled)),
        (vec![1], "profile")
    );

    for [id, key] in [
        ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
        ["TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"],
    ] {
        let mut stage = Stage::of(&world, &[profile, (id, ID), (key, KEY)], "{}");
        assert_eq!((stage.tracks().await, provider(&stage)), (vec![1], "env"));
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_with_the_same_role_share_its_key() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_role(Role::new("reader").trusts_account(HOME));
    let account = format!(
        "{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}, assume_role: {{arn: '{}'}}}}",
        away.role_arn("reader")
    );
    let mut stage = Stage::with(
        &world,
        &[],
        &format!("accounts: {{prod: {account}, again: {account}}}"),
    );
    assert_eq!(stage.tracks().await, [2]);
    assert_eq!(world.call_count_of("AssumeRole"), 1);
}

/// The API counts requests per secret id, regardless of the source of the key.
#[tokio::test(start_paused = true)]
async fn one_key_in_two_accounts_has_one_rate_limit() {
    let world = world();
    let mut stage = Stage::new(&world, &[("A", ID), ("B", KEY)]);
    stage.write("id", ID);
    stage.write("key", KEY);
    stage.load(
        "accounts:\n  prod: {credentials: {env: {secret_id: A, secret_key: B}}}\n  \
         twin: {credentials: {secret_id_file: id, secret_key_file: key}, rate_limit: {requests_per_second: 2}}",
    );
    stage.pass(Duration::from_mins(5)).await;
    for account in ["prod", "twin"] {
        let shown = stage.shown.last(account).requests_per_second;
        assert!((shown - 2.0).abs() < f64::EPSILON, "{account}: {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_in_one_account_does_not_affect_others() {
    let world = world();
    let wrong = "{credentials: {secret_id: AKIDwrong, secret_key: wrong}}";
    let good = format!("{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}");
    let mut stage = Stage::with(
        &world,
        &[],
        &format!("accounts: {{prod: {good}, wrong: {wrong}}}"),
    );
    for _ in 0..10 {
        stage.pass(Duration::from_mins(1)).await;
        assert_eq!(stage.tracks().await, [1]);
        let failure = stage.shown.last("wrong").targets[0]
            .failure
            .clone()
            .unwrap();
        assert_eq!(failure.code, "AuthFailure.SecretIdNotFound");
    }
}

#[tokio::test(start_paused = true)]
async fn cluster_variables_may_end_with_a_line_break() {
    let world = world();
    let home = world.account(HOME).unwrap();
    home.add_role(Role::new("pod").trusts_provider("cls-1", "token-1"));
    let stage = Stage::new(&world, &[]);
    stage.write("token", "token-1");
    let token = stage.folder.path().join("token");
    let environment = [
        ("TKE_PROVIDER_ID", "cls-1\n"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("TKE_ROLE_ARN", &format!("{}\n", home.role_arn("pod"))),
    ];
    let mut pod = Stage::of(&world, &environment, "{credentials: {tke_oidc: {}}}");
    assert_eq!(pod.tracks().await, [1]);
}

/// A line break in the middle would reach STS.
#[tokio::test(start_paused = true)]
async fn cluster_variables_with_inner_whitespace_are_rejected() {
    let arn = format!("qcs::cam::uin/{HOME}:roleName/pod");
    for (named, provider, role) in [
        ("TKE_PROVIDER_ID", "cls-1\ncls-2", &*arn),
        ("TKE_PROVIDER_ID", "cls 1", &arn),
        ("TKE_ROLE_ARN", "cls-1", &format!("{arn}\nX: y")),
        ("TKE_ROLE_ARN", "cls-1", &format!("{arn}\u{200b}")),
    ] {
        let world = world();
        let stage = Stage::new(&world, &[]);
        stage.write("token", "token-1");
        let token = stage.folder.path().join("token");
        let environment = [
            ("TKE_PROVIDER_ID", provider),
            ("TKE_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
            ("TKE_ROLE_ARN", role),
        ];
        let mut pod = Stage::of(&world, &environment, "{credentials: {tke_oidc: {}}}");
        let failure = pod.failure().await;
        let expected = format!("the environment variable {named} contains whitespace");
        assert!(failure.message.contains(&expected), "{failure}");
        assert_eq!(world.call_count_of("AssumeRoleWithWebIdentity"), 0);
    }
}

/// The chain keeps the source it chose: the machine role would be another identity.
#[tokio::test(start_paused = true)]
async fn a_temporarily_absent_profile_stays_the_source() {
    for account in ["{}", "{credentials: {profile: {name: default}}}"] {
        let world = with_machine_role();
        let home = TempDir::new().unwrap();
        let file = home.path().join(".tencentcloud/credentials");
        fs::create_dir(file.parent().unwrap()).unwrap();
        let text = format!("[default]\nsecret_id = {ID}\nsecret_key = {KEY}\n");
        fs::write(&file, &text).unwrap();
        let environment = [("HOME", home.path().to_str().unwrap())];
        let mut stage = Stage::of(&world, &environment, account);
        assert_eq!(stage.tracks().await, [1]);
        for reloads in [false, true] {
            fs::remove_file(&file).unwrap();
            if reloads {
                stage
                    .reload(&format!("accounts: {{prod: {account}}}"))
                    .await;
            }
            stage.pass(Duration::from_mins(2)).await;
            let failure = stage.failure().await;
            assert_eq!(failure.reason, Reason::Credentials, "{failure}");
            let named = failure.message.contains(file.to_str().unwrap());
            assert!(named && !failure.message.contains("/etc/"), "{failure}");
            fs::write(&file, &text).unwrap();
            stage.pass(Duration::from_mins(2)).await;
            assert_eq!(
                (stage.tracks().await, provider(&stage)),
                (vec![1], "profile")
            );
        }
        assert_eq!(world.call_count_of("metadata"), 0, "{account}");
    }
}

/// A token from another pair of variables belongs to another key.
#[tokio::test(start_paused = true)]
async fn a_key_and_a_token_of_two_sources_are_not_mixed() {
    let world = world();
    // A serverless function always has the last three.
    let environment = [
        ("TENCENTCLOUD_SECRET_ID", ID),
        ("TENCENTCLOUD_SECRET_KEY", KEY),
        ("TENCENTCLOUD_SECRETID", "AKIDfunction"),
        ("TENCENTCLOUD_SECRETKEY", "key-of-the-function"),
        ("TENCENTCLOUD_SESSIONTOKEN", "token-of-the-function"),
    ];
    let mut stage = Stage::of(&world, &environment, "{}");
    assert_eq!(stage.tracks().await, [1]);
}

/// An implausible expiry is rejected or ignored, and never causes more refreshes than polls.
#[tokio::test(start_paused = true)]
async fn an_implausible_expiry_does_not_cause_extra_refreshes() {
    for (end, is_refused) in [
        (serde_json::json!(-5), true),
        (serde_json::json!("soon"), true),
        (serde_json::json!(0), false),
        (serde_json::json!(1), false),
        (serde_json::json!(1_u64 << 63), false),
    ] {
        let world = with_machine_role();
        let shown = end.to_string();
        let fault = Fault::edit(move |answer| answer["ExpiredTime"] = end.clone());
        world.inject(fault.action("metadata").until_cleared());
        let account = "{interval: 10s, credentials: {cvm_role: {name: monitor}}}";
        let mut stage = Stage::of(&world, &[], account);
        stage.pass(Duration::from_mins(10)).await;
        let failure = stage.shown.last("prod").targets[0].failure.clone();
        assert_eq!(failure.is_some(), is_refused, "{shown}");
        if let Some(failure) = failure {
            assert!(failure.message.contains("as ExpiredTime"), "{failure}");
        }
        assert!(world.call_count_of("metadata") <= 75, "{shown}");
    }
}
