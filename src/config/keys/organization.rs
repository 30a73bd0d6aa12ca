//! The keys of an organization: its own, and those of an account for every member.

use super::super::defaults;
use super::super::duration::format_duration;
use super::super::leaf::{
    Boolean, ExternalId, Host, Interval, MemberLabel, MemberPattern, Region, RoleDuration,
    RoleName, SessionName, SiteName, TagLabel,
};
use super::super::organization::AccountLabel;
use super::super::value_types::List;
use super::account::{AccountKeys, Labels};
use super::mapping::mapping;
use super::rate_limit::RateLimitKeys;
use super::source::Source;
use super::track::Track;

/// Patterns for members.
pub(in crate::config) type MemberPatterns = List<MemberPattern, 1000>;

mapping! {
    struct OrganizationKeys as "organization" {
        /// The role to assume in each member account; required.
        role_name: RoleName,
        /// The key of the organization's admin account, from one source: the exporter lists the
        /// members with it and assumes their roles. Default: the default chain.
        credentials: Source,
        /// The label `account` of a member: its UIN, or its name in the organization, which can
        /// change.
        account_label: MemberLabel = AccountLabel::default().as_str(),
        /// Tags of members that become labels of their series. A tag cannot replace a label of
        /// `labels`.
        member_tag_labels: List<TagLabel, { defaults::MOST_LABELS }>,
        /// Members to poll, by UIN, name or organization node: patterns that match the whole text,
        /// in which `*` is any text and `?` one character. Default: all.
        include: MemberPatterns,
        /// Members to skip, with the same patterns.
        exclude: MemberPatterns,
        /// The time between two listings of the members.
        refresh: Interval = format_duration(defaults::REFRESH),
        /// The external id that the trust policies of the members' roles require.
        external_id: ExternalId,
        /// The name of the session in the audit logs of the members.
        session_name: SessionName = defaults::SESSION_NAME,
        /// The lifetime of a temporary key. The exporter refreshes the key before it expires.
        duration: RoleDuration = format_duration(defaults::ROLE_DURATION),
        /// Another host of the Organization API. Default: the host of the site, or an `endpoint` on
        /// loopback.
        organization_endpoint: Host,
        /// The regions to poll in every member account, not the regions that tracks deliver to.
        regions: List<Region, 64> = [defaults::REGION],
        /// Labels on every series of the members, merged with those of `defaults`.
        labels: Labels,
        /// For this organization only. It sets the endpoints too.
        site: SiteName,
        /// The host of CloudAudit, for this organization only. Default: the host of the site. A host
        /// on loopback is a simulated cloud: calls to STS and to the Organization API go there too,
        /// unless the same level sets their endpoints.
        endpoint: Host,
        /// For this organization only. Default: the host of the site, or an `endpoint` on loopback.
        sts_endpoint: Host,
        /// For each member of this organization, and not shorter than `poll.timeout`.
        interval: Interval,
        /// For each member of this organization.
        rate_limit: RateLimitKeys,
        /// Tracks that must exist in every member account: a name, or a mapping of a name and of
        /// fields that must match as text.
        expected_tracks: List<Track, 100>,
        /// Whether every member needs an enabled track of its own. Set `false` for sandboxes, or if
        /// the organization covers its members.
        track_required: Boolean = true,
    }
}

impl OrganizationKeys {
    /// Returns the settings of a member, as an account would have them.
    pub(in crate::config) fn member(&self) -> AccountKeys {
        let own = self.clone();
        AccountKeys {
            regions: own.regions,
            labels: own.labels,
            site: own.site,
            endpoint: own.endpoint,
            sts_endpoint: own.sts_endpoint,
            interval: own.interval,
            rate_limit: own.rate_limit,
            uin: None,
            credentials: own.credentials,
            assume_role: None,
            expected_tracks: own.expected_tracks,
            track_required: own.track_required,
        }
    }
}
