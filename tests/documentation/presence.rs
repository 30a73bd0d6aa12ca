//! When each series is present.

const ALWAYS: &str = "always";
pub(crate) const WITH_DATA: &str = "with data";
const OF_STATE: &str = "if there is a state file, from its first write on";
const FIRST_ERROR: &str = "from the first such failure on";
const OF_CHANGING_KEYS: &str = "if the key comes from a file, a profile or a role";
const OF_ACTIONS: &str =
    "always for action `DescribeAuditTracks`; otherwise from the first such request on";
const OF_DELIVERY: &str = "if `delivery.enabled` is `true`";
const OF_ORGANIZATIONS: &str = "for each organization in the configuration";

/// The name of each metric, and when a series of it is present.
pub(crate) const WHEN: &[(&str, &str)] = &[
    ("cloudaudit_up", "always; 0 before the first poll"),
    ("cloudaudit_last_failure_info", "if the last poll failed"),
    (
        "cloudaudit_tracks",
        "with data; if no track has this status and storage type: absent for `unknown` with `cos`, `cls` or `ckafka`, otherwise 0",
    ),
    ("cloudaudit_reported_tracks", WITH_DATA),
    (
        "cloudaudit_account_tracks",
        "with data in at least one region",
    ),
    (
        "cloudaudit_account_covered",
        "with data in at least one region, unless [unknown](#absent-values)",
    ),
    (
        "cloudaudit_account_coverage_checked_timestamp_seconds",
        "with `cloudaudit_account_covered`, and if that series is [absent](#absent-values) because the exporter cannot list the organization's tracks",
    ),
    ("cloudaudit_account_track_required", ALWAYS),
    ("cloudaudit_account_observed_seconds_total", ALWAYS),
    ("cloudaudit_account_covered_seconds_total", ALWAYS),
    ("cloudaudit_account_info", ALWAYS),
    ("cloudaudit_track_enabled", WITH_DATA),
    (
        "cloudaudit_track_present",
        "with data; for a deleted track also without data, until its tombstone expires or an operator [acknowledges the deletion](operation.md#forget-a-deleted-track)",
    ),
    (
        "cloudaudit_track_acknowledged_timestamp_seconds",
        "from the [acknowledgment](operation.md#forget-a-deleted-track) until the [tombstone](#changes-and-tombstones) would have expired or the track returns",
    ),
    (
        "cloudaudit_track_changed_timestamp_seconds",
        "from the first such change on, also without data; for a deleted track until its [tombstone](#changes-and-tombstones) expires; absent for tracks beyond `poll.max_tracks`",
    ),
    (
        "cloudaudit_track_change_operator_info",
        "if `attribution.operator_label` is `true`, while the [change feed](changes.md) has the change with the [result](changes.md#where-the-operator-comes-from) `certain`",
    ),
    (
        "cloudaudit_track_full_coverage",
        "with data, unless [unknown](#absent-values)",
    ),
    (
        "cloudaudit_track_storage_foreign",
        "with data, if `StorageAccountId` is trusted, or if both `StorageAccountId` and the account's UIN are known",
    ),
    (
        "cloudaudit_track_created_timestamp_seconds",
        "with data, if `CreateTime` is readable",
    ),
    ("cloudaudit_track_info", WITH_DATA),
    (
        "cloudaudit_expected_track_present",
        "with data in at least one region, unless [unknown](#absent-values)",
    ),
    (
        "cloudaudit_expected_track_matches",
        "with data in at least one region, unless [unknown](#absent-values)",
    ),
    ("cloudaudit_poll_interval_seconds", ALWAYS),
    ("cloudaudit_last_poll_timestamp_seconds", ALWAYS),
    ("cloudaudit_last_success_timestamp_seconds", ALWAYS),
    ("cloudaudit_last_poll_duration_seconds", ALWAYS),
    ("cloudaudit_polls_total", ALWAYS),
    ("cloudaudit_poll_failures_total", "always, for every reason"),
    ("cloudaudit_skipped_polls_total", ALWAYS),
    ("cloudaudit_dropped_tracks", WITH_DATA),
    ("cloudaudit_track_changes_total", "always, for every change"),
    ("cloudaudit_delivery_state", OF_DELIVERY),
    (
        "cloudaudit_delivery_last_arrival_timestamp_seconds",
        "if `delivery.enabled` is `true`, after a check has found an arrival",
    ),
    (
        "cloudaudit_delivery_due_timestamp_seconds",
        "if `delivery.enabled` is `true`, two successive checks found an operation overdue, and the oldest overdue operation is known",
    ),
    (
        "cloudaudit_delivery_last_check_timestamp_seconds",
        OF_DELIVERY,
    ),
    (
        "cloudaudit_delivery_check_failures_total",
        "if `delivery.enabled` is `true`, for every reason",
    ),
    (
        "cloudaudit_attribution_results_total",
        "if `attribution.enabled` is `true`, for every result",
    ),
    (
        "cloudaudit_attribution_pending",
        "if `attribution.enabled` is `true`",
    ),
    (
        "cloudaudit_attribution_last_sweep_timestamp_seconds",
        "if the exporter runs [sweeps](changes.md#sweeps)",
    ),
    (
        "cloudaudit_track_write_operations_total",
        "if the exporter runs [sweeps](changes.md#sweeps), for every event and outcome",
    ),
    (
        "cloudaudit_unseen_switch_offs_total",
        "if the exporter runs [sweeps](changes.md#sweeps)",
    ),
    (
        "cloudaudit_track_unseen_switch_off_timestamp_seconds",
        "if the exporter runs [sweeps](changes.md#sweeps), while the [change feed](changes.md) has the switch-off",
    ),
    ("cloudaudit_api_requests_total", OF_ACTIONS),
    (
        "cloudaudit_api_request_retries_total",
        "always for action `DescribeAuditTracks`; otherwise from the first such retry on",
    ),
    (
        "cloudaudit_api_request_failures_total",
        "always, for every reason",
    ),
    ("cloudaudit_api_request_errors_total", FIRST_ERROR),
    ("cloudaudit_rate_limiter_wait_seconds_total", ALWAYS),
    ("cloudaudit_rate_limiter_requests_per_second", ALWAYS),
    (
        "cloudaudit_track_organization_wide",
        "with data, if `TrackForAllMembers` is known from details that are at most four times `poll.details_interval` old",
    ),
    (
        "cloudaudit_credentials_expiry_timestamp_seconds",
        "if the exporter obtained the current key from STS or the metadata service",
    ),
    (
        "cloudaudit_credentials_changed_timestamp_seconds",
        "from the first use of a key on",
    ),
    ("cloudaudit_credentials_refreshes_total", OF_CHANGING_KEYS),
    (
        "cloudaudit_credentials_refresh_failures_total",
        OF_CHANGING_KEYS,
    ),
    ("cloudaudit_api_request_duration_seconds", OF_ACTIONS),
    (
        "cloudaudit_clock_skew_seconds",
        "from the first response with the header `Date` on",
    ),
    ("cloudaudit_exporter_account_restarts_total", ALWAYS),
    ("cloudaudit_exporter_build_info", ALWAYS),
    ("cloudaudit_exporter_config_hash", ALWAYS),
    (
        "cloudaudit_exporter_config_last_reload_success_timestamp_seconds",
        ALWAYS,
    ),
    ("cloudaudit_exporter_config_last_reload_successful", ALWAYS),
    (
        "cloudaudit_exporter_http_requests_total",
        "always for handler `metrics` and code 200; otherwise from the first such request on",
    ),
    ("cloudaudit_exporter_log_lines_dropped_total", ALWAYS),
    (
        "cloudaudit_exporter_page_info",
        "if [`--web.external-url`](web.md#behind-a-proxy) is set",
    ),
    ("cloudaudit_exporter_state_last_write_successful", OF_STATE),
    (
        "cloudaudit_exporter_state_last_write_timestamp_seconds",
        "if there is a state file, from its first successful write on",
    ),
    ("cloudaudit_exporter_shard_ordinal", ALWAYS),
    ("cloudaudit_exporter_shards", ALWAYS),
    ("cloudaudit_exporter_targets", ALWAYS),
    (
        "cloudaudit_exporter_tls_certificate_expiry_timestamp_seconds",
        "if the listener uses TLS",
    ),
    ("cloudaudit_organization_up", OF_ORGANIZATIONS),
    (
        "cloudaudit_organization_members",
        "for each organization in the configuration, from the first complete list on",
    ),
    (
        "cloudaudit_organization_last_success_timestamp_seconds",
        OF_ORGANIZATIONS,
    ),
    (
        "cloudaudit_organization_refresh_interval_seconds",
        OF_ORGANIZATIONS,
    ),
];
