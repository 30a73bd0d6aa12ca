//! Listings with fewer tracks than `TotalCount`: a track that is missing from one may still exist.

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::tencent::CallOptions;

use super::{cut, list, list_again, up_to};
use crate::support::scripted::{options, page};

const KEY: &str = "poll.accept_short_listings: true";

pub(crate) fn accepting(page_size: u32) -> CallOptions {
    CallOptions {
        accept_short_listings: true,
        ..options(page_size)
    }
}

/// On one page, on several, at the end of a page, and with every size of the gap.
#[tokio::test(start_paused = true)]
async fn fewer_tracks_than_reported_are_incomplete() {
    for (page_size, tracks, total) in [
        (50, 2, 3),
        (2, 2, 3),
        (2, 5, 7),
        (2, 6, 7),
        (2, 6, 1_000),
        (50, 1, 2),
        (1, 1, u64::MAX),
    ] {
        let cloud = move |_, number, size| page(cut(&up_to(tracks), number, size), total);
        let listed = list(page_size, cloud).await;
        assert_eq!(listed.failure().reason, Reason::Incomplete);
        assert_eq!(listed.failure().code, "incomplete");
        assert_eq!(listed.seen(), up_to(tracks), "{page_size} {tracks} {total}");
        let message = &listed.failure().message;
        assert!(message.contains(KEY), "{message}");
        assert!(
            message.contains(&format!("{tracks} of {total} on")),
            "{message}"
        );

        let listed = list_again(accepting(page_size), &[], cloud).await;
        assert_eq!(listed.ids(), up_to(tracks));
        assert_eq!(listed.reported(), total);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_page_that_is_always_empty_is_incomplete() {
    let cloud = |_, number, _| page(if number == 1 { &[1, 2] } else { &[] }, 3);
    let listed = list(2, cloud).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.requested, [1, 2, 1, 2]);
    assert_eq!(listed.seen(), [1, 2]);
    let listed = list_again(accepting(2), &[], cloud).await;
    assert_eq!(listed.ids(), [1, 2]);
}

/// Pages past the end repeat earlier tracks, so nothing proves the end.
#[tokio::test(start_paused = true)]
async fn duplicates_up_to_the_total_are_incomplete_even_if_short_listings_are_accepted() {
    let cloud = |_, _, _| page(&[1, 2], 4);
    for options in [options(2), accepting(2)] {
        let listed = list_again(options, &[], cloud).await;
        assert_eq!(listed.failure().reason, Reason::Incomplete);
        assert_eq!(listed.seen(), [1, 2]);
    }
}

/// The total is 3 on the first page and 2 on the second. The two pages list two tracks.
#[tokio::test(start_paused = true)]
async fn a_total_that_shrinks_to_what_is_listed_is_incomplete() {
    let cloud = |_, number, _| match number {
        1 => page(&[1], 3),
        2 => page(&[2], 2),
        _ => page(&[], 2),
    };
    let listed = list(1, cloud).await;
    assert_eq!(listed.failure().reason, Reason::Incomplete);
    assert_eq!(listed.seen(), [1, 2]);
}

/// An empty listing must never be a mistake.
#[tokio::test(start_paused = true)]
async fn an_empty_listing_with_a_total_is_incomplete_even_if_short_listings_are_accepted() {
    for options in [options(50), accepting(50)] {
        let listed = list_again(options, &[], |_, _, _| page(&[], 3)).await;
        assert_eq!(listed.failure().reason, Reason::Incomplete);
        assert!(listed.seen().is_empty());
    }
}

/// A walk that matches its total counts, even after one that did not: the world changed in between.
#[tokio::test(start_paused = true)]
async fn a_total_that_matches_in_the_second_walk_counts() {
    let cloud = |call, _, _| page(&[1, 2], if call < 2 { 3 } else { 2 });
    let listed = list(50, cloud).await;
    assert_eq!(listed.ids(), [1, 2]);
    assert_eq!(listed.reported(), 2);
}

/// The latest entry of a track counts.
#[tokio::test(start_paused = true)]
async fn the_tracks_of_all_walks_are_reported() {
    let cloud = |call, number, _| match (call, number) {
        (0, _) => page(&[1], 3),
        (_, 1) => page(&[2], 3).replace("\"Status\":1", "\"Status\":0"),
        _ => page(&[], 3),
    };
    let listed = list(50, cloud).await;
    assert_eq!(listed.seen(), [1, 2]);
}
