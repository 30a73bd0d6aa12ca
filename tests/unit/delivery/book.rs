//! The schedule of checks of storage targets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::clock::Moment;
use cloudaudit_exporter::delivery::{DeliveryBook, Due, TargetSettings};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{DeliveryReport, DeliveryState, StorageTarget};
use cloudaudit_exporter::tencent::storage::CheckResult;
use tokio::time::Instant;

use super::{RULES, minute, missing, moment, seen, target};

fn targets(names: &[&str]) -> BTreeMap<StorageTarget, TargetSettings> {
    let targets = names.iter().map(|name| {
        let mut target = target("cos");
        (*name).clone_into(&mut target.name);
        (target, TargetSettings::default())
    });
    targets.collect()
}

/// Runs every check that is due, and returns their number.
fn check_all(book: &mut DeliveryBook, now: Moment, result: &CheckResult) -> usize {
    let mut checks = 0;
    while let Some(job) = book.begin(now) {
        book.end(&job, result.clone(), None, now);
        checks += 1;
    }
    checks
}

#[test]
fn a_target_is_checked_once_per_interval_after_the_first_check() {
    let start = Instant::now();
    let mut book = DeliveryBook::new("prod", RULES, &[], moment(start, 0));
    assert_eq!(book.next_due(), None);
    let names: Vec<String> = (0..100).map(|number| format!("bucket{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    book.set_targets(targets(&names), moment(start, 0));
    let found = seen(Some(0), 0);
    assert_eq!(
        check_all(&mut book, moment(start, 0), &found),
        100,
        "all at once"
    );
    let per_minute: Vec<usize> = (1..=75)
        .map(|minute| check_all(&mut book, moment(start, minute), &found))
        .collect();
    assert_eq!(per_minute[..5].iter().sum::<usize>(), 0);
    assert_eq!(per_minute[15..].iter().sum::<usize>(), 6 * 100);
    assert!(
        per_minute.iter().all(|count| *count <= 25),
        "the checks are not spread out: {per_minute:?}"
    );
}

#[test]
fn a_missing_target_is_checked_again_after_a_minute() {
    let start = Instant::now();
    let mut book = DeliveryBook::new("prod", RULES, &[], moment(start, 0));
    book.set_targets(targets(&["gone"]), moment(start, 0));
    check_all(&mut book, moment(start, 0), &missing());
    assert_eq!(book.next_due(), Some(start + Duration::from_mins(1)));
    check_all(&mut book, moment(start, 1), &missing());
    assert_eq!(book.reports()[0].state, DeliveryState::Missing);
    assert!(book.next_due() > Some(start + Duration::from_mins(5)));
}

#[test]
fn a_restart_keeps_the_reports_and_the_schedule() {
    let start = Instant::now();
    let mut book = DeliveryBook::new("prod", RULES, &[], moment(start, 0));
    book.set_targets(targets(&["a", "b"]), moment(start, 0));
    check_all(&mut book, moment(start, 0), &seen(Some(0), 0));
    let known = book.reports();

    let mut resumed = DeliveryBook::new("prod", RULES, &known, moment(start, 4));
    assert_eq!(resumed.reports(), known, "shown before the first listing");
    resumed.set_targets(targets(&["a", "new"]), moment(start, 4));
    assert_eq!(
        check_all(&mut resumed, moment(start, 4), &seen(None, 4)),
        1,
        "the new one"
    );
    let names: Vec<String> = resumed
        .reports()
        .iter()
        .map(|it| it.target.name.clone())
        .collect();
    assert_eq!(names, ["a", "new"], "a target without a track is dropped");
}

#[test]
fn new_settings_are_checked_at_once_and_old_results_dropped() {
    let start = Instant::now();
    let mut book = DeliveryBook::new("prod", RULES, &[], moment(start, 0));
    book.set_targets(targets(&["a"]), moment(start, 0));
    let job = book.begin(moment(start, 0)).unwrap();
    let mut changed = targets(&["a"]);
    changed.values_mut().next().unwrap().app_id = "1250000000".to_owned();
    book.set_targets(changed.clone(), moment(start, 1));
    assert!(
        book.end(&job, seen(Some(0), 1), None, moment(start, 1))
            .is_none()
    );
    assert_eq!(book.next_due(), Some(start + Duration::from_mins(1)));
    assert_eq!(check_all(&mut book, moment(start, 1), &seen(Some(0), 1)), 1);
    book.set_targets(changed, moment(start, 2));
    assert_eq!(check_all(&mut book, moment(start, 2), &seen(Some(0), 2)), 0);
}

/// The APPID is a part of the bucket's name, so what is known is of another bucket.
#[test]
fn a_bucket_with_another_app_id_starts_again() {
    let start = Instant::now();
    let of_app_id = |app_id: &str| {
        let mut targets = targets(&["a"]);
        app_id.clone_into(&mut targets.values_mut().next().unwrap().app_id);
        targets
    };
    let is_known = |book: &DeliveryBook| book.reports()[0].last_arrival.is_some();
    let mut book = DeliveryBook::new("prod", RULES, &[], moment(start, 0));
    book.set_targets(of_app_id("1250000001"), moment(start, 0));
    let failure = Failure::new(Reason::Throttled, "too many");
    check_all(&mut book, moment(start, 0), &CheckResult::Failed(failure));
    check_all(&mut book, moment(start, 20), &seen(Some(20), 20));
    book.set_targets(of_app_id("1250000001"), moment(start, 21));
    assert!(is_known(&book));
    book.set_targets(of_app_id("1250000002"), moment(start, 21));
    let report = Arc::clone(&book.reports()[0]);
    assert_eq!((report.last_arrival, report.last_check), (None, None));
    assert_eq!(report.state_at(moment(start, 21)), DeliveryState::Unknown);
    assert_eq!(report.failures[Reason::Throttled], 1);
    assert_eq!(book.next_due(), Some(moment(start, 21).steady));

    // The APPID is configured instead, and a reload changes it.
    check_all(&mut book, moment(start, 22), &seen(Some(22), 22));
    for (app_id, expected) in [("1250000002", true), ("1250000003", false)] {
        let book = DeliveryBook::new("prod", RULES, &book.reports(), moment(start, 23));
        let mut book = book.with_app_id(Some(app_id.to_owned()));
        book.set_targets(targets(&["a"]), moment(start, 23));
        assert_eq!(is_known(&book), expected, "{app_id}");
    }

    // Cloud Access Management has returned the same APPID that is configured later, or was before.
    let mut looked_up = DeliveryBook::new("prod", RULES, &book.reports(), moment(start, 23));
    for app_id in [None, Some("1250000002"), None, Some("1250000002")] {
        let book = DeliveryBook::new("prod", RULES, &looked_up.reports(), moment(start, 23));
        let mut book = book.with_app_id(app_id.map(str::to_owned));
        book.set_targets(targets(&["a"]), moment(start, 23));
        assert!(is_known(&book), "{app_id:?}");
        looked_up = book;
    }

    // The state file of an earlier version does not name it.
    let mut report = DeliveryReport::clone(&book.reports()[0]);
    report.app_id = None;
    let mut book = DeliveryBook::new("prod", RULES, &[Arc::new(report)], moment(start, 23));
    book.set_targets(of_app_id("1250000003"), moment(start, 23));
    assert!(is_known(&book));
}

/// A restart between two checks of which the second confirms the first does not delay it.
#[test]
fn a_restart_keeps_a_confirmation() {
    let overdue = || Some(Due::Overdue(minute(10)));
    for (result, due, expected) in [
        (seen(Some(0), 60), overdue(), DeliveryState::Stalled),
        (missing(), None, DeliveryState::Missing),
    ] {
        let start = Instant::now();
        let at = |minutes| moment(start, minutes);
        let check = |book: &mut DeliveryBook, now: u64| {
            let job = book.begin(at(now)).unwrap();
            book.end(&job, result.clone(), due.clone(), at(now));
            (book.reports(), book.next_due().unwrap())
        };
        let book = || DeliveryBook::new("prod", RULES, &[], at(60));
        let mut first = book();
        first.set_targets(targets(&["a"]), at(60));
        let (known, _) = check(&mut first, 60);

        for (restart, next) in [(60, 61), (61, 61), (64, 64)] {
            let mut second = DeliveryBook::new("prod", RULES, &known, at(restart));
            second.set_targets(targets(&["a"]), at(restart));
            assert_eq!(second.next_due(), Some(at(next).steady));
            let (known, later) = check(&mut second, next);
            assert_eq!(known[0].state, expected);
            assert!(later >= at(next + 5).steady);
            // A confirmed state waits for the next turn.
            let mut third = DeliveryBook::new("prod", RULES, &known, at(next));
            third.set_targets(targets(&["a"]), at(next));
            assert!(third.next_due().unwrap() >= at(next + 5).steady);
        }
    }
}
