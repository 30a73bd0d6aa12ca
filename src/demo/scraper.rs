//! Scrapes the demo's exporter over HTTP, as Prometheus does, until the exposition has a sample.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::{Instant, sleep};

use crate::tencent::{HttpTransport, Transport};

/// The pause between two scrapes.
const SCRAPE_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for a sample: longer than any poll of the demo takes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(8);

/// A sample that the exposition should have.
pub(super) struct ExpectedSample {
    metric: &'static str,
    labels: Vec<String>,
    value: &'static str,
}

impl ExpectedSample {
    /// Creates a sample with this value and at least these labels.
    pub(super) fn new(metric: &'static str, labels: &[(&str, &str)], value: &'static str) -> Self {
        let labels = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        Self {
            metric,
            labels,
            value,
        }
    }

    /// Creates a sample of the track with this id.
    pub(super) fn of_track(
        metric: &'static str,
        account: (&str, &str),
        id: u64,
        value: &'static str,
    ) -> Self {
        Self::new(metric, &[account, ("track_id", &id.to_string())], value)
    }

    fn is_in(&self, exposition: &str) -> bool {
        let mut samples = exposition.lines().filter(|line| {
            let rest = line.strip_prefix(self.metric);
            rest.is_some_and(|rest| rest.starts_with('{'))
                && self
                    .labels
                    .iter()
                    .all(|label| line.contains(label.as_str()))
        });
        samples.any(|line| line.rsplit(' ').next() == Some(self.value))
    }
}

/// A client of the exporter's `/metrics`.
pub(super) struct Scraper {
    url: String,
    transport: Result<HttpTransport, String>,
}

impl Scraper {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            transport: HttpTransport::plain(),
        }
    }

    /// Waits for the sample. Returns how long that took, or `None` after [`WAIT_TIMEOUT`].
    pub(super) async fn wait_for(&self, sample: &ExpectedSample) -> Option<Duration> {
        let start = Instant::now();
        while start.elapsed() < WAIT_TIMEOUT {
            if self
                .scrape()
                .await
                .is_some_and(|exposition| sample.is_in(&exposition))
            {
                return Some(start.elapsed());
            }
            sleep(SCRAPE_PAUSE).await;
        }
        None
    }

    async fn scrape(&self) -> Option<String> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.url.parse().ok()?;
        let response = self.transport.as_ref().ok()?.send(request).await.ok()?;
        String::from_utf8(response.into_body().into()).ok()
    }
}
