//! The series of an exposition.

use super::client::Client;
use super::process::Process;

/// A plain exposition.
pub(crate) struct Exposition(String);

impl Exposition {
    /// Scrapes an exporter.
    pub(crate) fn of(exporter: &Process) -> Self {
        let body = Client::new(&exporter.address, "/metrics", "identity").fetch();
        Self::from(body.expect("the exporter serves"))
    }

    /// Returns the sum of the values of a metric.
    pub(crate) fn sum(&self, metric: &str) -> f64 {
        let values = self
            .series(metric)
            .filter_map(|line| line.rsplit(' ').next());
        let values = values.map(|value| value.parse::<f64>().expect("values are numbers"));
        values.sum()
    }

    /// Returns the lines of a metric.
    pub(crate) fn series<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = &'a str> {
        let labels = move |line: &&str| {
            let rest = line.strip_prefix(metric);
            rest.is_some_and(|rest| rest.starts_with('{'))
        };
        self.0.lines().filter(labels)
    }
}

impl From<Vec<u8>> for Exposition {
    fn from(body: Vec<u8>) -> Self {
        Self(String::from_utf8(body).expect("an exposition is text"))
    }
}
