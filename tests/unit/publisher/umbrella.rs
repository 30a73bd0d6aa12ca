//! What an organisation's own tracks record for its members is believed for a time of its own, and
//! that ends though nobody publishes.

use std::time::Duration;

use cloudaudit_exporter::snapshot::{Listing, OrganizationCoverage};

use super::{Account, INTERVAL, MOMENT, STALE_AFTER, World, with_status};
use crate::support::tracks::{listing, track};

const BELIEVED: Duration = Duration::from_mins(20);

/// A member of an organisation that covers it for [`BELIEVED`].
fn member(world: &World, regions: &[&str]) -> Account {
    let mut account = world.account("a", regions);
    account.coverage = Some(covers(world));
    account
}

fn covers(world: &World) -> OrganizationCoverage {
    OrganizationCoverage::found(true, world.now, BELIEVED / 4)
}

fn covered(world: &World) -> Option<f64> {
    world.value("cloudaudit_account_covered{account=\"a\"")
}

fn off() -> Listing {
    listing([with_status(track(1, "x"), false)])
}

#[test]
fn it_is_closed_by_time_alone() {
    let short = Listing {
        reported: 2,
        ..off()
    };
    for (own, alone) in [
        (off(), Some(0.0)),
        (short, None),
        (listing([track(1, "x")]), Some(1.0)),
    ] {
        let mut world = World::new();
        let mut account = member(&world, &["r"]);
        account.listed(0, own, world.now);
        assert_eq!(covered(&world), Some(1.0));
        world.pass(BELIEVED.saturating_sub(MOMENT));
        assert_eq!(covered(&world), Some(1.0), "to the last moment");
        world.pass(MOMENT);
        assert_eq!(covered(&world), alone);
        world.pass(STALE_AFTER);
        assert_eq!(covered(&world), None, "there is nothing to look at");
    }
}

/// The end of what is believed falls into any of the times that the regions divide.
#[test]
fn it_is_closed_whichever_regions_are_left() {
    for minutes_before in [0, 30, 45] {
        let mut world = World::new();
        let mut account = member(&world, &["r", "s"]);
        let closes = world.now.steady + minutes_before * INTERVAL + BELIEVED;
        account.listed(0, off(), world.now);
        world.pass(minutes_before * INTERVAL);
        account.coverage = Some(covers(&world));
        account.listed(1, off(), world.now);
        while world.now.steady < closes {
            assert_eq!(covered(&world), Some(1.0));
            world.pass(INTERVAL);
        }
        let tracks = world.account_tracks();
        assert_eq!(covered(&world), Some(0.0));
        assert_eq!(tracks, Some([0.0, 1.0, 0.0]), "nothing else has changed");
    }
}

/// What was believed before is nothing to begin with.
#[test]
fn one_that_is_over_covers_nothing() {
    let mut world = World::new();
    let mut account = member(&world, &["r"]);
    world.pass(BELIEVED);
    account.listed(0, off(), world.now);
    assert_eq!(covered(&world), Some(0.0));
}
