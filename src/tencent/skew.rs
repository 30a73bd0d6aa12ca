//! Measures the difference between the clocks of the machine and the API, and corrects signatures.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::clock::{Moment, unix_seconds};

/// The `Date` header has whole seconds; on average the server clock is half a second ahead of it.
const DATE_GRANULARITY: f64 = 1.0;

/// The largest correction. The usual mistake, a wrong time zone, is less; a larger error needs an
/// administrator. The limit also keeps a forged response from obtaining signatures for the far
/// future.
pub const MAX_CORRECTION: Duration = Duration::from_hours(24);

/// The API tolerates five minutes. If its clock is this near to the signed time, the clock is not the
/// reason for the refusal.
const LEAST_DIFFERENCE: Duration = Duration::from_mins(1);

/// Returns the server's clock minus the machine's, in seconds. The server wrote its `Date` between the
/// two moments.
pub(super) fn skew(headers: &HeaderMap, sent: Moment, received: Moment) -> Option<f64> {
    let theirs = unix_seconds(date(headers)?);
    let ours = f64::midpoint(unix_seconds(sent.wall), unix_seconds(received.wall));
    Some(theirs + DATE_GRANULARITY / 2.0 - ours)
}

/// Returns the time of a response by the server's clock, in whole seconds.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp().into())
}

/// The cloud accepts a signature whose time differs by five minutes. An accepted response with a
/// `Date` that is further from the signed time than this was dated by something in between.
const MAX_ACCEPTED_DIFFERENCE: Duration = Duration::from_mins(10);

/// Returns the time of an accepted response by the server's clock. `now` is the time as signatures
/// have it. `None` if both cannot be true.
pub(super) fn accepted_date(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let date = date(headers)?;
    let apart = date.max(now).duration_since(date.min(now)).ok()?;
    (apart <= MAX_ACCEPTED_DIFFERENCE).then_some(date)
}

/// The seconds that signatures add to the machine's clock.
///
/// Each client has its own, because the time that an endpoint reports affects only signatures for
/// that endpoint. Timestamps in metrics are never corrected.
#[derive(Debug, Default)]
pub(super) struct Correction(AtomicI64);

/// A correction that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrected {
    /// The new correction, in seconds.
    pub(super) seconds: i64,
    /// Whether it differs from the one before. A concurrent request may have made the same.
    pub(super) is_news: bool,
}

impl Correction {
    pub(super) fn seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Corrects the clock after the API refused a signature as expired. `used` is the correction in
    /// that signature, and `skew` is the measured difference of the clocks. `None` if another
    /// signature would be the same.
    ///
    /// A missing or implausible measurement resets the correction: one forged response must not have
    /// a lasting effect.
    pub(super) fn after_expiry(&self, used: i64, skew: Option<f64>) -> Option<Corrected> {
        let plausible = skew.filter(|skew| skew.abs() <= MAX_CORRECTION.as_secs_f64());
        let target = plausible.unwrap_or(0.0);
        if !differ(target, used) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most a day")]
        let seconds = target.round() as i64;
        let before = self.0.swap(seconds, Ordering::Relaxed);
        Some(Corrected {
            seconds,
            is_news: differ(target, before),
        })
    }
}

fn differ(target: f64, seconds: i64) -> bool {
    (target - seconds as f64).abs() >= LEAST_DIFFERENCE.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: f64 = 3600.0;
    const BOUND: f64 = 24.0 * HOUR;

    #[test]
    fn a_wrong_clock_is_corrected_and_reported_once() {
        let correction = Correction::default();
        let corrected = |is_news, seconds| Some(Corrected { seconds, is_news });
        assert_eq!(
            correction.after_expiry(0, Some(HOUR)),
            corrected(true, 3600)
        );
        assert_eq!(
            correction.after_expiry(0, Some(HOUR - 1.4)),
            corrected(false, 3599)
        );
        assert_eq!(correction.seconds(), 3599);
        // The clock of the machine was set right.
        assert_eq!(
            correction.after_expiry(3599, Some(-0.3)),
            corrected(true, 0)
        );
        assert_eq!(correction.seconds(), 0);
    }

    #[test]
    fn an_implausible_skew_corrects_nothing() {
        let correction = Correction::default();
        for skew in [
            None,
            Some(59.0),
            Some(-59.0),
            Some(BOUND + 1.0),
            Some(-BOUND - 1.0),
            Some(f64::NAN),
            Some(f64::INFINITY),
        ] {
            assert_eq!(correction.after_expiry(0, skew), None, "{skew:?}");
        }
        assert_eq!(correction.seconds(), 0);
    }

    #[test]
    fn the_largest_skew_is_corrected() {
        for skew in [BOUND, -BOUND] {
            let correction = Correction::default();
            assert!(correction.after_expiry(0, Some(skew)).is_some());
            assert!((correction.seconds() as f64 - skew).abs() < f64::EPSILON);
        }
    }

    /// Without this, a server that sends no `Date` would refuse every request from then on.
    #[test]
    fn an_unconfirmed_correction_is_reset() {
        for unusable in [None, Some(40.0 * 365.0 * 24.0 * HOUR)] {
            let correction = Correction::default();
            correction.after_expiry(0, Some(-20.0 * HOUR)).unwrap();
            let reset = correction.after_expiry(-72_000, unusable).unwrap();
            assert_eq!(reset.seconds, 0);
            assert_eq!(correction.seconds(), 0);
            assert_eq!(correction.after_expiry(0, unusable), None);
        }
    }
}
