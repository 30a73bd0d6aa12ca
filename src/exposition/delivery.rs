//! Samples of an account's storage targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fragment::{Fragment, FragmentWriter, truth};
use super::metric::Metric;
use super::timed_fragment::TimedFragment;
use crate::clock::unix_seconds;
use crate::snapshot::{DeliveryReport, DeliveryState, StorageTarget};

/// Renders the storage targets. A target is rendered again only if its report changed.
#[derive(Debug, Default)]
pub(super) struct DeliveryRenderer {
    rendered: BTreeMap<StorageTarget, Rendered>,
}

#[derive(Debug)]
struct Rendered {
    report: Arc<DeliveryReport>,
    parts: Vec<TimedFragment>,
}

impl DeliveryRenderer {
    /// Appends the fragments of these targets, and forgets the others.
    pub(super) fn render<'r>(
        &mut self,
        labels: &str,
        reports: impl Iterator<Item = &'r Arc<DeliveryReport>>,
        parts: &mut Vec<TimedFragment>,
    ) {
        let mut before = std::mem::take(&mut self.rendered);
        for report in reports {
            let known = before.remove(&report.target);
            let known = known.filter(|known| Arc::ptr_eq(&known.report, report));
            let rendered = known.unwrap_or_else(|| Rendered {
                report: Arc::clone(report),
                parts: render(labels, report),
            });
            parts.extend_from_slice(&rendered.parts);
            self.rendered.insert(report.target.clone(), rendered);
        }
    }
}

/// The state, the state once the check is too old, and what stays true.
fn render(labels: &str, report: &DeliveryReport) -> Vec<TimedFragment> {
    let unknown = Arc::new(render_state(labels, &report.target, DeliveryState::Unknown));
    let mut parts = match report.valid_until {
        Some(until) => {
            let state = Arc::new(render_state(labels, &report.target, report.state));
            vec![
                TimedFragment::between(None, Some(until), state),
                TimedFragment::between(Some(until), None, unknown),
            ]
        }
        None => vec![TimedFragment::always(unknown)],
    };
    parts.push(TimedFragment::always(Arc::new(render_facts(
        labels, report,
    ))));
    parts
}

fn render_state(labels: &str, target: &StorageTarget, present: DeliveryState) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    let [kind, region, name, prefix] = target_labels(target);
    for state in DeliveryState::ALL {
        let labels = [kind, region, name, prefix, ("state", state.as_str())];
        let value = truth(*state == present);
        out.sample_as_configured(Metric::DeliveryState, &labels, value);
    }
    out.finish()
}

fn render_facts(labels: &str, report: &DeliveryReport) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    let target = target_labels(&report.target);
    let times = [
        (
            Metric::DeliveryLastArrival,
            report.last_arrival.map(unix_seconds),
        ),
        (Metric::DeliveryDue, report.due.map(unix_seconds)),
        (
            Metric::DeliveryLastCheck,
            Some(report.last_check.map_or(0.0, unix_seconds)),
        ),
    ];
    for (metric, time) in times {
        if let Some(time) = time {
            out.sample_as_configured(metric, &target, time);
        }
    }
    let [kind, region, name, prefix] = target;
    for (reason, count) in report.failures {
        let labels = [kind, region, name, prefix, ("reason", reason.as_str())];
        out.sample_as_configured(Metric::DeliveryCheckFailures, &labels, count as f64);
    }
    out.finish()
}

/// Returns the labels of a target. They are not cut: two targets that differ at the end would become
/// the same series.
fn target_labels(target: &StorageTarget) -> [(&'static str, &str); 4] {
    [
        ("storage_type", &target.kind),
        ("storage_region", &target.region),
        ("storage_name", &target.name),
        ("storage_prefix", &target.prefix),
    ]
}
