//! Changes that polls observe, in the change feed.

use std::time::{Duration, SystemTime};

use cloudaudit_exporter::snapshot::{AttributionResult, ChangeKind, ChangeRecord, ChangeSource};

use super::cloud::{AUDIT_ALL, AUDIT_ALL_OFF, WRITES, error, listing};
use super::world::{World, intervals_after};

fn latest(world: &World) -> Vec<ChangeRecord> {
    let latest = world.changes.latest(world.clock.now().wall);
    latest.iter().map(|it| (**it).clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_has_the_times_of_its_poll_and_of_the_last_complete_poll_before() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r"]);
    intervals_after(start, 2).await;
    assert_eq!(latest(&world), [], "the first listing changes nothing");
    let before = world.target("r").last_poll.unwrap().at;

    // A failed poll proves nothing.
    world.cloud.play(|_| error("UnauthorizedOperation"));
    intervals_after(start, 5).await;
    world.cloud.play(|_| listing(&[AUDIT_ALL_OFF, WRITES]));
    intervals_after(start, 7).await;
    let latest = latest(&world);
    let kinds: Vec<_> = latest.iter().map(|it| (it.track_id, it.change)).collect();
    assert_eq!(kinds, [(8, ChangeKind::Created), (7, ChangeKind::Disabled)]);
    let disabled = &latest[1];
    assert_eq!((&*disabled.account, &*disabled.region), ("a", "r"));
    assert_eq!(disabled.track, "audit-all");
    assert_eq!(disabled.previous, Some(before));
    let seen = world.target("r").past.changes[&7].at[ChangeKind::Disabled];
    assert_eq!(Some(disabled.seen), seen);
    assert_eq!(disabled.source, ChangeSource::Poll);
    assert_eq!(disabled.attribution.result, AttributionResult::Off);
    let field = &disabled.fields[0];
    assert_eq!(
        (&*field.field, &*field.from, &*field.to),
        ("Status", "enabled", "disabled")
    );
    // The poll after it finds nothing new.
    intervals_after(start, 20).await;
    assert_eq!(self::latest(&world).len(), 2);
}

/// Each region has its own listing. Both may show the change of a track.
#[tokio::test(start_paused = true)]
async fn regions_append_to_one_feed() {
    let world = World::new(|_| listing(&[AUDIT_ALL]));
    let start = world.start("a", &["r", "s"]);
    let other = world.start("b", &["r"]);
    intervals_after(other, 2).await;
    world.cloud.play(|_| listing(&[AUDIT_ALL_OFF]));
    intervals_after(start, 4).await;
    let latest = latest(&world);
    let mut places: Vec<_> = latest
        .iter()
        .map(|it| (&*it.account, &*it.region))
        .collect();
    places.sort_unstable();
    assert_eq!(places, [("a", "r"), ("a", "s"), ("b", "r")]);
    let times: Vec<SystemTime> = latest.iter().map(|it| it.seen).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let apart = times[0].duration_since(times[2]).unwrap();
    assert!(apart < Duration::from_mins(2), "{apart:?}");
}
