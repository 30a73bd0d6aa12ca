//! Problems of the exporter itself, and of organizations.

use std::time::{Duration, SystemTime};

use super::{Level, Problem};
use crate::clock::age;
use crate::http::page::facts::{Facts, Scope};
use crate::http::page::html::{Isolated, Message, Number, Text};
use crate::http::page::table::{Cell, Table, columns};
use crate::snapshot::OrganizationInfo;

/// From this skew on the alert `CloudAuditClockSkew` fires, in seconds.
const MAX_SKEW: f64 = 120.0;

/// How long before the certificate expires `CloudAuditCertificateExpiring` begins to fire.
const CERTIFICATE_WARNING: Duration = Duration::from_hours(14 * 24);

/// A member list that is older than this many refreshes is stale, as in `CloudAuditOrganizationStale`.
const FRESH_REFRESHES: u32 = 3;

/// Something wrong with the exporter.
struct Notice {
    what: &'static str,
    at: Option<SystemTime>,
    details: String,
}

pub(super) fn own<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    Problem {
        level: Level::Warning,
        advice: "Read the log of the exporter.",
        table: Table::new(
            "exporter",
            "The exporter itself",
            columns!["What", "When", "Details"],
            notices(facts),
            move |notice| {
                let at: Cell<'_> = match notice.at {
                    None => Box::new(Text("now")),
                    at => Box::new(facts.when(at)),
                };
                vec![
                    Box::new(Text(notice.what)),
                    at,
                    Box::new(Message(notice.details.clone().into())),
                ]
            },
        ),
    }
}

fn notices(facts: Facts<'_>) -> Vec<Notice> {
    let info = facts.info;
    let now = facts.view.now.wall;
    let reload = info.refused_reload.as_ref();
    let skew = info.clock_skew.filter(|skew| skew.abs() > MAX_SKEW);
    let expires = info.certificate_expires;
    let expires = expires.filter(|at| *at < now + CERTIFICATE_WARNING);
    let notices = [
        facts.stalled.map(|why| Notice {
            what: "a loop has stalled",
            at: None,
            details: why.to_owned(),
        }),
        reload.map(|reload| Notice {
            what: "the last reload was refused",
            at: Some(reload.at),
            details: format!("the previous configuration stays in use\n{}", reload.why),
        }),
        (info.state_written == Some(false)).then(|| Notice {
            what: "the state file cannot be written",
            at: None,
            details: "a restart would lose the history".to_owned(),
        }),
        skew.map(|skew| Notice {
            what: "the clock is wrong",
            at: None,
            details: format!(
                "it differs from the clock of the API by {:.0} s",
                skew.abs()
            ),
        }),
        expires.map(|at| Notice {
            what: "the certificate of the listener expires",
            at: Some(at),
            details: "renew it; the exporter loads it without a restart".to_owned(),
        }),
    ];
    notices.into_iter().flatten().collect()
}

fn is_stale(facts: Facts<'_>, organization: &OrganizationInfo) -> bool {
    let age = organization
        .last_success
        .map(|at| age(at, facts.view.now.wall));
    age.is_some_and(|age| age.is_none_or(|age| age > organization.refresh * FRESH_REFRESHES))
}

pub(super) fn organizations<'a>(scope: &Scope<'a>) -> Problem<'a> {
    let facts = scope.facts;
    let all = facts.info.organizations.iter();
    let rows = all.filter(|it| it.failure.is_some() || is_stale(facts, it));
    Problem {
        level: Level::Warning,
        advice: "The exporter still polls the known members. It does not poll accounts that joined after the last list.",
        table: Table::new(
            "organizations",
            "Organizations whose members cannot be listed",
            columns![
                "Organization",
                "Reason",
                "Code",
                "Message",
                "RequestId",
                "Members",
                "Last list"
            ],
            rows.collect(),
            move |organization| {
                let failure = organization.failure.as_ref();
                let request_id = failure.and_then(|it| it.request_id.as_deref());
                vec![
                    Box::new(Isolated(&organization.name)),
                    Box::new(Text(failure.map_or("not known", |it| it.reason.as_str()))),
                    Box::new(Text(failure.map_or("not known", |it| &it.code))),
                    Box::new(Message(failure.map_or("", |it| &it.message).into())),
                    Box::new(Text(request_id.unwrap_or("not known"))),
                    match organization.members {
                        Some(members) => Box::new(Number(members)),
                        None => Box::new(Text("not known")),
                    },
                    match organization.last_success {
                        None => Box::new(Text("never")),
                        at => Box::new(facts.when(at)),
                    },
                ]
            },
        ),
    }
}
