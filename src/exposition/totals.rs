//! What the tracks of all regions say together: their number, the coverage, expected tracks.

use std::time::SystemTime;

use super::fragment::{Fragment, FragmentWriter, truth};
use super::metric::Metric;
use crate::clock::unix_seconds;
use crate::snapshot::Totals;

pub(super) fn render_totals(labels: &str, totals: &Totals) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    for (status, count) in totals.tracks {
        let labels = [("status", status.as_str())];
        out.sample(Metric::AccountTracks, &labels, count as f64);
    }
    if let Some(covered) = totals.covered {
        out.sample(Metric::AccountCovered, &[], truth(covered));
    }
    for expected in &totals.expectations {
        if let Some(present) = expected.present {
            let labels = [("track", expected.name.as_str())];
            out.sample_as_configured(Metric::ExpectedTrackPresent, &labels, truth(present));
        }
    }
    for expected in &totals.expectations {
        if let Some(matches) = expected.matches {
            let labels = [("track", expected.name.as_str())];
            out.sample_as_configured(Metric::ExpectedTrackMatches, &labels, truth(matches));
        }
    }
    out.finish()
}

/// Changes with every poll, unlike the totals.
pub(super) fn render_coverage_checked(labels: &str, checked: SystemTime) -> Fragment {
    let mut out = FragmentWriter::new(labels);
    let checked = unix_seconds(checked);
    out.sample(Metric::AccountCoverageChecked, &[], checked);
    out.finish()
}
