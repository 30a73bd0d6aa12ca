//! What scrapes read: hidden when its time has come, though nobody publishes; never disturbed by
//! another account; never rendered or joined twice; and the same, however it came about.

// What outlives the listing that it came from.
mod clocks;
mod past;

// What an organisation says of its members.
mod umbrella;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::exposition::{Metric, Renderer, TimedFragment};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::hash::stable_hash;
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::publisher::{self, Publisher};
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, Evidence, Listing, OrganizationCoverage, Report, Track,
};
use flate2::bufread::GzDecoder;
use proptest::prelude::*;
use tokio::time::Instant;

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

/// A publisher and a clock that only the test moves.
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
            way: self.publisher.account(Arc::clone(&info)),
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
        String::from_utf8(plain).expect("it is UTF-8")
    }

    /// The value of the only series that begins so.
    fn value(&self, series: &str) -> Option<f64> {
        let text = self.text();
        let mut lines = text.lines().filter(|line| line.starts_with(series));
        let line = lines.next()?;
        assert_eq!(lines.next(), None, "{series}");
        let (_, value) = line.rsplit_once(' ').expect("a sample has a value");
        Some(value.parse().expect("it is a number"))
    }

    fn account_tracks(&self) -> Option<[f64; 3]> {
        let count = |status| {
            let series = format!("cloudaudit_account_tracks{{account=\"a\",status=\"{status}\"}}");
            self.value(&series)
        };
        Some([count("enabled")?, count("disabled")?, count("unknown")?])
    }
}

/// One account whose polls end when the test says so.
struct Account {
    way: publisher::Account,
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
        self.way.publish(Arc::new(report), evidence, now);
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

/// Two names whose accounts share a bucket.
fn neighbours() -> [String; 2] {
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
fn a_listing_is_hidden_by_time_alone() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing([track(1, "x")]), world.now);
    let succeeded = world.value(LAST_SUCCESS);
    let healthy = world.text();

    world.pass(STALE_AFTER.saturating_sub(MOMENT));
    assert_eq!(world.text(), healthy, "to the last moment");
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
fn an_unchanged_listing_comes_back_after_it_was_hidden() {
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

/// A poll's moment is taken before it is rendered, and a scrape may fall in between.
#[test]
fn a_listing_that_is_published_a_little_late_is_shown() {
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
fn an_account_s_count_steps_down_as_its_regions_age() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s", "t"]);
    assert_eq!(world.account_tracks(), None);
    account.publish(world.now);
    assert_eq!(world.account_tracks(), None, "before the first listing");
    // The worst view of track 1 is the one that ages first.
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
fn a_withdrawn_account_leaves_nothing_behind_and_its_neighbour_alone() {
    let [one, other] = neighbours();
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
    assert_eq!(world.text(), alone, "no tombstone either");
    assert_eq!(one_member(&world.pieces(true).concat()), alone.as_bytes());
    assert_eq!(world.publisher.reports().len(), 1);
    world.publisher.withdraw("nobody", world.now);
    assert_eq!(world.text(), alone);
}

#[test]
fn accounts_in_one_bucket_leave_each_other_alone() {
    let [name, neighbour] = neighbours();
    let mut world = World::new();
    let mut account = world.account(&name, &["r"]);
    let mut other = world.account(&neighbour, &["r"]);
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

    // The older of the two ages out, and the younger one stays.
    world.pass(STALE_AFTER.saturating_sub(INTERVAL));
    assert_eq!(world.value(ENABLED), None);
    let reported = format!("cloudaudit_reported_tracks{{account=\"{neighbour}\"");
    assert_eq!(world.value(&reported), Some(0.0));
}

/// Where the pieces lie in memory, which says something for as long as they are held.
fn addresses(pieces: &[Bytes]) -> Vec<*const u8> {
    pieces.iter().map(|piece| piece.as_ptr()).collect()
}

#[test]
fn an_unchanged_listing_is_neither_rendered_nor_joined_nor_compressed_again() {
    let of_the_listing = |world: &World| -> Vec<Bytes> {
        let families = ["tracks", "reported_tracks", "track_enabled", "track_info"];
        let headers = families.map(|family| format!("# HELP cloudaudit_{family} "));
        let begins = |piece: &Bytes| headers.iter().any(|it| piece.starts_with(it.as_bytes()));
        world.pieces(false).into_iter().filter(begins).collect()
    };
    let tracks = || (0..3_000).map(|id| track(id, &format!("track-{id}")));
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.listed(0, listing(tracks()), world.now);
    let before = world.text();
    // They are held, so that nothing else can come to lie where they are.
    let (plain, gzip) = (of_the_listing(&world), world.pieces(true));
    assert_eq!(plain.len(), 4);

    world.pass(INTERVAL);
    account.listed(0, listing(tracks()), world.now);
    assert_ne!(world.text(), before, "a time moved on");
    assert_eq!(addresses(&of_the_listing(&world)), addresses(&plain));
    // Only long pieces are not copied to their neighbours.
    let again = addresses(&world.pieces(true));
    let kept = addresses(&gzip)
        .into_iter()
        .filter(|piece| again.contains(piece))
        .count();
    assert!(
        kept >= 2,
        "{kept}: the header of the member, and track_info"
    );

    account.listed(0, listing([track(1, "y")]), world.now);
    assert!(world.text().contains("track=\"y\""));
}

#[test]
fn a_renderer_renders_a_listing_once() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s"]);
    let mut renderer = Renderer::new(Arc::clone(&account.info));
    let mut render = |account: &Account| renderer.render(&account.report(), Evidence::default());
    let shared = |one: &[TimedFragment], other: &[TimedFragment]| {
        let is_of_a_listing =
            |part: &&TimedFragment| part.fragment.of(Metric::ReportedTracks).is_some();
        let is_in_other = |part: &&TimedFragment| {
            other
                .iter()
                .any(|it| Arc::ptr_eq(&it.fragment, &part.fragment))
        };
        one.iter()
            .filter(is_of_a_listing)
            .filter(is_in_other)
            .count()
    };
    account.listed(0, listing([track(1, "x")]), world.now);
    account.listed(1, listing([track(1, "x")]), world.now);
    let first = render(&account);
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    let second = render(&account);
    assert_eq!(shared(&first, &second), 2, "one for each region");
    account.listed(0, listing([track(1, "y")]), world.now);
    assert_eq!(shared(&second, &render(&account)), 1);
}

/// A poll that finds all as it was moves times and counts of polls and calls, and nothing else.
#[test]
fn what_a_poll_leaves_as_it_is_is_not_rendered_again() {
    let mut world = World::new();
    let mut account = world.account("a", &["r", "s"]);
    let mut renderer = Renderer::new(Arc::clone(&account.info));
    account.listed(0, listing([track(1, "x")]), world.now);
    account.failed(1, world.now);
    let first = renderer.render(&account.report(), Evidence::default());
    world.pass(INTERVAL);
    account.listed(0, listing([track(1, "x")]), world.now);
    let second = renderer.render(&account.report(), Evidence::default());
    let is_new = |part: &&TimedFragment| {
        !first
            .iter()
            .any(|it| Arc::ptr_eq(&it.fragment, &part.fragment))
    };
    let moved: BTreeSet<Metric> = second
        .iter()
        .filter(is_new)
        .flat_map(|part| part.fragment.pieces().map(|(metric, _)| metric))
        .collect();
    let expected = [
        Metric::AccountCoverageChecked,
        Metric::AccountObservedSeconds,
        Metric::AccountCoveredSeconds,
        Metric::LastPollTimestamp,
        Metric::LastSuccessTimestamp,
        Metric::LastPollDuration,
        Metric::Polls,
        Metric::ApiRequests,
        Metric::RateLimiterWait,
    ];
    assert_eq!(moved, BTreeSet::from(expected));
}

#[test]
fn reports_are_the_latest_by_name() {
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

#[test]
fn it_is_ready_when_every_target_was_listed_and_stays_so() {
    let mut world = World::new();
    let mut one = world.account("a", &["r", "s"]);
    let mut other = world.account("b", &["r"]);
    one.publish(world.now);
    other.publish(world.now);
    let reasons = |world: &World| world.publisher.ready(world.now).unwrap_err();
    let wait = |target: &str| format!("{target}: the first poll has not ended");
    assert_eq!(reasons(&world), [wait("a/r"), wait("a/s"), wait("b/r")]);

    one.listed(0, listing([]), world.now);
    other.failed(0, world.now);
    assert_eq!(
        reasons(&world),
        [
            wait("a/s"),
            "b/r: the first poll failed: unavailable".to_owned()
        ]
    );
    one.listed(1, listing([]), world.now);
    other.listed(0, listing([]), world.now);
    assert_eq!(world.publisher.ready(world.now), Ok(()));

    one.failed(0, world.now);
    world.account("new", &["r"]).publish(world.now);
    world.pass(10 * STALE_AFTER);
    assert_eq!(world.publisher.ready(world.now), Ok(()), "a latch");
}

#[test]
fn it_is_ready_when_every_target_had_an_interval_for_it() {
    let mut world = World::new();
    let mut account = world.account("a", &["r"]);
    account.publish(world.now);
    world.pass(INTERVAL.saturating_sub(MOMENT));
    account.failed(0, world.now);
    assert!(world.publisher.ready(world.now).is_err());
    world.pass(MOMENT);
    assert_eq!(world.publisher.ready(world.now), Ok(()));
}

#[test]
fn it_is_not_ready_for_good_before_anybody_was_heard_of() {
    let world = World::new();
    assert_eq!(
        world.publisher.ready(world.now),
        Ok(()),
        "nobody to wait for"
    );
    world.account("a", &["r"]).publish(world.now);
    assert!(world.publisher.ready(world.now).is_err());
}

#[test]
fn of_many_that_are_waited_for_some_are_named() {
    let world = World::new();
    for number in 0..25 {
        let name = format!("account-{number:02}");
        world.account(&name, &["r"]).publish(world.now);
    }
    let reasons = world.publisher.ready(world.now).unwrap_err();
    assert_eq!(reasons.len(), 21);
    assert!(reasons[0].starts_with("account-00/r"), "{}", reasons[0]);
    assert_eq!(reasons[20], "and 5 more");
}

/// Something that happens in a world with a few accounts, some of which share a bucket.
#[derive(Clone, Copy, Debug)]
enum Event {
    Pass {
        minutes: u32,
    },
    Listed {
        account: usize,
        target: usize,
        kind: u64,
    },
    Failed {
        account: usize,
        target: usize,
    },
    Scraped {
        gzip: bool,
    },
}

fn any_event() -> impl Strategy<Value = Event> {
    let target = (0..4_usize, 0..2_usize);
    prop_oneof![
        2 => (1..40_u32).prop_map(|minutes| Event::Pass { minutes }),
        4 => (target.clone(), 0..3_u64).prop_map(|((account, target), kind)| {
            Event::Listed { account, target, kind }
        }),
        1 => target.prop_map(|(account, target)| Event::Failed { account, target }),
        3 => any::<bool>().prop_map(|gzip| Event::Scraped { gzip }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// After any number of partial changes a scrape reads what it would read if all of it had been
    /// published just now, and the gzip member says the same.
    #[test]
    fn what_is_shown_does_not_depend_on_how_it_came_about(
        events in prop::collection::vec(any_event(), 1..40),
    ) {
        let mut world = World::new();
        let [name, neighbour] = neighbours();
        let mut accounts: Vec<Account> = [&name, &neighbour, "c", "d"]
            .map(|name| world.account(name, &["r", "s"]))
            .into();
        for event in events.into_iter().chain([Event::Scraped { gzip: true }]) {
            match event {
                Event::Pass { minutes } => world.pass(minutes * INTERVAL),
                Event::Listed { account, target, kind } => {
                    let tracks = (0..kind).map(|id| with_status(track(id, "x"), id > 0));
                    accounts[account].listed(target, listing(tracks), world.now);
                }
                Event::Failed { account, target } => accounts[account].failed(target, world.now),
                Event::Scraped { gzip } => {
                    let fresh = Publisher::new();
                    for report in world.publisher.reports() {
                        let mut way = fresh.account(Arc::clone(&report.account));
                        way.publish(Arc::clone(&report), report.evidence, world.now);
                    }
                    let expected = fresh.exposition(false, "own 1\n", world.now).concat();
                    let shown = world.publisher.exposition(gzip, "own 1\n", world.now).concat();
                    let shown = if gzip { one_member(&shown) } else { shown };
                    prop_assert_eq!(String::from_utf8(shown), String::from_utf8(expected));
                }
            }
        }
    }
}

/// Decompresses one member, which must be all there is.
fn one_member(gzip: &[u8]) -> Vec<u8> {
    let mut decoder = GzDecoder::new(gzip);
    let mut plain = Vec::new();
    decoder
        .read_to_end(&mut plain)
        .expect("it is a whole member");
    assert_eq!(decoder.into_inner(), b"", "behind the first member");
    plain
}

/// However long the last piece is: the flush may end exactly where the room does.
#[test]
fn every_length_can_be_compressed() {
    let world = World::new();
    let mut noise = 1_u64;
    let text: String = std::iter::repeat_with(|| {
        noise = stable_hash(&noise.to_string());
        char::from(b' ' + u8::try_from(noise >> 58).expect("it has six bits"))
    })
    .take(1_000)
    .collect();
    for length in 0..text.len() {
        let own = &text[..length];
        let gzip = world.publisher.exposition(true, own, world.now).concat();
        assert_eq!(one_member(&gzip), own.as_bytes(), "{length}");
    }
}

/// A reference may reach 32 KiB back, and must not reach back out of its piece.
#[test]
fn large_pieces_can_be_compressed() {
    let world = World::new();
    let mut account = world.account("a", &["r"]);
    let tracks = (0..3_000).map(|id| track(id, &format!("track-{id}")));
    account.listed(0, listing(tracks), world.now);
    let gzip = world.pieces(true).concat();
    assert_eq!(one_member(&gzip), world.text().as_bytes());
    assert!(gzip.len() * 8 < world.text().len(), "{}", gzip.len());
}

/// What is large is in memory once, whatever its neighbours do.
#[test]
fn a_large_listing_is_not_copied_when_it_is_joined() {
    let [name, neighbour] = neighbours();
    let world = World::new();
    let mut account = world.account(&name, &["r"]);
    let mut other = world.account(&neighbour, &["r"]);
    let tracks = (0..200).map(|id| track(id, &format!("track-{id}")));
    account.listed(0, listing(tracks), world.now);
    other.listed(0, listing([track(1, "x")]), world.now);
    let large = |world: &World| -> Vec<Bytes> {
        let pieces = world.pieces(false).into_iter();
        pieces.filter(|piece| piece.len() >= 8 * 1024).collect()
    };
    let before = large(&world);
    assert!(before.len() >= 3, "{}", before.len());
    other.listed(0, listing([track(1, "y")]), world.now);
    assert_eq!(addresses(&large(&world)), addresses(&before));
    let text = world.text();
    assert!(text.contains("track=\"y\"") && !text.contains("track=\"x\""));
    assert_eq!(one_member(&world.pieces(true).concat()), text.as_bytes());
}

/// Whoever reads slowly holds what the others hold.
#[test]
fn a_text_is_in_memory_once_however_many_read_it() {
    let world = World::new();
    for number in 0..400 {
        let mut account = world.account(&format!("account-{number}"), &["r"]);
        account.listed(0, listing([track(1, "x")]), world.now);
    }
    let held = world.pieces(false);
    assert!(held.iter().any(|piece| piece.len() > 128 * 1024));
    assert_eq!(addresses(&world.pieces(false)), addresses(&held));
}
