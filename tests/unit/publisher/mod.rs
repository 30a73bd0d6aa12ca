//! What scrapes read: expired series are hidden even if no account publishes, accounts do not
//! affect each other, nothing is rendered or joined twice, and the order of events does not matter.

// Series that outlive their listing.
mod clocks;
mod past;

// Coverage of members by their organization.
mod organization_coverage;

// Joining, readiness, changes of accounts, and any order of events.
mod changing;
mod order;
mod pieces;
mod readiness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::hash::stable_hash;
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::publisher::{self, Publisher};
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, Listing, OrganizationCoverage, Report, Track,
};
use tokio::time::Instant;

use self::pieces::one_member;
use crate::support::tracks::{listing, track};

const INTERVAL: Duration = Duration::from_mins(1);
const STALE_AFTER: Duration = Duration::from_hours(1);
const TOMBSTONE_FOR: Duration = Duration::from_mins(100);
const RETENTION: Retention = Retention {
    stale_after: STALE_AFTER,
    tombstone_for: TOMBSTONE_FOR,
    max_tracks: 1_000,
};

const TOOK: Duration = Duration::from_millis(120);
const MOMENT: Duration = Duration::from_millis(1);

/// A publisher, and a clock that the test controls.
struct World {
    publisher: Arc<Publisher>,
    now: Moment,
}

impl World {
    fn new() -> Self {
        Self {
            publisher: Publisher::new(),
            now: Moment {
                wall: UNIX_EPOCH + Duration::from_hours(498_720),
                steady: Instant::now(),
            },
        }
    }

    fn account(&self, name: &str, regions: &[&str]) -> Account {
        let info = Arc::new(AccountInfo {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            uin: String::new(),
            site: "international",
            organization: String::new(),
            provider: "env",
            ..AccountInfo::default()
        });
        self.account_with(info, regions)
    }

    fn account_with(&self, info: Arc<AccountInfo>, regions: &[&str]) -> Account {
        let history = |region: &&str| TargetHistory::new((*region).to_owned(), INTERVAL, RETENTION);
        Account {
            handle: self.publisher.account(Arc::clone(&info)),
            info,
            coverage: None,
            targets: regions.iter().map(history).collect(),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.wall += time;
        self.now.steady += time;
    }

    fn pieces(&self, gzip: bool) -> Vec<Bytes> {
        self.publisher.exposition(gzip, "", self.now)
    }

    fn text(&self) -> String {
        let plain = self.pieces(false).concat();
        String::from_utf8(plain).expect("valid UTF-8")
    }

    /// Returns the value of the only series that begins with `series`.
    fn value(&self, series: &str) -> Option<f64> {
        let text = self.text();
        let mut lines = text.lines().filter(|line| line.starts_with(series));
        let line = lines.next()?;
        assert_eq!(lines.next(), None, "{series}");
        let (_, value) = line.rsplit_once(' ').expect("a sample has a value");
        Some(value.parse().expect("a number"))
    }

    fn account_tracks(&self) -> Option<[f64; 3]> {
        let count = |status| {
            let series = format!("cloudaudit_account_tracks{{account=\"a\",status=\"{status}\"}}");
            self.value(&series)
        };
        Some([count("enabled")?, count("disabled")?, count("unknown")?])
    }
}

/// An account whose polls end when the test decides.
struct Account {
    handle: publisher::Account,
    info: Arc<AccountInfo>,
    coverage: Option<OrganizationCoverage>,
    targets: Vec<TargetHistory>,
}

impl Account {
    fn report(&self) -> Report {
        Report {
            account: Arc::clone(&self.info),
            overviews: OverviewCache::default().overviews(
                &self.info,
                self.coverage,
                self.targets.iter().map(TargetHistory::report),
            ),
            targets: self.targets.iter().map(|it| it.report().clone()).collect(),
            api: ApiCounters::default(),
            requests_per_second: 10.0,
            credentials_changed: None,
            ..Report::default()
        }
    }

    fn publish(&mut self, now: Moment) {
        let report = self.report();
        let evidence = report.evidence;
        self.handle.publish(Arc::new(report), evidence, now);
    }

    fn listed(&mut self, target: usize, listing: Listing, now: Moment) {
        self.targets[target].listed(listing, now, TOOK);
        self.publish(now);
    }

    fn failed(&mut self, target: usize, now: Moment) {
        let failure = Failure::new(Reason::Unavailable, "no");
        self.targets[target].failed(failure, now, TOOK);
        self.publish(now);
    }
}

/// Returns two account names in the same bucket.
fn accounts_in_one_bucket() -> [String; 2] {
    let bucket = |name: &str| stable_hash(name) % 64;
    let mut names = (0..).map(|number| format!("account-{number}"));
    let other = names.find(|name| bucket(name) == bucket("a"));
    ["a".to_owned(), other.expect("there are enough names")]
}

fn with_status(track: Track, on: bool) -> Track {
    use cloudaudit_exporter::snapshot::Status::{Disabled, Enabled};
    let status = if on { Enabled } else { Disabled };
    Track { status, ..track }
}

const UP: &str = "cloudaudit_up{account=\"a\",region=\"r\"}";
const ENABLED: &str = "cloudaudit_track_enabled{account=\"a\",region=\"r\",track_id=\"1\"";
const LAST_SUCCESS: &str = "cloudaudit_last_success_timestamp_seconds{account=\"a\"";

#[test]
fn a_listing_expires_without_any_event() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    let succeeded = world.value(LAST_SUCCESS);
    let healthy = world.text();

    world.pass(STALE_AFTER.saturating_sub(MOMENT));
    assert_eq!(world.text(), healthy, "until just before the end");
    world.pass(MOMENT);
    assert_eq!(world.value(UP), Some(0.0));
    assert_eq!(world.value(LAST_SUCCESS), succeeded);
    assert_eq!(world.value("cloudaudit_polls_total"), Some(1.0));
    let text = world.text();
    for hidden in ["track_", "tracks", "account_tracks", "reported_tracks"] {
        let series = format!("\ncloudaudit_{hidden}");
        let shown = text.matches(&series).count();
        let changes = text.matches("\ncloudaudit_track_changes_total{").count();
        let allowed = if hidden == "track_" { changes } else { 0 };
        assert_eq!(shown, allowed, "{hidden} in {text}");
    }
}

#[test]
fn an_unchanged_listing_is_shown_again_after_it_was_hidden() {
    for seen_while_hidden in [true, false] {
        let mut world = World::new();
        let mut account = world.account("a", &["r"]);
        account.listed(0, listing([track(1, "x")]), world.now);
        assert_eq!(world.value(ENABLED), Some(1.0));
        world.pass(2 * STALE_AFTER);
        if seen_while_hidden {
            account.failed(0, world.now);
            assert_eq!(world.value(ENABLED), None);
        }
        account.listed(0, listing([track(1, "x")]), world.now);
        assert_eq!(world.value(ENABLED), Some(1.0));
        assert_eq!(world.value(UP), Some(1.0));
        assert_eq!(world.account_tracks(), Some([1.0, 0.0, 0.0]));
    }
}

/// The time of a poll is taken before rendering, and a scrape may come in between.
#[test]
fn a_listing_that_is_published_slightly_late_is_shown() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    world.pass(STALE_AFTER.saturating_sub(MOMENT));
    let polled = world.now;
    world.pass(2 * MOMENT);
    assert_eq!(world.value(ENABLED), None);

    account.listed(0, listing([track(1, "x")]), polled);
    assert_eq!(world.value(ENABLED), Some(1.0));
    world.pass(STALE_AFTER.saturating_sub(3 * MOMENT));
    assert_eq!(world.value(ENABLED), Some(1.0));
    world.pass(3 * MOMENT);
    assert_eq!(world.value(ENABLED), None);
}

#[test]
fn an_account_s_count_shrinks_as_its_regions_expire() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s", "t"]);
    assert_eq!(world.account_tracks(), None);
    account.publish(world.now);
    assert_eq!(world.account_tracks(), None, "before the first listing");
    // The region with the worse status of track 1 expires first.
    account.listed(
        0,
        listing([with_status(track(1, "x"), false), track(2, "y")]),
        world.now,
    );
    assert_eq!(world.account_tracks(), Some([1.0, 1.0, 0.0]));
    world.pass(10 * INTERVAL);
    account.listed(1, listing([track(1, "x"), track(3, "z")]), world.now);
    account.listed(2, listing([track(1, "x")]), world.now);
    assert_eq!(world.account_tracks(), Some([2.0, 1.0, 0.0]));

    world.pass(50 * INTERVAL);
    assert_eq!(world.account_tracks(), Some([2.0, 0.0, 0.0]));
    account.listed(2, listing([track(1, "x")]), world.now);
    world.pass(10 * INTERVAL);
    assert_eq!(world.account_tracks(), Some([1.0, 0.0, 0.0]));
    world.pass(50 * INTERVAL);
    assert_eq!(world.account_tracks(), None);
}

#[test]
fn withdrawing_an_account_removes_only_its_own_series() {
    let [one, other] = accounts_in_one_bucket();
    let world = World::new();
    let mut staying = world.account(&one, &["r"]);
    staying.listed(0, listing([track(1, "x")]), world.now);
    let alone = world.text();
    let mut leaving = world.account(&other, &["r", "s"]);
    leaving.listed(0, listing([track(1, "x"), track(2, "y")]), world.now);
    leaving.listed(0, listing([track(1, "x")]), world.now);
    leaving.failed(1, world.now);
    assert!(world.text().contains(&other));

    world.publisher.withdraw(&other, world.now);
    assert_eq!(world.text(), alone, "no tombstone remains");
    assert_eq!(one_member(&world.pieces(true).concat()), alone.as_bytes());
    assert_eq!(world.publisher.reports().len(), 1);
    world.publisher.withdraw("unknown", world.now);
    assert_eq!(world.text(), alone);
}

#[test]
fn accounts_in_the_same_bucket_do_not_affect_each_other() {
    let [name, neighbor] = accounts_in_one_bucket();
    let mut world = World::new();
    let mut account = world.account(&name, &["r"]);
    let mut other = world.account(&neighbor, &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    world.pass(INTERVAL);
    let of_account = |world: &World| -> Vec<String> {
        let text = world.text();
        let lines = text.lines().filter(|line| line.contains("{account=\"a\""));
        lines.map(str::to_owned).collect()
    };
    let before = of_account(&world);
    assert!(before.len() > 20);

    other.publish(world.now);
    assert_eq!(of_account(&world), before);
    other.listed(0, listing([track(1, "x"), track(2, "y")]), world.now);
    assert_eq!(of_account(&world), before);
    other.failed(0, world.now);
    assert_eq!(of_account(&world), before);
    other.listed(0, listing([]), world.now);
    assert_eq!(of_account(&world), before);

    // The older listing expires, and the newer one stays.
    world.pass(STALE_AFTER.saturating_sub(INTERVAL));
    assert_eq!(world.value(ENABLED), None);
    let reported = format!("cloudaudit_reported_tracks{{account=\"{neighbor}\"");
    assert_eq!(world.value(&reported), Some(0.0));
}

#[test]
fn reports_are_the_latest_in_order_of_names() {
    let world = World::new();
    for name in ["c", "a", "b"] {
        world.account(name, &["r"]).publish(world.now);
    }
    let mut account = world.account("b", &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    let reports = world.publisher.reports();
    let seen: Vec<(&str, u64)> = reports
        .iter()
        .map(|it| (it.account.name.as_str(), it.targets[0].counters.polls))
        .collect();
    assert_eq!(seen, [("a", 0), ("b", 1), ("c", 0)]);
}
