//! State across restarts and reloads.

use std::sync::Arc;

use cloudaudit_exporter::sim::Layout;
use cloudaudit_exporter::snapshot::DeliveryState;
use cloudaudit_exporter::state::Saved;

use super::{HOUR, MINUTE, config, deliver, shown, state, world};
use crate::identities::stage::Stage;

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_the_state() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    accounts[0].stop_delivering(1);
    stage.pass(2 * HOUR).await;
    let before = shown(&stage, 0);
    assert_eq!(state(&stage, 0), DeliveryState::Stalled);
    let reports: Vec<_> = stage.shown.reports().into_iter().map(Arc::new).collect();
    let saved = Saved::from_reports(&reports);
    drop(stage);
    let lists = world.call_count_of("GetBucket");

    let mut stage = Stage::new(&world, &[]);
    let now = stage.clock.now();
    stage.fleet.restore(saved.into_reports(now));
    stage.load(&config(1));
    let restored = shown(&stage, 0);
    assert_eq!(
        state(&stage, 0),
        DeliveryState::Stalled,
        "before the first check"
    );
    assert_eq!(restored.last_arrival, before.last_arrival);
    assert_eq!(restored.due, before.due);
    stage.pass(15 * MINUTE).await;
    assert_eq!(state(&stage, 0), DeliveryState::Stalled);
    // One or two checks: each lists what follows the known object, and looks for a newer folder.
    let lists = world.call_count_of("GetBucket") - lists;
    assert!(lists <= 8, "{lists}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_the_state_and_disabling_drops_it() {
    let (world, accounts) = world(1);
    deliver(&accounts[0], &world, Layout::days());
    let mut stage = Stage::with(&world, &[], &config(1));
    stage.pass(HOUR).await;
    let before = shown(&stage, 0);
    let faster = config(1).replace("enabled: true", "enabled: true, interval: 2m");
    stage.reload(&faster).await;
    let after = shown(&stage, 0);
    assert_eq!(
        (after.state, after.last_arrival),
        (before.state, before.last_arrival)
    );
    stage.pass(10 * MINUTE).await;
    assert!(shown(&stage, 0).last_check > before.last_check);

    stage
        .reload(&config(1).replace("enabled: true", "enabled: false"))
        .await;
    assert_eq!(stage.shown.last("a0").deliveries, None);
}
