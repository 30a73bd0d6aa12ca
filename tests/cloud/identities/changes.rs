//! The change feed across reloads and removals of accounts.

use std::slice;
use std::time::Duration;

use cloudaudit_exporter::sim::Identity;
use cloudaudit_exporter::snapshot::ChangeKind;

use super::stage::{AWAY, HOME, ID, KEY, Stage, world};

const TWO_MINUTES: Duration = Duration::from_mins(2);

/// The changes in the feed, newest first: the account, the track, and the kind.
fn changes(stage: &Stage) -> Vec<(String, u64, ChangeKind)> {
    let latest = stage.changes.latest(stage.clock.now().wall);
    let changes = latest.iter();
    changes
        .map(|it| (it.account.clone(), it.track_id, it.change))
        .collect()
}

fn prod(more: &str) -> String {
    format!("{{credentials: {{secret_id: {ID}, secret_key: {KEY}}}{more}}}")
}

#[tokio::test(start_paused = true)]
async fn the_feed_keeps_changes_across_reloads_and_removals() {
    let world = world();
    let home = world.account(HOME).unwrap();
    let mut stage = Stage::of(&world, &[], &prod(""));
    stage.pass(TWO_MINUTES).await;
    home.set_status(1, 0).unwrap();
    stage.pass(TWO_MINUTES).await;
    let disabled = ("prod".to_owned(), 1, ChangeKind::Disabled);
    assert_eq!(changes(&stage), slice::from_ref(&disabled));

    // A reload with other settings starts a new task, which does not report the change again.
    let reloaded = format!("accounts: {{prod: {}}}", prod(", interval: 30s"));
    stage.reload(&reloaded).await;
    stage.pass(TWO_MINUTES).await;
    assert_eq!(changes(&stage), slice::from_ref(&disabled));
    home.set_status(1, 1).unwrap();
    stage.pass(TWO_MINUTES).await;
    let enabled = ("prod".to_owned(), 1, ChangeKind::Enabled);
    assert_eq!(changes(&stage), [enabled.clone(), disabled.clone()]);

    let other = format!("accounts: {{other: {}}}", prod(""));
    stage.reload(&other).await;
    stage.pass(TWO_MINUTES).await;
    assert_eq!(changes(&stage), [enabled, disabled]);
}

/// Comparing the two accounts would report every track of one as deleted and every track of the
/// other as created.
#[tokio::test(start_paused = true)]
async fn a_key_of_another_account_records_no_change() {
    let world = world();
    let away = world.account(AWAY).unwrap();
    away.add_identity(Identity::permanent("AKIDaway", "key-of-away"));
    let mut stage = Stage::of(&world, &[], &prod(""));
    assert_eq!(stage.tracks().await, [1]);
    let key = "{credentials: {secret_id: AKIDaway, secret_key: key-of-away}}";
    stage.reload(&format!("accounts: {{prod: {key}}}")).await;
    stage.pass(TWO_MINUTES).await;
    assert_eq!(stage.tracks().await, [2]);
    assert_eq!(changes(&stage), []);
}
