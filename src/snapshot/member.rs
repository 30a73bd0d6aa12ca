//! An account as its organisation knows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A member of an organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// `MemberUin`.
    pub uin: String,
    /// `Name`: what the organisation calls it. It may change, and two may have one.
    pub name: String,
    /// `NodeName`: the department that it is in.
    pub node: String,
    /// `Tags`.
    pub tags: BTreeMap<String, String>,
}
