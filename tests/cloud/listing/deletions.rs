//! A known track counts as deleted only if two consecutive walks agree, regardless of changes to
//! other tracks between pages.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::MAX_WALKS;
use proptest::prelude::*;

use super::{Event, World, event, honest, list_again, up_to};
use crate::support::scripted::{options, page};

/// 1 is deleted and 5 created after page 1: 3 moves to page 1 unseen, and the total stays.
#[tokio::test(start_paused = true)]
async fn a_track_that_moved_to_an_already_read_page_is_listed() {
    let listed = list_again(options(2), &up_to(4), |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        _ => honest(&[2, 3, 4, 5], number, size),
    })
    .await;
    assert_eq!(listed.ids(), [2, 3, 4, 5]);
    assert_eq!(listed.requested, [1, 2, 1, 2, 1, 2]);
}

/// The same happens in the second walk, which misses 4.
#[tokio::test(start_paused = true)]
async fn walks_that_never_agree_are_incomplete() {
    let listed = list_again(options(2), &up_to(4), |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        1 | 2 => honest(&[2, 3, 4, 5], number, size),
        3 | 4 => honest(&[3, 4, 5, 6], number, size),
        _ => honest(&[4, 5, 6, 7], number, size),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.requested.len(), 2 * MAX_WALKS);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_costs_one_more_walk_and_a_creation_none() {
    for (known, world, pages) in [
        (vec![1, 2, 3], vec![1, 2, 3], 2),
        (vec![1, 2, 3], vec![1, 2, 3, 4], 2),
        (vec![], vec![1, 2, 3, 4], 2),
        (vec![1, 2, 3], vec![1, 2], 1 + 1),
        (vec![1, 2, 3, 4], vec![1, 2, 3], 2 + 2),
        (vec![1], vec![], 1 + 1),
    ] {
        let ids = world.clone();
        let cloud = move |_, number, size| honest(&ids, number, size);
        let listed = list_again(options(2), &known, cloud).await;
        assert_eq!(listed.ids(), world);
        assert_eq!(listed.requested.len(), pages, "{known:?} {world:?}");
    }
}

/// A single page is consistent, but the API may be wrong once.
#[tokio::test(start_paused = true)]
async fn a_track_that_is_missing_once_is_listed() {
    let cloud = |call, _, _| {
        if call == 0 {
            page(&[1], 1)
        } else {
            page(&[1, 2], 2)
        }
    };
    let listed = list_again(options(50), &[1, 2], cloud).await;
    assert_eq!(listed.ids(), [1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// For any creations and deletions between pages, a complete listing contains every known track
    /// that existed throughout, and none that was absent throughout.
    #[test]
    fn no_interleaving_makes_a_track_vanish(
        tracks in 0..20_u64,
        deleted_before in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        page_size in 1..6_u32,
        events in prop::collection::vec(event(), 0..40),
    ) {
        let mut world = World::of(tracks);
        let known = world.tracks.clone();
        for which in deleted_before {
            world.happen(&Event::Delete(which));
        }
        let at_first: BTreeSet<u64> = world.tracks.iter().copied().collect();
        let gone: Vec<u64> = known.iter().copied().filter(|id| !at_first.contains(id)).collect();
        let lasting = Arc::new(Mutex::new(at_first));
        let world = Arc::new(Mutex::new(world));
        let always = Arc::clone(&lasting);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let listed = runtime.block_on(list_again(options(page_size), &known, move |_, number, size| {
            let mut world = world.lock().unwrap();
            let answer = world.answer(&events, number, size, 0);
            let now: BTreeSet<u64> = world.tracks.iter().copied().collect();
            always.lock().unwrap().retain(|id| now.contains(id));
            answer
        }));
        match &listed.result {
            Ok(listing) => {
                let ids: BTreeSet<u64> = listing.tracks.iter().map(|track| track.id).collect();
                for id in lasting.lock().unwrap().iter().filter(|id| known.contains(id)) {
                    prop_assert!(ids.contains(id), "{} was there all the time: {:?}", id, ids);
                }
                for id in &gone {
                    prop_assert!(!ids.contains(id), "{} was gone all the time: {:?}", id, ids);
                }
            }
            Err(error) => prop_assert_eq!(error.failure.reason, Reason::Incomplete),
        }
    }
}
