//! The configuration file as a JSON Schema, for editors and for the reference.
//!
//! Keys and what they mean come from the raw types, defaults and limits from `defaults`. What a
//! value may look like is said a second time here, as a pattern: the readers in `values` give
//! better messages than patterns can. `tests/documentation/schema.rs` holds the two against each
//! other, value by value.
//!
//! An editor knows YAML's types where the exporter takes text: a number where a text is wanted is
//! right, and so the schema allows it.

use std::time::Duration;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

pub(super) use self::credentials::{
    endpoint_of_sts, external_id, file_or_at_home, metadata_endpoint, profile_name, role_arn,
    role_duration, role_name, secret, secret_id, session_name, variable,
};
pub(super) use self::organization::{
    account_label, member_globs, member_tag_labels, organization_endpoint, organizations, refresh,
};
use super::defaults;
use super::raw::{RawAccount, RawConfig, RawExpectedTrack};
use super::types::Site;
use super::values::spell;
use crate::snapshot::RESERVED_LABELS;

// Who asks, and accounts that are discovered.
mod credentials;
mod organization;

/// The schema, in the draft that editors know best.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<RawConfig>();
    RecursiveTransform(describe).transform(&mut schema);
    schema.to_value()
}

/// What a key means, in one line however the comment was wrapped; behind it what a pattern cannot
/// say.
fn describe(schema: &mut Schema) {
    let limits = schema.remove(LIMITS);
    let Some(meaning) = schema.get("description") else {
        return;
    };
    let texts = [Some(meaning), limits.as_ref()].into_iter().flatten();
    let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
    let line = texts.join(" ").replace('\n', " ");
    schema.insert("description".into(), line.into());
}

/// Where a function below leaves its sentence for [`describe`].
const LIMITS: &str = "$comment";

pub(super) fn site(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = site_of_account(generator);
    schema.insert("default".into(), Site::default().as_str().into());
    schema
}

pub(super) fn site_of_account(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": [Site::International.as_str(), Site::China.as_str()]})
}

pub(super) fn endpoint(_: &mut SchemaGenerator) -> Schema {
    host(
        "Left out: the site's own. One on loopback is a simulated cloud: STS and the API for organisations are asked there too, where nothing as near says otherwise.",
    )
}

pub(super) fn sts_endpoint(_: &mut SchemaGenerator) -> Schema {
    host("Left out: the site's own, or an `endpoint` on loopback.")
}

/// A host that calls go to.
fn host(left_out: &str) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^((https://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://([A-Za-z]+|127\.[0-9.]+|\[[0:]*1\]))(:[0-9]{1,5})?$",
        LIMITS: format!("A host with or without a port, or a URL without a path; `http://` only for loopback. {left_out}")
    })
}

fn duration(default: Option<Duration>, limits: &str) -> Schema {
    let mut schema = json_schema!({
        "type": "string",
        "pattern": r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
        LIMITS: limits
    });
    if let Some(default) = default {
        schema.insert("default".into(), spell(default).into());
    }
    schema
}

pub(super) fn poll_interval(_: &mut SchemaGenerator) -> Schema {
    duration(Some(defaults::INTERVAL), &interval_limits())
}

pub(super) fn interval(_: &mut SchemaGenerator) -> Schema {
    duration(None, &interval_limits())
}

fn interval_limits() -> String {
    let least = spell(defaults::LEAST_INTERVAL);
    format!("At least `{least}`, and not shorter than `poll.timeout`.")
}

pub(super) fn details_interval(_: &mut SchemaGenerator) -> Schema {
    let least = spell(defaults::LEAST_INTERVAL);
    duration(None, &format!("At least `{least}`."))
}

pub(super) fn timeout(_: &mut SchemaGenerator) -> Schema {
    let least = spell(defaults::LEAST_TIMEOUT);
    let limits = format!("At least `{least}`, and not longer than the interval.");
    duration(Some(defaults::POLL.timeout), &limits)
}

pub(super) fn stale_after(_: &mut SchemaGenerator) -> Schema {
    let limits = format!("At least {} intervals.", defaults::LEAST_STALE_INTERVALS);
    duration(Some(defaults::POLL.stale_after), &limits)
}

pub(super) fn tombstone_for(_: &mut SchemaGenerator) -> Schema {
    let limits = "Not shorter than the interval.";
    duration(Some(defaults::POLL.tombstone_for), limits)
}

/// From 1 to a power of ten, which is what a pattern can say of the number as a text.
fn whole_number(default: impl Into<Value>, most: u32, limits: &str) -> Schema {
    let digits = most.ilog10();
    json_schema!({
        "type": ["integer", "string"],
        "minimum": 1,
        "maximum": most,
        "pattern": format!("^([1-9][0-9]{{0,{}}}|{most})$", digits - 1),
        "default": default.into(),
        LIMITS: format!("1 to {most}{limits}.")
    })
}

pub(super) fn attempts(_: &mut SchemaGenerator) -> Schema {
    whole_number(defaults::POLL.attempts, defaults::MOST_ATTEMPTS, "")
}

pub(super) fn page_size(_: &mut SchemaGenerator) -> Schema {
    let default = defaults::POLL.page_size;
    whole_number(default, defaults::MOST_PAGE_SIZE, "")
}

pub(super) fn max_tracks(_: &mut SchemaGenerator) -> Schema {
    let default = defaults::POLL.max_tracks;
    whole_number(default, defaults::MOST_TRACKS, "")
}

pub(super) fn requests_per_second(_: &mut SchemaGenerator) -> Schema {
    let allowed = defaults::API_REQUESTS_PER_SECOND;
    let limits = format!(
        "; the API allows {allowed}, shared with console and command line, and more than that is taken with a warning"
    );
    let default = defaults::REQUESTS_PER_SECOND;
    whole_number(default, defaults::MOST_REQUESTS_PER_SECOND, &limits)
}

pub(super) fn create_time_offset(_: &mut SchemaGenerator) -> Schema {
    let minutes = defaults::POLL.create_time_offset / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    json_schema!({
        "type": "string",
        "pattern": r"^[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$",
        "default": format!("{hours:+03}:{minutes:02}"),
        LIMITS: "A sign, hours and minutes, up to 14:00."
    })
}

pub(super) fn accept_short_listings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "enum": [true, false, "true", "false"],
        "default": defaults::POLL.accept_short_listings,
        LIMITS: "`true`: no track is called vanished while fewer are listed than reported."
    })
}

pub(super) fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "minLength": 1,
        LIMITS: "A path, relative to this file."
    })
}

pub(super) fn proxy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+/?$",
        LIMITS: "`http://host:port` or `https://host:port`, with `user:password@` before the host if the proxy asks for them; percent-encode `@`, `:`, `/`, `?`, `#` and `%` in them."
    })
}

pub(super) fn uin(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"],
        "minimum": 0,
        "pattern": "^[0-9]{1,20}$"
    })
}

pub(super) fn trusted_storage_accounts(each: &mut SchemaGenerator) -> Schema {
    list(&uin(each), defaults::MOST_TRUSTED_ACCOUNTS)
}

pub(super) fn regions(_: &mut SchemaGenerator) -> Schema {
    let region = json_schema!({
        "type": "string",
        "pattern": "^[a-z]+(-[a-z0-9]+)+$",
        "maxLength": 40
    });
    let mut regions = list(&region, defaults::MOST_REGIONS);
    regions.insert("default".into(), json!([defaults::REGION]));
    regions
}

fn list(each: &Schema, most: usize) -> Schema {
    json_schema!({
        "type": "array",
        "items": each,
        "minItems": 1,
        "maxItems": most,
        "uniqueItems": true,
        LIMITS: format!("Up to {most}, each once.")
    })
}

pub(super) fn expected_tracks(generator: &mut SchemaGenerator) -> Schema {
    let keys = generator.subschema_for::<RawExpectedTrack>();
    let track = json_schema!({"anyOf": [name(generator), keys]});
    list(&track, defaults::MOST_EXPECTED_TRACKS)
}

/// A text that is compared with what the API says, or put on a series.
pub(super) fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "minLength": 1,
        "maxLength": 1024
    })
}

pub(super) fn action_type(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["Read", "Write", "*"]})
}

pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    let most = defaults::MOST_LABELS;
    json_schema!({
        "type": "object",
        "maxProperties": most,
        "propertyNames": label_name(),
        // YAML's null is the text `null`, or `~`, as it is written.
        "additionalProperties": {
            "type": ["string", "number", "boolean", "null"],
            "minLength": 1,
            "maxLength": 1024
        },
        LIMITS: format!("Up to {most}; names that the exporter uses itself are refused: {}.", reserved())
    })
}

fn label_name() -> Schema {
    json_schema!({
        "pattern": "^(?!__)[A-Za-z_][A-Za-z0-9_]*$",
        "maxLength": 128,
        "not": {"enum": RESERVED_LABELS}
    })
}

fn reserved() -> String {
    let names = RESERVED_LABELS.map(|name| format!("`{name}`"));
    names.join(", ")
}

pub(super) fn accounts(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": defaults::MOST_ACCOUNTS,
        "propertyNames": name_of_ours(),
        "additionalProperties": generator.subschema_for::<RawAccount>(),
        LIMITS: NAME_OF_OURS
    })
}

/// The name of an account or an organisation.
fn name_of_ours() -> Value {
    json!({"pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$", "maxLength": 64})
}

const NAME_OF_OURS: &str =
    "A name is up to 64 lower-case letters and digits, with single `-` or `_` between them.";

pub(super) fn account_files(_: &mut SchemaGenerator) -> Schema {
    let mut files = list(
        &json_schema!({"type": "string", "minLength": 1, "not": {"pattern": r"\*\*"}}),
        defaults::MOST_ACCOUNT_FILES,
    );
    let limits = format!(
        "Paths, relative to this file, in which `*` and `?` stand for names; up to {} files.",
        defaults::MOST_ACCOUNT_FILES
    );
    files.insert(LIMITS.into(), limits.into());
    files
}

pub(super) fn track_required(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "enum": [true, false, "true", "false"],
        "default": true,
        LIMITS: "`false`: it needs none, a sandbox perhaps, or one that the organisation covers."
    })
}
