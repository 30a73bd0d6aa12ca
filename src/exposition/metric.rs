//! The table of metrics.

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

            /// Its labels besides those that all samples of an account begin with, in their order.
            pub fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$(stringify!($label)),*],)* }
            }

            /// What it means, in a sentence for people.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

metrics! {
    Up "cloudaudit_up" Gauge [region]
        "1 only if the last poll of DescribeAuditTracks ended with a complete listing, which is not older than poll.stale_after. Cached."
    LastFailureInfo "cloudaudit_last_failure_info" Gauge [region reason code]
        "1 while the last poll failed, with the reason and the API's Error.Code; absent otherwise. Cached."
    Tracks "cloudaudit_tracks" Gauge [region status storage_type]
        "Tracks of the last complete listing, updated by incomplete ones since, by Status and Storage.StorageType. Cached."
    ReportedTracks "cloudaudit_reported_tracks" Gauge [region]
        "TotalCount of the last complete listing. Cached."
    AccountTracks "cloudaudit_account_tracks" Gauge [status]
        "Distinct TrackId of an account over its regions, by Status; the worse where regions differ. Cached."
    AccountCovered "cloudaudit_account_covered" Gauge []
        "1 if the enabled tracks of an account together, or those of its organisation for all members, record every ResourceType, ActionType and EventNames; absent where that is not known. Cached."
    AccountCoverageChecked "cloudaudit_account_coverage_checked_timestamp_seconds" Gauge []
        "Unix time of the oldest observation that cloudaudit_account_covered rests on, the organization's DescribeAuditTracks included; absent while coverage is unknown."
    AccountTrackRequired "cloudaudit_account_track_required" Gauge []
        "Whether the configuration wants an account to have an enabled track of its own."
    AccountObservedSeconds "cloudaudit_account_observed_seconds_total" Counter []
        "Time that complete listings vouch for: between two of them no further apart than three intervals."
    AccountCoveredSeconds "cloudaudit_account_covered_seconds_total" Counter []
        "The part of the observed time that was covered at both ends."
    AccountInfo "cloudaudit_account_info" Gauge [uin site organization provider]
        "What the configuration says of an account; always 1."
    TrackEnabled "cloudaudit_track_enabled" Gauge [region track_id track]
        "Status of a track: 1 enabled, 0 anything else. Cached."
    TrackPresent "cloudaudit_track_present" Gauge [region track_id track]
        "1 while no complete listing lacks this TrackId; 0 after one did, for poll.tombstone_for. Cached."
    TrackChangedTimestamp "cloudaudit_track_changed_timestamp_seconds" Gauge [region track_id track change]
        "Unix time of the poll that last saw this change of a track; absent if never. Cached."
    TrackFullCoverage "cloudaudit_track_full_coverage" Gauge [region track_id track]
        "1 if ActionType, ResourceType and EventNames of a track are everything, 0 for a subset; absent where the listing cannot tell. Cached."
    TrackStorageForeign "cloudaudit_track_storage_foreign" Gauge [region track_id track]
        "1 if Storage.StorageAccountId is neither the account's own nor trusted; absent where the owner is not known. Cached."
    TrackOrganizationWide "cloudaudit_track_organization_wide" Gauge [region track_id track]
        "TrackForAllMembers of DescribeAuditTrack: 1 if a track records for every account of its organisation; absent where that is not known. Cached."
    TrackCreatedTimestamp "cloudaudit_track_created_timestamp_seconds" Gauge [region track_id track]
        "CreateTime of a track in Unix time, read in the configured time zone. Cached."
    TrackInfo "cloudaudit_track_info" Gauge [region track_id track action_type resource_type storage_type storage_region storage_name storage_prefix storage_account]
        "ActionType, ResourceType and Storage of a track; always 1. Cached."
    ExpectedTrackPresent "cloudaudit_expected_track_present" Gauge [track]
        "1 if a track of the expected Name is listed; absent where a listing does not prove that it is not. Cached."
    ExpectedTrackMatches "cloudaudit_expected_track_matches" Gauge [track]
        "1 if an expected track is listed, enabled and as the configuration wants it; likewise. Cached."
    PollInterval "cloudaudit_poll_interval_seconds" Gauge [region]
        "The configured time between two polls of a target."
    LastPollTimestamp "cloudaudit_last_poll_timestamp_seconds" Gauge [region]
        "Unix time of the end of the last poll, failed or not; 0 before the first."
    LastSuccessTimestamp "cloudaudit_last_success_timestamp_seconds" Gauge [region]
        "Unix time of the last complete listing; 0 before the first."
    LastPollDuration "cloudaudit_last_poll_duration_seconds" Gauge [region]
        "How long the last poll took, with retries and the wait for the rate limit."
    Polls "cloudaudit_polls_total" Counter [region]
        "Polls that ended, failed ones included."
    PollFailures "cloudaudit_poll_failures_total" Counter [region reason]
        "Polls that failed, by reason."
    SkippedPolls "cloudaudit_skipped_polls_total" Counter [region]
        "Polls left out because the one before was still running."
    DroppedTracks "cloudaudit_dropped_tracks" Gauge [region]
        "Tracks of the last complete listing beyond poll.max_tracks: counted, and without series of their own. Cached."
    TrackChanges "cloudaudit_track_changes_total" Counter [region change]
        "Changes of tracks between two listings, by kind; only a complete listing makes a track vanish."
    ApiRequests "cloudaudit_api_requests_total" Counter [action]
        "Requests sent to the API, retried ones included, by X-TC-Action."
    ApiRequestRetries "cloudaudit_api_request_retries_total" Counter [action]
        "Requests that repeated a failed one, by X-TC-Action."
    ApiRequestFailures "cloudaudit_api_request_failures_total" Counter [reason]
        "Requests that failed, retried ones included, by reason."
    ApiRequestErrors "cloudaudit_api_request_errors_total" Counter [action code]
        "Requests that failed, by X-TC-Action and the API's Error.Code."
    RateLimiterWait "cloudaudit_rate_limiter_wait_seconds_total" Counter []
        "Time that requests waited for the rate limit."
    RateLimiterCeiling "cloudaudit_rate_limiter_requests_per_second" Gauge []
        "The rate that the account's requests are limited to; shared by accounts with the same key."
    CredentialsExpiry "cloudaudit_credentials_expiry_timestamp_seconds" Gauge [provider]
        "Unix time when the temporary key in use ends, by STS or the metadata service."
    CredentialsChanged "cloudaudit_credentials_changed_timestamp_seconds" Gauge [provider]
        "Unix time when the key in use was taken up."
    CredentialsRefreshes "cloudaudit_credentials_refreshes_total" Counter [provider]
        "How often a key was taken up; shared by accounts with the same credentials."
    CredentialsRefreshFailures "cloudaudit_credentials_refresh_failures_total" Counter [provider]
        "How often no key was to be had, while the one in use still lasted included."
}

impl Metric {
    /// The two lines above its samples.
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
