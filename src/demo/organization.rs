//! The demo's organisation: who is in it, whose role is assumed, and with which key.
//!
//! One member has no track of its own and is covered by the organisation's; one has a track over a
//! part of everything. Beside them stands an account outside of the organisation that is polled
//! with a role too.

use super::estate;
use crate::sim::{Member, Role, Track, World};

/// The role in every account that another one's key is used for.
const ROLE: &str = "audit-reader";

/// The account that holds the organisation.
pub(super) const PLATFORM: &str = "100000000007";

/// Its track for all members.
const PLATFORM_TRACK: u64 = 710;

/// The account that is polled with a role, and what whoever assumes it must know.
const ARCHIVE: &str = "100000000008";
const EXTERNAL_ID: &str = "demo";

/// The members: their numbers, names and teams.
const MEMBERS: [(u64, &str, &str); 3] = [
    (100_000_000_011, "checkout", "shop"),
    (100_000_000_012, "search", "shop"),
    (100_000_000_013, "reports", "money"),
];

/// What stands behind the accounts of the configuration. The key lives so shortly that renewals can
/// be watched, and is renewed at its half, which is not while the cloud is dark.
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

/// Makes the members and the other account, each with the role. The account that holds the
/// organisation is there already.
pub(super) fn found(world: &World) {
    let role = Role::new(ROLE).trusts_account(PLATFORM);
    let archive = world.add_account(ARCHIVE);
    archive.add_role(role.clone().external_id(EXTERNAL_ID));
    archive.create(Track::new(720, "audit-all").storage(estate::bucket("archive-audit")));
    let members = MEMBERS.map(|(uin, name, team)| {
        let account = world.add_account(&uin.to_string());
        account.add_role(role.clone());
        if let Some(track) = track(name) {
            account.create(track.storage(estate::bucket(&format!("{name}-audit"))));
        }
        Member::new(uin, name).tags([("team", team)])
    });
    let platform = world.add_account(PLATFORM);
    platform.set_members(members.to_vec());
}

/// The organisation's own track.
pub(super) fn platform_track() -> Track {
    Track::new(PLATFORM_TRACK, "organization")
        .storage(estate::bucket("organization-audit"))
        .for_all_members()
}

fn track(member: &str) -> Option<Track> {
    match member {
        "checkout" => Some(Track::new(730, "audit-all")),
        "reports" => Some(Track::new(731, "writes").with("ActionType", "Write".into())),
        _ => None,
    }
}
