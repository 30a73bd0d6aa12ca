//! The storage targets of an account, from its listings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::delivery::storage_targets;
use cloudaudit_exporter::snapshot::{
    ChangeKind, ChangeTimes, Details, LastGood, Past, Scope, Status, TargetReport, Track,
};
use tokio::time::Instant;

use super::{minute, moment};
use crate::support::tracks::{listing, track};

fn now() -> Moment {
    moment(Instant::now(), 10)
}

/// A region whose listing is shown until this minute.
fn region(until: u64, tracks: impl IntoIterator<Item = Track>) -> TargetReport {
    TargetReport {
        last_good: Some(LastGood {
            listing: Arc::new(listing(tracks)),
            at: minute(0),
            took: Duration::ZERO,
            show_until: moment(Instant::now(), until),
            is_complete: true,
        }),
        ..TargetReport::default()
    }
}

fn off(mut track: Track) -> Track {
    track.status = Status::Disabled;
    track
}

fn elsewhere(mut track: Track) -> Track {
    "other-log".clone_into(&mut track.storage.name);
    track
}

#[test]
fn tracks_and_regions_share_a_target() {
    assert_eq!(storage_targets(&[TargetReport::default()], now()), None);
    let regions = [20, 30].map(|until| {
        region(
            until,
            [
                track(1, "a"),
                track(2, "b"),
                elsewhere(track(3, "c")),
                off(track(4, "d")),
            ],
        )
    });
    let targets = storage_targets(&regions, now()).unwrap();
    let names: Vec<_> = targets
        .values()
        .map(|settings| settings.tracks.clone())
        .collect();
    assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
    let first = targets.values().next().unwrap();
    assert_eq!(first.recorded.scopes.len(), 1, "both record everything");
    assert_eq!(first.owner, "100000000009");
}

#[test]
fn a_target_is_dropped_if_the_fresh_listings_show_all_its_tracks_off() {
    let is_on = |regions: [&TargetReport; 2]| !storage_targets(regions, now()).unwrap().is_empty();
    let [on, old] = [20, 5].map(|until| region(until, [track(1, "a")]));
    let [off, old_off] = [20, 5].map(|until| region(until, [off(track(1, "a"))]));
    assert!(
        !is_on([&on, &off]) && !is_on([&off, &on]),
        "the worse one counts"
    );
    assert!(
        !is_on([&old, &off]) && is_on([&on, &old_off]),
        "the fresh one counts"
    );
    assert!(
        is_on([&old, &old]) && !is_on([&old, &old_off]),
        "all are old"
    );
}

/// Returns the region with this change of track 1.
fn changed(mut region: TargetReport, change: ChangeKind, at: u64) -> TargetReport {
    let mut times = ChangeTimes::default();
    times.at[change] = Some(minute(at));
    region.past = Arc::new(Past {
        changes: BTreeMap::from([(1, times)]),
        ..Past::default()
    });
    region
}

fn since(regions: &[TargetReport]) -> Option<SystemTime> {
    let targets = storage_targets(regions, now()).expect("the region was listed");
    let settings = targets.into_values().next();
    settings.expect("a track is enabled").since
}

#[test]
fn settings_are_valid_since_their_last_change() {
    let tracks = || region(20, [track(1, "a"), track(2, "b")]);
    let modified = changed(tracks(), ChangeKind::Modified, 3);
    assert_eq!(since(&[modified]), Some(minute(3)));
    let disabled = changed(tracks(), ChangeKind::Disabled, 5);
    assert!(since(&[disabled]) < Some(minute(0)), "no new settings");
}

/// The exporter did not see the creation, and the bucket may hold older objects.
#[test]
fn settings_are_not_older_than_their_latest_track() {
    let created = |id: u64, at: Option<u64>| Track {
        created: at.map(|at| {
            let since = minute(at).duration_since(UNIX_EPOCH).unwrap();
            i64::try_from(since.as_secs()).unwrap()
        }),
        ..track(id, "a")
    };
    let since = |tracks: [Track; 2]| since(&[region(20, tracks)]);
    assert_eq!(
        since([created(1, Some(2)), created(2, Some(4))]),
        Some(minute(4))
    );
    assert_eq!(
        since([created(1, Some(2)), created(2, None)]),
        Some(minute(2))
    );
    // The configured time zone is wrong.
    assert_eq!(
        since([created(1, Some(2)), created(2, Some(400))]),
        Some(minute(2))
    );
}

#[test]
fn the_region_that_saw_the_latest_change_counts() {
    let regions = |minutes: [u64; 2]| {
        minutes.map(|at| changed(region(20, [track(1, "a")]), ChangeKind::Enabled, at))
    };
    assert_eq!(since(&regions([3, 5])), Some(minute(5)));
    assert_eq!(since(&regions([5, 3])), Some(minute(5)));
}

#[test]
fn filters_replace_the_fields_of_a_track() {
    let mut filtered = track(1, "a");
    filtered.action_type.clear();
    filtered.resource_type.clear();
    filtered.event_names.clear();
    let recorded = |track: Track| {
        let targets = storage_targets([&region(20, [track])], now()).unwrap();
        targets.into_values().next().unwrap().recorded
    };
    let unknown = recorded(filtered.clone());
    assert_eq!((unknown.scopes.len(), unknown.is_complete), (0, false));
    let scope = Scope {
        action_type: "Write".to_owned(),
        resource_type: "cvm".to_owned(),
        event_names: vec!["*".to_owned()],
    };
    filtered.details = Some(Details {
        for_all_members: None,
        filters: vec![scope.clone()],
    });
    let known = recorded(filtered);
    assert_eq!((known.scopes, known.is_complete), (vec![scope], true));
}
