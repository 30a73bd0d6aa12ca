//! Numbers that only grow.

use std::collections::BTreeMap;
use std::time::Duration;

use enum_map::EnumMap;

use super::past::Change;
use crate::failure::Reason;

/// The API's name of the call that lists tracks.
pub const DESCRIBE_AUDIT_TRACKS: &str = "DescribeAuditTracks";

/// The API's name of the call that tells more of one track.
pub const DESCRIBE_AUDIT_TRACK: &str = "DescribeAuditTrack";

/// Every action that is called for every account, so that its counters begin at 0.
pub const ACTIONS: [&str; 1] = [DESCRIBE_AUDIT_TRACKS];

/// Counters of one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetCounters {
    /// Polls that ended.
    pub polls: u64,
    /// Polls that were due while the one before was running.
    pub skipped: u64,
    /// Failed polls.
    pub failures: EnumMap<Reason, u64>,
    /// Changes of tracks.
    pub changes: EnumMap<Change, u64>,
}

/// Counters of an account's calls, by the API's name of the action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiCounters {
    /// Calls sent, retried ones included.
    pub requests: BTreeMap<&'static str, u64>,
    /// Calls that repeated a failed one.
    pub retries: BTreeMap<&'static str, u64>,
    /// Failed requests.
    pub failures: EnumMap<Reason, u64>,
    /// Failed calls by action and code.
    pub errors: BTreeMap<(&'static str, String), u64>,
    /// Time spent waiting for the pacer.
    pub limiter_wait: Duration,
}
