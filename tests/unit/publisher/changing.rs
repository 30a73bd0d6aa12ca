//! Scrapes while a reload or a discovery changes accounts.

use std::time::Duration;

use bytes::Bytes;

use super::{MOMENT, World, one_member};
use crate::support::tracks::{listing, track};

/// A change is hidden for at most this time.
const MAX_CHANGE: Duration = Duration::from_secs(30);

fn scraped(world: &World, gzip: bool, own: &'static str) -> String {
    let own = || vec![Bytes::from_static(own.as_bytes())];
    let exposition = world.publisher.scrape(gzip, own, world.now).concat();
    let plain = if gzip {
        one_member(&exposition)
    } else {
        exposition
    };
    String::from_utf8(plain).expect("valid UTF-8")
}

/// Publishes a new account and a changed account, and removes an account.
fn change(world: &World) {
    let names = ["kept", "new"];
    for name in names {
        let mut account = world.account(name, &["r"]);
        account.listed(0, listing([track(2, "after")]), world.now);
    }
    world.publisher.withdraw("gone", world.now);
}

fn begin_change_of_two_accounts() -> (World, String) {
    let world = World::new();
    for name in ["gone", "kept"] {
        let mut account = world.account(name, &["r"]);
        account.listed(0, listing([track(1, "before")]), world.now);
    }
    let before = scraped(&world, true, "own 1\n");
    let own = || vec![Bytes::from_static(b"own 1\n")];
    world.publisher.begin_change(own, world.now);
    (world, before)
}

#[test]
fn a_scrape_during_a_change_shows_the_old_accounts() {
    let (world, before) = begin_change_of_two_accounts();
    change(&world);
    for gzip in [false, true] {
        assert_eq!(scraped(&world, gzip, "own 2\n"), before);
    }
    let names = |world: &World| -> Vec<String> {
        let reports = world.publisher.reports().into_iter();
        reports.map(|report| report.account.name.clone()).collect()
    };
    assert_eq!(names(&world), ["gone", "kept"]);

    let own = || vec![Bytes::from_static(b"own 2\n")];
    world.publisher.prepare_change(own, world.now);
    assert_eq!(scraped(&world, true, "own 2\n"), before);
    world.publisher.end_change();
    assert_eq!(names(&world), ["kept", "new"]);
    for gzip in [false, true] {
        let after = scraped(&world, gzip, "own 2\n");
        let has_gone = ["\"gone\"", "\"before\""].map(|gone| after.contains(gone));
        assert_eq!(has_gone, [false; 2], "{after}");
        assert!(after.contains("account=\"new\"") && after.ends_with("own 2\n"));
    }
}

#[test]
fn reports_published_after_the_preparation_are_shown() {
    let (world, _) = begin_change_of_two_accounts();
    change(&world);
    world.publisher.prepare_change(Vec::new, world.now);
    let mut late = world.account("late", &["r"]);
    late.listed(0, listing([track(3, "late")]), world.now);
    world.publisher.end_change();
    assert!(scraped(&world, true, "").contains("account=\"late\""));
}

/// The finished part of an interrupted change is shown.
#[test]
fn a_change_can_end_without_preparation() {
    let (world, _) = begin_change_of_two_accounts();
    change(&world);
    world.publisher.end_change();
    assert!(scraped(&world, false, "").contains("account=\"new\""));
}

/// A change that never ends must not keep old series forever.
#[test]
fn a_change_that_takes_too_long_is_shown() {
    let (mut world, before) = begin_change_of_two_accounts();
    change(&world);
    world.pass(MAX_CHANGE.saturating_sub(MOMENT));
    assert_eq!(scraped(&world, false, ""), before);
    world.pass(MOMENT);
    assert!(scraped(&world, false, "").contains("account=\"new\""));
}
