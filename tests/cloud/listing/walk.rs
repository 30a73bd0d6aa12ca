//! Walks over correct, capped, changing, wrong and broken pages.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::MAX_PAGES;

use super::{cut, honest, list, up_to};
use crate::support::scripted::{api_error, page};

#[tokio::test(start_paused = true)]
async fn a_correct_cloud_is_walked_once_without_needless_requests() {
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
        assert_eq!(listed.requested, up_to(pages), "{tracks} tracks");
    }
}

#[tokio::test(start_paused = true)]
async fn tracks_are_sorted_by_id_regardless_of_the_api_order() {
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
    assert_eq!(listed.requested, up_to(5));
}

/// The server caps its pages but computes offsets from the requested size, so tracks are skipped.
/// With a page size within the cap, it lists all of them.
#[tokio::test(start_paused = true)]
async fn a_server_that_caps_its_pages_and_skips_tracks_gets_a_smaller_page_size() {
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
    assert_eq!(listed.requested, [1, 2]);
    // Within one page, too.
    let listed = list(3, |_, number, _| match number {
        1 => page(&[1, 1, 2], 2),
        _ => page(&[], 2),
    })
    .await;
    assert_eq!(listed.ids(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_total_that_changes_during_a_walk_costs_a_second_walk() {
    // 5 was created at the front after page 1: all others move by one, 2 is seen twice and 5 never.
    let listed = list(2, |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        _ => honest(&[5, 1, 2, 3, 4], number, size),
    })
    .await;
    assert_eq!(listed.ids(), up_to(5));
    assert_eq!(listed.requested[listed.requested.len() - 3..], [1, 2, 3]);
}

/// The number of tracks matches the total on the last page, but one track is missing.
#[tokio::test(start_paused = true)]
async fn a_deletion_between_pages_is_not_mistaken_for_the_end() {
    // 1 is deleted after page 1, and 3 moves to page 1 unseen. The walk finds 1, 2 and 4, which
    // matches the total of 3 on page 2.
    let listed = list(2, |call, number, size| match call {
        0 => honest(&[1, 2, 3, 4], number, size),
        _ => honest(&[2, 3, 4], number, size),
    })
    .await;
    assert_eq!(listed.ids(), [2, 3, 4]);
    assert_eq!(listed.requested, [1, 2, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_world_that_keeps_changing_has_no_listing() {
    // Each call adds one track.
    let listed = list(2, |call, number, size| {
        honest(&up_to(5 + call as u64), number, size)
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.failure().code, "incomplete");
}

#[tokio::test(start_paused = true)]
async fn a_total_that_is_too_low_does_not_hide_tracks() {
    for (total, tracks) in [(3, 6), (5, 6), (0, 6), (0, 1)] {
        let listed = list(2, move |_, number, size| {
            page(cut(&up_to(tracks), number, size), total)
        })
        .await;
        assert_eq!(listed.ids(), up_to(tracks), "{total} reported of {tracks}");
        assert_eq!(listed.reported(), total);
        let once = tracks.div_ceil(2) + 1;
        let twice: Vec<u64> = (1..=once).chain(1..=once).collect();
        assert_eq!(
            listed.requested, twice,
            "two walks, each up to the empty page"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_total_and_a_short_page_before_others_are_incomplete() {
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
async fn a_wrong_total_and_two_different_walks_are_incomplete() {
    let listed = list(2, |call, number, _| match (number, call) {
        (1, 0) => page(&[1, 2], 9),
        (1, _) => page(&[1, 3], 9),
        _ => page(&[], 9),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.requested, [1, 2, 1, 2]);
}

/// A server that repeats its last page forever never proves that this is the end.
#[tokio::test(start_paused = true)]
async fn a_page_that_adds_nothing_ends_the_walk_and_proves_nothing() {
    let listed = list(2, |_, _, _| page(&[1, 2], 9)).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.requested, [1, 2, 1, 2]);
}

/// An empty listing must never be a mistake.
#[tokio::test(start_paused = true)]
async fn an_empty_first_page_with_a_total_is_never_an_empty_listing() {
    let listed = list(50, |_, _, _| page(&[], 3)).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.requested, [1, 1]);
    // If the second walk finds the tracks, they are listed. If its total is 0, the listing is
    // empty.
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
    assert_eq!(listed.requested.len(), 2 * MAX_PAGES as usize);
    assert_eq!(listed.requested.iter().max(), Some(&u64::from(MAX_PAGES)));
}

/// A walk that reaches the total on the last page under the cap is complete.
#[tokio::test(start_paused = true)]
async fn the_last_page_under_the_cap_counts() {
    let total = u64::from(MAX_PAGES);
    let listed = list(1, move |_, number, _| page(&[number], total)).await;
    assert_eq!(listed.ids().len(), MAX_PAGES as usize);
    assert_eq!(listed.requested.len(), MAX_PAGES as usize);
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_page_seven_fails_the_listing() {
    let listed = list(10, |_, number, size| match number {
        7 => api_error("UnauthorizedOperation"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Unauthorized);
    assert_eq!(listed.failure().request_id.as_deref(), Some("r-error"));
    assert_eq!(listed.requested, up_to(7));
    // The same applies to the second walk.
    let listed = list(10, |call, number, size| match (call, number) {
        (0, _) => page(cut(&up_to(100), number, size), 101),
        (10.., 7) => api_error("UnauthorizedOperation"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.failure().reason, Reason::Unauthorized);
    assert_eq!(listed.requested.last(), Some(&7));
}

#[tokio::test(start_paused = true)]
async fn a_transient_fault_on_page_seven_repeats_only_that_page() {
    let listed = list(10, |call, number, size| match call {
        6 => api_error("InternalError"),
        _ => honest(&up_to(100), number, size),
    })
    .await;
    assert_eq!(listed.ids(), up_to(100));
    assert_eq!(listed.requested, [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]);
}
