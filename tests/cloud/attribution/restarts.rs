//! Searches across a restart, a reload and the removal of the account.

use std::time::Duration;

use cloudaudit_exporter::snapshot::{AttributionResult as Result, ChangeKind};

use super::scene::{ALICE, MINUTE, Scene};
use crate::identities::stage::{ID, KEY};

const ENABLED: &str = "attribution: {enabled: true}";

#[tokio::test(start_paused = true)]
async fn a_search_continues_after_a_restart() {
    let mut scene = Scene::new(ENABLED).await;
    scene
        .alice()
        .recorded_after(12 * MINUTE)
        .set_status(1, 0)
        .unwrap();
    scene.pass(4 * MINUTE).await;
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Pending);
    let before = scene.requests();
    assert!((2..=3).contains(&before), "{before}");

    let mut scene = scene.restart().await;
    assert_eq!(scene.report().pending(), 1);
    assert_eq!(scene.requests(), before, "a restart sends no request");
    scene.pass(30 * MINUTE).await;
    assert_eq!(
        scene.operator(ChangeKind::Disabled),
        (Result::Certain, vec![ALICE.to_owned()])
    );
    assert!(scene.requests() <= 7, "{}", scene.requests());
}

#[tokio::test(start_paused = true)]
async fn restarts_do_not_add_requests() {
    let mut scene = Scene::new(ENABLED).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    scene.pass(MINUTE + MINUTE / 2).await;
    for _ in 0..20 {
        scene = scene.restart().await;
        scene.pass(2 * MINUTE).await;
    }
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::NotFound);
    assert!(scene.requests() <= 7, "{}", scene.requests());
}

/// The process ended before it saved the search to the state file.
#[tokio::test(start_paused = true)]
async fn a_change_whose_search_was_not_saved_is_searched_again() {
    let mut scene = Scene::new(ENABLED).await;
    scene.alice().set_status(1, 0).unwrap();
    while scene.changes().is_empty() {
        scene.pass(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Pending);
    let mut scene = scene.restart().await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Certain);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_searches_and_ends_them_if_attribution_is_disabled() {
    let mut scene = Scene::new(ENABLED).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    scene.reload(&format!("{ENABLED}, interval: 30s")).await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Pending);
    assert_eq!(scene.report().pending(), 1);
    scene.reload("interval: 30s").await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Off);
    let requests = scene.requests();
    scene.pass(60 * MINUTE).await;
    assert_eq!(scene.requests(), requests);
}

/// A removed account is not polled, so its search cannot continue.
#[tokio::test(start_paused = true)]
async fn the_search_of_a_removed_account_fails() {
    let other =
        format!("accounts: {{other: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}");
    for is_running in [true, false] {
        let mut scene = Scene::new(ENABLED).await;
        scene.home().unrecorded().set_status(1, 0).unwrap();
        scene.pass(2 * MINUTE).await;
        assert_eq!(scene.operator(ChangeKind::Disabled).0, Result::Pending);
        if is_running {
            scene.stage.reload(&other).await;
        } else {
            scene = scene.restart_with(other.clone()).await;
        }
        assert_eq!(
            scene.operator(ChangeKind::Disabled),
            (Result::Failed, vec![])
        );
    }
}

/// What happened in the last seconds before a kill is not in the state file.
#[tokio::test(start_paused = true)]
async fn a_crash_loop_sends_no_more_requests() {
    let mut scene = Scene::new(ENABLED).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    while scene.changes().is_empty() {
        scene.pass(Duration::from_millis(500)).await;
    }
    for _ in 0..15 {
        let before = scene.requests();
        // A state file is written at most five seconds after a change.
        let mut saved = vec![scene.saved(); 10];
        for _ in 0..600 {
            if scene.requests() > before {
                break;
            }
            scene.pass(Duration::from_millis(500)).await;
            saved.rotate_left(1);
            *saved.last_mut().unwrap() = scene.saved();
        }
        scene = scene.restart_after_kill(&saved[0]).await;
    }
    assert!(scene.requests() <= 7, "{}", scene.requests());
    let (result, operators) = scene.operator(ChangeKind::Disabled);
    assert_eq!((result, operators), (Result::Failed, vec![]));
}
