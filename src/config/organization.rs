//! An organization, whose member accounts the exporter discovers.

use std::time::Duration;

use serde::Serialize;

use super::account::Account;
use super::endpoint::Endpoint;
use super::glob::Glob;
use super::secret::Secret;

/// An organization, whose member accounts the exporter discovers and polls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// The label `organization`.
    pub name: String,
    /// The host of the Organization API.
    pub endpoint: Endpoint,
    /// The time between two listings of the members.
    pub refresh: Duration,
    /// The role to assume in each member account.
    pub role_name: String,
    /// The external id that the role's trust policy requires.
    pub external_id: Option<Secret>,
    /// The name of the session in the members' audit logs.
    pub session_name: String,
    /// The lifetime of a temporary key.
    pub duration: Duration,
    /// What a member's label `account` is.
    pub account_label: AccountLabel,
    /// Tags of members that become labels of their series.
    pub member_tag_labels: Vec<String>,
    /// Patterns for the UIN, the name or the node of members to poll. Empty to poll all.
    pub include: Vec<Glob>,
    /// Patterns for members to skip.
    pub exclude: Vec<Glob>,
    /// The settings of every member, with an empty name, the credentials of the organization's
    /// admin account and no role. The discovery fills in the differences between members.
    pub member: Account,
}

impl Organization {
    /// Returns the admin account, which lists the members, as an account of its own.
    pub fn admin(&self) -> Account {
        Account {
            name: self.name.clone(),
            organization: None,
            ..self.member.clone()
        }
    }
}

/// What a member's label `account` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum AccountLabel {
    /// Its UIN, which never changes.
    #[default]
    Uin,
    /// Its name in the organization.
    Name,
}

impl AccountLabel {
    /// Returns the word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uin => "uin",
            Self::Name => "name",
        }
    }
}
