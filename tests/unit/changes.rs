//! The change feed: bounded, in order, and shared.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::changes::{ChangeFeed, FeedUpdate, MAX_AGE};
use cloudaudit_exporter::snapshot::{Attribution, AttributionResult, ChangeRecord};

use crate::support::changes::{disabled, made_by};

const MINUTE: Duration = Duration::from_mins(1);

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_732)
}

/// The tracks of the feed, newest first.
fn tracks(feed: &ChangeFeed, now: SystemTime) -> Vec<u64> {
    feed.latest(now).iter().map(|it| it.track_id).collect()
}

fn append(feed: &ChangeFeed, track_id: u64, at: SystemTime) {
    feed.append(vec![disabled("prod", track_id, at)], at);
}

#[test]
fn the_newest_records_are_kept_and_the_oldest_dropped() {
    let feed = ChangeFeed::new(3);
    for track_id in 1..=5 {
        append(
            &feed,
            track_id,
            noon() + MINUTE * track_id.try_into().unwrap(),
        );
    }
    let now = noon() + MINUTE * 5;
    assert_eq!(tracks(&feed, now), [5, 4, 3]);
    let ids: Vec<u64> = feed.latest(now).iter().map(|it| it.id).collect();
    assert_eq!(ids, [5, 4, 3]);
    feed.set_keep(1, now);
    assert_eq!(tracks(&feed, now), [5]);
    feed.set_keep(2, now);
    append(&feed, 6, now);
    append(&feed, 7, now);
    assert_eq!(tracks(&feed, now), [7, 6]);
}

#[test]
fn records_expire_after_ninety_days_even_if_nothing_changes() {
    let feed = ChangeFeed::new(10);
    append(&feed, 1, noon());
    append(&feed, 2, noon() + MINUTE);
    assert_eq!(tracks(&feed, noon() + MAX_AGE), [2, 1]);
    assert_eq!(tracks(&feed, noon() + MAX_AGE + MINUTE / 2), [2]);
    assert_eq!(tracks(&feed, noon() + MAX_AGE + 2 * MINUTE), [0; 0]);
}

/// The writer of the state file compares allocations.
#[test]
fn readers_share_an_unchanged_feed() {
    let feed = ChangeFeed::new(10);
    append(&feed, 1, noon());
    let (one, other) = (feed.latest(noon()), feed.latest(noon() + MINUTE));
    assert!(Arc::ptr_eq(&one, &other));
    append(&feed, 2, noon() + MINUTE);
    let now = feed.latest(noon() + MINUTE);
    assert_eq!(
        (one.len(), now.len()),
        (1, 2),
        "a reader keeps its snapshot"
    );
    assert!(Arc::ptr_eq(&one[0], &now[1]), "records are not cloned");
}

#[test]
fn a_late_record_is_inserted_by_its_time() {
    let feed = ChangeFeed::new(10);
    append(&feed, 1, noon());
    append(&feed, 2, noon() + MINUTE);
    let now = noon() + 2 * MINUTE;
    feed.append(vec![disabled("prod", 3, noon() + MINUTE / 2)], now);
    assert_eq!(tracks(&feed, now), [2, 3, 1]);
}

#[test]
fn a_clock_that_is_set_back_keeps_the_order_of_records() {
    let feed = ChangeFeed::new(10);
    append(&feed, 1, noon());
    append(&feed, 2, noon() + MINUTE);
    let earlier = noon() - MINUTE;
    append(&feed, 3, earlier);
    assert_eq!(tracks(&feed, earlier), [3, 2, 1]);
    assert!(feed.latest(earlier).iter().all(|it| it.seen <= earlier));
    // Two accounts append at almost the same time, and the later record may come first.
    append(&feed, 4, earlier + MINUTE);
    append(&feed, 5, earlier + MINUTE - Duration::from_millis(1));
    let seen = |feed: &ChangeFeed| -> Vec<SystemTime> {
        feed.latest(noon()).iter().map(|it| it.seen).collect()
    };
    assert_eq!(seen(&feed)[0], earlier + MINUTE);
}

#[test]
fn restored_records_keep_their_ids_and_new_ones_follow() {
    let feed = ChangeFeed::new(10);
    let record = |id, seen| ChangeRecord {
        id,
        ..disabled("gone", id, seen)
    };
    let future = noon() + Duration::from_hours(1);
    feed.restore(
        vec![
            record(9, future),
            record(4, noon() - MINUTE),
            record(7, noon()),
            record(7, noon()),
            record(1, noon() - MAX_AGE - MINUTE),
        ],
        noon(),
    );
    append(&feed, 5, noon() + MINUTE);
    let latest = feed.latest(noon() + MINUTE);
    let ids: Vec<u64> = latest.iter().map(|it| it.id).collect();
    assert_eq!(ids, [10, 9, 7, 4]);
    assert_eq!(latest[1].seen, noon(), "a time in the future becomes now");
}

#[test]
fn an_attribution_replaces_the_record_for_later_readers() {
    let feed = ChangeFeed::new(10);
    let pending = |account, track_id| ChangeRecord {
        attribution: Attribution::without_operation(AttributionResult::Pending),
        ..disabled(account, track_id, noon())
    };
    feed.append(
        vec![pending("prod", 1), pending("prod", 2), pending("dev", 3)],
        noon(),
    );
    let before = feed.latest(noon());
    let update = FeedUpdate {
        new: Vec::new(),
        // Record 99 does not exist.
        attributions: vec![(1, made_by("alice", noon())), (99, made_by("bob", noon()))],
    };
    let changed = feed.apply(update, noon());
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].attribution, made_by("alice", noon()));
    let results = |feed: &ChangeFeed| -> Vec<AttributionResult> {
        let latest = feed.latest(noon());
        latest.iter().map(|it| it.attribution.result).collect()
    };
    let [pending, failed, certain] = [
        AttributionResult::Pending,
        AttributionResult::Failed,
        AttributionResult::Certain,
    ];
    assert_eq!(results(&feed), [pending, pending, certain]);
    assert!(
        before.iter().all(|it| it.is_pending()),
        "readers keep their snapshot"
    );
    assert!(Arc::ptr_eq(&before[0], &feed.latest(noon())[0]));

    feed.end_lost_searches(|account| account != "prod");
    assert_eq!(results(&feed), [pending, failed, certain]);
}

/// A state file that is damaged or was edited by hand can contain such ids.
#[test]
fn ids_never_exceed_what_json_can_represent() {
    for id in [u64::MAX, u64::MAX - 1, 1 << 60] {
        let feed = ChangeFeed::new(10);
        let restored = ChangeRecord {
            id,
            ..disabled("prod", 1, noon())
        };
        feed.restore(vec![restored], noon());
        for track_id in 2..6 {
            append(&feed, track_id, noon());
        }
        let ids: std::collections::BTreeSet<u64> =
            feed.latest(noon()).iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), 4, "{ids:?}");
        // JSON parsers may read numbers as floats.
        assert!(ids.iter().all(|id| *id < 1 << 53), "{ids:?}");
    }
}
