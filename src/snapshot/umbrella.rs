//! Tracks of an organisation that record for all of its members.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::clock::Moment;

/// Whether an organisation's own tracks record for its members, as far as that is known. Members
/// hold clones of it; whoever asks the organisation's admin account says what it found.
#[derive(Clone, Debug, Default)]
pub struct Umbrella(Arc<Mutex<Option<OrganizationCoverage>>>);

/// What was found when the organisation's own tracks were last listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationCoverage {
    /// Whether they record everything for all members.
    pub is_covered: bool,
    /// When that was.
    pub checked: SystemTime,
    /// Not believed from this on.
    pub until: Moment,
    /// No evidence from this on.
    vouches_until: Moment,
    /// Whether no later attempt has failed.
    is_current: bool,
}

impl OrganizationCoverage {
    /// Whether it is evidence that members are covered at `now`.
    pub fn vouches(&self, now: Moment) -> bool {
        self.is_covered && self.is_current && !self.vouches_until.is_reached(now)
    }
}

/// Without a newer answer and without a failure, an answer is evidence for so many refreshes: the
/// next one may take a while, and one that never comes must not go unnoticed.
const VOUCHED_REFRESHES: u32 = 2;

/// An answer is believed for so many refreshes.
const BELIEVED_REFRESHES: u32 = 4;

impl Umbrella {
    /// Stores what was found at `now`, with `refresh` between two attempts.
    pub fn found(&self, is_covered: bool, now: Moment, refresh: Duration) {
        *self.coverage() = Some(OrganizationCoverage {
            is_covered,
            checked: now.wall,
            until: now + refresh * BELIEVED_REFRESHES,
            vouches_until: now + refresh * VOUCHED_REFRESHES,
            is_current: true,
        });
    }

    /// An attempt has failed: what was found before it is still believed, and no evidence any more.
    pub fn failed(&self) {
        if let Some(coverage) = &mut *self.coverage() {
            coverage.is_current = false;
        }
    }

    /// What was found last.
    pub fn latest(&self) -> Option<OrganizationCoverage> {
        *self.coverage()
    }

    fn coverage(&self) -> MutexGuard<'_, Option<OrganizationCoverage>> {
        // It is changed by assignments, and so is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two are equal if they are one.
impl PartialEq for Umbrella {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Umbrella {}
