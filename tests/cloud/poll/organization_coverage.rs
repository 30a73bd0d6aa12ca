//! Coverage of a member account by the tracks of its organization.

use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use tokio::time::Instant;

use super::COARSE;
use super::cloud::listing;
use super::world::{World, intervals_after};

/// Returns the coverage that the last published report shows at `at`.
fn covered(world: &World, at: Moment) -> Option<bool> {
    let published = world.published();
    let last = published.last().expect("something was published");
    let mut overviews = last.report.overviews.iter();
    let overview = overviews.find(|it| it.is_of(at));
    overview.expect("it is shown").totals.covered
}

/// Coverage that is observed now stays valid for two minutes.
const REFRESH: Duration = Duration::from_secs(30);

/// The listing is shown for ten minutes, but the coverage by the organization expires after two,
/// even if the loop of the account has ended.
#[tokio::test(start_paused = true)]
async fn organization_coverage_expires_after_the_loop_has_ended() {
    let world = World::new(|_| listing(&[]));
    let start = Instant::now();
    let now = world.clock.now();
    world.organization_covers(true, REFRESH);
    let account = tokio::spawn(world.account("a", &["r"]).await.run(start));
    intervals_after(start, 1).await;
    account.abort();
    assert_eq!(covered(&world, world.clock.now()), Some(true));
    let valid = 4 * REFRESH;
    assert_eq!(
        covered(&world, now + valid.saturating_sub(COARSE)),
        Some(true)
    );
    assert_eq!(covered(&world, now + valid), None);
}

/// Every poll reads the current coverage, so a refresh extends it or ends it.
#[tokio::test(start_paused = true)]
async fn a_running_loop_publishes_the_current_organization_coverage() {
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
