//! What is said of an account, to the byte, in every state that a target can be in; and that it is
//! the text format, whatever the cloud calls its tracks.
//!
//! `UPDATE_GOLDEN=1` writes the golden files anew.

#[path = "support/text_format.rs"]
mod text_format;
#[path = "support/tracks.rs"]
mod tracks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::{Moment, unix_seconds};
use cloudaudit_exporter::exposition::Metric;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::history::TargetHistory;
use cloudaudit_exporter::process::Process;
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{
    AccountInfo, ApiCounters, Change, DESCRIBE_AUDIT_TRACKS, LastGood, Listing, PollEnd,
    RESERVED_LABELS, Report, Status, Storage, TargetCounters, TargetReport, Track,
};
use cloudaudit_exporter::tencent::{Ended, Observer};
use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, MetricFamily, MetricType};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::text_format::{Family, Sample, parse};
use crate::tracks::{listing, track};

const INTERVAL: Duration = Duration::from_mins(1);
const STALE_AFTER: Duration = Duration::from_hours(1);

/// Where a label value from the API is cut.
const MAX_LABEL_CHARS: usize = 256;

/// An account whose polls end when the test says so.
struct Scene {
    publisher: Arc<Publisher>,
    info: AccountInfo,
    targets: Vec<TargetHistory>,
    api: ApiCounters,
    now: Moment,
}

impl Scene {
    fn new(regions: &[&str]) -> Self {
        let history =
            |region: &&str| TargetHistory::new((*region).to_owned(), INTERVAL, STALE_AFTER);
        Self {
            publisher: Publisher::new(),
            info: AccountInfo {
                name: "prod".to_owned(),
                labels: BTreeMap::new(),
                uin: String::new(),
                site: "international",
                organization: String::new(),
                provider: "env",
            },
            targets: regions.iter().map(history).collect(),
            api: ApiCounters::default(),
            now: Moment {
                wall: UNIX_EPOCH + Duration::from_millis(1_795_392_000_250),
                steady: Instant::now(),
            },
        }
    }

    fn listed(&mut self, target: usize, listing: Listing) {
        self.called(None);
        self.targets[target].listed(listing, self.now, Duration::from_millis(120));
    }

    fn failed(&mut self, target: usize, failure: Failure) {
        self.called(Some(&failure));
        self.targets[target].failed(failure, self.now, Duration::from_millis(80));
    }

    fn empty() -> Self {
        let mut scene = Self::new(&["ap-guangzhou"]);
        scene.listed(0, listing([]));
        scene.publish();
        scene
    }

    fn denied() -> Self {
        let mut scene = Self::new(&["ap-guangzhou"]);
        scene.failed(0, denied());
        scene.publish();
        scene
    }

    fn called(&mut self, failure: Option<&Failure>) {
        *self.api.requests.entry(DESCRIBE_AUDIT_TRACKS).or_default() += 1;
        if let Some(failure) = failure {
            self.api.failures[failure.reason as usize] += 1;
            let code = (DESCRIBE_AUDIT_TRACKS, failure.code.to_string());
            *self.api.errors.entry(code).or_default() += 1;
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.wall += time;
        self.now.steady += time;
    }

    fn publish(&self) {
        let info = Arc::new(self.info.clone());
        let report = Report {
            account: Arc::clone(&info),
            targets: self.targets.iter().map(|it| it.report().clone()).collect(),
            api: self.api.clone(),
            requests_per_second: 10.0,
            credentials_changed: Some(UNIX_EPOCH + Duration::from_secs(1_795_391_000)),
        };
        self.publisher.account(info).publish(report, self.now);
    }

    fn parsed(&self) -> Vec<Family> {
        parse(&shown(&self.publisher, self.now))
    }

    /// Compares all that is shown with the golden file of this name.
    fn is_golden(&self, name: &str) {
        let text = shown(&self.publisher, self.now);
        // What a configured label could clash with is reserved.
        for sample in parse(&text).iter().flat_map(|family| &family.samples) {
            for (label, _) in &sample.labels {
                let reserved = RESERVED_LABELS.contains(&label.as_str());
                assert!(reserved || self.info.labels.contains_key(label), "{label}");
            }
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name)
            .with_extension("prom");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            text == golden,
            "{} differs (`make golden` writes it anew):\n{}",
            file.display(),
            difference(&golden, &text)
        );
    }
}

fn shown(publisher: &Publisher, now: Moment) -> String {
    String::from_utf8(publisher.exposition(false, "", now).concat()).unwrap()
}

/// The lines that only one of the two has.
fn difference(golden: &str, text: &str) -> String {
    let only = |mark: &'static str, one: &str, other: &str| -> Vec<String> {
        let known: BTreeSet<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !known.contains(line));
        lines.map(|line| format!("{mark} {line}")).collect()
    };
    [only("-", golden, text), only("+", text, golden)]
        .concat()
        .join("\n")
}

fn disabled(track: Track) -> Track {
    Track {
        status: Status::Disabled,
        ..track
    }
}

fn denied() -> Failure {
    Failure {
        request_id: Some("7c1b2f0e".to_owned()),
        ..Failure::with_code(
            Reason::Unauthorized,
            "AuthFailure.UnauthorizedOperation",
            "you are not authorized",
        )
    }
}

#[test]
fn before_the_first_poll() {
    let scene = Scene::new(&["ap-guangzhou"]);
    scene.publish();
    scene.is_golden("before_the_first_poll");
}

#[test]
fn healthy() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let mut to_log_service = disabled(track(641, "writes"));
    to_log_service.action_type = "Write".to_owned();
    to_log_service.storage.kind = "cls".to_owned();
    to_log_service.storage.account = String::new();
    to_log_service.created = None;
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.publish();
    scene.pass(INTERVAL);
    scene.listed(0, listing([track(7, "audit-all"), to_log_service]));
    scene.publish();
    scene.is_golden("healthy");
}

#[test]
fn empty() {
    Scene::empty().is_golden("empty");
}

#[test]
fn failing_with_last_good_data() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all"), disabled(track(8, "b"))]));
    scene.pass(INTERVAL);
    scene.failed(
        0,
        Failure::with_code(Reason::Unavailable, "http_502", "HTTP status 502"),
    );
    scene.publish();
    scene.is_golden("failing_with_last_good_data");
}

#[test]
fn failing_without_any() {
    Scene::denied().is_golden("failing_without_any");
}

#[test]
fn aged_out() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.pass(INTERVAL);
    scene.failed(0, denied());
    scene.publish();
    scene.pass(STALE_AFTER - INTERVAL);
    scene.is_golden("aged_out");
}

#[test]
fn unknown_status_and_storage_type() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let mut strange = track(7, "strange");
    strange.status = Status::Unknown;
    strange.storage.kind = "Tape".to_owned();
    let mut silent = track(8, "");
    silent.status = Status::Unknown;
    silent.storage = Storage::default();
    silent.action_type = String::new();
    silent.resource_type = String::new();
    silent.event_names = Vec::new();
    let mut half_known = track(9, "half-known");
    half_known.status = Status::Unknown;
    scene.listed(0, listing([strange, silent, half_known]));
    scene.publish();
    scene.is_golden("unknown_status_and_storage_type");
}

#[test]
fn odd_characters_in_names() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let names = [
        r#"a "quoted" name"#,
        r"back\slash\n and at the end \",
        "line\nbreak\r\nand another\u{2028}one",
        "审计跟踪集",
        "🕵️\u{200d}♀️ e\u{301}",
        "{track=\"x\"} 1\n# TYPE up gauge",
        "\0\t\u{7f} ",
    ];
    let long = "長".repeat(MAX_LABEL_CHARS + 1);
    let names = names.into_iter().chain([long.as_str()]);
    scene.listed(
        0,
        listing(names.zip(1..).map(|(name, id)| {
            let mut track = track(id, name);
            track.storage.prefix = name.to_owned();
            track
        })),
    );
    scene.publish();
    scene.is_golden("odd_characters_in_names");
}

#[test]
fn two_regions_that_disagree() {
    let mut scene = Scene::new(&["ap-singapore", "ap-guangzhou"]);
    scene.listed(
        0,
        listing([
            track(1, "in-both"),
            disabled(track(2, "off-in-one")),
            track(3, "in-one"),
        ]),
    );
    scene.pass(Duration::from_millis(500));
    scene.listed(
        1,
        Listing {
            reported: 3,
            ..listing([track(1, "in-both"), track(2, "off-in-one")])
        },
    );
    scene.publish();
    scene.is_golden("two_regions_that_disagree");
}

#[test]
fn account_labels() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let labels = [("team", "payments"), ("env", "prod \"eu\" \\ 审计")];
    scene.info.labels = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    scene.info.uin = "100000000001".to_owned();
    scene.info.organization = "main".to_owned();
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.pass(INTERVAL);
    scene.failed(0, denied());
    scene.publish();
    scene.is_golden("account_labels");
}

/// Denied must not read as empty: the one has no counts, the other has them, at 0.
#[test]
fn denied_does_not_read_as_empty() {
    let denied = Scene::denied().parsed();
    let empty = Scene::empty().parsed();
    assert_eq!(only_value(&denied, Metric::Up), 0.0);
    assert_eq!(only_value(&empty, Metric::Up), 1.0);
    for metric in [
        Metric::Tracks,
        Metric::ReportedTracks,
        Metric::AccountTracks,
    ] {
        assert!(family(&denied, metric).is_none(), "{metric:?}");
        let counts = &family(&empty, metric).unwrap().samples;
        assert!(counts.iter().all(|count| count.value == 0.0), "{metric:?}");
    }
}

#[test]
fn an_account_s_own_labels_are_never_cut() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let long = "x".repeat(MAX_LABEL_CHARS + 1);
    scene.info.labels = [("note".to_owned(), long.clone())].into();
    scene.publish();
    for sample in scene.parsed().iter().flat_map(|family| &family.samples) {
        assert_eq!(sample.label("note"), long);
    }
}

/// Both halves are one exposition: no metric may be in both.
#[test]
fn the_process_s_own_series_follow_and_share_no_metric() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.failed(0, denied());
    scene.publish();
    let process = Process::new();
    let fresh = process.exposition();
    let count = format!(
        "cloudaudit_api_request_duration_seconds_count{{action=\"{DESCRIBE_AUDIT_TRACKS}\"}} "
    );
    assert!(
        fresh.contains(&format!("{count}0\n")),
        "a first call must be seen as an increase: {fresh}"
    );
    assert!(!fresh.contains("cloudaudit_clock_skew_seconds"), "{fresh}");

    process.set_targets(3);
    process.answered("/metrics", 200);
    process.ended(&Ended {
        action: DESCRIBE_AUDIT_TRACKS,
        took: Duration::from_millis(70),
        failure: None,
        clock_skew: Some(-1.5),
    });
    let own = process.exposition();
    for line in [
        &format!("{count}1"),
        "cloudaudit_api_request_duration_seconds_bucket{action=\"DescribeAuditTracks\",le=\"0.05\"} 0",
        "cloudaudit_api_request_duration_seconds_bucket{action=\"DescribeAuditTracks\",le=\"0.1\"} 1",
        "cloudaudit_exporter_targets 3",
        "cloudaudit_exporter_http_requests_total{code=\"200\",handler=\"/metrics\"} 1",
        "cloudaudit_clock_skew_seconds -1.5",
    ] {
        assert!(own.lines().any(|it| it == line), "{line} in {own}");
    }
    assert!(own.contains("cloudaudit_exporter_build_info{"), "{own}");

    let whole = scene.publisher.exposition(false, &own, scene.now).concat();
    let whole = String::from_utf8(whole).unwrap();
    assert!(whole.ends_with(&own));
    let types: Vec<&str> = whole
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let distinct: BTreeSet<&str> = types.iter().copied().collect();
    assert_eq!(types.len(), distinct.len(), "{types:?}");
}

/// One account with anything that an API may say, at any age.
#[derive(Clone, Debug)]
struct Anything {
    labels: BTreeMap<String, String>,
    targets: Vec<AnyTarget>,
}

#[derive(Clone, Debug)]
struct AnyTarget {
    listing: Option<Listing>,
    /// Of the last listing, at the time of the scrape.
    age: Duration,
    failure: Option<Failure>,
    counters: TargetCounters,
}

impl AnyTarget {
    /// The listing, if it is young enough to be shown.
    fn shown(&self) -> Option<&Listing> {
        self.listing.as_ref().filter(|_| self.age < STALE_AFTER)
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\\\\"\n\r\t{},= #a审🎉]{0,12}",
        "[n\\\\\"é]{250,262}",
    ]
}

prop_compose! {
    fn any_track()(
        id in prop_oneof![0..12_u64, Just(u64::MAX)],
        name in any_text(),
        settings in prop::array::uniform6(any_text()),
        kind in prop_oneof![any_text(), prop::sample::select(&["cos", "cls", "ckafka"][..]).prop_map(str::to_owned)],
        status in prop::sample::select(&Status::ALL[..]),
        created in proptest::option::of(-9_000_000_000..9_000_000_000_i64),
    ) -> Track {
        let [action_type, resource_type, region, bucket, prefix, account] = settings;
        Track {
            id,
            name,
            action_type,
            resource_type,
            event_names: Vec::new(),
            status,
            storage: Storage { kind, region, name: bucket, prefix, account },
            created,
        }
    }
}

prop_compose! {
    fn any_target()(
        tracks in proptest::option::of(prop::collection::vec(any_track(), 0..6)),
        hidden in 0..3_u64,
        age in 0..7_200_u64,
        failure in proptest::option::of((prop::sample::select(&Reason::ALL[..]), any_text())),
        counts in prop::array::uniform15(0..1_u64 << 50),
    ) -> AnyTarget {
        let listing = tracks.map(|tracks| {
            let by_id: BTreeMap<u64, Track> =
                tracks.into_iter().map(|track| (track.id, track)).collect();
            let listing = listing(by_id.into_values());
            Listing { reported: listing.reported + hidden, ..listing }
        });
        AnyTarget {
            listing,
            age: Duration::from_secs(age),
            failure: failure.map(|(reason, code)| Failure::with_code(reason, code, "no")),
            counters: TargetCounters {
                polls: counts[0],
                skipped: counts[1],
                failures: counts[2..10].try_into().unwrap(),
                changes: counts[10..15].try_into().unwrap(),
            },
        }
    }
}

prop_compose! {
    fn anything()(
        labels in prop::collection::btree_map("own_[a-z]{1,3}", any_text(), 0..3),
        targets in prop::collection::vec(any_target(), 1..4),
    ) -> Anything {
        Anything { labels, targets }
    }
}

impl Anything {
    fn report(&self, now: Moment) -> Report {
        let target = |(index, it): (usize, &AnyTarget)| TargetReport {
            region: format!("region-{index}"),
            interval: INTERVAL,
            last_poll: (it.listing.is_some() || it.failure.is_some()).then_some(PollEnd {
                at: now.wall,
                took: Duration::from_millis(120),
            }),
            failure: it.failure.clone(),
            last_good: it.listing.as_ref().map(|listing| LastGood {
                listing: Arc::new(listing.clone()),
                at: now.wall - it.age,
                show_until: now.steady + STALE_AFTER - it.age,
            }),
            counters: it.counters.clone(),
        };
        Report {
            account: Arc::new(AccountInfo {
                name: "any".to_owned(),
                labels: self.labels.clone(),
                uin: String::new(),
                site: "china",
                organization: String::new(),
                provider: "inline",
            }),
            targets: self.targets.iter().enumerate().map(target).collect(),
            api: ApiCounters::default(),
            requests_per_second: 12.5,
            credentials_changed: None,
        }
    }
}

fn family(families: &[Family], metric: Metric) -> Option<&Family> {
    families.iter().find(|it| it.name == metric.name())
}

/// The samples of a metric, those of one region where one is named.
fn samples<'a>(families: &'a [Family], metric: Metric, region: Option<&str>) -> Vec<&'a Sample> {
    family(families, metric)
        .into_iter()
        .flat_map(|family| &family.samples)
        .filter(|sample| region.is_none_or(|region| sample.label("region") == region))
        .collect()
}

fn only_value(families: &[Family], metric: Metric) -> f64 {
    let samples = samples(families, metric, None);
    assert_eq!(samples.len(), 1, "{metric:?}");
    samples[0].value
}

/// The value of each sample, by one of its labels.
fn by_label<'a>(samples: &[&'a Sample], label: &str) -> BTreeMap<&'a str, f64> {
    let pairs = samples.iter().map(|it| (it.label(label), it.value));
    pairs.collect()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_LABEL_CHARS).collect()
}

/// What the crate writes for the same samples.
fn encoded_by_the_crate(families: &[Family]) -> String {
    let families: Vec<MetricFamily> = families.iter().map(proto).collect();
    TextEncoder::new().encode_to_string(&families).unwrap()
}

fn proto(family: &Family) -> MetricFamily {
    let label = |(name, value): &(String, String)| {
        let mut label = LabelPair::default();
        label.set_name(name.clone());
        label.set_value(value.clone());
        label
    };
    let is_counter = family.kind == "counter";
    let metric = |sample: &Sample| {
        let labels = sample.labels.iter().map(label).collect();
        let mut metric = prometheus::proto::Metric::from_label(labels);
        if is_counter {
            let mut counter = Counter::default();
            counter.set_value(sample.value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(sample.value);
            metric.set_gauge(gauge);
        }
        metric
    };
    let mut proto = MetricFamily::default();
    proto.set_name(family.name.clone());
    proto.set_help(family.help.clone());
    proto.set_field_type(if is_counter {
        MetricType::COUNTER
    } else {
        MetricType::GAUGE
    });
    proto.set_metric(family.samples.iter().map(metric).collect());
    proto
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_in_comes_out(anything in anything()) {
        let now = Moment {
            wall: UNIX_EPOCH + Duration::from_secs(1_795_392_000),
            steady: Instant::now(),
        };
        let publisher = Publisher::new();
        let report = anything.report(now);
        publisher.account(Arc::clone(&report.account)).publish(report.clone(), now);
        let text = shown(&publisher, now);
        let families = parse(&text);

        prop_assert_eq!(encoded_by_the_crate(&families), text);
        for family in &families {
            let metric = Metric::ALL.iter().find(|it| it.name() == family.name).unwrap();
            prop_assert_eq!(&family.help, metric.help());
            for sample in &family.samples {
                prop_assert_eq!(sample.label("account"), "any");
                for (name, value) in &anything.labels {
                    prop_assert_eq!(sample.label(name), value);
                }
            }
        }

        let mut worst: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (target, report) in anything.targets.iter().zip(&report.targets) {
            let region = Some(report.region.as_str());
            check_poll(target, report, &families)?;
            let Some(listing) = target.shown() else {
                for metric in [Metric::Tracks, Metric::ReportedTracks, Metric::TrackEnabled,
                    Metric::TrackPresent, Metric::TrackCreatedTimestamp, Metric::TrackInfo] {
                    prop_assert_eq!(samples(&families, metric, region).len(), 0);
                }
                continue;
            };
            check_listing(listing, region, &families)?;
            for track in &listing.tracks {
                worst.entry(track.id).or_default().insert(track.status.as_str());
            }
        }

        let counts = by_label(&samples(&families, Metric::AccountTracks, None), "status");
        if anything.targets.iter().all(|target| target.shown().is_none()) {
            prop_assert!(counts.is_empty());
        } else {
            let (off, rest): (Vec<_>, Vec<_>) =
                worst.values().partition(|statuses| statuses.contains("disabled"));
            let unknown = rest.iter().filter(|statuses| statuses.contains("unknown")).count();
            let expected = [
                ("enabled", (rest.len() - unknown) as f64),
                ("disabled", off.len() as f64),
                ("unknown", unknown as f64),
            ];
            prop_assert_eq!(counts, BTreeMap::from(expected));
        }
    }
}

fn check_poll(
    target: &AnyTarget,
    report: &TargetReport,
    families: &[Family],
) -> Result<(), TestCaseError> {
    let region = Some(report.region.as_str());
    let all = |metric| samples(families, metric, region);
    let one = |metric| {
        let samples = all(metric);
        assert_eq!(samples.len(), 1, "{metric:?}");
        samples[0].value
    };
    let up = target.shown().is_some() && target.failure.is_none();
    prop_assert_eq!(one(Metric::Up), f64::from(u8::from(up)));
    let failures: Vec<(&str, &str)> = all(Metric::LastFailureInfo)
        .iter()
        .map(|it| (it.label("reason"), it.label("code")))
        .collect();
    let failure = target.failure.as_ref();
    let code = failure.map(|it| cut(&it.code)).unwrap_or_default();
    let expected: Vec<(&str, &str)> = failure
        .map(|it| (it.reason.as_str(), &*code))
        .into_iter()
        .collect();
    prop_assert_eq!(failures, expected);

    let good = report.last_good.as_ref();
    prop_assert_eq!(
        one(Metric::LastSuccessTimestamp),
        good.map_or(0.0, |it| unix_seconds(it.at))
    );
    let poll = report.last_poll;
    prop_assert_eq!(
        one(Metric::LastPollTimestamp),
        poll.map_or(0.0, |it| unix_seconds(it.at))
    );
    prop_assert_eq!(one(Metric::LastPollDuration), poll.map_or(0.0, |_| 0.12));
    prop_assert_eq!(one(Metric::PollInterval), 60.0);
    let counters = &target.counters;
    prop_assert_eq!(one(Metric::Polls), counters.polls as f64);
    prop_assert_eq!(one(Metric::SkippedPolls), counters.skipped as f64);
    let failures = by_label(&all(Metric::PollFailures), "reason");
    let counts = counters.failures.map(|count| count as f64);
    prop_assert_eq!(
        failures,
        Reason::ALL
            .iter()
            .map(|it| it.as_str())
            .zip(counts)
            .collect::<BTreeMap<_, _>>()
    );
    let changes = by_label(&all(Metric::TrackChanges), "change");
    let counts = counters.changes.map(|count| count as f64);
    prop_assert_eq!(
        changes,
        Change::ALL
            .iter()
            .map(|it| it.as_str())
            .zip(counts)
            .collect::<BTreeMap<_, _>>()
    );
    Ok(())
}

fn check_listing(
    listing: &Listing,
    region: Option<&str>,
    families: &[Family],
) -> Result<(), TestCaseError> {
    let all = |metric| samples(families, metric, region);
    let tracks = &listing.tracks;
    let counts = all(Metric::Tracks);
    let sum: f64 = counts.iter().map(|it| it.value).sum();
    prop_assert_eq!(sum, tracks.len() as f64);
    for count in counts {
        let kinds: &[&str] = match count.label("storage_type") {
            "other" => &[],
            known => &[known],
        };
        let counted = tracks.iter().filter(|track| {
            let known = ["cos", "cls", "ckafka"].contains(&track.storage.kind.as_str());
            let fits = kinds.contains(&track.storage.kind.as_str()) || (kinds.is_empty() && !known);
            fits && track.status.as_str() == count.label("status")
        });
        prop_assert_eq!(count.value, counted.count() as f64);
    }
    prop_assert_eq!(
        all(Metric::ReportedTracks)[0].value,
        listing.reported as f64
    );

    let ids: Vec<String> = tracks.iter().map(|track| track.id.to_string()).collect();
    let values = |of: &dyn Fn(&Track) -> Option<f64>| -> BTreeMap<&str, f64> {
        let pairs = ids.iter().zip(tracks);
        pairs
            .filter_map(|(id, track)| Some((id.as_str(), of(track)?)))
            .collect()
    };
    let expected = values(&|track| Some(f64::from(u8::from(track.status == Status::Enabled))));
    prop_assert_eq!(by_label(&all(Metric::TrackEnabled), "track_id"), expected);
    prop_assert_eq!(
        by_label(&all(Metric::TrackPresent), "track_id"),
        values(&|_| Some(1.0))
    );
    let expected = values(&|track| track.created.map(|created| created as f64));
    prop_assert_eq!(
        by_label(&all(Metric::TrackCreatedTimestamp), "track_id"),
        expected
    );

    let told: Vec<Vec<String>> = all(Metric::TrackInfo)
        .iter()
        .map(|it| {
            [
                "track_id",
                "track",
                "action_type",
                "resource_type",
                "storage_type",
                "storage_region",
                "storage_name",
                "storage_prefix",
                "storage_account",
            ]
            .map(|label| it.label(label).to_owned())
            .into()
        })
        .collect();
    let expected: Vec<Vec<String>> = tracks
        .iter()
        .zip(&ids)
        .map(|(track, id)| {
            let storage = &track.storage;
            [
                id,
                &track.name,
                &track.action_type,
                &track.resource_type,
                &storage.kind,
                &storage.region,
                &storage.name,
                &storage.prefix,
                &storage.account,
            ]
            .map(|text| cut(text))
            .into()
        })
        .collect();
    prop_assert_eq!(told, expected);
    Ok(())
}

/// However long the last piece is: the flush may end exactly where the room does.
#[test]
fn every_length_can_be_compressed() {
    let publisher = Publisher::new();
    let now = Moment {
        wall: UNIX_EPOCH,
        steady: Instant::now(),
    };
    let mut noise: u64 = 1;
    let text: String = std::iter::repeat_with(|| {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + u8::try_from(noise >> 58).unwrap())
    })
    .take(3_000)
    .collect();
    for length in 0..text.len() {
        let own = &text[..length];
        let gzip: Vec<Bytes> = publisher.exposition(true, own, now);
        assert_eq!(unzipped(&gzip.concat()), own.as_bytes(), "{length}");
    }
}

fn unzipped(gzip: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(gzip)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}
