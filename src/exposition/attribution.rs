//! Samples of the search for operators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use enum_map::EnumMap;

use super::cached::Cached;
use super::fragment::{Fragment, FragmentWriter};
use super::metric::Metric;
use crate::clock::unix_seconds;
use crate::snapshot::{AttributionReport, AttributionResult, Outcome, SweepReport, TrackEvent};

/// The values that are shown.
#[derive(Debug, PartialEq)]
struct Values {
    results: EnumMap<AttributionResult, u64>,
    pending: usize,
    sweeps: Option<Sweeps>,
}

#[derive(Debug, PartialEq)]
struct Sweeps {
    last: Option<SystemTime>,
    operations: BTreeMap<(TrackEvent, Outcome), u64>,
    unseen_switch_offs: u64,
    unseen_tracks: BTreeMap<u64, (String, SystemTime)>,
}

/// Renders these samples.
#[derive(Debug, Default)]
pub(super) struct AttributionRenderer(Cached<Values>);

impl AttributionRenderer {
    pub(super) fn render(&mut self, labels: &str, report: &AttributionReport) -> Arc<Fragment> {
        let sweeps = |sweeps: &SweepReport| Sweeps {
            last: sweeps.last,
            operations: sweeps.operations.clone(),
            unseen_switch_offs: sweeps.unseen_switch_offs,
            unseen_tracks: sweeps.unseen_tracks.clone(),
        };
        let values = Values {
            results: report.results,
            pending: report.pending(),
            sweeps: report.sweeps.as_ref().map(sweeps),
        };
        self.0.of(values, |values| render(labels, values))
    }
}

fn render(labels: &str, values: &Values) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    for result in AttributionReport::RESULTS {
        let labels = [("result", result.as_str())];
        let count = values.results[result];
        out.sample(Metric::AttributionResults, &labels, count as f64);
    }
    out.sample(Metric::AttributionPending, &[], values.pending as f64);
    if let Some(sweeps) = &values.sweeps {
        let last = sweeps.last.map_or(0.0, unix_seconds);
        out.sample(Metric::AttributionLastSweepTimestamp, &[], last);
        for event in TrackEvent::ALL {
            for outcome in Outcome::ALL {
                let labels = [("event", event.as_str()), ("outcome", outcome.as_str())];
                let count = sweeps.operations.get(&(*event, *outcome));
                let count = count.copied().unwrap_or_default();
                out.sample(Metric::TrackWriteOperations, &labels, count as f64);
            }
        }
        let unseen = sweeps.unseen_switch_offs;
        out.sample(Metric::UnseenSwitchOffs, &[], unseen as f64);
        for (id, (name, at)) in &sweeps.unseen_tracks {
            let labels = [("track_id", &*id.to_string()), ("track", &**name)];
            out.sample(Metric::TrackUnseenSwitchOff, &labels, unix_seconds(*at));
        }
    }
    out.finish()
}
