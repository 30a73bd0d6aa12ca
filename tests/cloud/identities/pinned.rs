//! Accounts without `uin`: their history never continues with the key of another account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::sim::{Fault, Identity, Role, World};
use cloudaudit_exporter::snapshot::Report;
use cloudaudit_exporter::state::Saved;

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

const OTHER: [&str; 2] = ["AKIDaway", "key-of-away"];
const SECOND: [&str; 2] = ["AKIDsecond", "second-key-of-home"];

const FILES: &str = "credentials: {secret_id_file: id, secret_key_file: key}";
const PROFILE: &str = "credentials: {profile: {name: prod, file: credentials}}";

const A_WHILE: Duration = Duration::from_mins(3);

fn two_accounts() -> World {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_identity(Identity::permanent(OTHER[0], OTHER[1]));
    let home = world.account(HOME).unwrap();
    home.add_identity(Identity::permanent(SECOND[0], SECOND[1]));
    world
}

fn put(stage: &Stage, [id, key]: [&str; 2]) {
    stage.write("id", id);
    stage.write("key", key);
    let profile = format!("[prod]\nsecret_id = {id}\nsecret_key = {key}\n");
    stage.write("credentials", &profile);
}

fn account(settings: &str) -> String {
    format!("accounts: {{prod: {{{settings}}}}}")
}

fn stage(world: &World, settings: &str) -> Stage {
    let mut stage = Stage::new(world, &[]);
    put(&stage, [ID, KEY]);
    stage.load(&account(settings));
    stage
}

fn failure(stage: &Stage) -> Option<Failure> {
    stage.shown.last("prod").targets[0].failure.clone()
}

fn polls_with(world: &World, id: &str) -> usize {
    let calls = world.calls();
    let polled = |call: &&cloudaudit_exporter::sim::Call| {
        call.action == "DescribeAuditTracks" && call.secret_id == id
    };
    calls.iter().filter(polled).count()
}

/// Asserts that the history shows only this track and nothing of another account.
fn assert_shows_only(report: &Report, id: u64) {
    let target = &report.targets[0];
    assert_eq!(target.failure, None);
    assert_eq!(super::stage::tracks(report), [id]);
    assert!(target.past.tombstones.is_empty(), "{:?}", target.past);
    assert!(target.past.changes.is_empty(), "{:?}", target.past);
}

/// Returns what a restart restores from the state file.
fn restored(stage: &Stage) -> BTreeMap<String, Report> {
    let saved = Saved::from_reports(&[Arc::new(stage.shown.last("prod"))]);
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    saved.into_reports(stage.clock.now())
}

fn assert_names_both(failure: &Failure) {
    assert_eq!(failure.reason, Reason::Credentials, "{failure}");
    for part in [HOME, AWAY, "uin", "reload", "back"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    assert!(!failure.message.contains(OTHER[1]), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_swapped_file_fails_until_the_old_key_is_back() {
    for settings in [FILES, PROFILE] {
        let world = two_accounts();
        let mut stage = stage(&world, settings);
        assert_eq!(stage.tracks().await, [1]);
        put(&stage, OTHER);
        stage.pass(A_WHILE).await;
        assert_names_both(&failure(&stage).unwrap());
        assert_eq!(polls_with(&world, OTHER[0]), 0);
        let target = stage.shown.last("prod").targets[0].clone();
        assert!(target.past.tombstones.is_empty());

        put(&stage, [ID, KEY]);
        stage.pass(A_WHILE).await;
        assert_shows_only(&stage.shown.last("prod"), 1);
        // One call for each of the two keys.
        assert_eq!(world.call_count_of("GetCallerIdentity"), 2, "{settings}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_the_same_account_is_verified_once() {
    let world = two_accounts();
    let mut stage = stage(&world, FILES);
    stage.pass(Duration::from_mins(30)).await;
    assert_eq!(world.call_count_of("GetCallerIdentity"), 1);
    put(&stage, SECOND);
    stage.pass(Duration::from_mins(30)).await;
    assert_shows_only(&stage.shown.last("prod"), 1);
    assert!(polls_with(&world, SECOND[0]) > 20);
    assert_eq!(world.call_count_of("GetCallerIdentity"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reload_accepts_the_other_account_and_starts_over() {
    for waits in [true, false] {
        let world = two_accounts();
        let mut stage = stage(&world, FILES);
        assert_eq!(stage.tracks().await, [1]);
        put(&stage, OTHER);
        if waits {
            stage.pass(A_WHILE).await;
        }
        stage.reload(&account(FILES)).await;
        stage.pass(A_WHILE).await;
        assert_shows_only(&stage.shown.last("prod"), 2);
        // From now on, the history is that of the other account.
        put(&stage, [ID, KEY]);
        stage.pass(A_WHILE).await;
        assert_names_both(&failure(&stage).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_without_a_new_key_keeps_the_history() {
    let world = two_accounts();
    let mut stage = stage(&world, FILES);
    assert_eq!(stage.tracks().await, [1]);
    world.account(HOME).unwrap().set_status(1, 0).unwrap();
    stage.pass(A_WHILE).await;
    let changes = stage.shown.last("prod").targets[0].past.changes.clone();
    assert!(!changes.is_empty());
    stage
        .reload(&account(&format!("interval: 50s, {FILES}")))
        .await;
    put(&stage, SECOND);
    stage
        .reload(&account(&format!("interval: 40s, {FILES}")))
        .await;
    stage.reload(&account(PROFILE)).await;
    stage
        .reload(&account(&format!("uin: '{HOME}', {PROFILE}")))
        .await;
    stage.pass(A_WHILE).await;
    assert_eq!(stage.shown.last("prod").targets[0].past.changes, changes);
}

#[tokio::test(start_paused = true)]
async fn a_reload_of_other_settings_does_not_identify_the_key_again() {
    let world = two_accounts();
    let mut stage = stage(&world, FILES);
    assert_eq!(stage.tracks().await, [1]);
    stage
        .reload(&account(&format!("labels: {{team: a}}, {FILES}")))
        .await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 1);
    assert_eq!(world.call_count_of("GetCallerIdentity"), 1);
    // The history still belongs to the same account.
    put(&stage, OTHER);
    stage.pass(A_WHILE).await;
    assert_names_both(&failure(&stage).unwrap());
    stage
        .reload(&account(&format!("labels: {{team: b}}, {FILES}")))
        .await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 2);
}

/// Otherwise the history would continue with the next key of any account.
#[tokio::test(start_paused = true)]
async fn a_reload_asks_again_for_the_account_of_a_key_if_sts_refused() {
    let world = two_accounts();
    let denied = Fault::error("UnauthorizedOperation", "not allowed");
    let fault = world.inject(denied.action("GetCallerIdentity").until_cleared());
    let mut stage = stage(&world, FILES);
    stage.pass(A_WHILE).await;
    world.clear(fault);
    stage
        .reload(&account(&format!("labels: {{team: a}}, {FILES}")))
        .await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 1);
    put(&stage, OTHER);
    stage.pass(A_WHILE).await;
    assert_names_both(&failure(&stage).unwrap());
    assert_eq!(polls_with(&world, OTHER[0]), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_continue_with_another_account() {
    for (settings, accepts) in [
        (FILES.to_owned(), false),
        (format!("uin: '{AWAY}', {FILES}"), true),
    ] {
        let world = two_accounts();
        let mut before = stage(&world, FILES);
        assert_eq!(before.tracks().await, [1]);
        let restored = restored(&before);
        drop(before);

        let mut stage = Stage::new(&world, &[]);
        put(&stage, OTHER);
        stage.fleet.restore(restored);
        stage.reload(&account(&settings)).await;
        stage.pass(A_WHILE).await;
        if !accepts {
            assert_names_both(&failure(&stage).unwrap());
            assert_eq!(polls_with(&world, OTHER[0]), 0);
            // A second restart changes nothing.
            let again = self::restored(&stage);
            stage = Stage::new(&world, &[]);
            put(&stage, OTHER);
            stage.fleet.restore(again);
            stage.reload(&account(&settings)).await;
            stage.pass(A_WHILE).await;
            assert_names_both(&failure(&stage).unwrap());
            stage.reload(&account(&settings)).await;
            stage.pass(A_WHILE).await;
        }
        assert_shows_only(&stage.shown.last("prod"), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_sets_or_removes_uin_compares_the_accounts() {
    let other = format!("uin: '{AWAY}', {FILES}");
    let world = two_accounts();
    let mut stage = stage(&world, FILES);
    assert_eq!(stage.tracks().await, [1]);
    put(&stage, OTHER);
    stage.reload(&account(&other)).await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 2);
    // Back, without uin.
    put(&stage, [ID, KEY]);
    stage.reload(&account(FILES)).await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 1);
}

/// Inline keys are verified when a reload replaces them.
#[tokio::test(start_paused = true)]
async fn a_reload_with_an_inline_key_of_another_account_starts_over() {
    let inline = |[id, key]: [&str; 2]| {
        account(&format!(
            "credentials: {{secret_id: {id}, secret_key: {key}}}"
        ))
    };
    let world = two_accounts();
    let mut stage = Stage::new(&world, &[]);
    stage.reload(&inline([ID, KEY])).await;
    assert_eq!(stage.tracks().await, [1]);
    stage.reload(&inline(OTHER)).await;
    stage.pass(A_WHILE).await;
    assert_shows_only(&stage.shown.last("prod"), 2);
    assert_eq!(world.call_count_of("GetCallerIdentity"), 2);
}

#[tokio::test(start_paused = true)]
async fn polls_continue_if_sts_fails() {
    let denied = Fault::error("UnauthorizedOperation", "not allowed");
    for fault in [denied, Fault::internal_error(), Fault::hang()] {
        let world = two_accounts();
        let fault = fault.action("GetCallerIdentity").until_cleared();
        let fault = world.inject(fault);
        let mut stage = stage(&world, FILES);
        stage.pass(A_WHILE).await;
        assert_eq!(stage.tracks().await, [1]);
        put(&stage, SECOND);
        stage.pass(A_WHILE).await;
        assert_eq!(stage.tracks().await, [1]);
        assert!(world.call_count_of("GetCallerIdentity") < 12);
        world.clear(fault);
    }
}

/// A failed call to STS is retried, at a low rate.
#[tokio::test(start_paused = true)]
async fn an_account_that_is_verified_later_is_kept_separate_from_then_on() {
    let world = two_accounts();
    let fault = Fault::internal_error().action("GetCallerIdentity");
    let fault = world.inject(fault.until_cleared());
    let mut stage = stage(&world, FILES);
    stage.pass(A_WHILE).await;
    assert_eq!(stage.tracks().await, [1]);
    world.clear(fault);
    // The old key is verified no later than when the key changes.
    put(&stage, OTHER);
    stage.pass(A_WHILE).await;
    assert_names_both(&failure(&stage).unwrap());
    assert_eq!(polls_with(&world, OTHER[0]), 0);
}

/// The keys of a role change every few hours, but must belong to one account, even after a restart
/// on a machine of another account.
#[tokio::test(start_paused = true)]
async fn the_role_of_a_machine_in_another_account_is_rejected() {
    const ROLE: &str = "credentials: {cvm_role: {}}";
    let world = two_accounts();
    for uin in [HOME, AWAY] {
        world.account(uin).unwrap().add_role(Role::new("monitor"));
    }
    world.bind_machine(HOME, "monitor");
    let mut before = Stage::new(&world, &[]);
    before.reload(&account(ROLE)).await;
    assert_eq!(before.tracks().await, [1]);
    let restored = restored(&before);

    world.bind_machine(AWAY, "monitor");
    before.pass(Duration::from_hours(12)).await;
    assert_names_both(&failure(&before).unwrap());
    drop(before);

    let mut after = Stage::new(&world, &[]);
    after.fleet.restore(restored);
    after.reload(&account(ROLE)).await;
    after.pass(A_WHILE).await;
    assert_names_both(&failure(&after).unwrap());
    let target = after.shown.last("prod").targets[0].clone();
    assert!(target.past.tombstones.is_empty());
}

/// Accounts with the same role share its keys. The account that must not use them fails alone.
#[tokio::test(start_paused = true)]
async fn a_rejected_key_of_a_shared_role_stays_in_use_by_the_other_account() {
    const ACCOUNTS: &str =
        "accounts: {prod: {credentials: {cvm_role: {}}}, twin: {credentials: {cvm_role: {}}}}";
    let world = two_accounts();
    world.account(AWAY).unwrap().add_role(Role::new("monitor"));
    world.bind_machine(AWAY, "monitor");
    let mut before = stage(&world, FILES);
    assert_eq!(before.tracks().await, [1]);
    let restored = restored(&before);
    drop(before);

    let mut stage = Stage::new(&world, &[]);
    stage.fleet.restore(restored);
    stage.reload(ACCOUNTS).await;
    stage.pass(A_WHILE).await;
    world.inject(Fault::bad_gateway().action("metadata").until_cleared());
    for _ in 0..30 {
        stage.pass(Duration::from_mins(1)).await;
        assert_names_both(&failure(&stage).unwrap());
        assert_shows_only(&stage.shown.last("twin"), 2);
    }
}
