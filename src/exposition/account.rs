//! Samples of an account that do not depend on its listings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use enum_map::EnumMap;

use super::cached::Cached;
use super::fragment::{Fragment, FragmentWriter, truth};
use super::metric::Metric;
use crate::clock::unix_seconds;
use crate::failure::Reason;
use crate::snapshot::{ACTIONS, AccountInfo, ApiCounters, Evidence, Renewals, Report};

/// The values that most polls do not change.
#[derive(Debug, PartialEq)]
struct SlowFields {
    retries: BTreeMap<&'static str, u64>,
    failures: EnumMap<Reason, u64>,
    errors: BTreeMap<(&'static str, String), u64>,
    requests_per_second: f64,
    credentials_changed: Option<SystemTime>,
    renewals: Option<Renewals>,
}

impl SlowFields {
    fn of(report: &Report) -> Self {
        let api = &report.api;
        Self {
            retries: api.retries.clone(),
            failures: api.failures,
            errors: api.errors.clone(),
            requests_per_second: report.requests_per_second,
            credentials_changed: report.credentials_changed,
            renewals: report.renewals.clone(),
        }
    }
}

/// Renders these samples.
#[derive(Debug, Default)]
pub(super) struct AccountRenderer {
    slow: Cached<SlowFields>,
}

impl AccountRenderer {
    /// Returns a fragment that most polls do not change, and one that every poll changes.
    pub(super) fn render(
        &mut self,
        account: &AccountInfo,
        labels: &str,
        report: &Report,
        evidence: Evidence,
    ) -> [Arc<Fragment>; 2] {
        let slow = self.slow.of(SlowFields::of(report), |slow| {
            render_slow_fields(account, labels, slow)
        });
        [slow, Arc::new(render_per_poll(labels, report, evidence))]
    }
}

fn render_slow_fields(account: &AccountInfo, labels: &str, slow: &SlowFields) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    out.sample(
        Metric::AccountTrackRequired,
        &[],
        truth(account.track_required),
    );
    let info = [
        ("uin", account.uin.as_str()),
        ("site", account.site),
        ("organization", &account.organization),
        ("provider", account.provider),
    ];
    out.sample(Metric::AccountInfo, &info, 1.0);
    by_action(&mut out, Metric::ApiRequestRetries, &slow.retries);
    for (reason, count) in slow.failures {
        let labels = [("reason", reason.as_str())];
        out.sample(Metric::ApiRequestFailures, &labels, count as f64);
    }
    for ((action, code), count) in &slow.errors {
        let labels = [("action", *action), ("code", code)];
        out.sample(Metric::ApiRequestErrors, &labels, *count as f64);
    }
    out.sample(Metric::RateLimiterCeiling, &[], slow.requests_per_second);
    let provider = [("provider", account.provider)];
    let renewals = slow.renewals.as_ref();
    if let Some(expires) = renewals.and_then(|renewals| renewals.expires) {
        out.sample(Metric::CredentialsExpiry, &provider, unix_seconds(expires));
    }
    if let Some(changed) = slow.credentials_changed {
        out.sample(Metric::CredentialsChanged, &provider, unix_seconds(changed));
    }
    if let Some(renewals) = renewals {
        let (refreshes, failed) = (renewals.refreshes as f64, renewals.failures as f64);
        out.sample(Metric::CredentialsRefreshes, &provider, refreshes);
        out.sample(Metric::CredentialsRefreshFailures, &provider, failed);
    }
    out.finish()
}

fn render_per_poll(labels: &str, report: &Report, evidence: Evidence) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    let (observed, covered) = (evidence.observed, evidence.covered);
    out.sample(Metric::AccountObservedSeconds, &[], observed.as_secs_f64());
    out.sample(Metric::AccountCoveredSeconds, &[], covered.as_secs_f64());
    let ApiCounters {
        requests,
        limiter_wait,
        ..
    } = &report.api;
    by_action(&mut out, Metric::ApiRequests, requests);
    out.sample(Metric::RateLimiterWait, &[], limiter_wait.as_secs_f64());
    out.finish()
}

/// Writes a counter by action. The actions that every account uses begin at 0.
fn by_action(out: &mut FragmentWriter<'_>, metric: Metric, counts: &BTreeMap<&'static str, u64>) {
    let mut of_all = BTreeMap::from(ACTIONS.map(|action| (action, 0)));
    of_all.extend(counts);
    for (action, count) in of_all {
        out.sample(metric, &[("action", action)], count as f64);
    }
}
