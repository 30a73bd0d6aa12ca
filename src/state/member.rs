//! What an organisation said of an account, as the file holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::snapshot::{AccountInfo, Member};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SavedMember {
    pub(super) organization: String,
    uin: String,
    name: String,
    node: String,
    tags: BTreeMap<String, String>,
}

impl SavedMember {
    /// None of an account that somebody wrote down.
    pub(super) fn of(account: &AccountInfo) -> Option<Self> {
        let Member {
            uin,
            name,
            node,
            tags,
        } = account.member.clone()?;
        Some(Self {
            organization: account.organization.clone(),
            uin,
            name,
            node,
            tags,
        })
    }
}

impl From<&SavedMember> for Member {
    fn from(saved: &SavedMember) -> Self {
        let saved = saved.clone();
        Self {
            uin: saved.uin,
            name: saved.name,
            node: saved.node,
            tags: saved.tags,
        }
    }
}
