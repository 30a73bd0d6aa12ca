//! What an account says that its organisation's own tracks cover.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use tokio::time::Instant;

use super::COARSE;
use super::cloud::listing;
use super::world::{World, intervals_after};

/// What is said at a time of an account whose loop is dead by then.
fn covered(world: &World, at: Moment) -> Option<bool> {
    let published = world.published();
    let last = published.last().expect("something was published");
    let mut overviews = last.report.overviews.iter();
    let overview = overviews.find(|it| it.is_of(at));
    overview.expect("it is shown").totals.covered
}

/// What is found now is believed for two minutes.
const REFRESH: Duration = Duration::from_secs(30);

/// The listing may be looked at for ten minutes, and what the organisation said is believed for
/// two: the dead vouch for no more than that.
#[tokio::test(start_paused = true)]
async fn a_dead_loop_does_not_vouch_for_the_organisation() {
    let world = World::new(|_| listing(&[]));
    let start = Instant::now();
    let now = world.clock.now();
    world.organization_covers(true, REFRESH);
    let account = tokio::spawn(world.account("a", &["r"]).await.run(start));
    intervals_after(start, 1).await;
    account.abort();
    assert_eq!(covered(&world, world.clock.now()), Some(true));
    let believed = 4 * REFRESH;
    assert_eq!(
        covered(&world, now + believed.saturating_sub(COARSE)),
        Some(true)
    );
    assert_eq!(covered(&world, now + believed), Some(false));
}

/// It is asked anew at every poll, so one that is renewed or closed is believed, or is not.
#[tokio::test(start_paused = true)]
async fn a_living_loop_says_what_the_organisation_said_last() {
    let world = World::new(|_| listing(&[]));
    let start = world.start("a", &["r"]);
    world.organization_covers(true, REFRESH);
    for minute in 1..5 {
        intervals_after(start, minute).await;
        assert_eq!(covered(&world, world.clock.now()), Some(true), "{minute}");
        world.organization_covers(true, REFRESH);
    }
    world.organization_covers(false, REFRESH);
    intervals_after(start, 5).await;
    assert_eq!(covered(&world, world.clock.now()), Some(false));
}
