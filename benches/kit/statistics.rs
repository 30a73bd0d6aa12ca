//! Statistics of measurements.

use std::time::Duration;

/// Returns the median.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Returns the quantile for this fraction.
pub(crate) fn percentile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a length"
    )]
    let index = ((values.len() - 1) as f64 * part).ceil() as usize;
    values[index]
}

/// Converts to milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Converts to megabytes (10⁶ bytes).
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
