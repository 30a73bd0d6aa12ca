//! An organisation, from its own keys, `defaults` and the top level.

use super::account::{Common, account};
use super::defaults;
use super::endpoint::Endpoint;
use super::error::{Error, quoted};
use super::glob::Glob;
use super::key_path::KeyPath;
use super::layers::Places;
use super::level::Level;
use super::lists::{self, Members};
use super::organization::Organization;
use super::raw::RawOrganization;
use super::secret::Secret;
use super::shapes::{List, Text};
use super::types::Account;
use super::values;

/// An organisation, and what should be warned of. `around` are the levels farther away.
pub(super) fn organization(
    name: &str,
    mut raw: RawOrganization,
    around: [&Level; 2],
    common: &Common,
    places: &Places,
) -> Result<(Organization, Vec<String>), Error> {
    let path = KeyPath::from(["organizations", name]);
    let own = Level::of_account(&raw.take_member(), &path, places)?;
    let [defaults, top] = around;
    let member = Account {
        // A role of `defaults` is one account's.
        assume_role: None,
        organization: Some(name.to_owned()),
        ..account("", [&own, defaults, top], common, places)?
    };
    let label = raw.account_label.as_ref();
    let label = places.value(label, &path, "account_label", values::account_label)?;
    let refresh = |text: &str| values::duration_from(text, defaults::LEAST_INTERVAL);
    let refresh = places.value(raw.refresh.as_ref(), &path, "refresh", refresh)?;
    let role_name = raw.role_name.as_ref();
    let external_id = |text: &str| values::external_id(text).map(Secret::from);
    let external = raw.external_id.as_ref();
    let session = raw.session_name.as_ref();
    let session = places.value(session, &path, "session_name", values::session_name)?;
    let duration = raw.duration.as_ref();
    let duration = places.value(duration, &path, "duration", values::role_duration)?;
    let organization = Organization {
        name: name.to_owned(),
        endpoint: endpoint(&raw, &member, &path, places)?,
        refresh: refresh.unwrap_or(defaults::REFRESH),
        role_name: places.needed(role_name, &path, "role_name", values::role_name)?,
        external_id: places.value(external, &path, "external_id", external_id)?,
        session_name: session.unwrap_or_else(|| defaults::SESSION_NAME.to_owned()),
        duration: duration.unwrap_or(defaults::ROLE_DURATION),
        account_label: label.unwrap_or_default(),
        member_tag_labels: tag_labels(&raw, &member, &path, places)?,
        include: globs(raw.include.as_ref(), &path.key("include"), places)?,
        exclude: globs(raw.exclude.as_ref(), &path.key("exclude"), places)?,
        member,
    };
    Ok((organization, own.warnings))
}

/// The API for organisations of the same cloud as the members'.
fn endpoint(
    raw: &RawOrganization,
    member: &Account,
    path: &KeyPath,
    places: &Places,
) -> Result<Endpoint, Error> {
    const KEY: &str = "organization_endpoint";
    let own = raw.organization_endpoint.as_ref();
    let own = places.value(own, path, KEY, Endpoint::parse)?;
    Ok(own.unwrap_or_else(|| {
        if member.endpoint.is_plain() {
            member.endpoint.clone()
        } else {
            member.site.organization_endpoint()
        }
    }))
}

/// Tags whose names can stand beside the labels that every member has.
fn tag_labels(
    raw: &RawOrganization,
    member: &Account,
    path: &KeyPath,
    places: &Places,
) -> Result<Vec<String>, Error> {
    const LABELS: Members = Members {
        one: "tag",
        many: "tags",
        most: defaults::MOST_LABELS,
    };
    let name = |text: &str| {
        values::label_name(text).map_err(|why| format!("{}: {why}", quoted(text)))?;
        if member.labels.contains_key(text) {
            return Err(format!(
                "{} is a label of every member already; take it out here or there",
                quoted(text)
            ));
        }
        Ok(text.to_owned())
    };
    let list = raw.member_tag_labels.as_ref();
    let path = path.key("member_tag_labels");
    Ok(lists::texts(list, &LABELS, &path, places, name)?.unwrap_or_default())
}

fn globs(list: Option<&List<Text>>, path: &KeyPath, places: &Places) -> Result<Vec<Glob>, Error> {
    const GLOBS: Members = Members {
        one: "pattern",
        many: "patterns",
        most: defaults::MOST_GLOBS,
    };
    let texts = lists::texts(list, &GLOBS, path, places, values::glob)?;
    Ok(texts
        .into_iter()
        .flatten()
        .map(|text| Glob::from(text.as_str()))
        .collect())
}
