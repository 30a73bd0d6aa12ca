//! Parses the rendered text back, and encodes it again with the `prometheus` crate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cloudaudit_exporter::clock::{Moment, unix_seconds};
use cloudaudit_exporter::exposition::Metric;
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{Listing, Status, TargetReport, Track};
use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, MetricFamily, MetricType};
use proptest::prelude::*;
use tokio::time::Instant;

use super::MAX_LABEL_CHARS;
use super::arbitrary::{AnyTarget, ArbitraryAccount, OLDEST, arbitrary_account};
use super::lookup::{by_label, samples};
use super::scene::shown;
use crate::support::text_format::{Family, Sample, parse};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_exposition_parses_to_the_rendered_values(account in arbitrary_account()) {
        let now = Moment {
            wall: UNIX_EPOCH + Duration::from_hours(498_720),
            steady: Instant::now() + OLDEST,
        };
        let publisher = Publisher::new();
        let report = account.report(now);
        publisher.account(Arc::clone(&report.account)).publish(Arc::new(report.clone()), report.evidence, now);
        let text = shown(&publisher, now);
        let families = parse(&text);

        prop_assert_eq!(encoded_by_the_crate(&families), text);
        for family in &families {
            let metric = Metric::ALL.iter().find(|it| it.name() == family.name).unwrap();
            prop_assert_eq!(&family.help, metric.help());
            for sample in &family.samples {
                prop_assert_eq!(sample.label("account"), "any");
                for (name, value) in &account.labels {
                    prop_assert_eq!(sample.label(name), value);
                }
            }
        }

        let mut worst: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (target, report) in account.targets.iter().zip(&report.targets) {
            let region = Some(report.region.as_str());
            check_poll(target, report, &families)?;
            check_past(target.shown(), report, now, &families)?;
            let Some(listing) = target.shown() else {
                for metric in [Metric::Tracks, Metric::ReportedTracks, Metric::TrackEnabled,
                    Metric::TrackFullCoverage, Metric::TrackStorageForeign,
                    Metric::TrackCreatedTimestamp, Metric::TrackInfo, Metric::DroppedTracks] {
                    prop_assert_eq!(samples(&families, metric, region).len(), 0);
                }
                continue;
            };
            check_listing(listing, region, &families)?;
            for track in &listing.tracks {
                worst.entry(track.id).or_default().insert(track.status.as_str());
            }
        }

        check_expected(&account, &families)?;

        let counts = by_label(&samples(&families, Metric::AccountTracks, None), "status");
        if account.targets.iter().all(|target| target.shown().is_none()) {
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
    let code = failure.map(|it| truncated(&it.code)).unwrap_or_default();
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
    let counts = counters.failures.into_iter();
    let counts = counts.map(|(reason, count)| (reason.as_str(), count as f64));
    prop_assert_eq!(failures, counts.collect::<BTreeMap<_, _>>());
    let changes = by_label(&all(Metric::TrackChanges), "change");
    let counts = counters.changes.into_iter();
    let counts = counts.map(|(change, count)| (change.as_str(), count as f64));
    prop_assert_eq!(changes, counts.collect::<BTreeMap<_, _>>());
    Ok(())
}

fn check_listing(
    listing: &Listing,
    region: Option<&str>,
    families: &[Family],
) -> Result<(), TestCaseError> {
    let all = |metric| samples(families, metric, region);
    let (kept, dropped) = AnyTarget::kept(listing);
    prop_assert_eq!(all(Metric::DroppedTracks)[0].value, dropped.len() as f64);
    let tracks = &listing.tracks;
    let counts = all(Metric::Tracks);
    let sum: f64 = counts.iter().map(|it| it.value).sum();
    prop_assert_eq!(sum, (kept.len() + dropped.len()) as f64);
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

    let tracks = kept;
    let ids: Vec<String> = tracks.iter().map(|track| track.id.to_string()).collect();
    let values = |of: &dyn Fn(&Track) -> Option<f64>| -> BTreeMap<&str, f64> {
        let pairs = ids.iter().zip(tracks);
        pairs
            .filter_map(|(id, track)| Some((id.as_str(), of(track)?)))
            .collect()
    };
    let expected = values(&|track| Some(f64::from(u8::from(track.status == Status::Enabled))));
    prop_assert_eq!(by_label(&all(Metric::TrackEnabled), "track_id"), expected);
    let full = |track: &Track| track.has_full_coverage().map(|it| f64::from(u8::from(it)));
    let found = by_label(&all(Metric::TrackFullCoverage), "track_id");
    prop_assert_eq!(found, values(&full));
    let expected = values(&|track| track.created.map(|created| created as f64));
    prop_assert_eq!(
        by_label(&all(Metric::TrackCreatedTimestamp), "track_id"),
        expected
    );

    let infos: Vec<Vec<String>> = all(Metric::TrackInfo)
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
            .map(|text| truncated(text))
            .into()
        })
        .collect();
    prop_assert_eq!(infos, expected);
    Ok(())
}

/// Checks that listed tracks are present, that tracks with a tombstone are not, and that only these
/// have change times.
fn check_past(
    shown: Option<&Listing>,
    report: &TargetReport,
    now: Moment,
    families: &[Family],
) -> Result<(), TestCaseError> {
    let all = |metric| samples(families, metric, Some(&report.region));
    let listed = shown.map_or(&[][..], |listing| AnyTarget::kept(listing).0);
    let listed = listed.iter().map(|track| (track.id, &track.name, 1.0));
    let tombstones = &report.past.tombstones;
    let is_over = |id: &u64| {
        tombstones
            .get(id)
            .is_some_and(|it| it.show_until <= now.steady)
    };
    let vanished = tombstones.iter().filter(|(id, _)| !is_over(id));
    let vanished = vanished.map(|(id, it)| (*id, &it.name, 0.0));
    let expected: BTreeMap<(String, String), f64> = listed
        .chain(vanished)
        .map(|(id, name, value)| ((id.to_string(), truncated(name)), value))
        .collect();
    let id = |it: &Sample| it.label("track_id").to_owned();
    let found: BTreeMap<(String, String), f64> = all(Metric::TrackPresent)
        .iter()
        .map(|it| ((id(it), it.label("track").to_owned()), it.value))
        .collect();
    prop_assert_eq!(found, expected);

    let found: BTreeSet<(String, String, u64)> = all(Metric::TrackChangedTimestamp)
        .iter()
        .map(|it| (id(it), it.label("change").to_owned(), it.value.to_bits()))
        .collect();
    let changes = report.past.changes.iter().filter(|(id, _)| !is_over(id));
    let expected: BTreeSet<(String, String, u64)> = changes
        .flat_map(|(id, times)| {
            let times = times.at.into_iter();
            times.map(move |(change, at)| (*id, change, at))
        })
        .filter_map(|(id, change, at)| {
            let at = unix_seconds(at?).to_bits();
            Some((id.to_string(), change.as_str().to_owned(), at))
        })
        .collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

/// Checks expected tracks, whose names are shown exactly as configured.
fn check_expected(account: &ArbitraryAccount, families: &[Family]) -> Result<(), TestCaseError> {
    let listings: Vec<&Listing> = account
        .targets
        .iter()
        .filter_map(AnyTarget::shown)
        .collect();
    let kept = |name: &str| {
        let mut kept = listings.iter().flat_map(|it| AnyTarget::kept(it).0);
        kept.any(|track| track.name == name)
    };
    let is_whole = |listing: &&Listing| {
        AnyTarget::kept(listing).1.is_empty() && listing.reported == listing.tracks.len() as u64
    };
    let are_whole = !listings.is_empty() && listings.iter().all(is_whole);
    let expected: BTreeMap<&str, f64> = account
        .expected
        .iter()
        .filter(|name| are_whole || kept(name))
        .map(|name| (name.as_str(), f64::from(u8::from(kept(name)))))
        .collect();
    let present = samples(families, Metric::ExpectedTrackPresent, None);
    prop_assert_eq!(by_label(&present, "track"), expected.clone());
    let matches = samples(families, Metric::ExpectedTrackMatches, None);
    let matches = by_label(&matches, "track");
    prop_assert!(matches.keys().eq(expected.keys()));
    prop_assert!(matches.iter().all(|(name, value)| *value <= expected[name]));
    Ok(())
}

fn truncated(text: &str) -> String {
    text.chars().take(MAX_LABEL_CHARS).collect()
}

/// Encodes the same samples with the `prometheus` crate.
fn encoded_by_the_crate(families: &[Family]) -> String {
    let families: Vec<MetricFamily> = families.iter().map(proto).collect();
    TextEncoder::new()
        .encode_to_string(&families)
        .expect("no family is empty")
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
