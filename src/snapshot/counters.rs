//! Counters.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use enum_map::EnumMap;

use super::change_kind::ChangeKind;
use crate::failure::Reason;

/// The action that lists tracks.
pub const DESCRIBE_AUDIT_TRACKS: &str = "DescribeAuditTracks";

/// The action that returns the details of one track.
pub const DESCRIBE_AUDIT_TRACK: &str = "DescribeAuditTrack";

/// The action that returns operation records.
pub const DESCRIBE_EVENTS: &str = "DescribeEvents";

/// The actions that every account uses, so that their counters begin at 0.
pub const ACTIONS: [&str; 1] = [DESCRIBE_AUDIT_TRACKS];

/// Counters of one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetCounters {
    /// Polls that ended.
    pub polls: u64,
    /// Polls that were due while the previous one was still running.
    pub skipped: u64,
    /// Failed polls.
    pub failures: EnumMap<Reason, u64>,
    /// Changes of tracks.
    pub changes: EnumMap<ChangeKind, u64>,
}

/// Counters of an account's requests, by action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiCounters {
    /// Requests sent, retries included.
    pub requests: BTreeMap<&'static str, u64>,
    /// Requests that repeated a failed one.
    pub retries: BTreeMap<&'static str, u64>,
    /// Failed requests.
    pub failures: EnumMap<Reason, u64>,
    /// Failed requests by action and code.
    pub errors: BTreeMap<(&'static str, String), u64>,
    /// Time spent waiting for the rate limiter and the limit on concurrent requests.
    pub limiter_wait: Duration,
    /// When the API last throttled a request. `None` if it never did.
    pub last_throttled: Option<SystemTime>,
}
