//! Tracks of an organization that record for all of its members.

use std::time::{Duration, SystemTime};

use crate::clock::Moment;

/// What was found when the organization's own tracks were last listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationCoverage {
    /// Whether they record everything for all members.
    pub is_covered: bool,
    /// When they were listed, the Unix epoch if they never were.
    pub checked: SystemTime,
    /// The end of its validity.
    pub until: Moment,
    /// The end of its use as evidence.
    evidence_until: Moment,
    /// Whether no later attempt has failed.
    is_current: bool,
}

/// A result is valid for this many refreshes.
const VALID_REFRESHES: u32 = 4;

/// Without a newer result and without a failure, a result is evidence for this many refreshes: the
/// next attempt may be slow, and without one the evidence must end.
const EVIDENCE_REFRESHES: u32 = 2;

impl OrganizationCoverage {
    /// Returns what was found at `now`, with `refresh` between two attempts.
    pub fn found(is_covered: bool, now: Moment, refresh: Duration) -> Self {
        Self {
            is_covered,
            checked: now.wall,
            until: now + refresh * VALID_REFRESHES,
            evidence_until: now + refresh * EVIDENCE_REFRESHES,
            is_current: true,
        }
    }

    /// Returns that nothing was found until `now`.
    pub fn unknown(now: Moment) -> Self {
        Self {
            is_covered: false,
            checked: SystemTime::UNIX_EPOCH,
            until: now,
            evidence_until: now,
            is_current: false,
        }
    }

    /// Records that a later attempt failed: the result stays valid, but is no evidence any more.
    pub fn refresh_failed(&mut self) {
        self.is_current = false;
    }

    /// Returns whether it is evidence that members are covered at `now`.
    pub fn is_evidence(&self, now: Moment) -> bool {
        self.is_covered && self.is_current && !self.evidence_until.is_reached(now)
    }
}
