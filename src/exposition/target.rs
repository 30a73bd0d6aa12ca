//! Samples of one target. Its listing and its past have files of their own.

use std::sync::Arc;
use std::time::Duration;

use enum_map::EnumMap;

use super::cached::Cached;
use super::fragment::{Fragment, FragmentWriter, truth};
use super::metric::Metric;
use super::timed_fragment::TimedFragment;
use super::{listing, past};
use crate::clock::unix_seconds;
use crate::failure::Reason;
use crate::snapshot::{AccountInfo, ChangeKind, LastGood, Listing, Past, TargetReport};

/// The values that most polls do not change.
#[derive(Debug, PartialEq)]
struct SlowFields {
    failure: Option<(Reason, String)>,
    interval: Duration,
    failures: EnumMap<Reason, u64>,
    skipped: u64,
    changes: EnumMap<ChangeKind, u64>,
}

impl SlowFields {
    fn of(target: &TargetReport) -> Self {
        let failure = target.failure.as_ref();
        let counters = &target.counters;
        Self {
            failure: failure.map(|failure| (failure.reason, failure.code.to_string())),
            interval: target.interval,
            failures: counters.failures,
            skipped: counters.skipped,
            changes: counters.changes,
        }
    }
}

/// Renders one target. What has not changed is not rendered again.
#[derive(Debug)]
pub(super) struct TargetRenderer {
    /// The fragments of `cloudaudit_up` 0 and of `cloudaudit_up` 1.
    up: [Arc<Fragment>; 2],
    slow: Cached<SlowFields>,
    listing: Option<(Arc<Listing>, Arc<Fragment>)>,
    past: Option<(Arc<Past>, Vec<TimedFragment>)>,
}

impl TargetRenderer {
    /// Creates a renderer of the target with this region.
    pub(super) fn new(labels: &str, region: &str) -> Self {
        let up = [false, true].map(|is_up| {
            let mut out = FragmentWriter::new(labels);
            out.sample(Metric::Up, &[("region", region)], truth(is_up));
            Arc::new(out.finish())
        });
        Self {
            up,
            slow: Cached::default(),
            listing: None,
            past: None,
        }
    }

    /// Appends the fragments of the target.
    pub(super) fn render(
        &mut self,
        account: &AccountInfo,
        labels: &str,
        target: &TargetReport,
        parts: &mut Vec<TimedFragment>,
    ) {
        let region = &target.region;
        self.up(target, parts);
        let slow = SlowFields::of(target);
        let slow = self
            .slow
            .of(slow, |slow| render_slow_fields(labels, region, slow));
        parts.push(TimedFragment::always(slow));
        parts.push(TimedFragment::always(Arc::new(render_per_poll(
            labels, target,
        ))));
        if let Some(good) = &target.last_good {
            let fragment = self.listing(account, labels, region, good);
            parts.push(TimedFragment::between(
                None,
                Some(good.show_until),
                fragment,
            ));
        }
        parts.extend_from_slice(self.past(labels, target));
    }

    /// Appends `cloudaudit_up`. It is 1 only while the listing may be shown: if the account's task
    /// has stopped, nothing else would reset it.
    fn up(&self, target: &TargetReport, parts: &mut Vec<TimedFragment>) {
        let [down, up] = &self.up;
        match &target.last_good {
            Some(good) if target.is_up() => {
                let (up, down) = (Arc::clone(up), Arc::clone(down));
                parts.push(TimedFragment::between(None, Some(good.show_until), up));
                parts.push(TimedFragment::between(Some(good.show_until), None, down));
            }
            _ => parts.push(TimedFragment::always(Arc::clone(down))),
        }
    }

    fn listing(
        &mut self,
        account: &AccountInfo,
        labels: &str,
        region: &str,
        good: &LastGood,
    ) -> Arc<Fragment> {
        if let Some((listing, fragment)) = &self.listing
            && Arc::ptr_eq(listing, &good.listing)
        {
            return Arc::clone(fragment);
        }
        let fragment = Arc::new(listing::render(account, labels, region, &good.listing));
        self.listing = Some((Arc::clone(&good.listing), Arc::clone(&fragment)));
        fragment
    }

    /// Returns the fragments of the past, which changes rarely.
    fn past(&mut self, labels: &str, target: &TargetReport) -> &[TimedFragment] {
        let is_known = |(past, _): &(Arc<Past>, _)| Arc::ptr_eq(past, &target.past);
        if !self.past.as_ref().is_some_and(is_known) {
            let parts = past::render(labels, &target.region, &target.past);
            self.past = Some((Arc::clone(&target.past), parts));
        }
        self.past.as_ref().map_or(&[], |(_, parts)| parts)
    }
}

fn render_slow_fields(labels: &str, region: &str, slow: &SlowFields) -> Fragment {
    let region = ("region", region);
    let mut out = FragmentWriter::new(labels);
    if let Some((reason, code)) = &slow.failure {
        let labels = [region, ("reason", reason.as_str()), ("code", code)];
        out.sample(Metric::LastFailureInfo, &labels, 1.0);
    }
    out.sample(Metric::PollInterval, &[region], slow.interval.as_secs_f64());
    for (reason, count) in slow.failures {
        let labels = [region, ("reason", reason.as_str())];
        out.sample(Metric::PollFailures, &labels, count as f64);
    }
    out.sample(Metric::SkippedPolls, &[region], slow.skipped as f64);
    for (change, count) in slow.changes {
        let labels = [region, ("change", change.as_str())];
        out.sample(Metric::TrackChanges, &labels, count as f64);
    }
    out.finish()
}

/// Renders the values that nearly every poll changes.
fn render_per_poll(labels: &str, target: &TargetReport) -> Fragment {
    let region = [("region", target.region.as_str())];
    let mut out = FragmentWriter::new(labels);
    let polled = target.last_poll.map_or(0.0, |poll| unix_seconds(poll.at));
    let good = target.last_good.as_ref();
    let succeeded = good.map_or(0.0, |good| unix_seconds(good.at));
    let took = target.last_poll.map_or(0.0, |poll| poll.took.as_secs_f64());
    out.sample(Metric::LastPollTimestamp, &region, polled);
    out.sample(Metric::LastSuccessTimestamp, &region, succeeded);
    out.sample(Metric::LastPollDuration, &region, took);
    out.sample(Metric::Polls, &region, target.counters.polls as f64);
    out.finish()
}
