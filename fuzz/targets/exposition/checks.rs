//! What must be shown of accounts, targets and tracks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::exposition::{Kind, Metric};
use cloudaudit_exporter::publisher::Publisher;
use cloudaudit_exporter::snapshot::{Status, Track};
use flate2::read::GzDecoder;

use super::{RETENTION, Scene, Target};
use crate::support::text_format::{Family, Sample, parse};

/// Where a label value from the API is cut.
const MAX_LABEL_CHARS: usize = 256;

pub(super) fn unzips_to_the_same(publisher: &Publisher, now: Moment) {
    let plain = publisher.exposition(false, "", now).concat();
    let zipped = publisher.exposition(true, "", now).concat();
    let mut unzipped = Vec::new();
    let read = GzDecoder::new(&zipped[..]).read_to_end(&mut unzipped);
    read.expect("one gzip member");
    assert!(unzipped == plain, "gzip and plain differ");
}

pub(super) fn check(publisher: &Publisher, scenes: &[Scene], now: Moment) {
    let text = publisher.exposition(false, "", now).concat();
    let text = String::from_utf8(text).expect("the text format is UTF-8");
    let families = parse(&text);
    for family in &families {
        headers_are_right(family);
    }
    let of_accounts: BTreeMap<&str, &Scene> = scenes
        .iter()
        .map(|scene| (scene.info.name.as_str(), scene))
        .collect();
    for sample in families.iter().flat_map(|family| &family.samples) {
        let scene = of_accounts.get(sample.label("account"));
        let scene = scene.unwrap_or_else(|| panic!("whose is {sample:?}"));
        for (name, value) in &scene.info.labels {
            assert_eq!(sample.label(name), value, "an account's own label");
        }
    }
    for scene in scenes {
        let shown = Shown {
            families: &families,
            account: &scene.info.name,
        };
        if scene.is_published {
            check_account(scene, &shown, now);
        } else {
            assert_eq!(shown.samples(Metric::AccountInfo, "").len(), 0);
        }
    }
}

fn headers_are_right(family: &Family) {
    let metric = Metric::ALL.iter().find(|it| it.name() == family.name);
    let metric = metric.unwrap_or_else(|| panic!("{} is no metric", family.name));
    assert_eq!(family.help, metric.help());
    let kind = match metric.kind() {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    assert_eq!(family.kind, kind, "{}", family.name);
}

/// What is shown of one account.
struct Shown<'a> {
    families: &'a [Family],
    account: &'a str,
}

impl Shown<'_> {
    fn samples(&self, metric: Metric, region: &str) -> Vec<&Sample> {
        let families = self.families.iter();
        families
            .filter(|family| family.name == metric.name())
            .flat_map(|family| &family.samples)
            .filter(|it| it.label("account") == self.account && it.label("region") == region)
            .collect()
    }

    fn value(&self, metric: Metric, region: &str) -> f64 {
        match self.samples(metric, region)[..] {
            [sample] => sample.value,
            ref other => panic!("{metric:?} of {region:?}: {other:?}"),
        }
    }
}

fn check_account(scene: &Scene, shown: &Shown<'_>, now: Moment) {
    let [info] = shown.samples(Metric::AccountInfo, "")[..] else {
        panic!("one account, one line");
    };
    assert_eq!(info.label("uin"), cut(&scene.info.uin));
    assert_eq!(info.label("organization"), cut(&scene.info.organization));

    let mut ids = BTreeSet::new();
    let mut is_any_shown = false;
    for target in &scene.targets {
        check_target(target, shown, now);
        if let Some((tracks, _)) = target.shown(now) {
            is_any_shown = true;
            ids.extend(tracks.iter().map(|track| track.id));
        }
    }
    let counts = shown.samples(Metric::AccountTracks, "");
    let sum = counts.iter().fold(0.0, |sum, it| sum + it.value);
    assert_eq!(counts.is_empty(), !is_any_shown, "of what is not known");
    assert!(is_number(sum, ids.len() as u64), "{sum} of {ids:?}");
}

fn check_target(target: &Target, shown: &Shown<'_>, now: Moment) {
    let region = target.region.as_str();
    let up = target.failure.is_none() && target.shown(now).is_some();
    assert!(is_number(shown.value(Metric::Up, region), u64::from(up)));

    let failures = shown.samples(Metric::LastFailureInfo, region);
    let actual: Vec<_> = failures
        .iter()
        .map(|it| (it.label("reason"), it.label("code").to_owned()))
        .collect();
    let failure = target.failure.iter();
    let expected: Vec<_> = failure
        .map(|it| (it.reason.as_str(), cut(&it.code)))
        .collect();
    assert_eq!(actual, expected);

    let counts = shown.samples(Metric::Tracks, region);
    let Some((tracks, reported)) = target.shown(now) else {
        for metric in OF_A_LISTING {
            let hidden = shown.samples(metric, region);
            assert!(hidden.is_empty(), "too old: {hidden:?}");
        }
        return;
    };
    assert!(is_number(
        shown.value(Metric::ReportedTracks, region),
        reported
    ));
    for &status in Status::ALL {
        let of_status = |it: &&&Sample| it.label("status") == status.as_str();
        let of_status = counts.iter().filter(of_status);
        let sum = of_status.fold(0.0, |sum, it| sum + it.value);
        let tracks = tracks.iter().filter(|track| track.status == status);
        assert!(is_number(sum, tracks.count() as u64), "{status:?}");
    }
    let (kept, dropped) = tracks.split_at(RETENTION.max_tracks.min(tracks.len()));
    let number = shown.value(Metric::DroppedTracks, region);
    assert!(is_number(number, dropped.len() as u64));
    check_tracks(kept, shown, region);
    for gone in shown.samples(Metric::TrackPresent, region) {
        let is_listed = |track: &Track| gone.label("track_id") == track.id.to_string();
        let is_kept = kept.iter().any(is_listed);
        assert!(is_number(gone.value, u64::from(is_kept)), "{gone:?}");
        assert!(!dropped.iter().any(is_listed), "not gone: {gone:?}");
    }
}

/// What is hidden with a listing that is too old.
const OF_A_LISTING: [Metric; 6] = [
    Metric::Tracks,
    Metric::ReportedTracks,
    Metric::DroppedTracks,
    Metric::TrackEnabled,
    Metric::TrackCreatedTimestamp,
    Metric::TrackInfo,
];

fn check_tracks(tracks: &[Track], shown: &Shown<'_>, region: &str) {
    let ids: Vec<String> = tracks.iter().map(|track| track.id.to_string()).collect();
    let enabled = shown.samples(Metric::TrackEnabled, region);
    let actual: Vec<(&str, bool)> = enabled
        .iter()
        .map(|it| (it.label("track_id"), is_number(it.value, 1)))
        .collect();
    let expected: Vec<(&str, bool)> = ids
        .iter()
        .zip(tracks)
        .map(|(id, track)| (id.as_str(), track.status == Status::Enabled))
        .collect();
    assert_eq!(actual, expected);
    let created = shown.samples(Metric::TrackCreatedTimestamp, region);
    let times: Vec<f64> = created.iter().map(|it| it.value).collect();
    let with_time = tracks.iter().filter_map(|track| track.created);
    assert_eq!(times, with_time.map(|time| time as f64).collect::<Vec<_>>());
    let infos = shown.samples(Metric::TrackInfo, region);
    let actual: Vec<_> = infos
        .iter()
        .map(|it| INFO.map(|name| it.label(name).to_owned()))
        .collect();
    assert_eq!(actual, tracks.iter().map(info).collect::<Vec<_>>());
}

const INFO: [&str; 9] = [
    "track_id",
    "track",
    "action_type",
    "resource_type",
    "storage_type",
    "storage_region",
    "storage_name",
    "storage_prefix",
    "storage_account",
];

fn info(track: &Track) -> [String; 9] {
    let id = track.id.to_string();
    let storage = &track.storage;
    [
        &id,
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
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_LABEL_CHARS).collect()
}

/// Whether a sample is this whole number, which is small enough to be one.
fn is_number(value: f64, number: u64) -> bool {
    value.to_bits() == (number as f64).to_bits()
}
