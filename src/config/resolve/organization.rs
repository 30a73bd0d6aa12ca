//! An organization, from its own keys, `defaults` and the top level.

use super::super::account::Account;
use super::super::defaults;
use super::super::key_path::{KeyPath, Step};
use super::super::keys::OrganizationKeys;
use super::super::organization::Organization;
use super::super::reader::Reader;
use super::super::text::quoted;
use super::account::{SharedSettings, account};
use super::layers::SettingsLayer;

/// Resolves an organization. Returns `None` and reports a fault if it has no role.
pub(super) fn organization(
    name: &str,
    keys: OrganizationKeys,
    around: [&SettingsLayer; 2],
    shared: &SharedSettings,
    reader: &mut Reader,
) -> Option<Organization> {
    let path = KeyPath::from(["organizations", name]);
    let own = SettingsLayer {
        path: path.clone(),
        keys: keys.member(),
    };
    let [default_layer, top] = around;
    let member = Account {
        // A role of `defaults` belongs to a single account.
        assume_role: None,
        organization: Some(name.to_owned()),
        ..account("", [&own, default_layer, top], shared, reader)
    };
    let tags = keys.member_tag_labels.unwrap_or_default();
    for (index, tag) in tags.iter().enumerate() {
        if member.labels.contains_key(tag) {
            let mut path = path.key("member_tag_labels");
            path.push(Step::Index(index));
            let why = "is a label of every member already; remove it here or there";
            reader.refuse_at(&path, format!("{} {why}", quoted(tag)));
        }
    }
    let Some(role_name) = keys.role_name else {
        reader.refuse_at(
            &path,
            "role_name is missing; add the role that each member account has",
        );
        return None;
    };
    let endpoint = keys.organization_endpoint.unwrap_or_else(|| {
        if member.endpoint.is_plain() {
            member.endpoint.clone()
        } else {
            member.site.organization_endpoint()
        }
    });
    let session_name = keys.session_name;
    Some(Organization {
        name: name.to_owned(),
        endpoint,
        refresh: keys.refresh.unwrap_or(defaults::REFRESH),
        role_name,
        external_id: keys.external_id,
        session_name: session_name.unwrap_or_else(|| defaults::SESSION_NAME.to_owned()),
        duration: keys.duration.unwrap_or(defaults::ROLE_DURATION),
        account_label: keys.account_label.unwrap_or_default(),
        member_tag_labels: tags,
        include: keys.include.unwrap_or_default(),
        exclude: keys.exclude.unwrap_or_default(),
        member,
    })
}
