//! The schema of what says who asks.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::super::defaults;
use super::super::values::spell;
use super::{LIMITS, duration, host};

/// What goes into the `Authorization` header, between `=`, `/` and `,`.
pub(in crate::config) fn secret_id(_: &mut SchemaGenerator) -> Schema {
    secret_of("^[!-+.0-~-]{1,8192}$")
}

pub(in crate::config) fn secret(_: &mut SchemaGenerator) -> Schema {
    secret_of("^[!-~]{1,8192}$")
}

fn secret_of(pattern: &str) -> Schema {
    json_schema!({"type": ["string", "number", "boolean"], "pattern": pattern})
}

pub(in crate::config) fn variable(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "maxLength": 256
    })
}

pub(in crate::config) fn file_or_at_home(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "minLength": 1,
        LIMITS: "A path, relative to this file; `~/` is the folder that `HOME` names."
    })
}

pub(in crate::config) fn profile_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "pattern": r"^[!-Z\\^-~]{1,128}$",
        "default": defaults::PROFILE
    })
}

/// The metadata service speaks no HTTPS.
pub(in crate::config) fn metadata_endpoint(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^(https?://)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$",
        "default": defaults::METADATA,
        LIMITS: "A host with or without a port, or a URL without a path; `http://` for any host."
    })
}

pub(in crate::config) fn endpoint_of_sts(_: &mut SchemaGenerator) -> Schema {
    host("Left out: the account's `sts_endpoint`.")
}

pub(in crate::config) fn role_arn(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "pattern": r"^qcs::cam::uin/[0-9]{1,20}:(roleName/[A-Za-z0-9_+=,.@-]{1,128}|role/[0-9]{1,20}|role/tencentcloudServiceRoleName/[A-Za-z0-9_+=,.@-]{1,128})$"
    })
}

pub(in crate::config) fn role_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "pattern": "^[A-Za-z0-9_+=,.@-]{1,128}$"
    })
}

pub(in crate::config) fn session_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "pattern": "^[A-Za-z0-9_+=,.@-]{2,128}$",
        "default": defaults::SESSION_NAME,
        LIMITS: "2 to 128 letters, digits and `_+=,.@-`."
    })
}

pub(in crate::config) fn external_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "number", "boolean"],
        "pattern": "^[!-~]{2,128}$",
        LIMITS: "2 to 128 characters. It is kept like a secret."
    })
}

pub(in crate::config) fn role_duration(_: &mut SchemaGenerator) -> Schema {
    let [least, most] = [defaults::LEAST_ROLE_DURATION, defaults::MOST_ROLE_DURATION].map(spell);
    let limits = format!("`{least}` to `{most}`.");
    duration(Some(defaults::ROLE_DURATION), &limits)
}
