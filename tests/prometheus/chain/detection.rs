//! Alertmanager notifies the receiver of every change in the cloud, and of nothing else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::sim::Fault;

use super::estate::{ACCOUNTS, Chain, SCALE};
use super::receiver::SentAlert;

const PROD: &str = ACCOUNTS[0].1;
const PAYMENTS: &str = ACCOUNTS[1].1;
const STAGING: &str = ACCOUNTS[2].1;

/// Seconds of the healthy estate before anything happens.
const HEALTHY: u64 = 6;

/// How long the outage lasts in scaled seconds: longer than any alert takes to fire. The longest
/// `for` of the expected alerts is 5, and data is stale after four intervals.
const OUTAGE: u64 = 15;

/// How long the chain may take beyond the `for` of a rule. It is many times the measured delay: a
/// busy machine does not fail the test, but an alert that waits for something else does.
const LATE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn changes_in_the_cloud_are_notified_and_nothing_else() {
    let mut chain = Chain::start().await;
    chain.prometheus.settle().await;
    let start = Instant::now();
    chain.wait(HEALTHY).await;
    assert_eq!(names(&chain.receiver.since(start)), [""; 0], "all is well");

    let off = switched_off(&chain).await;
    deleted(&chain).await;
    restarted(&mut chain).await;
    one_account_out(&chain).await;
    all_out(&mut chain).await;
    switched_on(&chain, off).await;
}

/// A page for a disabled track names the track, its account and the team.
async fn switched_off(chain: &Chain) -> Instant {
    let off = Instant::now();
    let account = chain.world.account(PROD).unwrap();
    account.set_status(1, 0).unwrap();
    let turned_off = [
        ("alertname", "CloudAuditTrackTurnedOff"),
        ("job", "cloudaudit"),
        ("account", "prod"),
        ("track_id", "1"),
        ("track", "audit-all"),
        ("team", "team-of-prod"),
        ("severity", "critical"),
    ];
    let sent = chain.receiver.wait_for(off, "firing", &turned_off).await;
    // The `since` label distinguishes two switch-offs of the same track.
    let since: f64 = sent.labels["since"].parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!((now.as_secs_f64() - since).abs() < 60.0, "{since}");
    assert_eq!(sent.labels.len(), turned_off.len() + 1, "{:?}", sent.labels);
    assert_eq!(sent.receiver, "pager");
    let runbook = &sent.annotations["runbook_url"];
    assert!(runbook.ends_with("docs/alerts.md#cloudaudittrackturnedoff"));
    report("switched off", "TurnedOff", sent.at - off, 2 * 60);
    assert_eq!(
        names(&chain.receiver.since(off)),
        ["CloudAuditTrackTurnedOff prod"]
    );
    off
}

/// A deleted track pages with an alert of its own.
async fn deleted(chain: &Chain) {
    let start = Instant::now();
    chain.world.account(PAYMENTS).unwrap().delete(2).unwrap();
    let vanished = [
        ("alertname", "CloudAuditTrackVanished"),
        ("account", "payments"),
        ("track_id", "2"),
        ("track", "to-cls"),
        ("severity", "critical"),
    ];
    let sent = chain.receiver.wait_for(start, "firing", &vanished).await;
    report("deleted", "Vanished", sent.at - start, 60);
}

/// A restart from the state file sends no notification.
async fn restarted(chain: &mut Chain) {
    let start = Instant::now();
    chain.restart_exporter().await;
    chain.wait(HEALTHY).await;
    let sent = chain.receiver.since(start);
    assert_eq!(names(&sent), [""; 0], "a restart is no news: {sent:#?}");
}

/// An account that cannot be polled fires only the alert for stale data, and none for its tracks.
async fn one_account_out(chain: &Chain) {
    let start = Instant::now();
    let fault = Fault::internal_error().account(STAGING).until_cleared();
    let fault = chain.world.inject(fault);
    let stale = [
        ("alertname", "CloudAuditDataStale"),
        ("account", "staging"),
        ("severity", "warning"),
    ];
    let sent = chain.receiver.wait_for(start, "firing", &stale).await;
    report(
        "an account cannot be read",
        "DataStale",
        sent.at - start,
        5 * 60,
    );
    let sent = names(&chain.receiver.since(start));
    assert!(
        sent.iter().all(|one| one == "CloudAuditDataStale staging"),
        "{sent:?}"
    );
    chain.world.clear(fault);
    let labels = &stale[..2];
    chain.receiver.wait_for(start, "resolved", labels).await;
}

/// An outage of the cloud sends one page instead of one per account, and resolves no other alert.
async fn all_out(chain: &mut Chain) {
    let start = Instant::now();
    chain.stop_cloud();
    let unreachable = [
        ("alertname", "CloudAuditCloudUnreachable"),
        ("job", "cloudaudit"),
        ("severity", "critical"),
    ];
    let sent = chain.receiver.wait_for(start, "firing", &unreachable).await;
    report(
        "the cloud is gone",
        "CloudUnreachable",
        sent.at - start,
        4 * 60,
    );
    chain.wait(OUTAGE).await;
    let sent = chain.receiver.since(start);
    assert_eq!(names(&sent), ["CloudAuditCloudUnreachable "], "{sent:#?}");
    chain.start_cloud().await;
    let resolved = chain.receiver.wait_for(start, "resolved", &unreachable);
    resolved.await;
    let alerts = chain.prometheus.alerts().await;
    let firing = ("CloudAuditTrackTurnedOff", "prod", "firing");
    assert!(
        alerts
            .iter()
            .any(|(name, account, state)| (&**name, &**account, &**state) == firing),
        "it is still off: {alerts:?}"
    );
}

/// The alert ends when the track is on again, and not before.
async fn switched_on(chain: &Chain, off: Instant) {
    let turned_off = [
        ("alertname", "CloudAuditTrackTurnedOff"),
        ("account", "prod"),
    ];
    let sent = chain.receiver.since(off);
    assert!(
        !sent.iter().any(|sent| sent.is("resolved", &turned_off)),
        "the alert was resolved while the track was off: {sent:#?}"
    );
    let on = Instant::now();
    chain.world.account(PROD).unwrap().set_status(1, 1).unwrap();
    chain.receiver.wait_for(on, "resolved", &turned_off).await;
}

/// Returns the name and account of each firing alert, without duplicates.
fn names(sent: &[SentAlert]) -> Vec<String> {
    let mut names: Vec<String> = sent
        .iter()
        .filter(|sent| sent.status == "firing")
        .map(|sent| {
            let account = sent.labels.get("account").map_or("", String::as_str);
            format!("{} {account}", sent.labels["alertname"])
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Prints the delay beyond the rule's `for`: what polls, scrapes and evaluations add.
fn report(what: &str, alert: &str, took: Duration, seconds_of_for: u32) {
    let of_rule = Duration::from_secs(seconds_of_for.into()) / SCALE;
    println!(
        "{what}: {alert} was sent after {:.1} s, {:.1} s of them its `for`",
        took.as_secs_f64(),
        of_rule.as_secs_f64()
    );
    assert!(took >= of_rule, "{alert} does not wait for its `for`");
    assert!(took <= of_rule + LATE, "{alert} was sent too late");
}
