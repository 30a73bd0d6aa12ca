//! The metrics of the process as plain values, for the page.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::proto::Metric;

use super::Process;
use crate::snapshot::{ExporterInfo, OrganizationInfo};

impl Process {
    /// Returns what the metrics show, and why the last reload failed.
    pub fn info(&self) -> ExporterInfo {
        let hash = u64::try_from(self.config_hash.get()).ok();
        ExporterInfo {
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("BUILD_REVISION"),
            config_hash: hash.filter(|hash| *hash > 0),
            config_loaded: time(self.reload_success_timestamp.get()),
            refused_reload: self.refused_reload().clone(),
            organizations: self.organizations.info(),
            restarts: self.restarted_accounts(),
            state_written: value(&self.state_written).map(|value| value > 0.0),
            clock_skew: value(&self.clock_skew),
            certificate_expires: value(&self.certificate_expiry).and_then(time),
            log_lines_dropped: self.log_lines_dropped.get(),
            ..ExporterInfo::default()
        }
    }

    fn restarted_accounts(&self) -> Vec<(String, u64)> {
        let restarts = samples(&self.restarts.counter).into_iter().map(|sample| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a counter of whole numbers"
            )]
            let count = sample.get_counter().get_value() as u64;
            (label(&sample), count)
        });
        restarts.filter(|(_, count)| *count > 0).collect()
    }
}

impl super::Organizations {
    fn info(&self) -> Vec<OrganizationInfo> {
        let of = |gauge, name: &str| {
            let found = samples(gauge).into_iter().find(|it| label(it) == name);
            found.map(|sample| sample.get_gauge().get_value())
        };
        let failures = self.failures();
        let names = samples(&self.refresh_interval).into_iter();
        let organizations = names.map(|sample| {
            let name = label(&sample);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a gauge of a whole number"
            )]
            let members = of(&self.members, &name).map(|members| members as u64);
            OrganizationInfo {
                failure: failures.get(&name).cloned(),
                members,
                last_success: of(&self.last_success, &name).and_then(time),
                refresh: Duration::from_secs_f64(sample.get_gauge().get_value()),
                name,
            }
        });
        let mut organizations: Vec<_> = organizations.collect();
        organizations.sort_by(|one, other| one.name.cmp(&other.name));
        organizations
    }
}

fn samples(family: &impl Collector) -> Vec<Metric> {
    let families = family.collect().into_iter();
    families.flat_map(|mut it| it.take_metric()).collect()
}

/// Returns the value of the only label.
fn label(sample: &Metric) -> String {
    let label = sample.get_label().first();
    label.map_or_else(String::new, |label| label.value().to_owned())
}

/// Returns the value of a gauge without labels. `None` if it was never set.
fn value(gauge: &impl Collector) -> Option<f64> {
    let samples = samples(gauge);
    samples.first().map(|sample| sample.get_gauge().get_value())
}

/// Returns a time in Unix seconds. `None` if it is 0.
fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    (seconds > 0.0).then_some(UNIX_EPOCH + since)
}
