//! The series of organizations.

use std::time::{Duration, SystemTime};

use prometheus::{GaugeVec, Opts, Registry};

use crate::clock::unix_seconds;

/// The metrics of each organization.
#[derive(Debug)]
pub(super) struct Organizations {
    pub(super) up: GaugeVec,
    pub(super) members: GaugeVec,
    pub(super) last_success: GaugeVec,
    pub(super) refresh_interval: GaugeVec,
}

impl Organizations {
    pub(super) fn new() -> Self {
        Self {
            up: by_organization(
                "cloudaudit_organization_up",
                "1 if the last DescribeOrganizationMembers returned all members of the organization, 0 if it failed; cached from the last refresh.",
            ),
            members: by_organization(
                "cloudaudit_organization_members",
                "Number of members in the last complete list of DescribeOrganizationMembers, polled or not; absent before the first; cached from the last complete list.",
            ),
            last_success: by_organization(
                "cloudaudit_organization_last_success_timestamp_seconds",
                "Unix time in seconds of the last complete list of DescribeOrganizationMembers; 0 before the first.",
            ),
            refresh_interval: by_organization(
                "cloudaudit_organization_refresh_interval_seconds",
                "Configured time in seconds between two requests for the members of an organization.",
            ),
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

    pub(super) fn refreshed(&self, name: &str, members: Option<usize>, at: SystemTime) {
        let is_up = f64::from(u8::from(members.is_some()));
        self.up.with_label_values(&[name]).set(is_up);
        if let Some(members) = members {
            self.members.with_label_values(&[name]).set(members as f64);
            let last_success = self.last_success.with_label_values(&[name]);
            last_success.set(unix_seconds(at));
        }
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
    }
}

fn by_organization(name: &str, help: &str) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), &["organization"]).expect("the names are valid")
}
