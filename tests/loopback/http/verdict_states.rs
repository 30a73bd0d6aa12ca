//! States of an account and of the exporter for which the verdict is not green.

use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::OverviewCache;
use cloudaudit_exporter::snapshot::{
    AccountInfo, DeliveryState, ExpectedTrack, ExporterInfo, Listing, OrganizationInfo, Report,
    Status, TargetReport, Track,
};

use super::reports::{failed, listed, report_of, target};
use super::scenes::{self, own};

/// A change of what is good: it changes the only target of an account, the account and the exporter.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) target: fn(TargetReport, Moment) -> TargetReport,
    pub(super) account: fn(Report) -> Report,
    pub(super) info: fn(ExporterInfo, Moment) -> ExporterInfo,
    pub(super) color: &'static str,
    pub(super) text: &'static str,
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

pub(super) fn states() -> Vec<State> {
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
            text: "Members of 1 organization not known",
            ..GOOD
        },
        State {
            name: "the same, and the last attempt failed",
            info: |info, _| ExporterInfo {
                organizations: vec![OrganizationInfo {
                    name: "group".to_owned(),
                    failure: Some(scenes::unavailable()),
                    ..OrganizationInfo::default()
                }],
                ..info
            },
            color: "unsure",
            text: "1 warning; members of 1 organization not known",
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

pub(super) fn delivering(report: Report, state: DeliveryState) -> Report {
    let now = scenes::clock().1;
    let delivery = Arc::new(scenes::delivery(state, "audit-bucket", now));
    Report {
        deliveries: Some(vec![delivery]),
        ..report
    }
}

fn with_listing(mut target: TargetReport, change: impl FnOnce(&mut Listing)) -> TargetReport {
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
fn again(account: AccountInfo, targets: Vec<TargetReport>) -> Report {
    let overviews = OverviewCache::default().overviews(&account, None, &targets);
    Report {
        overviews,
        ..report_of(account, targets)
    }
}
