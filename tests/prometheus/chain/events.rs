//! One event, one notification: what each event sends with the shipped rules, routes and
//! inhibitions. All events happen at the same time, each to an account or a job of its own.
//!
//! A second Alertmanager gets the same alerts and has no inhibitions. So each run also proves which
//! events need an inhibition.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

use tokio::time::sleep;

use super::event::{Because, EVENTS, Event, Notifications};
use super::receiver::SentAlert;
use super::site::{MINUTE, Site, minutes};

/// How long every account is healthy before the first event.
const HEALTHY: u32 = 4;

/// How long notifications are collected: longer than every `for` of the rules but that of a day.
const WATCHED: u32 = 65;

#[tokio::test(flavor = "multi_thread")]
async fn each_event_causes_one_page_or_one_ticket() {
    let mut site = Site::start().await;
    site.prometheus.settle().await;
    minutes(HEALTHY).await;
    let start = Instant::now();
    assert_eq!(notifications(&site.receiver.since(start)), BTreeMap::new());

    site.happen().await;
    sleep((MINUTE * WATCHED).saturating_sub(start.elapsed())).await;

    let received = notifications(&site.receiver.since(start));
    let uninhibited = notifications(&site.receiver_of_all.since(start));
    let mut differences = String::new();
    for event in &EVENTS {
        let Event { because, what, .. } = event;
        let expected = event.expected();
        let [received, uninhibited] = [&received, &uninhibited].map(|it| event.of(it));
        if received != expected {
            let difference = format!("{what}: {received:#?} instead of {expected:#?}");
            writeln!(differences, "{difference}").unwrap();
        }
        if (uninhibited != expected) != (*because == Because::Inhibited) {
            let difference = format!("{what}: without inhibitions {uninhibited:#?}");
            writeln!(differences, "{difference}").unwrap();
        }
    }
    for (place, received) in &received {
        if !EVENTS.iter().any(|event| event.is_at(place)) {
            writeln!(differences, "{place:?}: {received:#?}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
    // The rule looks back seven days, and the tombstone would last as long.
    let ended = site.receiver.since(start);
    let is_over = |sent: &SentAlert| sent.is("resolved", &[("account", "forgotten")]);
    assert!(
        ended.iter().any(is_over),
        "the acknowledged deletion still alerts"
    );
}

/// What was sent to the pager and as tickets. Alerts that were sent before are no news.
fn notifications(sent: &[SentAlert]) -> Notifications {
    let mut known = Vec::new();
    let mut news: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for alert in sent {
        let is_new = alert.status == "firing" && !known.contains(&&alert.labels);
        if is_new && alert.receiver != "chat" {
            known.push(&alert.labels);
            let label = |name| alert.labels.get(name).cloned().unwrap_or_default();
            let name = alert.labels["alertname"].trim_start_matches("CloudAudit");
            // Accounts that leave together are one ticket.
            let account = match name {
                "AccountNoLongerWatched" => String::new(),
                _ => label("account"),
            };
            let sent = (
                (label("job"), account),
                alert.receiver.clone(),
                alert.notification,
            );
            news.entry(sent).or_default().insert(name);
        }
    }
    let mut all = Notifications::new();
    for ((place, receiver, _), names) in news {
        let names: Vec<&str> = names.into_iter().collect();
        let notification = format!("{receiver}: {}", names.join(" and "));
        all.entry(place).or_default().push(notification);
    }
    for notifications in all.values_mut() {
        notifications.sort();
    }
    all
}
