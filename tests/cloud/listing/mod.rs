//! From pages to a listing: complete or failed, regardless of changes between pages.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{KnownTracks, Listing};
use cloudaudit_exporter::tencent::{CallOptions, Client, ClientParts, ListingError};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::scripted::{Notes, answer, options, page, parts, scripted};

mod cache;
mod deletions;
mod duplicates;
mod short;
mod walk;

const REGION: &str = "ap-guangzhou";

/// The result of one listing, and the pages that it requested.
struct Listed {
    result: Result<Arc<Listing>, ListingError>,
    requested: Vec<u64>,
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

    /// Returns the ids that a failed listing saw.
    fn seen(&self) -> Vec<u64> {
        let error = self.result.as_ref().expect_err("a failure");
        let seen = error.seen.as_ref().expect("it is incomplete");
        seen.iter().map(|track| track.id).collect()
    }
}

fn ids(listing: &Listing) -> Vec<u64> {
    listing.tracks.iter().map(|track| track.id).collect()
}

/// Lists the tracks of a cloud. `cloud` gets the number of the call, from 0, the page number and
/// the page size.
async fn list<F>(page_size: u32, cloud: F) -> Listed
where
    F: Fn(usize, u64, u64) -> String + Send + Sync + 'static,
{
    list_again(options(page_size), &[], cloud).await
}

/// Lists the tracks again, after a listing of the `known` tracks.
async fn list_again<F>(options: CallOptions, known: &[u64], cloud: F) -> Listed
where
    F: Fn(usize, u64, u64) -> String + Send + Sync + 'static,
{
    let requested: Arc<Mutex<Vec<u64>>> = Arc::default();
    let log = Arc::clone(&requested);
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
    let requested = requested.lock().unwrap().clone();
    assert_eq!(notes.counts().0, requested.len(), "every call is observed");
    Listed { result, requested }
}

/// Returns a page of a list that is paged by offset.
fn cut(ids: &[u64], number: u64, size: u64) -> &[u64] {
    let from = usize::try_from((number - 1) * size).unwrap().min(ids.len());
    let to = (from + usize::try_from(size).unwrap()).min(ids.len());
    &ids[from..to]
}

/// Returns the response of a correct cloud.
fn honest(ids: &[u64], number: u64, size: u64) -> String {
    page(cut(ids, number, size), ids.len() as u64)
}

fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test(start_paused = true)]
async fn every_page_is_requested_from_the_region_of_the_target() {
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

/// A change to the world before a call is answered.
#[derive(Clone, Debug)]
enum Event {
    Nothing,
    CreateFirst,
    CreateLast,
    Delete(prop::sample::Index),
    /// Deletes one track and creates another: the total stays the same.
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

/// Tracks that are created and deleted. New tracks have new ids.
#[derive(Debug)]
struct World {
    tracks: Vec<u64>,
    next_id: u64,
    /// The number of the first call after the last change.
    changed_at: usize,
    /// The number of the call that began the last walk.
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

    /// Applies the event that precedes this call, then answers the call.
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

    /// Returns whether nothing changed after the first page of the last walk.
    fn was_stable_in_the_last_walk(&self) -> bool {
        self.changed_at <= self.walk_began
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// For any changes between pages: if the world was stable during the last walk, the listing
    /// equals the world. A world that never changes is always listed.
    #[test]
    fn a_listing_of_a_stable_world_is_exact(
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
            Ok(listing) if world.was_stable_in_the_last_walk() => {
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

/// Two concurrent listings share the rate of one pacer, and both are complete.
#[tokio::test(start_paused = true)]
async fn concurrent_regions_share_one_pacer() {
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

/// The total on the page past the end is not reliable.
#[tokio::test(start_paused = true)]
async fn the_highest_total_counts_despite_the_page_past_the_end() {
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
