//! The values of flags. An empty variable in the environment is one that is not set, for all of
//! them: compose files set such.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::{DEFAULT_GRACE, DEFAULT_PATH, DEFAULT_SHARDS};
use crate::shard::MAX_SHARDS;

/// The value of a variable that stands for a flag without one. Empty is not set.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "" | "false" | "0" => Ok(false),
        _ => Err("true or false is wanted".to_owned()),
    }
}

/// One of the words of `T`. An empty variable in the environment is one that is not set, here and
/// below: compose files set such.
pub(super) fn one_of<T: ValueEnum>(text: &str, default: &str) -> Result<T, String> {
    let text = if text.is_empty() { default } else { text };
    T::from_str(text, false).map_err(|_| {
        let words: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("one of {} is wanted", words.join(", "))
    })
}

/// Any path, the empty one too, which [`Flags::config_file`] takes for none.
#[expect(clippy::unnecessary_wraps, reason = "a parser of flags may fail")]
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

/// A path without a slash at its end; empty for none.
pub(super) fn route_prefix(path: &str) -> Result<String, String> {
    let path = path.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if path.is_empty() || (path.starts_with('/') && path.chars().all(plain)) {
        return Ok(path.to_owned());
    }
    Err("a path begins with / and goes on with letters, digits and -_.~/".to_owned())
}

/// The path of a URL, which is all that is needed of it: links on the page are relative.
pub(super) fn external_path(url: &str) -> Result<String, String> {
    if url.is_empty() {
        return Ok(String::new());
    }
    let uri: http::Uri = url.parse().map_err(|_| "a URL is wanted".to_owned())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_http || uri.host().is_none() {
        return Err("a URL is wanted, such as https://example.com/audit/".to_owned());
    }
    route_prefix(uri.path())
}

/// The number of a shard. An empty variable in the environment is one that is not set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordinal(pub(super) Option<u32>);

/// Whether there is such a shard, the number of shards decides.
pub(super) fn ordinal(text: &str) -> Result<Ordinal, String> {
    if text.is_empty() {
        return Ok(Ordinal(None));
    }
    let ordinal = text.parse().ok().filter(|ordinal| *ordinal < MAX_SHARDS);
    ordinal.map_or_else(
        || Err(format!("a number from 0 to {} is wanted", MAX_SHARDS - 1)),
        |ordinal| Ok(Ordinal(Some(ordinal))),
    )
}

pub(super) fn total_shards(text: &str) -> Result<u32, String> {
    let text = if text.is_empty() {
        DEFAULT_SHARDS
    } else {
        text
    };
    let total = text.parse().ok();
    let total = total.filter(|total| (1..=MAX_SHARDS).contains(total));
    total.ok_or_else(|| format!("a number from 1 to {MAX_SHARDS} is wanted"))
}

/// The longest grace period. A longer one would wait for clients that never finish.
const LONGEST_GRACE: Duration = Duration::from_mins(5);

pub(super) fn grace_period(text: &str) -> Result<Duration, String> {
    let text = if text.is_empty() { DEFAULT_GRACE } else { text };
    let grace = humantime::parse_duration(text).ok();
    let grace = grace.filter(|grace| *grace <= LONGEST_GRACE);
    grace.ok_or_else(|| "it must be a duration from 0s to 5m, such as 10s".to_owned())
}

pub(super) fn telemetry_path(path: &str) -> Result<String, String> {
    let path = if path.is_empty() { DEFAULT_PATH } else { path };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if path.len() > 1 && path.starts_with('/') && path.chars().all(plain) {
        return Ok(path.to_owned());
    }
    Err("a path begins with / and goes on with letters, digits and -_.~/".to_owned())
}
