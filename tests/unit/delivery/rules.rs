//! The table of states, row by row.

use std::time::Duration;

use cloudaudit_exporter::delivery::{Due, Question};
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::{DeliveryReport, DeliveryState};
use cloudaudit_exporter::tencent::storage::CheckResult;
use tokio::time::Instant;

use super::{RULES, bucket, minute, missing, moment, seen, target};

/// A delivery report and the checks that were entered into it.
struct Play {
    report: DeliveryReport,
    start: Instant,
    since: Option<u64>,
}

impl Play {
    fn new() -> Self {
        Self::of(bucket())
    }

    fn of(report: DeliveryReport) -> Self {
        Self {
            report,
            start: Instant::now(),
            since: None,
        }
    }

    fn check(&mut self, now: u64, result: CheckResult, due: Due) -> DeliveryState {
        self.enter(now, result, due);
        self.report.state_at(moment(self.start, now))
    }

    /// Returns whether the check must be confirmed.
    fn enter(&mut self, now: u64, result: CheckResult, due: Due) -> bool {
        let since = self.since.map(minute);
        let question = RULES.question(&self.report, since, &result);
        let due = question.map(|_| due);
        let now = moment(self.start, now);
        RULES.enter(&mut self.report, since, result, due, now)
    }
}

fn failed() -> CheckResult {
    CheckResult::Failed(Failure::new(
        Reason::Unauthorized,
        "cos:GetBucket is denied",
    ))
}

#[test]
fn an_arrival_within_the_grace_is_arriving() {
    let mut play = Play::new();
    assert_eq!(
        play.check(60, seen(Some(30), 60), Due::Nothing),
        DeliveryState::Arriving
    );
    assert_eq!(play.report.last_arrival, Some(minute(30)));
    assert_eq!(play.report.last_check, Some(minute(60)));
    // The check needs no operation records.
    let recent = seen(Some(65), 70);
    assert_eq!(RULES.question(&play.report, None, &recent), None);
}

#[test]
fn an_older_arrival_depends_on_what_was_due() {
    for (due, expected) in [
        (Due::Nothing, DeliveryState::Quiet),
        (Due::Pending, DeliveryState::Arriving),
        (
            Due::Unknown {
                why: "denied".to_owned(),
            },
            DeliveryState::Unknown,
        ),
    ] {
        let mut play = Play::new();
        assert_eq!(play.check(61, seen(Some(30), 61), due), expected);
        assert_eq!(play.report.due, None);
    }
    let question = RULES.question(&bucket(), None, &seen(Some(30), 61));
    let expected = Question {
        after: minute(30),
        cloud_now: minute(61),
    };
    assert_eq!(question, Some(expected));
}

#[test]
fn two_checks_in_a_row_prove_a_stall() {
    let mut play = Play::new();
    assert!(
        play.enter(90, seen(Some(30), 90), Due::Overdue(minute(50))),
        "confirm it soon"
    );
    assert_eq!(play.report.state, DeliveryState::Unknown);
    assert_eq!(play.report.due, None, "unconfirmed");
    assert_eq!(
        play.check(91, seen(None, 91), Due::Overdue(minute(50))),
        DeliveryState::Stalled
    );
    // The operation is known now, so the next check needs no records.
    assert_eq!(RULES.question(&play.report, None, &seen(None, 101)), None);
    assert_eq!(
        play.check(101, seen(None, 101), Due::Nothing),
        DeliveryState::Stalled
    );
    assert_eq!(play.report.due, Some(minute(50)));

    assert_eq!(
        play.check(111, seen(Some(105), 111), Due::Nothing),
        DeliveryState::Arriving
    );
    assert_eq!(play.report.due, None);
}

#[test]
fn a_failed_check_restarts_the_confirmation_and_changes_no_times() {
    let mut play = Play::new();
    play.enter(90, seen(Some(30), 90), Due::Overdue(minute(50)));
    let before = play.report.clone();
    assert_eq!(
        play.check(91, failed(), Due::Nothing),
        DeliveryState::Unknown
    );
    assert_eq!(play.report.last_arrival, before.last_arrival);
    assert_eq!(play.report.last_check, before.last_check);
    assert_eq!(play.report.due, before.due);
    assert_eq!(play.report.failures[Reason::Unauthorized], 1);
    assert!(play.report.explanation.contains("cos:GetBucket is denied"));
    let overdue = || Due::Overdue(minute(50));
    let first = play.check(101, seen(None, 101), overdue());
    assert_eq!(
        first,
        DeliveryState::Unknown,
        "one check after the failed one"
    );
    assert_eq!(
        play.check(102, seen(None, 102), overdue()),
        DeliveryState::Stalled
    );
    // The confirmed operation stays known.
    play.enter(110, failed(), Due::Nothing);
    assert_eq!(play.report.due, Some(minute(50)));
}

#[test]
fn a_target_is_missing_if_two_checks_a_minute_apart_do_not_find_it() {
    let mut play = Play::new();
    play.enter(0, seen(Some(0), 0), Due::Nothing);
    assert!(play.enter(10, missing(), Due::Nothing), "confirm it soon");
    assert_eq!(play.report.state, DeliveryState::Arriving, "unconfirmed");
    assert!(
        play.enter(10, missing(), Due::Nothing),
        "less than a minute later"
    );
    assert_eq!(play.report.state, DeliveryState::Arriving);
    assert_eq!(
        play.check(11, missing(), Due::Nothing),
        DeliveryState::Missing
    );
    assert_eq!(play.report.explanation, "the bucket does not exist");
    assert_eq!(play.report.last_arrival, Some(minute(0)));
    assert!(!play.enter(21, missing(), Due::Nothing), "once is enough");
    // It exists again, so the next absence needs two checks too.
    assert_eq!(
        play.check(31, seen(Some(30), 31), Due::Nothing),
        DeliveryState::Arriving
    );
    assert_eq!(
        play.check(41, missing(), Due::Nothing),
        DeliveryState::Arriving
    );
}

/// Whatever shows that the target exists ends a row of checks that did not find it.
#[test]
fn a_proof_of_existence_ends_an_absence() {
    let exists = || CheckResult::Exists {
        why: "CKafka does not tell more".to_owned(),
    };
    let impossible = || CheckResult::Impossible {
        why: "no APPID".to_owned(),
    };
    let mut play = Play::new();
    for (between, expected) in [
        (exists(), DeliveryState::Unknown),
        (seen(None, 20), DeliveryState::Unproven),
        (impossible(), DeliveryState::Missing),
        (failed(), DeliveryState::Missing),
    ] {
        play.enter(0, exists(), Due::Nothing);
        assert_eq!(play.report.last_check, Some(minute(0)));
        play.enter(10, missing(), Due::Nothing);
        play.enter(20, between.clone(), Due::Nothing);
        let state = play.check(30, missing(), Due::Nothing);
        assert_eq!(state, expected, "{between:?}");
    }
}

#[test]
fn too_many_operations_to_know_the_oldest_are_a_stall_without_a_time() {
    let mut play = Play::new();
    play.enter(60, seen(Some(30), 60), Due::Nothing);
    let some = || Due::SomeOverdue;
    let first = play.check(70, seen(None, 70), some());
    assert_eq!(first, DeliveryState::Arriving, "unconfirmed");
    assert_eq!(
        play.check(71, seen(None, 71), some()),
        DeliveryState::Stalled
    );
    assert_eq!(play.report.due, None);
    // The next check knows it.
    let overdue = Due::Overdue(minute(31));
    assert_eq!(
        play.check(81, seen(None, 81), overdue),
        DeliveryState::Stalled
    );
    assert_eq!(play.report.due, Some(minute(31)));
}

#[test]
fn a_target_without_any_arrival_is_unproven() {
    let mut play = Play::new();
    let empty = seen(None, 60);
    assert_eq!(RULES.question(&play.report, None, &empty), None);
    assert_eq!(
        play.check(60, empty, Due::Overdue(minute(1))),
        DeliveryState::Unproven
    );
    assert_eq!(play.report.last_arrival, None);
    assert_eq!(play.report.last_check, Some(minute(60)));
}

#[test]
fn arrivals_before_a_change_of_settings_prove_nothing() {
    let mut play = Play::new();
    play.enter(90, seen(Some(30), 90), Due::Overdue(minute(50)));
    play.since = Some(92);
    let state = play.check(95, seen(None, 95), Due::Overdue(minute(50)));
    assert_eq!(state, DeliveryState::Unproven);
    assert_eq!(
        play.report.last_arrival,
        Some(minute(30)),
        "still the newest object"
    );
    assert_eq!(play.report.due, None);
    assert_eq!(
        play.check(105, seen(Some(93), 130), Due::Nothing),
        DeliveryState::Quiet
    );
}

/// A check that did not look everywhere does not prove that nothing arrives.
#[test]
fn silence_is_unknown_if_folders_were_skipped() {
    let skipping = |newest: Option<u64>, now: u64| match seen(newest, now) {
        CheckResult::Seen {
            newest,
            cloud_now,
            cursor,
            ..
        } => CheckResult::Seen {
            newest,
            cloud_now,
            cursor,
            skipped: Some("there are more folders".to_owned()),
        },
        other => other,
    };
    let overdue = || Due::Overdue(minute(50));
    let mut play = Play::new();
    assert_eq!(
        play.check(60, skipping(None, 60), Due::Nothing),
        DeliveryState::Unknown
    );
    assert!(play.report.explanation.contains("more folders"));
    play.enter(70, skipping(Some(30), 70), Due::Nothing);
    assert_eq!(play.report.state, DeliveryState::Quiet, "nothing was due");
    for now in [90, 91, 92] {
        assert!(!play.enter(now, skipping(None, now), overdue()));
        assert_eq!(play.report.state, DeliveryState::Unknown);
        assert_eq!(play.report.due, None);
    }
    assert_eq!(
        play.check(100, skipping(Some(95), 100), Due::Nothing),
        DeliveryState::Arriving
    );
}

#[test]
fn a_target_that_cannot_be_checked_is_unknown() {
    let mut play = Play::new();
    play.enter(0, seen(Some(0), 0), Due::Nothing);
    let why = "the topic has no index".to_owned();
    let result = CheckResult::Impossible { why: why.clone() };
    assert_eq!(play.check(10, result, Due::Nothing), DeliveryState::Unknown);
    assert_eq!(play.report.explanation, why);
    assert_eq!(play.report.failures.values().sum::<u64>(), 0);
}

#[test]
fn a_state_is_valid_for_three_intervals() {
    let mut play = Play::new();
    play.enter(0, seen(Some(0), 0), Due::Nothing);
    let [last, later] = [29, 30].map(|at| moment(play.start, at));
    assert_eq!(play.report.state_at(last), DeliveryState::Arriving);
    assert_eq!(play.report.explanation_at(last), "");
    assert_eq!(play.report.state_at(later), DeliveryState::Unknown);
    assert!(
        play.report
            .explanation_at(later)
            .contains("three intervals")
    );
}

/// A log topic shows the minute of a record, and not its second.
#[test]
fn an_operation_in_the_newest_minute_of_a_topic_has_arrived() {
    let topic = DeliveryReport::new(target("cls"));
    let question = RULES.question(&topic, None, &seen(Some(30), 90));
    assert_eq!(question.unwrap().after, minute(31));
    let mut play = Play::of(topic);
    for now in [89, 90] {
        play.enter(now, seen(Some(30), now), Due::Overdue(minute(32)));
    }
    assert_eq!(play.report.due, Some(minute(32)));
    play.enter(91, seen(Some(31), 91), Due::Nothing);
    assert_eq!(play.report.due, None, "it may be in that minute");
}

#[test]
fn an_arrival_later_than_the_response_counts_as_of_the_response() {
    let mut play = Play::new();
    play.enter(10, seen(Some(1000), 10), Due::Nothing);
    assert_eq!(play.report.last_arrival, Some(minute(10)));
    play.enter(20, seen(Some(5), 20), Due::Nothing);
    assert_eq!(
        play.report.last_arrival,
        Some(minute(10)),
        "it never goes back"
    );
}

#[test]
fn a_restart_keeps_the_state_until_it_is_too_old() {
    let mut play = Play::new();
    play.enter(0, seen(Some(0), 0), Due::Nothing);
    let later = Instant::now() + Duration::from_hours(1);
    let resume = |minutes: u64| {
        let mut report = play.report.clone();
        let now = moment(later, minutes);
        RULES.resume(&mut report, now);
        (report.state_at(now), report)
    };
    assert_eq!(resume(29).0, DeliveryState::Arriving);
    assert_eq!(resume(29).1.valid_until, Some(moment(later, 30)));
    assert_eq!(resume(30).0, DeliveryState::Unknown);
    assert_eq!(resume(30).1.last_arrival, play.report.last_arrival);
}

/// The clock of the server was wrong, or the local clock when the state was saved.
#[test]
fn the_next_check_corrects_an_arrival_in_the_future() {
    let mut report = bucket();
    report.last_arrival = Some(minute(100_000));
    let mut play = Play::of(report);
    let overdue = || Due::Overdue(minute(50));
    assert_eq!(
        play.check(90, seen(Some(30), 90), overdue()),
        DeliveryState::Unknown
    );
    assert_eq!(play.report.last_arrival, Some(minute(30)));
    assert_eq!(
        play.check(91, seen(Some(30), 91), overdue()),
        DeliveryState::Stalled
    );
    // The clocks of two servers differ slightly.
    let mut play = Play::new();
    play.enter(15, seen(Some(15), 15), Due::Nothing);
    play.enter(14, seen(Some(2), 14), Due::Nothing);
    assert_eq!(play.report.last_arrival, Some(minute(15)));
}
