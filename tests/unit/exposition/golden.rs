//! Compares the exposition of one account with golden files. `UPDATE_GOLDEN=1` rewrites the files.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::exposition::Metric;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{
    DeliveryReport, DeliveryState, Listing, RESERVED_LABELS, Status, Storage, StorageTarget, Track,
};

use super::lookup::{family, only_value, samples};
use super::scene::{Scene, denied, shown};
use super::{INTERVAL, MAX_LABEL_CHARS, STALE_AFTER};
use crate::support::text_format::{Sample, parse};
use crate::support::tracks::{listing, track};

#[test]
fn before_the_first_poll() {
    let scene = Scene::new(&["ap-guangzhou"]);
    scene.publish();
    assert_golden(&scene, "before_the_first_poll");
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
    assert_golden(&scene, "healthy");
}

#[test]
fn empty() {
    assert_golden(&Scene::empty(), "empty");
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
    assert_golden(&scene, "failing_with_last_good_data");
}

#[test]
fn failing_without_any() {
    assert_golden(&Scene::denied(), "failing_without_any");
}

#[test]
fn aged_out() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all")]));
    scene.pass(INTERVAL);
    scene.failed(0, denied());
    scene.publish();
    scene.pass(STALE_AFTER.saturating_sub(INTERVAL));
    assert_golden(&scene, "aged_out");
}

/// A stalled delivery, a failed check, and a check that is too old.
#[test]
fn deliveries() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(7, "audit-all")]));
    let target = |kind: &str, name: &str| StorageTarget {
        kind: kind.to_owned(),
        region: "ap-guangzhou".to_owned(),
        name: name.to_owned(),
        prefix: "trail".to_owned(),
    };
    let before = |time| scene.now.wall - time;
    let stalled = DeliveryReport {
        state: DeliveryState::Stalled,
        last_arrival: Some(before(2 * STALE_AFTER)),
        due: Some(before(STALE_AFTER)),
        last_check: Some(scene.now.wall),
        valid_until: Some(scene.now + 30 * INTERVAL),
        ..DeliveryReport::new(target("cos", "audit-log"))
    };
    let mut denied = DeliveryReport::new(target("cls", "topic"));
    denied.failures[Reason::Unauthorized] = 3;
    let old = DeliveryReport {
        state: DeliveryState::Arriving,
        valid_until: Some(scene.now + INTERVAL),
        ..stalled.clone()
    };
    let old = DeliveryReport {
        target: target("cos", "old-log"),
        due: None,
        ..old
    };
    scene.deliveries = Some([stalled, denied, old].map(Arc::new).to_vec());
    scene.publish();
    let state = |scene: &Scene, name: &str| {
        let families = scene.parsed();
        let states = samples(&families, Metric::DeliveryState, None);
        let is_present = |it: &&&Sample| it.label("storage_name") == name && it.value > 0.0;
        let present: Vec<_> = states.iter().filter(is_present).collect();
        assert_eq!(present.len(), 1, "{name}");
        present[0].label("state").to_owned()
    };
    assert_eq!(state(&scene, "old-log"), "arriving");
    scene.pass(INTERVAL);
    assert_eq!(
        state(&scene, "old-log"),
        "unknown",
        "the state expires without any event"
    );
    assert_golden(&scene, "deliveries");
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
    assert_golden(&scene, "unknown_status_and_storage_type");
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
    assert_golden(&scene, "odd_characters_in_names");
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
    assert_golden(&scene, "two_regions_that_disagree");
}

/// Seen tracks are updated, tracks that were not seen are unchanged, and coverage is unknown.
#[test]
fn incomplete_after_a_complete_listing() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    scene.listed(0, listing([track(1, "seen"), track(2, "not-seen")]));
    scene.pass(INTERVAL);
    scene.seen(0, listing([disabled(track(1, "seen")), track(3, "new")]));
    scene.publish();
    assert_golden(&scene, "incomplete_after_a_complete_listing");
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
    assert_golden(&scene, "account_labels");
}

/// An empty account has counts of 0, and an account with denied access has no counts.
#[test]
fn denied_access_differs_from_an_empty_account() {
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
fn configured_labels_are_never_truncated() {
    let mut scene = Scene::new(&["ap-guangzhou"]);
    let long = "x".repeat(MAX_LABEL_CHARS + 1);
    scene.info.labels = [("note".to_owned(), long.clone())].into();
    scene.publish();
    for sample in scene.parsed().iter().flat_map(|family| &family.samples) {
        assert_eq!(sample.label("note"), long);
    }
}

/// Compares the exposition with the golden file of this name.
pub(crate) fn assert_golden(scene: &Scene, name: &str) {
    let text = shown(&scene.publisher, scene.now);
    // Every label that a configured label could conflict with is reserved.
    for sample in parse(&text).iter().flat_map(|family| &family.samples) {
        for (label, _) in &sample.labels {
            let reserved = RESERVED_LABELS.contains(&label.as_str());
            assert!(reserved || scene.info.labels.contains_key(label), "{label}");
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
        .with_extension("prom");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).expect("a writable folder");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == golden,
        "{} differs (`make golden` rewrites it):\n{}",
        file.display(),
        difference(&golden, &text)
    );
}

/// Returns the lines that only one of the texts has.
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

pub(crate) fn disabled(track: Track) -> Track {
    Track {
        status: Status::Disabled,
        ..track
    }
}
