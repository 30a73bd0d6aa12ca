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
        /// The name of the role to assume in each member account. Required.
        role_name: RoleName,
        /// The source of the API key of the organization's admin account. With this API key, the
        /// exporter lists the members and assumes their roles. Default: as for an account.
        credentials: Source,
        /// The value of the label `account` of a member: the UIN, or the name, which can change.
        account_label: MemberLabel = AccountLabel::default().as_str(),
        /// Tags that become labels on the series of a member. A tag must not also be a key of
        /// `labels`.
        member_tag_labels: List<TagLabel, { defaults::MOST_LABELS }>,
        /// Patterns for the members to poll. A pattern must match the whole UIN or name of a
        /// member, or the whole name of its organization node. `*` matches any text, and `?`
        /// matches one character. Default: all members.
        include: MemberPatterns,
        /// Patterns, as in `include`, for the members to skip.
        exclude: MemberPatterns,
        /// The time between two listings of the members.
        refresh: Interval = format_duration(defaults::REFRESH),
        /// The external id that the members' roles require.
        external_id: ExternalId,
        /// The session's name in the audit logs of the members.
        session_name: SessionName = defaults::SESSION_NAME,
        /// The lifetime of a temporary key.
        duration: RoleDuration = format_duration(defaults::ROLE_DURATION),
        /// The host of the Organization API. Default: `endpoint` if it begins with `http://`, else
        /// the site's Organization API host.
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
