//! The demo's organization: its members, the role that the exporter assumes in them, and the key
//! that it uses.
//!
//! One member has no track of its own and is covered by the organization's track; another member's
//! track records only a part of the operations. The account `archive` is outside the organization
//! and is polled with a role too.

use super::accounts::PLATFORM;
use super::tracks;
use crate::sim::{Member, Role, World};

/// The role that the exporter assumes in each of these accounts.
const ROLE: &str = "audit-reader";

/// The account outside the organization, and the external id that its role requires.
const ARCHIVE: &str = "100000000008";
const EXTERNAL_ID: &str = "demo";

/// The members: UIN, name and team.
const MEMBERS: [(u64, &str, &str); 3] = [
    (100_000_000_011, "checkout", "shop"),
    (100_000_000_012, "search", "shop"),
    (100_000_000_013, "reports", "money"),
];

/// Returns the last entry below `accounts:` in the configuration file, and the organization.
///
/// The role's key is valid for 100 seconds only, so that refreshes can be observed. The exporter
/// refreshes a key at half its lifetime, which never falls into the outage.
pub(super) fn configuration() -> String {
    let key = "credentials: {env: {secret_id: PLATFORM_ID, secret_key: PLATFORM_KEY}}";
    format!(
        "  archive:
    labels: {{team: core}}
    {key}
    assume_role: {{arn: \"qcs::cam::uin/{ARCHIVE}:roleName/{ROLE}\", external_id: {EXTERNAL_ID}, duration: 100s}}
organizations:
  main:
    {key}
    role_name: {ROLE}
    refresh: 10s
    account_label: name
    member_tag_labels: [team]
"
    )
}

/// Adds the members and `archive` to the simulator, each with the role.
pub(super) fn add_to(world: &World) {
    let role = Role::new(ROLE).trusts_account(PLATFORM);
    let archive = world.add_account(ARCHIVE);
    archive.add_role(role.clone().external_id(EXTERNAL_ID));
    archive.replace(tracks::initial("archive"));
    let members = MEMBERS.map(|(uin, name, team)| {
        let account = world.add_account(&uin.to_string());
        account.add_role(role.clone());
        account.replace(tracks::initial(name));
        Member::new(uin, name).tags([("team", team)])
    });
    world.add_account(PLATFORM).set_members(members.to_vec());
}
