//! The verdict of the page: green only if everything that it needs is known and fresh.

use std::time::Duration;

use cloudaudit_exporter::snapshot::{DeliveryState, Status};

use super::reports::{listed, report_of, target};
use super::scenes::{self, good, own, page_of, required};
use super::support::Reply;
use super::verdict_states::{delivering, states};

/// The color and the text of the verdict.
pub(super) fn verdict(page: &Reply) -> (&str, &str) {
    let (_, verdict) = page
        .text()
        .split_once("<p id=\"verdict\" class=\"")
        .unwrap();
    let (verdict, _) = verdict.split_once("</p>").unwrap();
    verdict.split_once("\">").unwrap()
}

#[tokio::test]
async fn what_is_known_and_fresh_and_good_is_green_as_of_the_oldest_data() {
    let page = page_of("/", |now| {
        let (mut reports, info) = good(now);
        // Of the three listings, which are a minute old, one is older.
        reports[0].targets[1].last_good.as_mut().unwrap().at -= Duration::from_secs(30);
        (reports, info)
    })
    .await;
    let (color, text) = verdict(&page);
    assert_eq!(color, "good", "{text}");
    assert_eq!(
        text,
        r#"All good as of <time datetime="2026-11-23T09:58:35Z"><span>2026-11-23</span> <span>09:58:35 UTC</span></time>"#
    );
    assert!(
        page.text()
            .contains("<title>All good – CloudAudit exporter</title>")
    );
    let note = "Deliveries are not checked: an enabled track does not prove that records arrive.";
    assert!(page.text().contains(note), "{}", page.text());
}

#[tokio::test]
async fn while_anything_is_wrong_or_not_known_the_verdict_is_not_green() {
    for state in states() {
        let page = page_of("/", |now| {
            let (mut reports, info) = good(now);
            let tracks = vec![own(1, "audit-all", Status::Enabled)];
            let target = (state.target)(listed("ap-tokyo", tracks, now), now);
            let report = report_of(required("third"), vec![target]);
            reports.push((state.account)(report));
            (reports, (state.info)(info, now))
        })
        .await;
        let (color, text) = verdict(&page);
        assert_eq!((color, text), (state.color, state.text), "{}", state.name);
        assert!(!page.text().contains("ll good"), "{}", state.name);
    }
}

#[tokio::test]
async fn without_accounts_and_before_the_first_poll_nothing_is_claimed() {
    let page = page_of("/", scenes::nothing).await;
    assert_eq!(verdict(&page), ("unsure", "No account is polled"));
    assert_eq!(page.text().matches("<b>0</b>").count(), 1, "accounts");
    assert!(!page.text().contains("id=\"checked\""), "{}", page.text());

    let page = page_of("/", scenes::waiting).await;
    assert_eq!(
        verdict(&page),
        ("unsure", "Not known for any of 3 accounts")
    );
    assert!(!page.text().contains("id=\"checked\""), "{}", page.text());
    let (_, tiles) = page.text().split_once("<nav id=\"tiles\"").unwrap();
    let (tiles, _) = tiles.split_once("</nav>").unwrap();
    assert!(!tiles.contains("<b>0</b>"), "{tiles}");
    assert_eq!(tiles.matches("<b>?</b>").count(), 7, "{tiles}");
}

/// All is known of two accounts, and nothing of the third.
#[tokio::test]
async fn a_count_that_leaves_something_out_says_so() {
    let page = page_of("/", |now| {
        let (mut reports, info) = scenes::everything_wrong(now);
        reports.truncate(1);
        reports.push(report_of(required("waiting"), vec![target("ap-tokyo")]));
        (reports, info)
    })
    .await;
    let tile = r#"href="./#off"><b>2+</b> <span>Tracks not enabled</span> <small>not known for 1 account</small>"#;
    assert!(page.text().contains(tile), "{}", page.text());
    let tile = r#"href="./#unknown"><b>?</b> <span>Stale accounts</span>"#;
    assert!(page.text().contains(tile), "{}", page.text());
}

/// Tracks and accounts that were good when they were last listed are not green.
#[tokio::test]
async fn old_data_is_of_the_past() {
    let page = page_of("/", scenes::all_down).await;
    assert!(
        !page.text().contains("class=\"badge good\""),
        "{}",
        page.text()
    );
    for words in [">was enabled<", ">was covered<", ">not known, was 1 of 1<"] {
        assert!(page.text().contains(words), "{words}");
    }
}

/// What was checked needs no note, and leaves the verdict green if records arrive.
#[tokio::test]
async fn deliveries_that_are_checked_are_part_of_the_verdict() {
    let scene = |states: [Option<DeliveryState>; 2]| {
        page_of("/", move |now| {
            let (reports, info) = good(now);
            let reports = reports.into_iter().zip(states);
            let reports = reports.map(|(report, state)| match state {
                Some(state) => delivering(report, state),
                None => report,
            });
            (reports.collect(), info)
        })
    };
    let page = scene([Some(DeliveryState::Arriving), Some(DeliveryState::Quiet)]).await;
    assert_eq!(verdict(&page).0, "good");
    assert!(!page.text().contains("not checked"), "{}", page.text());
    assert!(page.text().contains("<b>0</b> <span>Not delivered</span>"));
    let page = scene([Some(DeliveryState::Arriving), None]).await;
    let note = "Deliveries of 1 of 2 accounts are not checked: ";
    assert!(page.text().contains(note), "{}", page.text());
}
