//! Invariants for every history of operations, deliveries and checks.

use std::time::Duration;

use cloudaudit_exporter::delivery::Due;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::snapshot::DeliveryState;
use cloudaudit_exporter::tencent::storage::CheckResult;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{RULES, bucket, minute, missing, moment};

/// One step of a history.
#[derive(Clone, Debug)]
struct Step {
    /// The minutes before the step.
    wait: u64,
    /// Whether an operation is recorded.
    operation: bool,
    /// Whether everything that was recorded so far is delivered.
    delivery: bool,
    check: Option<Check>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Check {
    Good,
    /// The listing lacks what arrived in the last minute.
    Behind,
    Gone,
    Denied,
    Impossible,
    /// The target exists, and the check shows no more.
    Exists,
}

fn step() -> impl Strategy<Value = Step> {
    let check = prop_oneof![
        2 => Just(None),
        6 => Just(Some(Check::Good)),
        1 => Just(Some(Check::Behind)),
        1 => Just(Some(Check::Gone)),
        1 => Just(Some(Check::Denied)),
        1 => Just(Some(Check::Impossible)),
        1 => Just(Some(Check::Exists)),
    ];
    let delivery = prop::bool::weighted(0.3);
    (0..25_u64, any::<bool>(), delivery, check).prop_map(|(wait, operation, delivery, check)| {
        Step {
            wait,
            operation,
            delivery,
            check,
        }
    })
}

proptest! {
    #[test]
    fn states_never_claim_more_than_the_checks_saw(steps in prop::collection::vec(step(), 1..60)) {
        let start = Instant::now();
        let grace = RULES.grace.as_secs() / 60;
        let mut report = bucket();
        let (mut now, mut undelivered, mut arrivals) = (100_u64, Vec::new(), Vec::new());
        let mut gone_at = Vec::new();
        for step in steps {
            now += step.wait;
            if step.operation {
                undelivered.push(now);
            }
            if step.delivery && !undelivered.is_empty() {
                undelivered.clear();
                arrivals.push(now);
            }
            let Some(check) = step.check else { continue };
            let newest = match check {
                Check::Behind => arrivals.iter().rev().find(|at| **at + 1 < now),
                _ => arrivals.last(),
            };
            let result = match check {
                Check::Good | Check::Behind => CheckResult::Seen {
                    newest: newest.copied().map(minute),
                    cloud_now: minute(now),
                    cursor: None,
                    skipped: None,
                },
                Check::Gone => missing(),
                Check::Denied => CheckResult::Failed(Failure::new(Reason::Unauthorized, "denied")),
                Check::Impossible => CheckResult::Impossible { why: "no APPID".to_owned() },
                Check::Exists => CheckResult::Exists { why: "no index".to_owned() },
            };
            let due = RULES.question(&report, None, &result).map(|question| {
                let later = undelivered.iter().filter(|at| minute(**at) > question.after);
                match later.min() {
                    Some(oldest) if now - oldest > grace => Due::Overdue(minute(*oldest)),
                    Some(_) => Due::Pending,
                    None => Due::Nothing,
                }
            });
            let before = report.clone();
            let at = moment(start, now);
            RULES.enter(&mut report, None, result, due, at);

            let truth = arrivals.last().copied().map(minute);
            prop_assert!(report.last_arrival <= truth, "later than the real arrival");
            prop_assert!(report.last_arrival >= before.last_arrival, "the last arrival went back");
            let is_seen = matches!(check, Check::Good | Check::Behind);
            if !is_seen {
                prop_assert_eq!(report.last_arrival, before.last_arrival);
                prop_assert_eq!(report.due, before.due);
            }
            let state = report.state_at(at);
            // One check that did not find the target keeps the state that the ones before have proven.
            let is_kept = check == Check::Gone && state == before.state_at(at);
            match state {
                _ if is_kept && state != DeliveryState::Missing => {}
                DeliveryState::Arriving | DeliveryState::Quiet | DeliveryState::Unproven => {
                    prop_assert!(is_seen, "{:?} after {:?}", report.state, check);
                }
                DeliveryState::Stalled => {
                    prop_assert!(is_seen);
                    // An arrival of the last minute may be missing in the listing.
                    let is_late = arrivals.last().is_some_and(|at| *at >= now.saturating_sub(1));
                    let overdue = |at: &u64| now - at > grace;
                    prop_assert!(is_late || undelivered.iter().any(overdue), "nothing was due");
                }
                DeliveryState::Missing => {
                    prop_assert_eq!(check, Check::Gone);
                    prop_assert!(gone_at.iter().any(|at| *at < now), "missing after one check");
                }
                DeliveryState::Unknown => {}
            }
            match check {
                Check::Gone => gone_at.push(now),
                Check::Good | Check::Behind | Check::Exists => gone_at.clear(),
                _ => {}
            }
            let aged = at + 3 * RULES.interval;
            prop_assert_eq!(report.state_at(aged), DeliveryState::Unknown);
            let nearly = at + (3 * RULES.interval).saturating_sub(Duration::from_secs(1));
            let is_confirmed = report.valid_until.is_none_or(|until| until == aged);
            prop_assert!(is_confirmed || report.state_at(nearly) == DeliveryState::Unknown);
            prop_assert!(!is_confirmed || report.state_at(nearly) == report.state);
        }
    }
}
