//! From pages to a listing: all of it, or none of it, whatever the cloud does between two pages.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{KnownTracks, Listing};
use cloudaudit_exporter::tencent::{CallOptions, Client, ClientParts, ListingError, MAX_PAGES};
use proptest::prelude::*;
use tokio::time::Instant;

mod deletions;
mod duplicates;
mod recall;
mod short;

use crate::support::scripted::{Notes, answer, api_error, options, page, parts, scripted};

const REGION: &str = "ap-guangzhou";

/// What one listing came to, and which pages it asked for.
struct Listed {
    result: Result<Arc<Listing>, ListingError>,
    asked: Vec<u64>,
}

impl Listed {
    fn ids(&self) -> Vec<u64> {
        ids(self.result.as_ref().expect("a listing"))
    }

    fn reported(&self) -> u64 {
        self.result.as_ref().expect("a listing").reported
    }

    fn failure(&self) -> &Failure {
        &self.result.as_ref().expect_err("a failure").failure
    }

    /// The ids that a failed listing saw.
    fn seen(&self) -> Vec<u64> {
        let error = self.result.as_ref().expect_err("a failure");
        let seen = error.seen.as_ref().expect("it is incomplete");
        seen.iter().map(|track| track.id).collect()
    }
}

fn ids(listing: &Listing) -> Vec<u64> {
    listing.tracks.iter().map(|track| track.id).collect()
}

/// Lists with a cloud that answers by the number of the call, from 0, and the page that is asked.
async fn list<F>(page_size: u32, cloud: F) -> Listed
where
    F: Fn(usize, u64, u64) -> String + Send + Sync + 'static,
{
    list_again(options(page_size), &[], cloud).await
}

/// The same after a listing of these tracks.
async fn list_again<F>(options: CallOptions, known: &[u64], cloud: F) -> Listed
where
    F: Fn(usize, u64, u64) -> String + Send + Sync + 'static,
{
    let asked: Arc<Mutex<Vec<u64>>> = Arc::default();
    let log = Arc::clone(&asked);
    let transport = scripted(move |number, size, _| {
        let call = {
            let mut log = log.lock().unwrap();
            log.push(number);
            log.len() - 1
        };
        answer(cloud(call, number, size))
    });
    let client = Client::new(parts(transport), options);
    let (retry_until, notes) = (Instant::now() + Duration::from_mins(1), Notes::default());
    let known = KnownTracks {
        listing: None,
        unproven: known.to_vec(),
    };
    let result = client.list_again(REGION, &known, retry_until, &notes).await;
    let asked = asked.lock().unwrap().clone();
    assert_eq!(notes.counts().0, asked.len(), "every call is told of");
    Listed { result, asked }
}

/// The page of a list that is cut by offset.
fn cut(ids: &[u64], number: u64, size: u64) -> &[u64] {
    let from = usize::try_from((number - 1) * size).unwrap().min(ids.len());
    let to = (from + usize::try_from(size).unwrap()).min(ids.len());
    &ids[from..to]
}

/// What an honest cloud answers.
fn honest(ids: &[u64], number: u64, size: u64) -> String {
    page(cut(ids, number, size), ids.len() as u64)
}

fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test(start_paused = true)]
async fn an_honest_cloud_is_walked_once_and_asked_for_nothing_needless() {
    for (tracks, pages) in [
        (0, 1),
        (1, 1),
        (49, 1),
        (50, 1),
        (51, 2),
        (99, 2),
        (100, 2),
        (101, 3),
        (230, 5),
    ] {
        let world = up_to(tracks);
        let listed = list(50, move |_, number, size| {
            honest(&up_to(tracks), number, size)
        })
        .await;
        assert_eq!(listed.ids(), world, "{tracks} tracks");
        assert_eq!(listed.reported(), tracks);
        assert_eq!(listed.asked, up_to(pages), "{tracks} tracks");
    }
}

#[tokio::test(start_paused = true)]
async fn tracks_are_ascending_by_id_whatever_the_order_of_the_api() {
    let world = [9, 2, 7, 1, 30, 4, 12];
    let listed = list(3, move |_, number, size| honest(&world, number, size)).await;
    assert_eq!(listed.ids(), [1, 2, 4, 7, 9, 12, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_caps_its_pages_is_walked_to_the_end() {
    let listed = list(100, |_, number, size| {
        honest(&up_to(95), number, size.min(20))
    })
    .await;
    assert_eq!(listed.ids(), up_to(95));
    assert_eq!(listed.asked, up_to(5));
}

/// A cap behind which tracks are skipped, because the offset goes by the size that was asked: asked
/// for no more than it gives, it gives all.
#[tokio::test(start_paused = true)]
async fn a_server_that_caps_its_pages_and_skips_the_rest_is_asked_for_less() {
    for tracks in [21, 30, 40, 95] {
        let listed = list(50, move |_, number, size| {
            let world = up_to(tracks);
            let part = cut(&world, number, size);
            page(&part[..part.len().min(20)], tracks)
        })
        .await;
        assert_eq!(listed.ids(), up_to(tracks));
        assert_eq!(listed.reported(), tracks);
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_are_one_track() {
    // The page boundary overlaps by one, and the total counts tracks and not entries.
    let listed = list(3, |_, number, _| match number {
        1 => page(&[1, 2, 3], 5),
        2 => page(&[3, 4, 5], 5),
        _ => page(&[], 5),
    })
    .await;
    assert_eq!(listed.ids(), up_to(5));
    assert_eq!(listed.asked, [1, 2]);
    // Within one page, too.
    let listed = list(3, |_, number, _| match number {
        1 => page(&[1, 1, 2], 2),
        _ => page(&[], 2),
    })
    .await;
    assert_eq!(listed.ids(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_total_that_moves_in_mid_walk_costs_a_second_walk() {
    // 5 was created at the front after page 1: all others slide by one, 2 is seen twice and 5
    // never.
    let listed = list(2, |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        _ => honest(&[5, 1, 2, 3, 4], number, size),
    })
    .await;
    assert_eq!(listed.ids(), up_to(5));
    assert_eq!(listed.asked[listed.asked.len() - 3..], [1, 2, 3]);
}

/// As many tracks as the last page says, and still not the right ones.
#[tokio::test(start_paused = true)]
async fn a_deletion_between_pages_is_not_taken_for_the_end() {
    // 1 is deleted after page 1 and 3 slides onto page 1 unseen: 1, 2 and 4 are three, as the total
    // of page 2 has it.
    let listed = list(2, |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        _ => honest(&[2, 3, 4], number, size),
    })
    .await;
    assert_eq!(listed.ids(), [2, 3, 4]);
    assert_eq!(listed.asked, [1, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_world_that_never_rests_makes_no_listing() {
    // One track more at each call, and those that were there slide on.
    let listed = list(2, |call, number, size| {
        honest(&up_to(5 + call as u64), number, size)
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.failure().code, "incomplete");
}

#[tokio::test(start_paused = true)]
async fn a_total_that_is_too_low_is_no_reason_to_show_nothing() {
    for (total, tracks) in [(3, 6), (5, 6), (0, 6), (0, 1)] {
        let listed = list(2, move |_, number, size| {
            page(cut(&up_to(tracks), number, size), total)
        })
        .await;
        assert_eq!(listed.ids(), up_to(tracks), "{total} reported of {tracks}");
        assert_eq!(listed.reported(), total);
        let once = tracks.div_ceil(2) + 1;
        let twice: Vec<u64> = (1..=once).chain(1..=once).collect();
        assert_eq!(listed.asked, twice, "twice, to the empty page");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_total_and_a_short_page_before_others_make_no_listing() {
    let listed = list(2, |_, number, _| match number {
        1 => page(&[1], 9),
        2 => page(&[2, 3], 9),
        _ => page(&[], 9),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert!(
        listed.failure().message.contains("3 of 9 on 3 pages"),
        "{}",
        listed.failure()
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_total_and_two_different_walks_make_no_listing() {
    let listed = list(2, |call, number, _| match (number, call) {
        (1, 0) => page(&[1, 2], 9),
        (1, _) => page(&[1, 3], 9),
        _ => page(&[], 9),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.asked, [1, 2, 1, 2]);
}

/// A server that repeats its last page for ever: nothing says that this is the end.
#[tokio::test(start_paused = true)]
async fn a_page_that_adds_nothing_ends_the_walk_and_proves_nothing() {
    let listed = list(2, |_, _, _| page(&[1, 2], 9)).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.asked, [1, 2, 1, 2]);
}

/// "None" is the one answer that must not be a mistake.
#[tokio::test(start_paused = true)]
async fn an_empty_first_page_of_some_is_never_an_empty_listing() {
    let listed = list(50, |_, _, _| page(&[], 3)).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.asked, [1, 1]);
    // Where the second look finds them, they are there; where it finds a true none, none is.
    let listed = list(50, |call, number, size| match call {
        0 => page(&[], 3),
        _ => honest(&up_to(3), number, size),
    })
    .await;
    assert_eq!(listed.ids(), up_to(3));
    let listed = list(50, |call, _, _| page(&[], if call == 0 { 3 } else { 0 })).await;
    assert!(listed.ids().is_empty());
}

#[tokio::test(start_paused = true)]
async fn pages_have_a_cap() {
    let listed = list(1, |_, number, _| page(&[number], u64::MAX)).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.asked.len(), 2 * MAX_PAGES as usize);
    assert_eq!(listed.asked.iter().max(), Some(&u64::from(MAX_PAGES)));
}

/// A walk whose last page under the cap meets the total is whole.
#[tokio::test(start_paused = true)]
async fn the_last_page_under_the_cap_counts() {
    let total = u64::from(MAX_PAGES);
    let listed = list(1, move |_, number, _| page(&[number], total)).await;
    assert_eq!(listed.ids().len(), MAX_PAGES as usize);
    assert_eq!(listed.asked.len(), MAX_PAGES as usize);
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_page_seven_is_a_failure_and_nothing_else() {
    let listed = list(10, |_, number, size| match number {
        7 => api_error("UnauthorizedOperation"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Unauthorized);
    assert_eq!(listed.failure().request_id.as_deref(), Some("r-error"));
    assert_eq!(listed.asked, up_to(7));
    // In the second walk as in the first.
    let listed = list(10, |call, number, size| match (call, number) {
        (0, _) => page(cut(&up_to(100), number, size), 101),
        (10.., 7) => api_error("UnauthorizedOperation"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Unauthorized);
    assert_eq!(listed.asked.last(), Some(&7));
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_on_page_seven_repeats_that_page_only() {
    let listed = list(10, |call, number, size| match call {
        6 => api_error("InternalError"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.ids(), up_to(100));
    assert_eq!(listed.asked, [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]);
}

/// The region is the target's, on every page.
#[tokio::test(start_paused = true)]
async fn every_page_is_asked_of_the_same_region() {
    let transport = scripted(|number, size, request| {
        assert_eq!(request.headers()["x-tc-region"], "eu-frankfurt");
        answer(honest(&up_to(5), number, size))
    });
    let client = Client::new(parts(transport), options(2));
    let retry_until = Instant::now() + Duration::from_mins(1);
    let notes = Notes::default();
    let listing = client.list("eu-frankfurt", retry_until, &notes).await;
    assert_eq!(ids(&listing.unwrap()), up_to(5));
}

/// One thing that happens to the world before a call is answered.
#[derive(Clone, Debug)]
enum Event {
    Nothing,
    CreateFirst,
    CreateLast,
    Delete(prop::sample::Index),
    /// One goes and one comes: the total stands still.
    Replace(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Nothing),
        1 => Just(Event::CreateFirst),
        1 => Just(Event::CreateLast),
        2 => any::<prop::sample::Index>().prop_map(Event::Delete),
        1 => any::<prop::sample::Index>().prop_map(Event::Replace),
    ]
}

/// Tracks that come and go; new ones have new ids.
#[derive(Debug)]
struct World {
    tracks: Vec<u64>,
    next_id: u64,
    /// The call before which it changed last.
    changed_at: usize,
    /// The call that began the last walk.
    walk_began: usize,
    calls: usize,
}

impl World {
    fn of(tracks: u64) -> Self {
        Self {
            tracks: up_to(tracks),
            next_id: tracks + 1,
            changed_at: 0,
            walk_began: 0,
            calls: 0,
        }
    }

    fn happen(&mut self, event: &Event) {
        let before = self.tracks.clone();
        match event {
            Event::Nothing => {}
            Event::CreateFirst => self.create(0),
            Event::CreateLast => self.create(self.tracks.len()),
            Event::Delete(which) => self.delete(*which),
            Event::Replace(which) => {
                self.delete(*which);
                self.create(self.tracks.len());
            }
        }
        if self.tracks != before {
            self.changed_at = self.calls;
        }
    }

    fn create(&mut self, at: usize) {
        self.tracks.insert(at, self.next_id);
        self.next_id += 1;
    }

    fn delete(&mut self, which: prop::sample::Index) {
        if !self.tracks.is_empty() {
            self.tracks.remove(which.index(self.tracks.len()));
        }
    }

    /// What happens before this call happens; then it is answered.
    fn answer(&mut self, events: &[Event], number: u64, size: u64, too_many: u64) -> String {
        if let Some(event) = events.get(self.calls) {
            self.happen(event);
        }
        if number == 1 {
            self.walk_began = self.calls;
        }
        self.calls += 1;
        let total = self.tracks.len() as u64 + too_many;
        page(cut(&self.tracks, number, size), total)
    }

    /// Nothing changed after the first page of the last walk was cut.
    fn rested_in_the_last_walk(&self) -> bool {
        self.changed_at <= self.walk_began
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever happens between pages: a listing of a world that was at rest during the last walk
    /// is that world, and a world that is at rest from the start is always listed.
    #[test]
    fn a_listing_of_a_world_at_rest_is_exact(
        tracks in 0..25_u64,
        page_size in 1..8_u32,
        cap in 1..8_u64,
        too_many in prop_oneof![4 => Just(0_u64), 1 => 1..5_u64],
        events in prop::collection::vec(event(), 0..30),
    ) {
        let world = Arc::new(Mutex::new(World::of(tracks)));
        let seen = Arc::clone(&world);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let is_still = events.iter().all(|event| matches!(event, Event::Nothing));
        let listed = runtime.block_on(list(page_size, move |_, number, size| {
            world.lock().unwrap().answer(&events, number, size.min(cap), too_many)
        }));
        let world = seen.lock().unwrap();
        match &listed.result {
            Ok(listing) if world.rested_in_the_last_walk() => {
                let mut expected = world.tracks.clone();
                expected.sort_unstable();
                prop_assert_eq!(ids(listing), expected);
                prop_assert_eq!(listing.reported, world.tracks.len() as u64);
                prop_assert_eq!(too_many, 0);
            }
            Ok(_) => {}
            Err(ListingError { failure, .. }) => {
                prop_assert_eq!(failure.reason, Reason::Incomplete);
                prop_assert!(!is_still || too_many > 0, "{}", failure);
            }
        }
    }
}

/// One pacer for both: two listings side by side share its rate and both are whole.
#[tokio::test(start_paused = true)]
async fn regions_side_by_side() {
    let transport = scripted(|number, size, _| answer(honest(&up_to(120), number, size)));
    let parts = parts(transport);
    let client = |region: &str| {
        let parts = ClientParts {
            endpoint: parts.endpoint.clone(),
            transport: Arc::clone(&parts.transport),
            provider: Arc::clone(&parts.provider),
            pacer: Arc::clone(&parts.pacer),
            in_flight: Arc::clone(&parts.in_flight),
            clock: parts.clock.clone(),
        };
        let (client, region) = (Client::new(parts, options(10)), region.to_owned());
        async move {
            let retry_until = Instant::now() + Duration::from_mins(1);
            client.list(&region, retry_until, &Notes::default()).await
        }
    };
    let began = Instant::now();
    let (here, there) = tokio::join!(client("ap-guangzhou"), client("ap-singapore"));
    assert_eq!(ids(&here.unwrap()), up_to(120));
    assert_eq!(ids(&there.unwrap()), up_to(120));
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(230),
        "24 calls at 100/s: {took:?}"
    );
    assert!(
        took <= Duration::from_millis(264),
        "24 calls at 100/s: {took:?}"
    );
}

/// What the page past the end says of the total is nobody's promise.
#[tokio::test(start_paused = true)]
async fn the_highest_total_counts_whatever_the_page_past_the_end_says() {
    let cloud = |_, number, size| {
        let part = cut(&up_to(4), number, size).to_vec();
        page(&part, if part.is_empty() { 0 } else { 5 })
    };
    let listed = list(2, cloud).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    let listed = list_again(short::accepting(2), &[], cloud).await;
    assert_eq!(listed.ids(), up_to(4));
    assert_eq!(listed.reported(), 5);
}
