//! Listings below `TotalCount`.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::sim::{Fault, Track};

use super::stage::{HOME, ID, KEY, Stage, world};

fn config(accepts: bool) -> String {
    format!(
        "poll: {{accept_short_listings: {accepts}}}\n\
         accounts: {{prod: {{credentials: {{secret_id: {ID}, secret_key: {KEY}}}}}}}"
    )
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_reload_of_the_option_applies_from_the_next_poll() {
    let world = world();
    world.account(HOME).unwrap().create(Track::new(3, "other"));
    let mut stage = Stage::with(&world, &[], &config(false));
    assert_eq!(stage.tracks().await, [1, 3]);

    let fault = world.inject(Fault::total_off_by(1).until_cleared());
    world.account(HOME).unwrap().delete(3).unwrap();
    stage.pass(MINUTE).await;
    let failure = stage.failure().await;
    assert_eq!(failure.reason, Reason::Incomplete);
    let target = |stage: &Stage| stage.shown.last("prod").targets[0].clone();
    assert!(!target(&stage).last_good.unwrap().is_complete);

    // A known track that is not listed is neither shown nor reported as vanished.
    stage.load(&config(true));
    assert_eq!(stage.tracks().await, [1]);
    assert!(target(&stage).last_good.unwrap().is_complete);
    assert!(target(&stage).past.tombstones.is_empty());

    stage.load(&config(false));
    stage.pass(MINUTE).await;
    assert!(!target(&stage).is_up());

    world.clear(fault);
    stage.pass(2 * MINUTE).await;
    let past = target(&stage).past;
    assert_eq!(past.tombstones.keys().copied().collect::<Vec<_>>(), [3]);
}
