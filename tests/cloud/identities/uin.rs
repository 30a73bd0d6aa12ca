//! Verification of the account that owns a key, before the key is used.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Identity};

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

fn account(uin: &str) -> String {
    format!("{{uin: '{uin}', credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}")
}

#[tokio::test(start_paused = true)]
async fn a_matching_key_is_verified_once() {
    let world = world();
    let mut stage = Stage::of(&world, &[], &account(HOME));
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(stage.tracks().await, [1]);
    assert_eq!(world.call_count_of("GetCallerIdentity"), 1);
    assert_eq!(stage.shown.last("prod").account.uin, HOME);
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_account_is_never_used_for_polls() {
    let world = world();
    let mut stage = Stage::of(&world, &[], &account(AWAY));
    let failure = stage.failure().await;
    assert_eq!(failure.reason, Reason::Credentials);
    let expected = "not polled: the key belongs to account 100000000001, but uin is 100000000002; correct one of the two";
    assert_eq!(failure.message, expected);
    stage.pass(Duration::from_mins(10)).await;
    assert_eq!(world.call_count_of("DescribeAuditTracks"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_swapped_key_file_is_detected_before_the_next_poll() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_identity(Identity::permanent("AKIDaway", "key-of-away"));
    let mut stage = Stage::new(&world, &[]);
    stage.write("id", ID);
    stage.write("key", KEY);
    stage.load(&format!(
        "accounts: {{prod: {{uin: '{HOME}', credentials: {{secret_id_file: id, secret_key_file: key}}}}}}"
    ));
    assert_eq!(stage.tracks().await, [1]);
    stage.write("id", "AKIDaway");
    stage.write("key", "key-of-away");
    stage.pass(Duration::from_mins(2)).await;
    let report = stage.shown.last("prod");
    assert_eq!(
        report.targets[0].failure.as_ref().unwrap().reason,
        Reason::Credentials
    );
    let calls = world.calls();
    let polled = |call: &&cloudaudit_exporter::sim::Call| {
        call.action == "DescribeAuditTracks" && call.secret_id == "AKIDaway"
    };
    assert_eq!(calls.iter().filter(polled).count(), 0);

    stage.write("id", ID);
    stage.write("key", KEY);
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.tracks().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn an_unverified_key_is_not_used_for_polls() {
    let world = world();
    let fault = Fault::internal_error().action("GetCallerIdentity");
    let fault = world.inject(fault.until_cleared());
    let mut stage = Stage::of(&world, &[], &account(HOME));
    let failure = stage.failure().await;
    assert_eq!(
        (failure.reason, &*failure.code),
        (Reason::Unavailable, "InternalError")
    );
    assert!(
        failure.message.starts_with("not polled: cannot verify"),
        "{failure}"
    );
    assert_eq!(world.call_count_of("DescribeAuditTracks"), 0);
    world.clear(fault);
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.tracks().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn the_history_does_not_continue_under_another_uin() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_identity(Identity::permanent("AKIDaway", "key-of-away"));
    let mut stage = Stage::of(&world, &[], &account(HOME));
    assert_eq!(stage.tracks().await, [1]);
    stage.load(&format!(
        "accounts: {{prod: {{uin: '{AWAY}', credentials: {{secret_id: AKIDaway, secret_key: key-of-away}}}}}}"
    ));
    stage.pass(Duration::from_mins(2)).await;
    assert_eq!(stage.tracks().await, [2]);
    let report = stage.shown.last("prod");
    assert!(report.targets[0].past.tombstones.is_empty());
    assert!(report.targets[0].past.changes.is_empty());
}
