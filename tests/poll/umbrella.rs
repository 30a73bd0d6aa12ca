//! What an account says that its organisation's own tracks cover.

use std::time::Duration;

use tokio::time::Instant;

use crate::COARSE;
use crate::cloud::listing;
use crate::world::{World, intervals_after};

/// What is said at a time of an account whose loop is dead by then.
fn covered(world: &World, at: Instant) -> Option<bool> {
    let published = world.published();
    let last = published.last().expect("something was published");
    let mut overviews = last.report.overviews.iter();
    let overview = overviews.find(|it| it.from.is_none_or(|from| from <= at) && at < it.until);
    overview.expect("it is shown").covered
}

/// The listing may be looked at for ten minutes, and what the organisation said is believed for
/// two: the dead vouch for no more than that.
#[tokio::test(start_paused = true)]
async fn a_dead_loop_does_not_vouch_for_the_organisation() {
    let world = World::new(|_| listing(&[]));
    let start = Instant::now();
    let believed_until = start + Duration::from_mins(2);
    world.umbrella.open(believed_until);
    let account = tokio::spawn(world.account("a", &["r"]).run(start));
    intervals_after(start, 1).await;
    account.abort();
    assert_eq!(covered(&world, Instant::now()), Some(true));
    assert_eq!(covered(&world, believed_until - COARSE), Some(true));
    assert_eq!(covered(&world, believed_until), Some(false));
}

/// It is asked anew at every poll, so one that is renewed or closed is believed, or is not.
#[tokio::test(start_paused = true)]
async fn a_living_loop_says_what_the_organisation_said_last() {
    let world = World::new(|_| listing(&[]));
    let start = world.start("a", &["r"]);
    world.umbrella.open(start + Duration::from_mins(2));
    for minute in 1..5 {
        intervals_after(start, minute).await;
        assert_eq!(covered(&world, Instant::now()), Some(true), "{minute}");
        world.umbrella.open(Instant::now() + Duration::from_mins(2));
    }
    world.umbrella.close();
    intervals_after(start, 5).await;
    assert_eq!(covered(&world, Instant::now()), Some(false));
}
