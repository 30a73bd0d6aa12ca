//! What `/metrics` shows of one target.

use cloudaudit_exporter::sim::Track;

use crate::support::exporter::Samples;

/// The metrics that show a listing.
const LISTED: [&str; 9] = [
    "cloudaudit_tracks",
    "cloudaudit_reported_tracks",
    "cloudaudit_track_enabled",
    "cloudaudit_track_full_coverage",
    "cloudaudit_track_storage_foreign",
    "cloudaudit_track_created_timestamp_seconds",
    "cloudaudit_track_info",
    "cloudaudit_dropped_tracks",
    "cloudaudit_track_present",
];

/// A scrape, and the region to examine.
pub struct Shown {
    samples: Samples,
    region: &'static str,
}

impl Shown {
    pub fn new(samples: Samples, region: &'static str) -> Self {
        Self { samples, region }
    }

    /// Returns the values of the samples that match a selector. A sample of another region matches
    /// only if the selector names that region.
    pub fn values(&self, selector: &str) -> Vec<f64> {
        self.matching(selector)
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    }

    /// Returns the value of a metric that every target has.
    pub fn value(&self, metric: &str) -> f64 {
        let values = self.values(metric);
        assert_eq!(values.len(), 1, "{metric} has one sample: {values:?}");
        values[0]
    }

    /// Returns `Ok` if the last poll succeeded, or else its reasons and codes. The list is empty if
    /// no poll has ended yet.
    pub fn polled(&self) -> Result<(), Vec<(String, String)>> {
        let failures = self.matching("cloudaudit_last_failure_info");
        match (self.value("cloudaudit_up"), failures.is_empty()) {
            (1.0, true) => Ok(()),
            (0.0, _) => Err(failures
                .iter()
                .map(|(series, _)| (label(series, "reason"), label(series, "code")))
                .collect()),
            (up, _) => panic!("up {up} and a failure: {failures:?}"),
        }
    }

    /// Returns the number of polls that ended, that failed for `reason`, and that failed for any
    /// reason.
    pub fn polls(&self, reason: &str) -> [f64; 3] {
        let failed = format!("cloudaudit_poll_failures_total{{reason=\"{reason}\"}}");
        [
            self.value("cloudaudit_polls_total"),
            self.values(&failed).iter().sum(),
            self.values("cloudaudit_poll_failures_total").iter().sum(),
        ]
    }

    pub fn last_success(&self) -> f64 {
        self.value("cloudaudit_last_success_timestamp_seconds")
    }

    /// Returns the series of the last complete listing, in the order of the exposition, without
    /// tombstones.
    pub fn listing(&self) -> Vec<(String, f64)> {
        let all = LISTED.iter().flat_map(|metric| self.matching(metric));
        all.filter(|(series, value)| {
            !(series.starts_with("cloudaudit_track_present") && *value == 0.0)
        })
        .collect()
    }

    /// Returns whether the listing consists of exactly these tracks.
    pub fn is_exactly(&self, tracks: &[Track]) -> bool {
        let enabled = |track: &Track| {
            let (id, name) = (track.id(), track.json()["Name"].as_str().unwrap());
            let selector =
                format!("cloudaudit_track_enabled{{track_id=\"{id}\",track=\"{name}\"}}");
            let expected = if track.json()["Status"] == 1 {
                1.0
            } else {
                0.0
            };
            self.values(&selector) == [expected]
        };
        let count = tracks.len() as f64;
        let sum = |metric: &str| self.values(metric).iter().sum::<f64>();
        tracks.iter().all(enabled)
            && self.values("cloudaudit_track_enabled").len() == tracks.len()
            && sum("cloudaudit_tracks") == count
            && sum("cloudaudit_account_tracks") == count
    }

    fn matching(&self, selector: &str) -> Vec<(String, f64)> {
        let (metric, labels) = match selector.split_once('{') {
            Some((metric, labels)) => (metric, labels.trim_end_matches('}')),
            None => (selector, ""),
        };
        let series = self.samples.series().into_iter();
        let of_metric = series.filter(|series| series.split('{').next() == Some(metric));
        let with_values = of_metric.zip(self.samples.values(metric, &[]));
        let region = format!("region=\"{}\"", self.region);
        with_values
            .filter(|(series, _)| {
                labels
                    .split(',')
                    .all(|label| label.is_empty() || has(series, label))
            })
            .filter(|(series, _)| {
                labels.contains("region=") || !series.contains("region=\"") || has(series, &region)
            })
            .map(|(series, value)| (series.to_owned(), value))
            .collect()
    }
}

/// Returns whether a series has a label: `track="a"` does not match `storage_track="a"`.
fn has(series: &str, label: &str) -> bool {
    series.contains(&format!("{{{label}")) || series.contains(&format!(",{label}"))
}

fn label(series: &str, name: &str) -> String {
    let (_, rest) = series.split_once(&format!("{name}=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}
