//! An account as its organization lists it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A member of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// `MemberUin`.
    pub uin: String,
    /// `Name`: its name in the organization. It may change, and two members may have the same.
    pub name: String,
    /// `NodeName`: its department.
    pub node: String,
    /// `Tags`.
    pub tags: BTreeMap<String, String>,
}
