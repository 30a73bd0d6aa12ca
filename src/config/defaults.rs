//! What holds where neither file nor environment says anything, and the bounds of what they may
//! say.

use std::time::Duration;

use super::types::Poll;

pub(super) const INTERVAL: Duration = Duration::from_mins(1);
pub(super) const LEAST_INTERVAL: Duration = Duration::from_secs(1);

pub(super) const LEAST_TIMEOUT: Duration = Duration::from_millis(1);

pub(super) const MOST_ATTEMPTS: u32 = 10;

/// The API documents no maximum. A server that caps pages lower is lived with (see paging).
pub(super) const MOST_PAGE_SIZE: u32 = 100;

/// `stale_after` is at least this many intervals: one lost poll must not hide an account.
pub(super) const LEAST_STALE_INTERVALS: u32 = 2;

/// More tracks of one target than this would be more series than one scrape should carry.
pub(super) const MOST_TRACKS: u32 = 100_000;

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

pub(super) const REQUESTS_PER_SECOND: u32 = 10;
pub(super) const MOST_REQUESTS_PER_SECOND: u32 = 1000;

/// What the API allows one identity, shared with its console and command line.
pub(super) const API_REQUESTS_PER_SECOND: u32 = 20;

pub(super) const REGION: &str = "ap-guangzhou";

pub(super) const REFRESH: Duration = Duration::from_hours(1);

pub(super) const SESSION_NAME: &str = "cloudaudit-exporter";
pub(super) const ROLE_DURATION: Duration = Duration::from_hours(2);
/// STS documents no least. A key that lives shorter than this is asked for all the time.
pub(super) const LEAST_ROLE_DURATION: Duration = Duration::from_mins(1);
/// What STS takes.
pub(super) const MOST_ROLE_DURATION: Duration = Duration::from_hours(12);

pub(super) const PROFILE: &str = "default";

/// It resolves only inside Tencent Cloud, and speaks plain HTTP.
pub(super) const METADATA: &str = "http://metadata.tencentyun.com";

/// The account that is polled where there is no file.
pub(super) const ACCOUNT: &str = "default";

/// More of them, and the file is a mistake.
pub(super) const MOST_ACCOUNTS: usize = 10_000;
pub(super) const MOST_REGIONS: usize = 64;
pub(super) const MOST_LABELS: usize = 32;
pub(super) const MOST_EXPECTED_TRACKS: usize = 100;
pub(super) const MOST_ORGANIZATIONS: usize = 64;
/// Patterns of members, and characters of one.
pub(super) const MOST_GLOBS: usize = 1000;
pub(super) const LONGEST_GLOB: usize = 256;

pub(super) const MOST_ACCOUNT_FILES: usize = 1000;
/// Of all account files together; one is no longer than the configuration file.
pub(super) const MOST_ACCOUNT_FILES_BYTES: usize = 16 << 20;
/// Names of a folder that are looked at for a pattern.
pub(super) const MOST_LISTED: usize = 10_000;

pub(super) const MOST_TRUSTED_ACCOUNTS: usize = 1000;
