//! Stale data is hidden, timestamps and counters stay, and changes during an outage are detected
//! afterwards: the binary over loopback, in real time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::cloud::{Cloud, TRACKS, loopback, uin, world, write_config};
use crate::support::exporter::{Exporter, Samples};

const SUCCEEDED: &str = "cloudaudit_last_success_timestamp_seconds";
const PRESENT: &str = "cloudaudit_track_present";
const CHANGED: &str = "cloudaudit_track_changed_timestamp_seconds";

/// The metrics that are hidden together with a stale listing.
const OF_A_LISTING: [&str; 13] = [
    "cloudaudit_tracks",
    "cloudaudit_reported_tracks",
    "cloudaudit_dropped_tracks",
    "cloudaudit_account_tracks",
    "cloudaudit_account_covered",
    "cloudaudit_expected_track_present",
    "cloudaudit_expected_track_matches",
    "cloudaudit_track_enabled",
    "cloudaudit_track_full_coverage",
    "cloudaudit_track_created_timestamp_seconds",
    "cloudaudit_track_info",
    "cloudaudit_track_storage_foreign",
    "cloudaudit_track_organization_wide",
];

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

fn up(value: f64) -> impl Fn(&Samples) -> bool {
    move |samples| samples.values("cloudaudit_up", &[]) == [value]
}

fn is_gone(id: &str) -> impl Fn(&Samples) -> bool {
    move |samples| samples.values(PRESENT, &[("track_id", id)]) == [0.0]
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_data_is_hidden_and_a_deletion_during_an_outage_is_detected_afterwards() {
    const STALE_AFTER: f64 = 6.0;
    let world = world(&["one"]);
    let account = world.account(&uin("one")).unwrap();
    let cloud = Cloud::start(&world, loopback()).await;
    let address = cloud.address;
    let folder = TempDir::new().unwrap();
    let head = "poll: {interval: 1s, timeout: 500ms, page_size: 100, stale_after: 6s}\n\
                rate_limit: {requests_per_second: 100}\n\
                defaults: {expected_tracks: [track-4, {name: track-7, storage_name: bucket}]}\n";
    let config = write_config(&folder, &cloud, head, &["one"]);
    world.set_rate_limit(1_000);
    let exporter = Exporter::start(Some(&config), &[]);
    exporter.metrics_when("it is up", up(1.0)).await;
    account.set_status(1, 0).unwrap();
    account.delete(4).unwrap();
    let before = exporter.metrics_when("4 is gone", is_gone("4")).await;
    assert_eq!(before.sum("cloudaudit_tracks", &[]), 229.0);
    assert_eq!(before.values("cloudaudit_account_covered", &[]), [1.0]);
    let expected = |name| [("track", name)];
    let present = |samples: &Samples, name| {
        samples.values("cloudaudit_expected_track_present", &expected(name))
    };
    assert_eq!(present(&before, "track-4"), [0.0]);
    assert_eq!(present(&before, "track-7"), [1.0]);
    let changes = before.values(CHANGED, &[]);
    assert_eq!(changes.len(), 2, "one off, one gone");

    cloud.kill();
    let failing = exporter.metrics_when("it is down", up(0.0)).await;
    let succeeded = failing.sum(SUCCEEDED, &[]);
    assert!(now() - succeeded < STALE_AFTER, "too slow a machine");
    assert_eq!(failing.sum("cloudaudit_tracks", &[]), 229.0, "last good");

    let hidden = |samples: &Samples| samples.values("cloudaudit_tracks", &[]).is_empty();
    let stale = exporter.metrics_when("data is hidden", hidden).await;
    let age = now() - succeeded;
    assert!((STALE_AFTER..STALE_AFTER + 2.0).contains(&age), "{age}");
    for metric in OF_A_LISTING {
        assert!(stale.values(metric, &[]).is_empty(), "{metric}");
    }
    assert_eq!(stale.values("cloudaudit_up", &[]), [0.0]);
    assert_eq!(stale.values(SUCCEEDED, &[]), [succeeded]);
    assert_eq!(stale.values(PRESENT, &[]), [0.0], "the tombstone alone");
    assert_eq!(stale.values(CHANGED, &[]), changes);
    let evidence = "cloudaudit_account_observed_seconds_total";
    for metric in ["cloudaudit_account_track_required", evidence] {
        assert_eq!(stale.values(metric, &[]), failing.values(metric, &[]));
    }

    account.delete(7).unwrap();
    sleep(Duration::from_secs(2)).await;
    let later = exporter.metrics().await;
    assert!(later.sum("cloudaudit_polls_total", &[]) > stale.sum("cloudaudit_polls_total", &[]));
    assert_eq!(
        later.values(PRESENT, &[]),
        [0.0],
        "an outage proves nothing"
    );

    let cloud = Cloud::start(&world, address).await;
    let after = exporter.metrics_when("it is up again", up(1.0)).await;
    assert!(is_gone("4")(&after));
    assert!(is_gone("7")(&after));
    let seven = [("track_id", "7")];
    for metric in OF_A_LISTING {
        assert!(after.values(metric, &seven).is_empty(), "{metric} of 7");
    }
    let vanished = after.values(CHANGED, &[("track_id", "7"), ("change", "vanished")]);
    assert_eq!(vanished, after.values(SUCCEEDED, &[]), "seen now");
    let count = |change| after.sum("cloudaudit_track_changes_total", &[("change", change)]);
    assert_eq!(count("vanished"), 2.0);
    assert_eq!(count("created"), 0.0);
    assert_eq!(after.sum("cloudaudit_tracks", &[]), 228.0);
    assert_eq!(present(&after, "track-7"), [0.0]);
    // No poll observed the time of the outage, so it does not count.
    let observed = after.sum(evidence, &[]) - stale.sum(evidence, &[]);
    assert!(observed < 3.0, "{observed}");
    drop(cloud);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_expires_during_an_outage() {
    let world = world(&["one"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let head = "poll: {interval: 1s, timeout: 500ms, page_size: 100, tombstone_for: 3s}\n\
                rate_limit: {requests_per_second: 100}\n";
    let config = write_config(&folder, &cloud, head, &["one"]);
    world.set_rate_limit(1_000);
    let exporter = Exporter::start(Some(&config), &[]);
    exporter.metrics_when("it is up", up(1.0)).await;
    let account = world.account(&uin("one")).unwrap();
    account.delete(4).unwrap();
    let seen = exporter.metrics_when("4 is gone", is_gone("4")).await;
    cloud.kill();
    let four = [("track_id", "4")];
    let vanished = seen.sum(CHANGED, &four);
    let forgotten = |samples: &Samples| samples.values(PRESENT, &four).is_empty();
    let after = exporter.metrics_when("it is forgotten", forgotten).await;
    let age = now() - vanished;
    assert!((3.0..5.0).contains(&age), "{age}");
    assert!(after.values(CHANGED, &four).is_empty());
    assert_eq!(after.sum("cloudaudit_tracks", &[]), 229.0, "still shown");
    assert_eq!(after.values(PRESENT, &[]), vec![1.0; 229]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tracks_beyond_the_limit_are_counted_in_full_and_have_no_series() {
    const LIMIT: usize = 100;
    let world = world(&["one"]);
    let cloud = Cloud::start(&world, loopback()).await;
    let folder = TempDir::new().unwrap();
    let head = "poll: {interval: 1s, timeout: 500ms, max_tracks: 100}\n\
                rate_limit: {requests_per_second: 100}\n";
    let config = write_config(&folder, &cloud, head, &["one"]);
    world.set_rate_limit(1_000);
    let exporter = Exporter::start(Some(&config), &[]);
    let samples = exporter.metrics_when("it is up", up(1.0)).await;
    let all = TRACKS as f64;
    assert_eq!(samples.sum("cloudaudit_tracks", &[]), all);
    assert_eq!(samples.sum("cloudaudit_account_tracks", &[]), all);
    assert_eq!(samples.sum("cloudaudit_reported_tracks", &[]), all);
    let dropped = all - LIMIT as f64;
    assert_eq!(samples.values("cloudaudit_dropped_tracks", &[]), [dropped]);
    for metric in [PRESENT, "cloudaudit_track_enabled", "cloudaudit_track_info"] {
        assert_eq!(samples.values(metric, &[]).len(), LIMIT, "{metric}");
        assert_eq!(samples.values(metric, &[("track_id", "100")]).len(), 1);
    }

    // Deletes a dropped track and a shown one. Only the shown track counts as vanished, and track
    // 101 takes its place.
    let account = world.account(&uin("one")).unwrap();
    account.delete(200).unwrap();
    account.delete(50).unwrap();
    let after = exporter.metrics_when("50 is gone", is_gone("50")).await;
    assert_eq!(after.sum("cloudaudit_tracks", &[]), all - 2.0);
    assert_eq!(
        after.values("cloudaudit_dropped_tracks", &[]),
        [dropped - 2.0]
    );
    assert_eq!(after.values(PRESENT, &[("track_id", "101")]), [1.0]);
    assert_eq!(after.values(PRESENT, &[]).len(), LIMIT + 1);
    let count = |change| after.sum("cloudaudit_track_changes_total", &[("change", change)]);
    assert_eq!((count("created"), count("vanished")), (0.0, 1.0));
    drop(cloud);
}
