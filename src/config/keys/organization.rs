//! The keys of an organization: its own keys, and the keys of an account for every member.

use super::super::defaults;
use super::super::leaf::{
    ExternalId, Host, Interval, MemberLabel, MemberPattern, RoleDuration, RoleName, SessionName,
    TagLabel,
};
use super::super::organization::AccountLabel;
use super::super::value_types::List;
use super::account::{AccountKeys, CommonKeys};
use super::mapping::mapping;
use super::source::Source;
use crate::duration::format_duration;

/// Patterns for members.
pub(in crate::config) type MemberPatterns = List<MemberPattern, 1000>;

mapping! {
    struct OrganizationKeys as "organization" with common: CommonKeys {
        /// The role to assume in each member account; required.
        role_name: RoleName,
        /// The key of the organization's admin account, from one source: it lists the members and
        /// assumes their roles. Default: the default chain.
        credentials: Source,
        /// The label `account` of a member: its UIN or its name, which can change.
        account_label: MemberLabel = AccountLabel::default().as_str(),
        /// Tags of members that become labels of the member's series; not the names of `labels`.
        member_tag_labels: List<TagLabel, { defaults::MOST_LABELS }>,
        /// Members to poll, by UIN, name or organization node: patterns for the whole text, with
        /// `*` for any text and `?` for one character. Default: all members.
        include: MemberPatterns,
        /// Members to skip, with patterns as in `include`.
        exclude: MemberPatterns,
        /// The time between two listings of the members.
        refresh: Interval = format_duration(defaults::REFRESH),
        /// The external id that the members' roles require.
        external_id: ExternalId,
        /// The session's name in the audit logs of the members.
        session_name: SessionName = defaults::SESSION_NAME,
        /// The lifetime of a temporary key. The exporter refreshes it earlier.
        duration: RoleDuration = format_duration(defaults::ROLE_DURATION),
        /// The host of the Organization API. Default: `endpoint` if on loopback, else the site's
        /// Organization API host.
        organization_endpoint: Host,
    }
}

impl OrganizationKeys {
    /// Returns the settings of a member, as an account would have them.
    pub(in crate::config) fn member(&self) -> AccountKeys {
        AccountKeys {
            common: self.common.clone(),
            credentials: self.credentials.clone(),
            ..AccountKeys::default()
        }
    }
}
