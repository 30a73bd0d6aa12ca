//! A listing below `TotalCount`, from the calls to the report.

use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::snapshot::{ChangeKind, Status};

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, Call, Reply, WRITES, listing, page};
use super::world::{World, intervals_after};

/// Returns pages of one track each, with a `TotalCount` that is one too high.
fn short<const N: usize>(tracks: [&'static str; N]) -> impl Fn(&Call) -> Reply + Send {
    move |call| {
        let index = usize::try_from(call.page).expect("it fits") - 1;
        let track = tracks.get(index).map(std::slice::from_ref);
        Reply::Body(page(tracks.len() as u64 + 1, track.unwrap_or_default()))
    }
}

fn pages<const N: usize>(tracks: [&'static str; N]) -> impl Fn(&Call) -> Reply + Send {
    move |call| {
        let index = usize::try_from(call.page).expect("it fits") - 1;
        let track = tracks.get(index).map(std::slice::from_ref);
        Reply::Body(page(tracks.len() as u64, track.unwrap_or_default()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_listing_fails_the_poll_updates_listed_tracks_and_proves_nothing() {
    let world = World::new(pages([AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 5).await;
    let before = world.published().pop().expect("it was published").report;
    let good = before.targets[0].last_good.clone().expect("it was listed");
    assert_eq!(before.overviews[0].totals.covered, Some(true));

    world.cloud.play(short([AUDIT_ALL_OFF]));
    intervals_after(start, 8).await;
    let after = world.published().pop().expect("it was published").report;
    let target = &after.targets[0];
    assert!(!target.is_up());
    let failure = target.failure.as_ref().expect("it failed");
    assert_eq!(failure.reason, Reason::Incomplete);
    let message = &failure.message;
    assert!(
        message.contains("poll.accept_short_listings: true"),
        "{message}"
    );
    let still = target.last_good.as_ref().expect("it is known");
    assert_eq!((still.at, still.show_until), (good.at, good.show_until));
    let statuses: Vec<_> = still
        .listing
        .tracks
        .iter()
        .map(|it| (it.id, it.status))
        .collect();
    assert_eq!(statuses, [(7, Status::Disabled), (8, Status::Enabled)]);
    assert_eq!(target.counters.changes[ChangeKind::Disabled], 1);
    assert_eq!(target.counters.changes[ChangeKind::Vanished], 0);
    assert_eq!(after.overviews[0].totals.covered, None);
    assert_eq!(after.evidence, before.evidence);

    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 10).await;
    let target = world.target("r");
    assert!(target.is_up());
    assert_eq!(target.counters.changes[ChangeKind::Enabled], 1);
    assert_eq!(target.counters.changes[ChangeKind::Vanished], 1);
}

#[tokio::test(start_paused = true)]
async fn a_first_listing_that_is_incomplete_shows_nothing() {
    let world = World::new(short([AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    let report = world.published().pop().expect("it was published").report;
    assert!(report.targets[0].last_good.is_none());
    assert_eq!(report.overviews, []);
    assert_eq!(report.evidence.observed, Duration::ZERO);
    world.cloud.play(|_| listing(&[AUDIT_ALL]));
    intervals_after(start, 4).await;
    let changes = world.target("r").counters.changes;
    assert!(changes.values().all(|count| *count == 0), "{changes:?}");
}

#[tokio::test(start_paused = true)]
async fn no_track_vanishes_from_an_accepted_short_listing() {
    let mut world = World::new(pages([AUDIT_ALL, WRITES]));
    world.options.accept_short_listings = true;
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    world.cloud.play(short([AUDIT_ALL_OFF]));
    intervals_after(start, 6).await;
    let target = world.target("r");
    assert!(target.is_up());
    let good = target.last_good.as_ref().expect("it was listed");
    assert_eq!((good.listing.tracks.len(), good.listing.reported), (1, 2));
    assert_eq!(target.counters.changes[ChangeKind::Disabled], 1);
    assert_eq!(target.counters.changes[ChangeKind::Vanished], 0);
    world.cloud.play(|_| listing(&[AUDIT_ALL_OFF]));
    intervals_after(start, 8).await;
    assert_eq!(world.target("r").counters.changes[ChangeKind::Vanished], 1);
}

#[tokio::test(start_paused = true)]
async fn poll_once_fails_on_an_incomplete_listing() {
    let world = World::new(short([AUDIT_ALL]));
    assert!(!world.account("a", &["r"]).await.poll_once().await);
    let mut world = World::new(short([AUDIT_ALL]));
    world.options.accept_short_listings = true;
    assert!(world.account("a", &["r"]).await.poll_once().await);
}

/// A deletion on one of several pages costs one more walk and is reported by the same poll.
#[tokio::test(start_paused = true)]
async fn a_deletion_is_reported_by_the_poll_that_saw_it() {
    let world = World::new(pages([AUDIT_ALL, WRITES]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 3).await;
    let polls = world.target("r").counters.polls;
    world.cloud.play(pages([AUDIT_ALL]));
    intervals_after(start, 4).await;
    let target = world.target("r");
    assert_eq!(target.counters.polls, polls + 1);
    assert_eq!(target.counters.changes[ChangeKind::Vanished], 1);
}
