//! The storage targets of one account, and when each is checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::rules::{CONFIRM_AFTER, Due, Rules};
use super::targets::TargetSettings;
use crate::clock::Moment;
use crate::hash::stable_hash;
use crate::snapshot::{DeliveryReport, StorageTarget};
use crate::tencent::storage::CheckResult;

/// A storage target is checked again at least this fraction of an interval after its first check.
const MIN_GAP: u32 = 2;

/// The storage targets of one account.
#[derive(Debug)]
pub struct DeliveryBook {
    account: String,
    rules: Rules,
    /// The configured APPID of the account.
    app_id: Option<String>,
    entries: BTreeMap<StorageTarget, Entry>,
    /// What was known before the first listing.
    restored: BTreeMap<StorageTarget, Arc<DeliveryReport>>,
}

#[derive(Debug)]
struct Entry {
    report: Arc<DeliveryReport>,
    settings: TargetSettings,
    next: Instant,
    is_in_flight: bool,
}

impl Entry {
    /// Sets the APPID. If another APPID was known, discards the report, because the report belongs to
    /// another bucket. An empty APPID is looked up, and may be the same.
    fn set_app_id(&mut self, app_id: Option<String>, now: Moment) {
        if self.report.app_id == app_id {
            return;
        }
        let report = Arc::make_mut(&mut self.report);
        let is_named = |app_id: &Option<String>| app_id.as_ref().is_some_and(|it| !it.is_empty());
        if is_named(&report.app_id) && is_named(&app_id) {
            report.reset();
            self.next = now.steady;
        }
        report.app_id = app_id;
    }
}

/// A check to make.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is known of the storage target.
    pub known: Arc<DeliveryReport>,
    /// The tracks that deliver to it.
    pub settings: TargetSettings,
}

impl DeliveryBook {
    /// Creates a book without targets, which resumes from the reports of an earlier book.
    pub fn new(account: &str, rules: Rules, known: &[Arc<DeliveryReport>], now: Moment) -> Self {
        let resumed = known.iter().map(|report| {
            let mut report = DeliveryReport::clone(report);
            rules.resume(&mut report, now);
            (report.target.clone(), Arc::new(report))
        });
        Self {
            account: account.to_owned(),
            rules,
            app_id: None,
            entries: BTreeMap::new(),
            restored: resumed.collect(),
        }
    }

    /// Sets the configured APPID of the account, which names its buckets if a track does not.
    #[must_use]
    pub fn with_app_id(self, app_id: Option<String>) -> Self {
        Self { app_id, ..self }
    }

    /// Replaces the targets by the targets of the latest listings. Drops a target without an enabled
    /// track, and its report. A new target, and a target whose settings changed, is checked at once.
    pub fn set_targets(&mut self, targets: BTreeMap<StorageTarget, TargetSettings>, now: Moment) {
        let mut before = std::mem::take(&mut self.entries);
        let mut restored = std::mem::take(&mut self.restored);
        for (target, settings) in targets {
            let app_id = self.app_id(&target, &settings);
            let mut entry = match before.remove(&target) {
                Some(mut entry) => {
                    if entry.settings != settings {
                        entry.next = now.steady;
                        entry.settings = settings;
                    }
                    entry
                }
                None => self.entry(&target, restored.remove(&target), settings, now),
            };
            entry.set_app_id(app_id, now);
            self.entries.insert(target, entry);
        }
    }

    fn entry(
        &self,
        target: &StorageTarget,
        restored: Option<Arc<DeliveryReport>>,
        settings: TargetSettings,
        now: Moment,
    ) -> Entry {
        let report = restored.unwrap_or_else(|| Arc::new(DeliveryReport::new(target.clone())));
        Entry {
            next: match Rules::confirm_after(&report, now) {
                Some(wait) => now.steady + wait,
                None if report.last_check.is_some() => self.phase(target, now),
                None => now.steady,
            },
            report,
            settings,
            is_in_flight: false,
        }
    }

    /// Returns the APPID in the name of a bucket, or an empty one if Cloud Access Management knows it.
    /// `None` if the target is no bucket.
    fn app_id(&self, target: &StorageTarget, settings: &TargetSettings) -> Option<String> {
        let of_track = Some(&settings.app_id).filter(|app_id| !app_id.is_empty());
        let app_id = of_track.or(self.app_id.as_ref()).cloned();
        (target.kind == "cos").then(|| app_id.unwrap_or_default())
    }

    /// Returns when the next check is due. `None` if there is none, apart from those in flight.
    pub fn next_due(&self) -> Option<Instant> {
        let entries = self.entries.values();
        let waiting = entries.filter(|entry| !entry.is_in_flight);
        waiting.map(|entry| entry.next).min()
    }

    /// Returns the check that has been due for the longest time. The caller must enter its result.
    pub fn begin(&mut self, now: Moment) -> Option<Job> {
        let entries = self.entries.iter_mut();
        let due = entries.filter(|(_, entry)| !entry.is_in_flight && entry.next <= now.steady);
        let (target, entry) = due.min_by_key(|(_, entry)| entry.next)?;
        entry.is_in_flight = true;
        let target = target.clone();
        let job = Job {
            known: Arc::clone(&entry.report),
            settings: entry.settings.clone(),
        };
        let next = self.phase(&target, now);
        if let Some(entry) = self.entries.get_mut(&target) {
            entry.next = next;
        }
        Some(job)
    }

    /// Enters the result of a check, and the answer to its question. Returns the report before and
    /// after. `None` if the target was dropped meanwhile.
    pub fn end(
        &mut self,
        job: &Job,
        result: CheckResult,
        due: Option<Due>,
        now: Moment,
    ) -> Option<[Arc<DeliveryReport>; 2]> {
        let entry = self.entries.get_mut(&job.known.target)?;
        entry.is_in_flight = false;
        if entry.settings != job.settings {
            // The result belongs to earlier settings, and the next check is due already.
            return None;
        }
        let before = Arc::clone(&entry.report);
        let since = job.settings.since;
        let report = Arc::make_mut(&mut entry.report);
        if self.rules.enter(report, since, result, due, now) {
            entry.next = entry.next.min(now.steady + CONFIRM_AFTER);
        }
        Some([before, Arc::clone(&entry.report)])
    }

    /// Returns what is known, by target.
    pub fn reports(&self) -> Vec<Arc<DeliveryReport>> {
        let entries = self.entries.values().map(|entry| &entry.report);
        entries.chain(self.restored.values()).cloned().collect()
    }

    /// Returns the next time of a target's phase: a stable hash of its name, by the wall clock.
    fn phase(&self, target: &StorageTarget, now: Moment) -> Instant {
        let StorageTarget {
            kind,
            region,
            name,
            prefix,
        } = target;
        let hash = stable_hash(
            &[&self.account, kind, region, name, prefix]
                .map(String::as_str)
                .join("/"),
        );
        let interval = self.rules.interval;
        let earliest = now + interval / MIN_GAP;
        earliest.steady + earliest.until_phase(hash, interval)
    }
}
