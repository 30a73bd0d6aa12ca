//! The accounts by bucket, the whole exposition, and readiness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use enum_map::EnumMap;
use tokio::time::Instant;

use super::bucket::{Bucket, Slot};
use super::chunk::Chunk;
use super::family::MetricFamily;
use super::gzip::{Deflater, Effort};
use super::shown::{Families, Shown, own_segments};
use crate::clock::Moment;
use crate::exposition::{Metric, Renderer};
use crate::hash::stable_hash;
use crate::snapshot::{AccountInfo, Evidence, Report};

/// The number of buckets. With more, a change joins less; with fewer, a scrape has fewer pieces.
const BUCKETS: usize = 64;

/// The most targets that are named as not ready.
const MAX_REASONS: usize = 20;

/// Holds the latest report of every account.
#[derive(Debug)]
pub struct Publisher {
    buckets: Vec<Mutex<Bucket>>,
    /// The lines above the samples.
    headers: EnumMap<Metric, Arc<Chunk>>,
    shown: Mutex<Shown>,
    deflater: Deflater,
    ready: AtomicBool,
}

/// Publishes the reports of one account.
#[derive(Debug)]
pub struct Account {
    publisher: Arc<Publisher>,
    renderer: Renderer,
}

impl Account {
    /// Renders a report and replaces the previous one. `evidence` is the part of the report's
    /// evidence that may be shown.
    pub fn publish(&mut self, report: Arc<Report>, evidence: Evidence, now: Moment) {
        let parts = self.renderer.render(&report, evidence);
        let mut bucket = self.publisher.bucket_of(&report.account.name);
        bucket.publish(report, parts, now);
    }
}

impl Publisher {
    /// A publisher without accounts.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            buckets: (0..BUCKETS).map(|_| Mutex::new(Bucket::new())).collect(),
            headers: EnumMap::from_fn(|metric: Metric| {
                Arc::new(Chunk::of(vec![metric.header().into()]))
            }),
            shown: Mutex::default(),
            deflater: Deflater::new(),
            ready: AtomicBool::new(false),
        })
    }

    /// Returns the value that publishes the reports of one account.
    pub fn account(self: &Arc<Self>, account: Arc<AccountInfo>) -> Account {
        Account {
            publisher: Arc::clone(self),
            renderer: Renderer::new(account),
        }
    }

    /// Removes an account that is no longer in the configuration.
    pub fn withdraw(&self, account: &str, now: Moment) {
        self.bucket_of(account).withdraw(account, now);
    }

    /// Returns the exposition in pieces, with `own`, the series of the process itself, at the end.
    /// If `gzip` is true, the pieces make one gzip member.
    pub fn exposition(&self, gzip: bool, own: &str, now: Moment) -> Vec<Bytes> {
        self.scrape(gzip, || vec![Bytes::copy_from_slice(own.as_bytes())], now)
    }

    /// Returns the exposition as [`Self::exposition`] does. While accounts change, it is the one from
    /// before the change, and `own` is not called.
    pub fn scrape(&self, gzip: bool, own: impl FnOnce() -> Vec<Bytes>, now: Moment) -> Vec<Bytes> {
        let mut shown = self.shown();
        if !shown.is_frozen(now.steady) {
            self.update(&mut shown.families, now);
            shown.set_own(own());
        }
        let scrape = shown.scrape();
        drop(shown);
        if gzip {
            scrape.gzip(&self.deflater)
        } else {
            scrape.plain()
        }
    }

    /// Returns the reports of all accounts, by name. While accounts change, they are those from before
    /// the change.
    pub fn reports(&self) -> Vec<Arc<Report>> {
        let shown = self.shown();
        let frozen = shown.frozen_reports().cloned();
        frozen.unwrap_or_else(|| self.latest_reports())
    }

    /// Begins a change of accounts. Until [`Self::end_change`], scrapes and reports are as they are
    /// now, so they show all of the change or nothing, and do not wait for it.
    pub fn begin_change(&self, own: impl FnOnce() -> Vec<Bytes>, now: Moment) {
        // Sorting thousands of them takes milliseconds, so it comes before the lock.
        let reports = self.latest_reports();
        let mut shown = self.shown();
        self.update(&mut shown.families, now);
        shown.set_own(own());
        shown.freeze(reports, now.steady);
    }

    /// Joins and compresses what the change has left, so that the first scrape after it need not. `own`
    /// renders the series of the process.
    pub fn prepare_change(&self, own: impl FnOnce() -> Vec<Bytes>, now: Moment) {
        let (mut families, before) = {
            let shown = self.shown();
            (shown.families.clone(), shown.own.clone())
        };
        let is_gzip = families.families.values().any(|it| it.is_deflated());
        self.update(&mut families, now);
        let own = own_segments(&before, own());
        if is_gzip {
            // A deflater of its own, because scrapes meanwhile need theirs.
            let deflater = Deflater::new();
            for family in families.families.values() {
                family.deflated(&deflater);
            }
            for segment in &own {
                segment.deflated(&deflater);
            }
        }
        self.shown().set_next(families, own);
    }

    /// Shows the accounts as they are now.
    pub fn end_change(&self) {
        let replaced = self.shown().thaw();
        drop(replaced);
    }

    /// Checks whether every target has had a complete poll, or a whole interval of time for one.
    /// Once the publisher is ready, it stays ready: metrics show a target that fails later, or that a
    /// later reload adds. Without accounts, it is ready, so do not ask before the first accounts start.
    ///
    /// # Errors
    ///
    /// The targets that are not ready.
    pub fn ready(&self, now: Moment) -> Result<(), Vec<String>> {
        if self.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        let slots = self.of_all_slots(|slot| waiting(slot, now.steady));
        let mut waiting = slots.concat();
        if waiting.is_empty() {
            self.ready.store(true, Ordering::Relaxed);
            return Ok(());
        }
        waiting.sort_unstable();
        let more = waiting.len().saturating_sub(MAX_REASONS);
        waiting.truncate(MAX_REASONS);
        if more > 0 {
            waiting.push(format!("and {more} more"));
        }
        Err(waiting)
    }

    /// Updates the families. One whose chunks did not change stays the same.
    fn update(&self, last: &mut Families, now: Moment) {
        let buckets = self.buckets.iter();
        let versions = buckets.clone().map(|bucket| lock(bucket).version(now));
        if versions.eq(last.versions.iter().copied()) {
            return;
        }
        let buckets: Vec<(u64, EnumMap<Metric, Arc<Chunk>>)> = buckets
            .map(|bucket| {
                let mut bucket = lock(bucket);
                (bucket.version(now), bucket.chunks(now).clone())
            })
            .collect();
        for (metric, family) in &mut last.families {
            let chunks = buckets.iter().map(|(_, chunks)| &chunks[metric]);
            if !family.is_of(chunks.clone()) {
                let chunks = chunks.cloned().collect();
                let header = &self.headers[metric];
                let effort = if metric.changes_with_every_poll() {
                    Effort::Fast
                } else {
                    Effort::Dense
                };
                *family = Arc::new(MetricFamily::of(header, chunks, effort, family));
            }
        }
        last.versions = buckets.iter().map(|(version, _)| *version).collect();
    }

    fn latest_reports(&self) -> Vec<Arc<Report>> {
        let mut reports = self.of_all_slots(|slot| Arc::clone(&slot.report));
        reports.sort_by(|one, other| one.account.name.cmp(&other.account.name));
        reports
    }

    /// It is changed by assignments, so a poisoned lock is consistent.
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_all_slots<T>(&self, take: impl Fn(&Slot) -> T) -> Vec<T> {
        let buckets = self.buckets.iter();
        buckets
            .flat_map(|bucket| lock(bucket).slots().map(&take).collect::<Vec<T>>())
            .collect()
    }

    fn bucket_of(&self, account: &str) -> MutexGuard<'_, Bucket> {
        let index = stable_hash(account) % BUCKETS as u64;
        lock(&self.buckets[usize::try_from(index).expect("it is below the number of buckets")])
    }
}

/// Returns the targets of an account that have neither a listing nor had the time for one.
fn waiting(slot: &Slot, now: Instant) -> Vec<String> {
    let report = &slot.report;
    let waiting = report
        .targets
        .iter()
        .filter(|target| target.last_good.is_none() && now < slot.since + target.interval);
    waiting
        .map(|target| {
            let name = format!("{}/{}", report.account.name, target.region);
            match &target.failure {
                Some(failure) => format!("{name}: the first poll failed: {}", failure.reason),
                None => format!("{name}: the first poll has not ended"),
            }
        })
        .collect()
}

/// A bucket is changed by assignments, which cannot panic, so a poisoned lock is consistent.
fn lock(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}
