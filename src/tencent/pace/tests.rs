//! The slots of a pace, and its ceiling after throttled requests.

use proptest::prelude::*;

use super::*;

/// [`CATCH_UP`] in microseconds.
const CATCH_UP_MICROS: u64 = 5_000;

const SECOND: Duration = Duration::from_secs(1);

fn pace(rate: impl Into<f64>) -> Pace {
    Pace::new(rate, SourceIpLimit::default())
}

/// Returns the times at which calls are sent if each call comes later than allowed by `lateness`.
fn sent_at(rate: u32, lateness: impl IntoIterator<Item = u64>) -> Vec<Instant> {
    let mut pace = pace(rate);
    let mut now = Instant::now();
    let mut sent = Vec::new();
    for micros in lateness {
        now = now.max(pace.next(now)) + Duration::from_micros(micros);
        pace.sent(now);
        sent.push(now);
    }
    sent
}

/// Returns the most calls in any one second, its beginning included and its end not.
fn busiest_second(sent: &[Instant]) -> usize {
    let in_second = |from: usize| {
        let window = sent[from..].iter();
        window.take_while(|at| **at - sent[from] < SECOND).count()
    };
    (0..sent.len()).map(in_second).max().unwrap_or(0)
}

fn assert_ceiling(pace: &Pace, now: Instant, expected: f64) {
    let ceiling = pace.per_second(now);
    assert!(
        (ceiling - expected).abs() < 1e-6,
        "{ceiling}, not {expected}"
    );
}

#[test]
fn a_refusal_halves_at_most_once_a_second() {
    let mut pace = pace(16);
    let start = Instant::now();
    assert_ceiling(&pace, start, 16.0);
    for (millis, expected) in [(0, 8.0), (1, 8.0), (999, 8.0), (1_000, 4.0), (1_999, 4.0)] {
        let now = start + Duration::from_millis(millis);
        pace.throttled(now, LimitScope::Identity);
        assert_ceiling(&pace, now, expected);
    }
}

#[test]
fn a_refusal_never_takes_it_below_one() {
    for rate in [1, 2, 3, 10, 20, 200] {
        let mut pace = pace(rate);
        let start = Instant::now();
        for second in 0..3_600 {
            pace.throttled(start + SECOND * second, LimitScope::Identity);
        }
        let end = start + SECOND * 3_599;
        assert_ceiling(&pace, end, 1.0);
        // And it has not sunk out of sight below that either.
        let after = end + SECOND + Duration::from_secs(6);
        assert_ceiling(
            &pace,
            after,
            1.0_f64.max(f64::from(rate).min(1.0 + f64::from(rate) / 10.0)),
        );
    }
}

#[test]
fn after_a_second_without_one_it_grows_by_a_sixtieth_of_the_configured_rate_a_second() {
    let mut pace = pace(12);
    let start = Instant::now();
    pace.throttled(start, LimitScope::Identity);
    pace.throttled(start + Duration::from_millis(500), LimitScope::Identity);
    for (millis, expected) in [
        (500, 6.0),
        (1_500, 6.0), // the second counts from the last refusal, whether it halved or not
        (2_500, 6.2),
        (7_000, 7.1),
        (31_500, 12.0),
        (1_000_000, 12.0),
    ] {
        assert_ceiling(&pace, start + Duration::from_millis(millis), expected);
    }
    // From where it has grown to, it halves again.
    let later = start + SECOND * 7;
    pace.throttled(later, LimitScope::Identity);
    assert_ceiling(&pace, later, 3.55);
}

#[test]
fn from_the_bottom_to_the_top_takes_a_minute() {
    let mut pace = pace(20);
    let start = Instant::now();
    for second in 0..20 {
        pace.throttled(start + SECOND * second, LimitScope::Identity);
    }
    let bottom = start + SECOND * 19;
    assert_ceiling(&pace, bottom, 1.0);
    assert!(pace.per_second(bottom + SECOND * 57) < 20.0);
    assert_ceiling(&pace, bottom + SECOND * 58, 20.0);
}

#[test]
fn throttling_of_an_address_slows_only_the_callers_with_that_address() {
    let address = SourceIpLimit::default();
    let mut one = Pace::new(20, address.clone());
    let two = Pace::new(10, address.clone());
    let slow = Pace::new(1, address.clone());
    let elsewhere = pace(20);
    let start = Instant::now();
    one.throttled(start, LimitScope::SourceIp);
    assert_ceiling(&one, start, 10.0);
    assert_ceiling(&two, start, 5.0);
    assert_ceiling(&slow, start, 1.0);
    assert_ceiling(&elsewhere, start, 20.0);
    // One that is made while the address is braked is braked.
    assert_ceiling(&Pace::new(8, address), start, 4.0);
    let later = start + SECOND * 7;
    assert_ceiling(&one, later, 12.0);
    assert_ceiling(&two, later, 6.0);

    // A refusal for the identity is its own affair.
    one.throttled(later + SECOND * 60, LimitScope::Identity);
    assert_ceiling(&one, later + SECOND * 60, 10.0);
    assert_ceiling(&two, later + SECOND * 60, 10.0);
}

/// Both limits are met in one second: the stricter of two halves is a half.
#[test]
fn two_limits_at_once_halve_once() {
    let mut pace = pace(20);
    let start = Instant::now();
    pace.throttled(start, LimitScope::Identity);
    pace.throttled(start + Duration::from_millis(10), LimitScope::SourceIp);
    assert_ceiling(&pace, start + Duration::from_millis(10), 10.0);
}

#[test]
fn the_next_call_moves_with_the_ceiling() {
    let mut pace = pace(10);
    let start = Instant::now();
    pace.sent(start);
    let gap = pace.next(start) - start;
    pace.throttled(start, LimitScope::Identity);
    assert_eq!(pace.next(start) - start, gap * 2);
    let recovered = start + SECOND * 31;
    assert_eq!(pace.next(recovered) - start, gap);
}

proptest! {
    /// Whatever is refused and when: the ceiling stays within its bounds, never falls to less than
    /// half within a second, and never grows quicker than it may.
    #[test]
    fn the_ceiling_keeps_to_its_bounds(
        rate in 1_u32..=200,
        refusals in prop::collection::vec((0_u64..4_000, any::<bool>()), 1..200),
    ) {
        let mut pace = pace(rate);
        let mut now = Instant::now();
        let mut seen: Vec<(Instant, f64)> = vec![(now, f64::from(rate))];
        for (millis, address) in refusals {
            now += Duration::from_millis(millis);
            let before = pace.per_second(now);
            let (then, had) = *seen.last().unwrap();
            let won = f64::from(rate) / 60.0 * (now - then).as_secs_f64();
            prop_assert!(before <= had + won + 1e-9);
            pace.throttled(now, if address { LimitScope::SourceIp } else { LimitScope::Identity });
            let after = pace.per_second(now);
            prop_assert!(after >= 1.0 && after <= f64::from(rate));
            seen.push((now, after));
            let within_a_second = seen.iter().rev().take_while(|(at, _)| now - *at < SECOND);
            for (_, ceiling) in within_a_second {
                prop_assert!(after >= (ceiling / 2.0 - 1e-9).max(1.0), "{ceiling} fell to {after}");
            }
        }
    }

    /// Slowing down and speeding up in mid-flight puts no call too many into any second.
    #[test]
    fn no_second_holds_more_than_the_configured_rate(
        rate in 1_u32..=100,
        steps in prop::collection::vec((0_u64..=5_000, prop::bool::weighted(0.05)), 1..600),
    ) {
        let mut pace = pace(rate);
        let mut now = Instant::now();
        let mut sent: Vec<Instant> = Vec::new();
        for (late, refused) in steps {
            now = now.max(pace.next(now)) + Duration::from_micros(late);
            pace.sent(now);
            sent.push(now);
            if refused {
                pace.throttled(now, LimitScope::Identity);
            }
        }
        for (index, first) in sent.iter().enumerate() {
            let window = sent[index..].iter().take_while(|at| **at - *first < SECOND);
            prop_assert!(window.count() <= rate as usize);
        }
    }
}

proptest! {
    /// Callers come when they may, or a little late, or very late after a pause: what a server
    /// counts in any second is never more than the rate.
    #[test]
    fn no_second_holds_more_than_the_rate(
        rate in 1_u32..=200,
        lateness in prop::collection::vec(
            prop_oneof![
                4 => 0..=CATCH_UP_MICROS,
                1 => Just(CATCH_UP_MICROS),
                1 => Just(0),
                1 => 0..3_000_000_u64,
            ],
            1..700,
        ),
    ) {
        let sent = sent_at(rate, lateness);
        prop_assert!(busiest_second(&sent) <= rate as usize);
    }

    /// The worst order: one that is as late as may be, and then none that is late at all.
    #[test]
    fn not_even_when_the_first_is_late_and_the_rest_catch_up(
        rate in 1_u32..=200,
        late in 0..=CATCH_UP_MICROS,
        pause in 0..3_000_000_u64,
    ) {
        let lateness = [0, pause, late].into_iter().chain(std::iter::repeat_n(0, 450));
        prop_assert!(busiest_second(&sent_at(rate, lateness)) <= rate as usize);
    }

    /// Lateness up to the documented bound does not add up: a hundred calls take 99 gaps.
    #[test]
    fn no_slot_is_lost(
        rate in 1_u32..=200,
        lateness in prop::collection::vec(0..=CATCH_UP_MICROS, 2..300),
    ) {
        let late = Duration::from_micros(*lateness.last().unwrap());
        let gaps = u32::try_from(lateness.len() - 1).unwrap();
        let punctual = sent_at(rate, [0, 0]);
        let gap = punctual[1] - punctual[0];
        let sent = sent_at(rate, lateness);
        // The first call has no slot to be late for: the slots begin where it goes out.
        let took = *sent.last().unwrap() - sent[0];
        prop_assert_eq!(took, gap * gaps + late);
    }

    /// What was not used is gone: a pause earns no burst.
    #[test]
    fn a_pause_earns_nothing(rate in 1_u32..=200, pause in 1_u64..1_000) {
        let mut pace = pace(rate);
        let start = Instant::now();
        pace.sent(start);
        let later = start + Duration::from_secs(pause);
        prop_assert!(pace.next(later) <= start + Duration::from_millis(1_100));
        pace.sent(later);
        let gap = pace.next(later) - later;
        let catch_up = Duration::from_micros(CATCH_UP_MICROS);
        prop_assert!(gap + catch_up >= SECOND / rate, "{gap:?}");
    }
}

#[test]
fn the_first_call_goes_out_at_once_and_a_rate_of_nothing_is_very_slow() {
    let now = Instant::now();
    assert_eq!(pace(10).next(now), now);
    assert!((pace(10).per_second(now) - 10.0).abs() < f64::EPSILON);
    assert!((pace(0.25).per_second(now) - 0.25).abs() < f64::EPSILON);
    assert!((pace(0).per_second(now) - 0.001).abs() < f64::EPSILON);
}
