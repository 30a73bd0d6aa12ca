//! An organisation: accounts that nobody wrote down.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::glob::Glob;
use super::secret::Secret;
use super::types::Account;

/// An organisation, whose member accounts are discovered and polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The label `organization`.
    pub name: String,
    /// Where the members are asked for.
    pub endpoint: Endpoint,
    /// The members are asked for once in this time.
    pub refresh: Duration,
    /// The role that is assumed in each member account.
    pub role_name: String,
    /// What the role's trust policy may ask for.
    pub external_id: Option<Secret>,
    /// What the members' audit logs call the session.
    pub session_name: String,
    /// How long a temporary key is good for.
    pub duration: Duration,
    /// What a member's label `account` is.
    pub account_label: AccountLabel,
    /// Tags of members that become labels of their series.
    pub member_tag_labels: Vec<String>,
    /// Members that are polled: any of these fits the UIN, the name or the node; none: all.
    pub include: Vec<Glob>,
    /// And of these, members that are not.
    pub exclude: Vec<Glob>,
    /// What every member has. The name is empty, the credentials are those of the organisation's
    /// admin account, no role is assumed: the discovery fills in what tells members apart.
    pub member: Account,
}

impl Organization {
    /// The account that is asked for the members, as an account of its own.
    pub fn admin(&self) -> Account {
        Account {
            name: self.name.clone(),
            organization: None,
            ..self.member.clone()
        }
    }
}

/// What a member's label `account` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountLabel {
    /// Its UIN, which never changes.
    #[default]
    Uin,
    /// Its name in the organisation.
    Name,
}

impl AccountLabel {
    /// As the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uin => "uin",
            Self::Name => "name",
        }
    }
}
