//! What describes the present is hidden as soon as either clock says that it is too old: the wall
//! clock may be set, and the steady one stands still while the machine is suspended.

use std::time::Duration;

use super::{ENABLED, INTERVAL, LAST_SUCCESS, MOMENT, STALE_AFTER, TOMBSTONE_FOR, UP, World};
use crate::support::tracks::{listing, track};

const HOURS: Duration = Duration::from_hours(8);

const COVERED: &str = "cloudaudit_account_covered{";
const CHECKED: &str = "cloudaudit_account_coverage_checked_timestamp_seconds{";

/// A world in which an account was listed a moment ago, and then its cloud is gone.
fn listed() -> (World, super::Account) {
    let world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    (world, account)
}

fn is_shown(world: &World) -> bool {
    let shown = [ENABLED, COVERED, CHECKED].map(|series| world.value(series).is_some());
    assert_eq!(shown, [shown[0]; 3], "all or none");
    assert_eq!(world.value(UP), Some(f64::from(u8::from(shown[0]))));
    assert_eq!(world.account_tracks().is_some(), shown[0]);
    shown[0]
}

#[test]
fn a_wall_clock_that_jumps_ahead_hides_a_listing() {
    let (mut world, _account) = listed();
    assert!(is_shown(&world));
    let succeeded = world.value(LAST_SUCCESS);
    world.now.wall += HOURS;
    assert!(!is_shown(&world));
    assert_eq!(world.value(LAST_SUCCESS), succeeded);
    // It was a mistake, and the clock is right again.
    world.now.wall -= HOURS;
    assert!(is_shown(&world));
}

/// A failed poll publishes once more what is known.
#[test]
fn a_failure_after_the_jump_shows_nothing_either() {
    let (mut world, mut account) = listed();
    world.now.wall += HOURS;
    account.failed(0, world.now);
    assert!(!is_shown(&world));
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    assert!(is_shown(&world));
    world.pass(STALE_AFTER.saturating_sub(MOMENT));
    assert!(is_shown(&world), "to the last moment");
    world.pass(MOMENT);
    assert!(!is_shown(&world));
}

#[test]
fn a_steady_clock_that_stands_still_hides_nothing_longer() {
    let (mut world, _account) = listed();
    world.now.wall += STALE_AFTER.saturating_sub(MOMENT);
    assert!(is_shown(&world));
    world.now.wall += MOMENT;
    assert!(!is_shown(&world));
}

#[test]
fn a_wall_clock_that_is_set_back_shows_nothing_longer() {
    let (mut world, mut account) = listed();
    let succeeded = world.value(LAST_SUCCESS).expect("it was listed");
    world.now.wall -= HOURS;
    assert!(is_shown(&world));
    world.pass(10 * INTERVAL);
    account.failed(0, world.now);
    // Ten minutes ago by the clock as it is now: an alert on its age must see it grow.
    let now = succeeded - HOURS.as_secs_f64();
    assert_eq!(world.value(LAST_SUCCESS), Some(now));
    world.now.steady += STALE_AFTER.saturating_sub(10 * INTERVAL);
    assert!(!is_shown(&world));
}

/// A listing after the clock was set back is shown at once, whatever the clock has said before.
#[test]
fn a_listing_after_the_clock_was_set_back_is_shown() {
    let (mut world, mut account) = listed();
    world.now.wall += HOURS;
    assert!(!is_shown(&world));
    world.now.wall -= HOURS;
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    assert!(is_shown(&world));
}

/// A deletion is a fact about the past. If a clock that jumps could end it, it would end an alert.
#[test]
fn a_tombstone_outlives_a_jump() {
    let (mut world, mut account) = listed();
    world.pass(INTERVAL);
    account.listed(0, listing([]), world.now);
    let tombstone = "cloudaudit_track_present{account=\"a\"";
    world.now.wall += 2 * TOMBSTONE_FOR;
    account.failed(0, world.now);
    assert_eq!(world.value(tombstone), Some(0.0));
    world.now.steady += TOMBSTONE_FOR;
    assert_eq!(world.value(tombstone), None);
}
