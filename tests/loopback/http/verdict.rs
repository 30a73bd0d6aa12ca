//! The verdict of the page: green only if everything that it needs is known and fresh.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::OverviewCache;
use cloudaudit_exporter::snapshot::{
    DeliveryState, ExpectedTrack, ExporterInfo, OrganizationInfo, Report, Status, TargetReport,
    Track,
};

use super::scenes::{self, good, own, page_of, required};
use super::support::{Reply, failed, listed, report_of, target};

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
        r#"All good as of <time datetime="2026-11-23T09:58:35Z">2026-11-23 09:58:35 UTC</time>"#
    );
    assert!(
        page.text()
            .contains("<title>All good – CloudAudit exporter</title>")
    );
    let note = "Deliveries are not checked: an enabled track does not prove that its log arrives.";
    assert!(page.text().contains(note), "{}", page.text());
}

/// A change of what is good: it changes the only target of an account, the account and the exporter.
struct State {
    name: &'static str,
    target: fn(TargetReport, Moment) -> TargetReport,
    account: fn(Report) -> Report,
    info: fn(ExporterInfo, Moment) -> ExporterInfo,
    color: &'static str,
    text: &'static str,
}

const GOOD: State = State {
    name: "as it is",
    target: |target, _| target,
    account: |report| report,
    info: |info, _| info,
    color: "good",
    text: "All good",
};

const UNKNOWN: State = State {
    color: "unsure",
    text: "Not known for 1 of 3 accounts",
    ..GOOD
};

const WRONG: State = State {
    color: "bad",
    ..GOOD
};

fn states() -> Vec<State> {
    let mut states = unknown_states();
    states.extend(wrong_states());
    states.extend(exporter_states());
    states.extend(delivery_states());
    states
}

fn unknown_states() -> Vec<State> {
    vec![
        State {
            name: "not polled yet",
            target: |_, _| target("ap-tokyo"),
            ..UNKNOWN
        },
        State {
            name: "restored from the state file, and not polled since",
            target: |target, _| TargetReport {
                last_poll: None,
                ..target
            },
            ..UNKNOWN
        },
        State {
            name: "a listing of an unknown time",
            target: |mut target, _| {
                target.last_good.as_mut().unwrap().at = std::time::UNIX_EPOCH;
                target
            },
            ..UNKNOWN
        },
        State {
            name: "a listing that is no longer shown",
            target: |mut target, now| {
                target.last_good.as_mut().unwrap().show_until = now;
                target
            },
            ..UNKNOWN
        },
        State {
            name: "a listing that incomplete ones have updated",
            target: |mut target, _| {
                target.last_good.as_mut().unwrap().is_complete = false;
                target
            },
            ..UNKNOWN
        },
        State {
            name: "a listing from the future, because the clock was set back",
            target: |mut target, _| {
                target.last_good.as_mut().unwrap().at += Duration::from_hours(1);
                target
            },
            ..UNKNOWN
        },
        State {
            name: "more tracks than the API lists",
            target: |target, _| with_listing(target, |listing| listing.reported = 7),
            ..UNKNOWN
        },
        State {
            name: "actions that the listing does not tell",
            target: |target, _| with_track(target, |track| track.action_type.clear()),
            ..UNKNOWN
        },
        State {
            name: "a field that could not be read",
            target: |target, _| with_track(target, |track| track.is_partial = true),
            ..UNKNOWN
        },
        State {
            name: "an owner of storage that may be the account",
            account: |report| {
                let mut account = (*report.account).clone();
                account.uin.clear();
                again(account, report.targets)
            },
            ..UNKNOWN
        },
        State {
            name: "an expected track of which too little is known",
            target: |target, _| {
                with_track(target, |track| {
                    track.is_partial = true;
                    track.storage.name.clear();
                })
            },
            account: |report| expecting(report, "audit-all"),
            ..UNKNOWN
        },
    ]
}

fn wrong_states() -> Vec<State> {
    vec![
        State {
            name: "a track that is off",
            target: |target, _| with_track(target, |track| track.status = Status::Disabled),
            text: "2 problems",
            ..WRONG
        },
        State {
            name: "a track whose status is unknown",
            target: |target, _| {
                with_listing(target, |listing| {
                    listing.tracks.push(own(2, "odd", Status::Unknown));
                    listing.reported = 2;
                })
            },
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "no track",
            target: |_, now| listed("ap-tokyo", Vec::new(), now),
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "an expected track that is missing",
            account: |report| expecting(report, "other"),
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "an account that owns the storage of another",
            target: |target, _| {
                with_track(target, |track| {
                    "100000000099".clone_into(&mut track.storage.account);
                })
            },
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "a poll that failed, with data that is fresh",
            target: |target, now| failed(target, Failure::new(Reason::Throttled, "slow down"), now),
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "data that is old",
            target: |target, _| scenes::old(target),
            text: "1 problem; not known for 1 of 3 accounts",
            ..WRONG
        },
        State {
            name: "coverage of a part",
            target: |target, _| {
                with_track(target, |track| "Read".clone_into(&mut track.action_type))
            },
            color: "unsure",
            text: "1 warning",
            ..WRONG
        },
    ]
}

fn exporter_states() -> Vec<State> {
    vec![
        State {
            name: "a reload that was refused",
            info: |info, now| ExporterInfo {
                refused_reload: scenes::everything_wrong(now).1.refused_reload,
                ..info
            },
            color: "unsure",
            text: "1 warning",
            ..GOOD
        },
        State {
            name: "an organization whose members were never listed",
            info: |info, _| ExporterInfo {
                organizations: vec![OrganizationInfo {
                    name: "group".to_owned(),
                    ..OrganizationInfo::default()
                }],
                ..info
            },
            color: "unsure",
            text: "Members not known of 1 organization",
            ..GOOD
        },
    ]
}

fn delivery_states() -> Vec<State> {
    vec![
        State {
            name: "a storage target at which something was due",
            account: |report| delivering(report, DeliveryState::Stalled),
            text: "1 problem",
            ..WRONG
        },
        State {
            name: "a storage target of which nothing is known",
            account: |report| delivering(report, DeliveryState::Unknown),
            text: "Delivery not known for 1 storage target",
            ..UNKNOWN
        },
        State {
            name: "a storage target at which nothing ever arrived",
            account: |report| delivering(report, DeliveryState::Unproven),
            text: "Delivery not known for 1 storage target",
            ..UNKNOWN
        },
    ]
}

fn delivering(report: Report, state: DeliveryState) -> Report {
    let now = scenes::clock().1;
    let delivery = Arc::new(scenes::delivery(state, "audit-bucket", now));
    Report {
        deliveries: Some(vec![delivery]),
        ..report
    }
}

fn with_listing(
    mut target: TargetReport,
    change: impl FnOnce(&mut cloudaudit_exporter::snapshot::Listing),
) -> TargetReport {
    let good = target.last_good.as_mut().unwrap();
    change(Arc::make_mut(&mut good.listing));
    target
}

fn with_track(target: TargetReport, change: impl FnOnce(&mut Track)) -> TargetReport {
    with_listing(target, |listing| change(&mut listing.tracks[0]))
}

fn expecting(report: Report, name: &str) -> Report {
    let mut account = (*report.account).clone();
    account.expected_tracks = vec![ExpectedTrack {
        name: name.to_owned(),
        storage_name: Some("audit-bucket".to_owned()),
        ..ExpectedTrack::default()
    }];
    again(account, report.targets)
}

/// A report with new figures.
fn again(
    account: cloudaudit_exporter::snapshot::AccountInfo,
    targets: Vec<TargetReport>,
) -> Report {
    let overviews = OverviewCache::default().overviews(&account, None, &targets);
    Report {
        overviews,
        ..report_of(account, targets)
    }
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
    let tile =
        r#"href="./#off"><b>2+</b> <span>Tracks off</span> <small>not known for 1 account</small>"#;
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
