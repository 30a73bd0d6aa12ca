//! The simulated API for all measurements, in a process of its own (see `roles/cloud.rs`).

use std::time::Duration;

use super::client::Client;
use super::estate::Estate;
use super::process::Process;

/// A running simulated API.
pub(crate) struct Cloud {
    process: Process,
}

impl Cloud {
    /// Starts one that answers every account of an estate with a page, after this time.
    pub(crate) fn start(estate: Estate, latency: Duration) -> Self {
        let arguments = [
            estate.page_size as u128,
            estate.accounts as u128,
            estate.interval.as_millis(),
            estate.pages as u128,
            estate.detail as u128,
        ];
        let process = Process::in_role("cloud", &arguments.map(|it| it.to_string()));
        let cloud = Self { process };
        cloud.set_latency(latency);
        cloud
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> &str {
        &self.process.address
    }

    /// Sets the latency of responses.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.ask(&format!("/latency/{}", latency.as_millis()));
    }

    /// Returns the number of requests so far.
    pub(crate) fn calls(&self) -> u64 {
        let calls = self.ask("/calls");
        calls.parse().expect("the cloud counts in whole numbers")
    }

    /// Returns the number of listings of buckets so far.
    pub(crate) fn lists(&self) -> u64 {
        let lists = self.ask("/lists");
        lists.parse().expect("the cloud counts in whole numbers")
    }

    /// Returns the number of accounts that have sent a request.
    pub(crate) fn accounts(&self) -> usize {
        let accounts = self.ask("/accounts");
        accounts.parse().expect("the cloud counts in whole numbers")
    }

    /// Returns how late the calls since the last query came, compared with the schedule, in
    /// milliseconds.
    pub(crate) fn lateness(&self) -> Vec<f64> {
        let times = self.ask("/lateness");
        let times = times.split_whitespace();
        times.map(|time| time.parse().expect("a number")).collect()
    }

    /// Sets how many of a thousand responses have a track whose status has changed.
    pub(crate) fn change(&self, of_a_thousand: u32) {
        self.ask(&format!("/change/{of_a_thousand}"));
    }

    fn ask(&self, path: &str) -> String {
        let answer = Client::new(self.address(), path, "identity").fetch();
        String::from_utf8(answer.expect("the cloud answers")).expect("it answers in text")
    }
}
