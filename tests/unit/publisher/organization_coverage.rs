//! Coverage of a member by its organization's tracks expires on its own schedule, even if no
//! account publishes.

use std::time::Duration;

use cloudaudit_exporter::snapshot::{Listing, OrganizationCoverage};

use super::{Account, INTERVAL, MOMENT, STALE_AFTER, World, with_status};
use crate::support::tracks::{listing, track};

const VALID_FOR: Duration = Duration::from_mins(20);

/// A member of an organization that covers it for [`VALID_FOR`].
fn member(world: &World, regions: &[&str]) -> Account {
    let mut account = world.account("a", regions);
    account.coverage = Some(covers(world));
    account
}

fn covers(world: &World) -> OrganizationCoverage {
    OrganizationCoverage::found(true, world.now, VALID_FOR / 4)
}

fn covered(world: &World) -> Option<f64> {
    world.value("cloudaudit_account_covered{account=\"a\"")
}

fn off() -> Listing {
    listing([with_status(track(1, "x"), false)])
}

#[test]
fn coverage_expires_without_any_event() {
    let short = Listing {
        reported: 2,
        ..off()
    };
    // The organization may still cover an account whose own tracks do not.
    for (own, alone) in [
        (off(), None),
        (short, None),
        (listing([track(1, "x")]), Some(1.0)),
    ] {
        let mut world = World::new();
        let mut account = member(&world, &["r"]);
        account.listed(0, own, world.now);
        assert_eq!(covered(&world), Some(1.0));
        world.pass(VALID_FOR.saturating_sub(MOMENT));
        assert_eq!(covered(&world), Some(1.0), "until just before the end");
        world.pass(MOMENT);
        assert_eq!(covered(&world), alone);
        world.pass(STALE_AFTER);
        assert_eq!(covered(&world), None, "the listing has expired, too");
    }
}

/// The coverage may expire before, between or after the listings of the regions.
#[test]
fn coverage_expires_whichever_regions_are_still_shown() {
    for minutes_before in [0, 30, 45] {
        let mut world = World::new();
        let mut account = member(&world, &["r", "s"]);
        let expires = world.now.steady + minutes_before * INTERVAL + VALID_FOR;
        account.listed(0, off(), world.now);
        world.pass(minutes_before * INTERVAL);
        account.coverage = Some(covers(&world));
        account.listed(1, off(), world.now);
        while world.now.steady < expires {
            assert_eq!(covered(&world), Some(1.0));
            world.pass(INTERVAL);
        }
        let tracks = world.account_tracks();
        assert_eq!(covered(&world), None);
        assert_eq!(tracks, Some([0.0, 1.0, 0.0]), "only coverage has changed");
    }
}

/// A member may be published for the first time after its coverage has expired.
#[test]
fn expired_coverage_is_unknown() {
    let mut world = World::new();
    let mut account = member(&world, &["r"]);
    world.pass(VALID_FOR);
    account.listed(0, off(), world.now);
    assert_eq!(covered(&world), None);
}

/// The organization's tracks do not cover the account, until this may have changed.
#[test]
fn a_missing_coverage_expires_too() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.coverage = Some(OrganizationCoverage::found(false, world.now, VALID_FOR / 4));
    account.listed(0, off(), world.now);
    world.pass(VALID_FOR.saturating_sub(MOMENT));
    assert_eq!(covered(&world), Some(0.0));
    world.pass(MOMENT);
    assert_eq!(covered(&world), None);
}

/// Before the first result, for example after a restart.
#[test]
fn coverage_is_unknown_before_the_first_result() {
    let world = World::new();
    let mut account = world.account("a", &["r"]);
    account.coverage = Some(OrganizationCoverage::unknown(world.now));
    account.listed(0, off(), world.now);
    assert_eq!(covered(&world), None);
    account.coverage = None;
    account.listed(0, off(), world.now);
    assert_eq!(
        covered(&world),
        Some(0.0),
        "its organization does not count"
    );
}
