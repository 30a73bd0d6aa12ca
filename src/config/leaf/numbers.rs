//! Numbers, durations and booleans.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::definitions::LIMITS;
use super::super::text::quoted;
use super::super::value_types::Leaf;
use crate::duration::{format_duration, parse_duration};

/// A duration of `LEAST` to `MOST` milliseconds.
pub(in crate::config) struct DurationBetween<const LEAST: u64, const MOST: u64>;

/// Any duration.
pub(in crate::config) type Period = DurationBetween<0, UNLIMITED>;

/// The time between two requests of a kind.
pub(in crate::config) type Interval = DurationBetween<1000, UNLIMITED>;

/// The time between two sweeps. The alert `CloudAuditAttributionFailing` fires if no sweep has
/// succeeded for six hours, so one of two sweeps may fail.
pub(in crate::config) type SweepInterval = DurationBetween<1000, { 3 * 60 * 60 * 1000 }>;

/// The time limit of a request.
pub(in crate::config) type Timeout = DurationBetween<1, UNLIMITED>;

/// The lifetime of a role's key. STS allows at most 12 hours and documents no minimum; below a
/// minute the exporter would refresh the key all the time.
pub(in crate::config) type RoleDuration = DurationBetween<{ 60 * 1000 }, { 12 * 60 * 60 * 1000 }>;

const UNLIMITED: u64 = u64::MAX;

/// The longest duration of a configuration.
const MAX_DURATION: Duration = Duration::from_hours(365 * 24);

fn parse(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).filter(|duration| *duration <= MAX_DURATION);
    duration.ok_or_else(|| {
        let longest = format_duration(MAX_DURATION);
        format!(
            "{} is not a duration; allowed are whole numbers with d, h, m, s, ms, the largest unit first, up to {longest}: 900ms, 30s, 1h30m, 7d",
            quoted(text)
        )
    })
}

impl<const LEAST: u64, const MOST: u64> Leaf for DurationBetween<LEAST, MOST> {
    type Value = Duration;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = parse(text)?;
        let [least, most] = [LEAST, MOST].map(Duration::from_millis);
        let why = if duration < least {
            format!("too short; at least {} is allowed", format_duration(least))
        } else if duration > most {
            format!("too long; at most {} is allowed", format_duration(most))
        } else {
            return Ok(duration);
        };
        Err(format!("{} is {why}", quoted(text)))
    }

    fn schema() -> Json {
        let [least, most] = [LEAST, MOST].map(|it| format_duration(Duration::from_millis(it)));
        let mut schema = json!({
            "type": "string",
            "pattern": r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
        });
        if MOST < UNLIMITED {
            schema[LIMITS] = format!("`{least}` to `{most}`.").into();
        } else if LEAST > 0 {
            schema[LIMITS] = format!("At least `{least}`.").into();
        }
        schema
    }
}

/// A whole number from 1 to `MOST`, a power of ten. `1.9` and `1e1` are not rounded into one.
pub(in crate::config) struct WholeNumber<const MOST: u32>;

impl<const MOST: u32> Leaf for WholeNumber<MOST> {
    type Value = u32;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<u32, String> {
        let is_digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok();
        let number = number.filter(|number| is_digits && (1..=MOST).contains(number));
        number.ok_or_else(|| format!("{} is not a whole number from 1 to {MOST}", quoted(text)))
    }

    fn schema() -> Json {
        let more_digits = MOST.ilog10() - 1;
        json!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": MOST,
            "pattern": format!("^([1-9][0-9]{{0,{more_digits}}}|{MOST})$"),
            LIMITS: format!("1 to {MOST}.")
        })
    }
}

/// `true` or `false`; YAML's other spellings of them are text.
pub(in crate::config) struct Boolean;

impl Leaf for Boolean {
    type Value = bool;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<bool, String> {
        let value = text.parse();
        value.map_err(|_| format!("{} is neither true nor false", quoted(text)))
    }

    fn schema() -> Json {
        json!({"enum": [true, false, "true", "false"]})
    }
}

/// An offset from UTC such as `+08:00`, in seconds.
pub(in crate::config) struct UtcOffset;

impl Leaf for UtcOffset {
    type Value = i32;

    const PUBLIC: bool = true;

    fn parse(text: &str) -> Result<i32, String> {
        parse_offset(text).ok_or_else(|| {
            format!(
                "{} is not an offset from UTC; allowed are a sign, hours and minutes, up to 14:00: \"+08:00\"",
                quoted(text)
            )
        })
    }

    fn schema() -> Json {
        json!({
            "type": "string",
            "pattern": r"^[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$",
            LIMITS: "A sign, hours and minutes, up to 14:00."
        })
    }
}

fn parse_offset(text: &str) -> Option<i32> {
    const FURTHEST: i32 = 14 * 60;
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two_digits = |part: &str| {
        let is_number = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= FURTHEST).then_some(sign * total * 60)
}
