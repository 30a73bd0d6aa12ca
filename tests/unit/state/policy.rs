//! When to write, by arithmetic alone.

use std::time::Duration;

use cloudaudit_exporter::state::{Difference, FACTS_WAIT, Policy, RETRY_WAIT, TIMES_WAIT};
use proptest::prelude::*;
use tokio::time::Instant;

#[test]
fn where_nothing_differs_nothing_is_written() {
    let mut policy = Policy::default();
    policy.saw(Difference::Nothing, Instant::now());
    assert_eq!(policy.next_write(), None);
}

#[test]
fn a_fact_is_written_soon_and_a_time_once_a_minute() {
    let now = Instant::now();
    let mut policy = Policy::default();
    policy.saw(Difference::Times, now);
    assert_eq!(policy.next_write(), Some(now + Duration::from_mins(1)));
    let later = now + Duration::from_secs(10);
    policy.saw(Difference::Facts, later);
    assert_eq!(policy.next_write(), Some(later + FACTS_WAIT));
    assert!(FACTS_WAIT < Duration::from_secs(5));
}

#[test]
fn looking_again_puts_nothing_off() {
    let now = Instant::now();
    let mut policy = Policy::default();
    for second in 0..59 {
        policy.saw(Difference::Times, now + Duration::from_secs(second));
    }
    assert_eq!(policy.next_write(), Some(now + TIMES_WAIT));

    // A fact that is nearly a minute late is not written later for being a fact.
    policy.saw(Difference::Facts, now + Duration::from_secs(59));
    assert_eq!(policy.next_write(), Some(now + TIMES_WAIT));
}

#[test]
fn a_write_resets_the_policy() {
    let now = Instant::now();
    let mut policy = Policy::default();
    policy.saw(Difference::Facts, now);
    policy.began();
    assert_eq!(policy.next_write(), None);
    let later = now + Duration::from_secs(4);
    policy.saw(Difference::Times, later);
    assert_eq!(policy.next_write(), Some(later + TIMES_WAIT));
}

#[test]
fn a_failed_write_is_tried_again_but_not_at_once() {
    let now = Instant::now();
    let mut policy = Policy::default();
    policy.saw(Difference::Facts, now);
    policy.began();
    policy.failed(now);
    assert_eq!(
        policy.next_write(),
        None,
        "no retry until the next snapshot"
    );
    policy.saw(Difference::Facts, now);
    assert_eq!(policy.next_write(), Some(now + RETRY_WAIT));
    let later = now + RETRY_WAIT;
    policy.began();
    policy.saw(Difference::Facts, later);
    assert_eq!(policy.next_write(), Some(later + FACTS_WAIT), "once");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is seen second by second: facts wait no longer than their time, times no longer
    /// than theirs, and no two writes are nearer to each other than facts have to wait.
    #[test]
    fn nothing_waits_too_long_and_writes_keep_their_distance(seen in prop::collection::vec(0..3_u8, 1..400)) {
        let start = Instant::now();
        let mut policy = Policy::default();
        let mut written: Option<Instant> = None;
        let mut differs_since: [Option<Instant>; 2] = [None, None];
        for (second, seen) in (0..).zip(seen) {
            let now = start + Duration::from_secs(second);
            let difference = [Difference::Nothing, Difference::Times, Difference::Facts][usize::from(seen)];
            if difference != Difference::Nothing {
                differs_since[0].get_or_insert(now);
            }
            if difference == Difference::Facts {
                differs_since[1].get_or_insert(now);
            }
            policy.saw(difference, now);
            if policy.next_write().is_some_and(|due| due <= now) {
                prop_assert!(differs_since[0].is_some(), "nothing differs");
                prop_assert!(written.is_none_or(|last| now - last >= FACTS_WAIT));
                written = Some(now);
                differs_since = [None, None];
                policy.began();
            }
            prop_assert!(differs_since[0].is_none_or(|since| now - since < TIMES_WAIT));
            prop_assert!(differs_since[1].is_none_or(|since| now - since < FACTS_WAIT));
        }
    }
}
