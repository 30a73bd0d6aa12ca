//! The newest object is found in every layout, and a steady check costs one request.

use std::time::Duration;

use cloudaudit_exporter::sim::{Arrival, Layout};

use super::{HOUR, MINUTE, Stage};

const FIVE_MINUTES: Duration = Duration::from_mins(5);
const TEN_MINUTES: Duration = Duration::from_mins(10);

/// The three layouts that documentation and users report.
fn reported() -> [(&'static str, Layout); 3] {
    [
        ("hours", Layout::hours()),
        ("track and months", Layout::track_months()),
        ("days", Layout::days()),
    ]
}

fn file(it: &Arrival) -> String {
    format!("{}_{}.gz", it.at.strftime("%H%M%S"), it.number)
}

/// Layouts that have not been reported.
fn others() -> Vec<(&'static str, Layout)> {
    let scattered = |it: &Arrival| {
        let hash = (it.number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{}/{hash:016x}", it.at.strftime("%Y-%m-%d"))
    };
    vec![
        (
            "flat",
            Layout::new(|it| format!("{}_{}", it.at.strftime("%Y%m%d"), file(it))),
        ),
        (
            "flat numbers",
            Layout::new(|it| format!("log-{}.json", it.number)),
        ),
        (
            "hours without zeros",
            Layout::new(|it| format!("{}{}/{}", it.at.strftime("%Y%m%d"), it.at.hour(), file(it))),
        ),
        (
            "months and days without zeros",
            Layout::new(|it| {
                let (month, day) = (it.at.month(), it.at.day());
                format!("{}/{month}/{day}/{}", it.at.year(), file(it))
            }),
        ),
        (
            "keys and values",
            Layout::new(|it| {
                let day = it.at.strftime("year=%Y/month=%m/day=%d");
                format!("{day}/hour={}/{}", it.at.hour(), file(it))
            }),
        ),
        (
            "names of months",
            Layout::new(|it| format!("{}/{}/{}", it.track, it.at.strftime("%b-%Y/%d"), file(it))),
        ),
        (
            "region before track",
            Layout::new(|it| {
                format!(
                    "ap-guangzhou/{}/{}/{}",
                    it.track,
                    it.at.strftime("%Y%m%d"),
                    file(it)
                )
            }),
        ),
        (
            // The account with the greatest UIN received only the first object.
            "accounts",
            Layout::new(|it| {
                let last = if it.number == 0 { 9 } else { 1 };
                format!(
                    "10000000000{last}/{}/{}",
                    it.at.strftime("%Y/%m/%d"),
                    file(it)
                )
            }),
        ),
        (
            // The partition with the greatest number received only the first object.
            "partitions",
            Layout::new(|it| format!("{}/{}", if it.number == 0 { 9 } else { 1 }, it.number)),
        ),
        ("scattered names", Layout::new(scattered)),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_newest_object_is_found_in_every_layout() {
    for (name, layout) in reported().into_iter().chain(others()) {
        // More than a month, so that folders of several months exist.
        let mut stage = Stage::delivering(layout, HOUR, 40 * 24 * HOUR);
        let (newest, requests) = stage.seen().await;
        assert_eq!(newest, stage.truth(), "{name}");
        assert!(newest.is_some());
        assert!(requests <= 12, "{name}: {requests} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn a_steady_check_is_one_request() {
    for (name, layout) in reported() {
        let mut stage = Stage::delivering(layout, FIVE_MINUTES, 48 * HOUR);
        stage.seen().await;
        let mut requests = 0;
        // Two days: every hour and day ends, and the month.
        for step in 0..2 * 24 * 6 {
            tokio::time::advance(TEN_MINUTES).await;
            let (newest, more) = stage.seen().await;
            assert_eq!(newest, stage.truth(), "{name}, check {step}");
            requests += more;
        }
        assert!(requests <= 2 * 24 * 6 + 12, "{name}: {requests} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn every_layout_is_followed_across_the_end_of_a_year() {
    let before = std::time::UNIX_EPOCH + Duration::from_hours(490_880); // 2025-12-31 08:00
    for (name, layout) in reported().into_iter().chain(others()) {
        let mut stage = Stage::at(before);
        stage.account.add_bucket(super::REGION, "audit-log");
        stage.track(1, "everything", layout, FIVE_MINUTES, before - 12 * HOUR);
        let mut requests = 0;
        for step in 0..24 * 6 {
            let (newest, more) = stage.seen().await;
            let truth = stage.truth();
            // While late objects arrive in the old folder, the new one may be seen a check later.
            assert!(newest <= truth, "{name}, check {step}");
            assert!(
                newest.unwrap() + TEN_MINUTES >= truth.unwrap(),
                "{name}, check {step}"
            );
            requests += more;
            tokio::time::advance(TEN_MINUTES).await;
        }
        assert!(requests <= 24 * 6 * 3, "{name}: {requests} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_object_of_several_tracks_is_found() {
    let mut stage = Stage::delivering(Layout::track_months(), FIVE_MINUTES, 24 * HOUR);
    let from = stage.world.now() - 24 * HOUR;
    stage.track(2, "another", Layout::track_months(), FIVE_MINUTES, from);
    stage.track(3, "of days", Layout::days(), FIVE_MINUTES, from);
    assert_eq!(stage.seen().await.0, stage.truth());
    // The tracks stop one after the other.
    for id in [1, 3, 2] {
        tokio::time::advance(TEN_MINUTES).await;
        assert_eq!(
            stage.seen().await.0,
            stage.truth(),
            "before track {id} stops"
        );
        stage.account.stop_delivering(id);
        tokio::time::advance(2 * MINUTE).await;
    }
    tokio::time::advance(HOUR).await;
    let (newest, _) = stage.seen().await;
    assert_eq!(newest, stage.truth());
}
