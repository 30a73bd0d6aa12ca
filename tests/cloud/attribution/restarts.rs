//! Searches over a restart, a reload, and another key.

use std::time::Duration;

use cloudaudit_exporter::snapshot::{AttributionResult as Result, Change};

use super::scene::{ALICE, MINUTE, Scene};

const ENABLED: &str = "attribution: {enabled: true}";

#[tokio::test(start_paused = true)]
async fn a_search_goes_on_after_a_restart() {
    let mut scene = Scene::new(ENABLED).await;
    scene
        .alice()
        .recorded_after(12 * MINUTE)
        .set_status(1, 0)
        .unwrap();
    scene.pass(4 * MINUTE).await;
    assert_eq!(scene.operator(Change::Disabled).0, Result::Pending);
    let before = scene.requests();
    assert!((2..=3).contains(&before), "{before}");

    let mut scene = scene.restart().await;
    assert_eq!(scene.report().pending(), 1);
    assert_eq!(
        scene.requests(),
        before,
        "a restart is no reason for a request"
    );
    scene.pass(30 * MINUTE).await;
    assert_eq!(
        scene.operator(Change::Disabled),
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
    assert_eq!(scene.operator(Change::Disabled).0, Result::NotFound);
    assert!(scene.requests() <= 7, "{}", scene.requests());
}

/// The process ended before the search was in the state file.
#[tokio::test(start_paused = true)]
async fn a_change_whose_search_was_lost_is_searched() {
    let mut scene = Scene::new(ENABLED).await;
    scene.alice().set_status(1, 0).unwrap();
    while scene.changes().is_empty() {
        scene.pass(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.operator(Change::Disabled).0, Result::Pending);
    let mut scene = scene.restart().await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(Change::Disabled).0, Result::Certain);
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_searches_and_ends_them_if_attribution_is_disabled() {
    let mut scene = Scene::new(ENABLED).await;
    scene.home().unrecorded().set_status(1, 0).unwrap();
    scene.pass(2 * MINUTE).await;
    scene.reload(&format!("{ENABLED}, interval: 30s")).await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(Change::Disabled).0, Result::Pending);
    assert_eq!(scene.report().pending(), 1);
    scene.reload("interval: 30s").await;
    scene.pass(MINUTE).await;
    assert_eq!(scene.operator(Change::Disabled).0, Result::Off);
    let requests = scene.requests();
    scene.pass(60 * MINUTE).await;
    assert_eq!(scene.requests(), requests);
}
