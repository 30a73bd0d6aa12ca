//! Samples of the past of a target's tracks.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::fragment::FragmentWriter;
use super::metric::Metric;
use super::timed_fragment::TimedFragment;
use crate::clock::unix_seconds;
use crate::snapshot::{ChangeTimes, Past};

/// Renders one fragment for all tracks that are hidden at the same time. The change times of a
/// deleted track are hidden with its tombstone.
pub(super) fn render(common_labels: &str, region: &str, past: &Past) -> Vec<TimedFragment> {
    let mut by_end: BTreeMap<Option<Instant>, Vec<u64>> = BTreeMap::new();
    for id in past.changes.keys() {
        let tombstone = past.tombstones.get(id);
        by_end
            .entry(tombstone.map(|tombstone| tombstone.show_until))
            .or_default()
            .push(*id);
    }
    let parts = by_end.into_iter().map(|(until, ids)| {
        let mut out = FragmentWriter::new(common_labels);
        let tombstones = |is_acknowledged: bool| {
            let all = ids
                .iter()
                .filter_map(|id| Some((id, past.tombstones.get(id)?)));
            all.filter(move |(_, it)| it.acknowledged.is_some() == is_acknowledged)
        };
        for (metric, is_acknowledged) in [
            (Metric::TrackPresent, false),
            (Metric::TrackAcknowledgedTimestamp, true),
        ] {
            for (id, tombstone) in tombstones(is_acknowledged) {
                let labels = [
                    ("region", region),
                    ("track_id", &id.to_string()),
                    ("track", &tombstone.name),
                ];
                let value = tombstone.acknowledged.map_or(0.0, unix_seconds);
                out.sample(metric, &labels, value);
            }
        }
        for id in &ids {
            let times = &past.changes[id];
            for (change, at) in times.at {
                let labels = [
                    ("region", region),
                    ("track_id", &id.to_string()),
                    ("track", &times.name),
                    ("change", change.as_str()),
                ];
                if let Some(at) = at {
                    out.sample(Metric::TrackChangedTimestamp, &labels, unix_seconds(at));
                }
            }
        }
        for id in &ids {
            operators(&mut out, region, *id, &past.changes[id]);
        }
        TimedFragment::past(until, Arc::new(out.finish()))
    });
    parts.collect()
}

/// Writes who made the changes of a track, as far as that is known and shown.
fn operators(out: &mut FragmentWriter<'_>, region: &str, id: u64, times: &ChangeTimes) {
    for (change, operator) in &times.operators {
        let Some(operator) = operator else { continue };
        let labels = [
            ("region", region),
            ("track_id", &id.to_string()),
            ("track", &times.name),
            ("change", change.as_str()),
            ("operator", &operator.name),
            ("operator_type", &operator.kind),
            ("event", operator.event.as_str()),
        ];
        out.sample(Metric::TrackChangeOperatorInfo, &labels, 1.0);
    }
}
