//! Series about the present are hidden when they are too old by either clock: the wall clock can be
//! set, and the steady clock stops while the machine is suspended.

use std::time::Duration;

use super::{ENABLED, INTERVAL, LAST_SUCCESS, MOMENT, STALE_AFTER, TOMBSTONE_FOR, UP, World};
use crate::support::tracks::{listing, track};

const HOURS: Duration = Duration::from_hours(8);

const COVERED: &str = "cloudaudit_account_covered{";
const CHECKED: &str = "cloudaudit_account_coverage_checked_timestamp_seconds{";

/// A world with an account that was just listed.
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
    // The clock is corrected.
    world.now.wall -= HOURS;
    assert!(is_shown(&world));
}

/// A failed poll publishes the known data again.
#[test]
fn a_failed_poll_after_the_jump_keeps_the_listing_hidden() {
    let (mut world, mut account) = listed();
    world.now.wall += HOURS;
    account.failed(0, world.now);
    assert!(!is_shown(&world));
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    assert!(is_shown(&world));
    world.pass(STALE_AFTER.saturating_sub(MOMENT));
    assert!(is_shown(&world), "until just before the end");
    world.pass(MOMENT);
    assert!(!is_shown(&world));
}

#[test]
fn a_steady_clock_that_stops_does_not_extend_how_long_a_listing_is_shown() {
    let (mut world, _account) = listed();
    world.now.wall += STALE_AFTER.saturating_sub(MOMENT);
    assert!(is_shown(&world));
    world.now.wall += MOMENT;
    assert!(!is_shown(&world));
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_extend_how_long_a_listing_is_shown() {
    let (mut world, mut account) = listed();
    let succeeded = world.value(LAST_SUCCESS).expect("it was listed");
    world.now.wall -= HOURS;
    assert!(is_shown(&world));
    world.pass(10 * INTERVAL);
    account.failed(0, world.now);
    // Ten minutes ago by the current clock, because an alert on the age must see it grow.
    let now = succeeded - HOURS.as_secs_f64();
    assert_eq!(world.value(LAST_SUCCESS), Some(now));
    world.now.steady += STALE_AFTER.saturating_sub(10 * INTERVAL);
    assert!(!is_shown(&world));
}

/// A listing is shown at once, even if an earlier reading of the clock was later.
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

/// A clock that jumps must not end a tombstone, because that would end the alert on the deletion.
#[test]
fn a_tombstone_survives_a_jump_of_the_wall_clock() {
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
