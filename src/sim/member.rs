//! Organisations: the members that an account holds, which are JSON as the API sends it.

use serde_json::{Value, json};

use crate::sim::account::{Account, NotFound};
use crate::sim::role::Role;
use crate::sim::track::Track;

/// A member of an organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    uin: u64,
    json: Value,
}

impl Member {
    /// A member that was created in the organisation, without tags, under its root.
    pub fn new(uin: u64, name: &str) -> Self {
        let json = json!({
            "MemberUin": uin,
            "Name": name,
            "MemberType": "Create",
            "OrgPolicyType": "Financial",
            "OrgPolicyName": "财务管理",
            "OrgPermission": [{ "Id": 1, "Name": "查看账单" }],
            "NodeId": 1,
            "NodeName": "Root",
            "Remark": "",
            "CreateTime": "2021-01-14 14:43:38",
            "UpdateTime": "2021-01-14 14:43:38",
            "IsAllowQuit": "Denied",
            "PayUin": uin.to_string(),
            "PayName": name,
            "OrgIdentity": [],
            "BindStatus": "Success",
            "PermissionStatus": "Confirmed",
            "Tags": [],
            "NickName": name,
        });
        Self { uin, json }
    }

    /// Another name, which others may have too.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.with("Name", json!(name))
    }

    /// Another node of the organisation's tree than the root.
    #[must_use]
    pub fn node(self, id: u64, name: &str) -> Self {
        self.with("NodeId", json!(id)).with("NodeName", json!(name))
    }

    /// Other tags, each a key and a value, in the place of all of them.
    #[must_use]
    pub fn tags<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tags = tags.into_iter();
        let tags = tags.map(|(key, value)| json!({ "TagKey": key, "TagValue": value }));
        self.with("Tags", tags.collect())
    }

    /// A field set to anything, `null` included.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.json[field] = value;
        self
    }

    /// What is listed of it.
    pub fn json(&self) -> &Value {
        &self.json
    }
}

/// The first account that [`Account::create_organization`] makes has this number.
const FIRST_MEMBER: u64 = 200_000_000_001;

impl Account {
    /// Makes this account hold an organisation of these members, in their order. Whoever is a
    /// member need not be an account of this world.
    pub fn set_members(&self, members: Vec<Member>) {
        self.with_state(|account| account.members = Some(members));
    }

    /// Adds a member behind the others.
    pub fn add_member(&self, member: Member) {
        self.with_state(|account| account.members.get_or_insert_default().push(member));
    }

    /// Removes a member; those behind it move up. Its account goes on without the organisation.
    pub fn remove_member(&self, uin: u64) -> Result<Member, NotFound> {
        let removed = self.with_state(|account| {
            let members = account.members.as_mut()?;
            let position = members.iter().position(|member| member.uin == uin)?;
            Some(members.remove(position))
        });
        removed.ok_or_else(|| NotFound::member(self.uin(), uin))
    }

    /// Changes a member: its name, its tags, its node.
    pub fn change_member(
        &self,
        uin: u64,
        change: impl FnOnce(Member) -> Member,
    ) -> Result<(), NotFound> {
        let changed = self.with_state(|account| {
            let mut members = account.members.iter_mut().flatten();
            let member = members.find(|member| member.uin == uin)?;
            *member = change(member.clone());
            Some(())
        });
        changed.ok_or_else(|| NotFound::member(self.uin(), uin))
    }

    /// Makes so many accounts, each with this role and these tracks, and an organisation of them
    /// that this account holds: `member-1` is 200000000001, and so on.
    pub fn create_organization(&self, members: u64, role: &Role, tracks: &[Track]) {
        self.with_world(|state| {
            for uin in FIRST_MEMBER..FIRST_MEMBER + members {
                let account = state.accounts.entry(uin.to_string()).or_default();
                account.set_up_member(role.clone(), tracks.to_vec());
            }
        });
        let member = |n| Member::new(FIRST_MEMBER - 1 + n, &format!("member-{n}"));
        self.set_members((1..=members).map(member).collect());
    }
}
