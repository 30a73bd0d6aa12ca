//! Problems of polling: failures, old data, listings that do not add up.

use super::{Level, Problem};
use crate::clock::age;
use crate::http::filter_values::State;
use crate::http::page::badge;
use crate::http::page::facts::{Scope, name};
use crate::http::page::html::{Account, Composed, Message, Number, Regions, Text};
use crate::http::page::table::{Table, columns};
use crate::http::view::{FRESH_INTERVALS, TargetRow};
use crate::snapshot::{DroppedTrack, LastGood, Report, Status, TargetReport};

pub(super) fn failing<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let targets = scope.targets.iter().copied();
    let rows = targets.filter(|row| row.state == State::Failing);
    let facts = scope.facts;
    Problem {
        level: Level::Bad,
        advice: "The last poll failed. The page shows the last listing of these targets, unless it is older than poll.stale_after.",
        table: Table::new(
            "failing",
            "Failing targets",
            columns![
                "Account",
                "Region",
                "Reason",
                "Code",
                "Message",
                "RequestId",
                "Last success"
            ],
            rows.collect(),
            move |row| {
                let failure = row.target.failure.as_ref();
                let reason = failure.map_or("", |it| it.reason.as_str());
                let request_id = failure.and_then(|it| it.request_id.as_deref());
                vec![
                    Box::new(Account(name(row.report))),
                    Box::new(Regions(vec![&row.target.region])),
                    Box::new(Text(reason)),
                    Box::new(Text(failure.map_or("", |it| &it.code))),
                    Box::new(Message(failure.map_or("", |it| &it.message).into())),
                    Box::new(Text(request_id.unwrap_or("not known"))),
                    match success(row.target) {
                        None => Box::new(Text("never")),
                        at => Box::new(facts.when(at)),
                    },
                ]
            },
        ),
    }
}

pub(in crate::http::page) fn success(target: &TargetReport) -> Option<std::time::SystemTime> {
    target.last_good.as_ref().and_then(LastGood::known_at)
}

pub(super) fn stale<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let now = scope.facts.view.now.wall;
    let is_stale = |report: &&'a Report| {
        let newest = report.targets.iter().filter_map(success).max();
        let interval = report.targets.iter().map(|it| it.interval).max();
        let age = newest.and_then(|newest| age(newest, now));
        age > interval.map(|interval| interval * FRESH_INTERVALS)
    };
    let facts = scope.facts;
    Problem {
        level: Level::Bad,
        advice: "No region was listed for more than four intervals. Changes since then are not known.",
        table: Table::new(
            "stale",
            "Accounts with old data",
            columns!["Account", "State", "Last success", "Last failure"],
            scope.accounts.iter().copied().filter(is_stale).collect(),
            move |report| {
                let newest = report.targets.iter().filter_map(success).max();
                let mut failures = report.targets.iter().filter_map(|it| it.failure.as_ref());
                let reason = failures.next().map_or("none", |it| it.reason.as_str());
                vec![
                    Box::new(Account(name(report))),
                    Box::new(badge(facts.view.account_state(report))),
                    Box::new(facts.when(newest)),
                    Box::new(Text(reason)),
                ]
            },
        ),
    }
}

pub(super) fn dropped<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let view = scope.facts.view;
    let dropped = move |target: &'a TargetReport| -> &'a [DroppedTrack] {
        let good = target.last_good.as_ref();
        let good = good.filter(|_| view.shown(target).is_some());
        good.map_or(&[], |good| good.listing.dropped.as_slice())
    };
    let targets = scope.targets.iter().copied();
    let rows = targets.filter(|row| !dropped(row.target).is_empty());
    Problem {
        level: Level::Warning,
        advice: "There are more tracks than poll.max_tracks. The page only counts the tracks beyond this limit, and does not list them. Raise the limit.",
        table: Table::new(
            "dropped",
            "Targets with dropped tracks",
            columns!["Account", "Region", "Dropped tracks", "Not enabled"],
            rows.collect(),
            move |row| {
                let dropped = dropped(row.target);
                let off = dropped.iter().filter(|it| it.status != Status::Enabled);
                vec![
                    Box::new(Account(name(row.report))),
                    Box::new(Regions(vec![&row.target.region])),
                    Box::new(Number(dropped.len() as u64)),
                    Box::new(Number(off.count() as u64)),
                ]
            },
        ),
    }
}

pub(super) fn counted<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let view = scope.facts.view;
    let listed = move |target: &'a TargetReport| {
        let good = target.last_good.as_ref()?;
        let tracks = view.shown(target)?.len() + good.listing.dropped.len();
        Some((tracks as u64, good.listing.reported))
    };
    let differ = move |row: &TargetRow<'a>| {
        let counts = listed(row.target).filter(|_| row.target.is_up());
        counts.is_some_and(|(tracks, reported)| tracks != reported)
    };
    Problem {
        level: Level::Info,
        advice: "The API lists more or fewer tracks than its TotalCount says. Compare cloudaudit_reported_tracks with the sum of cloudaudit_tracks. If the difference lasts, compare the listed tracks with the tracks in the console, and ask Tencent Cloud's support.",
        table: Table::new(
            "counted",
            "Targets whose TotalCount is wrong",
            columns!["Account", "Region", "TotalCount", "Listed tracks"],
            scope.targets.iter().copied().filter(differ).collect(),
            move |row| {
                let (tracks, reported) = listed(row.target).unwrap_or_default();
                vec![
                    Box::new(Account(name(row.report))),
                    Box::new(Regions(vec![&row.target.region])),
                    Box::new(Number(reported)),
                    Box::new(Number(tracks)),
                ]
            },
        ),
    }
}

pub(super) fn disagreeing<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let view = scope.facts.view;
    let ids = move |target: &'a TargetReport| {
        let tracks = view.shown(target)?;
        Some(tracks.iter().map(|track| track.id).collect::<Vec<_>>())
    };
    let differ = |report: &&'a Report| {
        let mut listed = report.targets.iter().filter_map(ids);
        let first = listed.next();
        listed.any(|ids| Some(ids) != first)
    };
    Problem {
        level: Level::Info,
        advice: "The regions of an account usually list the same tracks.",
        table: Table::new(
            "disagreeing",
            "Accounts whose regions list different tracks",
            columns!["Account", "Tracks by region"],
            scope.accounts.iter().copied().filter(differ).collect(),
            move |report| {
                let counts = report.targets.iter().map(|target| {
                    let count = view.shown(target).map(<[_]>::len);
                    let count = count.map_or("not known".to_owned(), |it| it.to_string());
                    format!("{}: {count}", target.region)
                });
                let counts: Vec<String> = counts.collect();
                vec![
                    Box::new(Account(name(report))),
                    Box::new(Composed(counts.join(", "))),
                ]
            },
        ),
    }
}
