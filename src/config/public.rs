//! What of a configuration may be shown: only what is known to be no secret.

use super::key_path::KeyPath;

/// Whether a value may be shown. A key that nobody knows may be a mistyped `secret_key`, so only
/// what is known to be harmless is harmless.
pub(super) fn is_public(path: &KeyPath, value: &str) -> bool {
    match path.keys()[..] {
        [] | [.., "credentials", _] | [.., "credentials", _, _] => false,
        [.., "labels", _] | ["state", "file"] | [.., "expected_tracks", "name"] => true,
        // A user name and a password would stand before the @.
        [.., "endpoint" | "sts_endpoint" | "organization_endpoint"] => !value.contains('@'),
        [.., last] => HARMLESS.contains(&last),
    }
}

const HARMLESS: [&str; 35] = [
    "accept_short_listings",
    "account_files",
    "account_label",
    "action_type",
    "arn",
    "attempts",
    "ca_file",
    "create_time_offset",
    "details_interval",
    "duration",
    "exclude",
    "expected_tracks",
    "include",
    "interval",
    "max_tracks",
    "member_tag_labels",
    "page_size",
    "refresh",
    "regions",
    "requests_per_second",
    "resource_type",
    "role_name",
    "session_name",
    "site",
    "stale_after",
    "storage_account",
    "storage_name",
    "storage_prefix",
    "storage_region",
    "storage_type",
    "timeout",
    "tombstone_for",
    "track_required",
    "trusted_storage_accounts",
    "uin",
];
