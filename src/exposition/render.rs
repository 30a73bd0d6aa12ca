//! One account's report as parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use super::fragment::{Fragment, FragmentWriter, labels};
use super::metric::Metric;
use crate::clock::unix_seconds;
use crate::failure::Reason;
use crate::snapshot::{
    ACTIONS, AccountInfo, Change, LastGood, Listing, Report, Status, StorageType, TargetReport,
};

/// The combinations that are there even when no track has them, so that an alert on 0 has a series
/// to look at.
const ZERO_FILLED: [(Status, StorageType); 9] = [
    (Status::Enabled, StorageType::Cos),
    (Status::Enabled, StorageType::Cls),
    (Status::Enabled, StorageType::Ckafka),
    (Status::Enabled, StorageType::Other),
    (Status::Disabled, StorageType::Cos),
    (Status::Disabled, StorageType::Cls),
    (Status::Disabled, StorageType::Ckafka),
    (Status::Disabled, StorageType::Other),
    (Status::Unknown, StorageType::Other),
];

/// A fragment and the time in which it may be shown.
#[derive(Clone, Debug)]
pub struct Part {
    /// Hidden before this.
    pub from: Option<Instant>,
    /// Hidden from this on.
    pub until: Option<Instant>,
    /// What is shown.
    pub fragment: Arc<Fragment>,
}

impl Part {
    /// Whether it is shown at `now`.
    pub fn is_shown(&self, now: Instant) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// When that changes next.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        [self.from, self.until]
            .into_iter()
            .flatten()
            .filter(|time| *time > now)
            .min()
    }

    fn always(fragment: Fragment) -> Self {
        Self::between(None, None, Arc::new(fragment))
    }

    fn between(from: Option<Instant>, until: Option<Instant>, fragment: Arc<Fragment>) -> Self {
        Self {
            from,
            until,
            fragment,
        }
    }
}

/// Renders one account, and renders its listings only when they change.
#[derive(Debug)]
pub struct Renderer {
    account: Arc<AccountInfo>,
    labels: String,
    listings: HashMap<String, (Arc<Listing>, Arc<Fragment>)>,
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
        }
    }

    /// Everything there is to show of a report, now and later.
    pub fn render(&mut self, report: &Report) -> Vec<Part> {
        let mut parts = vec![Part::always(self.account(report))];
        parts.extend(self.account_tracks(report));
        for target in &report.targets {
            parts.extend(self.up(target));
            parts.push(Part::always(self.poll(target)));
            if let Some(good) = &target.last_good {
                let fragment = self.listing(&target.region, good);
                parts.push(Part::between(None, Some(good.show_until), fragment));
            }
        }
        parts
    }

    /// What is the same whatever the listings say.
    fn account(&self, report: &Report) -> Fragment {
        let mut out = FragmentWriter::new(&self.labels);
        let account = &self.account;
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
            for action in ACTIONS {
                let count = numbers.get(action).copied().unwrap_or_default();
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
        if let Some(changed) = report.credentials_changed {
            out.sample(Metric::CredentialsChanged, &provider, unix_seconds(changed));
        }
        out.finish()
    }

    /// Counts over all regions whose data is young enough, for each of the times until one of them
    /// is not any more.
    fn account_tracks(&self, report: &Report) -> Vec<Part> {
        let mut known: Vec<&LastGood> = report
            .targets
            .iter()
            .filter_map(|target| target.last_good.as_ref())
            .collect();
        known.sort_by_key(|good| std::cmp::Reverse(good.show_until));
        let mut worst: HashMap<u64, Status> = HashMap::new();
        let mut parts = Vec::new();
        for (index, good) in known.iter().enumerate() {
            for track in &good.listing.tracks {
                let status = worst.entry(track.id).or_insert(track.status);
                *status = worse(*status, track.status);
            }
            let from = known.get(index + 1).map(|sooner| sooner.show_until);
            if from == Some(good.show_until) {
                continue;
            }
            let mut out = FragmentWriter::new(&self.labels);
            for status in Status::ALL {
                let count = worst.values().filter(|value| **value == status).count();
                let labels = [("status", status.as_str())];
                out.sample(Metric::AccountTracks, &labels, count as f64);
            }
            parts.push(Part::between(
                from,
                Some(good.show_until),
                Arc::new(out.finish()),
            ));
        }
        parts
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
        let fragment = Arc::new(listing_fragment(&self.labels, region, &good.listing));
        let rendered = (Arc::clone(&good.listing), Arc::clone(&fragment));
        self.listings.insert(region.to_owned(), rendered);
        fragment
    }
}

/// One id with two statuses counts as the one that somebody should look at.
fn worse(one: Status, other: Status) -> Status {
    let badness = |status| match status {
        Status::Enabled => 0,
        Status::Unknown => 1,
        Status::Disabled => 2,
    };
    std::cmp::max_by_key(one, other, |status| badness(*status))
}

fn listing_fragment(common_labels: &str, region: &str, listing: &Listing) -> Fragment {
    let mut out = FragmentWriter::new(common_labels);
    let region = ("region", region);
    let mut counts: BTreeMap<(Status, StorageType), u64> =
        ZERO_FILLED.map(|combination| (combination, 0)).into();
    for track in &listing.tracks {
        *counts
            .entry((track.status, track.storage.storage_type()))
            .or_default() += 1;
    }
    for ((status, storage_type), count) in counts {
        let labels = [
            region,
            ("status", status.as_str()),
            ("storage_type", storage_type.as_str()),
        ];
        out.sample(Metric::Tracks, &labels, count as f64);
    }
    out.sample(Metric::ReportedTracks, &[region], listing.reported as f64);

    let ids: Vec<String> = listing
        .tracks
        .iter()
        .map(|track| track.id.to_string())
        .collect();
    let tracks = || {
        listing.tracks.iter().zip(&ids).map(|(track, id)| {
            (
                track,
                [
                    region,
                    ("track_id", id.as_str()),
                    ("track", track.name.as_str()),
                ],
            )
        })
    };
    for (track, labels) in tracks() {
        let enabled = track.status == Status::Enabled;
        out.sample(Metric::TrackEnabled, &labels, f64::from(u8::from(enabled)));
    }
    for (_, labels) in tracks() {
        out.sample(Metric::TrackPresent, &labels, 1.0);
    }
    for (track, labels) in tracks() {
        if let Some(created) = track.created {
            out.sample(Metric::TrackCreatedTimestamp, &labels, created as f64);
        }
    }
    for (track, [region, id, name]) in tracks() {
        let storage = &track.storage;
        let labels = [
            region,
            id,
            name,
            ("action_type", track.action_type.as_str()),
            ("resource_type", &track.resource_type),
            ("storage_type", &storage.kind),
            ("storage_region", &storage.region),
            ("storage_name", &storage.name),
            ("storage_prefix", &storage.prefix),
            ("storage_account", &storage.account),
        ];
        out.sample(Metric::TrackInfo, &labels, 1.0);
    }
    out.finish()
}
