//! The overview of all targets of an account, and how long it is valid.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::history::OverviewCache;
use cloudaudit_exporter::snapshot::{AccountInfo, Listing, Overview, Status, TargetReport, Track};
use proptest::prelude::*;

use super::polled::Polled;
use super::{INTERVAL, STALE_AFTER};
use crate::support::tracks::{listing, track};

pub(crate) fn of(account: &AccountInfo, targets: &[&Polled]) -> Vec<Overview> {
    let targets: Vec<&TargetReport> = targets.iter().map(|target| target.report()).collect();
    OverviewCache::default().overviews(account, None, targets)
}

/// Returns the current overview.
pub(crate) fn now(account: &AccountInfo, targets: &[&Polled]) -> Overview {
    let overview = of(account, targets).pop();
    overview.expect("something was listed")
}

/// Returns the only overview of an account whose one region has just been listed.
pub(crate) fn of_listing(account: &AccountInfo, listing: Listing) -> Overview {
    let mut target = Polled::new();
    target.listed(listing);
    let mut overviews = of(account, &[&target]);
    assert_eq!(overviews.len(), 1);
    overviews.remove(0)
}

fn covered(tracks: impl IntoIterator<Item = Track>) -> Option<bool> {
    of_listing(&AccountInfo::default(), listing(tracks))
        .totals
        .covered
}

fn with_status(status: Status, track: Track) -> Track {
    Track { status, ..track }
}

/// A track that records all operations of one action type.
fn only(action_type: &str, id: u64) -> Track {
    Track {
        action_type: action_type.to_owned(),
        ..track(id, "x")
    }
}

fn narrow(id: u64) -> Track {
    Track {
        resource_type: "cos".to_owned(),
        ..track(id, "x")
    }
}

/// A track whose scope only the details show.
fn filtered(id: u64) -> Track {
    Track {
        action_type: String::new(),
        resource_type: String::new(),
        event_names: Vec::new(),
        ..track(id, "x")
    }
}

#[test]
fn no_overview_exists_before_the_first_listing() {
    let mut target = Polled::new();
    assert_eq!(of(&AccountInfo::default(), &[]), []);
    assert_eq!(of(&AccountInfo::default(), &[&target]), []);
    target.failed(Reason::Unauthorized);
    assert_eq!(of(&AccountInfo::default(), &[&target]), []);
}

#[test]
fn one_track_that_records_everything_covers() {
    assert_eq!(covered([track(1, "a")]), Some(true));
    assert_eq!(covered([narrow(1), track(2, "a"), filtered(3)]), Some(true));
}

#[test]
fn a_read_and_a_write_track_cover_together() {
    assert_eq!(covered([only("Read", 1), only("Write", 2)]), Some(true));
    assert_eq!(covered([only("Read", 1), only("Read", 2)]), Some(false));
    assert_eq!(covered([only("Write", 1)]), Some(false));
    let narrow_write = Track {
        action_type: "Write".to_owned(),
        ..narrow(2)
    };
    assert_eq!(covered([only("Read", 1), narrow_write]), Some(false));
    let off = with_status(Status::Disabled, only("Write", 2));
    assert_eq!(covered([only("Read", 1), off]), Some(false));
}

#[test]
fn no_tracks_disabled_tracks_and_partial_tracks_do_not_cover() {
    assert_eq!(covered([]), Some(false));
    let off = with_status(Status::Disabled, track(1, "a"));
    assert_eq!(covered([off.clone()]), Some(false));
    assert_eq!(covered([off, narrow(2)]), Some(false));
    let mut some_events = track(1, "a");
    some_events.event_names = vec!["Run".to_owned()];
    assert_eq!(covered([some_events]), Some(false));
}

#[test]
fn coverage_by_a_track_with_an_unknown_scope_is_unknown() {
    assert_eq!(covered([filtered(1)]), None);
    assert_eq!(covered([filtered(1), narrow(2)]), None);
    assert_eq!(covered([only("Read", 1), filtered(2)]), None);
    // An action type that a later API adds may include everything.
    assert_eq!(covered([only("ReadWrite", 1)]), None);
    assert_eq!(
        covered([with_status(Status::Disabled, filtered(1))]),
        Some(false)
    );
    // One restricted field is enough to know that the track does not record everything.
    let mut narrow_filter = filtered(1);
    narrow_filter.resource_type = "cos".to_owned();
    assert_eq!(covered([narrow_filter]), Some(false));
}

/// Such a track may record or not.
#[test]
fn coverage_by_a_track_with_an_unknown_status_is_unknown() {
    let strange = |track| with_status(Status::Unknown, track);
    assert_eq!(covered([strange(track(1, "a"))]), None);
    assert_eq!(covered([only("Read", 1), strange(only("Write", 2))]), None);
    assert_eq!(covered([strange(narrow(1))]), Some(false));
    assert_eq!(covered([strange(track(1, "a")), track(2, "b")]), Some(true));
}

#[test]
fn an_incomplete_listing_does_not_prove_that_coverage_is_missing() {
    let short = |tracks: Vec<Track>| Listing {
        reported: tracks.len() as u64 + 1,
        ..listing(tracks)
    };
    let account = AccountInfo::default();
    let covered = |listing| of_listing(&account, listing).totals.covered;
    assert_eq!(covered(short(vec![narrow(1)])), None);
    assert_eq!(covered(short(vec![])), None);
    assert_eq!(covered(short(vec![track(1, "a")])), Some(true));

    let mut target = Polled::with_room_for(1);
    target.lists([narrow(1), track(2, "a")]);
    let overview = now(&account, &[&target]);
    assert_eq!(overview.totals.covered, None, "the dropped track may cover");
    assert_eq!(
        overview.totals.tracks.into_array(),
        [2, 0, 0],
        "the dropped track is counted"
    );
    target.lists([track(1, "a"), narrow(2)]);
    assert_eq!(now(&account, &[&target]).totals.covered, Some(true));
}

#[test]
fn tracks_are_identified_by_id_and_the_worse_status_counts() {
    use Status::{Disabled, Enabled, Unknown};
    let (mut one, mut other) = (Polled::new(), Polled::new());
    let all = |statuses: [Status; 4]| {
        let ids = 1..;
        ids.zip(statuses)
            .map(|(id, status)| with_status(status, track(id, "x")))
    };
    one.lists(all([Enabled, Enabled, Unknown, Enabled]));
    other.lists(all([Enabled, Disabled, Disabled, Unknown]).chain([track(9, "y")]));
    for targets in [[&one, &other], [&other, &one]] {
        assert_eq!(
            now(&AccountInfo::default(), &targets)
                .totals
                .tracks
                .into_array(),
            [2, 2, 1]
        );
    }
}

/// If two regions show a track differently, it covers only if it covers in both.
#[test]
fn a_track_with_two_scopes_covers_if_both_do() {
    let account = AccountInfo::default();
    for (one, other, expected) in [
        (track(1, "a"), track(1, "a"), Some(true)),
        (track(1, "a"), narrow(1), Some(false)),
        (only("Read", 1), only("Write", 1), Some(false)),
        (track(1, "a"), filtered(1), None),
        (filtered(1), narrow(1), Some(false)),
        (
            track(1, "a"),
            with_status(Status::Disabled, track(1, "a")),
            Some(false),
        ),
    ] {
        for (older, younger) in [(&one, &other), (&other, &one)] {
            let (mut failing, mut well) = (Polled::new(), Polled::new());
            failing.lists([older.clone()]);
            well.pass(INTERVAL);
            well.lists([younger.clone()]);
            for targets in [[&failing, &well], [&well, &failing]] {
                let covered = now(&account, &targets).totals.covered;
                assert_eq!(covered, expected, "{older:?} {younger:?}");
            }
        }
    }
}

#[test]
fn regions_cover_together() {
    let (mut one, mut other) = (Polled::new(), Polled::new());
    one.lists([only("Read", 1)]);
    other.lists([only("Write", 2)]);
    let account = AccountInfo::default();
    assert_eq!(now(&account, &[&one, &other]).totals.covered, Some(true));
    // An incomplete listing in one region may lack any track, whatever the other region shows.
    other.listed(Listing {
        reported: 2,
        ..listing([narrow(2)])
    });
    assert_eq!(now(&account, &[&one, &other]).totals.covered, None);
}

/// The overviews follow one another without a gap.
#[test]
fn there_is_one_overview_for_each_time_a_region_becomes_too_old() {
    let mut regions: [Polled; 3] = std::array::from_fn(|_| Polled::new());
    let starts = [0_u32, 10, 25];
    for ((region, minutes), id) in regions.iter_mut().zip(starts).zip(1..) {
        region.pass(minutes * INTERVAL);
        region.lists([track(id, "x")]);
    }
    let [first, second, third] = &regions;
    let end = |region: &Polled| region.last_good().show_until;
    let account = AccountInfo::default();
    let expected = [
        (Some(end(second)), end(third), 1),
        (Some(end(first)), end(second), 2),
        (None, end(first), 3),
    ];
    for targets in [[first, second, third], [third, first, second]] {
        let windows: Vec<(Option<Moment>, Moment, u64)> = of(&account, &targets)
            .iter()
            .map(|it| (it.from, it.until, it.totals.tracks[Status::Enabled]))
            .collect();
        assert_eq!(windows, expected);
    }
}

#[test]
fn regions_that_expire_together_share_one_overview() {
    let mut target = Polled::new();
    target.lists([track(1, "x")]);
    let other = Polled {
        history: target.history.clone(),
        now: target.now,
    };
    let overviews = of(&AccountInfo::default(), &[&target, &other]);
    assert_eq!(overviews.len(), 1);
    assert_eq!(overviews[0].from, None);
    assert_eq!(overviews[0].until, target.now + STALE_AFTER);
}

/// Coverage ends with the region that proves it, and doubt ends with the incomplete region.
#[test]
fn coverage_depends_only_on_the_regions_still_shown() {
    let account = AccountInfo::default();
    let (mut old, mut young) = (Polled::new(), Polled::new());
    old.lists([only("Read", 1)]);
    young.pass(Duration::from_mins(5));
    young.lists([only("Write", 2)]);
    let covered = |overviews: Vec<Overview>| -> Vec<Option<bool>> {
        overviews
            .into_iter()
            .rev()
            .map(|it| it.totals.covered)
            .collect()
    };
    assert_eq!(
        covered(of(&account, &[&old, &young])),
        [Some(true), Some(false)]
    );
    let mut gaps = Polled::new();
    gaps.listed(Listing {
        reported: 2,
        ..listing([only("Read", 1)])
    });
    assert_eq!(
        covered(of(&account, &[&gaps, &young])),
        [Some(true), Some(false)]
    );
    young.lists([narrow(2)]);
    assert_eq!(covered(of(&account, &[&gaps, &young])), [None, Some(false)]);
}

proptest! {
    /// Two regions in any order, each with one of a few listings or a failure.
    #[test]
    fn cached_overviews_equal_fresh_ones(
        steps in prop::collection::vec((0_usize..2, 0_u64..4), 1..24),
    ) {
        let account = AccountInfo::default();
        let mut targets = [Polled::new(), Polled::new()];
        let mut cache = OverviewCache::default();
        for (target, what) in steps {
            // The target polled last may be shown longest.
            match what {
                0 => targets[target].failed(Reason::Unavailable),
                1 => drop(targets[target].listed(listing([]))),
                id => drop(targets[target].listed(listing([track(id, "x"), only("Read", 9)]))),
            }
            let reports = || targets.iter().map(Polled::report);
            prop_assert_eq!(cache.overviews(&account, None, reports()), OverviewCache::default().overviews(&account, None, reports()));
        }
    }
}
