//! Objects in unexpected places or at unexpected times.

use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::sim::Layout;
use cloudaudit_exporter::snapshot::CheckCursor;
use cloudaudit_exporter::tencent::storage::{CheckResult, GET_USER_APP_ID};

use super::{APP_ID, HOUR, MINUTE, REGION, Stage, UIN};

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_has_no_arrival() {
    let mut stage = Stage::new();
    stage.account.add_bucket(REGION, "audit-log");
    let result = stage.check().await;
    let CheckResult::Seen {
        newest,
        cloud_now,
        cursor,
        ..
    } = result
    else {
        panic!("{result:?}");
    };
    assert_eq!((newest, cursor), (None, None));
    assert_eq!(cloud_now, stage.world.now());
    assert_eq!(stage.lists(), 1);
}

#[tokio::test(start_paused = true)]
async fn empty_folders_neither_count_as_arrivals_nor_hide_any() {
    let mut stage = Stage::new();
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    let now = stage.world.now();
    for folder in ["audit/", "audit/2026/", "audit/2099/", "audit/2099/01/"] {
        bucket.put(folder, now);
    }
    assert_eq!(stage.seen().await.0, None);
    bucket.put("audit/2026/1/a.gz", now - HOUR);
    assert_eq!(stage.seen().await.0, Some(now - HOUR));
}

#[tokio::test(start_paused = true)]
async fn objects_outside_the_prefix_do_not_count() {
    let mut stage = Stage::new();
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    let now = stage.world.now();
    for key in ["audit.gz", "audit-2/2026/a", "another/2026/a", "auditor/a"] {
        bucket.put(key, now);
    }
    bucket.put("audit/2026/11/28/a.gz", now - HOUR);
    assert_eq!(stage.seen().await.0, Some(now - HOUR));
    // Without a prefix, the whole bucket is the target.
    stage.target.prefix = String::new();
    stage.cursor = None;
    assert_eq!(stage.seen().await.0, Some(now));
}

#[tokio::test(start_paused = true)]
async fn keys_with_any_characters_are_read() {
    let mut stage = Stage::new();
    stage.target.prefix = "a&b <审计>".to_owned();
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    let now = stage.world.now();
    bucket.put("a&b <审计>/2026 %2F+\"'/\u{1}\u{1f600}.gz", now);
    assert_eq!(stage.seen().await.0, Some(now));
    bucket.put("a&b <审计>/2026 %2F+\"'/\u{2}.gz", now + MINUTE);
    tokio::time::advance(2 * MINUTE).await;
    assert_eq!(stage.seen().await, (Some(now + MINUTE), 1));
}

#[tokio::test(start_paused = true)]
async fn small_pages_are_read_to_the_end() {
    let mut stage = Stage::delivering(Layout::days(), 20 * MINUTE, 40 * 24 * HOUR);
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    bucket.set_max_keys(7);
    assert_eq!(stage.seen().await.0, stage.truth());
    tokio::time::advance(4 * HOUR).await;
    assert_eq!(stage.seen().await.0, stage.truth());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_listed_late_is_found_later() {
    let mut stage = Stage::delivering(Layout::hours(), 5 * MINUTE, 24 * HOUR);
    stage.seen().await;
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    bucket.set_visible_after(3 * MINUTE);
    for _ in 0..30 {
        tokio::time::advance(10 * MINUTE).await;
        let (newest, _) = stage.seen().await;
        assert!(newest <= stage.truth());
        assert!(newest.unwrap() + 8 * MINUTE >= stage.world.now());
    }
}

/// An eventually consistent listing may omit objects that it showed before.
#[tokio::test(start_paused = true)]
async fn a_listing_that_loses_objects_does_not_move_the_cursor_back() {
    let mut stage = Stage::delivering(Layout::days(), 5 * MINUTE, 24 * HOUR);
    let before = stage.seen().await.0;
    let cursor = stage.cursor.clone();
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    bucket.lose_newest(5);
    let (newest, _) = stage.seen().await;
    assert!(newest < before);
    assert_eq!(stage.cursor, cursor);
    bucket.lose_newest(0);
    tokio::time::advance(10 * MINUTE).await;
    assert_eq!(stage.seen().await, (stage.truth(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_outside_the_target_is_ignored() {
    let mut stage = Stage::delivering(Layout::days(), 5 * MINUTE, 24 * HOUR);
    for (leaf, marker) in [
        ("other/2026/", "other/2026/a"),
        ("audit/2026", "audit/2026"),
        ("audit/2025/", "audit/2024/x"),
        ("", ""),
    ] {
        stage.cursor = Some(CheckCursor::Bucket {
            leaf: leaf.to_owned(),
            marker: marker.to_owned(),
            newest_unix_seconds: i64::MAX,
        });
        let (newest, _) = stage.seen().await;
        assert_eq!(newest, stage.truth(), "{leaf}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_app_id_is_requested_once() {
    let mut stage = Stage::delivering(Layout::days(), 5 * MINUTE, HOUR);
    for _ in 0..2 {
        let result = stage.check_with(None).await;
        assert!(matches!(result, CheckResult::Seen { .. }), "{result:?}");
    }
    assert_eq!(stage.world.call_count_of(GET_USER_APP_ID), 1);
    let bucket = format!("audit-log-{APP_ID}.cos.{REGION}.myqcloud.com");
    let calls = stage.world.calls();
    let calls = calls.iter().filter(|call| call.action == "GetBucket");
    assert!(calls.clone().count() > 1);
    for call in calls {
        assert_eq!(call.host, bucket);
        assert_eq!(call.uin.as_deref(), Some(UIN));
        assert_eq!(call.region, REGION);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_with_the_app_id_is_the_same_bucket() {
    let mut stage = Stage::delivering(Layout::days(), 5 * MINUTE, HOUR);
    let truth = stage.truth();
    stage.target.name = format!("audit-log-{APP_ID}");
    assert_eq!(stage.seen().await.0, truth);
}

/// If nothing arrives any more, the search looks in all places, within its budget.
#[tokio::test(start_paused = true)]
async fn a_quiet_target_costs_few_requests() {
    for layout in [Layout::hours(), Layout::track_months(), Layout::days()] {
        let mut stage = Stage::delivering(layout, 5 * MINUTE, 60 * 24 * HOUR);
        stage.account.stop_delivering(1);
        let truth = stage.truth();
        stage.seen().await;
        for _ in 0..6 {
            tokio::time::advance(Duration::from_mins(10)).await;
            let (newest, requests) = stage.seen().await;
            assert_eq!(newest, truth);
            assert!(requests <= 7, "{requests} requests");
        }
    }
}

/// There are thousands of folders with complete dates, so a search skips earlier ones. It must not
/// skip folders of another layout.
#[tokio::test(start_paused = true)]
async fn another_layout_among_many_dates_is_found() {
    for key in [
        "2025/11/28/a.gz",
        "2025-11-28/a.gz",
        "10_a.gz",
        "all/2025/11/a.gz",
        "202511/a",
    ] {
        let mut stage = Stage::delivering(Layout::hours(), HOUR, 60 * 24 * HOUR);
        stage.seen().await;
        stage.account.stop_delivering(1);
        tokio::time::advance(2 * HOUR).await;
        let bucket = stage.account.add_bucket(REGION, "audit-log");
        // `LastModified` has whole seconds.
        let at = UNIX_EPOCH + Duration::from_secs(super::NOW) + HOUR;
        bucket.put(&format!("audit/{key}"), at);
        assert_eq!(stage.seen().await.0, Some(at), "{key}");
    }
}

/// The search follows a limited number of folders, so an object in another one may be missed.
#[tokio::test(start_paused = true)]
async fn a_search_says_that_it_has_not_followed_all_folders() {
    let names = |names: &str| -> Vec<String> { names.split(' ').map(str::to_owned).collect() };
    for (folders, why) in [
        (names("a b c d e f"), Some("more folders")),
        (names("a b c d e"), None),
        (names("1/2/3/4/5/6"), None),
        (names("1/2/3/4/5/6/7"), Some("levels")),
        (names("2021 2022 2023 2024 2025"), None),
    ] {
        let mut stage = Stage::new();
        let bucket = stage.account.add_bucket(REGION, "audit-log");
        let at = stage.world.now() - HOUR;
        for folder in &folders {
            bucket.put(&format!("audit/{folder}/x"), at);
        }
        let result = stage.check().await;
        let CheckResult::Seen { skipped, .. } = &result else {
            panic!("{result:?}");
        };
        let is_expected = match (skipped, why) {
            (Some(skipped), Some(why)) => skipped.contains(why),
            (skipped, why) => skipped.is_none() && why.is_none(),
        };
        assert!(is_expected, "{folders:?}: {skipped:?}");
    }
}

/// The latest folders may have no objects but empty ones, which stand for folders.
#[tokio::test(start_paused = true)]
async fn a_search_says_that_earlier_dates_are_left() {
    let mut stage = Stage::new();
    let bucket = stage.account.add_bucket(REGION, "audit-log");
    let at = stage.world.now() - HOUR;
    for year in 2020..2024 {
        bucket.put(&format!("audit/{year}/"), at);
    }
    bucket.put("audit/2020/x", at);
    let result = stage.check().await;
    let CheckResult::Seen {
        newest: None,
        skipped: Some(why),
        ..
    } = &result
    else {
        panic!("{result:?}");
    };
    assert!(why.contains("dates"), "{why}");
    // The third one is the last that is tried.
    bucket.put("audit/2021/x", at);
    assert_eq!(stage.seen().await.0, Some(at));
}
