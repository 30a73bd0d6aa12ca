//! The page claims nothing that is not known, in no row, number or sentence.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    AttributionResult, ChangeKind, ChangeRecord, ChangeSource, DeliveryState, ExporterInfo, Past,
    Report, Status, TargetReport, Track,
};

use super::problems::{rows, section};
use super::reports::{failed, listed, report_of, target};
use super::scenes::{self, own, page_of, required, unavailable};
use super::support::{Reply, Server, Shown};
use super::verdict::verdict;
use crate::support::changes::{disabled, made_by};

/// The page of one account with this target.
async fn page_with(path: &str, target: impl FnOnce(Moment) -> TargetReport) -> Reply {
    page_of(path, |now| {
        let reports = vec![report_of(required("prod"), vec![target(now)])];
        (reports, scenes::exporter(now))
    })
    .await
}

fn with_owner(owner: &str) -> Vec<Track> {
    let mut track = own(1, "audit-all", Status::Enabled);
    owner.clone_into(&mut track.storage.account);
    vec![track]
}

/// The target, whose tracks were switched off so many minutes ago.
fn switched_off(target: TargetReport, minutes: &[(u64, u64)], now: Moment) -> TargetReport {
    let mut past = Past::default();
    for (id, minutes) in minutes {
        let times = past.changes.entry(*id).or_default();
        times.at[ChangeKind::Disabled] = Some(now.wall - Duration::from_mins(*minutes));
    }
    TargetReport {
        past: Arc::new(past),
        ..target
    }
}

#[tokio::test]
async fn a_switch_off_is_dated_only_if_it_was_seen_and_the_newest_comes_first() {
    let page = page_with("/", |now| {
        let tracks = vec![
            own(1, "always-off", Status::Disabled),
            own(2, "off-before", Status::Disabled),
            own(3, "off-now", Status::Disabled),
            own(4, "odd", Status::Unknown),
        ];
        let minutes = [(2, 300), (3, 5), (4, 60)];
        switched_off(listed("ap-guangzhou", tracks, now), &minutes, now)
    })
    .await;
    let off = rows(&page, "off");
    let cells: Vec<_> = off
        .iter()
        .map(|row| (row[1].as_str(), row[4].as_str()))
        .collect();
    assert_eq!(
        cells,
        [
            ("off-now 3", "5 min ago 2026-11-23 09:55:05 UTC"),
            ("off-before 2", "5 h ago 2026-11-23 05:00:05 UTC"),
            ("always-off 1", "not seen"),
            ("odd 4", "not known"),
        ]
    );
    let advice = "Whether a track with an unknown status delivers is not known.";
    assert!(section(&page, "off").contains(advice));
}

/// Without the owner of the storage, foreign storage was not looked for.
#[tokio::test]
async fn foreign_storage_is_not_found_only_if_every_owner_is_known() {
    for (owner, is_known) in [(scenes::UIN, true), ("", false)] {
        let tracks = with_owner(owner);
        let page = page_with("/", |now| listed("ap-guangzhou", tracks, now)).await;
        let checked = section(&page, "checked");
        assert!(checked.contains("Checked and not found"), "{checked}");
        let is_listed = checked.contains("Tracks that deliver to other accounts");
        assert_eq!(is_listed, is_known, "owner {owner:?}");
        let note =
            "The owner of the storage of 1 track is not reported: it may be another account.";
        assert_eq!(page.text().contains(note), !is_known, "owner {owner:?}");
    }
}

/// An account without any data has no old data, but that is no good news.
#[tokio::test]
async fn accounts_that_were_never_listed_are_not_counted_as_fresh() {
    let page = page_with("/", |now| {
        failed(target("ap-guangzhou"), unavailable(), now)
    })
    .await;
    let tile = "<b>?</b> <span>Stale accounts</span> <small>1 account never listed</small>";
    assert!(page.text().contains(tile), "{}", page.text());
}

#[tokio::test]
async fn a_request_id_or_a_due_record_that_is_not_known_is_said_to_be_so() {
    let page = page_with("/", |now| {
        let failure = Failure::new(Reason::Incomplete, "the tracks do not add up");
        failed(target("ap-guangzhou"), failure, now)
    })
    .await;
    assert_eq!(rows(&page, "failing")[0][5], "not known");
    for (state, due) in [
        (DeliveryState::Unknown, "not known"),
        (DeliveryState::Missing, "not known"),
        (DeliveryState::Quiet, "–"),
    ] {
        let page = page_of("/", |now| {
            let (mut reports, info) = scenes::good(now);
            let delivery = Arc::new(scenes::delivery(state, "audit-bucket", now));
            reports[0].deliveries = Some(vec![delivery]);
            (reports, info)
        })
        .await;
        let row = &rows(&page, "deliveries")[0];
        assert_eq!(row[4], due);
        assert!(!row[6].is_empty(), "{row:?}");
    }
}

#[tokio::test]
async fn unchecked_deliveries_are_not_counted_as_arriving() {
    let page = page_of("/", |now| {
        let (mut reports, info) = scenes::good(now);
        let delivery = scenes::delivery(DeliveryState::Arriving, "audit-bucket", now);
        reports[0].deliveries = Some(vec![Arc::new(delivery)]);
        (reports, info)
    })
    .await;
    let tile = "<b>?</b> <span>Not delivered</span> <small>not checked for 1 account</small>";
    assert!(page.text().contains(tile), "{}", page.text());
}

#[tokio::test]
async fn an_account_that_is_covered_in_part_is_not_called_uncovered() {
    for (age, words) in [(0, "covered in part"), (10, "was covered in part")] {
        let page = page_with("/", |now| {
            let mut track = own(1, "writes", Status::Enabled);
            "Write".clone_into(&mut track.action_type);
            let mut target = listed("ap-guangzhou", vec![track], now);
            target.last_good.as_mut().unwrap().at -= Duration::from_mins(age);
            target
        })
        .await;
        assert_eq!(rows(&page, "accounts")[0][4], words);
    }
}

#[tokio::test]
async fn a_shard_says_that_it_shows_a_part_of_the_accounts() {
    let page = page_of("/", |now| {
        let (reports, info) = scenes::good(now);
        let shard = Some("shard 1 of 3, counted from 0".to_owned());
        (reports, ExporterInfo { shard, ..info })
    })
    .await;
    let note = "This process is shard 1 of 3, counted from 0: the page shows only its accounts.";
    assert!(page.text().contains(note), "{}", page.text());
}

#[tokio::test]
async fn an_operator_who_only_fits_is_a_perhaps_and_an_unseen_change_says_that_no_poll_saw_it() {
    let (clock, now) = scenes::clock();
    let change = |id, count: usize| {
        let mut attribution = made_by("bob", now.wall);
        attribution.result = AttributionResult::Candidate;
        attribution.operations = vec![attribution.operations[0].clone(); count];
        let change = disabled("prod", id, now.wall);
        Arc::new(ChangeRecord {
            attribution,
            source: if count > 1 {
                ChangeSource::Operation
            } else {
                ChangeSource::Poll
            },
            ..change
        })
    };
    let shown = Shown {
        changes: Arc::from([change(1, 1), change(2, 2)]),
        clock,
        ..Shown::default()
    };
    let page = Server::start(shown).await.get("/").await;
    let found = rows(&page, "changes");
    assert!(found[0][5].starts_with("perhaps:bob"), "{found:?}");
    assert!(
        found[1][5].starts_with("perhaps one of these:bob"),
        "{found:?}"
    );
    assert_eq!(found[0][3], "disabled");
    let unseen = "disabledbetween two polls; only in operation records";
    assert_eq!(found[1][3], unseen);
}

/// It pages, so the page that it links to is not green.
#[tokio::test]
async fn a_switch_off_that_no_poll_saw_is_a_problem_for_two_hours() {
    for (minutes, count) in [(119, 1), (121, 0)] {
        let (clock, now) = scenes::clock();
        let (reports, info) = scenes::good(now);
        let unseen = ChangeRecord {
            source: ChangeSource::Operation,
            track: String::new(),
            ..disabled("prod", 0, now.wall - Duration::from_mins(minutes))
        };
        let shown = Shown {
            reports: reports.into_iter().map(Arc::new).collect(),
            info,
            changes: Arc::from([Arc::new(unseen)]),
            clock,
            ..Shown::default()
        };
        let page = Server::start(shown).await.get("/").await;
        let found = rows(&page, "unseen");
        assert_eq!(found.len(), count, "{minutes} min");
        assert!(found.iter().all(|row| row[1] == "not known"), "{found:?}");
        let color = if count == 1 { "bad" } else { "good" };
        assert_eq!(verdict(&page).0, color);
    }
}

/// Sentences without rows, by whether all accounts are known, and whether a filter is set.
#[tokio::test]
async fn no_track_is_listed_is_said_only_if_every_listing_is_known() {
    let sentence = async |path: &str, is_known: bool| {
        let page = page_with(path, |now| {
            let target = target("ap-guangzhou");
            if is_known {
                listed(&target.region, Vec::new(), now)
            } else {
                target
            }
        })
        .await;
        let (_, sentence) = section(&page, "tracks").split_once("<p>").unwrap();
        sentence.split_once("</p>").unwrap().0.to_owned()
    };
    assert_eq!(sentence("/", true).await, "No track is listed.");
    assert_eq!(sentence("/", false).await, "No track is known.");
    assert_eq!(
        sentence("/?track=a", true).await,
        "No listed track matches."
    );
    assert_eq!(
        sentence("/?track=a", false).await,
        "No known track matches."
    );
}

/// "The tables show only matching rows": a filter by track hides the failures of other accounts.
#[tokio::test]
async fn a_filter_by_track_shows_no_failure_of_an_account_without_it() {
    let scene = |now: Moment| -> (Vec<Report>, ExporterInfo) {
        let tracks = vec![own(1, "audit-all", Status::Enabled)];
        let of = |name: &str, tracks: Vec<Track>| {
            let target = failed(listed("ap-guangzhou", tracks, now), unavailable(), now);
            report_of(required(name), vec![target])
        };
        (
            vec![of("prod", tracks), of("dev", Vec::new())],
            scenes::exporter(now),
        )
    };
    assert_eq!(rows(&page_of("/", scene).await, "failing").len(), 2);
    let failing = rows(&page_of("/?track=audit-all", scene).await, "failing");
    assert_eq!(failing.len(), 1);
    assert_eq!(failing[0][0], "prod");
}
