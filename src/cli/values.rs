//! Parsers for the values of flags. An empty environment variable counts as unset, because compose
//! files set empty variables.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::{DEFAULT_GRACE, DEFAULT_PATH, DEFAULT_SHARDS};
use crate::duration::parse_duration;
use crate::shard::MAX_SHARDS;

/// Parses the environment variable of a flag without a value.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "" | "false" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// Parses one of the values of `T`.
pub(super) fn one_of<T: ValueEnum>(text: &str, default: &str) -> Result<T, String> {
    let text = if text.is_empty() { default } else { text };
    T::from_str(text, false).map_err(|_| {
        let words: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("expected one of {}", words.join(", "))
    })
}

/// Accepts any path. [`Flags::config_file`] treats an empty path as absent.
#[expect(clippy::unnecessary_wraps, reason = "clap expects a Result")]
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

/// The path prefix of all endpoints, or `None` for an empty environment variable. An empty prefix
/// stands for `/`.
#[derive(Clone, Debug)]
pub(super) struct RoutePrefix(pub(super) Option<String>);

/// Parses the path prefix of all endpoints.
pub(super) fn route_prefix(path: &str) -> Result<RoutePrefix, String> {
    if path.is_empty() {
        return Ok(RoutePrefix(None));
    }
    without_last_slash(path).map(|path| RoutePrefix(Some(path)))
}

/// Checks a path and removes slashes at its end.
fn without_last_slash(path: &str) -> Result<String, String> {
    let path = path.trim_end_matches('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if path.is_empty() || (path.starts_with('/') && path.chars().all(plain)) {
        return Ok(path.to_owned());
    }
    Err("expected a path that begins with / and has only letters, digits and -_.~/".to_owned())
}

/// The URL of the exporter for users. Empty for an empty environment variable.
#[derive(Clone, Debug, Default)]
pub(super) struct ExternalUrl {
    /// Where the page is. `None` without a URL.
    pub(super) page: Option<String>,
    /// The path of the URL, without a slash at its end.
    pub(super) path: String,
}

/// Parses the URL of the exporter for users. The page needs only its path, because its links are
/// relative.
pub(super) fn external_url(url: &str) -> Result<ExternalUrl, String> {
    if url.is_empty() {
        return Ok(ExternalUrl::default());
    }
    let uri: http::Uri = url
        .parse()
        .map_err(|_| "expected a URL, such as https://example.com/audit/".to_owned())?;
    let scheme = uri.scheme_str().filter(|it| ["http", "https"].contains(it));
    let (Some(scheme), Some(host)) = (scheme, uri.host()) else {
        return Err(
            "expected a URL with http or https and a host, such as https://example.com/audit/"
                .to_owned(),
        );
    };
    let port = uri.port().map_or(String::new(), |port| format!(":{port}"));
    let path = without_last_slash(uri.path())?;
    Ok(ExternalUrl {
        page: Some(format!("{scheme}://{host}{port}{path}/")),
        path,
    })
}

/// The number of a shard, or `None` for an empty environment variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordinal(pub(super) Option<u32>);

/// Parses the number of a shard. [`Shard::new`](crate::shard::Shard::new) compares it with the number
/// of shards.
pub(super) fn ordinal(text: &str) -> Result<Ordinal, String> {
    if text.is_empty() {
        return Ok(Ordinal(None));
    }
    let ordinal = text.parse().ok().filter(|ordinal| *ordinal < MAX_SHARDS);
    ordinal.map_or_else(
        || Err(format!("expected a number from 0 to {}", MAX_SHARDS - 1)),
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
    total.ok_or_else(|| format!("expected a number from 1 to {MAX_SHARDS}"))
}

/// The longest grace period.
const LONGEST_GRACE: Duration = Duration::from_mins(5);

pub(super) fn grace_period(text: &str) -> Result<Duration, String> {
    let text = if text.is_empty() { DEFAULT_GRACE } else { text };
    let grace = parse_duration(text);
    let grace = grace.filter(|grace| *grace <= LONGEST_GRACE);
    grace.ok_or_else(|| "expected a duration from 0s to 5m, such as 10s".to_owned())
}

pub(super) fn telemetry_path(path: &str) -> Result<String, String> {
    let path = if path.is_empty() { DEFAULT_PATH } else { path };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    if path.len() > 1 && path.starts_with('/') && path.chars().all(plain) {
        return Ok(path.to_owned());
    }
    Err("expected a path that begins with / and has only letters, digits and -_.~/".to_owned())
}
