//! The members of an organization, stored as the JSON that the API returns.

use serde_json::{Value, json};

/// A member of an organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub(super) uin: u64,
    json: Value,
}

impl Member {
    /// Returns a member that was created in the organization, without tags, at the root node.
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

    /// Sets the name, which need not be unique.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.with("Name", json!(name))
    }

    /// Sets the node of the organization's tree.
    #[must_use]
    pub fn node(self, id: u64, name: &str) -> Self {
        self.with("NodeId", json!(id)).with("NodeName", json!(name))
    }

    /// Replaces all tags with these pairs of key and value.
    #[must_use]
    pub fn tags<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tags = tags.into_iter();
        let tags = tags.map(|(key, value)| json!({ "TagKey": key, "TagValue": value }));
        self.with("Tags", tags.collect())
    }

    /// Sets a field to any value, including `null`.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.json[field] = value;
        self
    }

    /// Returns the member as the API lists it.
    pub fn json(&self) -> &Value {
        &self.json
    }
}
