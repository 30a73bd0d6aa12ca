//! When the exporter is ready.

use super::{INTERVAL, MOMENT, STALE_AFTER, World};
use crate::support::tracks::listing;

#[test]
fn the_exporter_is_ready_for_good_once_every_target_was_listed() {
    let mut world = World::new();
    let mut one = world.account("a", &["r", "s"]);
    let mut other = world.account("b", &["r"]);
    one.publish(world.now);
    other.publish(world.now);
    let reasons = |world: &World| world.publisher.ready(world.now).unwrap_err();
    let wait = |target: &str| format!("{target}: the first poll has not ended");
    assert_eq!(reasons(&world), [wait("a/r"), wait("a/s"), wait("b/r")]);

    one.listed(0, listing([]), world.now);
    other.failed(0, world.now);
    assert_eq!(
        reasons(&world),
        [
            wait("a/s"),
            "b/r: the first poll failed: unavailable".to_owned()
        ]
    );
    one.listed(1, listing([]), world.now);
    other.listed(0, listing([]), world.now);
    assert_eq!(world.publisher.ready(world.now), Ok(()));

    one.failed(0, world.now);
    world.account("new", &["r"]).publish(world.now);
    world.pass(10 * STALE_AFTER);
    assert_eq!(
        world.publisher.ready(world.now),
        Ok(()),
        "readiness is permanent"
    );
}

#[test]
fn the_exporter_is_ready_after_one_interval_of_every_target() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.publish(world.now);
    world.pass(INTERVAL.saturating_sub(MOMENT));
    account.failed(0, world.now);
    assert!(world.publisher.ready(world.now).is_err());
    world.pass(MOMENT);
    assert_eq!(world.publisher.ready(world.now), Ok(()));
}

#[test]
fn a_process_without_accounts_is_ready_and_stays_ready_when_it_gets_one() {
    let world = World::new();
    assert_eq!(
        world.publisher.ready(world.now),
        Ok(()),
        "there is no target to wait for"
    );
    world.account("a", &["r"]).publish(world.now);
    assert_eq!(
        world.publisher.ready(world.now),
        Ok(()),
        "a reload does not take it back"
    );
}

#[test]
fn only_the_first_pending_targets_are_named() {
    let world = World::new();
    for number in 0..25 {
        let name = format!("account-{number:02}");
        world.account(&name, &["r"]).publish(world.now);
    }
    let reasons = world.publisher.ready(world.now).unwrap_err();
    assert_eq!(reasons.len(), 21);
    assert!(reasons[0].starts_with("account-00/r"), "{}", reasons[0]);
    assert_eq!(reasons[20], "and 5 more");
}
