//! What is not known. While there is any, the page does not say that all is good.

use super::{Level, Problem};
use crate::http::page::facts::{Facts, Scope, name};
use crate::http::page::html::{Account, Composed, Isolated, Lines};
use crate::http::page::table::{Cell, Table, columns};
use crate::snapshot::{DeliveryState, OrganizationInfo, Report, TargetReport};

/// Something that is not known: of an account, or of an organization.
struct Doubt<'a> {
    account: Option<&'a str>,
    organization: Option<&'a str>,
    what: Vec<String>,
}

/// How many accounts, organizations and storage targets are not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http::page) struct Doubts {
    pub(in crate::http::page) accounts: usize,
    pub(in crate::http::page) organizations: usize,
    pub(in crate::http::page) deliveries: usize,
}

/// Returns how much of a scope is not known.
pub(in crate::http::page) fn doubts(scope: &Scope<'_>) -> Doubts {
    let facts = scope.facts;
    let accounts = scope.accounts.iter();
    let accounts = accounts.filter(|report| !of_account(facts, report).is_empty());
    let deliveries = facts
        .view
        .deliveries()
        .filter(|it| matches!(it.state, DeliveryState::Unknown | DeliveryState::Unproven));
    Doubts {
        accounts: accounts.count(),
        organizations: unlisted_organizations(facts).count(),
        deliveries: deliveries.count(),
    }
}

pub(super) fn unknown<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let accounts = scope.accounts.iter().map(|report| Doubt {
        account: Some(name(report)),
        organization: None,
        what: of_account(facts, report),
    });
    let organizations = unlisted_organizations(facts).map(|organization| Doubt {
        account: None,
        organization: Some(&organization.name),
        what: vec![match &organization.failure {
            Some(failure) => format!(
                "its members: not listed since the start, the last attempt failed ({})",
                failure.reason
            ),
            None => "its members: not listed since the start".to_owned(),
        }],
    });
    let doubts = accounts.filter(|doubt| !doubt.what.is_empty());
    Problem {
        level: Level::Unknown,
        advice: "What the page shows about these accounts and organizations may be out of date or incomplete.",
        table: Table::new(
            "unknown",
            "Not known",
            columns!["Account or organization", "Not known"],
            doubts.chain(organizations).collect(),
            |doubt| {
                let subject: Cell<'_> = match (doubt.account, doubt.organization) {
                    (Some(account), _) => Box::new(Account(account)),
                    (None, organization) => Box::new(Isolated(organization.unwrap_or_default())),
                };
                let what = doubt.what.iter().cloned().map(Composed);
                vec![subject, Box::new(Lines(what.collect()))]
            },
        ),
    }
}

fn unlisted_organizations(facts: Facts<'_>) -> impl Iterator<Item = &OrganizationInfo> {
    let all = facts.info.organizations.iter();
    all.filter(|it| it.last_success.is_none())
}

/// The most details of one account.
const MAX_DETAILS: usize = 20;

/// Returns what is not known of an account.
fn of_account(facts: Facts<'_>, report: &Report) -> Vec<String> {
    let targets = report.targets.iter();
    let of_targets = targets.filter_map(|target| {
        let why = of_target(facts, target)?;
        Some(format!("{}: {why}", target.region))
    });
    let mut what: Vec<String> = of_targets.collect();
    what.extend(of_tracks(facts, report));
    match facts.view.totals(report) {
        Some(totals) => {
            if report.account.track_required && totals.covered.is_none() {
                what.push(
                    "whether its tracks or those of its organization record everything".to_owned(),
                );
            }
            let expected = totals.expectations.iter();
            let unknown = expected.filter(|it| it.matches.is_none());
            what.extend(unknown.map(|it| format!("whether track {} is as expected", it.name)));
        }
        None if what.is_empty() => what.push("its tracks".to_owned()),
        None => {}
    }
    let more = what.len().saturating_sub(MAX_DETAILS);
    what.truncate(MAX_DETAILS);
    if more > 0 {
        what.push(format!("and {more} more"));
    }
    what
}

/// Returns why the tracks of a target are not known.
fn of_target(facts: Facts<'_>, target: &TargetReport) -> Option<String> {
    let failure = target.failure.as_ref().map(|failure| failure.reason);
    let Some(good) = &target.last_good else {
        return Some(match failure {
            Some(reason) => format!("never listed, the last poll failed ({reason})"),
            None => "not polled yet".to_owned(),
        });
    };
    if facts.view.shown(target).is_none() {
        return Some("its last listing is too old to be shown".to_owned());
    }
    if target.last_poll.is_none() {
        return Some("not polled since the start; its listing is from the state file".to_owned());
    }
    if !facts.view.is_fresh(target) {
        return Some("its last listing is more than four intervals old".to_owned());
    }
    let listing = &good.listing;
    let listed = listing.tracks.len() + listing.dropped.len();
    let reported = listing.reported;
    if listing.is_short() {
        return Some(format!(
            "the API counts {reported} tracks and lists {listed}"
        ));
    }
    (!good.is_complete).then(|| "its last listing is not complete".to_owned())
}

/// Returns what of an account's tracks is not known.
fn of_tracks(facts: Facts<'_>, report: &Report) -> Vec<String> {
    let tracks = report.targets.iter().filter_map(|it| facts.view.shown(it));
    let mut what = Vec::new();
    for track in tracks.flatten() {
        let name = &track.name;
        if track.is_partial {
            what.push(format!("fields of track {name} that could not be read"));
        }
        let owner = &track.storage.account;
        if !owner.is_empty() && report.account.is_foreign(&track.storage).is_none() {
            what.push(format!(
                "whether {owner}, which owns the storage of track {name}, is this account"
            ));
        }
    }
    what.sort_unstable();
    what.dedup();
    what
}
