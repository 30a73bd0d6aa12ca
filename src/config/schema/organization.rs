//! The schema of organisations.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::super::defaults;
use super::super::organization::AccountLabel;
use super::super::raw::RawOrganization;
use super::super::values::spell;
use super::{LIMITS, NAME_OF_OURS, duration, host, label_name, list, name_of_ours};

pub(in crate::config) fn organizations(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": defaults::MOST_ORGANIZATIONS,
        "propertyNames": name_of_ours(),
        "additionalProperties": generator.subschema_for::<RawOrganization>(),
        LIMITS: NAME_OF_OURS
    })
}

pub(in crate::config) fn organization_endpoint(_: &mut SchemaGenerator) -> Schema {
    host("Left out: the site's own, or an `endpoint` on loopback.")
}

pub(in crate::config) fn account_label(_: &mut SchemaGenerator) -> Schema {
    let words = [AccountLabel::Uin, AccountLabel::Name].map(AccountLabel::as_str);
    json_schema!({"enum": words, "default": AccountLabel::default().as_str()})
}

pub(in crate::config) fn member_tag_labels(_: &mut SchemaGenerator) -> Schema {
    let mut name = label_name();
    name.insert("type".into(), "string".into());
    list(&name, defaults::MOST_LABELS)
}

pub(in crate::config) fn member_globs(_: &mut SchemaGenerator) -> Schema {
    let pattern = json_schema!({
        "type": ["string", "integer"],
        "minLength": 1,
        "maxLength": defaults::LONGEST_GLOB
    });
    let most = defaults::MOST_GLOBS;
    let mut globs = list(&pattern, most);
    let limits = format!(
        "Patterns for the whole of it, in which `*` is any text and `?` one character; up to {most}, each once."
    );
    globs.insert(LIMITS.into(), limits.into());
    globs
}

pub(in crate::config) fn refresh(_: &mut SchemaGenerator) -> Schema {
    let least = spell(defaults::LEAST_INTERVAL);
    duration(Some(defaults::REFRESH), &format!("At least `{least}`."))
}
