//! One account's report as parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::fragment::{Fragment, FragmentWriter, labels};
use super::metric::Metric;
use super::part::Part;
use super::{listing, past};
use crate::clock::unix_seconds;
use crate::failure::Reason;
use crate::snapshot::{
    ACTIONS, AccountInfo, Change, LastGood, Listing, Overview, Past, Report, Status, TargetReport,
};

/// Renders one account, and renders its listings only when they change.
#[derive(Debug)]
pub struct Renderer {
    account: Arc<AccountInfo>,
    labels: String,
    listings: HashMap<String, (Arc<Listing>, Arc<Fragment>)>,
    pasts: HashMap<String, (Arc<Past>, Vec<Part>)>,
}

impl Renderer {
    /// A renderer for the account.
    pub fn new(account: Arc<AccountInfo>) -> Self {
        let own = account
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = labels(std::iter::once(("account", account.name.as_str())).chain(own));
        Self {
            account,
            labels,
            listings: HashMap::new(),
            pasts: HashMap::new(),
        }
    }

    /// Everything there is to show of a report, now and later.
    pub fn render(&mut self, report: &Report) -> Vec<Part> {
        let mut parts = vec![Part::always(self.account(report))];
        parts.extend(
            report
                .overviews
                .iter()
                .map(|overview| self.overview(overview)),
        );
        for target in &report.targets {
            parts.extend(self.up(target));
            parts.push(Part::always(self.poll(target)));
            if let Some(good) = &target.last_good {
                let fragment = self.listing(&target.region, good);
                parts.push(Part::between(None, Some(good.show_until), fragment));
            }
            parts.extend_from_slice(self.past(target));
        }
        parts
    }

    /// What is the same whatever the listings say.
    fn account(&self, report: &Report) -> Fragment {
        let mut out = FragmentWriter::new(&self.labels);
        let account = &self.account;
        let evidence = &report.shown_evidence;
        out.sample(
            Metric::AccountTrackRequired,
            &[],
            truth(account.track_required),
        );
        out.sample(
            Metric::AccountObservedSeconds,
            &[],
            evidence.observed.as_secs_f64(),
        );
        out.sample(
            Metric::AccountCoveredSeconds,
            &[],
            evidence.covered.as_secs_f64(),
        );
        let info = [
            ("uin", account.uin.as_str()),
            ("site", account.site),
            ("organization", &account.organization),
            ("provider", account.provider),
        ];
        out.sample(Metric::AccountInfo, &info, 1.0);
        let api = &report.api;
        for (metric, numbers) in [
            (Metric::ApiRequests, &api.requests),
            (Metric::ApiRequestRetries, &api.retries),
        ] {
            let of_all = ACTIONS.map(|action| (action, 0));
            let mut numbers_of_all = BTreeMap::from(of_all);
            numbers_of_all.extend(numbers);
            for (action, count) in numbers_of_all {
                out.sample(metric, &[("action", action)], count as f64);
            }
        }
        for (reason, count) in Reason::ALL.iter().zip(api.failures) {
            let labels = [("reason", reason.as_str())];
            out.sample(Metric::ApiRequestFailures, &labels, count as f64);
        }
        for ((action, code), count) in &api.errors {
            let labels = [("action", *action), ("code", code)];
            out.sample(Metric::ApiRequestErrors, &labels, *count as f64);
        }
        out.sample(Metric::RateLimiterWait, &[], api.limiter_wait.as_secs_f64());
        out.sample(Metric::RateLimiterCeiling, &[], report.requests_per_second);
        let provider = [("provider", account.provider)];
        let renewals = report.renewals.as_ref();
        if let Some(expires) = renewals.and_then(|renewals| renewals.expires) {
            out.sample(Metric::CredentialsExpiry, &provider, unix_seconds(expires));
        }
        if let Some(changed) = report.credentials_changed {
            out.sample(Metric::CredentialsChanged, &provider, unix_seconds(changed));
        }
        if let Some(renewals) = renewals {
            let (taken_up, failed) = (renewals.refreshes as f64, renewals.failures as f64);
            out.sample(Metric::CredentialsRefreshes, &provider, taken_up);
            out.sample(Metric::CredentialsRefreshFailures, &provider, failed);
        }
        out.finish()
    }

    /// What the targets come to together, for each of the times until one of them is too old.
    fn overview(&self, overview: &Overview) -> Part {
        let mut out = FragmentWriter::new(&self.labels);
        for (status, count) in Status::ALL.iter().zip(overview.tracks) {
            let labels = [("status", status.as_str())];
            out.sample(Metric::AccountTracks, &labels, count as f64);
        }
        if let Some(covered) = overview.covered {
            out.sample(Metric::AccountCovered, &[], truth(covered));
        }
        let expectations = &overview.expectations;
        for expected in expectations {
            if let Some(present) = expected.present {
                let labels = [("track", expected.name.as_str())];
                out.sample_as_configured(Metric::ExpectedTrackPresent, &labels, truth(present));
            }
        }
        for expected in expectations {
            if let Some(matches) = expected.matches {
                let labels = [("track", expected.name.as_str())];
                out.sample_as_configured(Metric::ExpectedTrackMatches, &labels, truth(matches));
            }
        }
        Part::between(overview.from, Some(overview.until), Arc::new(out.finish()))
    }

    /// Up only as long as there is something to show: where the loop is dead, nobody else would take
    /// a 1 back.
    fn up(&self, target: &TargetReport) -> Vec<Part> {
        let sample = |value| {
            let mut out = FragmentWriter::new(&self.labels);
            out.sample(Metric::Up, &[("region", &target.region)], value);
            Arc::new(out.finish())
        };
        match &target.last_good {
            Some(good) if target.is_up() => vec![
                Part::between(None, Some(good.show_until), sample(1.0)),
                Part::between(Some(good.show_until), None, sample(0.0)),
            ],
            _ => vec![Part::between(None, None, sample(0.0))],
        }
    }

    /// What every poll moves.
    fn poll(&self, target: &TargetReport) -> Fragment {
        let region = ("region", target.region.as_str());
        let mut out = FragmentWriter::new(&self.labels);
        if let Some(failure) = &target.failure {
            let labels = [
                region,
                ("reason", failure.reason.as_str()),
                ("code", &failure.code),
            ];
            out.sample(Metric::LastFailureInfo, &labels, 1.0);
        }
        let polled = target.last_poll.map_or(0.0, |poll| unix_seconds(poll.at));
        let succeeded = target
            .last_good
            .as_ref()
            .map_or(0.0, |good| unix_seconds(good.at));
        let took = target.last_poll.map_or(0.0, |poll| poll.took.as_secs_f64());
        let counters = &target.counters;
        out.sample(
            Metric::PollInterval,
            &[region],
            target.interval.as_secs_f64(),
        );
        out.sample(Metric::LastPollTimestamp, &[region], polled);
        out.sample(Metric::LastSuccessTimestamp, &[region], succeeded);
        out.sample(Metric::LastPollDuration, &[region], took);
        out.sample(Metric::Polls, &[region], counters.polls as f64);
        for (reason, count) in Reason::ALL.iter().zip(counters.failures) {
            let labels = [region, ("reason", reason.as_str())];
            out.sample(Metric::PollFailures, &labels, count as f64);
        }
        out.sample(Metric::SkippedPolls, &[region], counters.skipped as f64);
        for (change, count) in Change::ALL.iter().zip(counters.changes) {
            let labels = [region, ("change", change.as_str())];
            out.sample(Metric::TrackChanges, &labels, count as f64);
        }
        out.finish()
    }

    fn listing(&mut self, region: &str, good: &LastGood) -> Arc<Fragment> {
        if let Some((listing, fragment)) = self.listings.get(region)
            && Arc::ptr_eq(listing, &good.listing)
        {
            return Arc::clone(fragment);
        }
        let fragment = Arc::new(listing::render(
            &self.account,
            &self.labels,
            region,
            &good.listing,
        ));
        let rendered = (Arc::clone(&good.listing), Arc::clone(&fragment));
        self.listings.insert(region.to_owned(), rendered);
        fragment
    }

    /// The past changes rarely, and is rendered when it does.
    fn past(&mut self, target: &TargetReport) -> &[Part] {
        let cached = self.pasts.entry(target.region.clone()).or_insert_with(|| {
            let past = Arc::clone(&target.past);
            let parts = past::render(&self.labels, &target.region, &past);
            (past, parts)
        });
        if !Arc::ptr_eq(&cached.0, &target.past) {
            cached.1 = past::render(&self.labels, &target.region, &target.past);
            cached.0 = Arc::clone(&target.past);
        }
        &cached.1
    }
}

/// How a sample says yes and no.
pub(super) fn truth(value: bool) -> f64 {
    f64::from(u8::from(value))
}
