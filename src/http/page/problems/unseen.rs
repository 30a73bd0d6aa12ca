//! Switch-offs that no poll saw.

use std::time::Duration;

use super::{Level, Problem};
use crate::clock::age;
use crate::http::page::changes::By;
use crate::http::page::facts::Scope;
use crate::http::page::html::{Account, TrackName};
use crate::http::page::table::{Table, columns};
use crate::http::query::Query;
use crate::snapshot::{ChangeKind, ChangeRecord, ChangeSource};

/// How long a switch-off is shown. `CloudAuditTrackSwitchedUnseen` fires for an hour after a
/// sweep has found it, which may be late.
const SHOWN_FOR: Duration = Duration::from_hours(2);

pub(super) fn unseen<'a>(scope: &Scope<'a>, query: &Query) -> Problem<'a> {
    let facts = scope.facts;
    let now = facts.view.now.wall;
    let is_unseen = |record: &&'a ChangeRecord| {
        record.source == ChangeSource::Operation
            && record.change == ChangeKind::Disabled
            && age(record.seen, now).is_none_or(|age| age <= SHOWN_FOR)
    };
    let changes = facts.view.matching_changes(query).into_iter();
    Problem {
        level: Level::Bad,
        advice: "The operation records of the last two hours show these switch-offs; the tracks were on again before the next poll. Such a switch-off evades monitoring, so treat it as an incident until you know the reason.",
        table: Table::new(
            "unseen",
            "Tracks switched off and on between two polls",
            columns!["Account", "Track", "Switched off", "By"],
            changes.filter(is_unseen).collect(),
            move |record| {
                vec![
                    Box::new(Account(&record.account)),
                    Box::new(TrackName(&record.track, record.track_id)),
                    Box::new(facts.when(Some(record.seen))),
                    Box::new(By(&record.attribution)),
                ]
            },
        ),
    }
}
