//! How far our clock is from the API's, and the correction that signatures are made with.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::{HeaderMap, header};

use crate::clock::{Moment, unix_seconds};

/// The `Date` header has whole seconds; on average the clock behind it is half a second on.
const DATE_GRANULARITY: f64 = 1.0;

/// The largest correction. A time zone set wrongly, the usual mistake, is less; a clock
/// that is further off needs a person. And whoever answers in the API's place cannot have us sign
/// for a time further ahead, to be sent again when it has come.
pub const MAX_CORRECTION: Duration = Duration::from_hours(24);

/// The API tolerates five minutes. Where its clock is this near to the time that was signed, the
/// clock is not what it refuses.
const LEAST_DIFFERENCE: Duration = Duration::from_mins(1);

/// The server's clock minus ours, in seconds. The server wrote its `Date` somewhere between our
/// sending and our receiving.
pub(super) fn skew(headers: &HeaderMap, sent: Moment, received: Moment) -> Option<f64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date)
        .ok()?
        .timestamp()
        .as_second();
    let ours = f64::midpoint(unix_seconds(sent.wall), unix_seconds(received.wall));
    Some(theirs as f64 + DATE_GRANULARITY / 2.0 - ours)
}

/// What is added to our clock in signatures, in whole seconds.
///
/// Each client has its own, though the machine's clock is one: what an endpoint says of the time is
/// believed in what is signed for that endpoint and nowhere else. The metrics' timestamps are never
/// corrected.
#[derive(Debug, Default)]
pub(super) struct Correction(AtomicI64);

/// What came of a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrected {
    /// The correction from now on, in seconds.
    pub(super) seconds: i64,
    /// Whether it is another one than before; a call beside this one may have made the same.
    pub(super) is_news: bool,
}

impl Correction {
    pub(super) fn seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// After a signature that was made with the correction `used` was refused as expired, by a
    /// server whose clock was measured to be `skew` seconds ahead of ours. None where signing anew
    /// would bring nothing new.
    ///
    /// A clock that was not measured, or cannot be meant, takes back what an earlier answer had us
    /// believe: a lie that was told once must not outlast the one who told it.
    pub(super) fn after_expiry(&self, used: i64, skew: Option<f64>) -> Option<Corrected> {
        let believed = skew.filter(|skew| skew.abs() <= MAX_CORRECTION.as_secs_f64());
        let target = believed.unwrap_or(0.0);
        if !differ(target, used) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is at most a day")]
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
    fn a_clock_that_is_off_is_corrected_and_a_sibling_is_not_told_twice() {
        let correction = Correction::default();
        let told = |is_news, seconds| Some(Corrected { seconds, is_news });
        assert_eq!(correction.after_expiry(0, Some(HOUR)), told(true, 3600));
        assert_eq!(
            correction.after_expiry(0, Some(HOUR - 1.4)),
            told(false, 3599)
        );
        assert_eq!(correction.seconds(), 3599);
        // Somebody set our clock right.
        assert_eq!(correction.after_expiry(3599, Some(-0.3)), told(true, 0));
        assert_eq!(correction.seconds(), 0);
    }

    #[test]
    fn what_is_no_reason_corrects_nothing() {
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
    fn the_bound_itself_is_believed() {
        for skew in [BOUND, -BOUND] {
            let correction = Correction::default();
            assert!(correction.after_expiry(0, Some(skew)).is_some());
            assert!((correction.seconds() as f64 - skew).abs() < f64::EPSILON);
        }
    }

    /// Without this, a server that sends no `Date` would refuse us for ever.
    #[test]
    fn a_lie_is_taken_back_where_nobody_confirms_it() {
        for unusable in [None, Some(40.0 * 365.0 * 24.0 * HOUR)] {
            let correction = Correction::default();
            correction.after_expiry(0, Some(-20.0 * HOUR)).unwrap();
            let back = correction.after_expiry(-72_000, unusable).unwrap();
            assert_eq!(back.seconds, 0);
            assert_eq!(correction.seconds(), 0);
            assert_eq!(correction.after_expiry(0, unusable), None);
        }
    }
}
