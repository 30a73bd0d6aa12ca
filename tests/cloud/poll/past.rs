//! History across polls and outages, and the limit of tracks.

use std::collections::BTreeMap;

use cloudaudit_exporter::history::Retention;
use cloudaudit_exporter::snapshot::ChangeKind;
use tokio::time::Instant;

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Reply, WRITES, error, listing, page};
use super::world::{World, intervals_after};
use super::{INTERVAL, RETENTION};

/// The outage is three times as long as listings are shown.
#[tokio::test(start_paused = true)]
async fn a_track_deleted_during_an_outage_gets_a_tombstone_after_it() {
    let world = World::new(|_| listing(&[AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    world.cloud.play(|_| error("InternalError"));
    intervals_after(start, 33).await;
    let failing = world.target("r");
    let good = failing.last_good.clone().expect("the last listing is kept");
    assert!(good.show_until.steady + 15 * INTERVAL < Instant::now());
    assert_eq!(*failing.past, <_>::default());

    world.cloud.play(|_| listing(&[AUDIT_ALL_OFF]));
    intervals_after(start, 35).await;
    let target = world.target("r");
    let seen = target.past.tombstones[&8].clone();
    assert_eq!(seen.name, "wri\ntes");
    assert!(seen.at > good.at + 29 * INTERVAL);
    let changes = target.counters.changes.into_iter();
    let changes: BTreeMap<&str, u64> = changes
        .map(|(change, count)| (change.as_str(), count))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(changes, [("vanished", 1), ("disabled", 1)].into());
    let times = &target.past.changes[&7];
    assert_eq!(times.at[ChangeKind::Disabled], Some(seen.at));

    // 100 minutes later the tombstone expires, and the history of the existing track stays.
    intervals_after(start, 135).await;
    let target = world.target("r");
    assert!(target.past.tombstones.is_empty());
    assert_eq!(target.past.changes.keys().collect::<Vec<_>>(), [&7]);
}

#[tokio::test(start_paused = true)]
async fn tracks_beyond_the_limit_are_listed_and_counted() {
    let track = |id: u32| format!(r#"{{"TrackId":{id},"Name":"n{id}","Status":{}}}"#, id % 2);
    let mut world = World::new(move |call| {
        let all: Vec<String> = (1..=230).map(track).collect();
        let on_page = all.chunks(50).zip(1..).filter(|it| it.1 == call.page);
        let tracks: Vec<&str> = on_page.flat_map(|it| it.0).map(String::as_str).collect();
        Reply::Body(page(230, &tracks))
    });
    world.options.page_size = 50;
    world.retention = Retention {
        max_tracks: 100,
        ..RETENTION
    };
    let start = world.start("a", &["r"]);
    intervals_after(start, 0).await;
    assert_eq!(world.cloud.calls_of("r").len(), 5);
    let published = world.published();
    let report = &published.last().expect("it was published").report;
    let good = report.targets[0].last_good.as_ref();
    let listing = &good.expect("it was listed").listing;
    assert_eq!((listing.tracks.len(), listing.dropped.len()), (100, 130));
    assert_eq!(listing.tracks[99].id, 100);
    assert_eq!(
        report.overviews[0].totals.tracks.into_array(),
        [115, 115, 0]
    );
}
