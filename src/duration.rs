//! Durations as the configuration, the flags and the web configuration spell them.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Parses `900ms`, `30s`, `1h30m`, `7d`: whole numbers, each unit at most once, the largest first.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut units = UNITS.iter();
    let mut milliseconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let number = take_while(&mut rest, |c| c.is_ascii_digit());
        let unit = take_while(&mut rest, |c| c.is_ascii_alphabetic());
        let (_, size) = units.find(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*size)?;
        milliseconds = milliseconds.checked_add(part)?;
    }
    (!text.is_empty()).then_some(Duration::from_millis(milliseconds))
}

fn take_while<'t>(rest: &mut &'t str, belongs: impl Fn(char) -> bool) -> &'t str {
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    taken
}

/// Spells a duration as a configuration would, in whole milliseconds: `1h30m`.
pub fn format_duration(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if left >= size {
            parts.push(format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() {
        "0s".into()
    } else {
        parts.concat()
    }
}
