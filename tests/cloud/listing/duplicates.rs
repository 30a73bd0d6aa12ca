//! Duplicate ids: the worse entry counts, on one page, on two pages and in either walk. Also
//! listings with more tracks than the client keeps.

use std::collections::{BTreeMap, BTreeSet};

use cloudaudit_exporter::snapshot::{Listing, Status};
use cloudaudit_exporter::tencent::{CallOptions, Client};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use super::{Listed, list};
use crate::support::scripted::{Notes, answer, options, parts, scripted};

/// Returns a page of tracks with these ids and statuses, and this `TotalCount`.
fn page(entries: &[(u64, &str)], total: usize) -> String {
    let tracks: Vec<String> = entries
        .iter()
        .map(|(id, status)| format!(r#"{{"TrackId":{id},"Status":{status}}}"#))
        .collect();
    let tracks = tracks.join(",");
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total},"RequestId":"r"}}}}"#)
}

fn statuses(listing: &Listing) -> Vec<(u64, Status)> {
    let tracks = listing.tracks.iter();
    tracks.map(|track| (track.id, track.status)).collect()
}

fn status(listed: &Listed) -> Status {
    listed.result.as_ref().unwrap().track(7).unwrap().status
}

#[tokio::test(start_paused = true)]
async fn the_worse_status_counts() {
    for (one, other, expected) in [
        ("1", "1", Status::Enabled),
        ("1", "2", Status::Unknown),
        ("1", "0", Status::Disabled),
        ("2", "0", Status::Disabled),
    ] {
        for (first, second) in [(one, other), (other, one)] {
            let entries = |first: &str, second: &str| page(&[(7, first), (7, second)], 1);
            let (a, b) = (first.to_owned(), second.to_owned());
            let listed = list(10, move |_, _, _| entries(&a, &b)).await;
            assert_eq!(status(&listed), expected, "{first} and {second} on a page");

            let (a, b) = (first.to_owned(), second.to_owned());
            let listed = list(2, move |_, number, _| match number {
                1 => page(&[(7, &a), (8, "1")], 3),
                _ => page(&[(7, &b), (9, "1")], 3),
            })
            .await;
            assert_eq!(
                status(&listed),
                expected,
                "{first} and {second} on two pages"
            );

            // The first walk does not match its total, the second one does.
            let (a, b) = (first.to_owned(), second.to_owned());
            let listed = list(10, move |call, _, _| match call {
                0 | 1 => page(&[(7, "1")], 2),
                _ => page(&[(7, &a), (8, "1"), (7, &b)], 2),
            })
            .await;
            assert_eq!(listed.requested.len(), 3);
            assert_eq!(
                status(&listed),
                expected,
                "{first} and {second} in the second walk"
            );
        }
    }
}

/// If the statuses are equal, the entry that records less counts.
#[tokio::test(start_paused = true)]
async fn the_narrower_entry_counts() {
    let all = r#"{"TrackId":7,"Status":1,"Name":"all","ActionType":"*","ResourceType":"*","EventNames":["*"]}"#;
    let some = r#"{"TrackId":7,"Status":1,"Name":"some","ActionType":"Read","ResourceType":"*","EventNames":["*"]}"#;
    for (first, second) in [(all, some), (some, all)] {
        let body = format!(r#"{{"Response":{{"Tracks":[{first},{second}],"TotalCount":1}}}}"#);
        let listed = list(10, move |_, _, _| body.clone()).await;
        let listing = listed.result.unwrap();
        assert_eq!(listing.tracks.len(), 1);
        assert_eq!(
            listing.tracks[0].name, "some",
            "one entry, not a mix of both"
        );
    }
}

/// Lists a cloud that has these entries with a client that keeps `max_tracks` tracks.
async fn trimmed(entries: Vec<(u64, u8)>, page_size: u32, max_tracks: usize) -> Arc<Listing> {
    let ids: BTreeSet<u64> = entries.iter().map(|(id, _)| *id).collect();
    let total = ids.len();
    let transport = scripted(move |number, size, _| {
        let (number, size) = (
            usize::try_from(number).unwrap(),
            usize::try_from(size).unwrap(),
        );
        let part = entries.iter().skip((number - 1) * size).take(size);
        let texts: Vec<(u64, String)> = part.map(|(id, s)| (*id, s.to_string())).collect();
        let part: Vec<(u64, &str)> = texts.iter().map(|(id, s)| (*id, &**s)).collect();
        answer(page(&part, total))
    });
    let options = CallOptions {
        max_tracks,
        ..options(page_size)
    };
    let client = Client::new(parts(transport), options);
    let until = Instant::now() + Duration::from_mins(1);
    let first = client
        .list("ap-guangzhou", until, &Notes::default())
        .await
        .unwrap();
    let again = client
        .list("ap-guangzhou", until, &Notes::default())
        .await
        .unwrap();
    assert_eq!(first, again, "the second poll returns the same");
    first
}

#[tokio::test(start_paused = true)]
async fn the_lowest_ids_are_kept_and_the_others_counted() {
    let entries = (1..=230)
        .rev()
        .map(|id| (id, u8::from(id % 2 == 0)))
        .collect();
    let listing = trimmed(entries, 50, 100).await;
    let kept: Vec<u64> = listing.tracks.iter().map(|track| track.id).collect();
    assert!(kept.into_iter().eq(1..=100));
    let dropped: Vec<u64> = listing.dropped.iter().map(|track| track.id).collect();
    assert!(dropped.into_iter().eq(101..=230));
    let off = |status: Status| status == Status::Disabled;
    assert_eq!(listing.all().filter(|track| off(track.status)).count(), 115);
    assert_eq!(listing.reported, 230);
    assert!(!listing.is_short());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// For any order, page size and limit, each id has the worst status of its entries.
    #[test]
    fn every_id_has_its_worst_status(
        first in prop::collection::vec((0_u64..12, 0_u8..3), 1..8),
        more in prop::collection::vec((0_u64..12, 0_u8..3), 0..8),
        max_tracks in 1_usize..8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        // One page, so that the walk sees every entry whenever it has every id.
        let entries = [first, more].concat();
        let size = u32::try_from(entries.len()).unwrap();
        let badness = |status: u8| [2, 0, 1][usize::from(status)];
        let mut worst: BTreeMap<u64, u8> = BTreeMap::new();
        for (id, status) in &entries {
            let known = worst.entry(*id).or_insert(*status);
            if badness(*status) > badness(*known) {
                *known = *status;
            }
        }
        let listing = runtime.block_on(trimmed(entries, size, max_tracks));
        let expected: Vec<(u64, Status)> = worst
            .into_iter()
            .map(|(id, status)| {
                let all = [Status::Disabled, Status::Enabled, Status::Unknown];
                (id, all[usize::from(status)])
            })
            .collect();
        let all: Vec<(u64, Status)> = listing.all().map(|track| (track.id, track.status)).collect();
        prop_assert_eq!(&all, &expected);
        let kept = statuses(&listing);
        prop_assert_eq!(kept.len(), expected.len().min(max_tracks));
        prop_assert_eq!(&kept[..], &expected[..kept.len()]);
    }
}
