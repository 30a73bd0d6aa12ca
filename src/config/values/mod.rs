//! Text → value, one function for each kind. What is refused comes with what is allowed.

pub(super) use self::credentials::{
    external_id, profile_name, role_arn, role_duration, role_name, secret, secret_id, session_name,
    variable_name,
};

// Who asks.
mod credentials;

use std::time::Duration;

use super::defaults::LONGEST_GLOB;
use super::error::quoted;
use super::organization::AccountLabel;
use super::types::Site;
use crate::snapshot::RESERVED_LABELS;

/// `900ms`, `30s`, `1h30m`, `7d`: whole numbers, each unit at most once, the largest first.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    read_duration(text)
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(|| {
            let longest = spell(MAX_DURATION);
            format!(
                "{} is not a duration; allowed are whole numbers with d, h, m, s, ms, the largest unit first, up to {longest}: 900ms, 30s, 1h30m, 7d",
                quoted(text)
            )
        })
}

/// The same, and not shorter than this.
pub(super) fn duration_from(text: &str, least: Duration) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < least {
        return Err(format!(
            "{} is too short; at least {} is allowed",
            quoted(text),
            spell(least)
        ));
    }
    Ok(duration)
}

const MAX_DURATION: Duration = Duration::from_hours(365 * 24);

const UNITS: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

fn read_duration(text: &str) -> Option<Duration> {
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

/// A duration as it would be written in the file.
pub(super) fn spell(duration: Duration) -> String {
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

/// A whole number in a range; `1.9` and `1e1` are not rounded into one.
pub(super) fn whole_number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|number| digits && (least..=most).contains(number))
        .ok_or_else(|| {
            format!(
                "{} is not a whole number from {least} to {most}",
                quoted(text)
            )
        })
}

/// `true` or `false`; YAML's other spellings of them are somebody's text.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{} is neither true nor false", quoted(text))),
    }
}

/// `international` or `china`.
pub(super) fn site(text: &str) -> Result<Site, String> {
    match text {
        "international" => Ok(Site::International),
        "china" => Ok(Site::China),
        _ => Err(format!(
            "{} is not a site; allowed are international and china",
            quoted(text)
        )),
    }
}

/// `+08:00`, in seconds.
pub(super) fn offset(text: &str) -> Result<i32, String> {
    read_offset(text).ok_or_else(|| {
        format!(
            "{} is not an offset from UTC; allowed is a sign, hours and minutes, up to 14:00: \"+08:00\"",
            quoted(text)
        )
    })
}

fn read_offset(text: &str) -> Option<i32> {
    const FURTHEST: i32 = 14 * 60;
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two_digits = |part: &str| {
        let is = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        is.then(|| part.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= FURTHEST).then_some(sign * total * 60)
}

/// `ap-guangzhou`. Which regions there are changes and is the API's to say; the form is not.
pub(super) fn region(text: &str) -> Result<String, String> {
    const LONGEST: usize = 40;
    let mut parts = text.split('-');
    let area = parts.next().unwrap_or_default();
    let lower = |b: u8| b.is_ascii_lowercase();
    let is_place =
        |part: &str| !part.is_empty() && part.bytes().all(|b| lower(b) || b.is_ascii_digit());
    let places: Vec<&str> = parts.collect();
    let formed = !area.is_empty()
        && area.bytes().all(lower)
        && !places.is_empty()
        && places.into_iter().all(is_place);
    if formed && text.len() <= LONGEST {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is not a region; one reads like ap-guangzhou or na-siliconvalley",
        quoted(text)
    ))
}

/// The number of a Tencent Cloud account, as it is written.
pub(super) fn uin(text: &str) -> Result<String, String> {
    const LONGEST: usize = 20;
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if digits && (1..=LONGEST).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is not a UIN, the number of an account; allowed are up to {LONGEST} digits",
        quoted(text)
    ))
}

/// What a track records. These are all the API takes, and it compares their case.
pub(super) fn action_type(text: &str) -> Result<String, String> {
    match text {
        "Read" | "Write" | "*" => Ok(text.to_owned()),
        _ => Err(format!(
            "{} is not an action type; allowed are Read, Write and \"*\"",
            quoted(text)
        )),
    }
}

/// The name of an account or an organisation, which is a label value and a part of variables'
/// names.
pub(super) fn name_of(thing: &str, name: &str) -> Result<(), String> {
    const LONGEST: usize = 64;
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if name.len() <= LONGEST && name.split(['-', '_']).all(is_part) {
        return Ok(());
    }
    Err(format!(
        "not a name for an {thing}; allowed are up to {LONGEST} lower-case letters and digits, with single - or _ between them"
    ))
}

/// The name of an account's own label.
pub(super) fn label_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 128;
    let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let formed = name.bytes().next().is_some_and(starts)
        && name.bytes().all(|b| starts(b) || b.is_ascii_digit());
    if !formed || name.len() > LONGEST {
        Err(format!(
            "not a label name; allowed are up to {LONGEST} letters, digits and _, no digit first"
        ))
    } else if name.starts_with("__") {
        Err("a label name that begins with __ is Prometheus' own; take another".into())
    } else if RESERVED_LABELS.contains(&name) {
        let reserved = RESERVED_LABELS.join(", ");
        Err(format!("a reserved label name; take any but: {reserved}"))
    } else {
        Ok(())
    }
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Result<String, String> {
    const LONGEST: usize = 1024;
    if text.len() <= LONGEST {
        return Ok(text.to_owned());
    }
    Err(format!(
        "longer than {LONGEST} bytes, the most a label's value may have"
    ))
}

/// What an organisation's member is called in the metrics.
pub(super) fn account_label(text: &str) -> Result<AccountLabel, String> {
    match text {
        "uin" => Ok(AccountLabel::Uin),
        "name" => Ok(AccountLabel::Name),
        _ => Err(format!(
            "{} is not a label for a member; allowed are uin and name",
            quoted(text)
        )),
    }
}

/// A pattern for members.
pub(super) fn glob(text: &str) -> Result<String, String> {
    if text.chars().count() <= LONGEST_GLOB {
        return Ok(text.to_owned());
    }
    Err(format!(
        "longer than {LONGEST_GLOB} characters, the most a pattern may have"
    ))
}

/// A pattern for files. What other programs take `**` for would be read as one level here.
pub(super) fn file_pattern(text: &str) -> Result<String, String> {
    if text.contains("**") {
        return Err(format!(
            "{} has ** in it; * stands for one name between two /, and is written once",
            quoted(text)
        ));
    }
    Ok(text.to_owned())
}
