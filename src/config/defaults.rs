//! Defaults, and limits that several parts of the configuration share.

use std::time::Duration;

use super::account::Poll;

pub(super) const INTERVAL: Duration = Duration::from_mins(1);

/// The other keys of `poll:`. The API documents no page size, and `CreateTime` no offset.
pub(super) const POLL: Poll = Poll {
    timeout: Duration::from_secs(10),
    attempts: 3,
    page_size: 50,
    stale_after: Duration::from_hours(1),
    tombstone_for: Duration::from_hours(7 * 24),
    max_tracks: 10_000,
    create_time_offset: 8 * 60 * 60,
    accept_short_listings: false,
};

/// `stale_after` is at least this many intervals, so that one failed poll does not hide an account.
pub(super) const LEAST_STALE_INTERVALS: u32 = 2;

/// How often a storage target is checked.
pub(super) const DELIVERY_INTERVAL: Duration = Duration::from_mins(10);
pub(super) const DELIVERY_GRACE: Duration = Duration::from_mins(30);

/// The changes that the feed keeps.
pub(super) const KEEP_CHANGES: u32 = 1_000;

pub(super) const REQUESTS_PER_SECOND: u32 = 10;

pub(super) const REGION: &str = "ap-guangzhou";

pub(super) const REFRESH: Duration = Duration::from_hours(1);

pub(super) const SESSION_NAME: &str = "cloudaudit-exporter";
pub(super) const ROLE_DURATION: Duration = Duration::from_hours(2);

pub(super) const PROFILE: &str = "default";

/// The name of the account without a configuration file.
pub(super) const ACCOUNT: &str = "default";

pub(super) const MOST_ACCOUNTS: usize = 10_000;
pub(super) const MOST_LABELS: usize = 32;

pub(super) const MOST_ACCOUNT_FILES: usize = 1000;
/// The most bytes of all account files together. A single account file is limited like the
/// configuration file.
pub(super) const MOST_ACCOUNT_FILES_BYTES: usize = 16 << 20;
/// The most names of a folder that are compared with a pattern.
pub(super) const MOST_LISTED: usize = 10_000;
