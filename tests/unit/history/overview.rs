//! What the targets of an account come to together, and until when.

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

/// What they come to now.
pub(crate) fn now(account: &AccountInfo, targets: &[&Polled]) -> Overview {
    let overview = of(account, targets).pop();
    overview.expect("something was listed")
}

/// The only overview of an account with one region that has just listed this.
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

/// A track over everything of one kind of action.
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

/// Whose scope only the details show.
fn filtered(id: u64) -> Track {
    Track {
        action_type: String::new(),
        resource_type: String::new(),
        event_names: Vec::new(),
        ..track(id, "x")
    }
}

#[test]
fn there_is_none_before_the_first_listing() {
    let mut target = Polled::new();
    assert_eq!(of(&AccountInfo::default(), &[]), []);
    assert_eq!(of(&AccountInfo::default(), &[&target]), []);
    target.failed(Reason::Unauthorized);
    assert_eq!(of(&AccountInfo::default(), &[&target]), []);
}

#[test]
fn one_track_over_everything_covers() {
    assert_eq!(covered([track(1, "a")]), Some(true));
    assert_eq!(covered([narrow(1), track(2, "a"), filtered(3)]), Some(true));
}

#[test]
fn a_read_and_a_write_track_over_everything_cover_together() {
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
fn nothing_and_nothing_enabled_and_parts_do_not_cover() {
    assert_eq!(covered([]), Some(false));
    let off = with_status(Status::Disabled, track(1, "a"));
    assert_eq!(covered([off.clone()]), Some(false));
    assert_eq!(covered([off, narrow(2)]), Some(false));
    let mut some_events = track(1, "a");
    some_events.event_names = vec!["Run".to_owned()];
    assert_eq!(covered([some_events]), Some(false));
}

#[test]
fn what_cannot_be_told_is_not_no() {
    assert_eq!(covered([filtered(1)]), None);
    assert_eq!(covered([filtered(1), narrow(2)]), None);
    assert_eq!(covered([only("Read", 1), filtered(2)]), None);
    // An action type of a later API may be everything.
    assert_eq!(covered([only("ReadWrite", 1)]), None);
    assert_eq!(
        covered([with_status(Status::Disabled, filtered(1))]),
        Some(false)
    );
    // One thing that is known not to be everything decides.
    let mut narrow_filter = filtered(1);
    narrow_filter.resource_type = "cos".to_owned();
    assert_eq!(covered([narrow_filter]), Some(false));
}

/// It may record or not.
#[test]
fn a_status_that_nobody_knows_is_neither_covered_nor_not() {
    let strange = |track| with_status(Status::Unknown, track);
    assert_eq!(covered([strange(track(1, "a"))]), None);
    assert_eq!(covered([only("Read", 1), strange(only("Write", 2))]), None);
    assert_eq!(covered([strange(narrow(1))]), Some(false));
    assert_eq!(covered([strange(track(1, "a")), track(2, "b")]), Some(true));
}

#[test]
fn a_listing_with_gaps_proves_no_absence() {
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
    assert_eq!(overview.totals.covered, None, "the dropped one might");
    assert_eq!(
        overview.totals.tracks.into_array(),
        [2, 0, 0],
        "it is counted"
    );
    target.lists([track(1, "a"), narrow(2)]);
    assert_eq!(now(&account, &[&target]).totals.covered, Some(true));
}

#[test]
fn tracks_are_told_apart_by_id_and_the_worse_status_counts() {
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

/// Where two regions show one track in two ways, it covers if it does so by both.
#[test]
fn one_id_with_two_scopes_covers_where_both_do() {
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
    // What one region does not list in full may be anything, whatever the other proves.
    other.listed(Listing {
        reported: 2,
        ..listing([narrow(2)])
    });
    assert_eq!(now(&account, &[&one, &other]).totals.covered, None);
}

/// The times in which the regions count, one after the other and without a gap.
#[test]
fn there_is_one_overview_until_each_region_is_too_old() {
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
fn regions_that_age_together_step_down_together() {
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

/// With the region that proves it, the cover goes; with the one that has gaps, the doubt.
#[test]
fn cover_is_of_the_regions_that_still_count() {
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
    fn what_is_kept_is_what_would_be_found_anew(
        steps in prop::collection::vec((0_usize..2, 0_u64..4), 1..24),
    ) {
        let account = AccountInfo::default();
        let mut targets = [Polled::new(), Polled::new()];
        let mut cache = OverviewCache::default();
        for (target, what) in steps {
            // The one that was polled last may be shown longest.
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
