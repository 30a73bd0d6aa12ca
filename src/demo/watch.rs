//! Looks at the exposition as Prometheus would: over HTTP, again and again.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::{Instant, sleep};

use crate::tencent::{HttpTransport, Transport};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(50);

/// How long it goes on looking for one thing: more than any poll of the demo takes.
const STALL_TIMEOUT: Duration = Duration::from_secs(8);

/// What has to be on the exposition.
pub(super) struct Shown {
    metric: &'static str,
    labels: Vec<String>,
    value: &'static str,
}

impl Shown {
    /// A sample with these labels, among others, and this value.
    pub(super) fn sample(
        metric: &'static str,
        labels: &[(&str, &str)],
        value: &'static str,
    ) -> Self {
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

    /// A sample of the track with this id.
    pub(super) fn track(
        metric: &'static str,
        account: (&str, &str),
        id: u64,
        value: &'static str,
    ) -> Self {
        Self::sample(metric, &[account, ("track_id", &id.to_string())], value)
    }

    fn is_on(&self, exposition: &str) -> bool {
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

/// Scrapes the demo's own exporter.
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

    /// How long it took until a scrape showed it; nothing where that takes too long.
    pub(super) async fn wait_for(&self, shown: &Shown) -> Option<Duration> {
        let start = Instant::now();
        while start.elapsed() < STALL_TIMEOUT {
            if self
                .scrape()
                .await
                .is_some_and(|exposition| shown.is_on(&exposition))
            {
                return Some(start.elapsed());
            }
            sleep(EVERY).await;
        }
        None
    }

    async fn scrape(&self) -> Option<String> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.url.parse().ok()?;
        let answer = self.transport.as_ref().ok()?.send(request).await.ok()?;
        String::from_utf8(answer.into_body().into()).ok()
    }
}
