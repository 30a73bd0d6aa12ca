//! Facts about the past outlive their listing and expire on time even if no account publishes. The
//! overview of an account expires with its listings.

use std::sync::Arc;

use bytes::Bytes;
use cloudaudit_exporter::snapshot::{AccountInfo, ExpectedTrack, Track};

use super::{
    Account, ENABLED, INTERVAL, LAST_SUCCESS, MOMENT, STALE_AFTER, TOMBSTONE_FOR, UP, World,
    accounts_in_one_bucket, with_status,
};
use crate::support::tracks::{listing, track};

/// The beginning of a series of a track in region `r` of account `a`.
fn series(metric: &str, id: u64) -> String {
    format!("cloudaudit_track_{metric}{{account=\"a\",region=\"r\",track_id=\"{id}\"")
}

fn changed(world: &World, id: u64, change: &str) -> Option<f64> {
    let begin = series("changed_timestamp_seconds", id);
    world.value(&format!("{begin},track=\"x\",change=\"{change}\"}}"))
}

fn present(world: &World, id: u64) -> Option<f64> {
    world.value(&series("present", id))
}

/// An account whose track 1 was disabled and track 2 deleted.
fn account_with_a_past(world: &mut World) -> Account {
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x"), track(2, "x")]), world.now);
    world.pass(INTERVAL);
    account.listed(0, listing([with_status(track(1, "x"), false)]), world.now);
    account
}

#[test]
fn tombstones_and_change_times_outlive_the_listing() {
    let mut world = World::new();
    account_with_a_past(&mut world);
    let at = changed(&world, 1, "disabled");
    assert!(at.is_some());
    assert_eq!(changed(&world, 2, "vanished"), at);
    let succeeded = world.value(LAST_SUCCESS);
    assert_eq!(succeeded, at);
    assert_eq!(present(&world, 1), Some(1.0));
    assert_eq!(present(&world, 2), Some(0.0));

    world.pass(STALE_AFTER);
    assert_eq!(world.value(UP), Some(0.0));
    assert_eq!(world.value(ENABLED), None);
    assert_eq!(present(&world, 1), None, "unknown");
    assert_eq!(present(&world, 2), Some(0.0));
    assert_eq!(changed(&world, 1, "disabled"), at);
    assert_eq!(changed(&world, 2, "vanished"), at);
    assert_eq!(world.value(LAST_SUCCESS), succeeded);
}

#[test]
fn a_tombstone_expires_on_time_even_if_no_account_publishes() {
    for failing in [false, true] {
        let mut world = World::new();
        let mut account = account_with_a_past(&mut world);
        world.pass(INTERVAL);
        if failing {
            account.failed(0, world.now);
        }
        world.pass(TOMBSTONE_FOR.saturating_sub(INTERVAL + MOMENT));
        assert_eq!(present(&world, 2), Some(0.0), "until just before the end");
        assert!(changed(&world, 2, "vanished").is_some());
        world.pass(MOMENT);
        assert_eq!(present(&world, 2), None);
        assert_eq!(changed(&world, 2, "vanished"), None);
        // The change times of a track that may still exist are kept.
        assert!(changed(&world, 1, "disabled").is_some());
        world.pass(100 * TOMBSTONE_FOR);
        assert!(changed(&world, 1, "disabled").is_some());
    }
}

#[test]
fn tombstones_expire_one_by_one() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    for left in (0..5).rev() {
        world.pass(INTERVAL);
        let tracks = (0..left).map(|id| track(id, "x"));
        account.listed(0, listing(tracks), world.now);
    }
    // Track 0 vanished now, and each other track one interval before the next.
    world.pass(TOMBSTONE_FOR.saturating_sub(4 * INTERVAL));
    for gone in 0..5_u64 {
        for id in 0..4 {
            let is_there = id < 4_u64.saturating_sub(gone);
            let expected = is_there.then_some(0.0);
            assert_eq!(present(&world, id), expected, "{id} at {gone}");
        }
        world.pass(INTERVAL);
    }
}

#[test]
fn the_first_listing_after_an_outage_shows_which_tracks_vanished() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x"), track(2, "x")]), world.now);
    for _ in 0..3 {
        world.pass(STALE_AFTER);
        account.failed(0, world.now);
        assert_eq!(present(&world, 2), None);
    }
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    assert_eq!(present(&world, 1), Some(1.0));
    assert_eq!(present(&world, 2), Some(0.0));
    assert_eq!(changed(&world, 2, "vanished"), world.value(LAST_SUCCESS));
}

#[test]
fn an_id_that_reappears_is_present_at_once() {
    let mut world = World::new();
    let mut account = account_with_a_past(&mut world);
    world.pass(2 * STALE_AFTER);
    account.listed(0, listing([track(1, "x"), track(2, "x")]), world.now);
    assert_eq!(present(&world, 2), Some(1.0));
    assert!(changed(&world, 2, "created").is_some());
    world.pass(TOMBSTONE_FOR);
    assert!(
        changed(&world, 2, "created").is_some(),
        "there is no tombstone that could expire"
    );
}

#[test]
fn an_unchanged_past_is_neither_joined_nor_compressed_again() {
    let is_of_the_past =
        |piece: &&Bytes| piece.starts_with(b"# HELP cloudaudit_track_changed_timestamp_seconds ");
    let mut world = World::new();
    let mut account = account_with_a_past(&mut world);
    let address = |world: &World| {
        let pieces = world.pieces(false);
        pieces.iter().find(is_of_the_past).map(|it| it.as_ptr())
    };
    let before = address(&world);
    assert!(before.is_some());
    world.pass(INTERVAL);
    account.listed(0, listing([with_status(track(1, "x"), false)]), world.now);
    assert_eq!(address(&world), before);
    account.failed(0, world.now);
    assert_eq!(address(&world), before);
    account.listed(0, listing([track(1, "x")]), world.now);
    assert_ne!(address(&world), before);
}

#[test]
fn accounts_in_the_same_bucket_have_separate_tombstones() {
    let [_, neighbor] = accounts_in_one_bucket();
    let mut world = World::new();
    account_with_a_past(&mut world);
    let mut other = world.account(&neighbor, &["r"]);
    other.listed(0, listing([track(2, "x")]), world.now);
    world.pass(INTERVAL);
    other.listed(0, listing([]), world.now);
    let of_other = format!("cloudaudit_track_present{{account=\"{neighbor}\"");
    world.pass(TOMBSTONE_FOR.saturating_sub(INTERVAL));
    assert_eq!(present(&world, 2), None);
    assert_eq!(world.value(&of_other), Some(0.0));
    world.pass(INTERVAL);
    assert_eq!(world.value(&of_other), None);
}

fn only(action_type: &str, id: u64) -> Track {
    Track {
        action_type: action_type.to_owned(),
        ..track(id, "x")
    }
}

const COVERED: &str = "cloudaudit_account_covered{account=\"a\"}";

/// Two regions cover the account together. When the first expires, the second is not enough, and
/// when the second expires, coverage is unknown.
#[test]
fn coverage_shrinks_as_regions_expire() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s"]);
    account.publish(world.now);
    assert_eq!(world.value(COVERED), None, "before the first listing");
    account.listed(0, listing([only("Read", 1)]), world.now);
    assert_eq!(world.value(COVERED), Some(0.0));
    world.pass(10 * INTERVAL);
    account.listed(1, listing([only("Write", 2)]), world.now);
    assert_eq!(world.value(COVERED), Some(1.0));

    world.pass(STALE_AFTER.saturating_sub(10 * INTERVAL + MOMENT));
    assert_eq!(world.value(COVERED), Some(1.0));
    world.pass(MOMENT);
    assert_eq!(world.value(COVERED), Some(0.0));
    world.pass(10 * INTERVAL);
    assert_eq!(world.value(COVERED), None);
    let seconds = "cloudaudit_account_covered_seconds_total{account=\"a\"}";
    assert_eq!(world.value(seconds), Some(0.0), "shown at any age");
}

#[test]
fn expected_tracks_are_unknown_when_their_regions_expire() {
    let expected = |name: &str| ExpectedTrack {
        name: name.to_owned(),
        ..ExpectedTrack::default()
    };
    let mut world = World::new();
    let info = AccountInfo {
        name: "a".to_owned(),
        expected_tracks: vec![expected("one"), expected("other")],
        ..AccountInfo::default()
    };
    let mut account = world.account_with(Arc::new(info), &["r", "s"]);
    let shown = |world: &World| {
        ["one", "other"].map(|name| {
            ["present", "matches"].map(|what| {
                let labels = format!("{{account=\"a\",track=\"{name}\"}}");
                world.value(&format!("cloudaudit_expected_track_{what}{labels}"))
            })
        })
    };
    let (yes, no, off, unknown) = (
        [Some(1.0), Some(1.0)],
        [Some(0.0), Some(0.0)],
        [Some(1.0), Some(0.0)],
        [None, None],
    );
    account.publish(world.now);
    assert_eq!(shown(&world), [unknown, unknown]);
    account.listed(0, listing([track(1, "one")]), world.now);
    assert_eq!(shown(&world), [yes, no]);
    world.pass(INTERVAL);
    account.listed(
        1,
        listing([with_status(track(2, "other"), false)]),
        world.now,
    );
    assert_eq!(shown(&world), [yes, off]);
    world.pass(STALE_AFTER.saturating_sub(INTERVAL));
    assert_eq!(shown(&world), [no, off]);
    world.pass(INTERVAL);
    assert_eq!(shown(&world), [unknown, unknown]);
}
