//! The table of the metrics of accounts.

use std::fmt::Write;

use enum_map::Enum;

/// The type of a metric, as the text format names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A number that only grows.
    Counter,
}

macro_rules! metrics {
    ($($variant:ident $name:literal $kind:ident [$($label:ident)*] $help:literal)*) => {
        /// A metric of the accounts, in the order of the exposition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
        pub enum Metric {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Metric {
            /// Every metric, in the order of the exposition.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its type.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// Its labels after the common labels of the account, in their order.
            pub fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$(stringify!($label)),*],)* }
            }

            /// Its HELP text: a phrase that names its unit and the field of the API.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

metrics! {
    Up "cloudaudit_up" Gauge [region]
        "1 if the last poll of DescribeAuditTracks returned a complete listing that is not older than poll.stale_after, otherwise 0; cached from the last poll."
    LastFailureInfo "cloudaudit_last_failure_info" Gauge [region reason code]
        "1 if the last poll of DescribeAuditTracks failed, with the reason and the code of the failure (Error.Code of the API, or a code of the exporter); absent if the last poll succeeded; cached from the last poll."
    Tracks "cloudaudit_tracks" Gauge [region status storage_type]
        "Number of tracks in DescribeAuditTracks, by Status and Storage.StorageType; cached from the last complete listing and updated by incomplete listings."
    ReportedTracks "cloudaudit_reported_tracks" Gauge [region]
        "Number of tracks that DescribeAuditTracks reports as TotalCount; cached from the last complete listing."
    AccountTracks "cloudaudit_account_tracks" Gauge [status]
        "Number of distinct tracks (TrackId) of an account in its regions with data, by Status; if regions disagree, disabled has priority over unknown, and unknown over enabled; cached from the last complete listings and updated by incomplete listings."
    AccountCovered "cloudaudit_account_covered" Gauge []
        "1 if the enabled tracks of an account together record every ResourceType, every ActionType and all EventNames; also 1 if the organization's enabled tracks with TrackForAllMembers do; otherwise 0; absent if this is unknown; cached from the last complete listings."
    AccountCoverageChecked "cloudaudit_account_coverage_checked_timestamp_seconds" Gauge []
        "Unix time in seconds of the oldest DescribeAuditTracks listing (of the account or its organization) on which cloudaudit_account_covered depends; 0 if the exporter has not listed the organization's tracks since its start; absent if cloudaudit_account_covered is absent for another reason."
    AccountTrackRequired "cloudaudit_account_track_required" Gauge []
        "1 if the configuration (track_required) requires an enabled track in the account or coverage by the organization's tracks, otherwise 0."
    AccountObservedSeconds "cloudaudit_account_observed_seconds_total" Counter []
        "Total time in seconds between successive complete listings of DescribeAuditTracks that are at most three poll intervals apart."
    AccountCoveredSeconds "cloudaudit_account_covered_seconds_total" Counter []
        "Total time in seconds between successive complete listings of DescribeAuditTracks that are at most three poll intervals apart; counted only if the account was covered at both."
    AccountInfo "cloudaudit_account_info" Gauge [uin site organization provider]
        "Configuration of an account: UIN, site, organization and credential provider; always 1."
    TrackEnabled "cloudaudit_track_enabled" Gauge [region track_id track]
        "1 if Status of a track is enabled, 0 for every other status; cached from the last complete listing and updated by incomplete listings."
    TrackPresent "cloudaudit_track_present" Gauge [region track_id track]
        "1 if a track is listed, 0 if the track was deleted; the 0 lasts for poll.tombstone_for after the poll that detected the deletion; absent after an operator acknowledged the deletion; cached from the last complete listing and updated by incomplete listings."
    TrackAcknowledgedTimestamp "cloudaudit_track_acknowledged_timestamp_seconds" Gauge [region track_id track]
        "Unix time in seconds at which an operator acknowledged the deletion of a track; replaces cloudaudit_track_present; absent for every other track."
    TrackChangedTimestamp "cloudaudit_track_changed_timestamp_seconds" Gauge [region track_id track change]
        "Unix time in seconds at the end of the poll that last detected this kind of change to a track in DescribeAuditTracks; absent if no poll has detected such a change; cached from the last poll."
    TrackChangeOperatorInfo "cloudaudit_track_change_operator_info" Gauge [region track_id track change operator operator_type event]
        "Operator and eventName of the operation that made the last change of this kind that a poll detected, from DescribeEvents; always 1; absent unless attribution.operator_label is true and the operation is certain; cached from the last search."
    TrackFullCoverage "cloudaudit_track_full_coverage" Gauge [region track_id track]
        "1 if the settings of a track, whatever its Status, cover every ResourceType, every ActionType and all EventNames, 0 if they cover only a part; absent if the API does not show this; cached from the last complete listing and updated by incomplete listings."
    TrackStorageForeign "cloudaudit_track_storage_foreign" Gauge [region track_id track]
        "1 if Storage.StorageAccountId of a track is neither the UIN of the account nor in trusted_storage_accounts, otherwise 0; absent if this is unknown; cached from the last complete listing and updated by incomplete listings."
    TrackOrganizationWide "cloudaudit_track_organization_wide" Gauge [region track_id track]
        "1 if TrackForAllMembers of a track is set, otherwise 0; absent if this is unknown, for example without poll.details_interval; cached from the last DescribeAuditTrack."
    TrackCreatedTimestamp "cloudaudit_track_created_timestamp_seconds" Gauge [region track_id track]
        "Unix time in seconds of a track's CreateTime, read with the UTC offset poll.create_time_offset; absent if CreateTime is unreadable; cached from the last complete listing and updated by incomplete listings."
    TrackInfo "cloudaudit_track_info" Gauge [region track_id track action_type resource_type storage_type storage_region storage_name storage_prefix storage_account]
        "ActionType, ResourceType and Storage of a track; always 1; cached from the last complete listing and updated by incomplete listings."
    ExpectedTrackPresent "cloudaudit_expected_track_present" Gauge [track]
        "1 if DescribeAuditTracks lists a track with the Name of an expected track, 0 if not; absent if the listings neither show such a track nor prove that none exists; cached from the last complete listings and updated by incomplete listings."
    ExpectedTrackMatches "cloudaudit_expected_track_matches" Gauge [track]
        "1 if an expected track is listed, its Status is enabled, and its ActionType, ResourceType and Storage are as configured, 0 if not; absent if the listings prove neither; cached from the last complete listings and updated by incomplete listings."
    PollInterval "cloudaudit_poll_interval_seconds" Gauge [region]
        "Configured time in seconds between two polls of a target (an account in a region)."
    LastPollTimestamp "cloudaudit_last_poll_timestamp_seconds" Gauge [region]
        "Unix time in seconds at which the last poll of DescribeAuditTracks ended, failed polls included; 0 before the first poll."
    LastSuccessTimestamp "cloudaudit_last_success_timestamp_seconds" Gauge [region]
        "Unix time in seconds at which the last complete listing of DescribeAuditTracks ended; 0 before the first complete listing, or if the time is unknown."
    LastPollDuration "cloudaudit_last_poll_duration_seconds" Gauge [region]
        "Duration in seconds of the last poll of DescribeAuditTracks, including retries and the wait for the rate limiter; 0 before the first poll."
    Polls "cloudaudit_polls_total" Counter [region]
        "Number of polls of DescribeAuditTracks that ended, failed polls included."
    PollFailures "cloudaudit_poll_failures_total" Counter [region reason]
        "Number of polls of DescribeAuditTracks that failed, by reason."
    SkippedPolls "cloudaudit_skipped_polls_total" Counter [region]
        "Number of polls of DescribeAuditTracks that the exporter skipped because the previous poll of the target was still running."
    DroppedTracks "cloudaudit_dropped_tracks" Gauge [region]
        "Number of tracks in DescribeAuditTracks that have no series of their own, because the target has more than poll.max_tracks tracks; cached from the last complete listing and updated by incomplete listings."
    TrackChanges "cloudaudit_track_changes_total" Counter [region change]
        "Number of changes to tracks between two listings of DescribeAuditTracks, by kind of change; only a complete listing can show that a track vanished."
    DeliveryState "cloudaudit_delivery_state" Gauge [storage_type storage_region storage_name storage_prefix state]
        "1 for the present state of the delivery to the Storage of enabled tracks, 0 for every other state; unknown if the last check failed, or if no check within three times delivery.interval has found another state; absent unless delivery.enabled is true; cached from the last check."
    DeliveryLastArrival "cloudaudit_delivery_last_arrival_timestamp_seconds" Gauge [storage_type storage_region storage_name storage_prefix]
        "Unix time in seconds of the last arrival in the Storage of enabled tracks: LastModified of the newest object in a bucket, or the start of the newest minute with records in a log topic; absent until a check finds an arrival; cached from the last successful check."
    DeliveryDue "cloudaudit_delivery_due_timestamp_seconds" Gauge [storage_type storage_region storage_name storage_prefix]
        "Unix time in seconds of the oldest operation in DescribeEvents that should have arrived in the Storage of enabled tracks but has not; absent if no operation is overdue, or if the oldest overdue operation is unknown; cached from the last successful check."
    DeliveryLastCheck "cloudaudit_delivery_last_check_timestamp_seconds" Gauge [storage_type storage_region storage_name storage_prefix]
        "Unix time in seconds of the last successful check of the Storage of enabled tracks; 0 before the first successful check; absent unless delivery.enabled is true."
    DeliveryCheckFailures "cloudaudit_delivery_check_failures_total" Counter [storage_type storage_region storage_name storage_prefix reason]
        "Number of failed checks of the Storage of enabled tracks, by reason; absent unless delivery.enabled is true."
    AttributionResults "cloudaudit_attribution_results_total" Counter [result]
        "Number of changes to tracks for which the exporter has ended its search of DescribeEvents for the operator, by result; absent unless attribution.enabled is true."
    AttributionPending "cloudaudit_attribution_pending" Gauge []
        "Number of changes to tracks for which the exporter is still searching DescribeEvents for the operator; absent unless attribution.enabled is true."
    AttributionLastSweepTimestamp "cloudaudit_attribution_last_sweep_timestamp_seconds" Gauge []
        "Unix time in seconds at which the last successful sweep of DescribeEvents ended; 0 before the first successful sweep; absent without attribution.sweep_interval."
    TrackWriteOperations "cloudaudit_track_write_operations_total" Counter [event outcome]
        "Number of write operations on CloudAudit that sweeps of DescribeEvents found, by eventName and outcome; absent without attribution.sweep_interval."
    UnseenSwitchOffs "cloudaudit_unseen_switch_offs_total" Counter []
        "Number of cases in which a track was switched off and on again between two polls, as found by sweeps of DescribeEvents; absent without attribution.sweep_interval."
    TrackUnseenSwitchOff "cloudaudit_track_unseen_switch_off_timestamp_seconds" Gauge [track_id track]
        "Unix time in seconds of the last switch-off after which a track was on again before the next poll, from sweeps of DescribeEvents; absent if the change feed has no such switch-off."
    ApiRequests "cloudaudit_api_requests_total" Counter [action]
        "Number of requests sent to the API, retries included, by X-TC-Action."
    ApiRequestRetries "cloudaudit_api_request_retries_total" Counter [action]
        "Number of requests to the API that retried a failed request, by X-TC-Action."
    ApiRequestFailures "cloudaudit_api_request_failures_total" Counter [reason]
        "Number of requests to the API that failed, retries included, by reason."
    ApiRequestErrors "cloudaudit_api_request_errors_total" Counter [action code]
        "Number of requests to the API that failed, by X-TC-Action and by Error.Code or a code of the exporter; absent before the first such failure."
    RateLimiterWait "cloudaudit_rate_limiter_wait_seconds_total" Counter []
        "Time in seconds that requests to the API waited for rate limiters and the limit on concurrent requests."
    RateLimiterCeiling "cloudaudit_rate_limiter_requests_per_second" Gauge []
        "Current limit in requests per second of the rate limiter for DescribeAuditTracks; accounts with the same key or role share one limiter."
    CredentialsExpiry "cloudaudit_credentials_expiry_timestamp_seconds" Gauge [provider]
        "Unix time in seconds at which the current key expires; absent unless the exporter obtained the key from STS or the metadata service."
    CredentialsChanged "cloudaudit_credentials_changed_timestamp_seconds" Gauge [provider]
        "Unix time in seconds at which the current key came into use; absent before the first key."
    CredentialsRefreshes "cloudaudit_credentials_refreshes_total" Counter [provider]
        "Number of successful credential refreshes; accounts with the same credentials share the count; absent if the key never changes."
    CredentialsRefreshFailures "cloudaudit_credentials_refresh_failures_total" Counter [provider]
        "Number of failed credential refreshes, including those while the current key was still valid; accounts with the same credentials share the count; absent if the key never changes."
}

impl Metric {
    /// Returns whether a poll that finds no change still changes the metric.
    pub fn changes_with_every_poll(self) -> bool {
        matches!(
            self,
            Self::AccountCoverageChecked
                | Self::AccountObservedSeconds
                | Self::AccountCoveredSeconds
                | Self::LastPollTimestamp
                | Self::LastSuccessTimestamp
                | Self::LastPollDuration
                | Self::Polls
                | Self::ApiRequests
                | Self::RateLimiterWait
        )
    }

    /// Returns the two lines above its samples.
    pub fn header(self) -> String {
        let kind = match self.kind() {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        let mut header = String::new();
        let name = self.name();
        // None of the texts above holds a backslash or a line break, so there is nothing to escape.
        writeln!(header, "# HELP {name} {}", self.help()).expect("a String takes every text");
        writeln!(header, "# TYPE {name} {kind}").expect("a String takes every text");
        header
    }
}
