//! The series of organizations.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use prometheus::{GaugeVec, Opts, Registry};

use crate::clock::unix_seconds;
use crate::failure::Failure;

/// The metrics of each organization.
#[derive(Debug)]
pub(super) struct Organizations {
    pub(super) up: GaugeVec,
    pub(super) members: GaugeVec,
    pub(super) last_success: GaugeVec,
    pub(super) refresh_interval: GaugeVec,
    /// Why the last refresh failed, by organization, for the page.
    failures: Mutex<BTreeMap<String, Failure>>,
}

impl Organizations {
    pub(super) fn new() -> Self {
        Self {
            up: by_organization(
                "cloudaudit_organization_up",
                "1 if the last refresh with DescribeOrganizationMembers returned all members of the organization, 0 if it failed, or before the first refresh; cached from the last refresh.",
            ),
            members: by_organization(
                "cloudaudit_organization_members",
                "Number of members in the last complete list of DescribeOrganizationMembers, including members that the exporter does not poll; absent before the first complete list.",
            ),
            last_success: by_organization(
                "cloudaudit_organization_last_success_timestamp_seconds",
                "Unix time in seconds of the last complete list of DescribeOrganizationMembers; 0 before the first complete list.",
            ),
            refresh_interval: by_organization(
                "cloudaudit_organization_refresh_interval_seconds",
                "Configured time in seconds between two refreshes of the members of an organization.",
            ),
            failures: Mutex::default(),
        }
    }

    pub(super) fn register(&self, registry: &Registry) {
        for family in [
            &self.up,
            &self.members,
            &self.last_success,
            &self.refresh_interval,
        ] {
            registry
                .register(Box::new(family.clone()))
                .expect("every name is registered once");
        }
    }

    /// Adds an organization. The series of a known one stay as they are.
    pub(super) fn added(&self, name: &str, refresh: Duration) {
        let interval = self.refresh_interval.with_label_values(&[name]);
        interval.set(refresh.as_secs_f64());
        self.up.with_label_values(&[name]);
        self.last_success.with_label_values(&[name]);
    }

    pub(super) fn refreshed(&self, name: &str, members: Result<usize, &Failure>, at: SystemTime) {
        let is_up = f64::from(u8::from(members.is_ok()));
        self.up.with_label_values(&[name]).set(is_up);
        match members {
            Ok(members) => {
                self.members.with_label_values(&[name]).set(members as f64);
                let last_success = self.last_success.with_label_values(&[name]);
                last_success.set(unix_seconds(at));
                self.failures().remove(name);
            }
            Err(failure) => {
                self.failures().insert(name.to_owned(), failure.clone());
            }
        }
    }

    /// Its entries are replaced as a whole, so a poisoned lock is consistent.
    pub(super) fn failures(&self) -> MutexGuard<'_, BTreeMap<String, Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn removed(&self, name: &str) {
        for family in [
            &self.up,
            &self.members,
            &self.last_success,
            &self.refresh_interval,
        ] {
            // A series that was never set does not exist.
            drop(family.remove_label_values(&[name]));
        }
        self.failures().remove(name);
    }
}

fn by_organization(name: &str, help: &str) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), &["organization"]).expect("the names are valid")
}
